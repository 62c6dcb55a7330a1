/**
 * Messages on their way: shown at once, kept until the server has them, sent in the order of writing. A retry is the
 * same `client_id` again, so a lost answer never makes two of one.
 */

import { Problem, newClientId } from "./client.js";
import { createMark } from "./keep.js";
import { backoffMs, sleep } from "./time.js";

/**
 * `waiting`: kept, will be tried (again). `refused`: the server said why not (`problem`, on that page); only the person
 * can decide.
 * @typedef {{ client_id: string, conversation_id: string, kind: "text" | "card", body: string,
 *   context: import("./store.js").Context | null, reply_to: string | null, created_at: string, order: number,
 *   state: "waiting" | "sending" | "refused", problem: Problem | null, retry_at: number | null }} Pending
 */
/** @typedef {{ body: string, kind?: "text" | "card", context?: import("./store.js").Context | null, reply_to?: string | null }} Written */

/**
 * @param {object} options
 * @param {import("./calls.js").Calls} options.calls
 * @param {ReturnType<typeof import("./keep.js").createShelf>} options.shelf
 * @param {string} options.name Of the server and the person: one tab sends at a time.
 * @param {(message: import("./store.js").Message) => void} options.onSent
 * @param {() => void} options.onChange
 * @param {AbortSignal} options.signal
 */
export function createOutbox({ calls, shelf, name, onSent, onChange, signal }) {
  /** @type {Map<string, Pending>} */
  const pending = new Map();
  /** Conversations whose messages are being sent. @type {Set<string>} */
  const busy = new Set();
  let wake = new AbortController();

  /** @param {string} id @param {Partial<Pending>} change */
  function change(id, change) {
    const one = pending.get(id);
    if (one !== undefined) pending.set(id, { ...one, ...change });
    onChange();
  }

  /** @param {string} id */
  function drop(id) {
    if (!pending.delete(id)) return;
    void shelf.drop(id);
    onChange();
  }

  /** @param {string} conversationId */
  const nextOf = (conversationId) => (signal.aborted ? undefined : of(conversationId).find(({ state }) => state === "waiting"));

  /**
   * Send what waits in a conversation, one after the other. At once, as a rule: to ask for a lock takes longer than to
   * send. Where something could not be sent, in whichever tab, one tab at a time goes on, so that none overtakes it.
   * @param {string} conversationId
   */
  async function pump(conversationId) {
    if (busy.has(conversationId)) return;
    busy.add(conversationId);
    const trouble = createMark(`${name} outbox ${conversationId}`);
    try {
      while (!trouble.isSet()) {
        const next = nextOf(conversationId);
        if (next === undefined) return;
        if (!(await attempt(next))) trouble.set();
      }
      await alone(trouble.name, () => insist(conversationId));
      if (!signal.aborted) trouble.clear();
    } finally {
      busy.delete(conversationId);
      if (nextOf(conversationId) !== undefined) void pump(conversationId); // written while it ended
    }
  }

  /** Until all is sent, refused or discarded. @param {string} conversationId */
  async function insist(conversationId) {
    for (let failures = 0, next = nextOf(conversationId); next !== undefined; next = nextOf(conversationId)) {
      if (next.problem !== null) await rest(next.retry_at ?? 0, (failures += 1));
      const again = nextOf(conversationId);
      if (again !== undefined && (await attempt(again))) failures = 0;
    }
  }

  /** Until something may have changed. @param {number} retryAt @param {number} failures */
  async function rest(retryAt, failures) {
    const pause = wake;
    const stop = () => pause.abort();
    signal.addEventListener("abort", stop, { once: true });
    await sleep(Math.max(retryAt - Date.now(), backoffMs(failures, 1_000)), pause.signal);
    signal.removeEventListener("abort", stop);
  }

  /** Another tab must not overtake. @param {string} lock @param {() => Promise<void>} work */
  async function alone(lock, work) {
    if (!navigator.locks) return work();
    await navigator.locks.request(lock, { signal }, work).catch((error) => {
      if (!signal.aborted) throw error;
    });
  }

  /** @param {Pending} one @returns {Promise<boolean>} Whether the next one may follow. */
  async function attempt({ client_id, conversation_id, kind, body, context, reply_to }) {
    change(client_id, { state: "sending", problem: null, retry_at: null });
    const draft = {
      client_id,
      kind,
      body,
      ...(context && { context: { kind: context.kind, id: context.id } }),
      ...(reply_to && { reply_to }),
    };
    try {
      const { message } = await calls.sendMessage(conversation_id, draft);
      onSent(message);
      drop(client_id);
      return true;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      const isLasting = error.status >= 400 && error.status < 500 && ![401, 408, 425, 429].includes(error.status);
      const isRefused = isLasting && !error.isForeign;
      if (isRefused) {
        change(client_id, { state: "refused", problem: error });
        const one = pending.get(client_id);
        if (one !== undefined) void shelf.keep(one); // for the next page, too, only the person can decide
      } else change(client_id, { state: "waiting", problem: error, retry_at: Date.now() + error.retryAfterMs });
      return isRefused;
    }
  }

  /** @param {string} conversationId */
  const of = (conversationId) =>
    [...pending.values()].filter((one) => one.conversation_id === conversationId).sort((a, b) => a.order - b.order);

  return {
    of,
    drop,
    /** What an earlier page left behind. */
    async load() {
      for (const one of await shelf.all()) {
        const state = one.state === "refused" ? "refused" : "waiting";
        if (!pending.has(one.client_id)) pending.set(one.client_id, { ...one, state, problem: null });
      }
      if (pending.size > 0) onChange();
      for (const id of new Set([...pending.values()].map((one) => one.conversation_id))) void pump(id);
    },
    /** `kept`: the browser has it, or keeps nothing. @param {string} conversationId @param {Written} written */
    send(conversationId, { body, kind = "text", context = null, reply_to = null }) {
      const client_id = newClientId();
      /** @type {Pending} */
      const one = {
        client_id,
        conversation_id: conversationId,
        kind,
        body,
        context,
        reply_to,
        created_at: new Date().toISOString(),
        order: performance.timeOrigin + performance.now(),
        state: "waiting",
        problem: null,
        retry_at: null,
      };
      pending.set(client_id, one);
      onChange();
      void pump(conversationId); // a disk must not stand before the network
      return { client_id, kept: shelf.keep(one) };
    },
    /** @param {string} clientId */
    retry(clientId) {
      const one = pending.get(clientId);
      if (one === undefined) return;
      change(clientId, { state: "waiting", problem: null });
      void pump(one.conversation_id);
    },
    /** The network or the person is back: try now. */
    nudge() {
      const before = wake;
      wake = new AbortController();
      before.abort();
    },
  };
}
