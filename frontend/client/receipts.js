/** Moves one's own receipts: delivered when a message has arrived, read when it is seen. One call at a time each. */

import { own } from "./store.js";

/**
 * @param {object} options
 * @param {import("./calls.js").Calls} options.calls
 * @param {string} options.me
 * @param {(receipt: import("./store.js").Receipt) => void} options.onMoved
 */
export function createReceipts({ calls, me, onMoved }) {
  /** @type {Set<string>} */
  const moving = new Set();

  /**
   * Move the receipt when it is behind. What fails is tried again with the next change.
   * @param {import("./store.js").Conversation} conversation
   * @param {boolean} isSeen
   */
  async function move(conversation, isSeen) {
    const { id, last_seq } = conversation;
    const participant = own(conversation, me);
    if (participant === undefined || moving.has(id)) return;
    const isBehind = participant.delivered_seq < last_seq || (isSeen && participant.read_seq < last_seq);
    if (!isBehind) return;
    moving.add(id);
    const body = isSeen ? { read_seq: last_seq } : { delivered_seq: last_seq };
    const receipt = await calls.moveReceipt(id, body).catch(() => null);
    moving.delete(id);
    if (receipt !== null) onMoved(receipt);
  }

  return { move };
}
