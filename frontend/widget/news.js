/** New messages that nobody looks at: said to screen readers, shown as a toast, and by the browser where it may. */

import { el } from "./dom.js";
import { nameOf, previewOf } from "./words.js";

/** @typedef {import("../client/parley.js").Connection} Connection */

const ANNOUNCE_MS = 1_000; // what comes within a second is said as one
const TOAST_MS = 6_000;

/**
 * @param {Connection} connection
 * @param {{ root: ShadowRoot, signal: AbortSignal, isSeen: (conversationId: string) => boolean,
 *   onOpen: (conversationId: string) => void }} options
 */
export function showNews(connection, { root, signal, isSeen, onOpen }) {
  const voice = el("p", { class: "hidden", role: "status", "aria-live": "polite" });
  const toasts = el("div", { class: "toasts" });
  root.append(voice, toasts);
  /** @type {Set<string>} */
  const senders = new Set();
  let count = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  connection.on(
    "message",
    ({ message, conversation }) => {
      const user = conversation.participants.find(({ user }) => user.id === message.sender_id)?.user;
      const name = nameOf(user ?? { id: message.sender_id, name: "" });
      announce(name);
      if (conversation.is_muted || isSeen(conversation.id)) return;
      if (document.visibilityState === "visible") toast(conversation.id, name, previewOf(message));
      else notify(conversation.id, name, previewOf(message));
    },
    { signal },
  );
  signal.addEventListener("abort", () => clearTimeout(timer));

  /** @param {string} name */
  function announce(name) {
    senders.add(name);
    count += 1;
    timer ??= setTimeout(() => {
      const from = [...senders].join(", ");
      voice.textContent = count === 1 ? `New message from ${from}` : `${count} new messages from ${from}`;
      senders.clear();
      count = 0;
      timer = undefined;
    }, ANNOUNCE_MS);
  }

  /** @param {string} id @param {string} name @param {string} text */
  function toast(id, name, text) {
    const open = () => (one.remove(), onOpen(id));
    const one = el("button", { type: "button", class: "toast", onclick: open }, el("strong", {}, el("bdi", {}, name)), el("bdi", {}, text));
    toasts.replaceChildren(one);
    setTimeout(() => one.remove(), TOAST_MS);
  }

  /** One per conversation. @param {string} id @param {string} name @param {string} text */
  function notify(id, name, text) {
    if (!("Notification" in globalThis) || Notification.permission !== "granted") return;
    try {
      const shown = new Notification(name, { body: text, tag: `parley ${id}` });
      shown.onclick = () => {
        window.focus();
        onOpen(id);
        shown.close();
      };
      signal.addEventListener("abort", () => shown.close());
    } catch {
      // some phones only allow it to a service worker
    }
  }
}
