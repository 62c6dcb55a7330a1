/** One line that says why nothing new may come. It stays away while all is well. */

import { el, fill } from "./dom.js";
import { WORDS, problemText } from "./words.js";

/** @typedef {import("../client/parley.js").Connection} Connection */

/** @param {Connection} connection @param {AbortSignal} signal */
export function createBanner(connection, signal) {
  const banner = el("p", { class: "banner", role: "status" });
  const show = () => {
    const said = textFor(connection.status);
    fill(banner, said, () => [said]);
    banner.hidden = said === "";
  };
  connection.on("change", show, { signal });
  show();
  return banner;
}

/** @param {import("../client/parley.js").Status} status */
function textFor({ phase, isLate, isLimited, problem }) {
  if (phase === "signed_out") return problem?.status === 403 ? problemText(problem) : WORDS.signed_out;
  if (isLate) return WORDS.reconnecting;
  return isLimited && phase === "live" ? WORDS.limited : "";
}

/**
 * In place of what could not be loaded. What does not exist is not asked for again.
 * @param {unknown} error
 * @param {() => void} again
 */
export function apology(error, again) {
  const problem = /** @type {import("../client/client.js").Problem} */ (error);
  const isFinal = problem.status === 401 || problem.status === 404;
  const text = isFinal ? problemText(problem) : `${WORDS.cannot_load} ${problemText(problem)}`;
  const retry = problem.status !== 404 && el("button", { type: "button", class: "quiet", onclick: again }, WORDS.retry);
  return el("div", { class: "empty whole" }, el("p", { role: "alert" }, text), retry);
}
