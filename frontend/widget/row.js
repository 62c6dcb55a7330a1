/** How one row of a thread is drawn. */

import { card, textOf, time } from "./bubbles.js";
import { el, icon, iconButton } from "./dom.js";
import { avatar, nameOf } from "./people.js";
import { dayText, exact } from "./time.js";
import { WORDS, problemText } from "./words.js";

/** @typedef {import("../client/parley.js").Pending} Pending */
/** @typedef {import("../client/store.js").Message} Message */
/** @typedef {import("../client/store.js").Context} Context */
/** @typedef {"sent" | "delivered" | "read"} MessageStatus */
/**
 * @typedef {object} RowCallbacks
 * @property {(message: Message, anchor: HTMLElement) => void} onMenu
 * @property {(context: Context, event: Event) => void} onItem
 * @property {(messageId: string) => void} onQuoted
 * @property {(clientId: string) => void} onRetry
 * @property {(clientId: string) => void} onDiscard
 */
/**
 * @typedef {object} Setting
 * @property {boolean} isOwn
 * @property {import("../client/store.js").User} sender
 * @property {boolean} isFollowing The one before is by the same person and not long ago.
 * @property {{ status: MessageStatus, text: string } | null} told Under the last message of one's own.
 * @property {Message | undefined} quoted What it answers, if that is loaded.
 */

/** @param {string} at */
export const dayRow = (at) => el("li", { class: "day" }, el("h3", {}, dayText(at)));

/** @param {number} count */
export const newRow = (count) => el("li", { class: "new" }, el("span", { dir: "auto" }, WORDS.new_messages(count)));

/** @param {Message} message */
export const systemRow = ({ body, created_at, seq }) =>
  el("li", { class: "system", "data-seq": seq, tabindex: -1 }, el("bdi", {}, body), " ", time(created_at));

/**
 * A message: one stop for the keyboard, named by its parts.
 * @param {Message} message
 * @param {Setting} setting
 * @param {RowCallbacks} callbacks
 */
export function messageRow(message, { isOwn, sender, isFollowing, told, quoted }, callbacks) {
  const { seq, body, context, reply_to, edited_at, deleted_at, created_at } = message;
  const isGone = deleted_at !== null;
  const id = (/** @type {string} */ part) => `${part}-${seq}`;
  const more = iconButton("more", WORDS.options, () => callbacks.onMenu(message, more), { class: "plain more", "aria-haspopup": "menu", tabindex: -1 });
  return el(
    "li",
    {
      class: rowClass({ isOwn, isFollowing }),
      "data-seq": seq,
      tabindex: -1,
      "aria-labelledby": ["who", "said", "meta", ...(told ? ["told"] : [])].map(id).join(" "),
      oncontextmenu: (/** @type {Event} */ event) => {
        if (isGone || isOnLink(event)) return;
        event.preventDefault();
        callbacks.onMenu(message, more);
      },
    },
    !isOwn && avatar(sender),
    el(
      "div",
      { class: "bubble" },
      el("span", { id: id("who"), class: isOwn ? "hidden" : "who" }, el("bdi", {}, isOwn ? WORDS.you : nameOf(sender))),
      el(
        "div",
        { id: id("said"), class: "said" },
        !isGone && reply_to !== null && quote(quoted, () => callbacks.onQuoted(reply_to)),
        !isGone && context && card(context, { onOpen: callbacks.onItem }),
        isGone ? el("p", { class: "text gone" }, WORDS.unsent) : body && textOf(body),
      ),
      el(
        "span",
        { id: id("meta"), class: "meta" },
        !isGone && edited_at && el("span", { title: exact(edited_at) }, `${WORDS.edited} `),
        time(created_at),
      ),
      !isGone && more,
    ),
    told && el("span", { id: id("told"), class: "status" }, told.status !== "read" && icon(told.status), el("span", {}, told.text)),
  );
}

/**
 * A message on its way, or refused.
 * @param {Pending} one
 * @param {{ isFollowing: boolean, waitSeconds: number }} setting
 * @param {RowCallbacks} callbacks
 */
export function pendingRow(one, { isFollowing, waitSeconds }, callbacks) {
  const { client_id, body, context, created_at, state, problem } = one;
  const isRefused = state === "refused";
  return el(
    "li",
    { class: `${rowClass({ isOwn: true, isFollowing })} pending`, tabindex: -1 },
    el(
      "div",
      { class: "bubble" },
      el("span", { class: "hidden" }, WORDS.you),
      el("div", { class: "said" }, context && card(context), body && textOf(body)),
      el("span", { class: "meta" }, time(created_at)),
    ),
    el(
      "span",
      { class: `status${isRefused ? " refused" : ""}`, role: isRefused ? "alert" : null },
      !isRefused && icon("clock"),
      el("span", {}, saidOf(one, waitSeconds)),
      isRefused && el("button", { type: "button", onclick: () => callbacks.onRetry(client_id) }, WORDS.retry),
      isRefused && el("button", { type: "button", onclick: () => callbacks.onDiscard(client_id) }, WORDS.discard),
    ),
  );
}

/** @param {Pending} one @param {number} waitSeconds */
function saidOf({ state, problem }, waitSeconds) {
  if (problem === null) return state === "refused" ? WORDS.not_sent : WORDS.sending;
  if (state === "refused") return `${WORDS.not_sent} ${problemText(problem)}`;
  return waitSeconds > 0 ? `${problemText(problem)} ${WORDS.wait(waitSeconds)}` : WORDS.queued;
}

/** @param {{ isOwn: boolean, isFollowing: boolean }} how */
const rowClass = ({ isOwn, isFollowing }) => `row${isOwn ? " own" : ""}${isFollowing ? " following" : ""}`;

/** @param {Message | undefined} quoted @param {() => void} onclick */
function quote(quoted, onclick) {
  const text = quoted === undefined ? WORDS.earlier : quoted.deleted_at === null ? quoted.body || quoted.context?.title || "" : WORDS.unsent;
  return el("blockquote", { dir: "auto", onclick }, text);
}

/** @param {Event} event */
const isOnLink = (event) => event.composedPath().some((one) => one instanceof HTMLAnchorElement);
