/**
 * Who sits before this page. In a real shop its own login says so and its back end makes the token; the demo gives one
 * to whoever asks. `?as=bea` chooses and is kept for the tab, so that two tabs can be two people; the token stays in
 * memory.
 */

/** @typedef {{ id: string, name: string, getToken: (why?: { isExpired: boolean }) => Promise<string> }} Person */
/** @typedef {{ token: string, user_id: string, name: string }} Login */

const KEPT = "feira:as";
/** Who it is when nobody was chosen, by the page's first part. */
const FALLBACKS = new Map([
  ["desk", "sol"],
  ["services", "ben"],
]);
const FALLBACK = "bea";

/** @returns {Promise<Person>} */
export async function logIn() {
  const id = chosen();
  let login = await ask(id);
  return {
    id: login.user_id,
    name: login.name,
    getToken: async ({ isExpired } = { isExpired: false }) => {
      if (isExpired) login = await ask(id);
      return login.token;
    },
  };
}

function chosen() {
  const asked = new URLSearchParams(location.search).get("as");
  if (asked !== null) sessionStorage.setItem(KEPT, asked);
  const page = location.pathname.split("/")[1] ?? "";
  return sessionStorage.getItem(KEPT) ?? FALLBACKS.get(page) ?? FALLBACK;
}

/**
 * @param {string} id
 * @returns {Promise<Login>}
 */
async function ask(id) {
  const response = await fetch(`/demo/logins/${encodeURIComponent(id)}`, { method: "POST" });
  if (response.status === 404) return strangerBecomes(FALLBACK);
  if (!response.ok) throw new Error(`The demo's login answered ${response.status}.`);
  return response.json();
}

/**
 * Somebody who is not of the cast.
 * @param {string} id
 */
function strangerBecomes(id) {
  sessionStorage.removeItem(KEPT);
  return ask(id);
}
