/*
 * Parley on a page: <script src="https://chat.example/parley.js" data-token="…" async></script>
 * A button in the corner; all the rest is loaded when somebody opens it.
 * data-token, or data-get-token: the name of a function of the page that gives one; data-context="listing:42",
 * data-with="sol", data-theme="light|dark|auto"; data-open: at once.
 */
(() => {
  if (/** @type {any} */ (window).Parley?.connect) return; // the tag is there twice
  const script = /** @type {HTMLScriptElement} */ (document.currentScript);
  const server = new URL(script.src).origin;
  const { token = "", getToken = "", context, with: other, theme, open } = script.dataset;
  const COUNT_AGAIN_MS = 60_000;
  /** @type {Promise<unknown> | undefined} */
  let loading;
  /** `<parley-launcher>`, once it is there. @type {any} */
  let launcher;
  let countedAt = 0;

  /** @param {{ isExpired?: boolean }} [why] */
  const tokenFor = async (why) => {
    const given = /** @type {any} */ (window)[getToken];
    return typeof given === "function" ? given(why) : token;
  };

  const host = document.createElement("div");
  const root = host.attachShadow({ mode: "open" });
  const button = document.createElement("button");
  const count = document.createElement("b");
  const style = new CSSStyleSheet();
  style.replaceSync(
    "button{all:unset;position:fixed;inset-block-end:max(1rem,env(safe-area-inset-bottom));inset-inline-end:max(1rem,env(safe-area-inset-right));z-index:2147483000;inline-size:3.5rem;block-size:3.5rem;border-radius:50%;background:var(--parley-accent,#1f6560);color:var(--parley-on-accent,#fff);display:grid;place-items:center;cursor:pointer;box-shadow:0 6px 20px rgb(30 36 39/20%)}button:focus-visible{outline:3px solid var(--parley-accent,#1f6560);outline-offset:3px}[aria-busy] svg{opacity:.5}svg{inline-size:1.75rem;fill:none;stroke:currentColor;stroke-width:1.8;stroke-linejoin:round}b{position:absolute;inset-block-start:-.25rem;inset-inline-end:-.25rem;min-inline-size:1.375rem;padding:0 .375rem;box-sizing:border-box;border-radius:1rem;background:#c4271c;color:#fff;font:700 .75rem/1.375rem system-ui,sans-serif;text-align:center}[hidden]{display:none}",
  );
  root.adoptedStyleSheets = [style];
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", "M12 4.5c4.7 0 8.5 3.1 8.5 7s-3.8 7-8.5 7c-1.2 0-2.3-.2-3.3-.5L4 19.5l1.3-3.5c-1.1-1.2-1.8-2.8-1.8-4.5 0-3.9 3.8-7 8.5-7z");
  svg.append(path);
  count.hidden = true;
  button.type = "button";
  button.setAttribute("aria-label", "Open messages");
  button.append(svg, count);
  root.append(button);

  async function load() {
    button.setAttribute("aria-busy", "true");
    loading ??= import(`${server}/static/widget/parley-widget.js`);
    try {
      await loading;
    } catch (error) {
      loading = undefined; // the next press tries again
      throw error;
    } finally {
      button.removeAttribute("aria-busy");
    }
  }

  /** @param {string} [about] `listing:42` */
  async function show(about = context) {
    await load();
    const isOther = launcher && about !== undefined && launcher.getAttribute("context") !== about;
    if (launcher && !isOther) return launcher.open();
    launcher?.remove();
    launcher = document.createElement("parley-launcher");
    launcher.getToken = tokenFor;
    const wanted = { src: server, context: about, with: other, theme, open: "" };
    for (const [name, value] of Object.entries(wanted)) if (value !== undefined) launcher.setAttribute(name, value);
    document.body.append(launcher);
    host.remove();
  }

  /** @param {{ isExpired?: boolean }} [why] */
  async function askUnread(why) {
    const key = await tokenFor(why);
    return key && fetch(`${server}/api/v1/unread`, { headers: { Authorization: `Bearer ${key}` } });
  }

  /** One cheap call, and again when somebody comes back to the page. */
  async function countUnread() {
    if (launcher || document.visibilityState !== "visible" || Date.now() - countedAt < COUNT_AGAIN_MS) return;
    countedAt = Date.now();
    let answer = await askUnread();
    if (answer?.status === 401 && getToken) answer = await askUnread({ isExpired: true });
    if (!answer?.ok) return; // nobody knows better than the last number
    const { total } = await answer.json();
    count.hidden = total === 0;
    count.textContent = total > 99 ? "99+" : String(total);
    button.setAttribute("aria-label", total === 0 ? "Open messages" : `Open messages, ${total} unread`);
  }
  const tryToCount = () => countUnread().catch(() => {});
  const tryToShow = () => show().catch(() => {});

  button.addEventListener("click", tryToShow);
  document.addEventListener("visibilitychange", tryToCount);
  /** @type {any} */ (window).Parley = {
    open: show,
    close: () => launcher?.close(),
    /** @param {any} options */
    connect: async (options) => (await import(`${server}/static/client/parley.js`)).connect({ url: server, ...options }),
  };
  const start = () => {
    document.body.append(host);
    void tryToCount();
    if (open !== undefined) void tryToShow();
  };
  if (document.body) start();
  else document.addEventListener("DOMContentLoaded", start);
})();
