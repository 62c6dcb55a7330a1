/** The number of unread messages in the tab’s title, and a dot on its icon. */

const PREFIX = /^\(\d+\+?\) /;

const WAIT_MS = 400; // what is read as it comes is no news: a title and an icon are dear to change

let shown = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let waiting;
/** @type {MutationObserver | null} */
let titles = null;

/** What was said, and by whom. With the last who says something it goes. @type {Map<AbortSignal, number>} */
const said = new Map();

/** Less at once, more after a moment. Until `signal` aborts. @param {number} total @param {AbortSignal} signal */
export function showInTab(total, signal) {
  if (!said.has(signal)) signal.addEventListener("abort", () => leave(signal));
  said.set(signal, total);
  clearTimeout(waiting);
  if (total <= shown) show(total);
  else waiting = setTimeout(() => show(total), WAIT_MS);
}

/** Pages draw their elements anew: not at once. @param {AbortSignal} signal */
function leave(signal) {
  said.delete(signal);
  clearTimeout(waiting);
  waiting = setTimeout(() => show([...said.values()].at(-1) ?? 0), WAIT_MS);
}

/** @param {number} total */
function show(total) {
  if (shown !== total) drawIcon(total > 0);
  shown = total;
  showInTitle();
  if (titles !== null) return;
  titles = new MutationObserver(showInTitle); // pages may change their title at any time
  titles.observe(document.head, { childList: true, subtree: true, characterData: true });
}

function showInTitle() {
  const title = document.title.replace(PREFIX, "");
  const wanted = shown > 0 ? `(${shown > 99 ? "99+" : shown}) ${title}` : title;
  if (document.title !== wanted) document.title = wanted;
}

/** @type {string | null} */
let plain = null;
let isDotted = false;

/** A dot on the page's own icon. @param {boolean} hasDot */
function drawIcon(hasDot) {
  const link = /** @type {HTMLLinkElement | null} */ (document.querySelector('link[rel~="icon"]'));
  if (link === null || hasDot === isDotted) return;
  plain ??= link.href;
  isDotted = hasDot;
  if (!hasDot) {
    link.href = plain;
    return;
  }
  const picture = new Image();
  picture.onload = () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 64 });
    const pen = canvas.getContext("2d");
    if (pen === null || !isDotted) return;
    pen.drawImage(picture, 0, 0, 64, 64);
    pen.fillStyle = "#d92d20";
    pen.beginPath();
    pen.arc(46, 18, 17, 0, 2 * Math.PI);
    pen.fill();
    try {
      link.href = canvas.toDataURL();
    } catch {
      // an icon from elsewhere cannot be drawn on
    }
  };
  picture.src = plain;
}
