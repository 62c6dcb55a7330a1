// What a browser has and Node has not, and no chance: a back-off is over at once.
import { setTimeout as pause } from "node:timers/promises";

globalThis.document = { visibilityState: "visible", addEventListener() {} };
globalThis.window = { addEventListener() {} };
globalThis.requestAnimationFrame = (draw) => setTimeout(draw, 0);
Math.random = () => 0;

/** @param {() => boolean} isSo @param {string} what */
export async function eventually(isSo, what) {
  for (const end = performance.now() + 10_000; !isSo(); await pause(5)) {
    if (performance.now() > end) throw new Error(`It does not come true: ${what}`);
  }
}

export const message = (seq, change = {}) => ({
  id: `m${seq}`,
  conversation_id: "c",
  seq,
  sender_id: "sol",
  client_id: `x${seq}`,
  kind: "text",
  body: `body ${seq}`,
  context: null,
  reply_to: null,
  created_at: `2026-03-02T09:00:0${seq}Z`,
  edited_at: null,
  deleted_at: null,
  ...change,
});

const person = (id, role, seq) => ({
  user: { id, name: id, avatar_url: null },
  role,
  delivered_seq: seq,
  read_seq: seq,
  left_at: null,
});

export const conversation = (seq) => ({
  id: "c",
  context: null,
  subject: "",
  state: "open",
  participants: [person("bea", "buyer", seq), person("sol", "seller", seq)],
  last_seq: seq,
  last_message: message(seq),
  unread_count: 0,
  is_muted: false,
  is_archived: false,
  created_at: "2026-03-02T09:00:00Z",
  last_activity_at: "2026-03-02T09:00:00Z",
});
