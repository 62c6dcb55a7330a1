/** The page of one item: picture, words and facts; and the conversation about it, beside it or below. */

import "../widget/thread-element.js";
import { loadItems } from "./catalogue.js";
import { el, find } from "./dom.js";
import { avatar } from "./menu.js";
import { parley, setTitle, startPage } from "./page.js";
import { askText, firstName, priceText, roleText } from "./words.js";

/** @typedef {import("./catalogue.js").Item} Item */
/** @typedef {import("./page.js").Page} Page */

const ASKED = "#ask"; // in the address, so that a reload finds the conversation open and a link can open it

startPage(async (page) => {
  const root = find("#item", HTMLElement);
  const item = (await loadItems()).find(({ url }) => url === decodeURI(location.pathname));
  if (item === undefined) return showNothing(root);
  setTitle(item.title);
  root.replaceChildren(
    crumbs(item),
    el("img", { class: "item-picture", src: item.image_url, alt: item.title, width: 800, height: 600 }),
    el("div", { class: "item-side" }, head(item), seller(item), ...asking(item, page)),
    el("div", { class: "item-about" }, el("p", {}, item.text), facts(item)),
  );
});

/** @param {HTMLElement} root */
function showNothing(root) {
  setTitle("Not here");
  root.replaceChildren(
    el("h1", {}, "This is not here any more"),
    el("p", { class: "lead" }, "It may have been sold. ", el("a", { href: "/" }, "See what else there is")),
  );
}

/** @param {Item} item */
function crumbs({ kind }) {
  const isThing = kind === "listing" || kind === "product";
  const [href, name] = isThing ? ["/", "Shop"] : ["/services", "Services"];
  return el("nav", { class: "crumbs", "aria-label": "Where you are" }, el("a", { href }, `← ${name}`));
}

/** @param {Item} item */
function head({ title, price, state, facts: { per } }) {
  const chip = state === "reserved" ? "chip warm" : "chip good";
  return el(
    "div",
    { class: "item-head" },
    el("span", { class: chip }, state.charAt(0).toUpperCase() + state.slice(1)),
    el("h1", {}, title),
    price && el("p", { class: "price" }, priceText(price), per && el("small", {}, ` per ${per}`)),
  );
}

/** @param {Item} item */
function facts({ facts }) {
  const rows = Object.entries(facts).filter(([name]) => name !== "per");
  return el(
    "dl",
    { class: "facts" },
    ...rows.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))),
  );
}

/** @param {Item} item */
function seller(item) {
  const { name, about } = item.seller;
  const line = el("p", {}, el("strong", {}, name), ` ${roleText(item)}`);
  return el(
    "div",
    { class: "seller panel" },
    avatar(item.seller),
    el("div", {}, line, el("p", { class: "dim" }, about)),
  );
}

/**
 * The way to the conversation. Whoever offers the item has many about it: at the desk.
 * @param {Item} item
 * @param {Page} page
 */
function asking(item, { person, connection, signal }) {
  if (item.seller.id === person.id) {
    const toDesk = el(
      "a",
      { class: "button quiet", href: item.kind === "request" ? "/inbox" : "/desk" },
      "See who has asked",
    );
    return [el("div", { class: "ask" }, el("p", { class: "dim" }, "This is yours."), toDesk)];
  }
  const talk = el("section", {
    class: "talk panel",
    "aria-label": `Conversation with ${firstName(item.seller.name)}`,
    hidden: true,
  });
  const button = el("button", { type: "button", class: "button", onclick: () => open() }, askText(item));

  function open() {
    if (!talk.hidden) return;
    history.replaceState(null, "", ASKED);
    button.hidden = true;
    talk.hidden = false;
    const thread = parley("parley-thread", connection, { context: `${item.kind}:${item.id}` });
    talk.replaceChildren(thread);
    talk.scrollIntoView({ block: "nearest" });
    thread.focus();
  }

  if (location.hash === ASKED) open();
  window.addEventListener("hashchange", () => location.hash === ASKED && open(), { signal });
  return [el("div", { class: "ask" }, button, talk)];
}
