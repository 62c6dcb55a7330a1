/** `<parley-thread>`, `<parley-inbox>` and `<parley-launcher>`: importing this defines them. */

import { showInTab } from "./badge.js";
import { card } from "./bubbles.js";
import { ICONS, el, icon } from "./dom.js";
import { ParleyElement, contextOf } from "./element.js";
import { createListView } from "./list-view.js";
import { showNews } from "./news.js";
import { createThreadView } from "./thread-view.js";
import { WORDS, problemText } from "./words.js";

export { say } from "./words.js";

/** @typedef {import("../client/parley.js").Connection} Connection */
/** @typedef {import("../client/parley.js").Thread} Thread */

const ROLES = new Set(["buyer", "seller", "agent"]);

/** One conversation: `conversation="id"`, or `context="listing:42"` and perhaps `with="sol"`. */
class ParleyThread extends ParleyElement {
  /** @type {Thread | null} */
  #thread = null;

  /** @type {(() => void) | null} */
  #focusInput = null;
  #isFocusWanted = false;

  get thread() {
    return this.#thread;
  }

  /** Into the input, as soon as there is one. */
  focus() {
    this.#isFocusWanted = this.#focusInput === null;
    this.#focusInput?.();
  }

  /** @param {Connection} connection @param {AbortSignal} signal */
  async start(connection, signal) {
    const waiting = el("div", { class: "skeleton", "aria-hidden": "true" }, el("i"), el("i"), el("i"));
    this.root.replaceChildren(waiting);
    try {
      const thread = await connection.open(this.#wanted());
      if (signal.aborted) return;
      this.#thread = thread;
      const onItem = itemOpener(this);
      const { root, focus } = createThreadView(connection, thread, { signal, onItem });
      this.root.replaceChildren(root);
      this.#focusInput = focus;
      if (this.#isFocusWanted) this.focus();
      showNews(connection, { root: this.root, signal, isSeen: (id) => id === thread.id, onOpen: () => {} });
      watchUnread(this, connection, signal);
      this.tell("parley-open", { conversation: thread.conversation });
    } catch (error) {
      if (signal.aborted) return;
      this.root.replaceChildren(apology(error, () => void this.start(connection, signal)));
    }
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.#thread?.close();
    this.#thread = null;
  }

  #wanted() {
    const id = this.getAttribute("conversation");
    if (id !== null) return { conversation_id: id };
    const context = contextOf(this.getAttribute("context"));
    const other = this.getAttribute("with") ?? undefined;
    if (context !== null) return { context, with: other };
    return { with: other ?? "" };
  }
}

/** All conversations: a list beside the one that is open; on a phone one after the other. */
class ParleyInbox extends ParleyElement {
  /** @type {(id: string) => void} */
  open = () => {};

  /** @param {Connection} connection @param {AbortSignal} signal */
  start(connection, signal) {
    const role = this.getAttribute("as");
    const pane = el("div", { class: "pane" }, el("p", { class: "pick" }, WORDS.pick));
    const details = el("aside", { class: "details", "aria-label": "Details", hidden: true });
    /** @type {{ thread: Thread, life: AbortController } | null} */
    let opened = null;
    /** @type {string | null} */
    let wantedId = null;
    const list = createListView(connection, {
      role: ROLES.has(role ?? "") ? /** @type {import("../client/store.js").Role} */ (role) : null,
      isNeedsReply: this.hasAttribute("needs-reply"),
      signal,
      onOpen: (id) => this.open(id),
    });
    const frame = el("div", { class: "inbox" }, list.root, pane, details);
    this.root.replaceChildren(frame);

    const close = () => {
      opened?.life.abort();
      opened?.thread.close();
      opened = null;
    };

    const show = async (/** @type {string} */ id, /** @type {boolean} */ isFocused) => {
      if (opened?.thread.id === id || signal.aborted) return;
      wantedId = id;
      close();
      list.mark(id);
      frame.dataset.view = "thread";
      try {
        const thread = await connection.open({ conversation_id: id });
        if (wantedId !== id || signal.aborted) return;
        const life = new AbortController();
        signal.addEventListener("abort", () => life.abort(), { signal: life.signal });
        opened = { thread, life };
        const view = createThreadView(connection, thread, { signal: life.signal, onBack: () => history.back(), onItem: itemOpener(this) });
        pane.replaceChildren(view.root);
        showDetails(details, connection, thread, this);
        if (isFocused && matchMedia("(pointer: fine)").matches) view.focus();
        this.tell("parley-open", { conversation: thread.conversation });
      } catch (error) {
        pane.replaceChildren(apology(error, () => void show(id, isFocused)));
      }
    };

    const leave = () => {
      const before = wantedId;
      wantedId = null;
      close();
      pane.replaceChildren(el("p", { class: "pick" }, WORDS.pick));
      details.hidden = true;
      delete frame.dataset.view;
      list.mark(null);
      if (before !== null) list.focus(before);
    };

    this.open = (id) => {
      if (wantedId === id) return;
      const state = { ...history.state, parley: id };
      if (wantedId === null) history.pushState(state, "");
      else history.replaceState(state, "");
      void show(id, true);
    };
    window.addEventListener(
      "popstate",
      () => {
        const id = history.state?.parley;
        if (typeof id === "string") void show(id, true);
        else leave();
      },
      { signal },
    );
    frame.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || wantedId === null) return;
      event.stopPropagation(); // a panel around it would close
      history.back();
    });
    signal.addEventListener("abort", close);
    showNews(connection, {
      root: this.root,
      signal,
      isSeen: (id) => opened?.thread.id === id,
      onOpen: (id) => this.open(id),
    });
    watchUnread(this, connection, signal);
    const first = history.state?.parley ?? this.getAttribute("conversation");
    if (typeof first === "string") void connection.ready.then(() => show(first, false)).catch(() => {});
  }
}

