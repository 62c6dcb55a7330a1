/**
 * One person's Parley on a page: loads a snapshot, follows the log from its cursor, keeps the state, the outbox and the
 * drafts, and opens lists and threads on it. It draws nothing.
 */

import { createCalls } from "./calls.js";
import { Problem } from "./client.js";
import { diagnose } from "./diagnose.js";
import { createDrafts, createShelf } from "./keep.js";
import { createListing } from "./listing.js";
import { createOutbox } from "./outbox.js";
import { createReceipts } from "./receipts.js";
import { apply, emptyState, others, own, withConversations, withPresence } from "./store.js";
import { createShared } from "./tabs.js";
import { createThread } from "./thread.js";
import { createTyping } from "./typing.js";

/** @typedef {import("./store.js").State} State */
/** @typedef {import("./store.js").Conversation} Conversation */
/** @typedef {import("./store.js").Message} Message */
/** @typedef {import("./store.js").User} User */
/** @typedef {import("./transports.js").TransportName} TransportName */
/**
 * @typedef {object} Status
 * @property {"connecting" | "live" | "reconnecting" | "signed_out" | "closed"} phase
 * @property {TransportName} transport
 * @property {boolean} isLimited Polling: updates come every few seconds.
 * @property {boolean} isShared Another tab holds the stream.
 * @property {boolean} isLate Not live for so long that people should be told.
 * @property {Problem | null} problem
 */
/** @typedef {{ change: [], message: [{ message: Message, conversation: Conversation }], typing: [{ conversation_id: string }] }} Heard */
/**
 * @typedef {object} ConnectOptions
 * @property {string} [url] Origin of the server; "": the page's own.
 * @property {import("./client.js").GetToken} getToken
 * @property {readonly TransportName[]} [transports] Only these.
 */
/**
 * What threads and lists work on.
 * @typedef {object} Inside
 * @property {import("./calls.js").Calls} calls
 * @property {ReturnType<typeof createTyping>} typing
 * @property {AbortSignal} signal
 * @property {(next: State) => void} update
 * @property {(type: string, data: any) => void} hear
 * @property {() => State} state
 * @property {() => string} me
 * @property {ReturnType<typeof createOutbox>} outbox
 * @property {ReturnType<typeof createDrafts>} drafts
 * @property {ReturnType<typeof createReceipts>} receipts
 */

const LATE_MS = 5_000;

