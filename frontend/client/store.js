/**
 * What one person sees, and how events change it. Pure: no DOM, no network, no clock; no state is changed in place.
 *
 * Load a snapshot, then `apply` every event after its cursor. Events may come again, and a snapshot may be ahead of the
 * stream: the log's order up to its end leads to the same state either way.
 */

/** @typedef {"buyer" | "seller" | "agent"} Role */
/** @typedef {{ id: string, name: string, avatar_url: string | null }} User */
/** @typedef {{ amount_minor: number, currency: string }} Price */
/**
 * @typedef {{ kind: string, id: string, title: string, url: string | null, image_url: string | null,
 *   price: Price | null, seller_id: string | null, state: string, attributes: Record<string, unknown> }} Context
 */
/**
 * @typedef {{ id: string, conversation_id: string, seq: number, sender_id: string, client_id: string,
 *   kind: "text" | "card" | "system", body: string, context: Context | null, reply_to: string | null,
 *   created_at: string, edited_at: string | null, deleted_at: string | null }} Message
 */
/**
 * @typedef {{ user: User, role: Role, delivered_seq: number, read_seq: number, left_at: string | null }} Participant
 */
/**
 * @typedef {{ id: string, context: Context | null, subject: string, state: "open" | "closed",
 *   participants: readonly Participant[], last_seq: number, last_message: Message | null, unread_count: number,
 *   is_muted: boolean, is_archived: boolean, created_at: string, last_activity_at: string }} Conversation
 */
/**
 * @typedef {{ user_id: string, is_online: boolean, last_seen_at: string | null,
 *   status: "online" | "away" | "invisible", status_text: string }} Presence
 */
/**
 * `messages` of a conversation: in ascending `seq`, without gaps once the stream has caught up. `replaced`: what was
 * edited or unsent in one whose messages are held, by `seq`; a page of history that comes later may be older.
 * @typedef {{ me: string, conversations: ReadonlyMap<string, Conversation>,
 *   messages: ReadonlyMap<string, readonly Message[]>, replaced: ReadonlyMap<string, ReadonlyMap<number, Message>>,
 *   presence: ReadonlyMap<string, Presence> }} State
 */
/** @typedef {{ conversation_id: string, user_id: string, delivered_seq: number, read_seq: number }} Receipt */

/**
 * @param {string} me The caller's user id.
 * @returns {State}
 */
export function emptyState(me) {
  return { me, conversations: new Map(), messages: new Map(), replaced: new Map(), presence: new Map() };
}

/**
 * The state after an event. What is not known here, a conversation or a kind of event, changes nothing.
 * @param {State} state
 * @param {{ type: string, data: any }} event
 * @returns {State}
 */
export function apply(state, { type, data }) {
  switch (type) {
    case "message.sent":
      return sent(state, data.message);
    case "message.edited":
    case "message.deleted":
      return replaced(state, data.message);
    case "receipt.moved":
      return changed(state, data.conversation_id, (conversation) =>
        withReceipt(conversation, data.user_id, data.delivered_seq, data.read_seq),
      );
    case "conversation.opened":
      return withConversations(state, [counted(data.conversation, state.me)]);
    case "conversation.changed":
      return changed(state, data.conversation_id, (conversation) => {
        const { conversation_id: _, ...changes } = data;
        return { ...conversation, ...changes };
      });
    case "participant.joined":
      return changed(state, data.conversation_id, (conversation) => joined(conversation, data.participant));
    case "participant.left":
      return data.user_id === state.me
        ? without(state, data.conversation_id)
        : changed(state, data.conversation_id, (conversation) =>
            withParticipant(conversation, data.user_id, (one) => ({ ...one, left_at: data.left_at })),
          );
    case "presence":
      return withPresence(state, [data]);
    default:
      return state;
  }
}

// --- from snapshots --------------------------------------------------------------------------------------------------

/**
 * Add conversations. Those known already stay as they are: the stream keeps them.
 * @param {State} state
 * @param {readonly Conversation[]} given
 * @returns {State}
 */
export function withConversations(state, given) {
  const unknown = given.filter((conversation) => !state.conversations.has(conversation.id));
  if (unknown.length === 0) return state;
  const entries = unknown.map((conversation) => /** @type {const} */ ([conversation.id, conversation]));
  return { ...state, conversations: new Map([...state.conversations, ...entries]) };
}

