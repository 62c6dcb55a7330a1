/** Whom a connection tells what. */

/** @typedef {import("./store.js").Message} Message */
/** @typedef {import("./store.js").Conversation} Conversation */
/** @typedef {{ change: [], message: [{ message: Message, conversation: Conversation }], typing: [{ conversation_id: string }] }} Heard */

/**
 * @param {{ onChange: () => void, signal: AbortSignal }} options `onChange`: before anybody else hears of a change.
 */
export function createVoice({ onChange, signal }) {
  /** @type {{ [Name in keyof Heard]: Set<(...said: Heard[Name]) => void> }} */
  const listeners = { change: new Set(), message: new Set(), typing: new Set() };
  let isChangeDue = false;

  /**
   * @template {keyof Heard} Name
   * @param {Name} name
   * @param {Heard[Name]} said
   */
  function tell(name, ...said) {
    for (const listener of listeners[name]) listener(...said);
  }

  function tellChange() {
    isChangeDue = false;
    if (signal.aborted) return;
    onChange();
    tell("change");
  }

  return {
    tell,
    /** Tell of a change once, however many there are: with the next frame, or soon where no frames are drawn. */
    changed() {
      if (isChangeDue) return;
      isChangeDue = true;
      if (document.visibilityState === "visible") requestAnimationFrame(tellChange);
      else setTimeout(tellChange);
    },
    /**
     * @template {keyof Heard} Name
     * @param {Name} name `change`: state, unread or status, at most once a frame. `message`: somebody else's, at once.
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