/** @param {ConnectOptions} options */
export function connect({ url = "", getToken, transports }) {
  const api = `${url}/api/v1`;
  const closing = new AbortController();
  const { signal } = closing;
  const calls = createCalls({ url: api, getToken });
  /** @type {{ [Name in keyof Heard]: Set<(...said: Heard[Name]) => void> }} */
  const listeners = { change: new Set(), message: new Set(), typing: new Set() };
  /** @type {Map<string, ReturnType<typeof createThread>>} */
  const threads = new Map();
  /** @type {Set<ReturnType<typeof createListing>>} */
  const listings = new Set();
  /** Conversations that events told of and that are being fetched. @type {Set<string>} */
  const unknown = new Set();
  /** The last message of others that was told of: an answer to one's own send may overtake it. @type {Map<string, number>} */
  const announced = new Map();
  /** Of the conversations that are not loaded. @type {Map<string, { role: string, unread_count: number }>} */
  let unreadElsewhere = new Map();
  /** @type {User | null} */
  let user = null;
  let state = emptyState("");
  /** @type {Status} */
  let status = {
    phase: "connecting",
    transport: "sse",
    isLimited: false,
    isShared: false,
    isLate: false,
    problem: null,
  };
  let isChangeDue = false;
  /** @type {ReturnType<typeof createShared> | null} */
  let shared = null;
  /** @type {ReturnType<typeof createOutbox> | null} */
  let outbox = null;
  /** @type {ReturnType<typeof createDrafts> | null} */
  let drafts = null;
  /** @type {ReturnType<typeof createReceipts> | null} */
  let receipts = null;
  const typing = createTyping({
    calls,
    onChange(conversation_id) {
      for (const listener of listeners.typing) listener({ conversation_id });
      changed();
    },
  });

  // --- state ---------------------------------------------------------------------------------------------------------

  /** Tell of a change once, however many there are: with the next frame, or soon where no frames are drawn. */
  function changed() {
    if (isChangeDue) return;
    isChangeDue = true;
    const tell = () => {
      isChangeDue = false;
      if (signal.aborted) return;
      for (const { changed } of threads.values()) changed();
      for (const { changed } of listings) changed();
      for (const listener of listeners.change) listener();
    };
    if (document.visibilityState === "visible") requestAnimationFrame(tell);
    else setTimeout(tell);
  }

  /** @param {State} next */
  function update(next) {
    if (next === state) return;
    state = next;
    changed();
  }

  /** @param {Partial<Status>} change */
  function become(change) {
    status = { ...status, ...change };
    changed();
  }

  /**
   * What the stream tells, or an answer to one's own call, which is the same earlier. Nothing here waits: what must be
   * fetched comes later by itself.
   * @param {string} type
   * @param {any} data
   */
  function hear(type, data) {
    if (type === "typing") return typing.hear(data);
    const id = data.conversation_id;
    const isKnown = id === undefined || state.conversations.has(id);
    if (type === "message.sent") typing.forget(id, data.message.sender_id);
    if (type === "message.sent" && data.message.sender_id === state.me) outbox?.drop(data.message.client_id);
    update(apply(state, { type, data }));
    if (!isKnown && !state.conversations.has(id) && type !== "participant.left") void know(id);
    if (type === "conversation.opened") void learnPresence(id);
    if (type === "message.sent") announce(data.message);
    threads.get(id)?.move();
    if (type === "message.sent" && !threads.has(id)) deliver(id);
  }

  /** @param {Message} message */
  function announce(message) {
    const isNews = message.seq > (announced.get(message.conversation_id) ?? 0);
    if (!isNews || message.sender_id === state.me || message.kind === "system") return;
    announced.set(message.conversation_id, message.seq);
    const tell = () => {
      const conversation = state.conversations.get(message.conversation_id);
      if (conversation === undefined) return;
      for (const listener of listeners.message) listener({ message, conversation });
    };
    if (state.conversations.has(message.conversation_id)) tell();
    else void know(message.conversation_id).then(tell);
  }

  /** Fetch a conversation that is on a later page of the list, or archived. @param {string} id */
  async function know(id) {
    unknown.add(id);
    try {
      update(withConversations(state, [await calls.getConversation(id, { signal })]));
      unknown.delete(id);
      deliver(id);
      await learnPresence(id);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.code === "not_found") unknown.delete(id); // else it is tried again when the stream is live
    }
  }

  /** It has arrived here. @param {string} id */
  function deliver(id) {
    const conversation = state.conversations.get(id);
    if (conversation !== undefined) void receipts?.move(conversation, false);
  }

  /** @param {string} [id] Of the people in one conversation; none: of everybody. */
  async function learnPresence(id) {
    const conversation = state.conversations.get(id ?? "");
    const people = conversation ? others(conversation, state.me).map(({ user }) => user.id) : [];
    if (id !== undefined && people.length === 0) return;
    const answer = await calls.listPresence(people, { signal }).catch(() => null);
    if (answer !== null) update(withPresence(state, answer.presence));
  }

  // --- loading -------------------------------------------------------------------------------------------------------

  /** Load everything anew; gives the cursor of that moment. @returns {Promise<string>} */
  async function load() {
    const [me, unread, page] = await Promise.all([
      calls.me({ signal }),
      calls.getUnread({}, { signal }),
      calls.listConversations({ limit: 20 }, { signal }),
    ]);
    const isFirst = user === null;
    for (const { id, last_seq } of page.conversations) announced.set(id, last_seq);
    user = me.user;
    unreadElsewhere = new Map(unread.conversations.map((one) => [one.conversation_id, one]));
    const kept = [...threads.keys()];
    state = withConversations({ ...emptyState(me.user.id), presence: state.presence }, page.conversations);
    for (const id of kept) if (!state.conversations.has(id)) await know(id);
    if (isFirst) settle(me.user.id);
    else for (const thread of threads.values()) void thread.restart();
    for (const listing of listings) void listing.start();
    for (const id of state.conversations.keys()) deliver(id);
    changed();
    return me.cursor;
  }

  /** What needs to know who the person is. @param {string} me */
  function settle(me) {
    const name = `parley ${new URL(api, location.href).href} ${me}`;
    drafts = createDrafts(name);
    receipts = createReceipts({ calls, me, onMoved: (receipt) => hear("receipt.moved", receipt) });
    outbox = createOutbox({
      calls,
      name,
      shelf: createShelf(name),
      onSent(message) {
        shared?.expect(message.client_id);
        hear("message.sent", { conversation_id: message.conversation_id, message });
      },
      onChange: changed,
      signal,
    });
    void outbox.load();
  }

  /** @returns {{ total: number, buyer: number, seller: number, agent: number }} */
  function unread() {
    const counts = { total: 0, buyer: 0, seller: 0, agent: 0 };
    /** @param {string} role @param {number} count */
    const add = (role, count) => {
      counts.total += count;
      if (role === "buyer" || role === "seller" || role === "agent") counts[role] += count;
    };
    for (const conversation of state.conversations.values()) {
      const mine = own(conversation, state.me);
      if (mine) add(mine.role, conversation.unread_count);
    }
    for (const [id, { role, unread_count }] of unreadElsewhere) if (!state.conversations.has(id)) add(role, unread_count);
    return counts;
  }

  // --- the stream ----------------------------------------------------------------------------------------------------

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let lateTimer;

  /** @param {Parameters<import("./tabs.js").ShareOptions["onProgress"]>[0]} progress */
  function onProgress({ phase, transport, isShared, error }) {
    if (error instanceof Error && error.cause !== undefined) console.error(error.cause); // a mistake of the page
    const isLimited = transport === "long-poll" || transport === "short-poll";
    if (phase === "live") {
      clearTimeout(lateTimer);
      lateTimer = undefined;
      become({ phase: "live", transport, isLimited, isShared, isLate: false, problem: null });
      outbox?.nudge();
      for (const id of unknown) void know(id);
      void learnPresence();
      for (const { thread, restart } of threads.values()) if (thread.problem !== null) void restart();
      return;
    }
    const hasBeenLive = status.phase === "live" || status.phase === "reconnecting";
    become({
      phase: hasBeenLive ? "reconnecting" : "connecting",
      transport,
      isShared,
      problem: error instanceof Problem ? error : null,
    });
    beLateSoon();
  }

  function beLateSoon() {
    lateTimer ??= setTimeout(() => become({ isLate: true }), LATE_MS);
  }

  function nudge() {
    outbox?.nudge();
    shared?.nudge();
  }

  for (const name of ["online", "pageshow"]) window.addEventListener(name, nudge, { signal });
  document.addEventListener(
    "visibilitychange",
    () => {
      if (document.visibilityState !== "visible") return;
      nudge();
      for (const thread of threads.values()) thread.move();
    },
    { signal },
  );

  /** Load the first snapshot, however long the server is away. */
  async function start() {
    beLateSoon();
    const { id } = await personOf(getToken);
    shared = createShared({
      name: `parley ${new URL(api, location.href).href} ${id}`,
      url: api,
      getToken,
      ...(transports && { transports }),
      onEvent: ({ type, data }) => hear(type, data),
      onReset: load,
      onProgress,
      signal,
    });
    return shared;
  }

  /** @param {unknown} error */
  function end(error) {
    clearTimeout(lateTimer);
    if (signal.aborted) return;
    const problem = error instanceof Problem ? error : null;
    become({ phase: "signed_out", isLate: false, problem });
    if (problem === null) console.error(error);
  }

  /** @type {Inside} */
  const inside = {
    calls,
    typing,
    signal,
    update,
    hear,
    state: () => state,
    me: () => state.me,
    get outbox() {
      return /** @type {NonNullable<typeof outbox>} */ (outbox);
    },
    get drafts() {
      return /** @type {NonNullable<typeof drafts>} */ (drafts);
    },
    get receipts() {
      return /** @type {NonNullable<typeof receipts>} */ (receipts);
    },
  };

  /** @type {Promise<void>} */
  const ready = new Promise((resolve, reject) => {
    const run = async () => {
      const stream = await start();
      await stream.run(async () => {
        const cursor = await untilLoaded();
        resolve();
        return cursor;
      });
    };
    run().catch((error) => {
      reject(error);
      end(error);
    });
  });
  ready.catch(() => {});

  /** A server that is away for a moment is waited for; a refusal is final. */
  async function untilLoaded() {
    for (let pauseMs = 500; ; pauseMs = Math.min(pauseMs * 2, 8_000)) {
      try {
        return await load();
      } catch (error) {
        const isFinal = !(error instanceof Problem) || error.status === 401 || error.status === 403;
        if (isFinal || signal.aborted) throw error;
        become({ problem: error });
        await new Promise((resolve) => setTimeout(resolve, Math.max(pauseMs * Math.random(), error.retryAfterMs)));
      }
    }
  }

  const connection = {
    /** Origin of the server. */
    url,
    calls,
    /** The first snapshot is there. Rejects with `Problem` when the server refuses the caller. */
    ready,
    get me() {
      return user;
    },
    get state() {
      return state;
    },
    get unread() {
      return unread();
    },
    get status() {
      return status;
    },
    /**
     * @template {keyof Heard} Name
     * @param {Name} name `change`: state, unread or status, at most once a frame. `message`: somebody else's, at once.
     * @param {(...said: Heard[Name]) => void} listener
     * @param {{ signal?: AbortSignal }} [options]
     * @returns {() => void} Stops it.
     */
    on(name, listener, { signal: until } = {}) {
      listeners[name].add(listener);
      const off = () => void listeners[name].delete(listener);
      until?.addEventListener("abort", off, { once: true });
      return off;
    },
    /** @param {import("./listing.js").ListOptions} [options] */
    list(options = {}) {
      /** @type {ReturnType<typeof createListing>} */
      const made = createListing(inside, options, () => listings.delete(made));
      listings.add(made);
      void ready.then(() => made.start()).catch(() => {});
      return made.listing;
    },
    /**
     * Open a conversation, or the one that exists, and read it. Throws `Problem`.
     * @param {{ conversation_id: string } | { context: import("./calls.js").ContextRef, with?: string | undefined }
     *   | { with: string }} what
     * @returns {Promise<import("./thread.js").Thread>}
     */
    async open(what) {
      await ready;
      const id = "conversation_id" in what ? what.conversation_id : await idOf(what);
      if (!state.conversations.has(id)) update(withConversations(state, [await calls.getConversation(id, { signal })]));
      const known = threads.get(id);
      if (known !== undefined) return known.thread;
      const made = createThread(inside, id, () => threads.delete(id));
      threads.set(id, made);
      void learnPresence(id);
      void made.start();
      return made.thread;
    },
    /** What is written and not sent. @param {string} conversationId */
    draftOf: (conversationId) => drafts?.get(conversationId) ?? "",
    /** @param {string} userId */
    presenceOf: (userId) => state.presence.get(userId),
    /** Mark everything of an item, or everything, as read. @param {{ context?: string }} [what] */
    async markRead({ context } = {}) {
      const upto = context ? { context } : { cursor: (await calls.me({ signal })).cursor };
      const { receipts: moved } = await calls.markRead(upto, { signal });
      for (const receipt of moved) {
        unreadElsewhere.delete(receipt.conversation_id);
        hear("receipt.moved", receipt);
      }
      changed();
    },
    /** Archive, mute, close. @param {string} id @param {unknown} patch */
    async change(id, patch) {
      const { is_muted, is_archived, state } = await calls.changeConversation(id, patch, { signal });
      hear("conversation.changed", { conversation_id: id, is_muted, is_archived, state });
    },
    /** What this network does to streams. */
    diagnose: () => diagnose({ url: api, getToken, signal }),
    close() {
      typing.stopped();
      closing.abort();
      clearTimeout(lateTimer);
      status = { ...status, phase: "closed" };
    },
  };

  /** @param {{ context?: import("./calls.js").ContextRef, with?: string | undefined }} what */
  async function idOf({ context, with: other }) {
    const participants = other === undefined ? undefined : [{ user_id: other }];
    const opening = { ...(context && { context }), ...(participants && { participants }) };
    const { conversation } = await calls.openConversation(opening, { signal });
    update(withConversations(state, [conversation]));
    return conversation.id;
  }

  return connection;
}

/**
 * Who the token is of, without asking anyone: only to tell people in one browser apart, nothing is granted for it.
 * @param {import("./client.js").GetToken} getToken
 */
async function personOf(getToken) {
  const [, claims = ""] = (await getToken()).split(".");
  try {
    const bytes = Uint8Array.from(atob(claims.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
    return { id: String(JSON.parse(new TextDecoder().decode(bytes)).sub) };
  } catch {
    return { id: claims };
  }
}

/** @typedef {ReturnType<typeof connect>} Connection */
