/** The seller's desk: the conversations in which the person sells, those that wait for an answer first. */

import "../widget/inbox-element.js";
import { loadItems } from "./catalogue.js";
import { el, find } from "./dom.js";
import { parley, startPage } from "./page.js";

/** @typedef {import("../client/store.js").Conversation} Conversation */
/** @typedef {import("../client/listing.js").Listing} Listing */

const SELLS = "seller";

startPage(async ({ person, connection, signal }) => {
  watchReading(signal);
  const inbox = parley("parley-inbox", connection, { as: SELLS, "needs-reply": true, share: "/" });
  find("#inbox", HTMLElement).replaceChildren(inbox);
  const offered = (await loadItems()).filter(
    ({ kind, seller }) => kind !== "request" && seller.id === person.id,
  ).length;
  const listing = connection.list({ role: SELLS, limit: 100 });
  let isKnown = false; // and stays so: what is loaded anew is shown as it was until then
  const show = () => {
    isKnown ||= !listing.isLoading && listing.problem === null;
    const unread = connection.me === null ? null : connection.unread.seller;
    showSummary(listing, { me: person.id, isKnown, unread, offered });
  };
  listing.on("change", show);
  connection.on("change", show, { signal });
  show();
});

/** On a phone a conversation that is open needs the room of the summary. @param {AbortSignal} signal */
function watchReading(signal) {
  const mark = (/** @type {boolean} */ is) => document.body.classList.toggle("is-reading", is);
  document.addEventListener("parley-open", () => mark(true), { signal });
  document.addEventListener("parley-close", () => mark(false), { signal });
}

/**
 * @param {Listing} listing
 * @param {{ me: string, isKnown: boolean, unread: number | null, offered: number }} known
 */
function showSummary({ conversations, hasMore }, { me, isKnown, unread, offered }) {
  const open = conversations.filter(({ state }) => state === "open");
  const waiting = open.filter((conversation) => needsReply(conversation, me)).length;
  const seen = (/** @type {number} */ count) => (isKnown ? `${count}${hasMore ? "+" : ""}` : "–");
  const isOne = isKnown && waiting === 1 && !hasMore;
  find("#summary", HTMLElement).replaceChildren(
    figure(seen(waiting), isOne ? "waits for your answer" : "wait for your answer", isKnown && waiting > 0),
    figure(unread === null ? "–" : String(unread), "unread"),
    figure(seen(open.length), "conversations"),
    figure(String(offered), "items on offer"),
  );
}

/**
 * The other side had the last word.
 * @param {Conversation} conversation
 * @param {string} me
 */
function needsReply({ last_message: last }, me) {
  return last !== null && last.kind !== "system" && last.sender_id !== me;
}

/**
 * @param {string} count
 * @param {string} name
 * @param {boolean} [wants]
 */
function figure(count, name, wants = false) {
  return el("div", { class: wants && "wants" }, el("dt", {}, name), el("dd", {}, count));
}
