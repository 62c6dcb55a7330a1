/** What was learnt about this network: which transports failed, until when, and how long a poll may wait. */

/** @typedef {import("./transports.js").TransportName} TransportName */
/** @typedef {{ strikes: number, until: number, hasWorked: boolean }} Record `until` in ms since 1970. */

/** From the best to the one that always works. @type {readonly TransportName[]} */
export const LADDER = ["sse", "sse-post", "long-poll", "short-poll"];
const WAITS_SECONDS = [25, 10, 4];
const STRIKES_MAX = 2;
const DEMOTED_MS = 30 * 60_000;

/**
 * @param {string} url Each server, and each kind of network as far as the browser tells, has a memory of its own.
 * @param {readonly TransportName[]} [allowed]
 */
export function createMemory(url, allowed = LADDER) {
  const kind = /** @type {any} */ (navigator).connection?.type ?? "";
  const key = `parley network ${kind} ${url}`;
  const rungs = LADDER.filter((name) => allowed.includes(name));
  /** @type {{ rungs: Partial<{ [name in TransportName]: Record }>, wait: number }} */
  let known = { rungs: {}, wait: 0 };
  try {
    known = { ...known, ...JSON.parse(localStorage.getItem(key) ?? "{}") };
  } catch {
    // no storage, or not ours: everything is found out anew
  }

  /** @param {TransportName} name @returns {Record} */
  const of = (name) => known.rungs[name] ?? { strikes: 0, until: 0, hasWorked: false };

  /** @param {Partial<typeof known>} change */
  function learn(change) {
    known = { ...known, ...change };
    try {
      localStorage.setItem(key, JSON.stringify(known));
    } catch {
      // it is known as long as the page lives
    }
  }

  /** @param {TransportName} name @param {Partial<Record>} change */
  const note = (name, change) => learn({ rungs: { ...known.rungs, [name]: { ...of(name), ...change } } });

  return {
    /** The best that is not known to fail. @returns {TransportName} */
    best() {
      const now = Date.now();
      return rungs.find((name) => of(name).until <= now) ?? rungs[rungs.length - 1] ?? "short-poll";
    },
    /** When a better one than this is due for another try (ms from now); Infinity: never. @param {TransportName} name */
    retryInMs(name) {
      const better = rungs.slice(0, rungs.indexOf(name)).map((one) => of(one).until - Date.now());
      return Math.max(0, Math.min(Infinity, ...better));
    },
    /** It failed where a plain request went through; false: there is no other. @param {TransportName} name */
    strike(name) {
      if (name === rungs[rungs.length - 1]) return false;
      const { strikes, hasWorked } = of(name);
      const isOut = !hasWorked || strikes + 1 >= STRIKES_MAX;
      note(name, isOut ? { strikes: 0, until: Date.now() + DEMOTED_MS } : { strikes: strikes + 1 });
      return true;
    },
    /** It has carried events for a while. @param {TransportName} name */
    praise(name) {
      const { strikes, hasWorked } = of(name);
      if (!hasWorked || strikes > 0) note(name, { strikes: 0, until: 0, hasWorked: true });
    },
    /** How long a long poll may wait. */
    waitSeconds: () => WAITS_SECONDS[known.wait] ?? 4,
    /** A poll was cut while it waited; false: there is no shorter one. */
    waitLess() {
      const wait = Math.min(known.wait + 1, WAITS_SECONDS.length - 1);
      const isShorter = wait > known.wait;
      learn({ wait });
      return isShorter;
    },
  };
}

/** @typedef {ReturnType<typeof createMemory>} Memory */
