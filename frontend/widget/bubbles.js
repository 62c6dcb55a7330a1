/** What a message looks like: its text with safe links, its card, and what is said of it. Text only ever becomes text. */

import { el } from "./dom.js";
import { safeUrl } from "./people.js";
import { clock, exact, locale } from "./time.js";

/** @typedef {import("../client/store.js").Context} Context */

// Ends before what usually follows a link in a sentence, and at letters that turn the direction of writing: an address
// must read as it is.
const LINK =
  /https?:\/\/[^\s<>"'\u061c\u200b-\u200f\u202a-\u202e\u2066-\u2069]+[^\s<>"'.,;:!?)\]\u061c\u200b-\u200f\u202a-\u202e\u2066-\u2069]/giu;
const EMOJI_ONLY = /^(?:[\p{Extended_Pictographic}\p{Emoji_Modifier}\p{Regional_Indicator}\u200d\ufe0f]){1,8}$/u;

/**
 * Isolated, so that letters which turn the direction of writing stay in their bubble.
 * @param {string} body
 */
export function textOf(body) {
  const text = el("p", { class: EMOJI_ONLY.test(body) ? "text large" : "text", dir: "auto" });
  let at = 0;
  for (const { 0: link, index } of body.matchAll(LINK)) {
    text.append(body.slice(at, index), linkTo(link));
    at = index + link.length;
  }
  text.append(body.slice(at));
  return text;
}

/** @param {string} link */
function linkTo(link) {
  const href = safeUrl(link);
  return href === null ? link : el("a", { href, target: "_blank", rel: "noopener noreferrer nofollow" }, el("bdi", {}, link));
}

/**
 * An item.
 * @param {Context} context
 * @param {{ onOpen?: ((context: Context, event: Event) => void) | undefined, isSmall?: boolean }} [how]
 */
export function card(context, { onOpen, isSmall = false } = {}) {
  const picture = safeUrl(context.image_url);
  const url = onOpen && safeUrl(context.url);
  const facts = [context.price && priceText(context.price), context.state].filter(Boolean).join(" · ");
  return el(
    url ? "a" : "span",
    { class: `card${isSmall ? " small" : ""}`, href: url, onclick: (/** @type {Event} */ event) => onOpen?.(context, event) },
    picture && el("img", { src: picture, alt: "", loading: "lazy" }),
    el("span", { class: "card-text" }, el("strong", { dir: "auto" }, context.title), facts && el("span", { dir: "auto" }, facts)),
  );
}

/** Without the cents where there are none. @param {import("../client/store.js").Price} price */
function priceText({ amount_minor, currency }) {
  try {
    const style = { style: /** @type {const} */ ("currency"), currency };
    const digits = new Intl.NumberFormat(locale(), style).resolvedOptions().maximumFractionDigits ?? 2;
    const isWhole = amount_minor % 10 ** digits === 0;
    const format = new Intl.NumberFormat(locale(), { ...style, minimumFractionDigits: isWhole ? 0 : digits });
    return format.format(amount_minor / 10 ** digits);
  } catch {
    return `${amount_minor} ${currency}`; // a currency nobody knows
  }
}

/** @param {string} at @param {Record<string, unknown>} [attributes] */
export const time = (at, attributes = {}) => el("time", { datetime: at, title: exact(at), ...attributes }, clock(at));
