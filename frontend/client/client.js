/**
 * The calls of Parley, for pages: each throws `Problem` when it is refused. No DOM, and no state of conversations (see
 * `store.js`); events come by `stream.js`.
 */

/**
 * `isExpired`: the last one was refused, get a new one. Rejects where it cannot: that is as if the server were away,
 * unless it is a `Problem`.
 * @typedef {(why?: { isExpired: boolean }) => string | Promise<string>} GetToken
 */
/**
 * @typedef {object} CallOptions
 * @property {Record<string, string | number | null | undefined>} [query] Empty ones are left out.
 * @property {unknown} [body]
 * @property {AbortSignal} [signal]
 */

const CALL_MS = 15_000;
const TOKEN_MS = 15_000;

/** A refusal: `code` is the server's stable word, or `unreachable` when no answer came; `cause`: what kept it away. */
export class Problem extends Error {
  /**
   * @param {{ code: string, status: number, detail: string, data?: any, retryAfterMs?: number, cause?: unknown }} said
   */
  constructor({ code, status, detail, data = {}, retryAfterMs = 0, cause }) {
    super(detail, { cause });
    this.name = "Problem";
    this.code = code;
    this.status = status;
    this.data = data;
    this.retryAfterMs = retryAfterMs;
  }

  /** Whether it came from something in between, or from nowhere: the server did not say this. */
  get isForeign() {
    return ["unreachable", "foreign", "unknown"].includes(this.code);
  }
}

/**
 * The calls below one URL. Each throws `Problem`, and gets a new token once when the old one is refused.
 * @param {{ url: string, getToken?: GetToken }} options Without `getToken`: calls that are open to all.
 */
export function createApi({ url, getToken }) {
  /**
   * @param {string} method
   * @param {string} path
   * @param {CallOptions} options
   * @returns {Promise<any>}
   */
  async function call(method, path, options) {
    try {
      return await attempt(method, path, options, false);
    } catch (error) {
      if (!getToken || !(error instanceof Problem) || error.status !== 401) throw error;
      return attempt(method, path, options, true);
    }
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {CallOptions} options
   * @param {boolean} isExpired
   */
  async function attempt(method, path, { query, body, signal }, isExpired) {
    const headers = new Headers();
    if (body !== undefined) headers.set("Content-Type", "application/json");
    const text = body === undefined ? null : JSON.stringify(body);
    const cut = cutBy(signal);
    let timer = 0;
    try {
      if (getToken) headers.set("Authorization", `Bearer ${await getToken({ isExpired })}`);
      timer = setTimeout(() => cut.abort(), CALL_MS);
      const response = await fetch(url + path + queryText(query), { method, headers, body: text, signal: cut.signal });
      if (!response.ok) throw await problemOf(response);
      return response.status === 204 ? null : await response.json();
    } catch (error) {
      signal?.throwIfAborted();
      throw error instanceof Problem ? error : unreachable(error);
    } finally {
      clearTimeout(timer);
      cut.abort();
    }
  }

  return {
    /** @param {string} path @param {CallOptions} [options] */
    get: (path, options = {}) => call("GET", path, options),
    /** @param {string} path @param {CallOptions} [options] */
    post: (path, options = {}) => call("POST", path, options),
    /** @param {string} path @param {CallOptions} [options] */
    put: (path, options = {}) => call("PUT", path, options),
    /** @param {string} path @param {CallOptions} [options] */
    patch: (path, options = {}) => call("PATCH", path, options),
    /** @param {string} path @param {CallOptions} [options] */
    delete: (path, options = {}) => call("DELETE", path, options),
  };
}

/** @typedef {ReturnType<typeof createApi>} Api */

/**
 * A `client_id`: a random UUID (RFC 9562, version 4). `crypto.randomUUID` is missing on plain HTTP.
 * @returns {string}
 */
export function newClientId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/**
 * @param {Response} response
 * @returns {Promise<Problem>}
 */
export async function problemOf(response) {
  const data = await response.json().catch(() => ({}));
  return new Problem({
    code: typeof data.code === "string" ? data.code : "unknown",
    status: response.status,
    detail: typeof data.detail === "string" ? data.detail : `The server answered ${response.status}.`,
    data,
    retryAfterMs: (Number(response.headers.get("Retry-After")) || 0) * 1000,
  });
}

/** @param {unknown} cause */
function unreachable(cause) {
  return new Problem({ code: "unreachable", status: 0, detail: "The server cannot be reached.", cause });
}

/**
 * A `getToken` that ends: what fails, takes too long, or is no token but an error's page, is as if the server were away.
 * @param {GetToken} getToken
 * @returns {(why?: { isExpired: boolean }) => Promise<string>}
 */
export const patientToken = (getToken) => async (why) => {
  try {
    const token = await Promise.race([getToken(why), new Promise((_, reject) => setTimeout(reject, TOKEN_MS))]);
    if (/^[\w.-]+$/.test(token)) return token;
    throw new TypeError("getToken gives no token.");
  } catch (error) {
    if (error instanceof Problem) throw error;
    console.warn(error);
    throw unreachable(error);
  }
};

/**
 * Who the token is of, without asking anyone: only to tell people in one browser apart, nothing is granted for it.
 * @param {GetToken} getToken
 */
export async function personOf(getToken) {
  const token = await getToken();
  const [, claims = ""] = token.split(".");
  try {
    const bytes = Uint8Array.from(atob(claims.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
    return { id: String(JSON.parse(new TextDecoder().decode(bytes)).sub) };
  } catch {
    return { id: token }; // the server will say what is wrong with it
  }
}

/** @param {Record<string, string | number | null | undefined>} [query] */
export function queryText(query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return text && `?${text}`;
}

/**
 * A controller that aborts with `signal`, or by itself.
 * @param {AbortSignal} [signal]
 */
export function cutBy(signal) {
  const cut = new AbortController();
  if (signal?.aborted) cut.abort();
  signal?.addEventListener("abort", () => cut.abort(), { signal: cut.signal });
  return cut;
}
