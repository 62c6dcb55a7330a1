/** Fetches what events tell of and nobody has loaded yet: conversations of a later page, people's presence. */

import { Problem } from "./client.js";
import { apply, listed, others, withConversations, withPresence } from "./store.js";

const PEOPLE_MAX = 50; // asked for by id: these stand in an address

/** @typedef {import("./store.js").State} State */
/** @typedef {import("./store.js").Conversation} Conversation */
/** @typedef {{ type: string, data: any }} Event */

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
  /**
   * Calls on their way, one for each conversation, with what is heard of it meanwhile.
   * @type {Map<string, { heard: Event[], found: Promise<void> }>}
   */
  const asked = new Map();

  /** Fetch it into the state. Throws `Problem`. @param {string} id @returns {Promise<void>} */
  function find(id) {
    const known = asked.get(id);
    if (known !== undefined) return known.found;
    /** @type {Event[]} */
    const heard = [];
    const found = ask(id, heard).finally(() => asked.get(id)?.heard === heard && asked.delete(id));
    asked.set(id, { heard, found });
    return found;
  }

  /** @param {string} id @param {readonly Event[]} heard The answer may be older. @returns {Promise<void>} */
  async function ask(id, heard) {
    const given = await calls.getConversation(id, { signal });
    if (asked.get(id)?.heard !== heard) return find(id); // from before a reset
    update(heard.reduce(apply, withConversations(state(), [given])));
    if (state().conversations.has(id)) return void wanted.delete(id);
    asked.delete(id); // one has left meanwhile, and may be back
    return find(id);
  }

  /** @param {string} id */
  async function conversation(id) {
    const isFirst = !asked.has(id);
    wanted.add(id);
    try {
      await find(id);
      if (!isFirst) return;
      onFound(id);
      await presence(id);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.code === "not_found") wanted.delete(id); // else it is tried again when the stream is live
    }
  }

  /** Of the people in one conversation. @param {string} id */
  async function presence(id) {
    const known = state().conversations.get(id);
    if (known !== undefined) await presenceIn([known]);
  }

  /** @param {Iterable<Conversation>} conversations */
  async function presenceIn(conversations) {
    const people = new Set([...conversations].flatMap((one) => others(one, state().me).map(({ user }) => user.id)));
    if (people.size > 0) await presenceOf([...people].slice(0, PEOPLE_MAX));
  }

  /** @param {readonly string[]} [people] None: of everybody one knows. */
  async function presenceOf(people = []) {
    const answer = await calls.listPresence(people, { signal }).catch(() => null);
    if (answer !== null) update(withPresence(state(), answer.presence));
  }

  return {
    find,
    conversation,
    presence,
    presenceOfAll: () => presenceOf(),
    /** Of the people one sees in the list, those in its first conversations. */
    presenceOfLoaded: () => presenceIn(listed(state())),
    /** @param {Event} event Of a conversation. */
    hear: (event) => void asked.get(event.data.conversation_id)?.heard.push(event),
    /** Everything was loaded anew: answers that are still on their way come too late. */
    reset: () => asked.clear(),
    /** What could not be fetched before. */
    again() {
      for (const id of wanted) void conversation(id);
    },
  };
}