/**
 * Add a page of a conversation's history.
 * @param {State} state
 * @param {string} conversationId
 * @param {readonly Message[]} given
 * @returns {State}
 */
export function withMessages(state, conversationId, given) {
  const known = state.messages.get(conversationId);
  const bySeq = new Map(known?.map((message) => [message.seq, message]));
  if (known && given.every((message) => bySeq.get(message.seq) === later(bySeq.get(message.seq), message))) return state;
  const replaced = state.replaced.get(conversationId);
  for (const message of given) {
    bySeq.set(message.seq, later(bySeq.get(message.seq), later(replaced?.get(message.seq), message)));
  }
  const messages = [...bySeq.values()].sort((a, b) => a.seq - b.seq);
  return { ...state, messages: new Map(state.messages).set(conversationId, messages) };
}

/**
 * With these messages in place of those that were held.
 * @param {State} state
 * @param {string} conversationId
 * @param {readonly Message[]} given
 * @returns {State}
 */
export function withWindow(state, conversationId, given) {
  return withMessages({ ...state, messages: new Map(state.messages).set(conversationId, []) }, conversationId, given);
}

/**
 * Forget a conversation's history: it can be read again.
 * @param {State} state
 * @param {string} conversationId
 * @returns {State}
 */
export function withoutMessages(state, conversationId) {
  if (!state.messages.has(conversationId)) return state;
  const messages = new Map(state.messages);
  const replaced = new Map(state.replaced);
  messages.delete(conversationId);
  replaced.delete(conversationId);
  return { ...state, messages, replaced };
}

/**
 * @param {State} state
 * @param {readonly Presence[]} given
 * @returns {State}
 */
export function withPresence(state, given) {
  const entries = given.map((presence) => /** @type {const} */ ([presence.user_id, presence]));
  return { ...state, presence: new Map([...state.presence, ...entries]) };
}

// --- what a page asks ------------------------------------------------------------------------------------------------

/**
 * The conversations that are not archived, newest activity first; with a role: where the caller is that.
 * @param {State} state
 * @param {Role | null} [role]
 * @returns {Conversation[]}
 */
export function listed(state, role = null) {
  return [...state.conversations.values()]
    .filter(({ is_archived }) => !is_archived)
    .filter((conversation) => role === null || own(conversation, state.me)?.role === role)
    .sort((a, b) => Date.parse(b.last_activity_at) - Date.parse(a.last_activity_at) || (a.id < b.id ? 1 : -1));
}

/**
 * @param {Conversation} conversation
 * @param {string} me
 * @returns {Participant | undefined}
 */
export function own(conversation, me) {
  return conversation.participants.find(({ user, left_at }) => user.id === me && left_at === null);
}

/**
 * The other people who are in it.
 * @param {Conversation} conversation
 * @param {string} me
 * @returns {Participant[]}
 */
export function others(conversation, me) {
  return conversation.participants.filter(({ user, left_at }) => user.id !== me && left_at === null);
}

/**
 * How far a message of one's own has come: as far as with the slowest of the others.
 * @param {Conversation} conversation
 * @param {Message} message
 * @returns {"sent" | "delivered" | "read"}
 */
export function statusOf(conversation, message) {
  const people = others(conversation, message.sender_id);
  if (people.length === 0) return "sent";
  if (people.every(({ read_seq }) => read_seq >= message.seq)) return "read";
  return people.every(({ delivered_seq }) => delivered_seq >= message.seq) ? "delivered" : "sent";
}

// --- rules -----------------------------------------------------------------------------------------------------------

/**
 * @param {State} state
 * @param {Message} message
 * @returns {State}
 */
function sent(state, message) {
  if (!state.conversations.has(message.conversation_id)) return state;
  const next = changed(state, message.conversation_id, (conversation) => {
    const moved = withReceipt(conversation, message.sender_id, message.seq, message.seq);
    const isNews = message.seq > conversation.last_seq;
    const news = { last_seq: message.seq, last_message: message, last_activity_at: message.created_at };
    return isNews || moved.is_archived ? { ...moved, is_archived: false, ...(isNews && news) } : moved;
  });
  const isHeld = next.messages.has(message.conversation_id); // else its history is read when somebody opens it
  return isHeld ? withMessages(next, message.conversation_id, [message]) : next;
}

