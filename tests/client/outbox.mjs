// The shop gives no token, as when the network is away: what was written waits, and goes in the order of writing.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { eventually } from "./stage.mjs";
import { createCalls } from "../../frontend/client/calls.js";
import { Problem } from "../../frontend/client/client.js";
import { createOutbox } from "../../frontend/client/outbox.js";

const { token } = JSON.parse(readFileSync(0, "utf8")); // null: it cannot be fetched
const sent = [];
const away = new TypeError("Failed to fetch");
let isAway = true;
let asked = 0;

globalThis.fetch = async (_url, { body }) => {
  const message = JSON.parse(body);
  sent.push(message.body);
  return Response.json({ message, cursor: "e-1" }, { status: 201 });
};
async function getToken() {
  asked += 1;
  if (isAway && token === null) throw away;
  return isAway ? token : "t.t.t";
}

const calls = createCalls({ url: "https://chat.example", getToken });
const shelf = { keep: async () => {}, drop: async () => {}, all: async () => [] };
const { signal } = new AbortController();
const outbox = createOutbox({ calls, shelf, name: "n", onSent() {}, onChange() {}, signal });

outbox.send("c", { body: "first" });
await eventually(() => asked > 1, "it is tried again");
await eventually(() => outbox.of("c")[0].state === "waiting", "it waits");
const [{ problem }] = outbox.of("c");
assert(problem instanceof Problem && problem.code === "unreachable" && problem.isForeign);
assert(token === null ? problem.cause === away : problem.cause instanceof TypeError, "the cause can be read");
outbox.send("c", { body: "second" });
isAway = false;
outbox.nudge();
await eventually(() => outbox.of("c").length === 0, "both are sent");
assert.deepEqual(sent, ["first", "second"]);
process.exit(0);
