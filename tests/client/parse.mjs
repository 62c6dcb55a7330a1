// A stream's text, cut at every single byte and at all of them: always the same events.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { SseParser } from "../../frontend/client/sse.js";

const bytes = new TextEncoder().encode(JSON.parse(readFileSync(0, "utf8")).text);

const parse = (pieces) => {
  const parser = new SseParser();
  return { events: pieces.flatMap((piece) => parser.push(piece)), retryMs: parser.retryMs };
};

const whole = parse([bytes]);
for (let at = 1; at < bytes.length; at += 1) {
  assert.deepEqual(parse([bytes.subarray(0, at), bytes.subarray(at)]), whole, `cut at ${at}`);
}
assert.deepEqual(parse([...bytes].map((byte) => Uint8Array.of(byte))), whole);
process.stdout.write(JSON.stringify(whole));
