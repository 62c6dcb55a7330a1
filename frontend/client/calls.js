/** One function per call of the API; what each means stands at /docs. All throw `Problem`. */

import { createApi } from "./client.js";

/** @typedef {import("./store.js").Message} Message */
/** @typedef {import("./store.js").Conversation} Conversation */
/** @typedef {import("./store.js").Context} Context */
/** @typedef {import("./store.js").Presence} Presence */
/** @typedef {import("./store.js").Receipt} Receipt */
/** @typedef {import("./store.js").Role} Role */
/** @typedef {{ kind: string, id: string }} ContextRef */
/** @typedef {{ total: number, buyer: number, seller: number, agent: number }} Unread */
/**
 * @typedef {{ client_id: string, kind?: "text" | "card", body?: string, context?: ContextRef | null,
 *   reply_to?: string | null, last_seen_seq?: number }} Draft
 */
/**
 * @typedef {{ as?: Role | null, filter?: "unread" | "archived" | null, context?: string | null, with?: string | null,
 *   q?: string | null, before?: string | null, limit?: number }} ListQuery
 */
/** @typedef {{ before?: number, after?: number, around?: number, limit?: number }} HistoryQuery */
/** @typedef {{ signal?: AbortSignal | undefined }} Cut */

/** @param {{ url: string, getToken?: import("./client.js").GetToken }} options `url` of the API. */
export function createCalls(options) {
  const api = createApi(options);
  return {
    /** @param {Cut} [cut] @returns {Promise<any>} `{user, status, status_text, unread, cursor}` */
    me: (cut) => api.get("/me", { ...cut }),
    /** @param {{ status?: string, status_text?: string }} status @param {Cut} [cut] */
    setStatus: (status, cut) => api.patch("/me", { body: status, ...cut }),
    /** @param {string} kind @param {string} id @param {Cut} [cut] @returns {Promise<Context>} */
    getContext: (kind, id, cut) => api.get(`/contexts/${kind}/${encodeURIComponent(id)}`, { ...cut }),
    /** @param {string} kind @param {string} id @param {unknown} context @param {Cut} [cut] @returns {Promise<Context>} */
    putContext: (kind, id, context, cut) =>
      api.put(`/contexts/${kind}/${encodeURIComponent(id)}`, { body: context, ...cut }),
    /**
     * @param {{ context?: ContextRef, participants?: { user_id: string, role?: Role }[], subject?: string,
     *   message?: Draft }} opening
     * @param {Cut} [cut]
     * @returns {Promise<{ conversation: Conversation, message: Message | null, cursor: string }>}
     */
    openConversation: (opening, cut) => api.post("/conversations", { body: opening, ...cut }),
    /**
     * @param {ListQuery} [query]
     * @param {Cut} [cut]
     * @returns {Promise<{ conversations: Conversation[], next: string | null, cursor: string | null }>}
     */
    listConversations: (query, cut) => api.get("/conversations", { ...(query && { query }), ...cut }),
    /** @param {string} id @param {Cut} [cut] @returns {Promise<Conversation>} */
    getConversation: (id, cut) => api.get(`/conversations/${id}`, { ...cut }),
    /** @param {string} id @param {unknown} patch @param {Cut} [cut] @returns {Promise<Conversation>} */
    changeConversation: (id, patch, cut) => api.patch(`/conversations/${id}`, { body: patch, ...cut }),
    /** @param {string} id @param {{ user_id: string, role?: Role }} person @param {Cut} [cut] */
    addParticipant: (id, person, cut) => api.post(`/conversations/${id}/participants`, { body: person, ...cut }),
    /** @param {string} id @param {string} userId @param {Cut} [cut] */
    removeParticipant: (id, userId, cut) =>
      api.delete(`/conversations/${id}/participants/${encodeURIComponent(userId)}`, { ...cut }),
    /**
     * @param {string} id
     * @param {HistoryQuery} [query]
     * @param {Cut} [cut]
     * @returns {Promise<{ messages: Message[], has_more: boolean }>}
     */
    listMessages: (id, query, cut) => api.get(`/conversations/${id}/messages`, { ...(query && { query }), ...cut }),
    /** @param {string} id @param {Draft} draft @param {Cut} [cut] @returns {Promise<{ message: Message, cursor: string }>} */
    sendMessage: (id, draft, cut) => api.post(`/conversations/${id}/messages`, { body: draft, ...cut }),
    /** @param {string} id @param {Cut} [cut] @returns {Promise<Message>} */
    getMessage: (id, cut) => api.get(`/messages/${id}`, { ...cut }),
    /** @param {string} id @param {{ body: string }} patch @param {Cut} [cut] @returns {Promise<Message>} */
    editMessage: (id, patch, cut) => api.patch(`/messages/${id}`, { body: patch, ...cut }),
    /** @param {string} id @param {Cut} [cut] @returns {Promise<Message>} */
    unsendMessage: (id, cut) => api.delete(`/messages/${id}`, { ...cut }),
    /**
     * @param {"inbox" | "sent"} box
     * @param {{ before?: string, limit?: number }} [query]
     * @param {Cut} [cut]
     * @returns {Promise<{ messages: Message[], next: string | null }>}
     */
    listBox: (box, query, cut) => api.get("/messages", { query: { box, ...query }, ...cut }),
    /**
     * @param {string} id
     * @param {{ delivered_seq?: number, read_seq?: number }} receipt
     * @param {Cut} [cut]
     * @returns {Promise<Receipt>}
     */
    moveReceipt: (id, receipt, cut) => api.put(`/conversations/${id}/receipt`, { body: receipt, ...cut }),
    /** @param {{ cursor?: string, context?: string }} upto @param {Cut} [cut] @returns {Promise<{ receipts: Receipt[] }>} */
    markRead: (upto, cut) => api.put("/receipts", { body: upto, ...cut }),
    /**
     * @param {{ context?: string }} [query]
     * @param {Cut} [cut]
     * @returns {Promise<Unread & { conversations: { conversation_id: string, role: Role, unread_count: number }[] }>}
     */
    getUnread: (query, cut) => api.get("/unread", { ...(query && { query }), ...cut }),
    /** @param {string} id @param {boolean} isTyping @param {Cut} [cut] */
    setTyping: (id, isTyping, cut) =>
      api.put(`/conversations/${id}/typing`, { body: { is_typing: isTyping }, ...cut }),
    /** @param {readonly string[]} [userIds] None: of everyone one shares a conversation with. @param {Cut} [cut] */
    listPresence: (userIds = [], cut) => {
      const query = userIds.map((id) => `user_id=${encodeURIComponent(id)}`).join("&");
      return /** @type {Promise<{ presence: Presence[] }>} */ (api.get(`/presence${query && `?${query}`}`, { ...cut }));
    },
  };
}

/** @typedef {ReturnType<typeof createCalls>} Calls */
