/**
 * Who sits before this page. In a real shop its own login says so, and its back end makes the token; the demo gives one
 * to whoever asks. `?user=bea` chooses, so two windows can hold two people; the token stays in memory.
 */

import { createApi } from "../client/client.js";
import { el } from "./dom.js";

/** @typedef {{ id: string, name: string, getToken: import("../client/client.js").GetToken }} Person */

const CAST = [
  { id: "bea", name: "Bea, buys" },
  { id: "ben", name: "Ben, buys" },
  { id: "sol", name: "Sol, sells" },
  { id: "sam", name: "Sam, sells" },
];

const demo = createApi({ url: "/demo" });

/**
 * @param {string} fallback Who it is when the address does not say.
 * @returns {Promise<Person>}
 */
export async function logIn(fallback) {
  const id = chosen(fallback);
  let login = await demo.post(`/logins/${id}`);
  return {
    id,
    name: login.name,
    getToken: async ({ isExpired } = { isExpired: false }) => {
      if (isExpired) login = await demo.post(`/logins/${id}`);
      return login.token;
    },
  };
}

/**
 * The switch: a link for each of the cast, to this page as them.
 * @param {HTMLElement} root
 * @param {string} fallback
 */
export function showCast(root, fallback) {
  const id = chosen(fallback);
  const links = CAST.map((one) =>
    el("a", { href: `?user=${one.id}`, "aria-current": one.id === id && "true" }, one.name),
  );
  root.replaceChildren("Logged in as", ...links);
}

/** @param {string} fallback */
function chosen(fallback) {
  const wanted = new URLSearchParams(location.search).get("user");
  return CAST.find(({ id }) => id === wanted)?.id ?? fallback;
}
