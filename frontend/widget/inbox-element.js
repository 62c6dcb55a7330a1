/**
 * `<parley-inbox>`: all conversations, a list beside the one that is open; on a phone one after the other.
 * `as="seller"`: only where the person is that; `needs-reply`: who waits for an answer comes first; `browse`, `share`:
 * addresses for those who have no conversation yet; `no-history`: leave the page's history alone.
 */

import { apology } from "./banner.js";
import { el } from "./dom.js";
import { ParleyElement } from "./element.js";
import { showNews } from "./news.js";
import { WORDS } from "./words.js";

/** @typedef {import("../client/parley.js").Connection} Connection */

export class ParleyInbox extends ParleyElement {
  /** Shows a button that closes it. @type {(() => void) | null} */
  onClose = null;

  /** @type {ReturnType<typeof import("./inbox.js").createInbox> | null} */
  #inbox = null;

  /** Whether the page was told of a conversation. */
  #isShowing = false;

  /** @param {string} conversationId */
  open(conversationId) {
    this.#inbox?.open(conversationId);
  }

  /** Show the list alone. */
  leave() {
    this.#inbox?.leave();
  }

  focus() {
    this.#inbox?.focus();
  }

  /** @param {Connection} connection @param {AbortSignal} signal */
  async start(connection, signal) {
    const loaded = await import("./inbox.js").catch(() => null); // a page with one thread has no need of it
    if (signal.aborted) return;
    if (loaded === null) return this.#apologise(() => void this.start(connection, signal));
    const role = this.getAttribute("as");
    const inbox = loaded.createInbox(this.root, connection, {
      role: role === "buyer" || role === "seller" || role === "agent" ? role : null,
      isNeedsReply: this.hasAttribute("needs-reply"),
      browse: this.getAttribute("browse"),
      share: this.getAttribute("share"),
      first: this.wanted,
      hasHistory: !this.hasAttribute("no-history"),
      items: this.items,
      onItem: this.onItem,
      onOpened: (thread) => this.#show(thread?.conversation),
      onClose: this.onClose ?? undefined,
      signal,
    });
    this.#inbox = inbox;
    showNews(connection, { root: this.root, signal, isSeen: inbox.isSeen, only: null, open: inbox.open });
  }

  /** @param {import("../client/store.js").Conversation} [conversation] */
  #show(conversation) {
    if (conversation !== undefined) this.tell("parley-open", { conversation });
    else if (this.#isShowing) this.tell("parley-close", {});
    this.#isShowing = conversation !== undefined;
  }

  /** @param {() => void} again */
  #apologise(again) {
    const box = apology({ code: "unreachable" }, again);
    const { onClose } = this;
    if (onClose !== null) box.append(el("button", { type: "button", class: "quiet", onclick: () => onClose() }, WORDS.close));
    this.root.replaceChildren(box);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.#inbox = null;
  }
}

if (!customElements.get("parley-inbox")) customElements.define("parley-inbox", ParleyInbox);
