// The server refuses a message, and the page is loaded anew when it would not refuse it any more.
import assert from "node:assert/strict";
import { eventually } from "./stage.mjs";
import { Problem } from "../../frontend/client/client.js";
import { createOutbox } from "../../frontend/client/outbox.js";

let isClosed = true;
const sent = [];
const kept = new Map();
const shelf = {
  keep: async (one) => void kept.set(one.client_id, structuredClone({ ...one, problem: null })),
  drop: async (id) => void kept.delete(id),
  all: async () => [...kept.values()],
};
const calls = {
  async sendMessage(_id, message) {
    if (isClosed) throw new Problem({ code: "conversation_closed", status: 409, detail: "It is closed." });
    sent.push(message.body);
    return { message };
  },
};
const { signal } = new AbortController();
const open = () => createOutbox({ calls, shelf, name: "n", onSent() {}, onChange() {}, signal });

const before = open();
before.send("c", { body: "I take it for 50." });
await eventually(() => [...kept.values()].some(({ state }) => state === "refused"), "it is kept as refused");
isClosed = false;
const after = open();
await after.load();
after.send("c", { body: "Is it still there?" });
await eventually(() => sent.length > 0 && after.of("c").length === 1, "what is written now is sent");
assert.deepEqual(sent, ["Is it still there?"]);
const [old] = after.of("c");
assert.equal(old.state, "refused");
after.retry(old.client_id);
await eventually(() => after.of("c").length === 0 && kept.size === 0, "the person has decided");
assert.deepEqual(sent, ["Is it still there?", "I take it for 50."]);
process.exit(0);
