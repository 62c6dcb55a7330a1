/** Notifications of the browser: asked for by a gesture, one per conversation, and none for what somebody sees. */

import { plain } from "./people.js";

const WAIT_MS = 800; // another tab may show it, or it is read at once elsewhere

export const canAskToNotify = () => "Notification" in globalThis && Notification.permission === "default";

export const askToNotify = () => void Notification.requestPermission();

/** @param {import("../client/parley.js").Connection} connection */
export function createNotifier(connection) {
  const tabs = new BroadcastChannel(`parley ${connection.url} ${connection.me?.id}`);
  /** Messages that a tab in view has told of. @type {Set<string>} */
  const told = new Set();
  tabs.onmessage = ({ data }) => void told.add(String(data));

  return {
    /** This tab is in view and tells by itself. @param {string} messageId */
    tell: (messageId) => tabs.postMessage(messageId),
    /**
     * @param {import("../client/store.js").Message} message
     * @param {{ title: string, body: string, onOpen: (() => void) | null }} what
     */
    notify(message, { title, body, onOpen }) {
      if (!("Notification" in globalThis) || Notification.permission !== "granted") return;
      setTimeout(() => {
        const unread = connection.state.conversations.get(message.conversation_id)?.unread_count ?? 0;
        if (told.delete(message.id) || unread === 0 || document.visibilityState === "visible") return;
        try {
          const shown = new Notification(plain(title), { body: plain(body), tag: `parley ${message.conversation_id}` });
          shown.onclick = () => {
            window.focus();
            onOpen?.();
            shown.close();
          };
        } catch {
          // some phones only allow it to a service worker
        }
      }, WAIT_MS);
    },
  };
}
