/**
 * Follow the log, whatever the network does to it: the best transport that works, one cursor over all of them, again
 * and again until it is stopped. A transport is only blamed when a plain request goes through where it did not.
 */

import { Problem, createApi, cutBy } from "./client.js";
import { createMemory } from "./memory.js";
import { TRANSPORTS } from "./transports.js";
import { backoffMs, createTimer, sleep } from "./time.js";

/** @typedef {import("./transports.js").TransportName} TransportName */
/** @typedef {import("./transports.js").Frame} Frame */
/** @typedef {{ phase: "connecting" | "live" | "waiting", transport: TransportName, error?: unknown }} Progress */
/**
 * @typedef {object} FollowOptions
 * @property {string} url Of the API.
 * @property {import("./client.js").GetToken} getToken
 * @property {string | null} cursor Where to go on; null: from now.
 * @property {(event: { type: string, data: any, id: string }) => unknown} onEvent Awaited. The cursor moves on when it is
 *   done; when it throws, the event comes again.
 * @property {(reset: { reason: string, cursor: string }) => Promise<string>} onReset Loads the state anew, and gives
 *   the cursor of that snapshot.
 * @property {(progress: Progress) => void} onProgress
 * @property {() => void} [onWord] Something was heard, a heartbeat perhaps.
 * @property {readonly TransportName[]} [transports] Only these; all by default.
 * @property {AbortSignal} signal The only way to stop.
 */
/**
 * How a connection ended. `bye`: planned. `refused`: the server said no. `cut`: by whatever is in between, or away.
 * `stale`: it was open and said nothing. `retry`: we ended it.
 * @typedef {{ why: "bye" | "reset" | "refused" | "cut" | "stale" | "retry", retryMs?: number, isTokenOver?: boolean,
 *   error?: unknown }} End
 */

const STEADY_MS = 15_000; // a connection that lived so long was a good one
const ECHO_MS = 2_000; // one's own message must have come back by then
const MET_MAX = 200;
const LIVED_FAILURES_MAX = 2; // where something comes through, however short it lives, nobody waits for long
const WAITED_MS = 2_000; // a poll that was cut later than that was cut while it waited
const SLEPT_MS = 25_000; // nothing heard for longer than a heartbeat: the machine may have slept
const FREE_MS = 4_000;

