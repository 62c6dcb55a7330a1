/** One conversation drawn: who and what it is about, its messages, the typing line and the composer. */

import { createBanner } from "./banner.js";
import { createComposer } from "./composer.js";
import { el, fill, focused, icon } from "./dom.js";
import { createHead } from "./head.js";
import { openMenu } from "./menu.js";
import { nameOf } from "./people.js";
import { createRows } from "./rows.js";
import { createScrolling } from "./scrolling.js";
import { walkRows } from "./stops.js";
import { onNewDay } from "./time.js";
import { WORDS, problemText } from "./words.js";

/** @typedef {import("../client/parley.js").Connection} Connection */
/** @typedef {import("../client/parley.js").Thread} Thread */
/** @typedef {import("../client/store.js").Message} Message */
/** @typedef {() => readonly import("../client/store.js").Context[]} ItemsToShare */

const EDIT_MS = 15 * 60_000; // the server's own limits: what it would refuse is not offered
const UNSEND_MS = 24 * 3_600_000;

/**
 * @param {Connection} connection
 * @param {Thread} thread
 * @param {import("./head.js").HeadOptions & { signal: AbortSignal, items?: ItemsToShare | null | undefined,
 *   hasBanner?: boolean }} options `items`: what can be shared; else those of one's conversations.
 */
