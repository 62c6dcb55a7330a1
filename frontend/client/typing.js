/** Typing, both ways. Signals are never stored and may be lost, so whatever is heard goes by itself. */

const REPEAT_MS = 3_000; // others let it go after 6 s
const IDLE_MS = 4_000; // without a key, nobody types

/**
 * @param {object} options
 * @param {import("./calls.js").Calls} options.calls
 * @param {(conversationId: string) => void} options.onChange
 */
export function createTyping({ calls, onChange }) {
  /** Timers by `conversation user`. @type {Map<string, ReturnType<typeof setTimeout>>} */
  const heard = new Map();
  /** @type {{ conversationId: string, at: number } | null} */
  let said = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let idle;

  /** @param {string} conversationId @param {boolean} isTyping */
  function tell(conversationId, isTyping) {
    said = isTyping ? { conversationId, at: Date.now() } : null;
    calls.setTyping(conversationId, isTyping).catch(() => {});
  }

  /** @param {string} conversationId @param {string} userId */
  function forget(conversationId, userId) {
    const key = `${conversationId} ${userId}`;
    clearTimeout(heard.get(key));
    if (heard.delete(key)) onChange(conversationId);
  }

  function stopped() {
    clearTimeout(idle);
    if (said !== null) tell(said.conversationId, false);
  }

  return {
    /** The person has typed here. @param {string} conversationId */
    typed(conversationId) {
      if (said?.conversationId !== conversationId || Date.now() - said.at > REPEAT_MS) tell(conversationId, true);
      clearTimeout(idle);
      idle = setTimeout(stopped, IDLE_MS);
    },
    /** The person has sent it, emptied the input or gone elsewhere. */
    stopped,
    /** It went with the message. */
    sent() {
      clearTimeout(idle);
      said = null;
    },
    /** @param {{ conversation_id: string, user_id: string, is_typing: boolean, expires_in_ms: number }} signal */
    hear({ conversation_id, user_id, is_typing, expires_in_ms }) {
      const key = `${conversation_id} ${user_id}`;
      if (!is_typing) return forget(conversation_id, user_id);
      clearTimeout(heard.get(key));
      const isNew = !heard.has(key);
      heard.set(key, setTimeout(() => forget(conversation_id, user_id), expires_in_ms));
      if (isNew) onChange(conversation_id);
    },
    forget,
    /** @param {string} conversationId @param {string} userId */
    isTyping: (conversationId, userId) => heard.has(`${conversationId} ${userId}`),
  };
}