/** @param {FollowOptions} options */
export function createFollower({ url, getToken, cursor, onEvent, onReset, onProgress, onWord, transports, signal }) {
  const memory = createMemory(url, transports);
  const position = { cursor };
  /** Own messages that must come back, and since when. @type {Map<string, number>} */
  const expected = new Map();
  /** What came back, lately: the event is often quicker than the answer. @type {Set<string>} */
  const met = new Set();
  const echo = createTimer(() => connection?.abort("stale"));
  /** Of the connection that is open, and of the pause between two. @type {AbortController | undefined} */
  let connection;
  /** @type {AbortController | undefined} */
  let pause;
  let heardAt = 0;
  let liveAt = 0;

  /** Until `signal` aborts. Rejects only when the server refuses the token, a new one included, or the caller. */
  async function run() {
    let failures = 0;
    let isExpired = false;
    while (!signal.aborted) {
      const transport = memory.best();
      liveAt = 0;
      onProgress({ phase: "connecting", transport });
      const token = await tokenFor(isExpired);
      const end = token === null ? { why: /** @type {const} */ ("cut") } : await attempt(transport, token);
      if (signal.aborted) return;
      const livedMs = liveAt === 0 ? 0 : performance.now() - liveAt;
      if (end.isTokenOver && isExpired && livedMs === 0) throw end.error ?? new Error("The token is refused.");
      isExpired = end.isTokenOver === true;
      const isOther = (await isToBlame(end, livedMs, token)) && memory.strike(transport);
      if (isOther || isGood(end, livedMs)) failures = 0;
      else failures = livedMs > 0 ? Math.min(failures + 1, LIVED_FAILURES_MAX) : failures + 1;
      onProgress({ phase: "waiting", transport, error: end.error });
      await rest(Math.max(end.retryMs ?? 0, failures > 0 ? backoffMs(failures) : 0));
    }
  }

  /** A page whose shop is away for a moment is not signed out. @param {boolean} isExpired */
  async function tokenFor(isExpired) {
    try {
      return await getToken({ isExpired });
    } catch (error) {
      if (error instanceof Problem && error.status === 401) throw error;
      return null;
    }
  }

  /**
   * One connection, to its end.
   * @param {TransportName} transport
   * @param {string} token
   * @returns {Promise<End>}
   */
  async function attempt(transport, token) {
    const cut = (connection = cutBy(signal));
    expected.clear();
    echo.stop();
    const silence = createTimer(() => cut.abort("stale"));
    const better = createTimer(() => cut.abort("retry"));
    const retryInMs = memory.retryInMs(transport);
    if (retryInMs < 2 ** 31) better.start(retryInMs);
    const waitSeconds = memory.waitSeconds();
    const frames = TRANSPORTS[transport]({
      url,
      token,
      position,
      waitSeconds,
      patience: silence.start,
      signal: cut.signal,
    });
    try {
      for await (const frame of frames) {
        silence.stop(); // time spent on an event is not the server's silence
        heardAt = performance.now();
        onWord?.();
        const end = await take(frame, transport);
        if (end !== null) return end;
        if (cut.signal.aborted) break;
      }
      return endBy(null, cut.signal);
    } catch (error) {
      const wasWaiting = transport === "long-poll" && liveAt > 0 && performance.now() - heardAt > WAITED_MS;
      return wasWaiting && memory.waitLess() ? { why: "retry", error } : endBy(error, cut.signal);
    } finally {
      silence.stop();
      better.stop();
      cut.abort();
    }
  }

  /**
   * @param {Frame} frame
   * @param {TransportName} transport
   * @returns {Promise<End | null>}
   */
  async function take({ type, data, id }, transport) {
    if (type === "bye") return { why: "bye", retryMs: byeMs(data), isTokenOver: data.reason.startsWith("token_") };
    if (type === "reset") {
      position.cursor = await onReset(data);
      return { why: "reset" };
    }
    if (type === "ready" && liveAt === 0) {
      liveAt = performance.now();
      onProgress({ phase: "live", transport });
    }
    if (type === "message.sent") meet(data.message.client_id);
    if (!["hello", "ready", "ping"].includes(type)) await tell({ type, data, id });
    position.cursor = id || position.cursor;
    if (liveAt > 0 && performance.now() - liveAt >= STEADY_MS) memory.praise(transport);
    return null;
  }

  /** A page that fails at an event must not look like a network that does. @param {Frame} event */
  async function tell(event) {
    try {
      await onEvent(event);
    } catch (error) {
      throw new Error(`${event.type} could not be handled`, { cause: error });
    }
  }

  /**
   * Whether the transport failed, and not the network, the server or the page: it was cut young or kept silent, and a
   * plain request goes through. One that is no event: what is in between may treat those in its own way.
   * @param {End} end
   * @param {number} livedMs
   * @param {string | null} token
   */
  async function isToBlame(end, livedMs, token) {
    if (token === null || (end.error instanceof Error && end.error.cause !== undefined)) return false;
    if (end.why !== "stale" && !(end.why === "cut" && livedMs < STEADY_MS)) return false;
    const cut = cutBy(signal);
    const timer = setTimeout(() => cut.abort(), FREE_MS);
    try {
      await createApi({ url, getToken: () => token }).get("/unread", { signal: cut.signal });
      return true;
    } catch {
      return false;
    } finally {
      clearTimeout(timer);
    }
  }

  /** @param {string} clientId */
  function meet(clientId) {
    met.add(clientId);
    if (met.size > MET_MAX) met.delete(/** @type {string} */ (met.values().next().value));
    if (!expected.delete(clientId)) return;
    const [since] = expected.values(); // of the oldest that is left
    if (since === undefined) echo.stop();
    else echo.start(Math.max(0, since + ECHO_MS - performance.now()));
  }

  /** @param {number} ms */
  async function rest(ms) {
    pause = cutBy(signal);
    await sleep(ms, pause.signal);
    pause.abort();
    pause = undefined;
  }

  return {
    run,
    /** The cursor up to which everything was told. */
    cursor: () => position.cursor,
    /** One's own message was stored: when it does not come back, the stream is not what it claims. @param {string} clientId */
    expect(clientId) {
      if (liveAt === 0 || met.has(clientId) || !memory.best().startsWith("sse")) return;
      if (expected.size === 0) echo.start(ECHO_MS);
      expected.set(clientId, performance.now());
    },
    /** It came back before, or by another way. */
    meet,
    /** The network or the page is back: no more waiting, and no trust in a connection that slept. */
    nudge() {
      pause?.abort();
      if (liveAt > 0 && performance.now() - heardAt > SLEPT_MS) connection?.abort("retry");
    },
  };
}

/** Who is sent away because there are too many does not come back at once. @param {{ reason: string, retry_ms: number }} bye */
function byeMs({ reason, retry_ms }) {
  return reason === "too_many" ? Math.max(retry_ms, 10_000) : retry_ms;
}

/** @param {End} end @param {number} livedMs */
function isGood(end, livedMs) {
  return livedMs >= STEADY_MS || end.why === "retry" || end.why === "reset" || (end.why === "bye" && livedMs > 0);
}

/**
 * What the end of a connection means. Throws what another attempt cannot mend.
 * @param {unknown} error
 * @param {AbortSignal} cut
 * @returns {End}
 */
function endBy(error, cut) {
  if (cut.aborted) return { why: cut.reason === "retry" || cut.reason === "stale" ? cut.reason : "cut" };
  if (!(error instanceof Problem) || error.isForeign) return { why: "cut", error };
  if (error.status === 403) throw error;
  return { why: "refused", retryMs: error.retryAfterMs, isTokenOver: error.status === 401, error };
}
