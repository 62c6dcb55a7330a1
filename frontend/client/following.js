/** A person's stream on a page: it begins with a snapshot, is woken with the page and the network, and has an end. */

import { Problem, personOf } from "./client.js";
import { patiently } from "./snapshot.js";
import { createShared } from "./tabs.js";

/**
 * @param {object} options
 * @param {string} options.api
 * @param {import("./client.js").GetToken} options.getToken
 * @param {readonly import("./transports.js").TransportName[] | undefined} options.transports
 * @param {ReturnType<typeof import("./status.js").createStatus>} options.status
 * @param {(id: string) => void} options.onPerson Who it is, as the token says.
 * @param {() => Promise<string>} options.load Loads everything anew; gives the cursor of that moment.
 * @param {(type: string, data: any) => void} options.hear
 * @param {() => void} options.onLive
 * @param {() => void} options.onWake The page or the network is back.
 * @param {AbortSignal} options.signal
 */
export function createFollowing({ api, getToken, transports, status, onPerson, load, hear, onLive, onWake, signal }) {
  /** @type {ReturnType<typeof createShared> | null} */
  let shared = null;

  /** @param {import("./status.js").Progress} progress */
  function onProgress(progress) {
    const { error } = progress;
    if (error instanceof Error && !(error instanceof Problem) && error.cause) console.error(error.cause); // a mistake of the page
    if (status.follow(progress)) onLive();
  }

  /** However long the server is away. @param {() => void} onLoaded */
  async function run(onLoaded) {
    status.waiting();
    const wait = { onProblem: status.failed, signal };
    const { id } = await patiently(() => personOf(getToken), wait);
    onPerson(id);
    shared = createShared({
      name: nameOf(api, id),
      url: api,
      getToken,
      ...(transports && { transports }),
      onEvent: ({ type, data }) => hear(type, data),
      onReset: load,
      onProgress,
      signal,
    });
    await shared.run(async () => {
      const cursor = await patiently(load, wait);
      onLoaded();
      return cursor;
    });
  }

  /** @param {unknown} error */
  function end(error) {
    if (signal.aborted) return;
    status.end("signed_out", error instanceof Problem ? error : null);
    if (!(error instanceof Problem)) console.error(error);
  }

  function wake() {
    onWake();
    shared?.nudge();
  }

  for (const name of ["online", "pageshow"]) window.addEventListener(name, wake, { signal });
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && wake(), { signal });
  /** @type {Promise<void>} */
  const ready = new Promise((resolve, reject) => {
    run(resolve).catch((error) => {
      reject(error);
      end(error);
    });
  });
  ready.catch(() => {});

  return {
    /** The first snapshot is there. Rejects with `Problem` when the server refuses the caller. */
    ready,
    /** One's own message was stored and must come back. @param {string} clientId */
    expect: (clientId) => shared?.expect(clientId),
  };
}

/** What the browser keeps, or tells its tabs, of a person at a server. @param {string} api @param {string} id */
export const nameOf = (api, id) => `parley ${new URL(api, location.href).href} ${id}`;
