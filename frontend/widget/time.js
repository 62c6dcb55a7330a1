/** Times in words, in the page's language and the person's habits. Local, to the minute; exact where asked for. */

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/** The person's own variant of the page's language, else the page's. @returns {string | undefined} */
export function locale() {
  const language = document.documentElement.lang;
  const base = language.split("-", 1)[0];
  try {
    return navigator.languages.find((one) => one.split("-", 1)[0] === base) ?? Intl.getCanonicalLocales(language)[0];
  } catch {
    return undefined; // a page may say anything
  }
}

/** Formats are dear to make and many are needed. @param {Intl.DateTimeFormatOptions} options @param {string} at */
function format(options, at) {
  const key = JSON.stringify([locale(), options]);
  const known = formats.get(key) ?? new Intl.DateTimeFormat(locale(), options);
  formats.set(key, known);
  return known.format(new Date(at));
}

/** @param {string} at */
export const clock = (at) => format({ hour: "numeric", minute: "2-digit" }, at);

/** @param {string} at */
export const exact = (at) => format({ dateStyle: "full", timeStyle: "medium" }, at);

/** Today's time, this week's day, else the date. @param {string} at */
export function shortTime(at) {
  const days = daysSince(at);
  if (days === 0) return clock(at);
  if (days < 7) return format({ weekday: "short" }, at);
  const isThisYear = new Date(at).getFullYear() === new Date().getFullYear();
  return format({ day: "numeric", month: "short", ...(!isThisYear && { year: "numeric" }) }, at);
}

/** The heading of a day. @param {string} at */
export function dayText(at) {
  const days = daysSince(at);
  if (days < 2) return new Intl.RelativeTimeFormat(locale(), { numeric: "auto" }).format(-days, "day");
  const isThisYear = new Date(at).getFullYear() === new Date().getFullYear();
  return format({ weekday: "long", day: "numeric", month: "long", ...(!isThisYear && { year: "numeric" }) }, at);
}

/** Two times of one day have the same. @param {string} at */
export const dayOf = (at) => new Date(at).toDateString();

/** The local day of a time, from midnight to midnight, in ms since 1970. @param {number} at */
export function dayAround(at) {
  const from = new Date(at);
  from.setHours(0, 0, 0, 0);
  const to = new Date(from);
  to.setDate(to.getDate() + 1);
  return { from: from.getTime(), to: to.getTime() };
}

const LOOK_MS = 3_600_000; // a timer stands still while the machine sleeps

/** What was today is yesterday after midnight: call it then. @param {() => void} act @param {AbortSignal} signal */
export function onNewDay(act, signal) {
  let { to } = dayAround(Date.now());
  /** @type {ReturnType<typeof setTimeout>} */
  let timer;
  const look = () => {
    if (Date.now() >= to) {
      ({ to } = dayAround(Date.now()));
      act();
    }
    timer = setTimeout(look, Math.min(LOOK_MS, to - Date.now()));
  };
  look();
  signal.addEventListener("abort", () => clearTimeout(timer));
}

/** @param {string} at */
function daysSince(at) {
  const midnight = new Date().setHours(0, 0, 0, 0);
  return Math.max(0, Math.round((midnight - new Date(at).setHours(0, 0, 0, 0)) / 86_400_000));
}
