/** A small menu at a button: arrows move, Esc and a press elsewhere close it, and the focus goes back. */

import { el, focused } from "./dom.js";

/** @typedef {{ text: string | Node, act: () => unknown }} Action */

const GAP_PX = 4;
const EDGE_PX = 8;

/**
 * In the top layer, so that nothing cuts it off.
 * @param {HTMLElement} anchor
 * @param {readonly (Action | false | null | undefined | "")[]} actions
 * @param {{ label: string, isWide?: boolean, empty?: string, opener?: HTMLElement }} how `opener`: gets the focus back.
 */
export function openMenu(anchor, actions, { label, isWide = false, empty = "", opener = anchor }) {
  if (anchor.getAttribute("aria-expanded") === "true") return; // pressed again: it has just closed
  const root = /** @type {ShadowRoot} */ (anchor.getRootNode());
  const menu = el("div", { class: `menu${isWide ? " wide" : ""}`, role: "menu", "aria-label": label, popover: "auto", tabindex: -1 });
  const items = actions.filter((one) => !!one);
  const close = () => menu.hidePopover();
  menu.append(
    ...items.map(({ text, act }) => el("button", { type: "button", role: "menuitem", tabindex: -1, onclick: () => (close(), act()) }, text)),
    ...(items.length === 0 ? [el("p", {}, empty)] : []),
  );
  menu.addEventListener("keydown", (event) => {
    if (event.key === "Escape") event.stopPropagation(); // it closes the menu and nothing more
    const all = [...menu.querySelectorAll("button")];
    const at = all.indexOf(/** @type {HTMLButtonElement} */ (focused(menu)));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (event.key === "Tab") close();
    if (to === undefined) return;
    all.at(to % all.length)?.focus();
    event.preventDefault();
    event.stopPropagation();
  });
  menu.addEventListener("toggle", (event) => {
    if (/** @type {ToggleEvent} */ (event).newState === "open") return;
    const hadFocus = menu.contains(focused(menu)) || root.activeElement === null;
    menu.remove();
    anchor.setAttribute("aria-expanded", "false");
    const again = `[data-seq="${opener.dataset.seq}"]`; // a row that was drawn anew meanwhile
    if (hadFocus) /** @type {HTMLElement | null} */ (opener.isConnected ? opener : root.querySelector(again))?.focus();
  });
  root.append(menu);
  menu.showPopover();
  place(menu, anchor);
  anchor.setAttribute("aria-expanded", "true");
  (menu.querySelector("button") ?? menu).focus({ preventScroll: true });
}

/** Below the anchor, or above where there is more room; within the window. @param {HTMLElement} menu @param {HTMLElement} anchor */
function place(menu, anchor) {
  const at = anchor.getBoundingClientRect();
  const { width, height } = menu.getBoundingClientRect();
  const left = at.left + at.width / 2 > innerWidth / 2 ? at.right - width : at.left;
  const below = at.bottom + GAP_PX;
  const top = below + height > innerHeight - EDGE_PX ? at.top - height - GAP_PX : below;
  menu.style.left = `${Math.max(EDGE_PX, Math.min(left, innerWidth - width - EDGE_PX))}px`;
  menu.style.top = `${Math.max(EDGE_PX, top)}px`;
}
