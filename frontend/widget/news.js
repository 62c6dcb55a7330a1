/** New messages: said to screen readers, and, where nobody looks, shown as a toast or by the browser. Once per page. */

import { el } from "./dom.js";
import { createNotifier } from "./notify.js";
import { nameOf, plain, userOf } from "./people.js";
import { WORDS, previewOf } from "./words.js";

/** @typedef {import("../client/parley.js").Connection} Connection */
/** @typedef {{ message: import("../client/store.js").Message, conversation: import("../client/store.js").Conversation }} News */
/**
 * An element that can tell.
 * @typedef {object} Place
 * @property {ShadowRoot} root
 * @property {(conversationId: string) => boolean} isSeen
 * @property {string | null} only The conversation that it can open; null: any.
 * @property {(conversationId: string) => void} open
 */

const ANNOUNCE_MS = 1_000; // what comes within a second is said as one
const TOAST_MS = 6_000;

/** @type {WeakMap<Connection, Set<Place>>} */
const places = new WeakMap();

/**
 * @param {Connection} connection
 * @param {Omit<Place, "root"> & { root: ShadowRoot, signal: AbortSignal }} options
 */
export function showNews(connection, { root, isSeen, only, open, signal }) {
  const place = { root, isSeen, only, open };
  const known = places.get(connection);
  const all = known ?? new Set();
  places.set(connection, all.add(place));
  signal.addEventListener("abort", () => all.delete(place));
  root.append(el("p", { class: "hidden voice", role: "status" }), el("div", { class: "toasts" }));
  if (known === undefined) watch(connection, all);
}

/** @param {Connection} connection @param {Set<Place>} all */
function watch(connection, all) {
  const announce = createAnnouncer(all);
  /** @type {ReturnType<typeof createNotifier> | null} */
  let notifier = null;
  void connection.ready.then(() => (notifier = createNotifier(connection))).catch(() => {});
  connection.on("message", (news) => {
    const [first] = all;
    const { message, conversation } = news;
    if (first === undefined || conversation.is_muted) return;
    announce(nameOf(userOf(conversation, message.sender_id)));
    const isInView = document.visibilityState === "visible";
    if (isInView) notifier?.tell(message.id);
    if (isInView && [...all].some(({ isSeen }) => isSeen(conversation.id))) return;
    const opener = [...all].find(({ only }) => only === null) ?? [...all].find(({ only }) => only === conversation.id);
    const title = nameOf(userOf(conversation, message.sender_id));
    const body = previewOf(message);
    const onOpen = opener ? () => opener.open(conversation.id) : null;
    if (isInView) toast((opener ?? first).root, { title, body, onOpen });
    else notifier?.notify(message, { title, body, onOpen });
  });
}

/** @param {Set<Place>} all */
function createAnnouncer(all) {
  /** @type {Set<string>} */
  const senders = new Set();
  let count = 0;
  return (/** @type {string} */ name) => {
    senders.add(plain(name));
    count += 1;
    if (count > 1) return;
    setTimeout(() => {
      const voice = [...all][0]?.root.querySelector(".voice");
      if (voice) voice.textContent = WORDS.news(count, [...senders].join(", "));
      senders.clear();
      count = 0;
    }, ANNOUNCE_MS);
  };
}

/** A button where it can be opened, else only said. @param {ShadowRoot} root @param {{ title: string, body: string, onOpen: (() => void) | null }} what */
function toast(root, { title, body, onOpen }) {
  const how = onOpen ? { type: "button", onclick: () => (one.remove(), onOpen()) } : {};
  /** @type {HTMLElement} */
  const one = el(onOpen ? "button" : "div", { ...how, class: "toast" }, el("strong", {}, el("bdi", {}, title)), el("bdi", {}, body));
  root.querySelector(".toasts")?.replaceChildren(one);
  const go = () => (one.matches(":hover, :focus") ? setTimeout(go, TOAST_MS) : one.remove());
  setTimeout(go, TOAST_MS);
}
