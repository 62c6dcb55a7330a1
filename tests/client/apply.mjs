// One documented event on a state that has its conversation: it says something, and nothing new the second time.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { apply, emptyState, withConversations, withMessages } from "../../frontend/client/store.js";

const { type, data } = JSON.parse(readFileSync(0, "utf8"));
const id = data.conversation_id ?? "none";
const person = (userId, role) => ({
  user: { id: userId, name: userId, avatar_url: null },
  role,
  delivered_seq: 2,
  read_seq: 2,
  left_at: null,
});
const conversation = {
  id,
  context: null,
  subject: "",
  state: "open",
  participants: [person("bea", "buyer"), person("sol", "seller"), ...(type === "participant.joined" ? [] : [person("ada", "agent")])],
  last_seq: type === "message.sent" ? 2 : 3,
  last_message: null,
  unread_count: 0,
  is_muted: false,
  is_archived: false,
  created_at: "2026-03-02T09:00:00Z",
  last_activity_at: "2026-03-02T09:00:00Z",
};
const before = type === "conversation.opened" ? emptyState("bea") : withConversations(emptyState("bea"), [conversation]);
const held = type.startsWith("message.") && type !== "message.sent";
const known = { ...(data.message ?? {}), body: "As it was.", edited_at: null, deleted_at: null };
const state = withMessages(before, id, held ? [known] : []);

const once = apply(state, { type, data });
assert.notDeepEqual(once, state, "the event changes nothing");
assert.deepEqual(apply(once, { type, data }), once, "the same event again changes something");
assert.deepEqual(apply(state, { type: "something.new", data }), state);
