/** Items as cards in a list. */

import { el } from "./dom.js";
import { firstName, priceText } from "./words.js";

/** @typedef {import("./catalogue.js").Item} Item */

/** @param {Item} item */
export function card(item) {
  const place = item.facts["pick up"] ?? item.facts["area"] ?? item.facts["where"];
  return el(
    "li",
    { class: "card" },
    el("img", { src: item.image_url, alt: "", width: 400, height: 300, loading: "lazy" }),
    el(
      "div",
      { class: "card-text" },
      el(
        "div",
        { class: "card-line" },
        el("h3", {}, el("a", { href: item.url }, item.title)),
        item.price && el("span", { class: "price" }, priceText(item.price)),
      ),
      el("p", { class: "dim" }, [place, firstName(item.seller.name)].filter(Boolean).join(" · ")),
    ),
    item.state === "reserved" && el("span", { class: "chip warm" }, "Reserved"),
  );
}
