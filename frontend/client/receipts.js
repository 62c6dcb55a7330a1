/** Moves one's own receipts: delivered when a message has arrived, read when it is seen. One call at a time each. */

import { own } from "./store.js";

/** @typedef {import("./store.js").Conversation} Conversation */

/**
 * @param {object} options
 * @param {import("./calls.js").Calls} options.calls
 * @param {string} options.me
 * @param {(receipt: import("./store.js").Receipt) => void} options.onMoved
 */
export function createReceipts({ calls, me, onMoved }) {
  /** Calls on their way, with what the conversation has become meanwhile. @type {Map<string, Conversation | null>} */
  const moving = new Map();

  /**
   * Move the receipt when it is behind. What fails is tried again with the next change.
   * @param {Conversation} conversation
   * @param {boolean} isSeen
   */
  async function move(conversation, isSeen) {
    const { id, last_seq } = conversation;
    if (moving.has(id)) return void moving.set(id, conversation);
    const participant = own(conversation, me);
    if (participant === undefined) return;
    const isBehind = participant.delivered_seq < last_seq || (isSeen && participant.read_seq < last_seq);
    if (!isBehind) return;
    moving.set(id, null);
    const body = isSeen ? { read_seq: last_seq } : { delivered_seq: last_seq };
    const receipt = await calls.moveReceipt(id, body).catch(() => null);
    const now = moving.get(id);
    moving.delete(id);
    if (receipt === null) return;
    onMoved(receipt);
    if (now && now.last_seq > last_seq) void move(now, false); // seen: the thread says so
  }

  return { move };
}
