// Another tab leads and tells of a reset; this one cannot load the state anew at once.
import assert from "node:assert/strict";
import { eventually } from "./stage.mjs";
import { Problem } from "../../frontend/client/client.js";
import { createShared } from "../../frontend/client/tabs.js";

Object.defineProperty(globalThis, "navigator", { value: { locks: { request: () => new Promise(() => {}) } } });
const said = [];
console.error = (error) => said.push(error.message);
const problems = [
  new Problem({ code: "unavailable", status: 503, detail: "It starts." }),
  new Problem({ code: "unauthorized", status: 401, detail: "The token is old." }),
  new TypeError("A mistake of the page."),
];
const log = [];
const shared = createShared({
  name: "n",
  url: "https://chat.example",
  getToken: () => "t",
  signal: new AbortController().signal,
  onEvent: ({ id }) => log.push(id),
  onProgress() {},
  async onReset() {
    const problem = problems.shift();
    log.push(problem === undefined ? "loaded" : "failed");
    if (problem !== undefined) throw problem;
    return "new-50";
  },
});
void shared.run(async () => "old-10");

const leader = new BroadcastChannel("n");
const event = (id) => leader.postMessage({ kind: "event", event: { type: "message.sent", data: {}, id } });
event("old-11");
await eventually(() => log.length === 1, "the tab hears");
leader.postMessage({ kind: "reset" });
event("new-51");
await eventually(() => log.includes("new-51"), "it goes on");
assert.deepEqual(log, ["old-11", "failed", "failed", "failed", "loaded", "new-51"]);
assert.deepEqual(said, ["It starts.", "The token is old.", "A mistake of the page."]);
process.exit(0);
