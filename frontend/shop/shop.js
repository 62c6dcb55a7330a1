/** The shop: a few items, and the buyer's conversations about them. */

import { Problem, createApi } from "../client/client.js";
import { startChat } from "./chat.js";
import { el, find } from "./dom.js";
import { logIn, showCast } from "./people.js";
import { priceText } from "./words.js";

/** @typedef {import("../client/store.js").Context} Context */

const ITEMS = ["listing/oak-table", "listing/road-bike", "product/moka-pot", "service/piano-lessons"];
const FALLBACK = "bea";

const { signal } = new AbortController(); // as long as the page lives

showCast(find("#cast", HTMLElement), FALLBACK);
const person = await logIn(FALLBACK);
const [items, chat] = await Promise.all([
  loadItems(),
  startChat({ root: find("#chat", HTMLElement), person, signal }),
]);
find("#items", HTMLElement).replaceChildren(...items.map(card));
showWanted();

/** The items that the shop has told of. @returns {Promise<Context[]>} */
async function loadItems() {
  const api = createApi({ url: "/api/v1", getToken: person.getToken });
  const found = await Promise.all(
    ITEMS.map((path) =>
      api.get(`/contexts/${path}`).catch((error) => {
        if (error instanceof Problem && error.code === "not_found") return null;
        throw error;
      }),
    ),
  );
  return found.filter((item) => item !== null);
}

/** @param {Context} item */
function card(item) {
  const attributes = Object.entries(item.attributes).map(([name, value]) => `${name}: ${value}`);
  return el(
    "li",
    { id: `${item.kind}:${item.id}`, tabindex: -1 },
    el("h3", {}, item.title),
    el("p", {}, [item.price && priceText(item.price), item.state, ...attributes].filter(Boolean).join(" · ")),
    item.seller_id === person.id
      ? el("p", {}, "You offer this.")
      : el("button", { type: "button", onclick: () => chat.ask(item) }, "Ask the seller"),
  );
}

/** `?item=listing:oak-table`, as links to an item have it. */
function showWanted() {
  const wanted = new URLSearchParams(location.search).get("item");
  document.getElementById(wanted ?? "")?.focus();
}
