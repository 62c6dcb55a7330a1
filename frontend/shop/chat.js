/**
 * One person's conversations on a page, kept live: loads a snapshot, follows the stream from its cursor, and hands the
 * state to the list and the thread. What the rules of the state are stands in `client/store.js`.
 */

import { Problem, createApi } from "../client/client.js";
import { apply, emptyState, listed, others, withConversations, withMessages, withPresence } from "../client/store.js";
import { stream } from "../client/stream.js";
import { el } from "./dom.js";
import { createList } from "./list.js";
import { createOutbox } from "./outbox.js";
import { createReceipts } from "./receipts.js";
import { createThread } from "./thread.js";
import { createTyping } from "./typing.js";
import { presenceText } from "./words.js";

/** @typedef {import("../client/store.js").State} State */

const API = "/api/v1";
const PATIENCE_MS = 5_000; // without a live stream, until the page says so

/**
 * @param {object} options
 * @param {HTMLElement} options.root
 * @param {import("./people.js").Person} options.person
 * @param {import("../client/store.js").Role | null} [options.role] Only those where the person is this.
 * @param {AbortSignal} options.signal
 */
export async function startChat({ root, person, role = null, signal }) {
  const me = person.id;
  const api = createApi({ url: API, getToken: person.getToken });
  const notice = el("p", { class: "notice", role: "status" });
  const news = el("p", { class: "visually-hidden", role: "status" });
  const listRoot = el("nav", { "aria-label": "Conversations" });
  const threadRoot = el("section", { class: "thread", "aria-label": "Conversation" });
  root.replaceChildren(notice, news, listRoot, threadRoot);

  let state = emptyState(me);
  /** @type {string | null} */
  let openId = null;
  /** @type {string | null} */
  let nextPage = null;
  /** Whose newest page of history is here. @type {Set<string>} */
  const loaded = new Set();
  /** What is written and not sent. @type {Map<string, string>} */
  const drafts = new Map();
  let isRenderDue = false;
  let hasStarted = false;

  const typing = createTyping({ api, onChange: render });
  const receipts = createReceipts({ api, me, onMoved: (receipt) => tell("receipt.moved", receipt) });
  const outbox = createOutbox({
    api,
    onSent: (message) => tell("message.sent", { conversation_id: message.conversation_id, message }),
    onChange: render,
  });
  const list = createList(listRoot, { me, onOpen: (id) => attempt(() => open(id)), onMore: () => attempt(loadMore) });
  const thread = createThread(threadRoot, {
    me,
    onSend: send,
    onType: type,
    onRetry: outbox.retry,
    onDiscard: outbox.drop,
    onOlder: () => attempt(() => loadHistory(state.messages.get(openId ?? "")?.[0]?.seq)),
  });
  document.addEventListener("visibilitychange", moveReceipts, { signal });

  // --- state ---------------------------------------------------------------------------------------------------------

  /** @param {State} next */
  function update(next) {
    if (next === state) return;
    state = next;
    moveReceipts();
    render();
  }

  /** An answer to one's own call is what the stream will tell, earlier. @param {string} type @param {unknown} data */
  function tell(type, data) {
    update(apply(state, { type, data }));
  }

  function moveReceipts() {
    const isVisible = document.visibilityState === "visible";
    for (const conversation of state.conversations.values()) {
      void receipts.move(conversation, isVisible && conversation.id === openId && loaded.has(conversation.id));
    }
  }

  // --- loading -------------------------------------------------------------------------------------------------------

  /** Load everything anew; returns the cursor of that moment. @returns {Promise<string>} */
  async function load() {
    const page = await api.get("/conversations", { query: { as: role }, signal });
    loaded.clear();
    nextPage = page.next;
    update(withConversations(emptyState(me), page.conversations));
    if (openId !== null) await open(openId);
    return page.cursor;
  }

  async function loadMore() {
    const page = await api.get("/conversations", { query: { as: role, before: nextPage }, signal });
    nextPage = page.next;
    update(withConversations(state, page.conversations));
  }

  /** Newest page, or the one before a number, of the open conversation. @param {number} [before] */
  async function loadHistory(before) {
    const id = openId;
    if (id === null) return;
    const page = await api.get(`/conversations/${id}/messages`, { query: { before }, signal });
    loaded.add(id);
    update(withMessages(state, id, page.messages));
  }

  /** @param {string[]} [userIds] None: everyone's. */
  async function loadPresence(userIds = []) {
    const query = userIds.map((id) => `user_id=${encodeURIComponent(id)}`).join("&");
    const { presence } = await api.get(`/presence${query && `?${query}`}`, { signal });
    update(withPresence(state, presence));
  }

  /** Make sure that a conversation is known: it may be on a later page of the list. @param {string} id */
  async function know(id) {
    if (state.conversations.has(id)) return;
    try {
      update(withConversations(state, [await api.get(`/conversations/${id}`, { signal })]));
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== "not_found") throw error;
    }
  }

  // --- the stream ----------------------------------------------------------------------------------------------------

  /** @param {import("../client/stream.js").StreamEvent} event */
  async function hear({ type, data }) {
    if (type === "typing") return typing.hear(data);
    if (data.conversation_id && type !== "conversation.opened") await know(data.conversation_id);
    if (type === "message.sent") hearMessage(data.message);
    tell(type, data);
    if (!state.conversations.has(data.conversation_id)) loaded.delete(data.conversation_id);
    if (type === "conversation.opened") void attempt(() => loadPresence(peopleOf(data.conversation_id)));
  }

  /** @param {import("../client/store.js").Message} message */
  function hearMessage({ conversation_id, sender_id, client_id }) {
    typing.forget(conversation_id, sender_id);
    if (sender_id === me) return outbox.drop(client_id);
    const sender = state.conversations.get(conversation_id)?.participants.find(({ user }) => user.id === sender_id);
    news.textContent = `New message from ${sender?.user.name ?? sender_id}`;
  }

  /** @param {string} id */
  function peopleOf(id) {
    const conversation = state.conversations.get(id);
    return conversation ? others(conversation, me).map(({ user }) => user.id) : [];
  }

  /** What the stream does not bring: signals that were missed, and a history that could not be loaded. */
  async function catchUp() {
    await loadPresence();
    if (openId !== null && !loaded.has(openId)) await open(openId);
  }

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let patience;

  /** @param {import("../client/stream.js").StreamState} said @param {unknown} [error] */
  function onState(said, error) {
    root.dataset.stream = said;
    if (error instanceof Error && error.cause !== undefined) console.error(error.cause); // a mistake of this page
    if (said !== "live") {
      patience ??= setTimeout(() => (notice.textContent = "Reconnecting…"), PATIENCE_MS);
      return;
    }
    clearTimeout(patience);
    patience = undefined;
    notice.textContent = "";
    void attempt(catchUp);
  }

  // --- what the person does ------------------------------------------------------------------------------------------

  /** @param {string} id */
  async function open(id) {
    if (openId !== id) typing.stopped();
    openId = id;
    render();
    await know(id);
    if (!state.conversations.has(id)) openId = null; // it is gone, or the person has left it
    else if (!loaded.has(id)) await loadHistory();
    moveReceipts();
  }

  /** @param {{ kind: string, id: string }} context */
  async function ask({ kind, id }) {
    const { conversation } = await api.post("/conversations", { body: { context: { kind, id } }, signal });
    update(withConversations(state, [conversation]));
    await open(conversation.id);
  }

  /** @param {string} body */
  function send(body) {
    if (openId === null) return;
    drafts.delete(openId);
    typing.stopped();
    outbox.send(openId, body);
  }

  /** @param {string} text */
  function type(text) {
    if (openId === null) return;
    drafts.set(openId, text);
    if (text === "") typing.stopped();
    else typing.typed(openId);
  }

  /** Do it, and say so when it is refused. @param {() => Promise<unknown>} work */
  async function attempt(work) {
    try {
      await work();
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Problem)) throw error;
      const again = el("button", { type: "button", onclick: () => attempt(work) }, "Retry");
      notice.replaceChildren(`${error.message} `, again);
    }
  }

  // --- showing -------------------------------------------------------------------------------------------------------

  /** With the next frame: a burst of events is shown once. */
  function render() {
    if (isRenderDue) return;
    isRenderDue = true;
    requestAnimationFrame(() => {
      isRenderDue = false;
      list.render({ conversations: listed(state, role), openId, hasMore: nextPage !== null });
      thread.render(threadModel());
    });
  }

  function threadModel() {
    const conversation = state.conversations.get(openId ?? "");
    if (conversation === undefined) return null;
    const people = others(conversation, me).map(({ user }) => user);
    const [only] = people;
    return {
      conversation,
      messages: state.messages.get(conversation.id) ?? [],
      pending: outbox.of(conversation.id),
      typists: people.filter(({ id }) => typing.isTyping(conversation.id, id)).map(({ name }) => name),
      presence: only && people.length === 1 ? presenceText(state.presence.get(only.id)) : "",
      isLoading: !loaded.has(conversation.id),
      draft: drafts.get(conversation.id) ?? "",
    };
  }

  // --- start ---------------------------------------------------------------------------------------------------------

  async function start() {
    const cursor = await load();
    notice.textContent = "";
    if (hasStarted) return;
    hasStarted = true;
    void attempt(() =>
      stream({
        url: `${API}/events/stream`,
        getToken: person.getToken,
        cursor,
        onEvent: hear,
        onReset: load,
        onState,
        signal,
      }),
    );
  }

  await attempt(start);
  return { ask: (/** @type {{ kind: string, id: string }} */ context) => attempt(() => ask(context)) };
}
