/** The person's orders: those they placed, or those they look after. */

import { loadOrders } from "./catalogue.js";
import { el, find } from "./dom.js";
import { startPage } from "./page.js";
import { daysAgo, priceText } from "./words.js";

startPage(async ({ person }) => {
  const orders = await loadOrders(person);
  const isAgent = orders.some(({ agent }) => agent.id === person.id);
  const note = isAgent ? "You look after these." : "What you have bought, and where it is.";
  find("#orders-note", HTMLElement).textContent = orders.length > 0 ? note : "You have not ordered anything yet.";
  find("#orders", HTMLElement).replaceChildren(...orders.map(row));
});

/** @param {import("./catalogue.js").Order} order */
function row({ id, state, lines, total, days_ago, customer }) {
  const things = lines.map(({ item, quantity }) => (quantity > 1 ? `${quantity} × ${item.title}` : item.title));
  return el(
    "li",
    { class: "order-row panel" },
    el("img", { src: lines[0]?.item.image_url, alt: "", width: 400, height: 300 }),
    el("h2", {}, el("a", { href: `/orders/${id}` }, `Order ${id}`)),
    el("span", { class: state === "delivered" ? "chip" : "chip good" }, state),
    el("p", {}, `${things.join(", ")} · ${priceText(total)} · ${customer.name}, ${daysAgo(days_ago)}`),
  );
}
