/** What a page has for the person once it knows who that is: the outbox, the drafts, the receipts. */

import { createDrafts, createShelf } from "./keep.js";
import { createOutbox } from "./outbox.js";
import { createReceipts } from "./receipts.js";

/**
 * @param {object} options
 * @param {string} options.name Of the server and the person.
 * @param {string} options.me
 * @param {import("./calls.js").Calls} options.calls
 * @param {(type: string, data: any) => void} options.hear Answers are news too.
 * @param {(clientId: string) => void} options.onStored It must come back with the stream.
 * @param {() => void} options.onChange
 * @param {AbortSignal} options.signal
 */
export function createBelongings({ name, me, calls, hear, onStored, onChange, signal }) {
  const outbox = createOutbox({
    calls,
    name,
    shelf: createShelf(name),
    onSent(message) {
      onStored(message.client_id);
      hear("message.sent", { conversation_id: message.conversation_id, message });
    },
    onChange,
    signal,
  });
  void outbox.load();
  return {
    outbox,
    drafts: createDrafts(name),
    receipts: createReceipts({ calls, me, onMoved: (receipt) => hear("receipt.moved", receipt) }),
  };
}

/** @typedef {ReturnType<typeof createBelongings>} Belongings */
