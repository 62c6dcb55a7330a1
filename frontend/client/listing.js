/** A list of conversations: pages of the server's, kept live; what was searched for stays in the order it was found. */

import { Problem } from "./client.js";
import { own, withConversations } from "./store.js";

/** @typedef {import("./store.js").Conversation} Conversation */
/** @typedef {import("./connection.js").Inside} Inside */
/**
 * @typedef {{ role?: import("./store.js").Role | null, filter?: "unread" | "archived" | null, q?: string,
 *   context?: string | null, limit?: number }} ListOptions
 */

/**
 * @param {Inside} inside
 * @param {ListOptions} options
 * @param {() => void} onClose
 */
export function createListing(inside, { role = null, filter = null, q = "", context = null, limit = 20 }, onClose) {
  /** @type {Set<() => void>} */
  const listeners = new Set();
  /** Found by the server, in its order. @type {string[]} */
  let found = [];
  /** @type {string | null} */
  let next = null;
  /** The list is complete down to this activity; beyond, the server knows more. At first, all that is known is shown. */
  let floor = -Infinity;
  let isLoading = true;
  /** @type {Problem | null} */
  let problem = null;

  function changed() {
    for (const listener of listeners) listener();
  }

  /** @param {string | null} before */
  async function load(before) {
    isLoading = true;
    problem = null;
    changed();
    try {
      const query = { as: role, filter, q: q || null, context, before, limit };
      const page = await inside.calls.listConversations(query, { signal: inside.signal });
      next = page.next;
      found = [...(before === null ? [] : found), ...page.conversations.map(({ id }) => id)];
      const oldest = page.conversations[page.conversations.length - 1];
      floor = next === null ? -Infinity : Date.parse(oldest?.last_activity_at ?? "");
      inside.update(withConversations(inside.state(), page.conversations));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      problem = error;
    } finally {
      isLoading = false;
      changed();
    }
  }

  /** @param {Conversation} conversation */
  function belongs(conversation) {
    const mine = own(conversation, inside.me());
    const about = conversation.context;
    return (
      mine !== undefined &&
      (role === null || mine.role === role) &&
      conversation.is_archived === (filter === "archived") &&
      (filter !== "unread" || conversation.unread_count > 0) &&
      (context === null || (about !== null && `${about.kind}:${about.id}` === context)) &&
      (found.includes(conversation.id) || Date.parse(conversation.last_activity_at) >= floor)
    );
  }

  return {
    listing: {
      /** @returns {Conversation[]} */
      get conversations() {
        const all = inside.state().conversations;
        if (q !== "") return found.flatMap((id) => all.get(id) ?? []);
        return [...all.values()]
          .filter(belongs)
          .sort((a, b) => Date.parse(b.last_activity_at) - Date.parse(a.last_activity_at) || (a.id < b.id ? 1 : -1));
      },
      get hasMore() {
        return next !== null;
      },
      get isLoading() {
        return isLoading;
      },
      get problem() {
        return problem;
      },
      more: () => (next !== null && !isLoading ? load(next) : Promise.resolve()),
      refresh: () => load(null),
      /** @param {"change"} _name @param {() => void} listener @param {{ signal?: AbortSignal }} [options] */
      on(_name, listener, { signal } = {}) {
        listeners.add(listener);
        const off = () => void listeners.delete(listener);
        signal?.addEventListener("abort", off, { once: true });
        return off;
      },
      close() {
        listeners.clear();
        onClose();
      },
    },
    changed,
    start: () => load(null),
  };
}

/** @typedef {ReturnType<typeof createListing>["listing"]} Listing */
