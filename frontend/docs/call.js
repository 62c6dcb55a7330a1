/** One call: what it takes, what it answers, and the command to try it. */

import { curlText, mediaExample } from "./curl.js";
import { el, prose, words } from "./dom.js";
import { constraintsOf, membersOf, resolve, typeText } from "./schema.js";

/** @typedef {import("./schema.js").Schema} Schema */

const COPIED_MS = 2_000;
const SCALAR = ["string", "integer", "number", "boolean"];

/**
 * @param {Schema} description
 * @param {import("./curl.js").Call} call
 */
export function callSection(description, call) {
  const { method, path, operation } = call;
  return el(
    "article",
    { id: operation.operationId, "aria-labelledby": `${operation.operationId}-name` },
    el("h3", { id: `${operation.operationId}-name` }, operation.summary ?? path),
    el("p", { class: "call" }, el("b", {}, method), " ", el("code", {}, path)),
    ...prose(operation.description ?? ""),
    ...parametersPart(description, operation.parameters ?? []),
    ...bodyPart(description, operation.requestBody),
    ...answersPart(description, operation.responses ?? {}),
    el("h4", {}, "Try it"),
    copyable(curlText(description, location.origin, call)),
  );
}

/**
 * @param {Schema} description
 * @param {Schema[]} parameters
 */
function parametersPart(description, parameters) {
  if (parameters.length === 0) return [];
  const parts = parameters.flatMap(({ name, in: place, required, schema = {}, ...said }) => {
    const described = { ...schema, description: said.description ?? schema.description };
    const member = { name, note: `in ${place}`, isRequired: required === true, schema: described };
    return memberPart(description, member, []);
  });
  return [el("h4", {}, "Parameters"), el("dl", {}, ...parts)];
}

/**
 * @param {Schema} description
 * @param {Schema | undefined} body
 */
function bodyPart(description, body) {
  if (body === undefined) return [];
  const parts = Object.entries(body.content ?? {}).flatMap(([type, media]) => [
    el("h4", {}, "Body, ", el("code", {}, type), body.required ? "" : " (optional)"),
    ...prose(body.description ?? ""),
    schemaPart(description, media.schema ?? {}, []),
    ...namedExamples(media.examples ?? {}),
  ]);
  return parts;
}

/** @param {Record<string, Schema>} examples All but the first: that one stands in the command. */
function namedExamples(examples) {
  return Object.entries(examples)
    .slice(1)
    .flatMap(([name, { summary = name, value }]) => [
      el("p", {}, ...words(summary), ":"),
      el("pre", { tabindex: 0 }, JSON.stringify(value, null, 2)),
    ]);
}

/**
 * @param {Schema} description
 * @param {Record<string, Schema>} responses
 */
function answersPart(description, responses) {
  const parts = Object.entries(responses).map(([status, given]) => {
    const response = resolve(description, given);
    const [[type, media] = ["", null]] = Object.entries(response.content ?? {});
    const summary = el("summary", {}, el("b", {}, status), " ", ...words(response.description ?? ""));
    if (media === null || media.schema === undefined) return el("p", { class: "answer" }, ...summary.childNodes);
    return el(
      "details",
      { class: "answer" },
      summary,
      el("p", {}, el("code", {}, type)),
      schemaPart(description, media.schema, []),
      type.endsWith("json") && el("pre", { tabindex: 0 }, JSON.stringify(mediaExample(description, media), null, 2)),
    );
  });
  return [el("h4", {}, "Answers"), ...parts];
}

/**
 * A schema's members; of a list, those of its items.
 * @param {Schema} description
 * @param {Schema} given
 * @param {string[]} inside Names of the schemas around, against endless ones.
 * @returns {HTMLElement}
 */
function schemaPart(description, given, inside) {
  const schema = resolve(description, given);
  const members = membersOf(schema.items ? resolve(description, schema.items) : schema);
  const name = typeText(given);
  if (members.length === 0) return el("p", {}, el("code", {}, name), " ", ...words(remarks(schema)));
  return el(
    "dl",
    {},
    ...members.flatMap((member) => memberPart(description, { ...member, note: "" }, [...inside, name])),
  );
}

/**
 * @param {Schema} description
 * @param {{ name: string, note: string, isRequired: boolean, schema: Schema }} member
 * @param {string[]} inside
 */
function memberPart(description, { name, note, isRequired, schema }, inside) {
  const facts = [typeText(schema), note, isRequired ? "required" : ""].filter(Boolean).join(", ");
  return [
    el("dt", {}, el("code", {}, name), " ", el("small", {}, facts)),
    el("dd", {}, ...words(remarks(schema)), ...nested(description, schema, inside)),
  ];
}

/**
 * What an object inside consists of, folded.
 * @param {Schema} description
 * @param {Schema} schema
 * @param {string[]} inside
 */
function nested(description, schema, inside) {
  const target = resolve(description, schema);
  const item = target.items ? resolve(description, target.items) : target;
  const isEndless = inside.includes(typeText(schema));
  if (isEndless || SCALAR.includes(item.type) || membersOf(item).length === 0) return [];
  return [el("details", {}, el("summary", {}, "Members"), schemaPart(description, schema, inside))];
}

/** @param {Schema} schema */
function remarks(schema) {
  const example = schema.example ?? schema.examples?.[0];
  const facts = constraintsOf(schema);
  if (example !== undefined) facts.push(`as in \`${JSON.stringify(example)}\``);
  const text = facts.join("; ");
  return [schema.description, text.slice(0, 1).toUpperCase() + text.slice(1)].filter(Boolean).join(" ");
}

/** @param {string} text */
function copyable(text) {
  const code = el("pre", { tabindex: 0 }, text);
  const button = el("button", { type: "button" }, "Copy");
  const said = el("span", { role: "status" });
  button.addEventListener("click", async () => {
    said.textContent = (await copy(text, code)) ? "Copied" : "Selected: copy it with the keyboard";
    setTimeout(() => (said.textContent = ""), COPIED_MS);
  });
  return el("div", { class: "copyable" }, code, button, " ", said);
}

/**
 * @param {string} text
 * @param {Node} code Selected where the clipboard is out of reach (plain HTTP).
 */
async function copy(text, code) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    getSelection()?.selectAllChildren(code);
    return false;
  }
}
