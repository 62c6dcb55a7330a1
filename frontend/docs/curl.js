/** A call as a curl command that can be pasted into a shell. Pure: no DOM. */

import { exampleOf } from "./schema.js";

/** @typedef {import("./schema.js").Schema} Schema */
/** @typedef {{ method: string, path: string, operation: Schema }} Call */

/**
 * What is not known here becomes a shell variable: `$TOKEN`, `$CONVERSATION_ID`.
 * @param {Schema} document
 * @param {string} origin
 * @param {Call} call
 */
export function curlText(document, origin, { method, path, operation }) {
  const lines = [`curl${isStream(operation) ? " -N" : ""}${method === "GET" ? "" : ` -X ${method}`}`];
  lines[0] += ` "${origin}${filled(document, path, operation)}${queryOf(document, operation)}"`;
  if (needsToken(document, operation)) lines.push(`-H "Authorization: Bearer $TOKEN"`);
  const body = bodyExample(document, operation);
  if (body !== undefined) {
    lines.push(`-H "Content-Type: application/json"`, `-d ${quoted(JSON.stringify(body, null, 2))}`);
  }
  return lines.join(" \\\n  ");
}

/**
 * The body to show: the one that the description gives, else one made from the schema.
 * @param {Schema} document
 * @param {Schema} operation
 */
export function bodyExample(document, operation) {
  const [media] = Object.values(operation.requestBody?.content ?? {});
  return media === undefined ? undefined : mediaExample(document, media);
}

/**
 * @param {Schema} document
 * @param {Schema} media
 */
export function mediaExample(document, media) {
  if (media.example !== undefined) return media.example;
  const [named] = Object.values(media.examples ?? {});
  return named?.value ?? exampleOf(document, media.schema ?? {});
}

/**
 * An empty requirement means that the call is open to all.
 * @param {Schema} document
 * @param {Schema} operation
 */
function needsToken(document, operation) {
  /** @type {Schema[]} */
  const requirements = operation.security ?? document.security ?? [];
  return requirements.length > 0 && requirements.every((one) => Object.keys(one).length > 0);
}

/** @param {Schema} operation */
function isStream(operation) {
  return Object.values(operation.responses ?? {}).some((response) => response.content?.["text/event-stream"]);
}

/**
 * @param {Schema} document
 * @param {string} path
 * @param {Schema} operation
 */
function filled(document, path, operation) {
  return path.replace(/\{(\w+)\}/g, (_, name) => {
    const parameter = operation.parameters?.find((/** @type {Schema} */ one) => one.in === "path" && one.name === name);
    const value = parameter && parameterExample(document, parameter);
    return value === undefined ? `$${name.toUpperCase()}` : encodeURIComponent(String(value));
  });
}

/**
 * @param {Schema} document
 * @param {Schema} operation
 */
function queryOf(document, operation) {
  const given = (operation.parameters ?? [])
    .filter((/** @type {Schema} */ { in: place }) => place === "query")
    .map((/** @type {Schema} */ one) => [one.name, parameterExample(document, one), one.required])
    .filter((/** @type {any[]} */ [, value, isRequired]) => isRequired || value !== undefined)
    .map((/** @type {any[]} */ [name, value]) => `${name}=${encodeURIComponent(String(value ?? "…"))}`);
  return given.length > 0 ? `?${given.join("&")}` : "";
}

/**
 * An example that is meant; for what must be given, the first of its choices will do.
 * @param {Schema} document
 * @param {Schema} parameter
 */
function parameterExample(document, { example, examples, schema = {}, required }) {
  const [named] = Object.values(examples ?? {});
  const said = example ?? named?.value ?? schema.example ?? schema.examples?.[0];
  return said ?? (required && schema.enum ? exampleOf(document, schema) : undefined);
}

/** In single quotes, for a POSIX shell. @param {string} text */
function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
