/** `<parley-thread>`, `<parley-inbox>` and `<parley-launcher>`: importing this defines them. */

// All that a thread needs stands here, so that browsers fetch it at once and not file after file.
import "../client/connection.js";
import "./composer.js";
import "./head.js";
import "./rows.js";
import "./styles.js";
import "./thread-view.js";
import { ParleyInbox } from "./inbox-element.js";
import { ParleyLauncher } from "./launcher-element.js";
import { ParleyThread } from "./thread-element.js";

export { say } from "./words.js";
export { ParleyInbox, ParleyLauncher, ParleyThread };

const ELEMENTS = { "parley-thread": ParleyThread, "parley-inbox": ParleyInbox, "parley-launcher": ParleyLauncher };

for (const [name, kind] of Object.entries(ELEMENTS)) {
  if (!customElements.get(name)) customElements.define(name, kind);
}
