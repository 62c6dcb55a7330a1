/** The whole of it: the list, the thread that is open, and its details, in as many panes as there is room for. */

import { apology, createBanner } from "./banner.js";
import { createDetails } from "./details.js";
import { el, icon } from "./dom.js";
import { createList } from "./list.js";
import { LIST_SHEET } from "./styles-list.js";
import { createThreadView } from "./thread-view.js";
import { WORDS } from "./words.js";

/** @typedef {import("../client/parley.js").Connection} Connection */
/** @typedef {import("../client/parley.js").Thread} Thread */
/** @typedef {Parameters<Connection["open"]>[0]} Wanted */
/**
 * @typedef {object} InboxOptions
 * @property {import("../client/store.js").Role | null} role
 * @property {boolean} isNeedsReply
 * @property {string | null} browse
 * @property {string | null} share
 * @property {Wanted | null} first What is open at first.
 * @property {boolean} hasHistory Whether "back" goes from the thread to the list: not on somebody else's page.
 * @property {import("./thread-view.js").ItemsToShare | null} items
 * @property {import("./head.js").HeadOptions["onItem"]} onItem
 * @property {(thread: Thread | null) => void} onOpened
 * @property {(() => void) | undefined} onClose
 * @property {AbortSignal} signal
 */

/** @param {ShadowRoot} root @param {Connection} connection @param {InboxOptions} options */
export function createInbox(root, connection, { first, hasHistory, items, onItem, onOpened, onClose, signal, ...listOptions }) {
  if (!root.adoptedStyleSheets.includes(LIST_SHEET)) root.adoptedStyleSheets.push(LIST_SHEET);
  const pane = el("div", { class: "pane" });
  const list = createList(connection, { ...listOptions, onOpen: open, onClose, signal });
  const details = createDetails(connection, { onItem, onClose: () => showDetails(false) });
  const inbox = el("div", { class: "inbox" }, createBanner(connection, signal), list.root, pane, details.root);
  /** @type {{ thread: Thread, life: AbortController, view: ReturnType<typeof createThreadView> } | null} */
  let opened = null;
  /** @type {string | null} */
  let wantedId = null;

  function drop() {
    opened?.life.abort();
    opened?.thread.close();
    opened = null;
  }

  /** @param {Wanted} wanted @param {boolean} isFocused @param {number} [seq] The message to show; else the unread, or the end. */
  async function show(wanted, isFocused, seq) {
    const id = "conversation_id" in wanted ? wanted.conversation_id : JSON.stringify(wanted);
    if (wantedId === id || signal.aborted) return;
    wantedId = id;
    drop();
    list.mark(id);
    showDetails(false);
    inbox.dataset.view = "thread";
    try {
      const thread = await connection.open(wanted);
      if (wantedId !== id || signal.aborted) return thread.close();
      drop(); // asked for twice, with another between
      wantedId = thread.id;
      list.mark(thread.id);
      draw(thread);
      if (seq !== undefined) opened?.view.goTo(seq);
      else if (isFocused && matchMedia("(pointer: fine)").matches) opened?.view.focus();
      onOpened(thread);
    } catch (error) {
      if (wantedId !== id || signal.aborted) return;
      const again = () => ((wantedId = null), void show(wanted, isFocused, seq));
      pane.replaceChildren(apology(error, again));
    }
  }

  /** @param {Thread} thread */
  function draw(thread) {
    const life = new AbortController();
    signal.addEventListener("abort", () => life.abort(), { signal: life.signal });
    const around = { onBack: back, onDetails: () => showDetails(true), onClose, onItem, items, hasBanner: false };
    const view = createThreadView(connection, thread, { signal: life.signal, ...around });
    opened = { thread, life, view };
    pane.replaceChildren(view.root);
    thread.on("change", () => details.render(thread.conversation), { signal: life.signal });
    details.render(thread.conversation);
  }

  /** @param {boolean} is */
  function showDetails(is) {
    const was = inbox.dataset.details === "open";
    inbox.dataset.details = is ? "open" : "";
    if (is) details.focus();
    else if (was) opened?.view.focus();
  }

  function leave() {
    const before = wantedId;
    wantedId = null;
    drop();
    details.render(null);
    pane.replaceChildren(el("div", { class: "empty pick" }, icon("talk"), el("p", {}, WORDS.pick)));
    inbox.dataset.view = "list";
    list.mark(null);
    onOpened(null);
    if (before !== null) list.focus(before);
  }

  const kept = () => (hasHistory ? history.state?.parley : undefined);

  /** As the browser's own button would. */
  function back() {
    if (typeof kept() === "string") history.back();
    else leave();
  }

  /** @param {string} id @param {number} [seq] */
  function open(id, seq) {
    if (wantedId === id) return seq === undefined ? opened?.view.focus() : opened?.view.goTo(seq);
    const state = { ...history.state, parley: id };
    if (typeof kept() === "string") history.replaceState(state, "");
    else if (hasHistory) {
      history.replaceState({ ...state, parley: null }, ""); // here is the list, as `popped` will see
      history.pushState(state, "");
    }
    void show({ conversation_id: id }, true, seq);
  }

  function popped() {
    const id = kept();
    if (typeof id === "string") void show({ conversation_id: id }, true);
    else if (id === null) leave(); // else it is the page's own: a link to a place in it
  }

  inbox.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || wantedId === null) return;
    event.stopPropagation();
    if (inbox.dataset.details === "open") showDetails(false);
    else back();
  });
  if (hasHistory) window.addEventListener("popstate", popped, { signal });
  signal.addEventListener("abort", drop);
  root.replaceChildren(inbox);
  leave();
  const id = kept();
  if (typeof id === "string") void show({ conversation_id: id }, false);
  else if (first !== null) void show(first, false);
  return {
    open,
    leave,
    focus: () => opened?.view.focus(),
    /** Whether its new messages are seen as they come. @param {string} id */
    isSeen: (id) => opened?.thread.id === id && opened.view.isSeen(),
  };
}
