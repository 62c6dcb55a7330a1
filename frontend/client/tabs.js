/**
 * One stream for all tabs of a person's browser: the tab that holds the lock follows the log and tells the others.
 * HTTP/1.1 allows six connections to a host, and every stream is one. Where a browser has no Web Locks or no
 * BroadcastChannel (plain HTTP, old ones), each tab follows by itself.
 */

import { createFollower } from "./ladder.js";
import { cutBy } from "./client.js";
import { backoffMs, createTimer, sleep } from "./time.js";

/** @typedef {import("./ladder.js").FollowOptions} FollowOptions */
/** @typedef {import("./ladder.js").Progress} Progress */
/**
 * @typedef {{ kind: "event", event: { type: string, data: any, id: string } }
 *   | { kind: "reset" } | { kind: "progress", progress: Progress } | { kind: "word" }
 *   | { kind: "hello" } | { kind: "stored", clientId: string } | { kind: "nudge" }} Word
 */
/**
 * `name`: of the server and the person.
 * @typedef {Omit<FollowOptions, "cursor" | "onProgress"> & { name: string,
 *   onProgress: (progress: Progress & { isShared: boolean }) => void }} ShareOptions
 */

const LOST_MS = 45_000; // two and a half heartbeats and some: who leads has frozen

/** @param {ShareOptions} options */
export function createShared(options) {
  const { name, onEvent, onReset, onProgress, signal } = options;
  const air = "BroadcastChannel" in globalThis ? new BroadcastChannel(name) : null;
  const locks = air === null ? undefined : navigator.locks;
  /** @type {ReturnType<typeof createFollower> | null} */
  let follower = null;
  /** @type {string | null} */
  let cursor = null;
  /** What was told before the first snapshot was there. @type {Word[] | null} */
  let early = [];
  /** @type {Progress | null} */
  let progress = null;
  /** Of the time in which this tab leads. @type {AbortController | undefined} */
  let leading;
  let told = Promise.resolve();
  const lost = createTimer(() => void lead({ steal: true }).catch(() => {}));

  air?.addEventListener("message", (said) => hear(said.data), { signal });
  signal.addEventListener("abort", () => {
    lost.stop();
    air?.close();
  });

  /** @param {Word} word */
  function say(word) {
    if (!signal.aborted) air?.postMessage(word);
  }

  /** @param {Word} word */
  function hear(word) {
    if (early !== null) {
      if (word.kind === "event" || word.kind === "reset") early.push(word);
      return;
    }
    if (follower !== null) return hearAsLeader(word);
    if (word.kind === "event" || word.kind === "reset" || word.kind === "word" || word.kind === "progress") lost.start(LOST_MS);
    told = told.then(() => hearAsFollower(word)).catch((error) => console.error(error));
  }

  /** @param {Word} word */
  function hearAsLeader(word) {
    if (word.kind === "hello" && progress !== null) say({ kind: "progress", progress });
    else if (word.kind === "stored") follower?.expect(word.clientId);
    else if (word.kind === "nudge") follower?.nudge();
  }

  /** @param {Word} word */
  async function hearAsFollower(word) {
    if (follower !== null) return; // it leads now: the server tells what comes after the cursor
    if (word.kind === "progress") onProgress({ ...word.progress, isShared: true });
    if (word.kind === "reset") await reset();
    if (word.kind !== "event") return;
    await onEvent(word.event);
    cursor = word.event.id || cursor;
  }

  /** However often it takes: what comes next is not for the old state. */
  async function reset() {
    for (let failures = 1; follower === null && !signal.aborted; failures += 1) {
      const loaded = await onReset({ reason: "told", cursor: "" }).catch((error) => void console.error(error));
      if (loaded !== undefined) return void (cursor = loaded);
      await sleep(backoffMs(failures), signal);
    }
  }

  /** Hold the lock for as long as this tab lives. @param {LockOptions} how */
  async function lead(how) {
    if (locks === undefined) return follow();
    await locks.request(name, { ...how, ...(how.steal ? {} : { signal }) }, follow).catch((error) => {
      if (signal.aborted || error?.name !== "AbortError") throw error;
      leading?.abort(); // another tab took over from one that had frozen: that was this one
      follower = null;
      return lead({});
    });
  }

  async function follow() {
    lost.stop();
    leading = cutBy(signal);
    follower = createFollower({
      ...options,
      signal: leading.signal,
      cursor,
      onEvent: async (event) => {
        say({ kind: "event", event });
        await onEvent(event);
        cursor = event.id || cursor;
      },
      onReset: (reset) => {
        say({ kind: "reset" });
        return onReset(reset);
      },
      onProgress: (now) => {
        progress = now;
        say({ kind: "progress", progress: { phase: now.phase, transport: now.transport } });
        onProgress({ ...now, isShared: false });
      },
      onWord: () => say({ kind: "word" }),
    });
    await follower.run();
  }

  return {
    /**
     * Load the first snapshot, then go on from its cursor until `signal` aborts. What other tabs tell meanwhile is
     * kept, so nothing is between. Rejects when the snapshot cannot be loaded, or the server refuses the caller.
     * @param {() => Promise<string>} load
     */
    async run(load) {
      cursor = await load();
      const kept = early ?? [];
      early = null;
      for (const word of kept) hear(word);
      say({ kind: "hello" });
      if (locks !== undefined) lost.start(LOST_MS);
      await lead({});
    },
    /** One's own message was stored and must come back. @param {string} clientId */
    expect(clientId) {
      if (follower !== null) follower.expect(clientId);
      else say({ kind: "stored", clientId });
    },
    nudge() {
      if (follower !== null) follower.nudge();
      else say({ kind: "nudge" });
    },
  };
}
