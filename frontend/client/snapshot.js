/** What a page starts with. */

import { Problem } from "./client.js";
import { backoffMs, sleep } from "./time.js";

export const PAGE = 20;
const WAIT_MAX_MS = 8_000;

/** @param {import("./calls.js").Calls} calls @param {AbortSignal} signal */
export async function fetchSnapshot(calls, signal) {
  const [me, unread, page] = await Promise.all([
    calls.me({ signal }),
    calls.getUnread({}, { signal }),
    calls.listConversations({ limit: PAGE }, { signal }),
  ]);
  return { me, unread, page };
}

/**
 * A server that is away is waited for, however long; a refusal is final. Throws `Problem`.
 * @template T
 * @param {() => Promise<T>} work
 * @param {{ onProblem: (problem: Problem) => void, signal: AbortSignal }} options
 */
export async function patiently(work, { onProblem, signal }) {
  for (let failures = 1; ; failures += 1) {
    try {
      return await work();
    } catch (error) {
      const isFinal = !(error instanceof Problem) || error.status === 401 || error.status === 403;
      if (isFinal || signal.aborted) throw error;
      onProblem(error);
      await sleep(Math.max(backoffMs(failures, 500, WAIT_MAX_MS), error.retryAfterMs), signal);
    }
  }
}
