/** What the doctor's findings mean, in words for everybody. */

/** @type {Record<string, string>} */
export const TRANSPORTS = {
  sse: "an open line",
  "sse-post": "an open line of another kind",
  "long-poll": "asking and waiting",
  "short-poll": "asking every few seconds",
};

/** @type {Record<string, string>} */
export const VERDICTS = { good: "Good", poor: "Poor", bad: "Bad" };

/** The verdict in one line. @param {string} chosen */
export function summary(chosen) {
  if (chosen === "sse" || chosen === "sse-post") return "Your connection is good";
  if (chosen === "long-poll") return "Your connection works, with small delays";
  return "Your network holds messages up";
}
