/** Every text people see, in one place. Pages may `say` others: other words, another language. */

/** @typedef {import("../client/client.js").Problem} Problem */
/** @typedef {import("../client/store.js").Message} Message */

const number = (/** @type {number} */ count) => count.toLocaleString(document.documentElement.lang || undefined);

export const WORDS = {
  messages: "Messages",
  conversations: "Conversations",
  roles: "Buying or selling",
  filters: "Filters",
  buying: "Buying",
  selling: "Selling",
  all: "All",
  unread: "Unread",
  archived: "Archived",
  sent_box: "Sent",
  search: "Search by name or item",
  clear: "Clear search",
  nothing_found: "Nothing found for that.",
  nothing_unread: "You have read everything.",
  nothing_archived: "Nothing is archived.",
  nothing_sent: "You have not sent anything yet.",
  no_conversations: "No messages yet",
  no_conversations_buyer: "Questions to sellers appear here.",
  no_conversations_seller: "When somebody asks about what you offer, it appears here. Good pictures and a clear price bring the first question sooner.",
  browse: "See what is on offer",
  share_link: "Copy the link to your items",
  copied: "Copied",
  more: "Show more",
  read_all: "Mark all as read",
  needs_reply: "Needs reply",
  pick: "Pick a conversation to read it",
  write: "Write a message",
  send: "Send",
  share: "Share an item",
  nothing_to_share: "Items of your conversations can be shared here.",
  back: "Back to the conversations",
  details: "Details",
  fold: "Show less of the item",
  unfold: "Show the item",
  retry: "Retry",
  discard: "Delete",
  edit: "Edit",
  unsend: "Unsend",
  reply: "Reply",
  show_quoted: "Show what it answers",
  copy: "Copy text",
  cancel: "Cancel",
  options: "Message options",
  about: "Conversation options",
  archive: "Archive",
  unarchive: "Move back to the list",
  mute: "Mute",
  unmute: "Unmute",
  close_it: "Close the conversation",
  open_it: "Open it again",
  unsent: "Message unsent",
  earlier: "An earlier message",
  edited: "edited",
  you: "You",
  draft: "Draft",
  shared: "Shared an item",
  sending: "Sending",
  sent: "Sent",
  delivered: "Delivered",
  read: "Read",
  queued: "Not sent yet. It is kept and will be sent.",
  not_sent: "Not sent.",
  closed: "This conversation is closed. You can still read it.",
  gone: "You are no longer in this conversation. You can still read what is here.",
  signed_out: "You are signed out. What you wrote is kept. Sign in again to go on.",
  cannot_load: "This could not be loaded.",
  not_found: "This conversation does not exist, or it is not yours.",
  unreachable: "The server cannot be reached.",
  rate_limited: "That was too many in a short time.",
  blocked: "One of you has blocked the other. Earlier messages can still be read.",
  reconnecting: "Reconnecting… messages you send are kept",
  limited: "Limited network: updates every few seconds",
  notify: "Turn on notifications",
  launch: "Open messages",
  close: "Close",
  people: "People",
  buyer: "buyer",
  seller: "seller",
  agent: "agent",
  online: "online",
  away: "away",
  offline: "offline",
  hello: "Say hello, or start with one of these:",
  to_item: "See the item",
  to_end: "Go to the end",
  someone: "Someone",
  /** @param {string} time */
  last_seen: (time) => `last seen ${time}`,
  /** @param {string} time */
  read_at: (time) => `Read ${time}`,
  /** @param {number} seconds */
  wait: (seconds) => `It is kept, and goes on in ${number(seconds)} s.`,
  /** @param {number} count */
  new_messages: (count) => (count === 1 ? "1 new message" : `${number(count)} new messages`),
  /** @param {number} count */
  unread_count: (count) => `${number(count)} unread`,
  /** @param {number} count @param {string} names */
  news: (count, names) => (count === 1 ? `New message from ${names}` : `${number(count)} new messages from ${names}`),
  /** @param {readonly string[]} names */
  typing: (names) => (names.length === 1 ? `${names[0]} is typing…` : `${names.join(" and ")} are typing…`),
  /** @param {number} left */
  left: (left) => (left >= 0 ? `${number(left)} left` : `${number(-left)} too many`),
  /** By what the conversation is about. @type {Record<string, readonly string[]>} */
  suggestions: {
    listing: ["Is it still available?", "Could I come and see it?", "Would you take a lower offer?"],
    product: ["Is it in stock?", "How long does delivery take?", "Can I return it?"],
    service: ["When would you have time?", "What does it cost in all?", "Do you come to my place?"],
    request: ["I can help with that.", "When do you need it?", "How long would it take?"],
    order: ["When will it arrive?", "I would like to change the address.", "Something is missing."],
  },
};

/** @param {Partial<typeof WORDS>} words */
export function say(words) {
  Object.assign(WORDS, words);
}

/** @param {Message} message */
export function previewOf({ deleted_at, body, context }) {
  return deleted_at === null ? body || context?.title || WORDS.shared : WORDS.unsent;
}

/** In plain words why something was refused; else the server's own sentence. @param {Problem} problem */
export function problemText({ code, message }) {
  if (code === "unauthenticated" || code === "token_expired") return WORDS.signed_out;
  if (code === "unreachable" || code === "rate_limited" || code === "blocked" || code === "not_found") return WORDS[code];
  return message;
}
