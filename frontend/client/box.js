/**
 * The messages of all one's conversations, newest first: those one has sent, or those of others. Kept live. On top of a
 * connection, for those pages that show it.
 */

import { Problem } from "./client.js";

/** @typedef {import("./connection.js").Connection} Connection */
/** @typedef {import("./store.js").Message} Message */

const PAGE = 20;

/** @param {Connection} connection @param {"inbox" | "sent"} which */
export function openBox(connection, which) {
  const closing = new AbortController();
  const { signal } = closing;
  /** @type {Set<() => void>} */
  const listeners = new Set();
  /** By id, newest first. @type {Map<string, Message>} */
  let found = new Map();
  /** @type {string | null} */
  let next = null;
  let isLoading = true;
  /** @type {Problem | null} */
  let problem = null;

  function changed() {
    for (const listener of listeners) listener();
  }

  /** @param {string | null} before */
  async function load(before) {
    isLoading = true;
    problem = null;
    changed();
    try {
      const query = { limit: PAGE, ...(before !== null && { before }) };
      const page = await connection.calls.listBox(which, query, { signal });
      next = page.next;
      take(page.messages);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Problem)) throw error;
      problem = error;
    } finally {
      isLoading = false;
      changed();
    }
  }

  /** @param {readonly Message[]} messages */
  function take(messages) {
    const all = [...found.values(), ...messages].sort(newestFirst);
    found = new Map(all.map((message) => [message.id, message]));
    for (const id of new Set(messages.map(({ conversation_id }) => conversation_id))) connection.want(id);
  }

  /** @param {{ type: string, data: any }} event */
  function hear({ type, data: { message } }) {
    if (type === "reset") start();
    if (message === undefined || message.kind === "system") return;
    if ((message.sender_id === connection.me?.id) !== (which === "sent")) return;
    if (type === "message.sent" || found.has(message.id)) take([message]);
  }

  function start() {
    found = new Map();
    void load(null);
  }

  connection.on("event", hear, { signal });
  connection.on("change", changed, { signal });
  void connection.ready.then(start).catch(() => {});
  return {
    /** Newest first. Conversations that are not in the state yet are being fetched. @returns {Message[]} */
    get messages() {
      return [...found.values()];
    },
    get hasMore() {
      return next !== null;
    },
    get isLoading() {
      return isLoading;
    },
    get problem() {
      return problem;
    },
    more: () => (next !== null && !isLoading ? load(next) : Promise.resolve()),
    refresh: () => load(null),
    /** @param {"change"} _name @param {() => void} listener @param {{ signal?: AbortSignal }} [options] */
    on(_name, listener, { signal: until } = {}) {
      listeners.add(listener);
      const off = () => void listeners.delete(listener);
      until?.addEventListener("abort", off, { once: true });
      return off;
    },
    close() {
      listeners.clear();
      closing.abort();
    },
  };
}

/** @param {Message} a @param {Message} b */
const newestFirst = (a, b) => Date.parse(b.created_at) - Date.parse(a.created_at) || (a.id < b.id ? 1 : -1);

/** @typedef {ReturnType<typeof openBox>} Box */
