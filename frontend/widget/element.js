/** What Parley's elements have in common: a shadow root, a connection, and an end. */

import { acquire, release } from "./connections.js";
import { SHEET } from "./styles.js";

/** @typedef {import("../client/parley.js").Connection} Connection */
/** @typedef {import("../client/client.js").GetToken} GetToken */

export class ParleyElement extends HTMLElement {
  /** How the page gives a token; it is asked again when one has expired. @type {GetToken | null} */
  getToken = null;
  /** A connection that the page made and will close; else the element makes one. @type {Connection | null} */
  connection = null;

  /** @type {AbortController | null} */
  #life = null;
  /** @type {{ token: string | GetToken, connection: Connection } | null} */
  #own = null;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [SHEET];
  }

  get root() {
    return /** @type {ShadowRoot} */ (this.shadowRoot);
  }

  connectedCallback() {
    for (const name of /** @type {const} */ (["connection", "getToken"])) this.#upgrade(name);
    this.#life = new AbortController();
    const { signal } = this.#life;
    queueMicrotask(() => {
      if (signal.aborted) return; // a page may set properties right after it has added the element
      const connection = this.connection ?? this.#connect();
      if (connection !== null) this.start(connection, signal);
    });
  }

  disconnectedCallback() {
    this.#life?.abort();
    this.root.replaceChildren();
    if (this.#own !== null) release(this.#own.token, this.#own.connection);
    this.#own = null;
  }

  /** Draw, until `signal` aborts. @param {Connection} _connection @param {AbortSignal} _signal */
  start(_connection, _signal) {}

  /** @param {string} name @param {unknown} detail @returns {boolean} Whether the page let it happen. */
  tell(name, detail) {
    return this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true, cancelable: true }));
  }

  #connect() {
    const token = this.getToken ?? this.getAttribute("token");
    if (token === null) return null;
    const url = new URL(this.getAttribute("src") ?? "/", import.meta.url).origin;
    this.#own = { token, connection: acquire(url, token) };
    return this.#own.connection;
  }

  /** Set on the plain element before it was ours. @param {"connection" | "getToken"} name */
  #upgrade(name) {
    if (!Object.prototype.hasOwnProperty.call(this, name)) return;
    const value = this[name];
    Reflect.deleteProperty(this, name);
    Object.assign(this, { [name]: value });
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
