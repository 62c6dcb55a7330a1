/**
 * Server-Sent Events out of bytes, however they were cut (WHATWG HTML, 9.2.6). Pure: no network, no clock.
 *
 * Native EventSource can send no Authorization header; with fetch the parsing is ours.
 */

/** @typedef {{ type: string, data: string, id: string }} SseEvent `id` is the last one seen, as the standard has it. */

const LINE_END = /\r\n|\n|\r/g;

/** Feed it chunks with `push`; each answers with the events that are complete by then. */
export class SseParser {
  /** Said by the server in a `retry` field. @type {number | null} */
  retryMs = null;

  #decoder = new TextDecoder(); // keeps the bytes of a character that was cut, and drops a leading BOM
  #line = ""; // what has come of the line that is not complete
  #hasEndedInCr = false; // the next chunk may begin with the LF of a CRLF
  #type = "";
  #data = "";
  #id = "";

  /**
   * @param {Uint8Array} bytes
   * @returns {SseEvent[]}
   */
  push(bytes) {
    let text = this.#decoder.decode(bytes, { stream: true });
    if (text === "") return [];
    if (this.#hasEndedInCr && text.startsWith("\n")) text = text.slice(1);
    this.#hasEndedInCr = text === "" ? false : text.endsWith("\r");
    return this.#lines(text).flatMap((line) => this.#take(line) ?? []);
  }

  /** @param {string} text */
  #lines(text) {
    const [first = "", ...rest] = text.split(LINE_END);
    const lines = [this.#line + first, ...rest];
    this.#line = lines.pop() ?? "";
    return lines;
  }

  /**
   * @param {string} line
   * @returns {SseEvent | undefined}
   */
  #take(line) {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return undefined; // a comment
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (field === "event") this.#type = value;
    else if (field === "data") this.#data += `${value}\n`;
    else if (field === "id" && !value.includes("\0")) this.#id = value;
    else if (field === "retry" && /^[0-9]+$/.test(value)) this.retryMs = Number(value);
    return undefined;
  }

  /** @returns {SseEvent | undefined} */
  #dispatch() {
    const event = { type: this.#type || "message", data: this.#data.slice(0, -1), id: this.#id };
    const isEmpty = this.#data === "";
    this.#type = this.#data = "";
    return isEmpty ? undefined : event;
  }
}
