// A page whose own back end gives no token: it fails for a while, or does not answer.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mock } from "node:test";
import "./stage.mjs";

const { connect } = await import("../../frontend/client/parley.js");
const { Problem, patientToken, personOf } = await import("../../frontend/client/client.js");

globalThis.location = { href: "http://shop.test/" };
const answers = {
  "/me": { user: { id: "bea" }, cursor: "a-1" },
  "/unread": { conversations: [] },
  "/conversations": { conversations: [], next: null, cursor: "a-1" },
};
globalThis.fetch = async (url) => {
  const path = new URL(url).pathname.slice("/api/v1".length);
  return path === "/events" ? new Promise(() => {}) : Response.json(answers[path]);
};

/** A page whose `getToken` fails in these ways, one after the other, before it gives one. */
function pageAfter(...failures) {
  const phases = new Set();
  const getToken = () => {
    const failure = failures.shift();
    if (typeof failure === "string") return failure;
    if (failure) throw failure;
    return "head.e30.sign";
  };
  const page = connect({ url: "http://parley.test", getToken, transports: ["long-poll"] });
  page.on("change", () => phases.add(page.status.phase));
  return { page, phases };
}

const stories = {
  async away() {
    const { page, phases } = pageAfter(new TypeError("Failed to fetch"), new TypeError("Failed to fetch"));
    await page.ready;
    assert.equal(page.me.id, "bea");
    assert.ok(!phases.has("signed_out"));
  },

  async "an error's page"() {
    const { page, phases } = pageAfter("<html>\n<hr>nginx/1.18.0</html>", "Internal Server Error", "");
    await page.ready;
    assert.equal(page.me.id, "bea");
    assert.equal(page.state.me, "bea");
    assert.ok(!phases.has("signed_out"));
  },

  async "two of whom nothing can be read"() {
    const [one, other] = await Promise.all(["a.%.c", "b.%.c"].map((token) => personOf(() => token)));
    assert.notEqual(one.id, other.id);
  },

  async refused() {
    const { page } = pageAfter(new Problem({ code: "signed_out", status: 401, detail: "Nobody is signed in." }));
    await assert.rejects(page.ready, { code: "signed_out" });
    assert.equal(page.status.phase, "signed_out");
  },

  async hangs() {
    mock.timers.enable({ apis: ["setTimeout"] });
    const asked = patientToken(() => new Promise(() => {}))();
    mock.timers.tick(15_000);
    await assert.rejects(asked, { code: "unreachable" });
  },
};

await stories[JSON.parse(readFileSync(0, "utf8"))]();
process.stdout.write("done");
process.exit(0);
