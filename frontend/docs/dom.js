/** Making elements. Text only ever becomes text, never markup. */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number | false>} attributes False ones are left out.
 * @param {...(Node | string | false)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== false));
  return element;
}

/**
 * Paragraphs of a text in which `backticks` mark code.
 * @param {string} text
 * @returns {HTMLElement[]}
 */
export function prose(text) {
  return text
    .split(/\n\s*\n/)
    .filter((paragraph) => paragraph.trim() !== "")
    .map((paragraph) => el("p", {}, ...words(paragraph)));
}

/**
 * @param {string} text
 * @returns {(Node | string)[]}
 */
export function words(text) {
  return text.split("`").map((part, i) => (i % 2 === 1 ? el("code", {}, part) : part));
}
