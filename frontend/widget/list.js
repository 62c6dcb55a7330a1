/** The list of conversations, or of what was sent: tabs, filters, search and rows. What is chosen goes to `onOpen`. */

import { openBox } from "../client/box.js";
import { own } from "../client/store.js";
import { apology } from "./banner.js";
import { el, fill, focused, icon, iconButton } from "./dom.js";
import { listRow, lookOf, needsReply, sentLookOf, sentRow } from "./list-row.js";
import { openMenu } from "./menu.js";
import { askToNotify, canAskToNotify } from "./notify.js";
import { onNewDay } from "./time.js";
import { WORDS } from "./words.js";

/** @typedef {import("../client/parley.js").Connection} Connection */
/** @typedef {import("../client/parley.js").Listing} Listing */
/** @typedef {import("../client/box.js").Box} Box */
/** @typedef {{ id: string, look: string, draw: () => HTMLElement }} Entry `look`: what the row shows, to be compared. */
/** @typedef {import("../client/store.js").Conversation} Conversation */
/** @typedef {import("../client/store.js").Message} Message */
/** @typedef {import("../client/store.js").Role} Role */
/**
 * @typedef {object} ListOptions
 * @property {Role | null} role Only where the person is that.
 * @property {boolean} isNeedsReply Who waits for an answer comes first.
 * @property {string | null} browse Where there is something to ask about.
 * @property {string | null} share Where the person's own items are.
 * @property {(id: string, seq?: number) => void} onOpen With the number of the message, when it was one.
 * @property {(() => void) | undefined} onClose
 * @property {AbortSignal} signal
 */

const SEARCH_MS = 250;

