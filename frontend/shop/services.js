/** Services: who offers what, who needs what, and what of it is one's own. One person may be both. */

import { card } from "./cards.js";
import { loadItems } from "./catalogue.js";
import { find } from "./dom.js";
import { startPage } from "./page.js";

/** @typedef {import("./catalogue.js").Item} Item */

startPage(async ({ person }) => {
  const items = await loadItems();
  for (const kind of ["service", "request"]) {
    const others = items.filter((item) => item.kind === kind && item.seller.id !== person.id);
    find(`#${kind}`, HTMLElement).replaceChildren(...others.map(card));
  }
  showOwn(items.filter(({ kind, seller }) => seller.id === person.id && (kind === "service" || kind === "request")));
});

/** @param {Item[]} own */
function showOwn(own) {
  find("#own-section", HTMLElement).hidden = own.length === 0;
  find("#own-items", HTMLElement).replaceChildren(...own.map(card));
  const kinds = new Set(own.map(({ kind }) => kind));
  find("#own-roles", HTMLElement).textContent =
    kinds.size > 1
      ? "You offer something, and you are looking for something."
      : kinds.has("service")
        ? "You offer this."
        : "You are looking for this.";
}
