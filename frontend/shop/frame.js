/** What is around every page: the header with who you are and what is unread, and the footer. */

import { loadPeople } from "./catalogue.js";
import { el, find } from "./dom.js";
import { personMenu } from "./menu.js";

/** @typedef {import("./page.js").Page} Page */

const PLACES = [
  ["/", "Shop"],
  ["/services", "Services"],
  ["/orders", "Orders"],
  ["/desk", "Selling"],
];
const SHOWN_MAX = 99;

/** @param {Page} page */
export async function showFrame(page) {
  const { connection, signal } = page;
  const people = await loadPeople();
  const badge = el("span", { class: "badge", hidden: true });
  find("#top", HTMLElement).replaceChildren(
    el("a", { class: "brand", href: "/" }, el("img", { src: "/static/shop/icon.svg", alt: "" }), "Feira"),
    el("nav", { "aria-label": "Main" }, el("ul", {}, ...PLACES.map(([href = "", name = ""]) => place(href, name)))),
    el(
      "div",
      { class: "corner" },
      el(
        "a",
        { class: "to-inbox", href: "/inbox", "aria-current": location.pathname === "/inbox" && "page" },
        "Inbox",
        badge,
      ),
      personMenu(page, people),
    ),
  );
  find("#foot", HTMLElement).replaceChildren(...footing());
  const showUnread = () => showBadge(badge, connection.unread.total);
  connection.on("change", showUnread, { signal });
  showUnread();
}

/**
 * @param {HTMLElement} badge
 * @param {number} count
 */
function showBadge(badge, count) {
  const text = count > SHOWN_MAX ? `${SHOWN_MAX}+` : String(count);
  badge.hidden = count === 0;
  badge.replaceChildren(text, el("span", { class: "visually-hidden" }, " unread"));
}

/**
 * @param {string} href
 * @param {string} name
 */
function place(href, name) {
  const { pathname } = location;
  const isHere = href === "/" ? pathname === "/" || pathname.startsWith("/items/") : pathname.startsWith(href);
  const current = isHere && (pathname === href ? "page" : "true");
  return el("li", {}, el("a", { href, "aria-current": current }, name));
}

function footing() {
  return [
    el("span", {}, "Feira is a made-up shop that shows Parley."),
    el("a", { href: "/login" }, "Who you can be"),
    el("a", { href: "/doctor" }, "Check my connection"),
    el("a", { href: "/docs" }, "API"),
  ];
}
