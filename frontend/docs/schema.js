/** JSON Schema as OpenAPI 3.1 uses it: references, types in words, and examples made from it. Pure: no DOM. */

/** @typedef {Record<string, any>} Schema */

const EXAMPLE_ID = "0192f0c1-2b7e-7c55-9a4e-6f1d2c3b4a59";
const EXAMPLE_TIME = "2025-06-01T09:30:00Z";
const RANGES = [
  { from: "minLength", to: "maxLength", unit: "characters" },
  { from: "minItems", to: "maxItems", unit: "items" },
  { from: "minProperties", to: "maxProperties", unit: "members" },
  { from: "minimum", to: "maximum", unit: "" },
];

/**
 * The schema itself, behind references and behind "this or null".
 * @param {Schema} document
 * @param {Schema} schema
 * @returns {Schema}
 */
export function resolve(document, schema) {
  const target = schema.$ref ? lookUp(document, schema.$ref) : schema;
  const kinds = alternatives(target).filter((kind) => kind.type !== "null");
  if (kinds.length !== 1 || kinds[0] === undefined) return target;
  const { oneOf: _, anyOf: __, ...beside } = target;
  return { ...resolve(document, kinds[0]), ...beside };
}

/**
 * @param {Schema} schema
 * @returns {string} Such as `string (uuid) or null`.
 */
export function typeText(schema) {
  if (schema.$ref) return nameOf(schema.$ref);
  const kinds = alternatives(schema);
  if (kinds.length > 0) return kinds.map(typeText).join(" or ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((/** @type {unknown} */ one) => JSON.stringify(one)).join(" | ");
  const types = [schema.type ?? "anything"].flat();
  return types.map((type) => plainTypeText(type, schema)).join(" or ");
}

/**
 * What a value must keep to, in words; `backticks` mark code.
 * @param {Schema} schema
 * @returns {string[]}
 */
export function constraintsOf(schema) {
  const found = RANGES.map(({ from, to, unit }) => rangeText(schema[from], schema[to], unit));
  if (schema.pattern) found.push(`pattern \`${schema.pattern}\``);
  if ((schema.default ?? "") !== "") found.push(`default \`${JSON.stringify(schema.default)}\``);
  return found.filter(Boolean);
}

/**
 * A value as it might be: the example that the schema gives, else one made of its parts. An object gets its required
 * members and those with an example of their own.
 * @param {Schema} document
 * @param {Schema} given
 * @param {string[]} [inside] Names of the schemas around, against endless ones.
 * @returns {any}
 */
export function exampleOf(document, given, inside = []) {
  const own = ownExample(given);
  if (own !== undefined) return own;
  if (given.$ref && inside.includes(given.$ref)) return null;
  const around = given.$ref ? [...inside, given.$ref] : inside;
  const schema = resolve(document, given);
  const said = ownExample(schema);
  if (said !== undefined) return said;
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  if (schema.default !== undefined) return schema.default;
  const [first] = alternatives(schema);
  if (first) return exampleOf(document, first, around);
  if (schema.properties) return exampleObject(document, schema, around);
  return plainExample(document, schema, around);
}

/**
 * The members of an object, required ones first.
 * @param {Schema} schema
 * @returns {{ name: string, schema: Schema, isRequired: boolean }[]}
 */
export function membersOf(schema) {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {})
    .map(([name, member]) => ({ name, schema: member, isRequired: required.has(name) }))
    .sort((a, b) => Number(b.isRequired) - Number(a.isRequired));
}

/**
 * @param {Schema} document
 * @param {Schema} schema
 * @param {string[]} inside
 */
function exampleObject(document, schema, inside) {
  const members = membersOf(schema);
  const shown = members.filter(({ schema: member, isRequired }) => isRequired || ownExample(member) !== undefined);
  const chosen = shown.length > 0 ? shown : members.slice(0, 1);
  return Object.fromEntries(chosen.map(({ name, schema: member }) => [name, exampleOf(document, member, inside)]));
}

/**
 * @param {Schema} document
 * @param {Schema} schema
 * @param {string[]} inside
 */
function plainExample(document, schema, inside) {
  const type = [schema.type].flat().find((one) => one !== "null");
  if (type === "string") return { uuid: EXAMPLE_ID, "date-time": EXAMPLE_TIME }[String(schema.format)] ?? "text";
  if (type === "integer" || type === "number") return schema.minimum ?? 0;
  if (type === "boolean") return true;
  if (type === "array") return [exampleOf(document, schema.items ?? {}, inside)];
  return type === "object" ? {} : null;
}

/** @param {Schema} schema */
function ownExample(schema) {
  return schema.example ?? (Array.isArray(schema.examples) ? schema.examples[0] : undefined);
}

/** @param {Schema} schema @returns {Schema[]} */
function alternatives(schema) {
  return schema.oneOf ?? schema.anyOf ?? schema.allOf ?? [];
}

/**
 * @param {Schema} document
 * @param {string} reference
 * @returns {Schema}
 */
function lookUp(document, reference) {
  const path = reference.replace(/^#\//, "").split("/");
  return path.reduce((place, step) => place?.[step.replace(/~1/g, "/").replace(/~0/g, "~")], document) ?? {};
}

/** @param {string} reference */
function nameOf(reference) {
  return reference.slice(reference.lastIndexOf("/") + 1);
}

/**
 * @param {string} type
 * @param {Schema} schema
 */
function plainTypeText(type, { format, items = {} }) {
  if (type === "array") return `list of ${typeText(items)}`;
  return format && type !== "null" ? `${type} (${format})` : type;
}

/**
 * @param {number | undefined} from
 * @param {number | undefined} to
 * @param {string} unit
 */
function rangeText(from, to, unit) {
  if (from === undefined && to === undefined) return "";
  if (from === undefined) return `at most ${numberText(to ?? 0)} ${unit}`.trim();
  if (to === undefined || isHuge(to)) return `at least ${numberText(from)} ${unit}`.trim();
  return `${numberText(from)} to ${numberText(to)} ${unit}`.trim();
}

/** @param {number} value */
function numberText(value) {
  return isHuge(value) ? "2⁶³ − 1" : value.toLocaleString("en");
}

/** The end of 64 bits, which JavaScript has not exactly. @param {number} value */
function isHuge(value) {
  return Math.abs(value) >= 2 ** 62;
}
