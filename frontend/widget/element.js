/** What Parley's elements have in common: a shadow root, a connection, and an end. */

import { showInTab } from "./badge.js";
import { acquire, release } from "./connections.js";
import { el } from "./dom.js";
import { SHEET } from "./styles.js";
import { WORDS } from "./words.js";

/** @typedef {import("../client/parley.js").Connection} Connection */
/** @typedef {import("../client/client.js").GetToken} GetToken */
/** @typedef {import("../client/store.js").Context} Context */

const PROPERTIES = /** @type {const} */ (["connection", "getToken", "items", "onClose"]);

export class ParleyElement extends HTMLElement {
  static observedAttributes = ["as", "context", "conversation", "src", "token", "with"];

  /** How the page gives a token; it is asked again when one has expired. @type {GetToken | null} */
  getToken = null;
  /** A connection that the page made and will close; else the element makes one. @type {Connection | null} */
  connection = null;
  /** What can be shared in a message; else the items of the person's conversations. @type {(() => readonly Context[]) | null} */
  items = null;

  /** @type {AbortController | null} */
  #life = null;
  /** @type {{ token: string | GetToken, connection: Connection } | null} */
  #own = null;

  constructor() {
    super();
    this.attachShadow({ mode: "open" }).adoptedStyleSheets = [SHEET];
  }

  get root() {
    return /** @type {ShadowRoot} */ (this.shadowRoot);
  }

  connectedCallback() {
    for (const name of PROPERTIES) this.#upgrade(name);
    this.#life = new AbortController();
    const { signal } = this.#life;
    queueMicrotask(() => {
      if (!signal.aborted) this.#begin(signal); // a page may set properties right after it has added the element
    });
  }

  disconnectedCallback() {
    this.#life?.abort();
    this.#life = null;
    this.root.replaceChildren();
    if (this.#own !== null) release(this.#own.token, this.#own.connection);
    this.#own = null;
  }

  /** @param {string} _name @param {string | null} before @param {string | null} after */
  attributeChangedCallback(_name, before, after) {
    if (before === after || this.#life === null) return;
    this.disconnectedCallback();
    this.connectedCallback();
  }

  /** Draw, until `signal` aborts. @param {Connection} _connection @param {AbortSignal} _signal @returns {unknown} */
  start(_connection, _signal) {
    return undefined;
  }

  /** @param {string} name @param {unknown} detail @returns {boolean} Whether the page let it happen. */
  tell(name, detail) {
    return this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true, cancelable: true }));
  }

  /** The page may open an item in its own way. @param {Context} context @param {Event} event */
  onItem = (context, event) => {
    if (!this.tell("parley-item", { context })) event.preventDefault();
  };

  /** What attributes ask for: `conversation`, or `context` and perhaps `with`. */
  get wanted() {
    const id = this.getAttribute("conversation");
    if (id !== null) return { conversation_id: id };
    const context = contextOf(this.getAttribute("context"));
    const other = this.getAttribute("with");
    if (context !== null) return { context, ...(other !== null && { with: other }) };
    return other === null ? null : { with: other };
  }

  /** @param {AbortSignal} signal */
  #begin(signal) {
    const connection = this.connection ?? this.#connect();
    if (connection === null) {
      this.root.replaceChildren(el("div", { class: "empty" }, el("p", { role: "alert" }, WORDS.signed_out)));
      this.tell("parley-signed-out", {});
      return;
    }
    keepAboveKeyboard(this, signal);
    this.#watch(connection, signal);
    void this.start(connection, signal);
  }

  #connect() {
    const token = this.getToken ?? this.getAttribute("token");
    if (token === null) return null;
    const url = new URL(this.getAttribute("src") ?? "/", import.meta.url).origin;
    this.#own = { token, connection: acquire(url, token) };
    return this.#own.connection;
  }

  /** Tells the page what is unread, and whether the person is signed out. @param {Connection} connection @param {AbortSignal} signal */
  #watch(connection, signal) {
    let told = -1;
    let wasSignedOut = false;
    const look = () => {
      const { total } = connection.unread;
      const isSignedOut = connection.status.phase === "signed_out";
      if (isSignedOut && !wasSignedOut) this.tell("parley-signed-out", {});
      wasSignedOut = isSignedOut;
      if (total === told || connection.me === null) return;
      told = total;
      if (this.tell("parley-unread", { total })) showInTab(total, signal);
    };
    connection.on("change", look, { signal });
    look();
  }

  /** Set on the plain element before it was ours. @param {string} name */
  #upgrade(name) {
    if (!Object.prototype.hasOwnProperty.call(this, name)) return;
    const value = Reflect.get(this, name);
    Reflect.deleteProperty(this, name);
    Reflect.set(this, name, value);
  }
}

/**
 * `listing:42` as a page writes it.
 * @param {string | null} text
 */
export function contextOf(text) {
  const colon = text?.indexOf(":") ?? -1;
  return text && colon > 0 ? { kind: text.slice(0, colon), id: text.slice(colon + 1) } : null;
}

/**
 * Some phones lay their keyboard over the page instead of making the page smaller: what it covers is left free.
 * @param {HTMLElement} element
 * @param {AbortSignal} signal
 */
function keepAboveKeyboard(element, signal) {
  const view = window.visualViewport;
  const fit = () => {
    if (!view || view.scale !== 1) return;
    const isTyping = document.activeElement === element;
    const covered = isTyping ? element.getBoundingClientRect().bottom - view.offsetTop - view.height : 0;
    element.style.setProperty("--p-covered", `${Math.max(0, Math.round(covered))}px`);
  };
  view?.addEventListener("resize", fit, { signal });
  element.addEventListener("focusin", fit, { signal });
  element.addEventListener("focusout", fit, { signal });
}