/**
 * @param {State} state
 * @param {Message} message
 * @returns {State}
 */
function replaced(state, message) {
  const next = changed(state, message.conversation_id, (conversation) =>
    conversation.last_message?.id === message.id
      ? { ...conversation, last_message: later(conversation.last_message, message) }
      : conversation,
  );
  const held = next.messages.get(message.conversation_id);
  const known = next.replaced.get(message.conversation_id);
  if (held === undefined || later(known?.get(message.seq), message) === known?.get(message.seq)) return next;
  const all = new Map(known).set(message.seq, message);
  const isHere = held.some(({ seq }) => seq === message.seq);
  const kept = { ...next, replaced: new Map(next.replaced).set(message.conversation_id, all) };
  return withMessages(kept, message.conversation_id, isHere ? [message] : []);
}

/**
 * Of two versions of a message the later one: unsent is for good, and edits only go forward.
 * @param {Message | undefined} known
 * @param {Message} given
 * @returns {Message}
 */
function later(known, given) {
  if (known === undefined) return given;
  if (known.deleted_at !== null) return known;
  if (given.deleted_at !== null) return given;
  if (known.edited_at === given.edited_at) return known; // the same again
  return Date.parse(given.edited_at ?? given.created_at) >= Date.parse(known.edited_at ?? known.created_at)
    ? given
    : known;
}

/**
 * Receipts only move forward, and not any more for who has left; what has been read has been delivered.
 * @param {Conversation} conversation
 * @param {string} userId
 * @param {number} deliveredSeq
 * @param {number} readSeq
 */
function withReceipt(conversation, userId, deliveredSeq, readSeq) {
  return withParticipant(conversation, userId, (one) => {
    if (one.left_at !== null) return one;
    const delivered_seq = Math.max(one.delivered_seq, deliveredSeq, readSeq);
    const read_seq = Math.max(one.read_seq, readSeq);
    return delivered_seq === one.delivered_seq && read_seq === one.read_seq ? one : { ...one, delivered_seq, read_seq };
  });
}

/**
 * Someone new, or back again. For who is in it already the receipts know better.
 * @param {Conversation} conversation
 * @param {Participant} participant
 * @returns {Conversation}
 */
function joined(conversation, participant) {
  const known = conversation.participants.find(({ user }) => user.id === participant.user.id);
  if (known === undefined) return { ...conversation, participants: [...conversation.participants, participant] };
  return known.left_at === null ? conversation : withParticipant(conversation, known.user.id, () => participant);
}

/**
 * @param {Conversation} conversation
 * @param {string} userId
 * @param {(participant: Participant) => Participant} change
 * @returns {Conversation}
 */
function withParticipant(conversation, userId, change) {
  const participants = conversation.participants.map((one) => (one.user.id === userId ? change(one) : one));
  const isSame = participants.every((one, i) => one === conversation.participants[i]);
  return isSame ? conversation : { ...conversation, participants };
}

/**
 * @param {State} state
 * @param {string} conversationId
 * @param {(conversation: Conversation) => Conversation} change
 * @returns {State}
 */
function changed(state, conversationId, change) {
  const known = state.conversations.get(conversationId);
  const next = known && change(known);
  if (next === known || next === undefined) return state; // the same again: nothing is drawn for it
  const conversation = counted(next, state.me);
  return { ...state, conversations: new Map(state.conversations).set(conversationId, conversation) };
}

/**
 * With the caller's unread count: it follows from the numbers.
 * @param {Conversation} conversation
 * @param {string} me
 * @returns {Conversation}
 */
function counted(conversation, me) {
  const participant = own(conversation, me);
  const unread_count = participant ? conversation.last_seq - participant.read_seq : 0;
  return { ...conversation, unread_count };
}

/**
 * @param {State} state
 * @param {string} conversationId
 * @returns {State}
 */
function without(state, conversationId) {
  const conversations = new Map(state.conversations);
  conversations.delete(conversationId);
  return { ...state, conversations };
}
