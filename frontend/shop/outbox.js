/**
 * Messages on their way: shown at once, sent in order. A retry is the same `client_id` again, so a lost answer never
 * makes two of one. In memory only.
 */

import { Problem, newClientId } from "../client/client.js";

/** @typedef {{ client_id: string, conversation_id: string, body: string, problem: Problem | null }} Pending */

/**
 * @param {object} options
 * @param {import("../client/client.js").Api} options.api
 * @param {(message: import("../client/store.js").Message) => void} options.onSent
 * @param {() => void} options.onChange
 */
export function createOutbox({ api, onSent, onChange }) {
  /** @type {Map<string, Pending>} */
  const waiting = new Map();
  let queue = Promise.resolve();

  /** @param {Pending} pending */
  function enqueue(pending) {
    waiting.set(pending.client_id, { ...pending, problem: null });
    queue = queue.then(() => attempt(pending));
    onChange();
  }

  /** @param {Pending} pending */
  async function attempt({ client_id, conversation_id, body }) {
    try {
      const sent = await api.post(`/conversations/${conversation_id}/messages`, { body: { client_id, body } });
      waiting.delete(client_id);
      onSent(sent.message);
    } catch (error) {
      const pending = waiting.get(client_id); // gone when the stream has told of it
      if (!(error instanceof Problem)) throw error;
      if (pending) waiting.set(client_id, { ...pending, problem: error });
    }
    onChange();
  }

  return {
    /** @param {string} conversationId @param {string} body */
    send: (conversationId, body) =>
      enqueue({ client_id: newClientId(), conversation_id: conversationId, body, problem: null }),
    /** @param {string} clientId */
    retry(clientId) {
      const pending = waiting.get(clientId);
      if (pending?.problem) enqueue(pending);
    },
    /** Given up, or known to be stored. @param {string} clientId */
    drop(clientId) {
      if (waiting.delete(clientId)) onChange();
    },
    /** @param {string | null} conversationId */
    of: (conversationId) => [...waiting.values()].filter((one) => one.conversation_id === conversationId),
  };
}
