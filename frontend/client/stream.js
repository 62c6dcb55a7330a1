/**
 * Events as they happen: a stream that goes on from its cursor, over cuts and restarts, until it is stopped. What they
 * mean stands in `store.js`.
 */

import { Problem, cutBy, problemOf, queryText } from "./client.js";
import { SseParser } from "./sse.js";

/** @typedef {import("./client.js").GetToken} GetToken */
/** @typedef {"connecting" | "live" | "waiting"} StreamState `live`: everything missed has been told. */
/** @typedef {{ type: string, data: any }} StreamEvent */
/**
 * @typedef {object} StreamOptions
 * @property {string} url
 * @property {GetToken} getToken
 * @property {string | null} cursor Where to go on; null: from now.
 * @property {(event: StreamEvent) => unknown} onEvent Awaited. The cursor moves on when it is done; when it throws, the
 *   event comes again.
 * @property {(reset: { reason: string, cursor: string }) => Promise<string>} onReset Loads the state anew, and gives
 *   the cursor of that snapshot.
 * @property {(state: StreamState, error?: unknown) => void} [onState] With what ended a connection, if it was an error.
 * @property {AbortSignal} signal The only way to stop.
 */
/** @typedef {{ cursor: string | null }} Position */
/** @typedef {{ retryMs?: number, isTokenOver?: boolean, error?: unknown }} End How a connection ended. */

const HELLO_MS = 10_000; // a slow phone's connection may take so long to set up
const HEARTBEAT_MS = 15_000; // until `hello` says it
const SILENT_HEARTBEATS = 2.5; // so many without any event: the connection is dead, whatever it claims
const STEADY_MS = 5_000; // a connection that lived so long was a good one
const BACKOFF_FIRST_MS = 500;
const BACKOFF_MAX_MS = 30_000;

/**
 * Follow the log until `signal` aborts: connect, tell events in order, and after any end connect again from the cursor.
 * Rejects only when the server refuses the token, a new one included, or the caller.
 * @param {StreamOptions} options
 */
export async function stream({ url, getToken, cursor, onEvent, onReset, onState = () => {}, signal }) {
  const position = { cursor };
  let failures = 0;
  let isExpired = false;
  while (!signal.aborted) {
    onState("connecting");
    const startedAt = performance.now();
    /** @type {End} */
    let end;
    try {
      const token = await getToken({ isExpired });
      end = await follow({ url, token, position, onEvent, onReset, onState, signal });
    } catch (error) {
      if (signal.aborted) return;
      end = endBy(error, isExpired);
    }
    const wasSteady = performance.now() - startedAt >= STEADY_MS;
    isExpired = end.isTokenOver === true;
    failures = wasSteady ? 0 : failures + 1;
    const isInvited = wasSteady && end.retryMs !== undefined;
    onState("waiting", end.error);
    await sleep(Math.max(end.retryMs ?? 0, isInvited ? 0 : backoffMs(failures)), signal);
  }
}

/**
 * One connection, to its end.
 * @param {{ url: string, token: string, position: Position, onEvent: StreamOptions["onEvent"],
 *   onReset: StreamOptions["onReset"], onState: (state: StreamState) => void, signal: AbortSignal }} options
 * @returns {Promise<End>}
 */
async function follow({ url, token, position, onEvent, onReset, onState, signal }) {
  const cut = cutBy(signal);
  const silence = createTimer(() => cut.abort(new Error("Nothing has come for too long.")));
  let silenceMs = HEARTBEAT_MS * SILENT_HEARTBEATS;
  silence.start(HELLO_MS);
  try {
    for await (const event of eventsOf(url + queryText(position), token, cut.signal)) {
      silence.stop(); // time spent on an event is not the server's silence
      const data = JSON.parse(event.data);
      if (event.type === "hello") silenceMs = data.heartbeat_ms * SILENT_HEARTBEATS;
      else if (event.type === "ready") onState("live");
      else if (event.type === "bye") return { retryMs: data.retry_ms, isTokenOver: data.reason.startsWith("token_") };
      else if (event.type === "reset") {
        position.cursor = await onReset(data);
        return { retryMs: 0 };
      } else if (event.type !== "ping") await tell(onEvent, { type: event.type, data });
      if (signal.aborted) return {};
      position.cursor = event.id || position.cursor;
      silence.start(silenceMs);
    }
    return {};
  } finally {
    silence.stop();
    cut.abort();
  }
}

/**
 * A page that fails at an event must not look like a server that refuses the stream.
 * @param {StreamOptions["onEvent"]} onEvent
 * @param {StreamEvent} event
 */
async function tell(onEvent, event) {
  try {
    await onEvent(event);
  } catch (error) {
    throw new Error(`${event.type} could not be handled`, { cause: error });
  }
}

/**
 * @param {string} url
 * @param {string} token
 * @param {AbortSignal} signal
 */
async function* eventsOf(url, token, signal) {
  const headers = { Authorization: `Bearer ${token}`, Accept: "text/event-stream" };
  const response = await fetch(url, { headers, cache: "no-store", signal });
  if (!response.ok || !response.body) throw await problemOf(response);
  const reader = response.body.getReader(); // Safari cannot iterate over a body
  const parser = new SseParser();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield* parser.push(value);
  }
}

/**
 * What a failed connection means. Throws what another attempt cannot mend.
 * @param {unknown} error
 * @param {boolean} wasExpired The token was a new one already.
 * @returns {End}
 */
function endBy(error, wasExpired) {
  if (!(error instanceof Problem)) return { error };
  if (error.status === 403 || (error.status === 401 && wasExpired)) throw error;
  return { retryMs: error.retryAfterMs, isTokenOver: error.status === 401, error };
}

/**
 * Full jitter: anything up to a limit that doubles, so that many clients do not come back together.
 * @param {number} failures In a row.
 */
function backoffMs(failures) {
  return Math.random() * Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.max(0, failures - 1));
}

/** @param {() => void} onTime */
function createTimer(onTime) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const stop = () => clearTimeout(timer);
  /** @param {number} ms */
  const start = (ms) => {
    stop();
    timer = setTimeout(onTime, ms);
  };
  return { start, stop };
}

/**
 * Resolves after `ms`, or at once when `signal` aborts.
 * @param {number} ms
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function sleep(ms, signal) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, signal.aborted ? 0 : ms);
    signal.addEventListener("abort", done);
  });
}
