/** What every page of the shop begins with: the person, one connection for all that is on the page, and the frame. */

import { connect } from "../client/parley.js";
import { el, find } from "./dom.js";
import { showFrame } from "./frame.js";
import { logIn } from "./person.js";

/** @typedef {import("./person.js").Person} Person */
/** @typedef {import("../client/parley.js").Connection} Connection */
/** @typedef {{ person: Person, connection: Connection, signal: AbortSignal }} Page */

/**
 * Start the page and fill it; if that fails, say so in place of it.
 * @param {(page: Page) => unknown} fill
 */
export async function startPage(fill) {
  const { signal } = new AbortController(); // as long as the page lives
  try {
    const person = await logIn();
    const connection = connect({ url: "", getToken: person.getToken });
    const page = { person, connection, signal };
    await Promise.all([showFrame(page), fill(page)]);
  } catch (error) {
    console.error(error);
    find("#content", HTMLElement).prepend(apology());
  }
}

/**
 * One of Parley's elements, fed by the page's connection.
 * @param {"parley-inbox" | "parley-thread" | "parley-launcher"} tag
 * @param {Connection} connection
 * @param {Record<string, string | boolean>} [attributes]
 */
export function parley(tag, connection, attributes = {}) {
  const element = /** @type {HTMLElement & { connection: Connection }} */ (document.createElement(tag));
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.connection = connection;
  return element;
}

/** @param {string} title */
export function setTitle(title) {
  document.title = `${title} · Feira`;
}

function apology() {
  const retry = el("button", { type: "button", class: "button quiet", onclick: () => location.reload() }, "Try again");
  return el("div", { class: "notice", role: "alert" }, el("p", {}, "The shop cannot be reached just now."), retry);
}
