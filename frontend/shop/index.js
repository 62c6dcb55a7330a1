/** The storefront: what people sell, what the shop sells, and the launcher in the corner. */

import "../widget/launcher-element.js";
import { card } from "./cards.js";
import { loadItems } from "./catalogue.js";
import { find } from "./dom.js";
import { parley, startPage } from "./page.js";

startPage(async ({ connection }) => {
  const items = await loadItems();
  for (const kind of ["listing", "product"]) {
    find(`#${kind}`, HTMLElement).replaceChildren(...items.filter((item) => item.kind === kind).map(card));
  }
  document.body.append(parley("parley-launcher", connection));
});
