/** The rows of a thread: one element per message that stays while it changes, so that one event costs one row. */

import { statusOf } from "../client/store.js";
import { avatar, card, textOf, time } from "./bubbles.js";
import { ICONS, el, icon } from "./dom.js";
import { WORDS, dayText, exact, nameOf, problemText } from "./words.js";

/** @typedef {import("../client/parley.js").Thread} Thread */
/** @typedef {import("../client/parley.js").Pending} Pending */
/** @typedef {import("../client/store.js").Message} Message */
/** @typedef {import("../client/store.js").Conversation} Conversation */
/**
 * @typedef {object} RowCallbacks
 * @property {(message: Message, anchor: HTMLElement) => void} onMenu
 * @property {(context: import("../client/store.js").Context, event: Event) => void} onItem
 * @property {(clientId: string) => void} onRetry
 * @property {(clientId: string) => void} onDiscard
 */
/** @typedef {{ key: string, look: string, draw: () => HTMLElement }} Row */

const GROUP_MS = 5 * 60_000;
const TICKS = { sent: "✓", delivered: "✓✓", read: "✓✓" };

/**
 * @param {HTMLOListElement} list
 * @param {string} me
 * @param {RowCallbacks} callbacks
 */
export function createRows(list, me, callbacks) {
  /** @type {Map<string, { element: HTMLElement, look: string }>} */
  let drawn = new Map();

  /** @param {Thread} thread */
  function render(thread) {
    const next = new Map();
    /** @type {ChildNode | null} */
    let at = list.firstChild;
    for (const { key, look, draw } of rowsOf(thread)) {
      const known = drawn.get(key);
      const element = known?.look === look ? known.element : draw();
      if (known !== undefined && known.element !== element) {
        if (at === known.element) at = element;
        known.element.replaceWith(element);
      }
      if (at === element) at = element.nextSibling;
      else list.insertBefore(element, at);
      next.set(key, { element, look });
    }
    for (const [key, { element }] of drawn) if (!next.has(key)) element.remove();
    drawn = next;
  }

  /** @param {Thread} thread @returns {Generator<Row>} */
  function* rowsOf(thread) {
    const { conversation, messages, pending } = thread;
    const lastOwn = [...messages].reverse().find(({ sender_id, deleted_at }) => sender_id === me && deleted_at === null);
    const byId = new Map(messages.map((message) => [message.id, message]));
    /** @type {Message | null} */
    let before = null;
    for (const message of messages) {
      const day = dayOf(message.created_at);
      const isNewDay = before === null || dayOf(before.created_at) !== day;
      if (isNewDay) yield { key: `day ${day}`, look: "", draw: () => heading(message.created_at) };
      const isFirstUnread = message.seq === thread.firstUnreadSeq && message.sender_id !== me;
      if (isFirstUnread) yield { key: "new", look: String(thread.unreadAtOpen), draw: () => divider(thread.unreadAtOpen) };
      const isFollowing = !isNewDay && !isFirstUnread && follows(before, message);
      const status = message === lastOwn ? statusText(conversation, message) : "";
      const quoted = message.reply_to === null ? undefined : byId.get(message.reply_to);
      const sender = conversation.participants.find(({ user }) => user.id === message.sender_id)?.user;
      yield {
        key: `${message.sender_id} ${message.client_id}`,
        look: [message.edited_at, message.deleted_at, isFollowing, status, sender?.name, quoted?.edited_at].join("|"),
        draw: () => messageRow(message, { sender, isFollowing, status, quoted }),
      };
      before = message;
    }
    for (const one of pending) {
      const look = [one.state, one.problem?.code, one.retry_at].join("|");
      yield { key: `${me} ${one.client_id}`, look: `pending ${look}`, draw: () => pendingRow(one) };
    }
  }

  /**
   * @param {Message} message
   * @param {{ sender: import("../client/store.js").User | undefined, isFollowing: boolean, status: string,
   *   quoted: Message | undefined }} how
   */
  function messageRow(message, { sender, isFollowing, status, quoted }) {
    if (message.kind === "system") return el("li", { class: "system" }, message.body, " ", time(message.created_at));
    const isOwn = message.sender_id === me;
    const isGone = message.deleted_at !== null;
    const user = sender ?? { id: message.sender_id, name: "", avatar_url: null };
    const more = el(
      "button",
      { type: "button", class: "more", "aria-label": WORDS.options, "aria-haspopup": "menu" },
      icon(ICONS.more),
    );
    more.addEventListener("click", () => callbacks.onMenu(message, more));
    return el(
      "li",
      { class: `row${isOwn ? " own" : ""}${isFollowing ? " following" : ""}`, "data-seq": message.seq, tabindex: -1 },
      !isOwn && avatar(user),
      el(
        "div",
        { class: "bubble" },
        el("span", { class: isOwn || isFollowing ? "hidden" : "who" }, el("bdi", {}, isOwn ? WORDS.you : nameOf(user))),
        quoted && el("blockquote", { dir: "auto" }, quoted.deleted_at === null ? quoted.body : WORDS.unsent),
        !isGone && message.context && card(message.context, { onOpen: itemOpener(message.context) }),
        isGone ? el("p", { class: "text gone" }, WORDS.unsent) : message.body && textOf(message.body),
        el(
          "span",
          { class: "meta" },
          !isGone && message.edited_at && el("span", { title: exact(message.edited_at) }, `${WORDS.edited} `),
          time(message.created_at),
        ),
      ),
      !isGone && more,
      status && el("span", { class: "status" }, status),
    );
  }

  /** @param {import("../client/store.js").Context} context */
  const itemOpener = (context) => (/** @type {Event} */ event) => callbacks.onItem(context, event);

  /** @param {Pending} one */
  function pendingRow({ client_id, body, context, created_at, state, problem }) {
    const isRefused = state === "refused";
    const says = problem === null ? WORDS.sending : isRefused ? `Not sent. ${problemText(problem)}` : WORDS.queued;
    return el(
      "li",
      { class: "row own pending", tabindex: -1 },
      el(
        "div",
        { class: "bubble" },
        el("span", { class: "hidden" }, WORDS.you),
        context && card(context),
        body && textOf(body),
        el("span", { class: "meta" }, time(created_at)),
      ),
      el(
        "span",
        { class: `status${isRefused ? " refused" : ""}`, role: isRefused ? "alert" : null },
        problem === null ? el("span", { title: says, role: "img", "aria-label": says }, "◷") : says,
        isRefused && el("button", { type: "button", onclick: () => callbacks.onRetry(client_id) }, WORDS.retry),
        isRefused && el("button", { type: "button", onclick: () => callbacks.onDiscard(client_id) }, WORDS.discard),
      ),
    );
  }

  return { render };
}

/** @param {string} at */
const dayOf = (at) => new Date(at).toDateString();

/** @param {Message | null} before @param {Message} message */
function follows(before, message) {
  return (
    before !== null &&
    before.kind !== "system" &&
    before.sender_id === message.sender_id &&
    Date.parse(message.created_at) - Date.parse(before.created_at) < GROUP_MS
  );
}

/** @param {string} at */
const heading = (at) => el("li", { class: "day" }, el("h3", {}, dayText(at)));

/** @param {number} count */
const divider = (count) => el("li", { class: "new" }, el("span", {}, `${count} new message${count === 1 ? "" : "s"}`));

/** @param {Conversation} conversation @param {Message} message */
function statusText(conversation, message) {
  const status = statusOf(conversation, message);
  return `${TICKS[status]} ${WORDS[status]}`;
}