/** A button in the corner with the unread count; pressed, a panel with the conversations or the one asked for. */
class ParleyLauncher extends ParleyElement {
  /** @type {() => void} */
  open = () => {};
  /** @type {() => void} */
  close = () => {};

  /** @param {Connection} connection @param {AbortSignal} signal */
  start(connection, signal) {
    const count = el("b", { class: "count", hidden: true });
    const button = el("button", { type: "button", class: "launch", "aria-label": WORDS.launch, "aria-expanded": "false" }, icon(ICONS.talk), count);
    const panel = el("div", { class: "panel", role: "dialog", "aria-label": WORDS.messages, hidden: true });
    const shut = el("button", { type: "button", class: "plain shut", "aria-label": WORDS.close, onclick: () => this.close() }, icon(ICONS.close));
    this.root.replaceChildren(button, panel);

    this.open = () => {
      if (!panel.hidden) return;
      const tag = this.hasAttribute("context") || this.hasAttribute("with") ? "parley-thread" : "parley-inbox";
      const inside = /** @type {ParleyElement} */ (document.createElement(tag));
      for (const name of ["context", "with", "conversation", "theme"]) {
        const value = this.getAttribute(name);
        if (value !== null) inside.setAttribute(name, value);
      }
      inside.connection = connection;
      panel.replaceChildren(shut, inside);
      panel.hidden = false;
      button.setAttribute("aria-expanded", "true");
      shut.focus();
    };
    this.close = () => {
      panel.hidden = true;
      panel.replaceChildren();
      button.setAttribute("aria-expanded", "false");
      button.focus();
    };
    button.addEventListener("click", () => (panel.hidden ? this.open() : this.close()));
    panel.addEventListener("keydown", ({ key }) => key === "Escape" && this.close());
    const show = () => {
      const { total } = connection.unread;
      count.hidden = total === 0;
      count.textContent = total > 99 ? "99+" : String(total);
      button.setAttribute("aria-label", total === 0 ? WORDS.launch : `${WORDS.launch}, ${total} unread`);
    };
    connection.on("change", show, { signal });
    show();
    if (!this.hasAttribute("quiet")) showNews(connection, { root: this.root, signal, isSeen: () => !panel.hidden, onOpen: () => this.open() });
    watchUnread(this, connection, signal);
    if (this.hasAttribute("open")) this.open();
  }
}

/** @param {ParleyElement} element @param {Connection} connection @param {AbortSignal} signal */
function watchUnread(element, connection, signal) {
  let told = -1;
  let wasSignedOut = false;
  const look = () => {
    const { total } = connection.unread;
    const isSignedOut = connection.status.phase === "signed_out";
    if (isSignedOut && !wasSignedOut) element.tell("parley-signed-out", {});
    wasSignedOut = isSignedOut;
    if (total === told) return;
    told = total;
    if (element.tell("parley-unread", { total })) showInTab(total);
  };
  connection.on("change", look, { signal });
  look();
}

/** The page may open an item in its own way. @param {ParleyElement} element */
function itemOpener(element) {
  return (/** @type {import("../client/store.js").Context} */ context, /** @type {Event} */ event) => {
    if (!element.tell("parley-item", { context })) event.preventDefault();
  };
}

/**
 * The item and the other party, where there is room for it.
 * @param {HTMLElement} details
 * @param {Connection} connection
 * @param {Thread} thread
 * @param {ParleyElement} element
 */
function showDetails(details, connection, thread, element) {
  const { context, participants, subject } = thread.conversation;
  details.hidden = false;
  details.replaceChildren(
    el("h3", {}, context?.title ?? (subject || WORDS.messages)),
    context ? card(context, { onOpen: (event) => itemOpener(element)(context, event) }) : "",
    ...Object.entries(context?.attributes ?? {}).map(([name, value]) =>
      el("p", { class: "fact" }, el("span", {}, name), el("span", {}, String(value))),
    ),
    el("h3", {}, "People"),
    ...participants
      .filter(({ left_at }) => left_at === null)
      .map(({ user, role }) =>
        el("p", { class: "fact" }, el("bdi", {}, user.id === connection.me?.id ? WORDS.you : user.name || user.id), el("span", {}, role)),
      ),
  );
}

/** @param {unknown} error @param {() => void} again */
function apology(error, again) {
  const problem = /** @type {import("../client/client.js").Problem} */ (error);
  const text = problem.code === "unauthenticated" || problem.code === "token_expired" ? WORDS.signed_out : `${WORDS.cannot_load} ${problemText(problem)}`;
  return el("div", { class: "empty", role: "alert" }, el("p", {}, text), el("button", { type: "button", class: "quiet", onclick: again }, WORDS.retry));
}

for (const [name, kind] of Object.entries({
  "parley-thread": ParleyThread,
  "parley-inbox": ParleyInbox,
  "parley-launcher": ParleyLauncher,
})) {
  if (!customElements.get(name)) customElements.define(name, kind);
}

export { ParleyInbox, ParleyLauncher, ParleyThread };
