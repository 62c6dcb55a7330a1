/**
 * What the browser keeps for a person: messages on their way (IndexedDB), drafts (localStorage), and the list as it was
 * last (sessionStorage: what others wrote does not outlive the tab). Where it keeps nothing, a private window perhaps,
 * they live as long as the page.
 */

const DRAFT_CHARACTERS_MAX = 100_000; // far more than can be sent, far less than a browser keeps for a page
const DRAFT_DAYS = 30;

/** @typedef {import("./outbox.js").Pending} Pending */

/** @param {string} name Of the server and the person. */
export function createShelf(name) {
  /** @type {Promise<IDBDatabase> | null} */
  let opening = null;

  /** @returns {Promise<IDBDatabase>} */
  function open() {
    opening ??= new Promise((resolve, reject) => {
      const request = indexedDB.open("parley", 1);
      request.onupgradeneeded = () => request.result.createObjectStore("outbox", { keyPath: "client_id" });
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
      request.onblocked = () => reject(new Error("The shelf is blocked."));
    });
    return opening;
  }

  /**
   * @template T
   * @param {IDBTransactionMode} mode
   * @param {(store: IDBObjectStore) => IDBRequest<T>} work
   * @returns {Promise<T | null>} Null when the browser keeps nothing.
   */
  async function withStore(mode, work) {
    try {
      const database = await open();
      return await new Promise((resolve, reject) => {
        const transaction = database.transaction("outbox", mode);
        const request = work(transaction.objectStore("outbox"));
        transaction.oncomplete = () => resolve(request.result); // a request succeeds before what it wrote is kept
        transaction.onabort = () => reject(transaction.error);
      });
    } catch {
      return null;
    }
  }

  return {
    /** @param {Pending} pending */
    keep: (pending) => withStore("readwrite", (store) => store.put({ ...pending, problem: null, owner: name })),
    /** @param {string} clientId */
    drop: (clientId) => withStore("readwrite", (store) => store.delete(clientId)),
    /** In the order of writing. @returns {Promise<Pending[]>} */
    async all() {
      const found = (await withStore("readonly", (store) => store.getAll())) ?? [];
      return found.filter(({ owner }) => owner === name).sort((a, b) => a.order - b.order);
    },
  };
}

/** @param {string} name Of the server and the person. */
export function createDrafts(name) {
  /** @type {Map<string, string>} */
  const known = new Map();
  const prefix = `${name} draft `;

  return {
    /** @param {string} conversationId */
    get(conversationId) {
      const text = known.get(conversationId);
      if (text !== undefined) return text;
      try {
        const kept = JSON.parse(localStorage.getItem(prefix + conversationId) ?? "null");
        return kept !== null && Date.now() - kept.at < DRAFT_DAYS * 86_400_000 ? String(kept.text) : "";
      } catch {
        return "";
      }
    },
    /** It is written elsewhere now; until that is so, a page that dies leaves it here. @param {string} conversationId @param {Promise<unknown>} kept */
    async hand(conversationId, kept) {
      known.set(conversationId, "");
      await kept;
      if (known.get(conversationId) === "") this.set(conversationId, "");
    },
    /** @param {string} conversationId @param {string} text */
    set(conversationId, text) {
      known.set(conversationId, text);
      try {
        if (text === "") localStorage.removeItem(prefix + conversationId);
        else {
          const kept = { text: text.slice(0, DRAFT_CHARACTERS_MAX), at: Date.now() };
          localStorage.setItem(prefix + conversationId, JSON.stringify(kept));
        }
      } catch {
        // it is kept as long as the page lives
      }
    },
  };
}

/** @param {string} name Of the server and the person. */
export function createLastList(name) {
  const key = `${name} list`;
  return {
    /** @returns {import("./store.js").Conversation[]} */
    get() {
      try {
        return JSON.parse(sessionStorage.getItem(key) ?? "[]");
      } catch {
        return [];
      }
    },
    /** @param {readonly import("./store.js").Conversation[]} conversations None: it is forgotten. */
    set(conversations) {
      try {
        if (conversations.length === 0) sessionStorage.removeItem(key);
        else sessionStorage.setItem(key, JSON.stringify(conversations));
      } catch {
        // the next page begins without
      }
    },
  };
}

/** A mark that all tabs see at once. @param {string} name */
export function createMark(name) {
  let isOurs = false; // where nothing is kept
  return {
    name,
    isSet() {
      try {
        return isOurs || localStorage.getItem(name) !== null;
      } catch {
        return isOurs;
      }
    },
    set() {
      isOurs = true;
      try {
        localStorage.setItem(name, "");
      } catch {
        // other tabs do not see it
      }
    },
    clear() {
      isOurs = false;
      try {
        localStorage.removeItem(name);
      } catch {
        // nor this
      }
    },
  };
}
