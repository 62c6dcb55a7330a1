/** Making elements. Text only ever becomes text, never markup. */

/** @typedef {Node | string | null | false | undefined} Child */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, unknown>} attributes A function is a listener (`onclick`); null and false are left out.
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    else if (value === true) element.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/**
 * An icon of our own, drawn with one line.
 * @param {keyof typeof ICONS} name
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [key, value] of [
    ["viewBox", "0 0 24 24"],
    ["class", `icon icon-${name}`],
    ["aria-hidden", "true"],
  ]) {
    svg.setAttribute(key ?? "", value ?? "");
  }
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", ICONS[name]);
  svg.append(line);
  return svg;
}

const ICONS = {
  back: "M15 5l-7 7 7 7",
  send: "M12 20V5M5.5 11.5 12 5l6.5 6.5",
  share: "M4 4.5h7.5l8.5 8.5-7 7L4.5 11.5zM8.4 8.4h.01",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  search: "M11 4a7 7 0 1 0 0 14a7 7 0 0 0 0-14M16 16l4 4",
  close: "M6 6l12 12M18 6L6 18",
  down: "M6 9.5l6 6 6-6",
  talk: "M12 4.5c4.7 0 8.5 3.1 8.5 7s-3.8 7-8.5 7c-1.2 0-2.3-.2-3.3-.5L4 19.5l1.3-3.5c-1.1-1.2-1.8-2.8-1.8-4.5 0-3.9 3.8-7 8.5-7z",
  bell: "M6 16V11a6 6 0 0 1 12 0v5l1.5 2h-15zM10 20.5h4",
  about: "M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 0 0 0-17M12 11v5M12 8h.01",
  clock: "M12 4.5a7.5 7.5 0 1 0 0 15a7.5 7.5 0 0 0 0-15M12 8v4.5l3 1.5",
  sent: "M5 12.5l4.5 4.5L19 7.5",
  delivered: "M2 12.5l4.5 4.5L16 7.5M11.5 16.5l.5.5L22 7.5",
};

/**
 * A round button with an icon and no other words than its name.
 * @param {keyof typeof ICONS} name
 * @param {string} label
 * @param {(event: Event) => void} onclick
 * @param {Record<string, unknown>} [attributes]
 */
export function iconButton(name, label, onclick, attributes = {}) {
  return el("button", { type: "button", class: "plain", "aria-label": label, title: label, onclick, ...attributes }, icon(name));
}

/** What has the focus in the same tree as `node`. @param {Node} node */
export function focused(node) {
  return /** @type {ShadowRoot | Document} */ (node.getRootNode()).activeElement;
}

/**
 * Fill an element only when what it shows is another: what has the focus in it keeps it.
 * @param {HTMLElement} element
 * @param {unknown} look Anything that JSON can say.
 * @param {() => Child[]} draw
 */
export function fill(element, look, draw) {
  const key = JSON.stringify(look);
  if (element.dataset.look === key) return;
  element.dataset.look = key;
  element.replaceChildren(...draw().filter((child) => child !== null && child !== undefined && child !== false));
}
