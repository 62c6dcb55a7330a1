/** Every text people see, in one place, and how times and people are put into words. Pages may `say` others. */

import { others } from "../client/store.js";

/** @typedef {import("../client/store.js").Conversation} Conversation */
/** @typedef {import("../client/store.js").Message} Message */

export const WORDS = {
  messages: "Messages",
  conversations: "Conversations",
  buying: "Buying",
  selling: "Selling",
  all: "All",
  unread: "Unread",
  archived: "Archived",
  search: "Search by name or item",
  clear: "Clear search",
  nothing_found: "Nothing found for that.",
  no_conversations: "No messages yet",
  no_conversations_buyer: "Questions to sellers appear here.",
  no_conversations_seller: "When somebody asks about what you sell, it appears here. Share a link to your items to begin.",
  pick: "Pick a conversation to read it.",
  write: "Write a message",
  send: "Send",
  share: "Share an item",
  nothing_to_share: "Items of your conversations can be shared here.",
  back: "Back to the conversations",
  retry: "Retry",
  discard: "Delete",
  edit: "Edit",
  unsend: "Unsend",
  reply: "Reply",
  copy: "Copy text",
  cancel: "Cancel",
  save: "Save",
  options: "Message options",
  about: "Conversation options",
  archive: "Archive",
  unarchive: "Move back to the list",
  mute: "Mute",
  unmute: "Unmute",
  close_it: "Close the conversation",
  open_it: "Open it again",
  unsent: "Message unsent",
  edited: "edited",
  you: "You",
  draft: "Draft",
  shared: "Shared an item",
  sending: "Sending",
  sent: "Sent",
  delivered: "Delivered",
  read: "Read",
  queued: "Not sent yet: it is kept and will be sent",
  closed: "This conversation is closed. You can still read it.",
  gone: "You are no longer in this conversation.",
  signed_out: "You are signed out. What you wrote is kept. Sign in again to go on.",
  cannot_load: "This could not be loaded.",
  reconnecting: "Reconnecting… messages you send are kept",
  limited: "Limited network: updates every few seconds",
  notify: "Turn on notifications",
  launch: "Open messages",
  close: "Close",
  online: "online",
  away: "away",
  offline: "offline",
  hello: "Say hello, or start with one of these:",
  to_item: "See the item",
  someone: "Someone",
};

/** Other words, another language. @param {Partial<typeof WORDS>} words */
export function say(words) {
  Object.assign(WORDS, words);
}

const SUGGESTIONS = {
  listing: ["Is it still available?", "Could I come and see it?", "Would you take a lower offer?"],
  product: ["Is it in stock?", "How long does delivery take?", "Can I return it?"],
  service: ["When would you have time?", "What does it cost in all?", "Do you come to my place?"],
  request: ["I can help with that.", "When do you need it?", "How long would it take?"],
  order: ["When will it arrive?", "I would like to change the address.", "Something is missing."],
};

/** @param {Conversation} conversation @returns {readonly string[]} */
export function suggestionsFor({ context }) {
  return context ? (SUGGESTIONS[/** @type {keyof typeof SUGGESTIONS} */ (context.kind)] ?? []) : [];
}

/** A name that can be seen: one of spaces and invisible letters is none. @param {{ name: string, id: string } | undefined} user */
export function nameOf(user) {
  const name = user?.name ?? "";
  const isSeen = /[\p{L}\p{N}\p{S}\p{P}]/u.test(name.replace(/\p{Default_Ignorable_Code_Point}/gu, ""));
  return isSeen ? name : user?.id || WORDS.someone;
}

/** Whom the conversation is with. @param {Conversation} conversation @param {string} me */
export function namesOf(conversation, me) {
  const present = others(conversation, me);
  const people = present.length > 0 ? present : conversation.participants.filter(({ user }) => user.id !== me);
  return people.map(({ user }) => nameOf(user)).join(", ") || WORDS.someone;
}

/** @param {string} name */
export function initialsOf(name) {
  const [first = "", second = ""] = name.trim().split(/\s+/u);
  return ([...first][0] ?? "") + (/^\p{Lu}/u.test(second) ? ([...second][0] ?? "") : "");
}

/** Which of six tones somebody's picture has. @param {string} id */
export function toneOf(id) {
  return [...id].reduce((sum, letter) => sum + (letter.codePointAt(0) ?? 0), 0) % 6;
}

/** @param {string} at */
export const clock = (at) => new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

/** @param {string} at */
export const exact = (at) => new Date(at).toLocaleString([], { dateStyle: "full", timeStyle: "medium" });

/** Today's time, this week's day, else the date. @param {string} at */
export function shortTime(at) {
  const days = daysSince(at);
  if (days === 0) return clock(at);
  const date = new Date(at);
  if (days < 7) return date.toLocaleDateString([], { weekday: "short" });
  return date.toLocaleDateString([], { day: "numeric", month: "short" });
}

/** The heading of a day. @param {string} at */
export function dayText(at) {
  const days = daysSince(at);
  if (days < 2) return new Intl.RelativeTimeFormat([], { numeric: "auto" }).format(-days, "day");
  return new Date(at).toLocaleDateString([], { weekday: "long", day: "numeric", month: "long" });
}

/** @param {string} at */
function daysSince(at) {
  const midnight = new Date().setHours(0, 0, 0, 0);
  return Math.max(0, Math.round((midnight - new Date(at).setHours(0, 0, 0, 0)) / 86_400_000));
}

/** @param {import("../client/store.js").Price} price */
export function priceText({ amount_minor, currency }) {
  const format = new Intl.NumberFormat([], { style: "currency", currency });
  return format.format(amount_minor / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
}

/** @param {import("../client/store.js").Presence | undefined} presence */
export function presenceText(presence) {
  if (presence === undefined) return "";
  if (presence.is_online) return presence.status_text || (presence.status === "away" ? WORDS.away : WORDS.online);
  return presence.last_seen_at === null ? WORDS.offline : `last seen ${shortTime(presence.last_seen_at)}`;
}

/** @param {Message} message */
export function previewOf(message) {
  if (message.deleted_at !== null) return WORDS.unsent;
  return message.body || (message.context ? message.context.title : WORDS.shared);
}

/** @param {readonly string[]} names */
export function typingText(names) {
  if (names.length === 0) return "";
  return names.length === 1 ? `${names[0]} is typing…` : `${names.join(" and ")} are typing…`;
}

/**
 * In plain words why something was refused.
 * @param {import("../client/client.js").Problem} problem
 */
export function problemText(problem) {
  if (problem.code === "unreachable") return "The server cannot be reached.";
  if (problem.code === "rate_limited") return "That was too many in a short time.";
  return problem.message;
}
