/**
 * The four ways events come: a stream by GET, a stream by POST, long polls, short polls. Each is a generator of frames
 * from one cursor on, until it is cut; which one to use is decided in `ladder.js`.
 *
 * `patience(ms)` says how long the next word may take: liveness is judged by content, never by an open connection.
 */

import { Problem, problemOf, queryText } from "./client.js";
import { SseParser } from "./sse.js";
import { sleep } from "./time.js";

/** @typedef {"sse" | "sse-post" | "long-poll" | "short-poll"} TransportName */
/** @typedef {{ cursor: string | null }} Position Where to go on; null: from now. Moved on by whoever takes the frames. */
/** @typedef {{ type: string, data: any, id: string }} Frame An event, or a control frame; `id` is a cursor or "". */
/**
 * @typedef {object} Attempt
 * @property {string} url Of the API.
 * @property {string} token
 * @property {Position} position
 * @property {number} waitSeconds How long a long poll may wait.
 * @property {(ms: number) => void} patience
 * @property {AbortSignal} signal
 */

const HELLO_MS = 4_000; // a buffering proxy has shown itself by then
const SECOND_HELLO_MS = 2_000; // by GET it has not come; all of the ladder must be tried within 15 s
const SILENT_HEARTBEATS = 2.5;
const ANSWER_MS = 8_000; // beyond the wait itself
const SHORT_WAIT_SECONDS = 1; // long enough to count as being here
const SHORT_PAUSE_MS = 2_000;

/** @type {Record<TransportName, (attempt: Attempt) => AsyncGenerator<Frame>>} */
export const TRANSPORTS = {
  sse: (attempt) => streamed("GET", attempt),
  "sse-post": (attempt) => streamed("POST", attempt),
  "long-poll": (attempt) => polled(attempt, attempt.waitSeconds, 0),
  "short-poll": (attempt) => polled(attempt, SHORT_WAIT_SECONDS, SHORT_PAUSE_MS),
};

/**
 * @param {"GET" | "POST"} method
 * @param {Attempt} attempt
 * @returns {AsyncGenerator<Frame>}
 */
async function* streamed(method, { url, token, position, patience, signal }) {
  patience(method === "GET" ? HELLO_MS : SECOND_HELLO_MS);
  const headers = { ...bearer(token), Accept: "text/event-stream" };
  const response = await fetch(`${url}/events/stream${queryText({ cursor: position.cursor })}`, {
    method,
    headers,
    cache: "no-store",
    signal,
  });
  await check(response, "text/event-stream");
  const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader(); // Safari cannot iterate a body
  const parser = new SseParser();
  let silenceMs = HELLO_MS;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    for (const { type, data, id } of parser.push(value)) {
      const frame = { type, id, data: JSON.parse(data) };
      if (type === "hello") silenceMs = frame.data.heartbeat_ms * SILENT_HEARTBEATS;
      yield frame;
    }
    patience(silenceMs);
  }
}

/**
 * @param {Attempt} attempt
 * @param {number} waitSeconds
 * @param {number} pauseMs
 * @returns {AsyncGenerator<Frame>}
 */
async function* polled(attempt, waitSeconds, pauseMs) {
  let wait = 0; // the first answer comes at once
  for (;;) {
    const answer = await poll(attempt, wait);
    for (const { type, data, cursor } of answer.events) yield { type, data, id: cursor ?? "" };
    yield { type: answer.more ? "ping" : "ready", data: {}, id: answer.cursor };
    if (answer.more) continue;
    attempt.patience(answer.retry_ms + pauseMs + ANSWER_MS);
    await sleep(wait === 0 ? answer.retry_ms : answer.retry_ms + pauseMs, attempt.signal);
    if (attempt.signal.aborted) return;
    wait = waitSeconds;
  }
}

/**
 * One poll: what came after the cursor.
 * @param {Attempt} attempt
 * @param {number} wait Seconds.
 * @returns {Promise<{ events: { type: string, data: any, cursor: string | null }[], cursor: string, more: boolean,
 *   retry_ms: number }>}
 */
export async function poll({ url, token, position, patience, signal }, wait) {
  patience(wait * 1000 + ANSWER_MS);
  const query = queryText({ cursor: position.cursor, wait });
  const response = await fetch(`${url}/events${query}`, { headers: bearer(token), cache: "no-store", signal });
  await check(response, "application/json");
  return response.json();
}

/** @param {string} token */
function bearer(token) {
  return { Authorization: `Bearer ${token}` };
}

/**
 * An answer of another kind is not the server's: a proxy's page, or a network that wants to be paid.
 * @param {Response} response
 * @param {string} type
 */
async function check(response, type) {
  if (!response.ok) throw await problemOf(response);
  if (response.headers.get("Content-Type")?.startsWith(type)) return;
  throw new Problem({ code: "foreign", status: response.status, detail: "Something in between answered." });
}
