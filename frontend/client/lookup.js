/** Fetches what events tell of and nobody has loaded yet: conversations of a later page, people's presence. */

import { Problem } from "./client.js";
import { others, withConversations, withPresence } from "./store.js";

/** @typedef {import("./store.js").State} State */

/**
 * @param {object} options
 * @param {import("./calls.js").Calls} options.calls
 * @param {() => State} options.state
 * @param {(next: State) => void} options.update
 * @param {(id: string) => void} options.onFound
 * @param {AbortSignal} options.signal
 */
export function createLookup({ calls, state, update, onFound, signal }) {
  /** Conversations that are wanted and not there. @type {Set<string>} */
  const wanted = new Set();

  /** @param {string} id */
  async function conversation(id) {
    wanted.add(id);
    try {
      update(withConversations(state(), [await calls.getConversation(id, { signal })]));
      wanted.delete(id);
      onFound(id);
      await presence(id);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.code === "not_found") wanted.delete(id); // else it is tried again when the stream is live
    }
  }

  /** @param {string} [id] Of the people in one conversation; none: of everybody. */
  async function presence(id) {
    const known = state().conversations.get(id ?? "");
    const people = known ? others(known, state().me).map(({ user }) => user.id) : [];
    if (id !== undefined && people.length === 0) return;
    const answer = await calls.listPresence(people, { signal }).catch(() => null);
    if (answer !== null) update(withPresence(state(), answer.presence));
  }

  return {
    conversation,
    presence,
    /** What could not be fetched before. */
    again() {
      for (const id of wanted) void conversation(id);
    },
  };
}
