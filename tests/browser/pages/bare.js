/**
 * The engine alone, for tests to reach into: `connection`, `thread` (of `?conversation=`), and what was told meanwhile.
 */
import { connect } from "/static/client/parley.js";

const asked = new URLSearchParams(location.search);
const transports = asked.get("transports")?.split(",");
const connection = connect({ url: "", getToken: (why) => window.askToken(why ?? {}), ...(transports && { transports }) });
window.connection = connection;
window.told = { messages: [], statuses: [] };

connection.on("message", ({ message }) => window.told.messages.push(message));
connection.on("change", note);
note();

const conversationId = asked.get("conversation");
if (conversationId) window.thread = await connection.open({ conversation_id: conversationId });
else await connection.ready;
window.isOpen = true;

/** Each status once. */
function note() {
  const { phase, transport, problem } = connection.status;
  const status = [phase, transport, problem?.code ?? ""].join(" ").trim();
  if (window.told.statuses.at(-1) !== status) window.told.statuses.push(status);
}
