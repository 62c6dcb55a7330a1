/** The shop's own things: its people, items and orders, as its back end tells them. */

/** @typedef {{ id: string, name: string, about: string }} Someone */
/** @typedef {import("./words.js").Price} Price */
/**
 * @typedef {{ kind: "listing" | "product" | "service" | "request", id: string, title: string, url: string,
 *   image_url: string, price: Price | null, seller: Someone, state: string, text: string,
 *   facts: Record<string, string> }} Item
 */
/**
 * @typedef {{ id: string, customer: Someone, agent: Someone, state: string, steps: string[], days_ago: number,
 *   lines: { item: Item, quantity: number, price: Price }[], total: Price, address: string, carrier: string }} Order
 */

/** @returns {Promise<Someone[]>} */
export const loadPeople = () => load("/demo/people");

/** @returns {Promise<Item[]>} */
export const loadItems = () => load("/demo/items");

/**
 * The orders of one person: placed by them, or looked after by them.
 * @param {import("./person.js").Person} person
 * @returns {Promise<Order[]>}
 */
export async function loadOrders({ getToken }) {
  return load("/demo/orders", { authorization: `Bearer ${await getToken()}` });
}

/**
 * @param {string} path
 * @param {Record<string, string>} [headers]
 */
async function load(path, headers = {}) {
  const response = await fetch(path, { headers });
  if (!response.ok) throw new Error(`${path} answered ${response.status}.`);
  return response.json();
}
