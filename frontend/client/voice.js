/** Whom a connection tells what. */

/** @typedef {import("./store.js").Message} Message */
/** @typedef {import("./store.js").Conversation} Conversation */
/**
 * @typedef {{ change: [], message: [{ message: Message, conversation: Conversation }], typing: [{ conversation_id: string }],
 *   event: [{ type: string, data: any }] }} Heard
 */

/**
 * @param {{ onChange: () => void, signal: AbortSignal }} options `onChange`: before anybody else hears of a change.
 */
export function createVoice({ onChange, signal }) {
  /** @type {{ [Name in keyof Heard]: Set<(...said: Heard[Name]) => void> }} */
  const listeners = { change: new Set(), message: new Set(), typing: new Set(), event: new Set() };
  let isChangeDue = false;
  /** Told since the last frame was drawn. */
  let isTold = false;
  const soon = new MessageChannel();
  soon.port1.onmessage = tellChange;
  signal.addEventListener("abort", () => soon.port1.close());
  // The frame that was waited for does not come any more.
  document.addEventListener("visibilitychange", () => void setTimeout(tellChange), { signal });

  /**
   * @template {keyof Heard} Name
   * @param {Name} name
   * @param {Heard[Name]} said
   */
  function tell(name, ...said) {
    for (const listener of listeners[name]) listener(...said);
  }

  function tellChange() {
    if (!isChangeDue || signal.aborted) return;
    isChangeDue = false;
    isTold = true;
    requestAnimationFrame(() => (isTold = false));
    onChange();
    tell("change");
  }

  return {
    tell,
    /**
     * Tell of a change once, however many there are: when the task is done, so that it is drawn before the next frame is
     * due; after that with each frame. Where no frames are drawn, soon.
     */
    changed() {
      if (isChangeDue) return;
      isChangeDue = true;
      if (document.visibilityState !== "visible") setTimeout(tellChange);
      else if (isTold) requestAnimationFrame(tellChange);
      else soon.port2.postMessage(null);
    },
    /**
     * @template {keyof Heard} Name
     * @param {Name} name `change`: state, unread or status, at most twice a frame. `message`: somebody else's, at once.
     *   `event`: every one of the log, and `reset` when the state was loaded anew.
     * @param {(...said: Heard[Name]) => void} listener
     * @param {{ signal?: AbortSignal }} [options]
     * @returns {() => void} Stops it.
     */
    on(name, listener, { signal: until } = {}) {
      listeners[name].add(listener);
      const off = () => void listeners[name].delete(listener);
      until?.addEventListener("abort", off, { once: true });
      return off;
    },
  };
}
