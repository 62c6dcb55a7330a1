// A page of history is on its way while the stream goes on.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { conversation, eventually, message } from "./stage.mjs";
import { Problem } from "../../frontend/client/client.js";
import { createHeld } from "../../frontend/client/held.js";
import { apply, emptyState, withConversations } from "../../frontend/client/store.js";
import { createThread } from "../../frontend/client/thread.js";

const { signal } = new AbortController();
const held = createHeld(signal);
/** Each answers when it is told to. @type {((messages: object[], hasMore?: boolean) => void)[]} */
const pages = [];

const asked = [];
const listMessages = (_id, query) => {
  asked.push(query);
  return new Promise((done, fail) => {
    const answer = (messages, has_more = false) => (messages === null ? fail(away) : done({ messages, has_more }));
    pages.push(answer);
  });
};
const away = new Problem({ code: "unreachable", status: 0, detail: "The server cannot be reached." });
const stretch = (first, last) =>
  Array.from({ length: last - first + 1 }, (_, i) => message(first + i, { created_at: "2026-03-02T09:00:00Z" }));
const handed = [];

function openAt(seq) {
  held.update(withConversations(emptyState("bea"), [conversation(seq)]));
  const made = createThread(
    {
      calls: { listMessages },
      typing: { isTyping: () => false, stopped() {}, sent() {} },
      outbox: { of: () => [], send: () => ({ client_id: "x", kept: Promise.resolve() }) },
      drafts: { get: () => "", hand: (id) => handed.push(id) },
      receipts: { move() {} },
      hear() {},
      signal,
      update: held.update,
      state: () => held.state,
      me: () => "bea",
    },
    "c",
    () => {},
  );
  return { made, thread: made.hold() };
}

const hear = (type, said) => held.update(apply(held.state, { type, data: { conversation_id: "c", message: said } }));
const unsent = (seq) => message(seq, { body: "", deleted_at: "2026-03-02T09:10:00Z" });
const edited = (seq) => message(seq, { body: "edited", edited_at: "2026-03-02T09:10:00Z" });
const seqs = (thread) => thread.messages.map(({ seq }) => seq);
const bodies = (thread) => thread.messages.map(({ body }) => body);
const loaded = (thread) => eventually(() => !thread.isLoading, "the page is there");

const stories = {
  async opening() {
    const { made, thread } = openAt(2);
    void made.start();
    hear("message.edited", edited(1));
    hear("message.deleted", unsent(2));
    pages.shift()([message(1), message(2)]);
    await loaded(thread);
    assert.deepEqual(bodies(thread), ["edited", ""]);
    thread.close();
    assert.equal(held.state.replaced.size, 0, "it is kept as long as the thread is open");
  },

  async older() {
    const { made, thread } = openAt(4);
    void made.start();
    pages.shift()([message(3), message(4)], true);
    await loaded(thread);
    void thread.older();
    hear("message.deleted", unsent(2));
    assert.deepEqual(bodies(thread), ["body 3", "body 4"], "what is not in the window is not drawn into it");
    pages.shift()([message(1), message(2)]);
    await loaded(thread);
    assert.deepEqual(bodies(thread), ["body 1", "", "body 3", "body 4"]);
  },

  async newer() {
    const { made, thread } = openAt(4);
    void made.start();
    pages.shift()([message(1), message(2)]);
    await loaded(thread);
    void thread.newer();
    hear("message.edited", edited(3));
    pages.shift()([message(3), message(4)]);
    await loaded(thread);
    assert.deepEqual(bodies(thread), ["body 1", "body 2", "edited", "body 4"]);
  },

  async elsewhere() {
    const { made, thread } = openAt(2);
    void made.start();
    pages.shift()([message(1), message(2)]);
    await loaded(thread);
    void thread.goTo(1);
    hear("message.deleted", unsent(2));
    pages.shift()([message(1), message(2)]);
    await loaded(thread);
    assert.deepEqual(bodies(thread), ["body 1", ""]);
  },

  async reset() {
    const { made, thread } = openAt(2);
    void made.start();
    pages.shift()([message(1), message(2)]);
    await loaded(thread);
    held.update(withConversations(emptyState("bea"), [conversation(2)]));
    void made.restart();
    hear("message.sent", message(3));
    pages.shift()([message(1), message(2)]);
    await loaded(thread);
    assert.deepEqual(bodies(thread), ["body 1", "body 2", "body 3"]);
    assert(!thread.hasNewer, "it follows the end");
  },

  async "older overtaken"() {
    const { made, thread } = openAt(9);
    void made.start();
    pages.shift()(stretch(4, 5), true);
    await loaded(thread);
    void thread.older();
    void thread.toEnd();
    const [older, end] = pages.splice(0);
    end(stretch(8, 9), true);
    await eventually(() => seqs(thread)[0] === 8, "the end is there");
    older(stretch(2, 3));
    await loaded(thread);
    assert.deepEqual(seqs(thread), [8, 9]);
    assert(thread.hasOlder);
  },

  async "newer overtaken"() {
    const { made, thread } = openAt(9);
    void made.start();
    pages.shift()(stretch(1, 2));
    await loaded(thread);
    void thread.newer();
    void thread.toEnd();
    const [newer, end] = pages.splice(0);
    end(stretch(8, 9), true);
    await eventually(() => !thread.hasNewer, "the end is there");
    newer(stretch(3, 4));
    await loaded(thread);
    assert.deepEqual(seqs(thread), [8, 9]);
  },

  async "older again"() {
    const { made, thread } = openAt(9);
    void made.start();
    pages.shift()(stretch(6, 9), true);
    await loaded(thread);
    void thread.older();
    pages.shift()(null);
    await loaded(thread);
    assert.equal(thread.problem, away);
    void thread.reload();
    assert.deepEqual(asked.slice(-2), [asked[1], asked[1]], "the same page, once more");
    pages.shift()(stretch(4, 5), true);
    await loaded(thread);
    assert.deepEqual([seqs(thread), thread.problem], [[4, 5, 6, 7, 8, 9], null]);
  },

  async "let in again"() {
    const { made, thread } = openAt(2);
    void made.start();
    pages.shift()(stretch(1, 2));
    await loaded(thread);
    const left = { conversation_id: "c", user_id: "bea", left_at: "2026-03-02T09:10:00Z" };
    held.update(apply(held.state, { type: "participant.left", data: left }));
    made.changed();
    assert.deepEqual([seqs(thread), thread.isGone], [[1, 2], true], "what is here can be read");
    held.update(withConversations(held.state, [conversation(4)]));
    made.changed();
    pages.shift()(stretch(1, 4));
    await loaded(thread);
    hear("message.sent", message(5));
    assert.deepEqual(seqs(thread), [1, 2, 3, 4, 5]);
  },

  async "a card"() {
    const { thread } = openAt(2);
    thread.send({ kind: "card", body: "", context: { kind: "listing", id: "42" } });
    assert.deepEqual(handed, [], "what is being written stays");
    thread.send({ body: "Hello" });
    assert.deepEqual(handed, ["c"]);
  },
};

await stories[JSON.parse(readFileSync(0, "utf8"))]();
process.exit(0);
