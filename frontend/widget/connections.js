/** One connection for all elements of a page that speak to the same server as the same person. */

import { connect } from "../client/parley.js";

/** @typedef {import("../client/parley.js").Connection} Connection */
/** @typedef {import("../client/client.js").GetToken} GetToken */

/** @type {Map<unknown, { connection: Connection, url: string, users: number }[]>} */
const shared = new Map();

/**
 * To be given back with `release`.
 * @param {string} url
 * @param {string | GetToken} token The same token or function means the same person.
 */
export function acquire(url, token) {
  const list = shared.get(token) ?? [];
  shared.set(token, list);
  let one = list.find((known) => known.url === url);
  if (one === undefined) {
    const getToken = typeof token === "function" ? token : () => token;
    one = { connection: connect({ url, getToken }), url, users: 0 };
    list.push(one);
  }
  one.users += 1;
  return one.connection;
}

/** @param {string | GetToken} token @param {Connection} connection */
export function release(token, connection) {
  const list = shared.get(token) ?? [];
  const at = list.findIndex((one) => one.connection === connection);
  const one = list[at];
  if (one === undefined) return;
  one.users -= 1;
  if (one.users > 0) return;
  list.splice(at, 1);
  connection.close();
}
