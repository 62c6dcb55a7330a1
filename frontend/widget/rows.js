/** The rows of a thread: one element per message that stays while it changes, so that one event costs one row. */

import { statusOf } from "../client/store.js";
import { el, focused } from "./dom.js";
import { userOf } from "./people.js";
import { dayRow, messageRow, newRow, pendingRow, systemRow } from "./row.js";
import { clock, dayAround, dayOf } from "./time.js";
import { WORDS } from "./words.js";

/** @typedef {import("../client/parley.js").Thread} Thread */
/** @typedef {import("../client/parley.js").Pending} Pending */
/** @typedef {import("../client/store.js").Message} Message */
/** @typedef {import("../client/store.js").Conversation} Conversation */
/**
 * `seq`: of the message that it is, or stands before. `look`: what the row shows, to be compared.
 * @typedef {{ seq: number, key: string, look: string, draw: () => HTMLElement }} Row
 */

const GROUP_MS = 5 * 60_000;
const STRETCH = 20; // rows laid out together, when they come near: to watch each row of a thousand costs a frame

/**
 * @param {HTMLOListElement} list
 * @param {string} me
 * @param {import("./row.js").RowCallbacks} callbacks
 */
export function createRows(list, me, callbacks) {
  /** @type {Map<string, { element: HTMLElement, look: string }>} */
  let drawn = new Map();
  /** By their number. @type {Map<number, HTMLElement>} */
  let stretches = new Map();
  /** Of the last message of one's own: what is known of it, and since when as far as this page has seen it. */
  let known = { id: "", status: "", readAt: "" };

  /** @param {Thread} thread */
  function render(thread) {
    /** @type {typeof drawn} */
    const next = new Map();
    /** @type {typeof stretches} */
    const used = new Map();
    let place = list.firstChild;
    /** @type {HTMLElement} */
    let stretch = list;
    /** @type {ChildNode | null} */
    let at = null;
    for (const { seq, key, look, draw } of rowsOf(thread)) {
      const number = Math.floor(seq / STRETCH);
      if (!used.has(number)) {
        stretch = stretches.get(number) ?? el("div", { class: "stretch", role: "presentation" });
        used.set(number, stretch);
        place = put(list, stretch, place);
        at = stretch.firstChild;
      }
      const before = drawn.get(key);
      const element = before?.look === look ? before.element : draw();
      if (before !== undefined && before.element !== element) {
        if (at === before.element) at = element;
        replace(before.element, element);
      }
      at = put(stretch, element, at);
      next.set(key, { element, look });
    }
    for (const [key, { element }] of drawn) if (!next.has(key)) element.remove();
    for (const [number, element] of stretches) if (!used.has(number)) element.remove();
    drawn = next;
    stretches = used;
  }

  /** What has the focus keeps it. @param {HTMLElement} before @param {HTMLElement} after */
  function replace(before, after) {
    const hadFocus = before.contains(focused(list));
    after.tabIndex = before.tabIndex;
    before.replaceWith(after);
    if (hadFocus) after.focus({ preventScroll: true });
  }

  /** @param {Thread} thread @returns {Generator<Row>} */
  function* rowsOf({ conversation, messages, pending, firstUnreadSeq, unreadAtOpen }) {
    const lastOwn = lastOf(messages, me);
    const told = lastOwn ? toldOf(conversation, lastOwn) : null;
    /** @type {Map<string, Message> | null} */
    let byId = null;
    /** @type {Message | null} */
    let before = null;
    let day = { from: 0, to: 0 }; // of the row before: to ask each message for its day is dear with a thousand of them
    for (const message of messages) {
      const at = Date.parse(message.created_at);
      const isNewDay = at < day.from || at >= day.to;
      if (isNewDay) day = dayAround(at);
      if (isNewDay) yield dayOfRow(message.seq, message.created_at);
      const isFirstUnread = message.seq === firstUnreadSeq && message.sender_id !== me;
      if (isFirstUnread) yield { seq: message.seq, key: "new", look: "", draw: () => newRow(unreadAtOpen) };
      const isFollowing = !isNewDay && !isFirstUnread && follows(before, message.sender_id, message.created_at);
      if (message.reply_to !== null) byId ??= new Map(messages.map((one) => [one.id, one]));
      const quoted = byId?.get(message.reply_to ?? "");
      const sender = userOf(conversation, message.sender_id);
      const how = { isOwn: message.sender_id === me, sender, isFollowing, told: message === lastOwn ? told : null, quoted };
      yield {
        seq: message.seq,
        key: message.sender_id === me ? message.client_id : message.id, // as while it was on its way
        look: [message.edited_at, message.deleted_at, isFollowing, how.told?.text, sender.name, sender.avatar_url, quoted?.id, quoted?.edited_at, quoted?.deleted_at].join("|"),
        draw: () => (message.kind === "system" ? systemRow(message) : messageRow(message, how, callbacks)),
      };
      before = message;
    }
    let seq = before?.seq ?? 0;
    for (const one of pending) {
      seq += 1; // as it will be, if nobody is quicker: so it stays where it is
      const isNewDay = before === null || dayOf(before.created_at) !== dayOf(one.created_at);
      if (isNewDay && one === pending[0]) yield dayOfRow(seq, one.created_at);
      const isFollowing = !isNewDay && (one !== pending[0] || follows(before, me, one.created_at));
      const waitSeconds = one.state === "waiting" && one.retry_at ? Math.ceil((one.retry_at - Date.now()) / 1000) : 0;
      yield {
        seq,
        key: one.client_id,
        look: [one.state === "refused", one.problem?.code, isFollowing, waitSeconds].join("|"),
        draw: () => pendingRow(one, { isFollowing, waitSeconds }, callbacks),
      };
    }
  }

  /** @param {Conversation} conversation @param {Message} message */
  function toldOf(conversation, message) {
    const status = statusOf(conversation, message);
    const isNews = known.id === message.id && known.status !== "read" && status === "read";
    if (known.id !== message.id) known = { id: message.id, status, readAt: "" };
    if (isNews) known.readAt = clock(new Date().toISOString());
    known.status = status;
    return { status, text: known.readAt ? WORDS.read_at(known.readAt) : WORDS[status] };
  }

  return { render };
}

/**
 * Put it there, if it is not; gives what comes after.
 * @param {HTMLElement} parent
 * @param {HTMLElement} element
 * @param {ChildNode | null} at
 */
function put(parent, element, at) {
  if (at !== element) parent.insertBefore(element, at);
  return element.nextSibling;
}

/** @param {number} seq @param {string} at @returns {Row} */
const dayOfRow = (seq, at) => ({ seq, key: `day ${dayOf(at)}`, look: dayOf(new Date().toISOString()), draw: () => dayRow(at) });

/** @param {readonly Message[]} messages @param {string} senderId */
function lastOf(messages, senderId) {
  for (let i = messages.length - 1; i >= 0; i -= 1) {
    const message = messages[i];
    if (message?.sender_id === senderId && message.deleted_at === null && message.kind !== "system") return message;
  }
  return null;
}

/** @param {Message | null} before @param {string} senderId @param {string} at */
function follows(before, senderId, at) {
  return (
    before !== null &&
    before.kind !== "system" &&
    before.sender_id === senderId &&
    Date.parse(at) - Date.parse(before.created_at) < GROUP_MS
  );
}
