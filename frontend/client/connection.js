/**
 * One person's Parley on a page: loads a snapshot, follows the log from its cursor, keeps the state, the outbox and the
 * drafts, and opens lists and threads on it. It draws nothing.
 */

import { createCalls } from "./calls.js";
import { Problem } from "./client.js";
import { createDrafts, createShelf } from "./keep.js";
import { createListing } from "./listing.js";
import { createLookup } from "./lookup.js";
import { createOutbox } from "./outbox.js";
import { personOf } from "./person.js";
import { createReceipts } from "./receipts.js";
import { fetchSnapshot, patiently } from "./snapshot.js";
import { apply, emptyState, withConversations } from "./store.js";
import { createStatus } from "./status.js";
import { createShared } from "./tabs.js";
import { createThread } from "./thread.js";
import { createTyping } from "./typing.js";
import { createUnread } from "./unread.js";
import { createVoice } from "./voice.js";

/** @typedef {import("./store.js").State} State */
/** @typedef {import("./store.js").Conversation} Conversation */
/** @typedef {import("./store.js").Message} Message */
/** @typedef {import("./store.js").User} User */
/** @typedef {import("./transports.js").TransportName} TransportName */
/** @typedef {import("./status.js").Status} Status */
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

/** @param {ConnectOptions} options */
export function connect({ url = "", getToken, transports }) {
  const api = `${url}/api/v1`;
  const closing = new AbortController();
  const { signal } = closing;
  const calls = createCalls({ url: api, getToken });
  /** @type {Map<string, ReturnType<typeof createThread>>} */
  const threads = new Map();
  /** @type {Set<ReturnType<typeof createListing>>} */
  const listings = new Set();
  /** The last message of others that was told of: an answer to one's own send may overtake it. @type {Map<string, number>} */
  const announced = new Map();
  /** @type {User | null} */
  let user = null;
  let state = emptyState("");
  /** @type {ReturnType<typeof createShared> | null} */
  let shared = null;
  /** @type {ReturnType<typeof createOutbox> | null} */
  let outbox = null;
  /** @type {ReturnType<typeof createDrafts> | null} */
  let drafts = null;
  /** @type {ReturnType<typeof createReceipts> | null} */
  let receipts = null;
  const unread = createUnread();
  const voice = createVoice({ onChange: renew, signal });
  const status = createStatus({ onChange: voice.changed });
  const lookup = createLookup({ calls, state: () => state, update, onFound: deliver, signal });
  const typing = createTyping({
    calls,
    onChange(conversation_id) {
      voice.tell("typing", { conversation_id });
      voice.changed();
    },
  });

  // --- state ---------------------------------------------------------------------------------------------------------

  /** Threads and lists show the state before the page does. */
  function renew() {
    for (const { changed } of threads.values()) changed();
    for (const { changed } of listings) changed();
  }

  /** @param {State} next */
  function update(next) {
    if (next === state) return;
    state = next;
    voice.changed();
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
    if (!isKnown && !state.conversations.has(id) && type !== "participant.left") void lookup.conversation(id);
    if (type === "conversation.opened") void lookup.presence(id);
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
      voice.tell("message", { message, conversation });
    };
    if (state.conversations.has(message.conversation_id)) tell();
    else void lookup.conversation(message.conversation_id).then(tell);
  }

  /** It has arrived here. @param {string} id */
  function deliver(id) {
    const conversation = state.conversations.get(id);
    if (conversation !== undefined) void receipts?.move(conversation, false);
  }

  // --- loading -------------------------------------------------------------------------------------------------------

  /** Load everything anew; gives the cursor of that moment. @returns {Promise<string>} */
  async function load() {
    const { me, unread: counts, page } = await fetchSnapshot(calls, signal);
    const isFirst = user === null;
    for (const { id, last_seq } of page.conversations) announced.set(id, last_seq);
    user = me.user;
    unread.learn(counts.conversations);
    const kept = [...threads.keys()];
    state = withConversations({ ...emptyState(me.user.id), presence: state.presence }, page.conversations);
    for (const id of kept) if (!state.conversations.has(id)) await lookup.conversation(id);
    if (isFirst) settle(me.user.id);
    else for (const thread of threads.values()) void thread.restart();
    for (const listing of listings) void listing.start();
    for (const id of state.conversations.keys()) deliver(id);
    voice.changed();
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
      onChange: voice.changed,
      signal,
    });
    void outbox.load();
  }

  // --- the stream ----------------------------------------------------------------------------------------------------

  /** @param {import("./status.js").Progress} progress */
  function onProgress(progress) {
    if (progress.error instanceof Error && progress.error.cause !== undefined) console.error(progress.error.cause); // a mistake of the page
    if (!status.follow(progress)) return;
    outbox?.nudge();
    lookup.again();
    void lookup.presence();
    for (const { thread, restart } of threads.values()) if (thread.problem !== null) void restart();
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
    status.waiting();
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
    if (signal.aborted) return;
    status.end("signed_out", error instanceof Problem ? error : null);
    if (!(error instanceof Problem)) console.error(error);
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
        const cursor = await patiently(load, { onProblem: status.failed, signal });
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
      return unread.count(state);
    },
    get status() {
      return status.now;
    },
    on: voice.on,
    /** @param {import("./listing.js").ListOptions} [options] */
    list(options = {}) {
      /** @type {ReturnType<typeof createListing>} */
      const made = createListing(inside, options, () => listings.delete(made));
      listings.add(made);
      void ready.then(() => made.start()).catch(() => {});
      return made.listing;
    },
    /**
     * Open a conversation, or the one that exists, and read it. Each opening is closed on its own. Throws `Problem`.
     * @param {{ conversation_id: string } | { context: import("./calls.js").ContextRef, with?: string | undefined }
     *   | { with: string }} what
     * @returns {Promise<import("./thread.js").Thread>}
     */
    async open(what) {
      await ready;
      const id = "conversation_id" in what ? what.conversation_id : await idOf(what);
      if (!state.conversations.has(id)) update(withConversations(state, [await calls.getConversation(id, { signal })]));
      const known = threads.get(id);
      if (known !== undefined) return known.hold();
      const made = createThread(inside, id, () => threads.delete(id));
      threads.set(id, made);
      const held = made.hold();
      void lookup.presence(id);
      void made.start();
      return held;
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
        unread.forget(receipt.conversation_id);
        hear("receipt.moved", receipt);
      }
      voice.changed();
    },
    /** Archive, mute, close. @param {string} id @param {unknown} patch */
    async change(id, patch) {
      const { is_muted, is_archived, state } = await calls.changeConversation(id, patch, { signal });
      hear("conversation.changed", { conversation_id: id, is_muted, is_archived, state });
    },
    /** What this network does to streams. */
    diagnose: async () => (await import("./diagnose.js")).diagnose({ url: api, getToken, signal }),
    close() {
      typing.stopped();
      closing.abort();
      status.end("closed");
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

/** @typedef {ReturnType<typeof connect>} Connection */
