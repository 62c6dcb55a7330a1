/** A small menu at a button: arrows move, Esc and a press elsewhere close it, and the focus goes back. */

import { el } from "./dom.js";

/**
 * @param {HTMLElement} anchor
 * @param {readonly { text: string, act: () => unknown }[]} actions
 */
export function openMenu(anchor, actions) {
  const closing = new AbortController();
  const menu = el("div", { class: "popover", role: "menu" });
  const close = () => {
    closing.abort();
    menu.remove();
    anchor.setAttribute("aria-expanded", "false");
    anchor.focus();
  };
  menu.append(
    ...actions.map(({ text, act }) =>
      el("button", { type: "button", role: "menuitem", onclick: () => (close(), act()) }, text),
    ),
  );
  menu.addEventListener("keydown", (event) => {
    const all = [...menu.querySelectorAll("button")];
    const root = /** @type {ShadowRoot | Document} */ (menu.getRootNode());
    const at = all.indexOf(/** @type {HTMLButtonElement} */ (root.activeElement));
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) all[(at + step + all.length) % all.length]?.focus();
    else if (event.key === "Escape" || event.key === "Tab") close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  anchor.after(menu);
  anchor.setAttribute("aria-expanded", "true");
  menu.querySelector("button")?.focus();
  const { signal } = closing;
  const elsewhere = (/** @type {Event} */ event) => event.composedPath().includes(menu) || close();
  setTimeout(() => document.addEventListener("pointerdown", elsewhere, { signal }));
  signal.addEventListener("abort", () => document.removeEventListener("pointerdown", elsewhere));
}
