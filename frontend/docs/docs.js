/** The API's page: shows the OpenAPI description as it is, by tag and call, with a curl command for each. */

import { el, prose } from "./dom.js";
import { callSection } from "./call.js";

/** @typedef {import("./schema.js").Schema} Schema */
/** @typedef {import("./curl.js").Call} Call */

const METHODS = ["get", "post", "put", "patch", "delete"];

const main = /** @type {HTMLElement} */ (document.querySelector("main"));
const contents = /** @type {HTMLElement} */ (document.querySelector("#contents"));

try {
  const response = await fetch("/docs/openapi.json");
  if (!response.ok) throw new Error(`The server answered ${response.status}.`);
  show(await response.json());
  document.getElementById(location.hash.slice(1))?.scrollIntoView();
} catch (error) {
  main.replaceChildren(el("p", { role: "alert" }, `The description of the API cannot be loaded. ${String(error)}`));
}

/** @param {Schema} description */
function show(description) {
  const { title, version, description: text = "" } = description.info;
  const groups = groupsOf(description);
  const events = description["x-events"] ?? description.info["x-events"];
  document.title = `${title}: API`;
  contents.replaceChildren(
    ...groups.flatMap(({ tag, calls }) => [
      el("h2", {}, el("a", { href: `#${idOf(tag)}` }, tag)),
      el("ul", {}, ...calls.map((call) => el("li", {}, callLink(call)))),
    ]),
    ...(events ? eventLinks(Object.keys(events)) : []),
  );
  main.replaceChildren(
    el("h1", {}, `${title} API, version ${version}`),
    ...prose(text),
    el("p", {}, `OpenAPI ${description.openapi}: `, el("a", { href: "/docs/openapi.json" }, "openapi.json")),
    ...groups.map((group) => groupSection(description, group)),
    ...(events ? [eventsSection(events)] : []),
  );
}

/**
 * @param {Schema} description
 * @returns {{ tag: string, text: string, calls: Call[] }[]} In the order in which the description has them.
 */
function groupsOf(description) {
  /** @type {Map<string, Call[]>} */
  const byTag = new Map();
  for (const [path, operations] of Object.entries(description.paths)) {
    for (const method of METHODS.filter((one) => one in operations)) {
      const operation = withPathParameters(operations, operations[method]);
      const tag = operation.tags?.[0] ?? "Other";
      byTag.set(tag, [...(byTag.get(tag) ?? []), { method: method.toUpperCase(), path, operation }]);
    }
  }
  const texts = new Map((description.tags ?? []).map((/** @type {Schema} */ one) => [one.name, one.description]));
  return [...byTag].map(([tag, calls]) => ({ tag, text: String(texts.get(tag) ?? ""), calls }));
}

/**
 * @param {Schema} operations
 * @param {Schema} operation
 * @returns {Schema}
 */
function withPathParameters({ parameters = [] }, operation) {
  return { ...operation, parameters: [...parameters, ...(operation.parameters ?? [])] };
}

/** @param {Call} call */
function callLink({ method, path, operation }) {
  return el("a", { href: `#${operation.operationId}`, title: `${method} ${path}` }, operation.summary ?? path);
}

/**
 * @param {Schema} description
 * @param {{ tag: string, text: string, calls: Call[] }} group
 */
function groupSection(description, { tag, text, calls }) {
  return el(
    "section",
    {},
    el("h2", { id: idOf(tag) }, tag),
    ...prose(text),
    ...calls.map((call) => callSection(description, call)),
  );
}

/** @param {string[]} names */
function eventLinks(names) {
  return [
    el("h2", {}, el("a", { href: "#events-of-the-stream" }, "Events of the stream")),
    el("ul", {}, ...names.map((name) => el("li", {}, el("a", { href: `#event-${name}` }, name)))),
  ];
}

/** @param {Record<string, { description?: string, example?: unknown }>} events */
function eventsSection(events) {
  const parts = Object.entries(events).flatMap(([name, { description = "", example }]) => [
    el("h3", { id: `event-${name}` }, el("code", {}, name)),
    ...prose(description),
    ...(example === undefined ? [] : [el("pre", { tabindex: 0 }, exampleText(example))]),
  ]);
  return el("section", {}, el("h2", { id: "events-of-the-stream" }, "Events of the stream"), ...parts);
}

/** @param {unknown} example */
function exampleText(example) {
  return typeof example === "string" ? example : JSON.stringify(example, null, 2);
}

/** @param {string} tag */
function idOf(tag) {
  return `tag-${tag.toLowerCase().replace(/\W+/g, "-")}`;
}
