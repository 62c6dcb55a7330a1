/** Who the page speaks as. */

/**
 * Who the token is of, without asking anyone: only to tell people in one browser apart, nothing is granted for it.
 * @param {import("./client.js").GetToken} getToken
 */
export async function personOf(getToken) {
  const [, claims = ""] = (await getToken()).split(".");
  try {
    const bytes = Uint8Array.from(atob(claims.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
    return { id: String(JSON.parse(new TextDecoder().decode(bytes)).sub) };
  } catch {
    return { id: claims };
  }
}
