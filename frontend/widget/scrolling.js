/** Where a thread is scrolled to: it follows the end when it is near it, else what is looked at stays where it is. */

const END_PX = 100; // so near to the end, the thread follows new messages
const LOAD_PX = 600; // so near to an edge, the next page is fetched

/**
 * @param {HTMLElement} scroller
 * @param {HTMLElement} list
 * @param {{ thread: import("../client/parley.js").Thread, onMove: () => void, signal: AbortSignal }} options
 */
export function createScrolling(scroller, list, { thread, onMove, signal }) {
  let isAtEnd = true;
  let hasOpened = false;
  let isShown = false;
  /** Where it stood last: only who goes up leaves the end; that rows have come below does not mean it. */
  let lastTop = 0;

  function toBottom() {
    scroller.scrollTop = scroller.scrollHeight;
    lastTop = scroller.scrollTop;
  }

  function moved() {
    if (!hasOpened) return;
    const below = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
    const hasStayed = isAtEnd && scroller.scrollTop >= lastTop - 1;
    lastTop = scroller.scrollTop;
    isAtEnd = (below < END_PX || hasStayed) && !thread.hasNewer;
    if (thread.problem === null) {
      if (scroller.scrollTop < LOAD_PX && thread.hasOlder) void thread.older();
      if (below < LOAD_PX && thread.hasNewer) void thread.newer();
    }
    onMove();
  }

  /**
   * The first message that can be seen, and where it ends. Its row may be drawn anew, with less on top once it is no
   * longer the first; headings of days move.
   */
  function anchor() {
    const top = scroller.getBoundingClientRect().top;
    const rows = list.querySelectorAll("[data-seq]");
    let [low, high] = [0, rows.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((rows[middle]?.getBoundingClientRect().bottom ?? 0) > top) high = middle;
      else low = middle + 1;
    }
    const row = rows[low];
    return row && { find: `[data-seq="${row.getAttribute("data-seq")}"]`, bottom: row.getBoundingClientRect().bottom };
  }

  /** The first time: at the first unread message, else at the end. */
  function open() {
    hasOpened = true;
    const first = list.querySelector(".new");
    isAtEnd = first === null;
    if (first === null) toBottom();
    else scroller.scrollTop += first.getBoundingClientRect().top - scroller.getBoundingClientRect().top - 16;
    requestAnimationFrame(moved);
  }

  scroller.addEventListener("scroll", moved, { signal, passive: true });
  // Rows come and get their real height when they are near, and the keyboard takes room: the end stays the end. Here
  // the layout is known; to ask for it after each change would be one more layout each time.
  const sizes = new ResizeObserver(() => {
    if (hasOpened && isAtEnd) toBottom();
  });
  const views = new IntersectionObserver((changes) => {
    isShown = changes.at(-1)?.isIntersecting ?? false;
    onMove();
  });
  sizes.observe(list);
  sizes.observe(scroller);
  views.observe(scroller);
  signal.addEventListener("abort", () => {
    sizes.disconnect();
    views.disconnect();
  });

  return {
    get isAtEnd() {
      return isAtEnd;
    },
    /** Whether any of it is in the window. */
    get isShown() {
      return isShown;
    },
    get hasOpened() {
      return hasOpened;
    },
    /** Change the rows; what is looked at stays where it is. @param {() => void} draw */
    keep(draw) {
      const before = isAtEnd || !hasOpened ? undefined : anchor();
      const top = list.firstChild;
      draw();
      if (!hasOpened && !thread.isLoading && thread.problem === null) open();
      else if (isAtEnd && list.firstChild !== top) toBottom(); // old rows went: that is no going up
      else if (before !== undefined) {
        const row = list.querySelector(before.find);
        if (row !== null) scroller.scrollTop += row.getBoundingClientRect().bottom - before.bottom;
      }
    },
    /** Stay at the end from the next change on. */
    follow() {
      isAtEnd = true;
    },
    async toEnd() {
      isAtEnd = true;
      if (thread.hasNewer) await thread.toEnd();
      toBottom();
    },
    /** @param {Element} row */
    show(row) {
      isAtEnd = false; // until it turns out that it is
      row.scrollIntoView({ block: "center" });
    },
  };
}
