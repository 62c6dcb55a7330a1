/**
 * A conversation for React components, on top of `connect` of `../client/parley.js`. One file; React (18 or newer) is
 * the page's own.
 */

import { useEffect, useMemo, useSyncExternalStore } from "react";

/** @typedef {import("../client/parley.js").Connection} Connection */
/** @typedef {import("../client/parley.js").Thread} Thread */
/** @typedef {import("../client/parley.js").Status} Status */
/** @typedef {import("../client/store.js").Presence} Presence */
/**
 * @typedef {{ conversation_id?: string | null, context?: import("../client/calls.js").ContextRef | null,
 *   with?: string | null }} What
 */

/** @type {Status} */
const CONNECTING = { phase: "connecting", transport: "sse", isLimited: false, isShared: false, isLate: false, problem: null };

/** Nothing is open, or not yet. */
const NOTHING = {
  /** @type {import("../client/store.js").User | null} */
  me: null,
  status: CONNECTING,
  /** Why it cannot be opened or read: a `Problem`, with a `code`, or what `getToken` threw. @type {Error | null} */
  problem: null,
  isLoading: false,
  /** The caller has left, or was taken out. */
  isGone: false,
  /** @type {Thread["conversation"] | null} */
  conversation: null,
  /** @type {Thread["messages"]} */
  messages: [],
  /** @type {Thread["pending"]} */
  pending: [],
  /** @type {Thread["typists"]} */
  typists: [],
  /** Of the others, by user id. @type {Record<string, Presence>} */
  presence: {},
  draft: "",
  /** In this conversation. */
  unread: 0,
  /** Where the unread began when it was opened. @type {number | null} */
  firstUnreadSeq: null,
  hasOlder: false,
  hasNewer: false,
};

/** All that are open on the page: two of one conversation have one draft. @type {Set<() => void>} */
const refreshers = new Set();

/**
 * One conversation, kept live; what did not change stays the same object. Actions stay the same as long as what is open
 * does, and keep to it: what was written to one conversation never goes to the next.
 * @param {Connection | null} connection Null: not there yet, or on the server.
 * @param {What | null} what As `connection.open` takes it; null: nothing is open. `context` and `with` open a new one where there is none.
 * @param {{ isVisible?: boolean }} [options] False: it is not in view, so nothing is marked as read.
 */
export function useConversation(connection, what, { isVisible = true } = {}) {
  const asked = textOf(what);
  const store = useMemo(() => createStore(connection, asked), [connection, asked]);
  useEffect(() => store.setVisible(isVisible), [store, isVisible]);
  return useSyncExternalStore(store.subscribe, store.view, store.serverView);
}

/** The same text for the same thing, whatever object says it. @param {What | null} what */
function textOf(what) {
  if (what?.conversation_id) return JSON.stringify({ conversation_id: what.conversation_id });
  if (!what?.context && !what?.with) return "";
  const context = what.context ? { kind: what.context.kind, id: what.context.id } : undefined;
  return JSON.stringify({ context, with: what.with || undefined });
}

/**
 * What a component shows. Nothing happens before it is subscribed to, nor after; it can be subscribed to again.
 * @param {Connection | null} connection
 * @param {string} asked
 */
