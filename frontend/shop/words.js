/** How things are put into words: times, prices, people. */

import { others } from "../client/store.js";

/** @typedef {import("../client/store.js").Conversation} Conversation */

/**
 * The time of today, else the day with it.
 * @param {string} at
 */
export function shortTime(at) {
  const date = new Date(at);
  const isToday = date.toDateString() === new Date().toDateString();
  return date.toLocaleString([], { timeStyle: "short", ...(!isToday && { dateStyle: "medium" }) });
}

/** @param {string} at */
export function exactTime(at) {
  return new Date(at).toLocaleString([], { dateStyle: "full", timeStyle: "medium" });
}

/** @param {import("../client/store.js").Price} price */
export function priceText({ amount_minor, currency }) {
  const format = new Intl.NumberFormat([], { style: "currency", currency });
  return format.format(amount_minor / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
}

/**
 * Whom the conversation is with.
 * @param {Conversation} conversation
 * @param {string} me
 */
export function namesOf(conversation, me) {
  return (
    others(conversation, me)
      .map(({ user }) => user.name)
      .join(", ") || "Nobody else"
  );
}

/** @param {Conversation} conversation */
export function topicOf({ context, subject }) {
  return context?.title ?? subject;
}

/**
 * Someone's presence, or nothing when it is not known.
 * @param {import("../client/store.js").Presence | undefined} presence
 */
export function presenceText(presence) {
  if (presence === undefined) return "";
  if (presence.is_online) return [presence.status, presence.status_text].filter(Boolean).join(", ");
  return presence.last_seen_at === null ? "offline" : `last seen ${shortTime(presence.last_seen_at)}`;
}
