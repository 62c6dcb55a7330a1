/** `<parley-thread>`: one conversation, `conversation="id"`, or `context="listing:42"` and perhaps `with="sol"`. */

import { apology } from "./banner.js";
import { el } from "./dom.js";
import { ParleyElement } from "./element.js";
import { showNews } from "./news.js";
import { createThreadView } from "./thread-view.js";

/** @typedef {import("../client/parley.js").Connection} Connection */
/** @typedef {import("../client/parley.js").Thread} Thread */

export class ParleyThread extends ParleyElement {
  /** @type {Thread | null} */
  #thread = null;
  /** @type {(() => void) | null} */
  #focusInput = null;
  #isFocusWanted = false;

  /** The engine's own, once it is open. */
  get thread() {
    return this.#thread;
  }

  /** Into the input, as soon as there is one. */
  focus() {
    this.#isFocusWanted = this.#focusInput === null;
    this.#focusInput?.();
  }

  /** @param {Connection} connection @param {AbortSignal} signal */
  async start(connection, signal) {
    const skeleton = el("div", { class: "skeleton bubbles", "aria-hidden": "true" }, el("i"), el("i"), el("i"), el("i"));
    this.root.replaceChildren(skeleton);
    try {
      const thread = await connection.open(this.wanted ?? { conversation_id: "" });
      if (signal.aborted) return thread.close();
      this.#thread = thread;
      const { root, focus, goToEnd, isSeen } = createThreadView(connection, thread, { signal, onItem: this.onItem, items: this.items });
      this.root.replaceChildren(root);
      this.#focusInput = focus;
      if (this.#isFocusWanted) this.focus();
      const open = () => {
        this.scrollIntoView({ block: "nearest" });
        void goToEnd();
        focus();
      };
      showNews(connection, { root: this.root, signal, isSeen: (id) => id === thread.id && isSeen(), only: thread.id, open });
      this.tell("parley-open", { conversation: thread.conversation });
    } catch (error) {
      if (signal.aborted) return;
      this.root.replaceChildren(apology(error, () => void this.start(connection, signal)));
    }
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.#thread?.close();
    this.#thread = null;
    this.#focusInput = null;
  }
}

if (!customElements.get("parley-thread")) customElements.define("parley-thread", ParleyThread);
