/** The connection doctor: runs the checks, and says in plain words what they found. */

import { connect } from "../client/parley.js";
import { TRANSPORTS, VERDICTS, summary } from "./words.js";

/** @typedef {Awaited<ReturnType<ReturnType<typeof connect>["diagnose"]>>} Diagnosis */

const DEMO_PERSON = "bea";
const CHECKING = "Checking. This can take a minute: some of it is waiting and listening.";

/** @param {string} id */
const find = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
const field = /** @type {HTMLInputElement} */ (find("token"));

let isChecking = false;
const given = new URLSearchParams(location.hash.slice(1)).get("token");
const known = given ?? (await demoToken());
find("key").hidden = known !== null;
find("form").addEventListener("submit", (event) => {
  event.preventDefault();
  check();
});
find("copy").addEventListener("click", copy);

/** In a demo whoever asks gets a token; elsewhere there is no such call. @returns {Promise<string | null>} */
async function demoToken() {
  try {
    const response = await fetch(`/demo/logins/${DEMO_PERSON}`, { method: "POST" });
    return response.ok ? (await response.json()).token : null;
  } catch {
    return null;
  }
}

async function check() {
  if (isChecking) return;
  const token = known ?? field.value.trim();
  if (token === "") return field.focus();
  setChecking(true);
  const connection = connect({ url: "", getToken: () => token });
  try {
    show(await connection.diagnose());
    find("status").textContent = "";
    find("result").focus();
  } catch (error) {
    console.warn(error);
    find("status").textContent =
      "The server cannot be reached at all, or does not know this key. Try again in a while.";
  } finally {
    connection.close();
    setChecking(false);
  }
}

/** @param {boolean} is */
function setChecking(is) {
  isChecking = is;
  find("start").setAttribute("aria-disabled", String(is));
  find("start").textContent = is ? "Checking…" : "Check again";
  if (is) {
    find("result").hidden = true;
    find("status").textContent = CHECKING;
  }
}

/** @param {Diagnosis} diagnosis */
function show(diagnosis) {
  find("verdict").textContent = summary(diagnosis.chosen);
  find("chosen").textContent = `Messages come by ${TRANSPORTS[diagnosis.chosen] ?? diagnosis.chosen}. ${diagnosis.why}`;
  find("code").textContent = diagnosis.code;
  find("checks").replaceChildren(
    ...diagnosis.checks.map(({ name, verdict, detail }) => row(name, verdict, VERDICTS[verdict] ?? verdict, detail)),
  );
  find("transports").replaceChildren(
    ...diagnosis.transports.map(({ name, works, ready_ms, reason }) =>
      works
        ? row(
            capital(TRANSPORTS[name] ?? name),
            "good",
            "Works",
            ready_ms === null ? "" : `ready in ${Math.round(ready_ms)} ms`,
          )
        : row(capital(TRANSPORTS[name] ?? name), "bad", "Does not work", reason),
    ),
  );
  find("result").hidden = false;
}

/** @param {string} words */
function capital(words) {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/**
 * @param {string} name
 * @param {string} verdict
 * @param {string} word
 * @param {string} detail
 */
function row(name, verdict, word, detail) {
  const parts = [text("span", "", name), text("span", `verdict ${verdict}`, word)];
  if (detail) parts.push(text("p", "", detail));
  const item = document.createElement("li");
  item.append(...parts);
  return item;
}

/**
 * @param {"span" | "p"} tag
 * @param {string} className
 * @param {string} content
 */
function text(tag, className, content) {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = content;
  return element;
}

async function copy() {
  const code = find("code").textContent ?? "";
  try {
    await navigator.clipboard.writeText(code);
    find("copy").textContent = "Copied";
  } catch {
    window.getSelection()?.selectAllChildren(find("code")); // a page without TLS may not: the person copies the selection
    find("copy").textContent = "Selected: now copy it";
  }
}
