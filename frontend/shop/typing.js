/** Typing, both ways. Signals are never stored and may be lost, so whatever is heard goes by itself. */

const REPEAT_MS = 3_000; // others let it go after 6 s

/**
 * @param {object} options
 * @param {import("../client/client.js").Api} options.api
 * @param {() => void} options.onChange
 */
export function createTyping({ api, onChange }) {
  /** Timers by `conversation user`. @type {Map<string, ReturnType<typeof setTimeout>>} */
  const heard = new Map();
  /** @type {{ conversationId: string, at: number } | null} */
  let said = null;

  /** @param {string} conversationId @param {boolean} isTyping */
  function tell(conversationId, isTyping) {
    said = isTyping ? { conversationId, at: Date.now() } : null;
    api.put(`/conversations/${conversationId}/typing`, { body: { is_typing: isTyping } }).catch(() => {});
  }

  /** @param {string} conversationId @param {string} userId */
  function forget(conversationId, userId) {
    const key = `${conversationId} ${userId}`;
    clearTimeout(heard.get(key));
    if (heard.delete(key)) onChange();
  }

  return {
    /** The person has typed here. @param {string} conversationId */
    typed(conversationId) {
      if (said?.conversationId !== conversationId || Date.now() - said.at > REPEAT_MS) tell(conversationId, true);
    },
    /** The person has sent it, emptied the input or gone elsewhere. */
    stopped() {
      if (said !== null) tell(said.conversationId, false);
    },
    /** @param {{ conversation_id: string, user_id: string, is_typing: boolean, expires_in_ms: number }} signal */
    hear({ conversation_id, user_id, is_typing, expires_in_ms }) {
      forget(conversation_id, user_id);
      if (!is_typing) return;
      const timer = setTimeout(() => forget(conversation_id, user_id), expires_in_ms);
      heard.set(`${conversation_id} ${user_id}`, timer);
      onChange();
    },
    forget,
    /** @param {string} conversationId @param {string} userId */
    isTyping: (conversationId, userId) => heard.has(`${conversationId} ${userId}`),
  };
}
