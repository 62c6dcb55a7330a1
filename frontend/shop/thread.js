/** One conversation: its messages, its typing line and the input. Only shows; what people do goes to the callbacks. */

import { statusOf } from "../client/store.js";
import { el } from "./dom.js";
import { exactTime, namesOf, shortTime, topicOf } from "./words.js";

/** @typedef {import("../client/store.js").Conversation} Conversation */
/** @typedef {import("../client/store.js").Message} Message */
/** @typedef {import("./outbox.js").Pending} Pending */
/**
 * @typedef {object} Model
 * @property {Conversation} conversation
 * @property {readonly Message[]} messages
 * @property {readonly Pending[]} pending Sent by oneself and not known to be stored.
 * @property {readonly string[]} typists Names.
 * @property {string} presence
 * @property {boolean} isLoading
 * @property {string} draft What stands in the input when the conversation is opened.
 */
/**
 * @typedef {object} Callbacks
 * @property {(body: string) => void} onSend
 * @property {(text: string) => void} onType The input's text after every change.
 * @property {(clientId: string) => void} onRetry
 * @property {(clientId: string) => void} onDiscard
 * @property {() => void} onOlder
 */

const TICKS = {
  sending: { sign: "◷", words: "Sending" },
  sent: { sign: "✓", words: "Sent" },
  delivered: { sign: "✓✓", words: "Delivered" },
  read: { sign: "Read", words: "Read" },
};
const END_PX = 100; // so near to the end, the thread follows new messages
const BODY_CHARACTERS_MAX = 4_000;

/**
 * @param {HTMLElement} root
 * @param {{ me: string } & Callbacks} options
 */
export function createThread(root, { me, onSend, onType, onRetry, onDiscard, onOlder }) {
  const title = el("h2");
  const about = el("p", { class: "about" });
  const older = el("button", { type: "button", onclick: onOlder }, "Earlier messages");
  const rows = el("ol", { class: "messages" });
  const scroller = el("div", { class: "scroller", tabindex: 0, role: "group", "aria-label": "Messages" }, older, rows);
  const typing = el("p", { class: "typing" });
  const input = el("input", {
    "aria-label": "Message",
    autocomplete: "off",
    enterkeyhint: "send",
    maxlength: BODY_CHARACTERS_MAX,
    placeholder: "Write a message",
    oninput: () => onType(input.value),
  });
  const form = el("form", { class: "composer", onsubmit: submit }, input, el("button", {}, "Send"));
  const closed = el("p", {}, "This conversation is closed.");
  root.append(title, about, scroller, typing, form, closed);
  root.hidden = true;

  /** @type {Model | null} */
  let shown = null;

  /** @param {Event} event */
  function submit(event) {
    event.preventDefault();
    const body = input.value.trim();
    if (body === "") return;
    input.value = "";
    onSend(body);
  }

  /** @param {Model | null} model Null: no conversation is open. */
  function render(model) {
    const before = shown;
    shown = model;
    root.hidden = model === null;
    if (model === null) return;
    const { conversation } = model;
    const isOther = before === null || before.conversation.id !== conversation.id;
    if (isOther) input.value = model.draft;
    title.textContent = namesOf(conversation, me);
    about.textContent = [topicOf(conversation), model.presence].filter(Boolean).join(" · ");
    form.hidden = conversation.state === "closed";
    closed.hidden = !form.hidden;
    typing.textContent = typingText(model.typists);
    const isSending = !isOther && model.pending.length > before.pending.length;
    if (isOther || hasOtherRows(before, model)) renderRows(model, isOther || isSending);
    if (isOther) input.focus();
  }

  /**
   * @param {Model} before
   * @param {Model} model
   */
  function hasOtherRows(before, model) {
    return (
      before.messages !== model.messages ||
      before.conversation !== model.conversation ||
      before.isLoading !== model.isLoading ||
      before.pending.length !== model.pending.length ||
      before.pending.some((one, i) => one !== model.pending[i])
    );
  }

  /**
   * @param {Model} model
   * @param {boolean} isToEnd Show the end, wherever the person has scrolled to.
   */
  function renderRows({ conversation, messages, pending, isLoading }, isToEnd) {
    const fromEnd = scroller.scrollHeight - scroller.scrollTop;
    const isAtEnd = isToEnd || fromEnd - scroller.clientHeight < END_PX;
    const firstBefore = rows.firstElementChild?.getAttribute("data-seq");
    const hasNone = messages.length + pending.length === 0;
    older.hidden = (messages[0]?.seq ?? 1) <= 1;
    rows.replaceChildren(
      ...messages.map((message) => messageRow(conversation, message)),
      ...pending.map((one) => pendingRow(conversation, one)),
      ...(hasNone ? [el("li", { class: "system" }, isLoading ? "Loading…" : "No messages yet.")] : []),
    );
    const hasGrownAbove = rows.firstElementChild?.getAttribute("data-seq") !== firstBefore;
    if (isAtEnd) scroller.scrollTop = scroller.scrollHeight;
    else if (hasGrownAbove) scroller.scrollTop = scroller.scrollHeight - fromEnd;
  }

  /**
   * @param {Conversation} conversation
   * @param {Message} message
   */
  function messageRow(conversation, message) {
    const { seq, kind, sender_id, body, context, created_at, edited_at, deleted_at } = message;
    const time = el("time", { datetime: created_at, title: exactTime(created_at) }, shortTime(created_at));
    if (kind === "system") return el("li", { class: "system", "data-seq": seq }, body, " ", time);
    const isOwn = sender_id === me;
    return el(
      "li",
      { class: isOwn ? "own" : null, "data-seq": seq },
      el("span", { class: "head" }, el("strong", {}, nameOf(conversation, sender_id)), " ", time),
      deleted_at === null && context !== null && el("p", { class: "card" }, context.title),
      deleted_at === null ? el("p", { dir: "auto" }, body) : el("p", {}, el("em", {}, "Message unsent")),
      edited_at !== null && deleted_at === null && el("small", {}, "edited "),
      isOwn && ticks(statusOf(conversation, message)),
    );
  }

  /**
   * @param {Conversation} conversation
   * @param {Pending} pending
   */
  function pendingRow(conversation, { client_id, body, problem }) {
    return el(
      "li",
      { class: "own" },
      el("span", { class: "head" }, el("strong", {}, nameOf(conversation, me))),
      el("p", { dir: "auto" }, body),
      problem === null && ticks("sending"),
      problem !== null && el("span", { class: "problem" }, `Not sent. ${problem.message} `),
      problem !== null && el("button", { type: "button", onclick: () => onRetry(client_id) }, "Retry"),
      problem !== null && el("button", { type: "button", onclick: () => onDiscard(client_id) }, "Delete"),
    );
  }

  return { render, root };
}

/** @param {keyof typeof TICKS} status */
function ticks(status) {
  const { sign, words } = TICKS[status];
  return el("span", { class: "ticks", "data-status": status, role: "img", "aria-label": words, title: words }, sign);
}

/**
 * @param {Conversation} conversation
 * @param {string} userId
 */
function nameOf({ participants }, userId) {
  return participants.find(({ user }) => user.id === userId)?.user.name ?? userId;
}

/** @param {readonly string[]} names */
function typingText(names) {
  if (names.length === 0) return "";
  return names.length === 1 ? `${names[0]} is typing…` : `${names.join(" and ")} are typing…`;
}
