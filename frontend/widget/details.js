/** Beside a thread: the item with its facts, and the people. */

import { card } from "./bubbles.js";
import { el, fill, iconButton } from "./dom.js";
import { avatar, nameOf, presenceText } from "./people.js";
import { WORDS } from "./words.js";

/** @typedef {import("../client/parley.js").Connection} Connection */
/** @typedef {import("../client/store.js").Conversation} Conversation */

/**
 * @param {Connection} connection
 * @param {{ onItem: import("./head.js").HeadOptions["onItem"], onClose: () => void }} options
 */
export function createDetails(connection, { onItem, onClose }) {
  const body = el("div", { class: "details-body" });
  const close = iconButton("close", WORDS.close, onClose);
  const root = el("aside", { class: "details", "aria-label": WORDS.details, hidden: true }, el("header", { class: "head" }, el("h2", {}, WORDS.details), close), body);

  /** @param {Conversation} conversation */
  function draw({ context, participants, subject }) {
    const facts = Object.entries(context?.attributes ?? {}).filter(([, value]) => ["string", "number"].includes(typeof value));
    return [
      context ? card(context, { onOpen: onItem }) : subject && el("h3", {}, el("bdi", {}, subject)),
      facts.length > 0 && el("dl", {}, ...facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", { dir: "auto" }, String(value))))),
      el("h3", {}, WORDS.people),
      el("ul", { class: "people", role: "list" }, ...participants.filter(({ left_at }) => left_at === null).map(person)),
    ];
  }

  /** @param {import("../client/store.js").Participant} participant */
  function person({ user, role }) {
    const isMe = user.id === connection.me?.id;
    const presence = isMe ? undefined : connection.presenceOf(user.id);
    const said = [WORDS[role], presenceText(presence)].filter(Boolean).join(" · ");
    return el("li", {}, avatar(user, presence), el("span", {}, el("bdi", {}, isMe ? WORDS.you : nameOf(user)), el("small", {}, said)));
  }

  return {
    root,
    focus: () => close.focus(),
    /** @param {Conversation | null} conversation */
    render(conversation) {
      root.hidden = conversation === null;
      if (conversation === null) return;
      const people = conversation.participants.map(({ user, left_at }) => [user, left_at, connection.presenceOf(user.id)]);
      fill(body, [conversation.context, conversation.subject, people], () => draw(conversation));
    },
  };
}
