/** Who one can be. Each link opens a tab as that person. */

import { loadPeople } from "./catalogue.js";
import { el, find } from "./dom.js";
import { avatar } from "./menu.js";
import { startPage } from "./page.js";
import { firstName } from "./words.js";

/** @typedef {import("./catalogue.js").Someone} Someone */

const DOORS = [
  ["/", "Shop"],
  ["/inbox", "Inbox"],
  ["/desk", "Seller’s desk"],
];

startPage(async () => {
  find("#people", HTMLElement).replaceChildren(...(await loadPeople()).map(someone));
});

/** @param {Someone} one */
function someone(one) {
  return el(
    "li",
    { class: "panel" },
    avatar(one),
    el("h3", {}, one.name),
    el("p", {}, one.about),
    el("div", { class: "doors" }, ...DOORS.map(([path = "", name = ""]) => door(one, path, name))),
  );
}

/**
 * @param {Someone} one
 * @param {string} path
 * @param {string} name
 */
function door({ id, name: who }, path, name) {
  const whose = el("span", { class: "visually-hidden" }, ` as ${firstName(who)}`);
  return el("a", { href: `${path}?as=${id}`, target: "_blank", rel: "noopener" }, name, whose);
}