export function createThreadView(connection, thread, { signal, items, hasBanner = true, ...around }) {
  const me = connection.me?.id ?? "";
  const { head, item, render: renderHead } = createHead(connection, thread, { ...around, attempt });
  const list = el("ol", { class: "rows", role: "list" });
  const trouble = el("p", { class: "trouble", role: "alert" });
  const skeleton = el("div", { class: "skeleton bubbles", "aria-hidden": "true" }, el("i"), el("i"), el("i"), el("i"));
  const scroller = el("div", { class: "scroller" }, skeleton, list);
  const typing = el("p", { class: "typing" });
  const toEnd = el("button", { type: "button", class: "to-end", onclick: () => void goToEnd() });
  const composer = createComposer(thread, { items: items ?? itemsOfConversations, onSent: () => scrolling.follow(), lastOwn });
  const closed = el("p", { class: "closed" });
  const root = el(
    "section",
    { class: "thread", "aria-label": WORDS.messages },
    head,
    item,
    hasBanner && createBanner(connection, signal),
    el("div", { class: "middle" }, scroller, toEnd),
    trouble,
    typing,
    composer.form,
    closed,
  );
  const rows = createRows(list, me, {
    onMenu: (message, more) => openMenu(more, actionsOf(message), { label: WORDS.options, opener: more.closest("li") ?? more }),
    onItem: around.onItem,
    onQuoted: goToQuoted,
    onRetry: thread.retry,
    onDiscard(clientId) {
      if (!stops.leave()) composer.focus();
      thread.discard(clientId);
    },
  });
  const stops = walkRows(list, signal);
  const scrolling = createScrolling(scroller, list, { thread, onMove: moved, signal });
  let seenUpTo = 0;
  /** The message that is to be shown as soon as it is there. @type {{ seq: number, isAsked: boolean } | null} */
  let goal = null;
  /** What the rows were drawn from. @type {readonly unknown[]} */
  let drawn = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let ticking;

  function moved() {
    if (scrolling.isAtEnd) seenUpTo = thread.conversation.last_seq;
    const count = scrolling.isAtEnd ? 0 : thread.messages.filter(({ seq, sender_id }) => seq > seenUpTo && sender_id !== me).length;
    toEnd.hidden = scrolling.isAtEnd || !scrolling.hasOpened;
    fill(toEnd, count, () => [count > 0 ? WORDS.new_messages(count) : el("span", { class: "hidden" }, WORDS.to_end), icon("down")]);
    toEnd.classList.toggle("has-news", count > 0);
    thread.setVisible(isSeen());
  }

  function render() {
    const { conversation, messages, pending, isLoading, problem, typists, hasOlder, isGone } = thread;
    renderHead();
    skeleton.hidden = !isLoading || messages.length > 0;
    list.dataset.people = conversation.participants.length > 2 ? "many" : "two";
    list.classList.toggle("has-older", hasOlder);
    const isOpening = isLoading && !scrolling.hasOpened;
    const now = [conversation, messages, isOpening, ...pending];
    if (now.length !== drawn.length || now.some((one, i) => one !== drawn[i])) renderRows(now);
    renderTrouble(problem);
    fill(typing, typists, () => (typists.length > 0 ? [dots(), el("bdi", {}, WORDS.typing(typists.map(nameOf)))] : []));
    composer.form.hidden = conversation.state === "closed" || isGone;
    fill(closed, [conversation.state, isGone], () => (isGone ? [WORDS.gone] : [WORDS.closed, reopen()]));
    closed.hidden = !composer.form.hidden;
    composer.suggest();
    moved();
    reach();
  }

  /** Show a message, also one that is not loaded. @param {number} seq */
  function goTo(seq) {
    goal = { seq, isAsked: false };
    reach();
  }

  /** It may be far above what is loaded. @param {string} messageId */
  function goToQuoted(messageId) {
    const known = thread.messages.find(({ id }) => id === messageId);
    if (known) goTo(known.seq);
    else attempt(async () => goTo((await connection.calls.getMessage(messageId, { signal })).seq));
  }

  /** The button goes, and what has the focus goes with it. */
  async function goToEnd() {
    const hadFocus = toEnd.matches(":focus");
    await scrolling.toEnd();
    const now = focused(list);
    if (!hadFocus || (now !== null && now !== toEnd)) return; // one has gone elsewhere meanwhile
    stops.renew();
    stops.enter();
  }

  function reach() {
    if (goal === null || thread.isLoading || !scrolling.hasOpened) return;
    const row = /** @type {HTMLElement | null} */ (list.querySelector(`[data-seq="${goal.seq}"]`));
    if (row === null && !goal.isAsked) {
      goal.isAsked = true;
      return void thread.goTo(goal.seq);
    }
    goal = null;
    if (row !== null) scrolling.show(row);
    row?.focus({ preventScroll: true });
  }

  /** @param {readonly unknown[]} now */
  function renderRows(now) {
    drawn = now;
    if (!scrolling.hasOpened) seenUpTo = thread.conversation.last_seq;
    scrolling.keep(() => {
      rows.render(thread);
      stops.renew();
    });
    clearTimeout(ticking);
    if (thread.pending.some(({ retry_at }) => (retry_at ?? 0) > Date.now())) {
      ticking = setTimeout(() => renderRows([]), 1_000); // a countdown is shown
    }
  }

  /** @param {import("../client/client.js").Problem | null} problem */
  function renderTrouble(problem) {
    if (problem !== null) complain(`${WORDS.cannot_load} ${problemText(problem)}`, WORDS.retry, () => void thread.reload());
    else if (trouble.dataset.look?.includes(WORDS.cannot_load)) complain("");
  }

  /** @param {string} text @param {string} [name] @param {() => void} [act] */
  function complain(text, name = WORDS.close, act = () => complain("")) {
    trouble.hidden = text === "";
    fill(trouble, text, () => [text, text && el("button", { type: "button", onclick: act }, name)]);
  }
  complain("");

  const reopen = () =>
    el("button", { type: "button", class: "quiet", onclick: () => attempt(() => connection.change(thread.id, { state: "open" })) }, WORDS.open_it);

  const isSeen = () => scrolling.hasOpened && scrolling.isAtEnd && scrolling.isShown;

  /** Items of one's conversations; this one's own first. */
  function itemsOfConversations() {
    const all = [thread.conversation, ...connection.state.conversations.values()].flatMap(({ context }) => context ?? []);
    return [...new Map(all.map((context) => [`${context.kind}:${context.id}`, context])).values()]
      .filter(({ kind }) => kind !== "order")
      .slice(0, 20);
  }

  /** The message that an arrow up in the empty input edits. */
  function lastOwn() {
    const last = [...thread.messages].reverse().find(({ sender_id, kind }) => sender_id === me && kind !== "system");
    return last && canEdit(last) ? last : null;
  }

  /** @param {Message} message */
  const ageOf = ({ created_at }) => Date.now() - Date.parse(created_at);

  /** @param {Message} message */
  const canEdit = (message) =>
    message.sender_id === me && message.kind === "text" && message.deleted_at === null && ageOf(message) < EDIT_MS;

  /** @param {Message} message */
  function actionsOf(message) {
    const isClosed = composer.form.hidden;
    const canUnsend = message.sender_id === me && ageOf(message) < UNSEND_MS;
    return [
      !isClosed && { text: WORDS.reply, act: () => composer.aim("reply", message) },
      message.reply_to !== null && { text: WORDS.show_quoted, act: () => goToQuoted(message.reply_to ?? "") },
      message.body && { text: WORDS.copy, act: () => attempt(async () => navigator.clipboard.writeText(message.body)) },
      !isClosed && canEdit(message) && { text: WORDS.edit, act: () => composer.aim("edit", message) },
      canUnsend && { text: WORDS.unsend, act: () => attempt(() => thread.unsend(message.id)) },
    ];
  }

  /** @param {() => Promise<unknown>} work */
  function attempt(work) {
    complain("");
    work().catch((error) => complain(problemText(error)));
  }

  thread.on("change", render, { signal });
  onNewDay(() => renderRows([]), signal);
  document.addEventListener("visibilitychange", moved, { signal });
  signal.addEventListener("abort", () => {
    clearTimeout(ticking);
    thread.setVisible(false);
  });
  queueMicrotask(() => {
    if (signal.aborted) return;
    render();
    composer.grow();
  });
  return { root, focus: composer.focus, goTo, goToEnd, /** Whether new messages are seen as they come. */ isSeen };
}

const dots = () => el("span", { class: "dots", "aria-hidden": "true" }, el("i"), el("i"), el("i"));
