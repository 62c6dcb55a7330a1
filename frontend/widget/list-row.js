/** The rows of the list: a conversation, or a message that one has sent. */

import { others, own, statusOf } from "../client/store.js";
import { el, icon } from "./dom.js";
import { avatar, namesOf, safeUrl } from "./people.js";
import { exact, shortTime } from "./time.js";
import { WORDS, previewOf } from "./words.js";

/** @typedef {import("../client/parley.js").Connection} Connection */
/** @typedef {import("../client/store.js").Conversation} Conversation */
/** @typedef {import("../client/store.js").Message} Message */
/** @typedef {{ isOpen: boolean, isNeedsReply: boolean, onOpen: (id: string) => void }} RowOptions */

const COUNT_MAX = 99;
const USUAL_STATES = new Set(["available", "active", "in stock", "open"]); // said of most things: no news

/** The other side had the last word. @param {Conversation} conversation @param {string} me */
export function needsReply({ last_message, state }, me) {
  return state === "open" && last_message !== null && last_message.kind !== "system" && last_message.sender_id !== me;
}

/** What a row shows, to be compared. @param {Connection} connection @param {Conversation} conversation @param {boolean} isOpen */
export function lookOf(connection, conversation, isOpen) {
  const { id, last_message, unread_count, last_activity_at, state, is_muted } = conversation;
  return JSON.stringify([
    [last_message?.id, last_message?.edited_at, last_message?.deleted_at],
    [unread_count, last_activity_at, state, is_muted, isOpen, connection.draftOf(id)],
    aboutLookOf(connection, conversation),
  ]);
}

/** @param {Connection} connection @param {Conversation} conversation */
function aboutLookOf(connection, { participants, context }) {
  const people = participants.map(({ user }) => [user.name, connection.presenceOf(user.id)]);
  const today = new Date().getDate(); // what was today is a weekday tomorrow
  return [people, context?.title, context?.state, context?.image_url, today];
}

/** @param {Connection} connection @param {Conversation} conversation @param {RowOptions} options */
export function listRow(connection, conversation, { isOpen, isNeedsReply, onOpen }) {
  const { id, unread_count, last_activity_at } = conversation;
  const { me } = connection.state;
  const marks = [unread_count > 0 && "unread", conversation.is_muted && "muted"].filter(Boolean).join(" ");
  return el(
    "button",
    { type: "button", "data-id": id, "aria-current": isOpen && "true", class: marks, onclick: () => onOpen(id) },
    ...about(connection, conversation, last_activity_at, chip(conversation, isNeedsReply && needsReply(conversation, me))),
    el(
      "span",
      { class: "line" },
      el("span", { class: "preview", dir: "auto" }, ...preview(connection, conversation, me)),
      unread_count > 0 &&
        el("b", { class: "count", role: "img", "aria-label": WORDS.unread_count(unread_count) }, unread_count > COUNT_MAX ? `${COUNT_MAX}+` : String(unread_count)),
    ),
  );
}

/** What a sent row shows, to be compared. @param {Connection} connection @param {Conversation} conversation @param {Message} message */
export function sentLookOf(connection, conversation, message) {
  const { edited_at, deleted_at } = message;
  return JSON.stringify([edited_at, deleted_at, statusOf(conversation, message), aboutLookOf(connection, conversation)]);
}

/**
 * A message of one's own: to whom, about what, and how far it has come.
 * @param {Connection} connection
 * @param {Conversation} conversation
 * @param {Message} message
 * @param {(id: string, seq: number) => void} onOpen
 */
export function sentRow(connection, conversation, message, onOpen) {
  const { seq, created_at } = message;
  const status = statusOf(conversation, message);
  return el(
    "button",
    { type: "button", "data-id": message.id, onclick: () => onOpen(conversation.id, seq) },
    ...about(connection, conversation, created_at),
    el(
      "span",
      { class: "line" },
      el("span", { class: "preview", dir: "auto" }, el("bdi", {}, previewOf(message))),
      message.deleted_at === null && (status === "read" ? el("span", { class: "tick" }, WORDS.read) : tick(status)),
    ),
  );
}

/** @param {"sent" | "delivered"} status */
const tick = (status) => el("span", { class: "tick", role: "img", "aria-label": WORDS[status], title: WORDS[status] }, icon(status));

/**
 * The picture of a row and its two lines: with whom and when, about what.
 * @param {Connection} connection
 * @param {Conversation} conversation
 * @param {string} at
 * @param {import("./dom.js").Child} [mark]
 */
function about(connection, conversation, at, mark) {
  const { id, context, subject } = conversation;
  const { me } = connection.state;
  const [other] = others(conversation, me);
  const picture = safeUrl(context?.image_url);
  const user = other?.user ?? { id, name: "", avatar_url: null };
  const face = avatar(user, other && connection.presenceOf(other.user.id));
  return [
    el("span", { class: "faces" }, picture && el("img", { src: picture, alt: "", loading: "lazy" }), face),
    el("span", { class: "line" }, el("bdi", { class: "who" }, namesOf(conversation, me)), el("time", { datetime: at, title: exact(at) }, shortTime(at))),
    el("span", { class: "line topic" }, el("bdi", {}, context?.title || subject), mark),
  ];
}

/** What is unusual about it. @param {Conversation} conversation @param {boolean} isAsked */
function chip({ state, context }, isAsked) {
  if (isAsked) return el("span", { class: "chip wants" }, WORDS.needs_reply);
  const said = state === "closed" ? state : (context?.state ?? "");
  return said !== "" && !USUAL_STATES.has(said) && el("span", { class: "chip" }, said);
}

/** @param {Connection} connection @param {Conversation} conversation @param {string} me @returns {(Node | string)[]} */
function preview(connection, conversation, me) {
  const draft = connection.draftOf(conversation.id);
  if (draft !== "") return [el("em", {}, `${WORDS.draft}: `), el("bdi", {}, draft)];
  const { last_message } = conversation;
  if (last_message === null) return [];
  const isOwn = last_message.sender_id === me && own(conversation, me) && last_message.kind !== "system";
  return [isOwn ? `${WORDS.you}: ` : "", el("bdi", {}, previewOf(last_message))];
}
