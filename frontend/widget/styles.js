/** How all of it looks. Pages set the `--parley-…` properties; light and dark follow the page's colour scheme. */

import { THREAD_CSS } from "./styles-thread.js";

/** Light and dark, each readable on what it stands on (4.5:1). */
const COLOURS = {
  accent: ["#1f6560", "#6cc3ba"],
  "on-accent": ["#fff", "#0c1a19"],
  surface: ["#fff", "#1a1f21"],
  "surface-2": ["#f4f2ee", "#262c2f"],
  text: ["#1e2427", "#e9eceb"],
  dim: ["#596166", "#a9b2b4"],
  line: ["#e5e0d8", "#343b3e"],
  own: ["#dcebe8", "#1e4642"],
  "on-own": ["#14201f", "#e9f3f1"],
  danger: ["#b3261e", "#ff9d94"],
};
/** Not for pages to set. */
const INNER = {
  online: ["#188a48", "#4cc77e"],
  away: ["#b27a00", "#e3b341"],
  note: ["#fdf1d6", "#3f351b"],
  "on-note": ["#5b4300", "#f3e0b0"],
  shadow: ["rgb(30 36 39 / 14%)", "rgb(0 0 0 / 50%)"],
};
const TONES = [
  ["#e2e6f5", "#333f77", "#333b59", "#cdd6ff"],
  ["#f6e1d8", "#81401f", "#54382b", "#ffd0b8"],
  ["#dcefdc", "#245c27", "#2c4a2d", "#c3ecc4"],
  ["#f3e0ef", "#7a2c6b", "#4e3149", "#f7cbec"],
  ["#f6ecc9", "#6a5508", "#4b4222", "#f3e1a0"],
  ["#d8eef2", "#12545f", "#234650", "#b9e6ef"],
];

/** @param {(light: string | undefined, dark: string | undefined) => string | undefined} pick */
function colours(pick) {
  const set = Object.entries(COLOURS).map(([name, [light, dark]]) => `--p-${name}:var(--parley-${name},${pick(light, dark)})`);
  const inner = Object.entries(INNER).map(([name, [light, dark]]) => `--p-${name}:${pick(light, dark)}`);
  const tones = TONES.map(
    ([ground, ink, darkGround, darkInk], tone) =>
      `.avatar[data-tone="${tone}"]{background:${pick(ground, darkGround)};color:${pick(ink, darkInk)}}`,
  );
  return `:host{${[...set, ...inner].join(";")}} ${tones.join(" ")}`;
}

