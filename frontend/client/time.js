/** Waiting, with an end. */

/**
 * Resolves after `ms`, or at once when `signal` aborts.
 * @param {number} ms
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
export function sleep(ms, signal) {
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

/**
 * A timer that is started again and again.
 * @param {() => void} onTime
 */
export function createTimer(onTime) {
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
 * Full jitter: anything up to a limit that doubles, so that many clients do not come back together.
 * @param {number} failures In a row.
 * @param {number} [firstMs]
 * @param {number} [maxMs]
 */
export function backoffMs(failures, firstMs = 500, maxMs = 30_000) {
  return Math.random() * Math.min(maxMs, firstMs * 2 ** Math.max(0, failures - 1));
}
