/** `<parley-launcher>`: a button in the corner with the unread count; pressed, a panel with the conversations. */

import { el, icon } from "./dom.js";
import { ParleyElement } from "./element.js";
import { ParleyInbox } from "./inbox-element.js";
import { showNews } from "./news.js";
import { LAUNCHER_SHEET } from "./styles-launcher.js";
import { WORDS } from "./words.js";

/** @typedef {import("../client/parley.js").Connection} Connection */

const COUNT_MAX = 99;
const HANDED_ON = ["as", "browse", "context", "conversation", "share", "theme", "with"];

export class ParleyLauncher extends ParleyElement {
  #count = el("b", { class: "count", hidden: true });
  #button = el("button", { type: "button", class: "launch", onclick: () => this.toggle() }, icon("talk"), icon("down"), this.#count);
  #panel = el("div", { class: "panel", role: "dialog", "aria-label": WORDS.messages, hidden: true });
  /** @type {Connection | null} */
  #shared = null;

  /** @param {Connection} connection @param {AbortSignal} signal */
  start(connection, signal) {
    if (!this.root.adoptedStyleSheets.includes(LAUNCHER_SHEET)) this.root.adoptedStyleSheets.push(LAUNCHER_SHEET);
    this.#shared = connection;
    this.root.replaceChildren(this.#panel, this.#button);
    this.#panel.hidden = true;
    this.#panel.addEventListener("keydown", ({ key }) => key === "Escape" && this.close(), { signal });
    showNews(connection, { root: this.root, signal, isSeen: () => false, only: null, open: (id) => this.#openAt(id) });
    const show = () => this.#show(connection.unread.total);
    connection.on("change", show, { signal });
    show();
    if (this.hasAttribute("open")) this.open();
  }

  get inbox() {
    const found = this.#panel.firstElementChild;
    return found instanceof ParleyInbox ? found : null;
  }

  open() {
    if (!this.#panel.hidden || this.#shared === null) return;
    const inbox = /** @type {ParleyInbox} */ (document.createElement("parley-inbox"));
    for (const name of HANDED_ON) {
      const value = this.getAttribute(name);
      if (value !== null) inbox.setAttribute(name, value);
    }
    inbox.toggleAttribute("no-history", true); // "back" belongs to the page
    Object.assign(inbox, { connection: this.#shared, items: this.items, onClose: () => this.close() });
    this.#panel.replaceChildren(inbox);
    this.#panel.hidden = false;
    this.#show(this.#shared.unread.total);
    this.#panel.tabIndex = -1;
    this.#panel.focus();
  }

  close() {
    if (this.#panel.hidden) return; // the focus is the page's
    this.inbox?.leave(); // the page hears of it while it can
    this.#panel.hidden = true;
    this.#panel.replaceChildren();
    this.#show(this.#shared?.unread.total ?? 0);
    this.#button.focus();
  }

  toggle() {
    if (this.#panel.hidden) this.open();
    else this.close();
  }

  /** From a toast. @param {string} conversationId */
  #openAt(conversationId) {
    const { inbox } = this;
    if (inbox !== null) return inbox.open(conversationId);
    this.open();
    this.#panel.firstElementChild?.setAttribute("conversation", conversationId);
  }

  /** @param {number} total */
  #show(total) {
    const isOpen = !this.#panel.hidden;
    this.#count.hidden = total === 0 || isOpen;
    this.#count.textContent = total > COUNT_MAX ? `${COUNT_MAX}+` : String(total);
    const label = isOpen ? WORDS.close : total === 0 ? WORDS.launch : `${WORDS.launch}, ${WORDS.unread_count(total)}`;
    this.#button.setAttribute("aria-label", label);
    this.#button.setAttribute("aria-expanded", String(isOpen));
  }
}

if (!customElements.get("parley-launcher")) customElements.define("parley-launcher", ParleyLauncher);