/** @param {Connection} connection @param {ListOptions} options */
export function createList(connection, { role, isNeedsReply, browse, share, onOpen, onClose, signal }) {
  const search = el("input", { type: "search", placeholder: WORDS.search, "aria-label": WORDS.search, oninput: () => searched(), onkeydown: intoRows });
  const tabs = el("div", { class: "tabs", role: "group", "aria-label": WORDS.roles });
  const filters = el("div", { class: "filters", role: "group", "aria-label": WORDS.filters });
  const rows = el("ul", { class: "conversations", role: "list", onkeydown: walk });
  const empty = el("div", { class: "empty", hidden: true });
  const more = el("button", { type: "button", class: "quiet", onclick: () => void listing.more() }, WORDS.more);
  const skeleton = el("div", { class: "skeleton", "aria-hidden": "true" }, ...Array.from({ length: 6 }, () => el("i")));
  const options = iconButton("more", WORDS.filters, () => openMenu(options, actions(), { label: WORDS.messages }), { "aria-haspopup": "menu", "aria-label": `${WORDS.messages}: …` });
  const root = el(
    "nav",
    { class: "list", "aria-label": WORDS.conversations },
    el("header", { class: "list-head" }, el("h2", {}, WORDS.messages), options, onClose && iconButton("close", WORDS.close, onClose)),
    el("label", { class: "search" }, icon("search"), search),
    tabs,
    filters,
    el("div", { class: "scroller" }, skeleton, rows, empty, more),
  );
  let shownRole = role;
  let hasBoth = false; // is told as long as the list is there
  /** @type {"unread" | "archived" | "sent" | null} */
  let filter = null;
  /** @type {string | null} */
  let openId = null;
  /** @type {Map<string, { item: HTMLLIElement, look: string }>} */
  let drawn = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let listing = begin();

  /** @returns {Listing | Box} */
  function begin() {
    const q = search.value.trim();
    const begun = filter === "sent" ? openBox(connection, "sent") : connection.list({ role: shownRole, filter, q });
    begun.on("change", render, { signal });
    return begun;
  }

  /** With what is chosen now. */
  function anew() {
    clearTimeout(timer);
    listing.close();
    listing = begin();
    render();
  }

  function searched() {
    clearTimeout(timer);
    if (filter === "sent") filter = null; // conversations are searched
    timer = setTimeout(anew, SEARCH_MS);
  }

  // --- keys ----------------------------------------------------------------------------------------------------------

  /** @param {KeyboardEvent} event */
  function intoRows(event) {
    if (event.isComposing || (event.key === "Escape" && search.value !== "")) return event.stopPropagation(); // it clears it
    if (event.key !== "ArrowDown") return;
    event.preventDefault();
    rows.querySelector("button")?.focus();
  }

  /** @param {KeyboardEvent} event */
  function walk(event) {
    const all = [...rows.querySelectorAll("button")];
    const at = all.indexOf(/** @type {HTMLButtonElement} */ (focused(rows)));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    (to < 0 ? search : all[to])?.focus();
  }

  // --- drawing -------------------------------------------------------------------------------------------------------

  function render() {
    const { isLoading, problem, hasMore } = listing;
    const isAway = connection.status.phase === "signed_out";
    const entries = "messages" in listing ? listing.messages.flatMap(sentEntry) : inOrder(listing.conversations).map(entry);
    renderChoices();
    renderRows(entries);
    skeleton.hidden = !isLoading || isAway || entries.length > 0;
    more.hidden = !hasMore;
    empty.hidden = isAway || isLoading || hasMore || entries.length > 0;
    if (hasMore && entries.length === 0 && problem === null) void listing.more(); // what was sent in another role
    if (problem !== null) {
      empty.hidden = false;
      fill(empty, [problem.code], () => [apology(problem, () => void listing.refresh())]);
    } else if (!empty.hidden) fill(empty, [filter, search.value, shownRole, browse, share], nothing);
  }

  /** @param {Conversation[]} conversations */
  function inOrder(conversations) {
    if (!isNeedsReply) return conversations;
    const me = connection.state.me;
    return [...conversations.filter((one) => needsReply(one, me)), ...conversations.filter((one) => !needsReply(one, me))];
  }

  /** @param {Conversation} conversation @returns {Entry} */
  function entry(conversation) {
    const isOpen = conversation.id === openId;
    const draw = () => listRow(connection, conversation, { isOpen, isNeedsReply, onOpen });
    return { id: conversation.id, look: lookOf(connection, conversation, isOpen), draw };
  }

  /** None while its conversation is not known, and where only what one is in another role was asked for. @param {Message} message @returns {Entry[]} */
  function sentEntry(message) {
    const conversation = connection.state.conversations.get(message.conversation_id);
    if (conversation === undefined || (shownRole !== null && own(conversation, connection.state.me)?.role !== shownRole)) return [];
    const draw = () => sentRow(connection, conversation, message, onOpen);
    return [{ id: message.id, look: sentLookOf(connection, conversation, message), draw }];
  }

  /** Rows that did not change stay; while one has the focus, the order stays too. @param {Entry[]} entries */
  function renderRows(entries) {
    const next = new Map();
    for (const { id, look, draw } of entries) {
      const known = drawn.get(id);
      const item = known?.look === look ? known.item : el("li", {}, draw());
      if (known !== undefined && known.item !== item) {
        const hadFocus = known.item.contains(focused(rows));
        known.item.replaceWith(item);
        if (hadFocus) item.querySelector("button")?.focus({ preventScroll: true });
      }
      next.set(id, { item, look });
    }
    for (const [id, { item }] of drawn) if (!next.has(id)) item.remove();
    drawn = next;
    const order = [...next.values()].map(({ item }) => item);
    if (rows.contains(focused(rows))) for (const item of order) item.isConnected || rows.append(item);
    else if (order.some((item, i) => rows.children[i] !== item)) rows.replaceChildren(...order);
  }
  rows.addEventListener("focusout", () => setTimeout(() => signal.aborted || render()));

  function renderChoices() {
    const { total, buyer, seller } = connection.unread;
    const me = connection.state.me;
    const roles = new Set([...connection.state.conversations.values()].map((one) => own(one, me)?.role));
    hasBoth ||= (roles.has("buyer") || buyer > 0) && (roles.has("seller") || seller > 0);
    tabs.hidden = role !== null || !hasBoth;
    /** @param {string} text @param {Role | null} value @param {number} count */
    const tab = (text, value, count) =>
      choice(text, shownRole === value, () => ((shownRole = value), anew()), count);
    refill(tabs, [shownRole, total, buyer, seller], () => [tab(WORDS.all, null, total), tab(WORDS.buying, "buyer", buyer), tab(WORDS.selling, "seller", seller)]);
    /** @param {string} text @param {"unread" | "archived" | "sent"} value */
    const toggle = (text, value) => choice(text, filter === value, () => choose(filter === value ? null : value));
    refill(filters, [filter], () => [toggle(WORDS.unread, "unread"), toggle(WORDS.archived, "archived"), toggle(WORDS.sent_box, "sent")]);
  }

  /** @param {typeof filter} value */
  function choose(value) {
    filter = value;
    if (value === "sent") search.value = "";
    anew();
  }

  /** The button that was pressed keeps the focus. @param {HTMLElement} group @param {unknown} look @param {() => HTMLElement[]} draw */
  function refill(group, look, draw) {
    const at = [...group.children].indexOf(/** @type {Element} */ (focused(group)));
    fill(group, look, draw);
    /** @type {HTMLElement | undefined} */ (group.children[at])?.focus();
  }

  /** In place of rows, when there are none. */
  function nothing() {
    if (search.value.trim() !== "") {
      const clear = () => ((search.value = ""), anew(), search.focus());
      return [el("p", {}, WORDS.nothing_found), el("button", { type: "button", class: "quiet", onclick: clear }, WORDS.clear)];
    }
    if (filter !== null) return [el("p", {}, { unread: WORDS.nothing_unread, archived: WORDS.nothing_archived, sent: WORDS.nothing_sent }[filter])];
    const isSeller = shownRole === "seller";
    return [
      icon("talk"),
      el("h3", {}, WORDS.no_conversations),
      el("p", {}, isSeller ? WORDS.no_conversations_seller : WORDS.no_conversations_buyer),
      isSeller && share && el("button", { type: "button", class: "quiet", onclick: copyLink }, WORDS.share_link),
      !isSeller && browse && el("a", { class: "quiet", href: browse }, WORDS.browse),
    ];
  }

  /** @param {Event} event */
  async function copyLink({ currentTarget }) {
    await navigator.clipboard.writeText(new URL(share ?? "", location.href).href).catch(() => {});
    if (currentTarget instanceof HTMLElement) currentTarget.textContent = WORDS.copied;
  }

  function actions() {
    return [
      { text: WORDS.read_all, act: () => void connection.markRead().catch(() => {}) },
      canAskToNotify() && { text: WORDS.notify, act: askToNotify },
    ];
  }

  // The next page comes by itself when the end is near; the button is for those without a pointer.
  const reached = new IntersectionObserver(([at]) => at?.isIntersecting && void listing.more(), { rootMargin: "200px" });
  reached.observe(more);
  connection.on("change", render, { signal });
  onNewDay(render, signal);
  signal.addEventListener("abort", () => {
    clearTimeout(timer);
    reached.disconnect();
    listing.close();
  });
  render();
  return {
    root,
    /** @param {string | null} id */
    mark(id) {
      openId = id;
      render();
    },
    /** Back to the row of a conversation. @param {string} id */
    focus: (id) => /** @type {HTMLElement | null} */ (rows.querySelector(`[data-id="${CSS.escape(id)}"]`))?.focus(),
  };
}

/** @param {string} text @param {boolean} isChosen @param {() => void} onclick @param {number} [count] */
function choice(text, isChosen, onclick, count = 0) {
  return el("button", { type: "button", "aria-pressed": String(isChosen), onclick }, text, count > 0 && el("b", {}, String(count)));
}
