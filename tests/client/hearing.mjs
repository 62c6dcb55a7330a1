// A page of bea's that hears events while its own calls are on their way; the story decides when they are answered.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

const { story } = JSON.parse(readFileSync(0, "utf8"));

globalThis.window = { addEventListener() {} };
globalThis.document = { visibilityState: "hidden", addEventListener() {} };
globalThis.location = { href: "http://parley.test/" };
globalThis.requestAnimationFrame = setImmediate;
globalThis.localStorage = { getItem: () => null, setItem() {}, removeItem() {} };

const { connect } = await import("../../frontend/client/connection.js");
const { createHearing } = await import("../../frontend/client/hearing.js");
const { createHeld } = await import("../../frontend/client/held.js");
const { createLookup } = await import("../../frontend/client/lookup.js");
const { createReceipts } = await import("../../frontend/client/receipts.js");
const { emptyState, withConversations, withMessages } = await import("../../frontend/client/store.js");
const { createUnread } = await import("../../frontend/client/unread.js");

const person = (id, role, seq) => ({ user: { id }, role, delivered_seq: seq, read_seq: seq, left_at: null });
const conversation = (id, last_seq) => ({
  id,
  context: null,
  participants: [person("bea", "buyer", 0), person("sol", "seller", last_seq)],
  last_seq,
  last_message: null,
  unread_count: last_seq,
  is_muted: false,
  is_archived: false,
  last_activity_at: "2026-03-02T09:00:00Z",
});
const message = (conversation_id, seq) => ({
  id: `${conversation_id} ${seq}`,
  conversation_id,
  seq,
  sender_id: "sol",
  client_id: `${conversation_id} ${seq}`,
  kind: "text",
  created_at: "2026-03-02T09:00:00Z",
  edited_at: null,
  deleted_at: null,
});

/** All that was waiting for an answer has gone on. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** With the conversation "chairs" open, at its first message. */
function createPage() {
  const { signal } = new AbortController();
  const held = createHeld(signal);
  held.update(withMessages(withConversations(emptyState("bea"), [conversation("chairs", 1)]), "chairs", [message("chairs", 1)]));
  const gets = [];
  const puts = [];
  const later = (calls, said) => new Promise((resolve, reject) => calls.push({ ...said, resolve, reject }));
  const calls = {
    getConversation: (id) => later(gets, { id }),
    moveReceipt: (id, { delivered_seq }) => later(puts, { id, delivered_seq }),
    listPresence: async () => ({ presence: [] }),
  };
  const lookup = createLookup({ calls, state: () => held.state, update: held.update, onFound: (id) => hearing.deliver(id), signal });
  const receipts = createReceipts({ calls, me: "bea", onMoved: (receipt) => hearing.hear("receipt.moved", receipt) });
  const belongings = () => ({ outbox: { drop() {} }, receipts });
  const hearing = createHearing({ held, typing: { forget() {} }, unread: createUnread(), lookup, belongings });
  return {
    gets,
    puts,
    lookup,
    says: (id, seq) => hearing.hear("message.sent", { conversation_id: id, message: message(id, seq) }),
    hear: hearing.hear,
    of: (id) => held.state.conversations.get(id),
    seqs: (id) => held.state.messages.get(id).map(({ seq }) => seq),
  };
}

/** Calls that wait to be answered, in their order. */
function createLine() {
  const calls = [];
  let came = () => {};
  return {
    call: () => new Promise((answer) => came(void calls.push(answer))),
    async next() {
      while (calls.length === 0) await new Promise((resolve) => (came = resolve));
      return calls.shift();
    },
  };
}

/** The whole client, with long polls and "chairs" in its list. */
async function connected() {
  const gets = createLine();
  const polls = createLine();
  const answers = {
    "/me": { user: { id: "bea" }, cursor: "a-1" },
    "/unread": { conversations: [] },
    "/conversations": { conversations: [conversation("chairs", 1)], next: null, cursor: "a-1" },
    "/conversations/chairs/receipt": { conversation_id: "chairs", user_id: "bea", delivered_seq: 1, read_seq: 0 },
    "/presence": { presence: [] },
  };
  globalThis.fetch = async (url) => {
    const path = new URL(url).pathname.slice("/api/v1".length);
    if (path === "/conversations/lamp") return Response.json(await gets.call());
    if (path !== "/events") return Response.json(answers[path] ?? { messages: [] });
    return Response.json({ events: [{ ...(await polls.call()), cursor: "a-2" }], cursor: "a-2", more: false, retry_ms: 0 });
  };
  const page = connect({ url: "http://parley.test", getToken: () => "bea", transports: ["long-poll"] });
  await page.ready;
  return Object.assign(page, { gets, polls });
}

