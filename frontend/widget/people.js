/** What people are called and how they are shown. */

import { others } from "../client/store.js";
import { el } from "./dom.js";
import { shortTime } from "./time.js";
import { WORDS } from "./words.js";

/** @typedef {import("../client/store.js").Conversation} Conversation */
/** @typedef {import("../client/store.js").User} User */

const TURNS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** For titles and notifications, where nothing isolates: without the letters that turn the direction of writing. @param {string} text */
export const plain = (text) => text.replace(TURNS, "");

/** A name that can be seen: one of spaces and invisible letters is none. @param {{ name: string, id: string } | undefined} user */
export function nameOf(user) {
  const name = plain(user?.name ?? "").trim();
  const isSeen = /[\p{L}\p{N}\p{S}\p{P}]/u.test(name.replace(/\p{Default_Ignorable_Code_Point}/gu, ""));
  return isSeen ? name : user?.id || WORDS.someone;
}

/** Whom the conversation is with. @param {Conversation} conversation @param {string} me */
export function namesOf(conversation, me) {
  const present = others(conversation, me);
  const people = present.length > 0 ? present : conversation.participants.filter(({ user }) => user.id !== me);
  return people.map(({ user }) => nameOf(user)).join(", ") || WORDS.someone;
}

/** The user of a message, also one that has left. @param {Conversation} conversation @param {string} id @returns {User} */
export function userOf({ participants }, id) {
  return participants.find(({ user }) => user.id === id)?.user ?? { id, name: "", avatar_url: null };
}

/** @param {import("../client/store.js").Presence | undefined} presence */
export function presenceText(presence) {
  if (presence === undefined) return "";
  if (presence.is_online) return plain(presence.status_text) || (presence.status === "away" ? WORDS.away : WORDS.online);
  return presence.last_seen_at === null ? WORDS.offline : WORDS.last_seen(shortTime(presence.last_seen_at));
}

/** A place on the web, or nothing: no script, no data. @param {string | null | undefined} url */
export function safeUrl(url) {
  try {
    const { protocol, href } = new URL(url ?? "", location.href);
    return url && (protocol === "https:" || protocol === "http:") ? href : null;
  } catch {
    return null;
  }
}

/** @param {User} user @param {import("../client/store.js").Presence | undefined} [presence] */
export function avatar(user, presence) {
  const picture = safeUrl(user.avatar_url);
  const presenceMark = presence?.is_online && (presence.status === "away" ? "away" : "online");
  return el(
    "span",
    { class: "avatar", "data-tone": toneOf(user.id), "aria-hidden": "true", "data-presence": presenceMark },
    picture ? el("img", { src: picture, alt: "", loading: "lazy" }) : initialsOf(nameOf(user)),
  );
}

/** @param {string} name */
function initialsOf(name) {
  const [first = "", second = ""] = name.split(/\s+/u);
  return (([...first][0] ?? "") + (/^\p{Lu}/u.test(second) ? ([...second][0] ?? "") : "")).toUpperCase();
}

/** Which of six tones somebody's picture has. @param {string} id */
function toneOf(id) {
  return [...id].reduce((sum, letter) => sum + (letter.codePointAt(0) ?? 0), 0) % 6;
}
