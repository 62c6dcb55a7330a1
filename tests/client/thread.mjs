// A page of history is on its way while the stream goes on.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { conversation, eventually, message } from "./stage.mjs";
import { createHeld } from "../../frontend/client/held.js";
import { apply, emptyState, withConversations } from "../../frontend/client/store.js";
import { createThread } from "../../frontend/client/thread.js";

const { signal } = new AbortController();
const held = createHeld(signal);
/** Each answers when it is told to. @type {((messages: object[], hasMore?: boolean) => void)[]} */
const pages = [];

const listMessages = () =>
  new Promise((done) => pages.push((messages, has_more = false) => done({ messages, has_more })));

function openAt(seq) {
  held.update(withConversations(emptyState("bea"), [conversation(seq)]));
  const made = createThread(
    {
      calls: { listMessages },
      typing: { isTyping: () => false, stopped() {}, sent() {} },
      outbox: { of: () => [] },
      drafts: { get: () => "" },
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
};

await stories[JSON.parse(readFileSync(0, "utf8"))]();
process.exit(0);
