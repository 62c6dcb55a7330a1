/** How things are put into words: prices, names, what to say at an item. */

/** @typedef {{ amount_minor: number, currency: string }} Price */

/**
 * Without the cents where there are none, or `isExact` with them: one below the other they must line up.
 * @param {Price} price
 * @param {{ isExact?: boolean }} [how]
 */
export function priceText({ amount_minor, currency }, { isExact = false } = {}) {
  const digits =
    new Intl.NumberFormat([], { style: "currency", currency }).resolvedOptions().maximumFractionDigits ?? 2;
  const isWhole = !isExact && amount_minor % 10 ** digits === 0;
  const format = new Intl.NumberFormat([], {
    style: "currency",
    currency,
    minimumFractionDigits: isWhole ? 0 : digits,
  });
  return format.format(amount_minor / 10 ** digits);
}

/** @param {string} name */
export function firstName(name) {
  return name.split(" ", 1)[0] ?? name;
}

/** @param {string} name */
export function initials(name) {
  const [first = "", last = ""] = name.split(" ");
  return `${first.charAt(0)}${/^\p{Lu}/u.test(last) ? last.charAt(0) : ""}`;
}

/** Which of the six tones somebody's picture has. @param {string} id */
export function toneOf(id) {
  return [...id].reduce((sum, letter) => sum + (letter.codePointAt(0) ?? 0), 0) % 6;
}

/** @param {number} days */
export function daysAgo(days) {
  return new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(-days, "day");
}

/** The button that opens the conversation about an item. @param {import("./catalogue.js").Item} item */
export function askText({ kind, seller }) {
  if (kind === "request") return "Offer your help";
  return kind === "service" ? `Ask ${firstName(seller.name)}` : "Ask the seller";
}

/** @param {import("./catalogue.js").Item} item */
export function roleText({ kind }) {
  if (kind === "request") return "is looking for this";
  return kind === "service" ? "offers this" : "sells this";
}