const BASE_CSS = `
:host {
  --p-radius: var(--parley-radius, 1.125rem);
  display: block; container-type: inline-size; block-size: 32rem; min-inline-size: 0; position: relative;
  padding-block-end: var(--p-covered, 0px); overflow: hidden;
  color: var(--p-text); background: var(--p-surface); text-align: start; -webkit-text-size-adjust: 100%;
  font: 400 1rem/1.45 var(--parley-font, system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif);
}
:host([theme="light"]) { color-scheme: light; }
:host([theme="dark"]) { color-scheme: dark; }
:host([theme="auto"]) { color-scheme: light dark; }
:host([hidden]), [hidden] { display: none !important; }
*, ::before, ::after { box-sizing: border-box; }
h2, h3, p, ol, ul, dl, dd, blockquote { margin: 0; padding: 0; font: inherit; }
ol, ul { list-style: none; }
button, input, textarea { font: inherit; color: inherit; letter-spacing: inherit; }
button, .quiet { cursor: pointer; min-block-size: 2.75rem; border: 0; background: none; border-radius: .75rem; padding: 0 .875rem; }
button:disabled { cursor: default; }
:focus-visible { outline: 2px solid var(--p-accent); outline-offset: 2px; }
.plain { inline-size: 2.75rem; padding: 0; display: grid; place-items: center; color: var(--p-dim); flex: none; border-radius: 50%; }
.plain:hover, .plain[aria-expanded="true"]:not(.fold) { background: var(--p-surface-2); color: var(--p-text); }
.quiet { display: inline-grid; place-items: center; border: 1px solid var(--p-line); border-radius: 999px; color: var(--p-text); font-weight: 550; text-decoration: none; }
.quiet:hover { background: var(--p-surface-2); }
.icon { inline-size: 1.375rem; block-size: 1.375rem; fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; flex: none; }
.icon-back:dir(rtl) { scale: -1 1; }
.icon-more { stroke-width: 2.6; }
.hidden { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.scroller { flex: 1; min-block-size: 0; overflow: hidden auto; overscroll-behavior: contain; scrollbar-width: thin; scrollbar-color: var(--p-line) transparent; }

.avatar { display: grid; place-items: center; inline-size: 2.5rem; block-size: 2.5rem; border-radius: 50%; font-weight: 650; font-size: .875rem; line-height: 1; flex: none; position: relative; letter-spacing: 0; }
.avatar img { inline-size: 100%; block-size: 100%; border-radius: 50%; object-fit: cover; }
.avatar[data-presence]::after { content: ""; position: absolute; inset-block-end: -.05rem; inset-inline-end: -.05rem; inline-size: .75rem; block-size: .75rem; border-radius: 50%; background: var(--p-online); border: 2px solid var(--p-surface); }
.avatar[data-presence="away"]::after { background: var(--p-away); }

.card { display: flex; gap: .75rem; align-items: center; padding: .5rem; border: 1px solid var(--p-line); border-radius: .875rem; background: var(--p-surface); color: var(--p-text); text-decoration: none; min-inline-size: 0; }
a.card:hover strong { text-decoration: underline; text-underline-offset: .15em; }
.card img { inline-size: 3.5rem; block-size: 3.5rem; object-fit: cover; border-radius: .5rem; background: var(--p-surface-2); flex: none; }
.card-text { display: grid; min-inline-size: 0; text-align: start; line-height: 1.35; }
.card-text > * { overflow: hidden; text-overflow: ellipsis; text-align: -webkit-match-parent; text-align: match-parent; }
.card-text strong { font-weight: 600; font-size: .9375rem; }
.card-text span { color: var(--p-dim); font-size: .8125rem; }

.banner { padding: .5rem 1rem; font-size: .875rem; text-align: center; background: var(--p-note); color: var(--p-on-note); }
.empty { display: grid; justify-items: center; align-content: center; gap: .875rem; padding: 3rem 1.5rem; text-align: center; color: var(--p-dim); text-wrap: balance; overflow-wrap: anywhere; }
.empty.whole { block-size: 100%; }
.empty h3 { color: var(--p-text); font-weight: 650; font-size: 1.0625rem; }
.empty > .icon { inline-size: 2.75rem; block-size: 2.75rem; stroke-width: 1.2; color: var(--p-accent); }
.refused { color: var(--p-danger); }

.menu { position: fixed; inset: auto; margin: 0; min-inline-size: 11rem; max-inline-size: calc(100vw - 1rem); max-block-size: min(24rem, 80dvh); overflow-y: auto; padding: .375rem; background: var(--p-surface); color: var(--p-text); border: 1px solid var(--p-line); border-radius: 1rem; box-shadow: 0 10px 32px var(--p-shadow); }
.menu.wide { inline-size: 22rem; }
.menu p { padding: .75rem; color: var(--p-dim); font-size: .9375rem; }
.menu button { display: block; inline-size: 100%; text-align: start; border-radius: .625rem; }
.menu button:hover, .menu button:focus-visible { background: var(--p-surface-2); }
.menu .card { border: 0; background: none; padding: .375rem 0; }
.menu .card img { inline-size: 2.75rem; block-size: 2.75rem; }

.skeleton { display: grid; gap: 1rem; padding: 1rem; opacity: 0; animation: appear .3s .15s forwards; }
.skeleton i { block-size: 3.25rem; border-radius: var(--p-radius); background: var(--p-surface-2); }
.skeleton.bubbles i { inline-size: min(60%, 24rem); }
.skeleton.bubbles i:nth-child(even) { justify-self: end; inline-size: min(45%, 18rem); }
@keyframes appear { to { opacity: 1; } }
.toasts { position: absolute; inset-block-start: .75rem; inset-inline-end: .75rem; z-index: 5; max-inline-size: calc(100% - 1.5rem); }
.toast { display: grid; text-align: start; inline-size: 20rem; max-inline-size: 100%; padding: .625rem 1rem; background: var(--p-surface); color: var(--p-text); border: 1px solid var(--p-line); border-radius: 1rem; box-shadow: 0 10px 32px var(--p-shadow); animation: arrive .2s ease-out; font-size: .9375rem; }
.toast strong { font-weight: 650; }
.toast > * { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
@keyframes arrive { from { opacity: 0; translate: 0 -.5rem; } }
`;

const LAST_CSS = `
@media (prefers-reduced-motion: reduce) { *, ::before, ::after { animation: none !important; transition: none !important; } .skeleton { opacity: 1; } }
@media (forced-colors: active) {
  .bubble, .card, .launch, .send, .count, .chip, .avatar, .banner { border: 1px solid; }
  [aria-pressed="true"], [aria-current] { outline: 2px solid Highlight; outline-offset: -2px; }
  .avatar[data-presence]::after { forced-color-adjust: none; }
}
`;

/** @param {string} text */
export function sheet(text) {
  const made = new CSSStyleSheet();
  made.replaceSync(text);
  return made;
}

const NEW = "@supports (color: light-dark(#000, #fff))";
const OLD_DARK = "@media (prefers-color-scheme: dark) { @supports not (color: light-dark(#000, #fff))";
export const SHEET = sheet(
  [
    colours((light) => light),
    `${NEW} { ${colours((light, dark) => `light-dark(${light}, ${dark})`)} }`,
    `${OLD_DARK} { ${colours((_, dark) => dark)} } }`,
    BASE_CSS,
    THREAD_CSS,
    LAST_CSS,
  ].join("\n"),
);
