/** One conversation on a page of its own, by its address. */

import "../widget/thread-element.js";
import { find } from "./dom.js";
import { parley, setTitle, startPage } from "./page.js";

startPage(({ connection }) => {
  const id = location.pathname.split("/")[2] ?? "";
  const thread = parley("parley-thread", connection, { conversation: id });
  thread.addEventListener("parley-open", () => nameAfter(connection.state.conversations.get(id)));
  find("#thread", HTMLElement).replaceChildren(thread);
});

/** @param {import("../client/store.js").Conversation | undefined} conversation */
function nameAfter(conversation) {
  const topic = conversation?.context?.title || conversation?.subject || "Conversation";
  find("#topic", HTMLElement).textContent = topic;
  setTitle(topic);
}
