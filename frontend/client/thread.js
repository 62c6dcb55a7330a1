/** One conversation as a page holds it open: its window of history, what is on its way, and what one can do in it. */

import { Problem, cutBy } from "./client.js";
import { others, own, withMessages, withWindow, withoutMessages } from "./store.js";

/** @typedef {import("./store.js").Conversation} Conversation */
/** @typedef {import("./store.js").Message} Message */
/** @typedef {import("./store.js").User} User */
/** @typedef {import("./outbox.js").Pending} Pending */
/** @typedef {import("./connection.js").Inside} Inside */

const PAGE = 50;
const WINDOW_MAX = 600; // messages kept while following the end; older ones are a page away

/** @typedef {{ listeners: Set<() => void>, isVisible: boolean, isTyping: boolean }} Holder */

/**
 * @param {Inside} inside
 * @param {string} id
 * @param {() => void} onClose
 */
export function createThread(inside, id, onClose) {
  /** Who has it open. @type {Set<Holder>} */
  const holders = new Set();
  const closing = cutBy(inside.signal);
  let hasOlder = false;
  let hasNewer = false;
  let isLoading = true;
  let isLoaded = false;
  /** @type {Problem | null} */
  let problem = null;
  const before = /** @type {Conversation} */ (inside.state().conversations.get(id));
  const me = inside.me();
  const unreadAtOpen = before.unread_count;
  const readAtOpen = own(before, me)?.read_seq ?? before.last_seq;

  function conversation() {
    return inside.state().conversations.get(id) ?? before;
  }

  function changed() {
    for (const { listeners } of holders) for (const listener of listeners) listener();
  }

  /** How often a window was begun anew: a page that was asked for before is of no use any more. */
  let begun = 0;
  let wasGone = false;
  /** What was tried last. */
  let last = () => load();

  const isVisible = () => [...holders].some((holder) => holder.isVisible);

  /** Do it, and tell when it is refused. @param {() => Promise<void>} work */
  async function loading(work) {
    isLoading = true;
    problem = null;
    last = work;
    changed();
    try {
      await work();
    } catch (error) {
      if (closing.signal.aborted) return; // nobody waits for it any more
      if (!(error instanceof Problem)) throw error;
      problem = error;
    } finally {
      isLoading = false;
      changed();
    }
  }

  /** @param {import("./calls.js").HistoryQuery} query */
  const page = (query) => inside.calls.listMessages(id, { limit: PAGE, ...query }, { signal: closing.signal });

  /** Begin anew with the page around a message, by default where the unread begins; null: with the newest. @param {number | null} [around] */
  async function load(around = unreadAtOpen > PAGE / 2 ? readAtOpen : null) {
    const mine = (begun += 1);
    const { messages } = await page(around === null ? {} : { around });
    if (mine !== begun) return;
    const end = messages[messages.length - 1]?.seq ?? 0;
    const came = held().filter(({ seq }) => seq > end); // with the stream, meanwhile
    inside.update(withWindow(inside.state(), id, [...messages, ...came]));
    isLoaded = true;
    hasOlder = (messages[0]?.seq ?? 1) > 1;
    measure();
  }

  /** @param {number | null} [around] */
  function begin(around) {
    inside.update(withMessages(inside.state(), id, [])); // from here on the stream's messages are kept
    return loading(() => load(around));
  }

  async function older() {
    const first = messages()[0]?.seq;
    if (isLoading || !hasOlder || first === undefined) return;
    await loading(async () => {
      const mine = begun;
      const found = await page({ before: first });
      if (mine !== begun) return;
      hasOlder = found.has_more;
      inside.update(withMessages(inside.state(), id, found.messages));
    });
  }

  async function newer() {
    const end = messages()[messages().length - 1]?.seq;
    if (isLoading || !hasNewer || end === undefined) return;
    await loading(async () => {
      const mine = begun;
      const found = await page({ after: end });
      if (mine !== begun) return;
      inside.update(withMessages(inside.state(), id, found.messages));
      measure();
    });
  }

  const held = () => inside.state().messages.get(id) ?? [];

  /** Whether the window goes to the end. */
  function measure() {
    hasNewer = false;
    hasNewer = upToGap(held()) < conversation().last_seq;
    move();
  }

  /** What came with the stream stands behind a gap while the window is elsewhere: it is not shown before it is reached. */
  function messages() {
    return hasNewer ? held().filter(({ seq }) => seq <= upToGap(held())) : held();
  }

  /** Move the receipt: delivered when it is here, read when it is seen. */
  function move() {
    const isSeen = isVisible() && isLoaded && !hasNewer && document.visibilityState === "visible";
    if (isLoaded) void inside.receipts.move(conversation(), isSeen);
  }

  /** @param {Message} message */
  function took(message) {
    inside.hear("message.edited", { conversation_id: id, message });
  }

  const thread = {
    id,
    get conversation() {
      return conversation();
    },
    get messages() {
      return messages();
    },
    /** @returns {Pending[]} */
    get pending() {
      return inside.outbox.of(id);
    },
    /** @returns {User[]} */
    get typists() {
      return others(conversation(), me)
        .map(({ user }) => user)
        .filter((user) => inside.typing.isTyping(id, user.id));
    },
    get hasOlder() {
      return hasOlder;
    },
    get hasNewer() {
      return hasNewer;
    },
    get isLoading() {
      return isLoading;
    },
    get problem() {
      return problem;
    },
    /** Whether the caller has left, or was taken out. */
    get isGone() {
      return !inside.state().conversations.has(id);
    },
    unreadAtOpen,
    firstUnreadSeq: unreadAtOpen > 0 ? readAtOpen + 1 : null,
    get draft() {
      return inside.drafts.get(id);
    },
    /** @param {string} text */
    setDraft(text) {
      inside.drafts.set(id, text);
    },
    /** Shown at once, kept until the server has it. @param {import("./outbox.js").Written} written @returns {string} */
    send(written) {
      inside.typing.sent();
      if (hasNewer) void thread.toEnd();
      const { client_id, kept } = inside.outbox.send(id, written);
      if (written.body) void inside.drafts.hand(id, kept);
      return client_id;
    },
    /** @param {string} clientId */
    retry: (clientId) => inside.outbox.retry(clientId),
    /** @param {string} clientId */
    discard: (clientId) => inside.outbox.drop(clientId),
    /** @param {string} messageId @param {string} body */
    edit: async (messageId, body) => took(await inside.calls.editMessage(messageId, { body })),
    /** @param {string} messageId */
    unsend: async (messageId) => {
      const said = await inside.calls.unsendMessage(messageId);
      if (said) inside.hear("message.deleted", { conversation_id: id, message: said });
    },
    /** The input's text after every change. @param {string} text */
    typing(text) {
      inside.drafts.set(id, text);
      if (text.trim() === "") inside.typing.stopped();
      else inside.typing.typed(id);
    },
    older,
    newer,
    /** The newest window. */
    toEnd: () => loading(() => load(null)),
    /** The window around a message. @param {number} seq */
    goTo: (seq) => loading(() => load(seq)),
    /** After a failure: what failed, once more. */
    reload: () => loading(last),
    /** Everything here is read, wherever the window is. */
    async markRead() {
      inside.hear("receipt.moved", await inside.calls.moveReceipt(id, { read_seq: conversation().last_seq }));
    },
  };

  /** For one more who opens it. Each hears, shows and closes it apart from the others; with the last one it ends. */
  function hold() {
    /** @type {Holder} */
    const holder = { listeners: new Set(), isVisible: false, isTyping: false };
    holders.add(holder);
    const mine = {
      /** The input's text after every change. @param {string} text */
      typing(text) {
        holder.isTyping = text.trim() !== "";
        thread.typing(text);
      },
      /** @param {boolean} isSeen */
      setVisible(isSeen) {
        holder.isVisible = isSeen;
        move();
      },
      /** @param {"change"} _name @param {() => void} listener @param {{ signal?: AbortSignal }} [options] */
      on(_name, listener, { signal } = {}) {
        holder.listeners.add(listener);
        const off = () => void holder.listeners.delete(listener);
        signal?.addEventListener("abort", off, { once: true });
        return off;
      },
      close() {
        if (!holders.delete(holder)) return;
        if (holder.isTyping) inside.typing.stopped();
        if (holders.size === 0) end();
      },
    };
    return /** @type {typeof thread & typeof mine} */ (Object.assign(Object.create(thread), mine));
  }

  function end() {
    closing.abort();
    inside.update(withoutMessages(inside.state(), id));
    onClose();
  }

  return {
    thread,
    hold,
    changed() {
      const isBack = wasGone && !thread.isGone;
      wasGone = thread.isGone;
      if (isBack) void begin(null);
      const all = held();
      if (!hasNewer && isVisible() && all.length > WINDOW_MAX * 2) {
        inside.update(withWindow(inside.state(), id, all.slice(-WINDOW_MAX)));
        hasOlder = true;
      }
      move();
      changed();
    },
    /** After a reset. */
    restart: () => begin(hasNewer ? undefined : null),
    start: () => begin(),
    move,
  };
}

/**
 * The last number before the first one that is missing.
 * @param {readonly Message[]} messages
 */
function upToGap(messages) {
  const gap = messages.findIndex((message, i) => i > 0 && message.seq !== (messages[i - 1]?.seq ?? 0) + 1);
  return messages[gap < 0 ? messages.length - 1 : gap - 1]?.seq ?? 0;
}

/** @typedef {ReturnType<ReturnType<typeof createThread>["hold"]>} Thread */
