/** The keyboard in a thread: one stop for all messages, arrows from one to the next, Enter for what can be done. */

import { focused } from "./dom.js";

const ROWS = "[data-seq], .pending";

/**
 * @param {HTMLElement} list
 * @param {AbortSignal} signal
 */
export function walkRows(list, signal) {
  /** @type {HTMLElement | null} */
  let stop = null;

  /** @param {HTMLElement | null | undefined} row */
  function stopAt(row) {
    if (!row || row === stop) return;
    for (const one of [stop, stop?.querySelector(".more")]) if (one instanceof HTMLElement) one.tabIndex = -1;
    stop = row;
    for (const one of [row, row.querySelector(".more")]) if (one instanceof HTMLElement) one.tabIndex = 0;
  }

  list.addEventListener(
    "focusin",
    ({ target }) => target instanceof Element && stopAt(/** @type {HTMLElement | null} */ (target.closest(ROWS))),
    { signal },
  );
  list.addEventListener(
    "keydown",
    (event) => {
      const row = focused(list);
      if (!(row instanceof HTMLElement) || !row.matches(ROWS)) return;
      const more = row.querySelector(".more");
      if (event.key === "Enter" && more instanceof HTMLElement) more.click();
      else {
        const rows = /** @type {HTMLElement[]} */ ([...list.querySelectorAll(ROWS)]);
        const at = rows.indexOf(row);
        const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: rows.length - 1 }[event.key];
        if (to === undefined) return;
        const next = rows[to];
        next?.focus({ preventScroll: true });
        next?.scrollIntoView({ block: "nearest" });
      }
      event.preventDefault();
    },
    { signal },
  );
  // Where nothing can hover, a touch shows what can be done.
  list.addEventListener(
    "pointerup",
    ({ target, pointerType }) => {
      if (pointerType !== "touch" || !(target instanceof Element) || target.closest("a, button")) return;
      /** @type {HTMLElement | null} */ (target.closest(ROWS))?.focus({ preventScroll: true });
    },
    { signal },
  );

  return {
    /** The focus to the row where one comes in. */
    enter: () => stop?.focus({ preventScroll: true }),
    /** The row that has the focus is about to go: it moves to the one before, or else after. @returns {boolean} Whether there is one. */
    leave() {
      const rows = /** @type {HTMLElement[]} */ ([...list.querySelectorAll(ROWS)]);
      const at = rows.findIndex((row) => row.contains(focused(list)));
      const next = rows[at - 1] ?? rows[at + 1];
      next?.focus({ preventScroll: true });
      return next !== undefined;
    },
    /** After the rows changed: the last one is where one comes in, unless another was chosen. */
    renew() {
      if (stop?.isConnected && stop.contains(focused(list))) return;
      const rows = list.lastElementChild?.querySelectorAll(ROWS); // of the last stretch
      stopAt(/** @type {HTMLElement | undefined} */ (rows?.[rows.length - 1]));
    },
  };
}