function createStore(connection, asked) {
  /** Open now. @type {Thread | null} */
  let thread = null;
  /** The last that was open: what is still written to it when it closes, goes there. @type {Thread | null} */
  let known = null;
  /** @type {Error | null} */
  let problem = null;
  let isVisible = true;
  let isLive = false;
  let tell = () => {};
  let closing = new AbortController();
  closing.abort();

  const actions = {
    /** Shown at once, kept until the server has it. @param {Parameters<Thread["send"]>[0]} written @returns {string} */
    send(written) {
      const clientId = opened().send(written);
      refreshAll();
      return clientId;
    },
    /** The input's text after every change: kept as the draft, and the others see that somebody types. @param {string} text */
    typing(text) {
      known?.typing(text);
      refreshAll(); // before the event is over: React sets an input back to its value
    },
    /** @param {string} clientId */
    retry: (clientId) => opened().retry(clientId),
    /** @param {string} clientId */
    discard: (clientId) => opened().discard(clientId),
    /** @param {string} messageId @param {string} body */
    edit: async (messageId, body) => opened().edit(messageId, body),
    /** @param {string} messageId */
    unsend: async (messageId) => opened().unsend(messageId),
    markRead: async () => opened().markRead(),
    older: async () => thread?.older(),
    newer: async () => thread?.newer(),
    /** To the newest messages, when the window is elsewhere. */
    toEnd: async () => thread?.toEnd(),
    /** After a `problem`. */
    reload: async () => (thread === null ? open() : thread.reload()),
  };
  const first = { ...NOTHING, isLoading: asked !== "", ...actions };
  let view = look();

  function opened() {
    if (known === null) throw new Error("Nothing is open yet: wait until there is a `conversation`.");
    return known;
  }

  /** @returns {typeof first} */
  function look() {
    const now = { ...first, me: connection?.me ?? null, status: connection?.status ?? CONNECTING };
    if (thread === null) return { ...now, problem, isLoading: first.isLoading && problem === null };
    const { conversation, messages, pending, typists, draft, firstUnreadSeq, hasOlder, hasNewer, isLoading, isGone } = thread;
    const read = { conversation, messages, pending, typists, draft, firstUnreadSeq, hasOlder, hasNewer, isLoading, isGone };
    return { ...now, ...read, problem: thread.problem, unread: conversation.unread_count, presence: presence(conversation) };
  }

  /** @param {Thread["conversation"]} conversation @returns {Record<string, Presence>} */
  function presence({ participants }) {
    const people = participants.map(({ user }) => connection?.presenceOf(user.id));
    return Object.fromEntries(people.flatMap((one) => (one && one.user_id !== connection?.me?.id ? [[one.user_id, one]] : [])));
  }

  function refresh() {
    const next = kept(view, look());
    if (next === view) return;
    view = next;
    tell();
  }

  async function open() {
    const { signal } = closing;
    problem = null;
    refresh();
    await null; // who is gone at once, as under StrictMode, has asked for nothing
    if (connection === null || asked === "" || signal.aborted) return;
    try {
      const found = await connection.open(JSON.parse(asked));
      if (signal.aborted || thread !== null) return found.close();
      thread = known = found;
      thread.setVisible(isVisible);
      thread.on("change", refresh);
    } catch (error) {
      if (signal.aborted || connection.status.phase === "closed") return;
      problem = error instanceof Error ? error : new Error(String(error));
    }
    refresh();
  }

  /** What could not be opened for want of a network is opened when that is back. */
  function heard() {
    const wasLive = isLive;
    isLive = connection?.status.phase === "live";
    if (isLive && !wasLive && problem !== null && "isForeign" in problem && problem.isForeign) void open();
    else refresh();
  }

  return {
    view: () => view,
    serverView: () => first,
    /** @param {boolean} isSeen */
    setVisible(isSeen) {
      isVisible = isSeen;
      thread?.setVisible(isSeen);
    },
    /** @param {() => void} listener */
    subscribe(listener) {
      tell = listener;
      closing = new AbortController();
      connection?.on("change", heard, { signal: closing.signal });
      refreshers.add(refresh);
      void open();
      return () => {
        closing.abort();
        refreshers.delete(refresh);
        thread?.close();
        thread = null;
      };
    },
  };
}

function refreshAll() {
  for (const refresh of refreshers) refresh();
}

/**
 * The next view with what is the same as before: all of it, if nothing changed.
 * @template {Record<string, any>} View
 * @param {View} before
 * @param {View} next
 * @returns {View}
 */
function kept(before, next) {
  const entries = Object.entries(next).map(([name, value]) => [name, isSame(before[name], value) ? before[name] : value]);
  return entries.every(([name, value]) => value === before[name]) ? before : Object.fromEntries(entries);
}

/** @param {any} a @param {any} b @returns {boolean} Whether they say the same; of what is no plain data, whether it is the same. */
function isSame(a, b) {
  if (Object.is(a, b)) return true;
  if (!isPlain(a) || !isPlain(b)) return false;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => isSame(a[name], b[name]));
}

/** @param {unknown} one */
function isPlain(one) {
  return Array.isArray(one) || (typeof one === "object" && one !== null && Object.getPrototypeOf(one) === Object.prototype);
}
