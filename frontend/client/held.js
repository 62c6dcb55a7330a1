/** What a page holds: the state, the threads and lists that are drawn from it, and who hears of changes. */

import { emptyState } from "./store.js";
import { createVoice } from "./voice.js";

/** @param {AbortSignal} signal */
export function createHeld(signal) {
  /** @type {Map<string, ReturnType<typeof import("./thread.js").createThread>>} */
  const threads = new Map();
  /** @type {Set<ReturnType<typeof import("./listing.js").createListing>>} */
  const listings = new Set();
  const voice = createVoice({ onChange: renew, signal });
  let state = emptyState("");

  /** Threads and lists show the state before the page does. */
  function renew() {
    for (const { changed } of threads.values()) changed();
    for (const { changed } of listings) changed();
  }

  return {
    threads,
    listings,
    voice,
    get state() {
      return state;
    },
    /** @param {import("./store.js").State} next */
    update(next) {
      if (next === state) return;
      state = next;
      voice.changed();
    },
  };
}

/** @typedef {ReturnType<typeof createHeld>} Held */
