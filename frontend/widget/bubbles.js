/** What a message looks like: its text with safe links, its card, and what is said of it. Text only ever becomes text. */

import { el } from "./dom.js";
import { WORDS, clock, exact, initialsOf, nameOf, priceText, toneOf } from "./words.js";

/** @typedef {import("../client/store.js").Context} Context */

// Ends before what usually follows a link in a sentence.
const LINK = /https?:\/\/[^\s<>"'\u200e\u200f\u202a-\u202e\u2066-\u2069]+[^\s<>"'.,;:!?)\]\u200e\u200f\u202a-\u202e\u2066-\u2069]/giu;

/**
 * Isolated, so that letters which turn the direction of writing stay in their bubble.
 * @param {string} body
 */
export function textOf(body) {
  const text = el("p", { class: "text", dir: "auto" });
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
  const href = URL.canParse?.(link) === false ? null : link;
  return href === null
    ? el("bdi", {}, link)
    : el("a", { href, target: "_blank", rel: "noopener noreferrer nofollow" }, el("bdi", {}, link));
}

/** A place on the web, or nothing: no script, no data. @param {string | null} url */
export function safeUrl(url) {
  try {
    const { protocol, href } = new URL(url ?? "", location.href);
    return url && (protocol === "https:" || protocol === "http:") ? href : null;
  } catch {
    return null;
  }
}

/** @param {{ id: string, name: string, avatar_url: string | null }} user @param {boolean} [isOnline] */
export function avatar(user, isOnline) {
  const picture = safeUrl(user.avatar_url);
  return el(
    "span",
    { class: "avatar", "data-tone": toneOf(user.id), "aria-hidden": "true", "data-online": isOnline },
    picture ? el("img", { src: picture, alt: "", loading: "lazy" }) : initialsOf(nameOf(user)).toUpperCase(),
  );
}

/** @param {Context} context @param {{ onOpen?: (event: Event) => void, isSmall?: boolean }} [how] */
export function card(context, { onOpen, isSmall = false } = {}) {
  const picture = safeUrl(context.image_url);
  const url = safeUrl(context.url);
  const facts = [context.price && priceText(context.price), context.state].filter(Boolean).join(" · ");
  return el(
    url ? "a" : "span",
    { class: `card${isSmall ? " small" : ""}`, href: url, onclick: onOpen, title: url ? WORDS.to_item : null },
    picture && el("img", { src: picture, alt: "", loading: "lazy" }),
    el("span", { class: "card-text" }, el("strong", { dir: "auto" }, context.title), facts && el("span", {}, facts)),
  );
}

/** @param {string} at */
export const time = (at) => el("time", { datetime: at, title: exact(at) }, clock(at));
