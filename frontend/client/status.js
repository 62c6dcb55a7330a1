/** How the connection is, for people to be told. */

import { Problem } from "./client.js";

/** @typedef {import("./transports.js").TransportName} TransportName */
/** @typedef {Parameters<import("./tabs.js").ShareOptions["onProgress"]>[0]} Progress */
/**
 * @typedef {object} Status
 * @property {"connecting" | "live" | "reconnecting" | "signed_out" | "closed"} phase
 * @property {TransportName} transport
 * @property {boolean} isLimited Polling: updates come every few seconds.
 * @property {boolean} isShared Another tab holds the stream.
 * @property {boolean} isLate Not live for so long that people should be told.
 * @property {Problem | null} problem
 */

const LATE_MS = 5_000;

/** @param {{ onChange: () => void }} options */
export function createStatus({ onChange }) {
  /** @type {Status} */
  let status = {
    phase: "connecting",
    transport: "sse",
    isLimited: false,
    isShared: false,
    isLate: false,
    problem: null,
  };
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let lateTimer;

  /** @param {Partial<Status>} change */
  function become(change) {
    status = { ...status, ...change };
    onChange();
  }

  function stop() {
    clearTimeout(lateTimer);
    lateTimer = undefined;
  }

  function waiting() {
    lateTimer ??= setTimeout(() => become({ isLate: true }), LATE_MS);
  }

  return {
    get now() {
      return status;
    },
    /** Nothing comes yet; after a while it is late. */
    waiting,
    /** @param {Problem} problem */
    failed: (problem) => become({ problem }),
    /** @param {Progress} progress @returns {boolean} Whether it is live. */
    follow({ phase, transport, isShared, error }) {
      if (phase === "live") {
        stop();
        const isLimited = transport === "long-poll" || transport === "short-poll";
        become({ phase, transport, isLimited, isShared, isLate: false, problem: null });
        return true;
      }
      const hasBeenLive = status.phase === "live" || status.phase === "reconnecting";
      const problem = error instanceof Problem ? error : null;
      become({ phase: hasBeenLive ? "reconnecting" : "connecting", transport, isShared, problem });
      waiting();
      return false;
    },
    /** @param {"signed_out" | "closed"} phase @param {Problem | null} [problem] */
    end(phase, problem = null) {
      stop();
      become({ phase, isLate: false, problem });
    },
  };
}
