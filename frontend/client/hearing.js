/** What an event does on a page: to the state, to what was waiting for it, and to who is told of news. */

import { apply } from "./store.js";

/** @typedef {import("./store.js").Message} Message */

/**
 * @param {object} options
 * @param {import("./held.js").Held} options.held
 * @param {ReturnType<typeof import("./typing.js").createTyping>} options.typing
 * @param {ReturnType<typeof import("./unread.js").createUnread>} options.unread
 * @param {ReturnType<typeof import("./lookup.js").createLookup>} options.lookup
 * @param {() => import("./belongings.js").Belongings | null} options.belongings
 */
export function createHearing({ held, typing, unread, lookup, belongings }) {
  /** The last message of others that was told of: an answer to one's own send may overtake it. @type {Map<string, number>} */
  const announced = new Map();

  /**
   * What the stream tells, or an answer to one's own call, which is the same earlier. Nothing here waits: what must be
   * fetched comes later by itself.
   * @param {string} type
   * @param {any} data
   */
  function hear(type, data) {
    if (type === "typing") return typing.hear(data);
    const id = data.conversation_id;
    const isKnown = id === undefined || held.state.conversations.has(id);
    if (type === "message.sent") settle(data.message);
    if (type === "participant.left" && data.user_id === held.state.me) unread.forget(id);
    held.update(apply(held.state, { type, data }));
    held.voice.tell("event", { type, data });
    if (!isKnown && !held.state.conversations.has(id) && type !== "participant.left") void lookup.conversation(id);
    lookup.hear({ type, data });
    if (type === "conversation.opened") void lookup.presence(id);
    if (type === "message.sent") announce(data.message);
    held.threads.get(id)?.move();
    if (type === "message.sent" && !held.threads.has(id)) deliver(id);
  }

  /** Who has sent it does not type it any more; one's own is not on its way any more. @param {Message} message */
  function settle({ conversation_id, sender_id, client_id }) {
    typing.forget(conversation_id, sender_id);
    if (sender_id === held.state.me) belongings()?.outbox.drop(client_id);
  }

  /** @param {Message} message */
  function announce(message) {
    const isNews = message.seq > (announced.get(message.conversation_id) ?? 0);
    if (!isNews || message.sender_id === held.state.me || message.kind === "system") return;
    announced.set(message.conversation_id, message.seq);
    const tell = () => {
      const conversation = held.state.conversations.get(message.conversation_id);
      if (conversation !== undefined) held.voice.tell("message", { message, conversation });
    };
    if (held.state.conversations.has(message.conversation_id)) tell();
    else void lookup.conversation(message.conversation_id).then(tell);
  }

  /** It has arrived here. @param {string} id */
  function deliver(id) {
    const conversation = held.state.conversations.get(id);
    if (conversation !== undefined) void belongings()?.receipts.move(conversation, false);
  }

  return {
    hear,
    deliver,
    /** What a snapshot brings is no news. @param {readonly import("./store.js").Conversation[]} conversations */
    know(conversations) {
      for (const { id, last_seq } of conversations) announced.set(id, last_seq);
    },
  };
}
