/** The menu under one's own name: be somebody else, say how one is, and see who is here. */

import { el } from "./dom.js";
import { firstName, initials, toneOf } from "./words.js";

/** @typedef {import("./page.js").Page} Page */
/** @typedef {import("./catalogue.js").Someone} Someone */

const STATUSES = [
  ["online", "Online"],
  ["away", "Away"],
  ["invisible", "Invisible"],
];

/** @param {{ id: string, name: string }} person */
export function avatar({ id, name }) {
  return el("span", { class: `avatar tone-${toneOf(id)}`, "aria-hidden": "true" }, initials(name));
}

/**
 * @param {Page} page
 * @param {Someone[]} people
 */
export function personMenu({ person, connection, signal }, people) {
  const list = el("ul", {});
  const summary = el(
    "summary",
    {},
    avatar(person),
    el("span", { class: "visually-hidden" }, "You are "),
    el("span", { class: "who-name" }, firstName(person.name)),
    el("span", { class: "visually-hidden" }, ". Change person"),
  );
  const body = el(
    "div",
    { class: "who-menu" },
    el("p", {}, `You are ${person.name}. Everybody here is made up: be somebody else.`),
    statusChoice(connection),
    list,
    el("ul", {}, el("li", {}, el("a", { href: "/login" }, "Open two people side by side"))),
  );
  const menu = el("details", { class: "who" }, summary, body);
  const showPeople = () => {
    if (menu.open) list.replaceChildren(...people.map((one) => el("li", {}, be(one, person.id, connection))));
  };
  menu.addEventListener("toggle", showPeople, { signal });
  closeOutside(menu, signal);
  return menu;
}

/**
 * How the others see one. Those who share a conversation do.
 * @param {Page["connection"]} connection
 */
function statusChoice(connection) {
  const choice = el(
    "select",
    {
      onchange: () =>
        connection.calls.setStatus({ status: choice.value }).catch(() => choice.setAttribute("aria-invalid", "true")),
    },
    ...STATUSES.map(([value, text]) => el("option", { value }, text ?? "")),
  );
  connection.calls
    .me()
    .then(({ status }) => (choice.value = status))
    .catch(() => {});
  return el("label", { class: "status" }, "Show me as ", choice);
}

/**
 * @param {Someone} one
 * @param {string} me
 * @param {Page["connection"]} connection
 */
function be(one, me, connection) {
  const href = `${location.pathname}?as=${one.id}`;
  const isHere = one.id !== me && connection.presenceOf(one.id)?.is_online;
  const here = isHere && el("span", { class: "here" }, "online");
  return el("a", { href, "aria-current": one.id === me && "true" }, avatar(one), one.name, here);
}

/**
 * A menu that closes as menus do: with Escape, or by pressing elsewhere.
 * @param {HTMLDetailsElement} menu
 * @param {AbortSignal} signal
 */
function closeOutside(menu, signal) {
  document.addEventListener(
    "pointerdown",
    ({ target }) => {
      if (target instanceof Node && !menu.contains(target)) menu.open = false;
    },
    { signal },
  );
  menu.addEventListener(
    "keydown",
    ({ key }) => {
      if (key !== "Escape" || !menu.open) return;
      menu.open = false;
      menu.querySelector("summary")?.focus();
    },
    { signal },
  );
}
