/** One row of the list of conversations. */

import { others, own } from "../client/store.js";
import { el } from "./dom.js";
import { avatar, namesOf, safeUrl } from "./people.js";
import { exact, shortTime } from "./time.js";
import { WORDS, previewOf } from "./words.js";

/** @typedef {import("../client/parley.js").Connection} Connection */
/** @typedef {import("../client/store.js").Conversation} Conversation */
/** @typedef {{ isOpen: boolean, isNeedsReply: boolean, onOpen: (id: string) => void }} RowOptions */

const COUNT_MAX = 99;
const USUAL_STATES = new Set(["available", "active", "in stock", "open"]); // said of most things: no news

/** The other side had the last word. @param {Conversation} conversation @param {string} me */
export function needsReply({ last_message, state }, me) {
  return state === "open" && last_message !== null && last_message.kind !== "system" && last_message.sender_id !== me;
}

/** What a row shows, to be compared. @param {Connection} connection @param {Conversation} conversation @param {boolean} isOpen */
export function lookOf(connection, { id, last_message, unread_count, last_activity_at, state, participants, context, is_muted }, isOpen) {
  const people = participants.map(({ user }) => [user.name, connection.presenceOf(user.id)]);
  const today = new Date().getDate(); // what was today is a weekday tomorrow
  return JSON.stringify([
    [last_message?.id, last_message?.edited_at, last_message?.deleted_at],
    [unread_count, last_activity_at, state, is_muted, isOpen, today],
    [people, context?.title, context?.state, context?.image_url, connection.draftOf(id)],
  ]);
}

/** @param {Connection} connection @param {Conversation} conversation @param {RowOptions} options */
export function listRow(connection, conversation, { isOpen, isNeedsReply, onOpen }) {
  const { id, unread_count, last_activity_at, context, subject } = conversation;
  const me = connection.me?.id ?? "";
  const [other] = others(conversation, me);
  const picture = safeUrl(context?.image_url);
  const user = other?.user ?? { id, name: "", avatar_url: null };
  const marks = [unread_count > 0 && "unread", conversation.is_muted && "muted"].filter(Boolean).join(" ");
  return el(
    "button",
    { type: "button", "data-id": id, "aria-current": isOpen && "true", class: marks, onclick: () => onOpen(id) },
    el(
      "span",
      { class: "faces" },
      picture && el("img", { src: picture, alt: "", loading: "lazy" }),
      avatar(user, other && connection.presenceOf(other.user.id)),
    ),
    el(
      "span",
      { class: "line" },
      el("bdi", { class: "who" }, namesOf(conversation, me)),
      el("time", { datetime: last_activity_at, title: exact(last_activity_at) }, shortTime(last_activity_at)),
    ),
    el("span", { class: "line topic" }, el("bdi", {}, context?.title || subject), chip(conversation, isNeedsReply && needsReply(conversation, me))),
    el(
      "span",
      { class: "line" },
      el("span", { class: "preview", dir: "auto" }, ...preview(connection, conversation, me)),
      unread_count > 0 &&
        el("b", { class: "count", role: "img", "aria-label": WORDS.unread_count(unread_count) }, unread_count > COUNT_MAX ? `${COUNT_MAX}+` : String(unread_count)),
    ),
  );
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
