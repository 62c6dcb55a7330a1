/** One conversation drawn: who and what it is about, its messages, the typing line and the composer. */

import { others, own } from "../client/store.js";
import { avatar, card } from "./bubbles.js";
import { createComposer } from "./composer.js";
import { ICONS, el, icon } from "./dom.js";
import { openMenu } from "./menu.js";
import { createRows } from "./rows.js";
import { WORDS, nameOf, namesOf, presenceText, problemText, typingText } from "./words.js";

/** @typedef {import("../client/parley.js").Connection} Connection */
/** @typedef {import("../client/parley.js").Thread} Thread */

const END_PX = 100; // so near to the end, the thread follows new messages
const EDIT_MS = 15 * 60_000;
const UNSEND_MS = 24 * 3_600_000;

/**
 * @param {Connection} connection
 * @param {Thread} thread
 * @param {{ signal: AbortSignal, onBack?: () => void, onItem: (context: import("../client/store.js").Context,
 *   event: Event) => void }} options
 */
export function createThreadView(connection, thread, { signal, onBack, onItem }) {
  const me = connection.me?.id ?? "";
  const who = el("h2");
  const presence = el("p", { class: "presence" });
  const face = el("span");
  const options = el("button", { type: "button", class: "plain", "aria-label": WORDS.about }, icon(ICONS.more));
  options.addEventListener("click", () => openMenu(options, conversationActions()));
  const back = onBack && el("button", { type: "button", class: "plain back", "aria-label": WORDS.back, onclick: onBack }, icon(ICONS.back));
  const header = el("header", { class: "head" }, back, face, el("div", { class: "head-text" }, who, presence), options);
  const about = el("div", { class: "about" });
  const banner = el("p", { class: "banner", role: "status", hidden: true });
  const list = el("ol", { class: "rows" });
  const trouble = el("p", { class: "trouble", role: "alert", hidden: true });
  const loading = el("div", { class: "skeleton", "aria-hidden": "true" }, el("i"), el("i"), el("i"));
  const scroller = el(
    "div",
    { class: "scroller", role: "group", "aria-label": WORDS.messages, tabindex: 0, onscroll: () => scrolled() },
    loading,
    trouble,
    list,
  );
  const typing = el("p", { class: "typing", "aria-live": "off" });
  const more = el("button", { type: "button", class: "to-end", hidden: true, onclick: () => void goToEnd() });
  const composer = createComposer(thread, { items: itemsToShare, onSent: () => void goToEnd() });
  const closed = el("p", { class: "closed", hidden: true });
  const root = el("section", { class: "thread", "aria-label": WORDS.messages }, header, about, banner, scroller, more, typing, composer.form, closed);
  const rows = createRows(list, me, {
    onMenu: (message, anchor) => openMenu(anchor, messageActions(message)),
    onItem,
    onRetry: thread.retry,
    onDiscard: thread.discard,
  });
  let isAtEnd = true;
  let hasOpened = false;
  let seenUpTo = 0;

  // --- scrolling -----------------------------------------------------------------------------------------------------

  function scrolled() {
    const below = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
    isAtEnd = below < END_PX && !thread.hasNewer;
    if (scroller.scrollTop < 300 && thread.hasOlder) void thread.older();
    if (below < 300 && thread.hasNewer) void thread.newer();
    if (isAtEnd) seenUpTo = thread.conversation.last_seq;
    showMore();
  }

  function showMore() {
    const count = thread.messages.filter(({ seq, sender_id }) => seq > seenUpTo && sender_id !== me).length;
    more.hidden = isAtEnd || !hasOpened;
    more.replaceChildren(count > 0 ? `${count} new ` : "", icon(ICONS.down));
    more.setAttribute("aria-label", count > 0 ? `${count} new messages, go to the end` : "Go to the end");
  }

  async function goToEnd() {
    isAtEnd = true;
    if (thread.hasNewer) await thread.toEnd();
    scroller.scrollTop = scroller.scrollHeight;
  }

  /** The first row that can be seen, and where it is. */
  function anchor() {
    const top = scroller.getBoundingClientRect().top;
    for (const row of list.children) {
      const at = row.getBoundingClientRect();
      if (at.bottom > top) return { row, top: at.top };
    }
    return null;
  }

  /** Draw the rows; what is looked at stays where it is. */
  function renderRows() {
    const before = isAtEnd ? null : anchor();
    rows.render(thread);
    if (!hasOpened && !thread.isLoading) open();
    else if (isAtEnd) scroller.scrollTop = scroller.scrollHeight;
    else if (before?.row.isConnected) scroller.scrollTop += before.row.getBoundingClientRect().top - before.top;
    if (isAtEnd) seenUpTo = thread.conversation.last_seq;
  }

  /** The first time: at the first unread message, else at the end. */
  function open() {
    hasOpened = true;
    const first = list.querySelector(".new");
    if (first === null) scroller.scrollTop = scroller.scrollHeight;
    else scroller.scrollTop += first.getBoundingClientRect().top - scroller.getBoundingClientRect().top - 24;
    seenUpTo = thread.conversation.last_seq;
    scrolled();
  }

  // --- drawing -------------------------------------------------------------------------------------------------------

  /** @type {unknown} */
  let drawnContext;

  function render() {
    const { conversation } = thread;
    const people = others(conversation, me).map(({ user }) => user);
    const [other] = people;
    const there = other && people.length === 1 ? connection.presenceOf(other.id) : undefined;
    who.replaceChildren(el("bdi", {}, namesOf(conversation, me)));
    presence.textContent = presenceText(there);
    const person = other ?? conversation.participants.find(({ user }) => user.id !== me)?.user;
    if (person) face.replaceChildren(avatar(person, there?.is_online));
    if (drawnContext !== conversation.context) {
      drawnContext = conversation.context;
      about.replaceChildren(conversation.context ? itemCard(conversation.context) : conversation.subject);
      about.hidden = conversation.context === null && conversation.subject === "";
    }
    loading.hidden = !(thread.isLoading && thread.messages.length === 0);
    trouble.hidden = thread.problem === null;
    if (thread.problem !== null) {
      const retry = el("button", { type: "button", onclick: () => void thread.reload() }, WORDS.retry);
      trouble.replaceChildren(`${WORDS.cannot_load} ${problemText(thread.problem)} `, retry);
    }
    typing.textContent = typingText(thread.typists.map(nameOf));
    renderState();
    renderRows();
    showMore();
    composer.suggest();
    thread.setVisible(isSeen());
  }

  function renderState() {
    const { status } = connection;
    const { conversation } = thread;
    const said =
      status.phase === "signed_out"
        ? WORDS.signed_out
        : status.isLate
          ? WORDS.reconnecting
          : status.isLimited && status.phase === "live"
            ? WORDS.limited
            : "";
    banner.hidden = said === "";
    if (banner.textContent !== said) banner.textContent = said;
    const isClosed = conversation.state === "closed" || thread.isGone;
    composer.form.hidden = isClosed;
    closed.hidden = !isClosed;
    closed.textContent = thread.isGone ? WORDS.gone : WORDS.closed;
  }

  /** @param {import("../client/store.js").Context} context */
  function itemCard(context) {
    const details = el("details", { open: true }, el("summary", {}, el("bdi", {}, context.title)));
    details.append(card(context, { onOpen: (event) => onItem(context, event) }));
    return details;
  }

  const isSeen = () => hasOpened && isAtEnd && root.isConnected && root.offsetParent !== null;

  // --- what can be done ----------------------------------------------------------------------------------------------

  /** Items of one's conversations; this one's own first. */
  function itemsToShare() {
    const all = [thread.conversation, ...connection.state.conversations.values()].flatMap(({ context }) => context ?? []);
    return [...new Map(all.map((context) => [`${context.kind}:${context.id}`, context])).values()]
      .filter(({ kind }) => kind !== "order")
      .slice(0, 20);
  }

  /** @param {import("../client/store.js").Message} message */
  function messageActions(message) {
    const age = Date.now() - Date.parse(message.created_at);
    const isOwn = message.sender_id === me;
    const canEdit = isOwn && message.kind === "text" && age < EDIT_MS;
    return [
      { text: WORDS.reply, act: () => composer.aim("reply", message) },
      message.body !== "" && { text: WORDS.copy, act: () => void navigator.clipboard?.writeText(message.body) },
      canEdit && { text: WORDS.edit, act: () => composer.aim("edit", message) },
      isOwn && age < UNSEND_MS && { text: WORDS.unsend, act: () => attempt(() => thread.unsend(message.id)) },
    ].filter((one) => one !== false);
  }

  function conversationActions() {
    const { id, is_archived, is_muted, state } = thread.conversation;
    const mine = own(thread.conversation, me);
    /** @param {string} text @param {unknown} patch */
    const change = (text, patch) => ({ text, act: () => attempt(() => connection.change(id, patch)) });
    return [
      change(is_archived ? WORDS.unarchive : WORDS.archive, { is_archived: !is_archived }),
      change(is_muted ? WORDS.unmute : WORDS.mute, { is_muted: !is_muted }),
      mine !== undefined &&
        mine.role !== "buyer" &&
        change(state === "open" ? WORDS.close_it : WORDS.open_it, { state: state === "open" ? "closed" : "open" }),
    ].filter((one) => one !== false);
  }

  /** @param {() => Promise<unknown>} work */
  async function attempt(work) {
    try {
      await work();
    } catch (error) {
      trouble.hidden = false;
      trouble.textContent = error instanceof Error ? error.message : String(error);
    }
  }

  thread.on("change", render, { signal });
  connection.on("change", render, { signal });
  document.addEventListener("visibilitychange", () => thread.setVisible(isSeen()), { signal });
  // Rows get their real height when they come into view, and the keyboard takes room: the end stays the end.
  const sizes = new ResizeObserver(() => {
    if (hasOpened && isAtEnd) scroller.scrollTop = scroller.scrollHeight;
  });
  sizes.observe(list);
  sizes.observe(scroller);
  signal.addEventListener("abort", () => {
    sizes.disconnect();
    thread.setVisible(false);
  });
  const start = () => {
    render();
    composer.grow();
  };
  queueMicrotask(start);
  return { root, focus: () => composer.focus(), composer };
}
