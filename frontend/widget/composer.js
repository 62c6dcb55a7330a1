/** The input: grows to six lines, keeps drafts, counts near the limit, shares items, edits, replies. */

import { card } from "./bubbles.js";
import { ICONS, el, icon } from "./dom.js";
import { WORDS, suggestionsFor } from "./words.js";

/** @typedef {import("../client/parley.js").Thread} Thread */
/** @typedef {import("../client/store.js").Context} Context */
/** @typedef {import("../client/store.js").Message} Message */

const BODY_CHARACTERS_MAX = 4_000;
const COUNT_FROM = 3_600;

/**
 * @param {Thread} thread
 * @param {{ items: () => Context[], onSent: () => void }} options `items`: what can be shared.
 */
export function createComposer(thread, { items, onSent }) {
  const isTouch = matchMedia("(pointer: coarse)").matches;
  const input = el("textarea", {
    rows: 1,
    "aria-label": WORDS.write,
    placeholder: WORDS.write,
    dir: "auto",
    enterkeyhint: isTouch ? "enter" : "send",
    oninput: () => typed(),
    onkeydown: (/** @type {KeyboardEvent} */ event) => pressed(event),
  });
  const count = el("span", { class: "count", role: "status" });
  const share = el(
    "button",
    { type: "button", class: "plain", "aria-label": WORDS.share, "aria-expanded": "false", onclick: () => toggle() },
    icon(ICONS.share),
  );
  const menu = el("div", { class: "popover share-menu", role: "menu", hidden: true });
  const about = el("div", { class: "about-draft", hidden: true });
  const suggestions = el("div", { class: "suggestions", hidden: true });
  const send = el("button", { type: "submit", class: "send", "aria-label": WORDS.send }, icon(ICONS.send));
  const form = el("form", { class: "composer", onsubmit: submit }, suggestions, about, menu, share, input, count, send);
  /** What the text will change, or answer. @type {{ kind: "edit" | "reply", message: Message } | null} */
  let target = null;
  input.value = thread.draft;

  /** @param {KeyboardEvent} event */
  function pressed(event) {
    if (event.key === "Escape" && (target !== null || !menu.hidden)) {
      event.stopPropagation();
      forget();
      if (!menu.hidden) toggle();
    } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing && !isTouch) {
      event.preventDefault();
      form.requestSubmit();
    }
  }

  function typed() {
    grow();
    if (target?.kind !== "edit") thread.typing(input.value);
  }

  function grow() {
    input.style.height = "auto";
    input.style.height = `${input.scrollHeight}px`;
    const length = [...input.value].length;
    count.textContent = length >= COUNT_FROM ? String(BODY_CHARACTERS_MAX - length) : "";
    count.classList.toggle("over", length > BODY_CHARACTERS_MAX);
    send.disabled = input.value.trim() === "" || length > BODY_CHARACTERS_MAX;
  }

  /** @param {Event} event */
  function submit(event) {
    event.preventDefault();
    const body = input.value.trim();
    if (send.disabled || body === "") return;
    const doing = target;
    forget();
    input.value = doing?.kind === "edit" ? thread.draft : "";
    if (doing?.kind === "edit") void change(doing.message, body);
    else thread.send({ body, reply_to: doing?.message.id ?? null });
    grow();
    onSent();
  }

  /** @param {Message} message @param {string} body */
  async function change(message, body) {
    try {
      await thread.edit(message.id, body);
    } catch (error) {
      aim("edit", message);
      input.value = body;
      about.append(el("span", { class: "refused", role: "alert" }, error instanceof Error ? ` ${error.message}` : ""));
      grow();
    }
  }

  /** Take a message to change or to answer. @param {"edit" | "reply"} kind @param {Message} message */
  function aim(kind, message) {
    target = { kind, message };
    about.replaceChildren(
      el("span", {}, `${kind === "edit" ? WORDS.edit : WORDS.reply}: `, el("bdi", {}, message.body.slice(0, 80))),
      el("button", { type: "button", class: "plain", "aria-label": WORDS.cancel, onclick: forget }, icon(ICONS.close)),
    );
    about.hidden = false;
    if (kind === "edit") input.value = message.body;
    grow();
    input.focus();
  }

  function forget() {
    if (target?.kind === "edit") input.value = thread.draft;
    target = null;
    about.hidden = true;
    grow();
  }

  function toggle() {
    menu.hidden = !menu.hidden;
    share.setAttribute("aria-expanded", String(!menu.hidden));
    if (menu.hidden) return input.focus();
    const all = items();
    menu.replaceChildren(
      ...(all.length > 0 ? all.map(choice) : [el("p", {}, WORDS.nothing_to_share)]),
    );
    menu.querySelector("button")?.focus();
  }

  /** @param {Context} context */
  function choice(context) {
    const pick = () => {
      toggle();
      thread.send({ body: "", kind: "card", context });
      onSent();
    };
    return el("button", { type: "button", role: "menuitem", onclick: pick }, card({ ...context, url: null }, { isSmall: true }));
  }

  return {
    form,
    aim,
    grow,
    focus: () => input.focus(),
    /** Where nothing was said yet. */
    suggest() {
      const isNew = thread.messages.every(({ kind }) => kind === "system") && thread.pending.length === 0;
      const texts = isNew && !thread.isLoading ? suggestionsFor(thread.conversation) : [];
      if (suggestions.hidden === (texts.length === 0)) return;
      suggestions.hidden = texts.length === 0;
      suggestions.replaceChildren(
        el("p", {}, WORDS.hello),
        ...texts.map((text) => el("button", { type: "button", onclick: () => take(text) }, text)),
      );
    },
  };

  /** @param {string} text */
  function take(text) {
    input.value = text;
    typed();
    input.focus();
  }
}
