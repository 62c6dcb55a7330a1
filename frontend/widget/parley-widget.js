/** `<parley-thread>`, `<parley-inbox>` and `<parley-launcher>`: importing this defines them; so does importing one alone. */

// All that a thread needs stands here, so that browsers fetch it at once and not file after file.
import "../client/connection.js";
import "./composer.js";
import "./head.js";
import "./rows.js";
import "./styles.js";
import "./thread-view.js";

export { ParleyInbox } from "./inbox-element.js";
export { ParleyLauncher } from "./launcher-element.js";
export { ParleyThread } from "./thread-element.js";
export { say } from "./words.js";
