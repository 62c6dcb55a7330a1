/** How much is unread, per role: of what is loaded as the state says, of all else as the server said at the start. */

import { own } from "./store.js";

/** @typedef {{ conversation_id: string, role: string, unread_count: number }} Count */

export function createUnread() {
  /** @type {Map<string, Count>} */
  let said = new Map();

  return {
    /** What the server says. @param {readonly Count[]} conversations */
    learn(conversations) {
      said = new Map(conversations.map((one) => [one.conversation_id, one]));
    },
    /** It is read, or left. @param {string} id */
    forget: (id) => void said.delete(id),
    /**
     * @param {import("./store.js").State} state
     * @returns {{ total: number, buyer: number, seller: number, agent: number }}
     */
    count(state) {
      const counts = { total: 0, buyer: 0, seller: 0, agent: 0 };
      /** @param {string | undefined} role @param {number} count */
      const add = (role, count) => {
        if (role !== undefined) counts.total += count;
        if (role === "buyer" || role === "seller" || role === "agent") counts[role] += count;
      };
      for (const conversation of state.conversations.values()) add(own(conversation, state.me)?.role, conversation.unread_count);
      for (const [id, { role, unread_count }] of said) if (!state.conversations.has(id)) add(role, unread_count);
      return counts;
    },
  };
}
