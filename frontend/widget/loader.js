/*
 * Parley on a page: <script src="https://chat.example/parley.js" data-token="…" async></script>
 * A button in the corner; all the rest is loaded when somebody opens it.
 * data-token, or data-get-token: the name of a function of the page; data-context, data-with, data-theme; data-open.
 */
(() => {
  const script = /** @type {HTMLScriptElement} */ (document.currentScript);
  const server = new URL(script.src).origin;
  const { token = "", getToken = "", context, with: other, theme, open } = script.dataset;
  /** @type {Promise<any> | undefined} */
  let loading;
  /** @type {any} */
  let launcher;

  /** @param {{ isExpired?: boolean }} [why] */
  const tokenFor = async (why) => {
    const own = /** @type {any} */ (window)[getToken];
    return typeof own === "function" ? own(why) : token;
  };

  const host = document.createElement("div");
  const root = host.attachShadow({ mode: "open" });
  const button = document.createElement("button");
  const count = document.createElement("b");
  const style = new CSSStyleSheet();
  style.replaceSync(
    "button{all:unset;position:fixed;inset-block-end:max(1rem,env(safe-area-inset-bottom));inset-inline-end:1rem;z-index:2147483000;inline-size:3.5rem;block-size:3.5rem;border-radius:50%;background:var(--parley-accent,#1f6560);color:var(--parley-on-accent,#fff);display:grid;place-items:center;cursor:pointer;box-shadow:0 4px 16px rgb(0 0 0/25%)}button:focus-visible{outline:3px solid var(--parley-accent,#1f6560);outline-offset:3px}svg{inline-size:1.6rem;fill:none;stroke:currentColor;stroke-width:2;stroke-linejoin:round}b{position:absolute;inset-block-start:-.2rem;inset-inline-end:-.2rem;min-inline-size:1.3rem;padding:.1rem .3rem;box-sizing:border-box;border-radius:1rem;background:#d92d20;color:#fff;font:600 .8rem/1.2 system-ui,sans-serif;text-align:center}[hidden]{display:none}",
  );
  root.adoptedStyleSheets = [style];
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", "M4 5h16v11H9l-5 4z");
  svg.append(path);
  count.hidden = true;
  button.type = "button";
  button.setAttribute("aria-label", "Open messages");
  button.append(svg, count);
  root.append(button);

  const load = () => (loading ??= import(`${server}/static/widget/parley-widget.js`));

  /** @param {string} [about] `listing:42` */
  async function show(about = context) {
    await load();
    launcher?.remove();
    launcher = document.createElement("parley-launcher");
    launcher.getToken = tokenFor;
    const wanted = { src: server, context: about, with: other, theme, open: "" };
    for (const [name, value] of Object.entries(wanted)) if (value !== undefined) launcher.setAttribute(name, value);
    document.body.append(launcher);
    host.remove();
  }

  async function countUnread() {
    const key = await tokenFor();
    if (!key) return;
    const answer = await fetch(`${server}/api/v1/unread`, { headers: { Authorization: `Bearer ${key}` } });
    const { total = 0 } = answer.ok ? await answer.json() : {};
    count.hidden = total === 0;
    count.textContent = total > 99 ? "99+" : String(total);
  }

  button.addEventListener("click", () => void show());
  /** @type {any} */ (window).Parley = {
    open: show,
    close: () => launcher?.close(),
    /** @param {any} options */
    connect: async (options) => (await import(`${server}/static/client/parley.js`)).connect({ url: server, ...options }),
  };
  const start = () => {
    document.body.append(host);
    countUnread().catch(() => {});
    if (open !== undefined) void show();
  };
  if (document.body) start();
  else document.addEventListener("DOMContentLoaded", start);
})();
