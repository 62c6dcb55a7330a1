/** What pages import. */

export { Problem } from "./client.js";
export { connect } from "./connection.js";
export { others, own, statusOf } from "./store.js";

/** @typedef {import("./connection.js").Connection} Connection */
/** @typedef {import("./connection.js").ConnectOptions} ConnectOptions */
/** @typedef {import("./connection.js").Status} Status */
/** @typedef {import("./thread.js").Thread} Thread */
/** @typedef {import("./listing.js").Listing} Listing */
/** @typedef {import("./outbox.js").Pending} Pending */
/** @typedef {import("./diagnose.js").Diagnosis} Diagnosis */
