/** The top of a thread: whom it is with, whether they are here, what it is about, and what can be done with it. */

import { others, own } from "../client/store.js";
import { card } from "./bubbles.js";
import { el, fill, iconButton } from "./dom.js";
import { openMenu } from "./menu.js";
import { avatar, namesOf, presenceText } from "./people.js";
import { WORDS } from "./words.js";

/** @typedef {import("../client/parley.js").Connection} Connection */
/** @typedef {import("../client/parley.js").Thread} Thread */
/**
 * @typedef {object} HeadOptions
 * @property {((context: import("../client/store.js").Context, event: Event) => void)} onItem
 * @property {(() => void) | undefined} [onBack]
 * @property {(() => void) | undefined} [onDetails]
 * @property {(() => void) | undefined} [onClose]
 */

/**
 * @param {Connection} connection
 * @param {Thread} thread
 * @param {HeadOptions & { attempt: (work: () => Promise<unknown>) => void }} options
 */
export function createHead(connection, thread, { onItem, onBack, onDetails, onClose, attempt }) {
  const me = connection.me?.id ?? "";
  const face = el("span", { class: "face" });
  const name = el("h2");
  const presence = el("p", { class: "presence" });
  const options = iconButton("more", WORDS.about, () => openMenu(options, actions(), { label: WORDS.about }), { "aria-haspopup": "menu" });
  const head = el(
    "header",
    { class: "head" },
    onBack && iconButton("back", WORDS.back, onBack, { class: "plain back" }),
    face,
    el("div", { class: "head-text" }, name, presence),
    onDetails && iconButton("about", WORDS.details, onDetails, { class: "plain to-details" }),
    options,
    onClose && iconButton("close", WORDS.close, onClose),
  );
  const item = el("div", { class: "item" });

  function actions() {
    const { id, is_archived, is_muted, state } = thread.conversation;
    /** @param {string} text @param {unknown} patch */
    const change = (text, patch) => ({ text, act: () => attempt(() => connection.change(id, patch)) });
    const isBuyer = own(thread.conversation, me)?.role === "buyer";
    return [
      onDetails && { text: WORDS.details, act: onDetails },
      change(is_muted ? WORDS.unmute : WORDS.mute, { is_muted: !is_muted }),
      change(is_archived ? WORDS.unarchive : WORDS.archive, { is_archived: !is_archived }),
      state === "closed" ? change(WORDS.open_it, { state: "open" }) : !isBuyer && change(WORDS.close_it, { state: "closed" }),
    ];
  }

  function fold() {
    const isFolded = item.classList.toggle("folded");
    const button = item.querySelector("button");
    button?.setAttribute("aria-expanded", String(!isFolded));
    button?.setAttribute("aria-label", isFolded ? WORDS.unfold : WORDS.fold);
  }

  return {
    head,
    item,
    render() {
      const { conversation } = thread;
      const { context, subject } = conversation;
      const here = others(conversation, me);
      const [other] = here.length > 0 ? here : conversation.participants.filter(({ user }) => user.id !== me);
      const there = other && here.length === 1 ? connection.presenceOf(other.user.id) : undefined;
      const names = namesOf(conversation, me);
      fill(name, names, () => [el("bdi", {}, names)]);
      fill(presence, presenceText(there), () => [presenceText(there)]);
      fill(face, [other?.user, there], () => [other && avatar(other.user, there)]);
      fill(item, [context, subject], () =>
        context === null
          ? [el("bdi", { class: "subject" }, subject)]
          : [card(context, { onOpen: onItem }), iconButton("down", WORDS.fold, fold, { class: "plain fold", "aria-expanded": "true" })],
      );
      item.hidden = context === null && subject === "";
    },
  };
}