const stories = {
  async "meanwhile elsewhere"() {
    const page = createPage();
    page.says("lamp", 1);
    page.says("chairs", 2);
    page.says("sofa", 1);
    page.gets[0].resolve(conversation("lamp", 1));
    await settled();
    page.gets[1].resolve(conversation("sofa", 1));
    await settled();
    assert.deepEqual(page.seqs("chairs"), [1, 2]);
    assert.equal(page.of("chairs").unread_count, 2);
    assert.equal(page.of("lamp").last_seq, 1);
    assert.equal(page.of("sofa").last_seq, 1);
  },

  async "meanwhile in it"() {
    const page = createPage();
    page.says("lamp", 1);
    page.says("lamp", 2);
    page.hear("receipt.moved", { conversation_id: "lamp", user_id: "bea", delivered_seq: 1, read_seq: 1 });
    assert.equal(page.gets.length, 1);
    page.gets[0].resolve(conversation("lamp", 1));
    await settled();
    assert.equal(page.of("lamp").last_seq, 2);
    assert.equal(page.of("lamp").unread_count, 1);
  },

  async "refused first"() {
    const { Problem } = await import("../../frontend/client/client.js");
    const page = createPage();
    page.says("lamp", 1);
    page.gets[0].reject(new Problem({ code: "unreachable", status: 0, detail: "Away." }));
    await settled();
    page.lookup.again();
    page.gets[1].resolve(conversation("lamp", 1));
    await settled();
    page.lookup.again();
    assert.equal(page.of("lamp").last_seq, 1);
    assert.equal(page.gets.length, 2);
  },

  async "left and back"() {
    const page = createPage();
    page.says("lamp", 1);
    page.hear("participant.left", { conversation_id: "lamp", user_id: "bea", left_at: "2026-03-02T09:00:00Z" });
    page.hear("participant.joined", { conversation_id: "lamp", participant: person("bea", "buyer", 1) });
    page.gets[0].resolve(conversation("lamp", 1));
    await settled();
    page.gets[1].resolve(conversation("lamp", 2));
    await settled();
    assert.equal(page.of("lamp").last_seq, 2);
  },

  async "loaded anew"() {
    const page = createPage();
    page.says("lamp", 1);
    page.lookup.reset();
    page.gets[0].resolve(conversation("lamp", 1));
    await settled();
    assert.equal(page.of("lamp"), undefined);
    page.gets[1].resolve(conversation("lamp", 2));
    await settled();
    assert.equal(page.of("lamp").last_seq, 2);
  },

  async "delivered meanwhile"() {
    const page = createPage();
    for (const seq of [2, 3, 4]) page.says("chairs", seq);
    for (const { id, delivered_seq } of page.puts.slice()) assert.deepEqual([id, delivered_seq], ["chairs", 2]);
    page.puts[0].resolve({ conversation_id: "chairs", user_id: "bea", delivered_seq: 2, read_seq: 0 });
    await settled();
    assert.equal(page.puts[1]?.delivered_seq, 4);
    page.puts[1].resolve({ conversation_id: "chairs", user_id: "bea", delivered_seq: 4, read_seq: 0 });
    await settled();
    assert.equal(page.puts.length, 2);
    assert.equal(page.of("chairs").participants[0].delivered_seq, 4);
  },

  async "delivered not"() {
    const page = createPage();
    page.says("chairs", 2);
    page.says("chairs", 3);
    page.puts[0].reject(new Error("away"));
    await settled();
    assert.equal(page.puts.length, 1);
    page.says("chairs", 4);
    assert.equal(page.puts[1].delivered_seq, 4);
  },

  async "opened meanwhile"() {
    const page = await connected();
    const opened = page.open({ conversation_id: "lamp" });
    const lamp = await page.gets.next();
    const heard = new Promise((resolve) => page.on("event", resolve));
    (await page.polls.next())({ type: "message.sent", data: { conversation_id: "chairs", message: message("chairs", 2) } });
    await heard;
    lamp(conversation("lamp", 1));
    assert.equal((await opened).conversation.id, "lamp");
    assert.equal(page.state.conversations.get("chairs").last_seq, 2);
  },

  async "reset meanwhile"() {
    const page = await connected();
    const opened = page.open({ conversation_id: "lamp" });
    const before = await page.gets.next();
    const reset = new Promise((resolve) => page.on("event", resolve));
    (await page.polls.next())({ type: "reset", data: {} });
    await reset;
    before(conversation("lamp", 1));
    void page.gets.next().then((answer) => answer(conversation("lamp", 2)));
    assert.equal((await opened).conversation.last_seq, 2);
  },
};

await stories[story]();
process.stdout.write("done");
process.exit(0);
