/** The list of conversations. Only shows; what is chosen goes to `onOpen`. */

import { el } from "./dom.js";
import { exactTime, namesOf, shortTime, topicOf } from "./words.js";

/** @typedef {import("../client/store.js").Conversation} Conversation */

/**
 * @param {HTMLElement} root
 * @param {{ me: string, onOpen: (id: string) => void, onMore: () => void }} options
 */
export function createList(root, { me, onOpen, onMore }) {
  const rows = el("ul", { class: "conversations" });
  const empty = el("p", {}, "No messages yet.");
  const more = el("button", { type: "button", onclick: onMore }, "More");
  root.append(rows, empty, more);

  /** @param {{ conversations: readonly Conversation[], openId: string | null, hasMore: boolean }} model */
  function render({ conversations, openId, hasMore }) {
    const focusedId = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.id : undefined;
    rows.replaceChildren(
      ...conversations.map((conversation) => el("li", {}, row(conversation, conversation.id === openId))),
    );
    /** @type {HTMLElement | null} */ (rows.querySelector(`[data-id="${focusedId}"]`))?.focus();
    empty.hidden = conversations.length > 0;
    more.hidden = !hasMore;
  }

  /**
   * @param {Conversation} conversation
   * @param {boolean} isOpen
   */
  function row(conversation, isOpen) {
    const { id, unread_count, last_activity_at } = conversation;
    const time = el(
      "time",
      { datetime: last_activity_at, title: exactTime(last_activity_at) },
      shortTime(last_activity_at),
    );
    return el(
      "button",
      { type: "button", "data-id": id, "aria-current": isOpen && "true", onclick: () => onOpen(id) },
      el("span", { class: "who" }, namesOf(conversation, me)),
      unread_count > 0 && el("b", { class: "unread", "aria-label": `${unread_count} unread` }, String(unread_count)),
      el("span", { class: "topic" }, topicOf(conversation)),
      time,
      el("span", { class: "preview", dir: "auto" }, preview(conversation)),
    );
  }

  /** @param {Conversation} conversation */
  function preview({ last_message }) {
    if (last_message === null) return "";
    const text = last_message.deleted_at === null ? last_message.body || "Shared an item" : "Message unsent";
    return last_message.sender_id === me && last_message.kind !== "system" ? `You: ${text}` : text;
  }

  return { render };
}
