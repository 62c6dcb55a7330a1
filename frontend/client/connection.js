/**
 * One person's Parley on a page: loads a snapshot, follows the log from its cursor, keeps the state, the outbox and the
 * drafts, and opens lists and threads on it. It draws nothing.
 */

import { createBelongings } from "./belongings.js";
import { createCalls } from "./calls.js";
import { patientToken } from "./client.js";
import { createFollowing, nameOf } from "./following.js";
import { createHearing } from "./hearing.js";
import { createHeld } from "./held.js";
import { createLastList } from "./keep.js";
import { createListing } from "./listing.js";
import { createLookup } from "./lookup.js";
import { PAGE, fetchSnapshot } from "./snapshot.js";
import { emptyState, listed, withConversations } from "./store.js";
import { createStatus } from "./status.js";
import { createThread } from "./thread.js";
import { createTyping } from "./typing.js";
import { createUnread } from "./unread.js";

const PRESENCE_MS = 20_000; // as often as a stream has its heartbeat, about

/** @typedef {import("./store.js").State} State */
/** @typedef {import("./store.js").Conversation} Conversation */
/** @typedef {import("./store.js").User} User */
/** @typedef {import("./transports.js").TransportName} TransportName */
/** @typedef {import("./status.js").Status} Status */
/** @typedef {import("./belongings.js").Belongings} Belongings */
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
 * @property {Belongings["outbox"]} outbox
 * @property {Belongings["drafts"]} drafts
 * @property {Belongings["receipts"]} receipts
 */

/** @param {ConnectOptions} options */
export function connect({ url = "", getToken: tokenOfPage, transports }) {
  const getToken = patientToken(tokenOfPage);
  const api = `${url}/api/v1`;
  const closing = new AbortController();
  const { signal } = closing;
  const calls = createCalls({ url: api, getToken });
  const held = createHeld(signal);
  const { threads, listings, update, voice } = held;
  const unread = createUnread();
  const status = createStatus({ onChange: voice.changed });
  const lookup = createLookup({ calls, state: () => held.state, update, onFound: (id) => deliver(id), signal });
  const typing = createTyping({
    calls,
    onChange(conversation_id) {
      voice.tell("typing", { conversation_id });
      voice.changed();
    },
  });
  /** @type {User | null} */
  let user = null;
  /** @type {Belongings | null} */
  let belongings = null;
  const { hear, deliver, know } = createHearing({ held, typing, unread, lookup, belongings: () => belongings });
  const { ready, expect } = createFollowing({ api, getToken, transports, status, onPerson, load, hear, onLive, onWake, signal });

  /** The list as it was, until it is loaded. @param {string} id */
  function onPerson(id) {
    const last = createLastList(nameOf(api, id));
    update(withConversations(emptyState(id), last.get()));
    const keep = () => last.set(status.now.phase === "signed_out" ? [] : listed(held.state).slice(0, PAGE));
    window.addEventListener("pagehide", keep, { signal });
  }

  /** Load everything anew; gives the cursor of that moment. @returns {Promise<string>} */
  async function load() {
    const { me, unread: counts, page } = await fetchSnapshot(calls, signal);
    const isFirst = user === null;
    know(page.conversations);
    user = me.user;
    unread.learn(counts.conversations);
    const { presence } = held.state;
    lookup.reset();
    update(withConversations({ ...emptyState(me.user.id), presence }, page.conversations));
    for (const id of [...threads.keys()]) if (!held.state.conversations.has(id)) await lookup.conversation(id);
    if (isFirst) settle(me.user.id);
    else restart();
    for (const id of held.state.conversations.keys()) deliver(id);
    return page.cursor ?? me.cursor; // the list's own: what comes after it is not in the list, whenever the rest was read
  }

  /** @param {string} me */
  function settle(me) {
    const onChange = voice.changed;
    belongings = createBelongings({ name: nameOf(api, me), me, calls, hear, onStored: expect, onChange, signal });
  }

  /** With what is open, after a reset. */
  function restart() {
    for (const thread of threads.values()) void thread.restart();
    for (const listing of listings) void listing.start();
    voice.tell("event", { type: "reset", data: {} });
  }

  function onLive() {
    belongings?.outbox.nudge();
    lookup.again();
    void lookup.presenceOfAll();
    for (const one of threads.values()) if (one.thread.problem !== null) void one.thread.reload();
  }

  /** What is only said, and not written down, is lost between two polls. */
  function askWhoIsHere() {
    if (status.now.phase === "live" && status.now.isLimited && document.visibilityState === "visible") void lookup.presenceOfLoaded();
  }
  const asking = setInterval(askWhoIsHere, PRESENCE_MS);
  signal.addEventListener("abort", () => clearInterval(asking));

  function onWake() {
    belongings?.outbox.nudge();
    for (const thread of threads.values()) thread.move();
  }

  /** There from the first snapshot on, before which nothing is opened. */
  const settled = () => /** @type {Belongings} */ (belongings);

  /** @type {Inside} */
  const inside = {
    calls,
    typing,
    signal,
    update,
    hear,
    state: () => held.state,
    me: () => held.state.me,
    get outbox() {
      return settled().outbox;
    },
    get drafts() {
      return settled().drafts;
    },
    get receipts() {
      return settled().receipts;
    },
  };

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
      return held.state;
    },
    get unread() {
      return unread.count(held.state);
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
    /** Fetch a conversation that a later page of the list has. @param {string} id */
    want: (id) => void (held.state.conversations.has(id) || lookup.conversation(id)),
    /**
     * Open a conversation, or the one that exists, and read it. Each opening is closed on its own. Throws `Problem`.
     * @param {{ conversation_id: string } | { context: import("./calls.js").ContextRef, with?: string | undefined }
     *   | { with: string }} what
     * @returns {Promise<import("./thread.js").Thread>}
     */
    async open(what) {
      await ready;
      const id = "conversation_id" in what ? what.conversation_id : await idOf(what);
      if (!held.state.conversations.has(id)) await lookup.find(id);
      const known = threads.get(id);
      if (known !== undefined) return known.hold();
      const made = createThread(inside, id, () => threads.delete(id));
      threads.set(id, made);
      const thread = made.hold();
      void lookup.presence(id);
      void made.start();
      return thread;
    },
    /** What is written and not sent. @param {string} conversationId */
    draftOf: (conversationId) => belongings?.drafts.get(conversationId) ?? "",
    /** @param {string} userId */
    presenceOf: (userId) => held.state.presence.get(userId),
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
    update(withConversations(held.state, [conversation]));
    return conversation.id;
  }

  return connection;
}

/** @typedef {ReturnType<typeof connect>} Connection */
