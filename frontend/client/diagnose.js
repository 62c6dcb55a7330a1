/** What this network does to streams: each transport tried, timed and judged; nothing is changed by it. */

import { createApi } from "./client.js";
import { createMemory, LADDER } from "./memory.js";
import { TRANSPORTS } from "./transports.js";
import { createTimer } from "./time.js";

/** @typedef {import("./transports.js").TransportName} TransportName */
/** @typedef {"good" | "poor" | "bad"} Verdict */
/** @typedef {{ name: string, verdict: Verdict, ms?: number, detail: string }} Check */
/** @typedef {{ name: TransportName, works: boolean, ready_ms: number | null, reason: string }} Trial */
/**
 * @typedef {{ code: string, chosen: TransportName, why: string, checks: Check[], http_version: string,
 *   first_byte_ms: number | null, is_buffered: boolean, idle_cut_s: number | null, transports: Trial[] }} Diagnosis
 */

const TRIAL_MS = 9_000;
const IDLE_MS = 20_000; // longer than a heartbeat: who lives so long is not cut for being idle
const SLOW_MS = 1_000;

/**
 * Takes up to about half a minute.
 * @param {{ url: string, getToken: import("./client.js").GetToken, signal: AbortSignal }} options
 * @returns {Promise<Diagnosis>}
 */
export async function diagnose({ url, getToken, signal }) {
  const memory = createMemory(url);
  const began = performance.now();
  const answered = await createApi({ url, getToken })
    .get("/me", { signal })
    .then(() => performance.now() - began)
    .catch(() => null);
  const token = await getToken();
  const transports = await Promise.all(LADDER.map((name) => trial({ url, token, name, signal })));
  const idle = await idleCut({ url, token, signal, isTried: transports[0]?.works === true });
  const stream = transports.find(({ name }) => name === "sse");
  const first = stream?.ready_ms ?? null;
  const is_buffered = answered !== null && stream?.works === false && transports.some(({ works }) => works);
  const chosen = memory.best();
  const http_version = versionOf(url);
  const checks = [
    answeredCheck(answered),
    bufferedCheck(is_buffered, first),
    idleCheck(idle),
    versionCheck(http_version),
  ];
  return {
    code: codeOf(transports, idle, chosen),
    chosen,
    why: whyOf(chosen, transports),
    checks,
    http_version,
    first_byte_ms: first,
    is_buffered,
    idle_cut_s: idle,
    transports,
  };
}

/**
 * One transport, until everything missed has come or the time is over.
 * @param {{ url: string, token: string, name: TransportName, signal: AbortSignal }} options
 * @returns {Promise<Trial>}
 */
async function trial({ url, token, name, signal }) {
  const cut = new AbortController();
  signal.addEventListener("abort", () => cut.abort(), { signal: cut.signal });
  const end = createTimer(() => cut.abort());
  end.start(TRIAL_MS);
  const began = performance.now();
  const attempt = { url, token, position: { cursor: null }, waitSeconds: 4, patience: () => {}, signal: cut.signal };
  try {
    for await (const { type } of TRANSPORTS[name](attempt)) {
      if (type === "ready") return { name, works: true, ready_ms: performance.now() - began, reason: "" };
    }
    return { name, works: false, ready_ms: null, reason: "It was cut." };
  } catch (error) {
    const reason = cut.signal.aborted ? "Nothing came." : error instanceof Error ? error.message : String(error);
    return { name, works: false, ready_ms: null, reason };
  } finally {
    end.stop();
    cut.abort();
  }
}

/**
 * After how many seconds a quiet stream is cut; null: it is not, as far as can be seen.
 * @param {{ url: string, token: string, signal: AbortSignal, isTried: boolean }} options
 */
async function idleCut({ url, token, signal, isTried }) {
  if (!isTried) return null;
  const cut = new AbortController();
  signal.addEventListener("abort", () => cut.abort(), { signal: cut.signal });
  const end = createTimer(() => cut.abort());
  end.start(IDLE_MS);
  const began = performance.now();
  const attempt = { url, token, position: { cursor: null }, waitSeconds: 4, patience: () => {}, signal: cut.signal };
  try {
    for await (const { type } of TRANSPORTS.sse(attempt)) if (type === "ping") return null;
  } catch {
    // how long it lived says enough
  } finally {
    end.stop();
  }
  return cut.signal.aborted ? null : Math.round((performance.now() - began) / 1000);
}

/** @param {string} url */
function versionOf(url) {
  const entries = performance.getEntriesByType("resource").filter(({ name }) => name.includes(url));
  const [last] = entries.slice(-1);
  return last instanceof PerformanceResourceTiming ? last.nextHopProtocol : "";
}

/** @param {number | null} ms @returns {Check} */
function answeredCheck(ms) {
  if (ms === null) return { name: "The server answers", verdict: "bad", detail: "No answer came." };
  const verdict = ms < SLOW_MS ? "good" : "poor";
  return { name: "The server answers", verdict, ms, detail: `in ${Math.round(ms)} ms` };
}

/** @param {boolean} isBuffered @param {number | null} ms @returns {Check} */
function bufferedCheck(isBuffered, ms) {
  const name = "Messages come as they are sent";
  if (isBuffered) return { name, verdict: "poor", detail: "Something in between holds streams back." };
  if (ms === null) return { name, verdict: "bad", detail: "No stream could be opened." };
  return { name, verdict: "good", ms, detail: `a stream was ready in ${Math.round(ms)} ms` };
}

/** @param {number | null} seconds @returns {Check} */
function idleCheck(seconds) {
  const name = "Quiet connections stay open";
  if (seconds === null) return { name, verdict: "good", detail: "none was cut while we looked" };
  return { name, verdict: "poor", detail: `A quiet stream was cut after ${seconds} s.` };
}

/** @param {string} version @returns {Check} */
function versionCheck(version) {
  const isOld = version === "http/1.1" || version === "http/1.0";
  const detail = isOld ? `${version}: one stream for all tabs is used` : version || "not told by the browser";
  return { name: "Version of HTTP", verdict: "good", detail };
}

/** @param {TransportName} chosen @param {Trial[]} transports */
function whyOf(chosen, transports) {
  if (chosen === "sse") return "Streams work, so messages come at once.";
  const failed = transports.filter(({ works }) => !works).map(({ name, reason }) => `${name}: ${reason}`);
  return failed.length > 0 ? failed.join(" ") : "Streams failed here not long ago and are tried again soon.";
}

/**
 * Short enough to be read out: which transports work, when the idle are cut, what was chosen, and a check letter.
 * @param {Trial[]} transports
 * @param {number | null} idle
 * @param {TransportName} chosen
 */
function codeOf(transports, idle, chosen) {
  const letters = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
  const works = transports.reduce((bits, { works }, i) => bits | (works ? 1 << i : 0), 0);
  const ms = transports.map(({ ready_ms }) => Math.min(31, Math.round(Math.log2((ready_ms ?? 0) + 1) * 2)));
  const numbers = [works, LADDER.indexOf(chosen), Math.min(31, idle ?? 0), ...ms];
  const check = numbers.reduce((sum, number, i) => (sum + number * (i + 3)) % 31, 0);
  const text = [...numbers, check].map((number) => letters[number] ?? "2").join("");
  return `${text.slice(0, 4)}-${text.slice(4)}`;
}
