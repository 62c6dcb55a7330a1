/** The input: grows to six lines, keeps drafts, counts near the limit, shares items, edits, replies. */

import { card } from "./bubbles.js";
import { el, fill, icon, iconButton } from "./dom.js";
import { openMenu } from "./menu.js";
import { WORDS, problemText } from "./words.js";

/** @typedef {import("../client/parley.js").Thread} Thread */
/** @typedef {import("../client/store.js").Message} Message */

const BODY_CHARACTERS_MAX = 4_000;
const COUNT_FROM = 3_600;
const GROWS_BY_ITSELF = CSS.supports("field-sizing", "content");

/**
 * @param {Thread} thread
 * @param {{ items: import("./thread-view.js").ItemsToShare, onSent: () => void, lastOwn: () => Message | null }} options
 */
export function createComposer(thread, { items, onSent, lastOwn }) {
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
  const count = el("span", { class: "left", role: "status" });
  const share = iconButton("share", WORDS.share, () => shareItem(), { "aria-haspopup": "menu" });
  const about = el("div", { class: "aim", hidden: true });
  const suggestions = el("div", { class: "suggestions", hidden: true });
  const send = el("button", { type: "submit", class: "send", "aria-label": WORDS.send, title: WORDS.send }, icon("send"));
  const field = el("div", { class: "field" }, share, input, count, send);
  const form = el("form", { class: "composer", novalidate: true, onsubmit: submit }, suggestions, about, field);
  /** What the text will change, or answer. @type {{ kind: "edit" | "reply", message: Message } | null} */
  let target = null;
  input.value = thread.draft;

  /** @param {KeyboardEvent} event */
  function pressed(event) {
    if (event.isComposing) {
      event.stopPropagation(); // Escape and Enter are for what is being composed
    } else if (event.key === "Escape" && target !== null) {
      event.stopPropagation();
      forget();
    } else if (event.key === "Enter" && !event.shiftKey && !isTouch) {
      event.preventDefault();
      form.requestSubmit();
    } else if (event.key === "ArrowUp" && input.value === "" && target === null) {
      const last = lastOwn();
      if (last === null) return;
      event.preventDefault();
      aim("edit", last);
    }
  }

  function typed() {
    grow();
    suggest();
    if (target?.kind !== "edit") thread.typing(input.value);
  }

  function grow() {
    if (!GROWS_BY_ITSELF) {
      input.style.height = "auto";
      input.style.height = `${input.scrollHeight}px`;
    }
    const length = input.value.length < COUNT_FROM ? 0 : [...input.value].length;
    fill(count, length >= COUNT_FROM && length, () => (length >= COUNT_FROM ? [WORDS.left(BODY_CHARACTERS_MAX - length)] : []));
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
    if (doing?.kind === "edit") return void change(doing.message, body);
    input.value = "";
    thread.send({ body, reply_to: doing?.message.id ?? null });
    grow();
    onSent();
  }

  /** @param {Message} message @param {string} body */
  async function change(message, body) {
    if (body === message.body) return;
    try {
      await thread.edit(message.id, body);
    } catch (error) {
      if (!form.isConnected) return thread.setDraft(thread.draft || body); // one has gone elsewhere: it is kept
      aim("edit", message, problemText(/** @type {import("../client/client.js").Problem} */ (error)));
      input.value = body;
      grow();
    }
  }

  /** Take a message to change or to answer. @param {"edit" | "reply"} kind @param {Message} message @param {string} [problem] */
  function aim(kind, message, problem = "") {
    if (target?.kind === "edit") input.value = thread.draft;
    target = { kind, message };
    about.replaceChildren(
      el("p", {}, el("strong", {}, WORDS[kind]), el("bdi", {}, message.body || message.context?.title || "")),
      iconButton("close", WORDS.cancel, () => forget()),
    );
    if (problem) about.append(el("p", { class: "refused", role: "alert" }, problem));
    about.hidden = false;
    if (kind === "edit") input.value = message.body;
    grow();
    input.focus();
  }

  function forget() {
    const hadFocus = about.contains(/** @type {ShadowRoot} */ (form.getRootNode()).activeElement);
    if (target?.kind === "edit") input.value = thread.draft;
    target = null;
    about.hidden = true;
    grow();
    if (hadFocus) input.focus();
  }

  function shareItem() {
    const choices = items().map((context) => ({
      text: card(context, { isSmall: true }),
      act: () => {
        thread.send({ body: "", kind: "card", context });
        onSent();
        input.focus();
      },
    }));
    openMenu(share, choices, { label: WORDS.share, isWide: true, empty: WORDS.nothing_to_share });
  }

  /** @param {string} text */
  function take(text) {
    input.value = text;
    typed();
    input.focus();
  }

  /** Where nothing was said yet, and nothing is written. */
  function suggest() {
    const isNew = thread.messages.every(({ kind }) => kind === "system") && thread.pending.length === 0;
    const isOpen = isNew && !thread.isLoading && input.value === "";
    const texts = isOpen ? (WORDS.suggestions[thread.conversation.context?.kind ?? ""] ?? []) : [];
    suggestions.hidden = texts.length === 0;
    fill(suggestions, texts, () => [
      el("p", {}, WORDS.hello),
      ...texts.map((text) => el("button", { type: "button", onclick: () => take(text) }, text)),
    ]);
  }

  return { form, aim, grow, suggest, focus: () => input.focus() };
}
