/** The list of conversations: tabs, filters, search and rows. What is chosen goes to `onOpen`. */

import { others, own } from "../client/store.js";
import { avatar, safeUrl } from "./bubbles.js";
import { ICONS, el, icon } from "./dom.js";
import { WORDS, exact, namesOf, previewOf, problemText, shortTime } from "./words.js";

/** @typedef {import("../client/parley.js").Connection} Connection */
/** @typedef {import("../client/parley.js").Listing} Listing */
/** @typedef {import("../client/store.js").Conversation} Conversation */
/** @typedef {import("../client/store.js").Role} Role */

const SEARCH_MS = 250;

/**
 * @param {Connection} connection
 * @param {{ role: Role | null, isNeedsReply: boolean, signal: AbortSignal, onOpen: (id: string) => void }} options
 */
export function createListView(connection, { role, isNeedsReply, signal, onOpen }) {
  const search = el("input", { type: "search", placeholder: WORDS.search, "aria-label": WORDS.search, oninput: () => searched() });
  const tabs = el("div", { class: "tabs", role: "group", "aria-label": WORDS.conversations });
  const filters = el("div", { class: "filters", role: "group", "aria-label": WORDS.conversations });
  const rows = el("ul", { class: "conversations", onkeydown: (/** @type {KeyboardEvent} */ event) => moved(event) });
  const empty = el("div", { class: "empty", hidden: true });
  const more = el("button", { type: "button", class: "quiet", onclick: () => void listing?.more() }, "More");
  const skeleton = el("div", { class: "skeleton", "aria-hidden": "true" }, el("i"), el("i"), el("i"));
  const root = el(
    "nav",
    { class: "list", "aria-label": WORDS.conversations },
    el("header", { class: "list-head" }, el("h2", {}, WORDS.messages), notifyButton()),
    el("label", { class: "search" }, icon(ICONS.search), search),
    tabs,
    filters,
    el("div", { class: "scroller" }, skeleton, rows, empty, more),
  );
  /** @type {Listing | null} */
  let listing = null;
  /** @type {Role | null} */
  let shownRole = role;
  /** @type {"unread" | "archived" | null} */
  let filter = null;
  /** @type {string | null} */
  let openId = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  function begin() {
    listing?.close();
    listing = connection.list({ role: shownRole, filter, q: search.value.trim() });
    listing.on("change", render, { signal });
    render();
  }

  function searched() {
    clearTimeout(timer);
    timer = setTimeout(begin, SEARCH_MS);
  }

  /** Arrow keys go through the rows. @param {KeyboardEvent} event */
  function moved(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    const all = [...rows.querySelectorAll("button")];
    const root = /** @type {ShadowRoot} */ (rows.getRootNode());
    all[all.indexOf(/** @type {HTMLButtonElement} */ (root.activeElement)) + step]?.focus();
    event.preventDefault();
  }

  function render() {
    if (listing === null) return;
    renderChoices();
    const { conversations, isLoading, problem, hasMore } = listing;
    skeleton.hidden = !isLoading || conversations.length > 0;
    more.hidden = !hasMore;
    renderRows(inOrder(conversations));
    renderEmpty(problem, !isLoading && conversations.length === 0);
  }

  /** Who waits for an answer comes first, at a desk. @param {Conversation[]} conversations */
  function inOrder(conversations) {
    if (!isNeedsReply) return conversations;
    const waits = conversations.filter(needsReply);
    return [...waits, ...conversations.filter((one) => !needsReply(one))];
  }

  /** @param {Conversation} conversation */
  function needsReply({ last_message, state }) {
    const isAsked = last_message !== null && last_message.kind !== "system";
    return isAsked && last_message.sender_id !== connection.me?.id && state === "open";
  }

  /** @type {Map<string, { item: HTMLLIElement, look: string }>} */
  let drawn = new Map();

  /** Rows that did not change stay; while one has the focus, the order stays too. @param {Conversation[]} conversations */
  function renderRows(conversations) {
    const next = new Map();
    for (const conversation of conversations) {
      const look = lookOf(conversation);
      const known = drawn.get(conversation.id);
      const item = known?.look === look ? known.item : el("li", {}, row(conversation));
      if (known !== undefined && known.item !== item) {
        const hadFocus = known.item.contains(/** @type {ShadowRoot} */ (rows.getRootNode()).activeElement);
        known.item.replaceWith(item);
        if (hadFocus) item.querySelector("button")?.focus();
      }
      next.set(conversation.id, { item, look });
    }
    for (const [id, { item }] of drawn) if (!next.has(id)) item.remove();
    const isHeld = rows.matches(":focus-within");
    const order = [...next.values()].map(({ item }) => item);
    if (isHeld) for (const item of order) item.isConnected || rows.prepend(item);
    else if (order.some((item, i) => rows.children[i] !== item)) rows.replaceChildren(...order);
    drawn = next;
  }

  /** @param {Conversation} conversation */
  function lookOf({ id, last_message, unread_count, last_activity_at, state, participants, context, is_muted }) {
    const people = participants.map(({ user }) => [user.name, connection.presenceOf(user.id)?.is_online]);
    return JSON.stringify([last_message, unread_count, last_activity_at, state, people, context?.title, is_muted, id === openId, connection.draftOf(id)]);
  }

  /** @param {Conversation} conversation */
  function row(conversation) {
    const { id, unread_count, last_activity_at, context, subject, state } = conversation;
    const me = connection.me?.id ?? "";
    const [other] = others(conversation, me);
    const picture = safeUrl(context?.image_url ?? null);
    const user = other?.user ?? { id, name: "", avatar_url: null };
    const isOnline = other && connection.presenceOf(other.user.id)?.is_online;
    return el(
      "button",
      { type: "button", "data-id": id, "aria-current": id === openId && "true", class: unread_count > 0 ? "unread" : null, onclick: () => onOpen(id) },
      el("span", { class: "faces" }, picture && el("img", { src: picture, alt: "", loading: "lazy" }), avatar(user, isOnline)),
      el("span", { class: "who" }, el("bdi", {}, namesOf(conversation, me))),
      el("time", { datetime: last_activity_at, title: exact(last_activity_at) }, shortTime(last_activity_at)),
      el("span", { class: "topic" }, el("bdi", {}, context?.title ?? subject), chip(state)),
      el("span", { class: "preview" }, preview(conversation, me)),
      unread_count > 0 && el("b", { class: "count", "aria-label": `${unread_count} unread` }, unread_count > 99 ? "99+" : String(unread_count)),
    );
  }

  /** @param {string} state */
  const chip = (state) => state === "closed" && el("span", { class: "chip" }, state);

  /** @param {Conversation} conversation @param {string} me */
  function preview({ id, last_message }, me) {
    const draft = connection.draftOf(id);
    if (draft !== "") return el("bdi", {}, el("em", {}, `${WORDS.draft}: `), draft);
    if (last_message === null) return "";
    const isOwn = last_message.sender_id === me && last_message.kind !== "system";
    return el("bdi", {}, isOwn ? `${WORDS.you}: ` : "", previewOf(last_message));
  }

  function renderChoices() {
    const counts = connection.unread;
    const roles = new Set([...connection.state.conversations.values()].map((one) => own(one, connection.me?.id ?? "")?.role));
    const hasBoth = role === null && roles.has("buyer") && roles.has("seller");
    tabs.hidden = !hasBoth;
    if (hasBoth) {
      choose(tabs, [
        [WORDS.all, null, counts.total],
        [WORDS.buying, "buyer", counts.buyer],
        [WORDS.selling, "seller", counts.seller],
      ], shownRole, (value) => ((shownRole = value), begin()));
    }
    choose(filters, [
      [WORDS.all, null, 0],
      [WORDS.unread, "unread", 0],
      [WORDS.archived, "archived", 0],
    ], filter, (value) => ((filter = value), begin()));
  }

  /**
   * @template T
   * @param {HTMLElement} group
   * @param {[string, T, number][]} choices
   * @param {T} chosen
   * @param {(value: any) => void} onChoose
   */
  function choose(group, choices, chosen, onChoose) {
    const look = JSON.stringify([choices, chosen]);
    if (group.dataset.look === look) return;
    const hadFocus = group.matches(":focus-within");
    group.dataset.look = look;
    group.replaceChildren(
      ...choices.map(([text, value, count]) =>
        el("button", { type: "button", "aria-pressed": String(value === chosen), onclick: () => onChoose(value) }, text, count > 0 && el("b", {}, String(count))),
      ),
    );
    if (hadFocus) /** @type {HTMLElement | null} */ (group.querySelector('[aria-pressed="true"]'))?.focus();
  }

  /** @param {import("../client/client.js").Problem | null} problem @param {boolean} isEmpty */
  function renderEmpty(problem, isEmpty) {
    empty.hidden = !isEmpty && problem === null;
    if (empty.hidden) return;
    if (problem !== null) {
      const retry = el("button", { type: "button", class: "quiet", onclick: () => void listing?.refresh() }, WORDS.retry);
      empty.replaceChildren(el("p", { role: "alert" }, `${WORDS.cannot_load} ${problemText(problem)}`), retry);
    } else if (search.value.trim() !== "") {
      const clear = () => ((search.value = ""), begin(), search.focus());
      empty.replaceChildren(el("p", {}, WORDS.nothing_found), el("button", { type: "button", class: "quiet", onclick: clear }, WORDS.clear));
    } else {
      const hint = shownRole === "seller" ? WORDS.no_conversations_seller : WORDS.no_conversations_buyer;
      empty.replaceChildren(el("h3", {}, WORDS.no_conversations), el("p", {}, hint));
    }
  }

  /** Asked for when somebody wants it, never by itself. */
  function notifyButton() {
    const isAskable = "Notification" in globalThis && Notification.permission === "default";
    const button = el("button", { type: "button", class: "plain", "aria-label": WORDS.notify, title: WORDS.notify, hidden: !isAskable }, icon(ICONS.bell));
    button.addEventListener("click", () => void Notification.requestPermission().then(() => (button.hidden = true)));
    return button;
  }

  connection.on("change", render, { signal });
  signal.addEventListener("abort", () => {
    clearTimeout(timer);
    listing?.close();
  });
  begin();
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
