/** One order: how far it is, what is in it, and its conversation with exactly the order's people. */

import "../widget/thread-element.js";
import { loadOrders } from "./catalogue.js";
import { el, find } from "./dom.js";
import { parley, setTitle, startPage } from "./page.js";
import { daysAgo, priceText } from "./words.js";

/** @typedef {import("./catalogue.js").Order} Order */

startPage(async ({ person, connection }) => {
  const root = find("#order", HTMLElement);
  const id = decodeURIComponent(location.pathname.split("/")[2] ?? "");
  const order = (await loadOrders(person)).find((one) => one.id === id);
  if (order === undefined) return showNothing(root, id);
  setTitle(`Order ${id}`);
  const thread = parley("parley-thread", connection, { context: `order:${id}` });
  root.replaceChildren(
    head(order),
    el("div", { class: "order-about" }, steps(order), lines(order), delivery(order)),
    el(
      "section",
      { class: "order-talk", "aria-labelledby": "order-talk" },
      el(
        "h2",
        { id: "order-talk" },
        person.id === order.agent.id ? `Talk to ${order.customer.name}` : "Talk to support",
      ),
      el("div", { class: "talk panel" }, thread),
    ),
  );
});

/**
 * To whom an order does not belong, there is none.
 * @param {HTMLElement} root
 * @param {string} id
 */
function showNothing(root, id) {
  setTitle("No such order");
  root.replaceChildren(
    el(
      "div",
      { class: "order-head" },
      el("h1", {}, `There is no order ${id} of yours`),
      el("p", { class: "lead" }, "Perhaps it is somebody else’s. ", el("a", { href: "/orders" }, "See your orders")),
    ),
  );
}

/** @param {Order} order */
function head({ id, days_ago, customer }) {
  return el(
    "div",
    { class: "order-head" },
    el("nav", { class: "crumbs", "aria-label": "Where you are" }, el("a", { href: "/orders" }, "← Orders")),
    el("h1", {}, `Order ${id}`),
    el("p", { class: "lead" }, `Placed ${daysAgo(days_ago)} by ${customer.name}`),
  );
}

/** @param {Order} order */
function steps({ steps, state }) {
  const now = steps.indexOf(state);
  const items = steps.map((step, index) =>
    el("li", { class: index < now && "done", "aria-current": index === now && "step" }, step),
  );
  return el(
    "section",
    { "aria-labelledby": "state" },
    el("h2", { id: "state" }, "Where it is"),
    el("ol", { class: "steps" }, ...items),
  );
}

/** @param {Order} order */
function lines({ lines, total }) {
  const rows = lines.map(({ item, quantity, price }) =>
    el(
      "tr",
      {},
      el(
        "th",
        { scope: "row" },
        el(
          "div",
          { class: "line-item" },
          el("img", { src: item.image_url, alt: "" }),
          el("a", { href: item.url }, item.title),
        ),
      ),
      el("td", { class: "num" }, String(quantity)),
      el("td", { class: "num" }, priceText(price, { isExact: true })),
    ),
  );
  const heads = ["Item", "Number", "Price"].map((name, index) =>
    el("th", { scope: "col", class: index > 0 && "num" }, name),
  );
  return el(
    "section",
    { "aria-labelledby": "lines" },
    el("h2", { id: "lines" }, "What is in it"),
    el(
      "table",
      { class: "lines" },
      el("thead", {}, el("tr", {}, ...heads)),
      el("tbody", {}, ...rows),
      el(
        "tfoot",
        {},
        el(
          "tr",
          {},
          el("th", { scope: "row", colspan: 2 }, "Total"),
          el("td", { class: "num" }, priceText(total, { isExact: true })),
        ),
      ),
    ),
  );
}

/** @param {Order} order */
function delivery({ address, carrier, agent }) {
  const facts = [
    ["To", address],
    ["With", carrier],
    ["Your contact", agent.name],
  ];
  return el(
    "section",
    { "aria-labelledby": "delivery" },
    el("h2", { id: "delivery" }, "Delivery"),
    el(
      "dl",
      { class: "facts" },
      ...facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))),
    ),
  );
}
