/** How all of it looks. Pages set the `--parley-…` properties; light and dark follow the page's colour scheme. */

const CSS_TEXT = `
:host {
  --p-accent: var(--parley-accent, light-dark(#1f6560, #6cc3ba));
  --p-on-accent: var(--parley-on-accent, light-dark(#fff, #0c1a19));
  --p-surface: var(--parley-surface, light-dark(#fff, #1b2022));
  --p-surface-2: var(--parley-surface-2, light-dark(#f4f1ec, #262c2f));
  --p-text: var(--parley-text, light-dark(#1f2528, #e9eceb));
  --p-dim: var(--parley-dim, light-dark(#596166, #a9b2b4));
  --p-line: var(--parley-line, light-dark(#e3ddd4, #363d40));
  --p-own: var(--parley-own, light-dark(#dcebe9, #1e4a46));
  --p-on-own: var(--parley-on-own, var(--p-text));
  --p-danger: var(--parley-danger, light-dark(#b3261e, #ff9d94));
  --p-radius: var(--parley-radius, 14px);
  color-scheme: light dark;
  display: block; container-type: size; block-size: 32rem; min-inline-size: 0;
  color: var(--p-text); background: var(--p-surface);
  font: 400 1rem/1.45 var(--parley-font, system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif);
  text-align: start; overflow: hidden;
}
:host([theme="light"]) { color-scheme: light; }
:host([theme="dark"]) { color-scheme: dark; }
:host([hidden]), [hidden] { display: none !important; }
:host(parley-launcher) { display: contents; }
*, ::before, ::after { box-sizing: border-box; }
h2, h3, p, ol, ul, blockquote { margin: 0; padding: 0; }
ol, ul { list-style: none; }
button, input, textarea { font: inherit; color: inherit; }
button { cursor: pointer; min-block-size: 2.75rem; border: 0; background: none; border-radius: 10px; padding: 0 .75rem; }
button:disabled { cursor: default; opacity: .4; }
:focus-visible { outline: 2px solid var(--p-accent); outline-offset: 2px; }
.plain { min-inline-size: 2.75rem; padding: 0; display: grid; place-items: center; color: var(--p-dim); flex: none; }
.plain:hover { background: var(--p-surface-2); color: var(--p-text); }
.quiet { border: 1px solid var(--p-line); }
.icon { inline-size: 1.375rem; block-size: 1.375rem; fill: none; stroke: currentColor; stroke-width: 1.9; stroke-linecap: round; stroke-linejoin: round; }
.hidden { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.scroller { flex: 1; min-block-size: 0; overflow: hidden auto; overscroll-behavior: contain; overflow-anchor: none; }

.inbox { display: grid; block-size: 100%; grid-template: 100% / minmax(0, 1fr); }
.inbox .pane, .inbox .details { display: none; }
.inbox[data-view="thread"] .list { display: none; }
.inbox[data-view="thread"] .pane { display: block; }
.pane { block-size: 100%; min-inline-size: 0; }
.pick { display: grid; place-items: center; block-size: 100%; color: var(--p-dim); }
.details { padding: 1rem; border-inline-start: 1px solid var(--p-line); overflow: auto; }
.details h3 { font-size: .95rem; margin-block: 1rem .5rem; overflow-wrap: anywhere; }
.fact { display: flex; justify-content: space-between; gap: 1rem; padding-block: .3rem; border-block-end: 1px solid var(--p-line); font-size: .9rem; }
.fact span:first-child { color: var(--p-dim); }
@container (min-width: 640px) {
  .inbox { grid-template-columns: 320px minmax(0, 1fr); }
  .inbox .list, .inbox[data-view="thread"] .list { display: flex; border-inline-end: 1px solid var(--p-line); }
  .inbox .pane { display: block; }
  .inbox .back { display: none; }
}
@container (min-width: 1024px) {
  .inbox { grid-template-columns: 340px minmax(0, 1fr) 300px; }
  .inbox .details:not([hidden]) { display: block; }
}

.list { display: flex; flex-direction: column; block-size: 100%; min-inline-size: 0; }
.list-head { display: flex; align-items: center; justify-content: space-between; padding: .9rem 1rem .25rem; min-block-size: 3.5rem; }
.list-head h2 { font-size: 1.25rem; }
.search { display: flex; align-items: center; gap: .5rem; margin: .25rem 1rem .5rem; padding-inline: .75rem; background: var(--p-surface-2); border-radius: 999px; color: var(--p-dim); }
.search input { flex: 1; min-inline-size: 0; min-block-size: 2.75rem; border: 0; background: none; outline: none; color: var(--p-text); }
.search:focus-within { outline: 2px solid var(--p-accent); }
.tabs, .filters { display: flex; gap: .25rem; padding: 0 1rem .5rem; }
.tabs button, .filters button { min-block-size: 2.25rem; padding: 0 .8rem; border-radius: 999px; color: var(--p-dim); font-size: .9rem; }
.tabs button { flex: 1; background: var(--p-surface-2); }
.tabs [aria-pressed="true"], .filters [aria-pressed="true"] { background: var(--p-own); color: var(--p-on-own); font-weight: 600; }
.tabs b { margin-inline-start: .4rem; }
.conversations button { display: grid; inline-size: 100%; text-align: start; padding: .7rem 1rem; border-radius: 0;
  grid-template: "faces who time" auto "faces topic topic" auto "faces preview count" auto / 3.25rem minmax(0, 1fr) auto; gap: .05rem .6rem; }
.conversations button:hover { background: var(--p-surface-2); }
.conversations [aria-current] { background: var(--p-own); color: var(--p-on-own); }
.conversations [aria-current] :is(time, .topic, .preview) { color: inherit; }
.conversations button:focus-visible { outline-offset: -2px; }
.faces { grid-area: faces; position: relative; inline-size: 3.25rem; block-size: 3.25rem; align-self: center; }
.faces img { inline-size: 100%; block-size: 100%; object-fit: cover; border-radius: 12px; background: var(--p-surface-2); }
.faces img + .avatar { position: absolute; inset: auto -.25rem -.25rem auto; inline-size: 1.6rem; block-size: 1.6rem; font-size: .65rem; border: 2px solid var(--p-surface); }
.conversations .who { grid-area: who; font-weight: 600; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.conversations time { grid-area: time; color: var(--p-dim); font-size: .8rem; padding-block-start: .15rem; }
.conversations .topic { grid-area: topic; font-size: .85rem; color: var(--p-dim); overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.conversations .preview { grid-area: preview; color: var(--p-dim); font-size: .9rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.preview em { color: var(--p-danger); font-style: normal; }
.conversations .unread .preview, .conversations .unread .who { color: var(--p-text); font-weight: 700; }
.count { grid-area: count; justify-self: end; align-self: center; min-inline-size: 1.35rem; padding: .05rem .4rem; border-radius: 999px; background: var(--p-accent); color: var(--p-on-accent); font-size: .8rem; text-align: center; }
.chip { margin-inline-start: .5rem; padding: 0 .45rem; border: 1px solid currentColor; border-radius: 999px; font-size: .75rem; }
.list .scroller > .quiet { display: block; margin: .75rem auto; }
.empty { display: grid; justify-items: center; gap: .75rem; padding: 3rem 1.5rem; text-align: center; color: var(--p-dim); }
.empty h3 { color: var(--p-text); }

.avatar { display: grid; place-items: center; inline-size: 2.5rem; block-size: 2.5rem; border-radius: 50%; font-weight: 600; font-size: .9rem; flex: none; position: relative;
  background: light-dark(#e2e6f5, #333b59); color: light-dark(#333f77, #cdd6ff); }
.faces > .avatar:only-child { inline-size: 3.25rem; block-size: 3.25rem; }
.avatar img { inline-size: 100%; block-size: 100%; border-radius: 50%; object-fit: cover; }
.avatar[data-tone="1"] { background: light-dark(#f6e1d8, #54382b); color: light-dark(#81401f, #ffd0b8); }
.avatar[data-tone="2"] { background: light-dark(#dcefdc, #2c4a2d); color: light-dark(#245c27, #c3ecc4); }
.avatar[data-tone="3"] { background: light-dark(#f3e0ef, #4e3149); color: light-dark(#7a2c6b, #f7cbec); }
.avatar[data-tone="4"] { background: light-dark(#f6ecc9, #4b4222); color: light-dark(#6a5508, #f3e1a0); }
.avatar[data-tone="5"] { background: light-dark(#d8eef2, #234650); color: light-dark(#12545f, #b9e6ef); }
.avatar[data-online]::after { content: ""; position: absolute; inset: auto 0 0 auto; inline-size: .7rem; block-size: .7rem; border-radius: 50%; background: light-dark(#1a8f4c, #45c97a); border: 2px solid var(--p-surface); }

.thread { display: flex; flex-direction: column; block-size: 100%; position: relative; }
.head { display: flex; align-items: center; gap: .6rem; padding: .5rem .75rem; min-block-size: 3.75rem; border-block-end: 1px solid var(--p-line); position: relative; }
.head-text { flex: 1; min-inline-size: 0; }
.head h2 { font-size: 1.02rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.presence { font-size: .82rem; color: var(--p-dim); min-block-size: 1.2em; }
.about { border-block-end: 1px solid var(--p-line); padding: .35rem .75rem; font-size: .9rem; }
.about summary { cursor: pointer; color: var(--p-dim); overflow: hidden; text-overflow: ellipsis; white-space: nowrap; min-block-size: 1.75rem; font-size: .85rem; }
.card { display: flex; gap: .7rem; align-items: center; padding: .5rem; border: 1px solid var(--p-line); border-radius: 12px; background: var(--p-surface); color: var(--p-text); text-decoration: none; max-inline-size: 24rem; }
a.card:hover { border-color: var(--p-accent); }
.card img { inline-size: 3.25rem; block-size: 3.25rem; object-fit: cover; border-radius: 8px; background: var(--p-surface-2); flex: none; }
.card.small img { inline-size: 2.25rem; block-size: 2.25rem; }
.card-text { display: grid; min-inline-size: 0; font-size: .92rem; text-align: start; }
.card-text > * { overflow: hidden; text-overflow: ellipsis; }
.card-text span { color: var(--p-dim); font-size: .85rem; }
.banner { padding: .45rem 1rem; font-size: .88rem; background: light-dark(#fdf1d8, #453a1c); color: light-dark(#5b4300, #f5e3b3); }
.trouble { padding: .75rem 1rem; color: var(--p-danger); }
.rows { padding: .75rem; display: flex; flex-direction: column; }
.rows > li { content-visibility: auto; contain-intrinsic-size: auto 3.5rem; }
.day, .new, .system { text-align: center; color: var(--p-dim); font-size: .82rem; padding-block: .6rem; }
.day h3 { font-size: inherit; font-weight: 500; }
.day h3::first-letter { text-transform: uppercase; }
.new { display: flex; align-items: center; gap: .75rem; color: var(--p-danger); font-weight: 600; }
.new::before, .new::after { content: ""; flex: 1; block-size: 1px; background: currentColor; opacity: .4; }
.row { display: grid; grid-template: "face bubble more" auto "status status status" auto / 2.5rem minmax(0, auto) 2.75rem; justify-content: start; gap: 0 .5rem; padding-block-start: .6rem; max-inline-size: 100%; }
.row.following { padding-block-start: .15rem; }
.row.following > .avatar { visibility: hidden; block-size: 0; }
.row > .avatar { grid-area: face; align-self: start; }
.row.own { grid-template: "more bubble" auto "status status" auto / 2.75rem minmax(0, auto); justify-content: end; padding-inline-start: 2rem; }
.bubble { grid-area: bubble; background: var(--p-surface-2); border-radius: var(--p-radius); padding: .45rem .75rem; max-inline-size: 70ch; min-inline-size: 0; display: grid; gap: .25rem; unicode-bidi: isolate; }
.own .bubble { background: var(--p-own); color: var(--p-on-own); }
.bubble .who { font-size: .82rem; font-weight: 600; color: var(--p-dim); }
.text { white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: isolate; }
.text a { color: inherit; }
.gone { color: var(--p-dim); font-style: italic; }
.own .gone { color: inherit; opacity: .8; }
.meta { font-size: .74rem; color: var(--p-dim); justify-self: end; }
.own .meta { color: inherit; opacity: .78; }
blockquote { border-inline-start: 3px solid var(--p-accent); padding-inline-start: .5rem; font-size: .85rem; color: var(--p-dim); max-block-size: 2.9em; overflow: hidden; overflow-wrap: anywhere; }
.own blockquote { color: inherit; opacity: .85; }
.more { grid-area: more; opacity: 0; padding: 0; align-self: center; color: var(--p-dim); }
.row:hover .more, .row:focus-within .more, .more[aria-expanded="true"] { opacity: 1; }
@media (hover: none) { .more { opacity: .6; } }
.status { grid-area: status; justify-self: end; font-size: .78rem; color: var(--p-dim); padding-block-start: .15rem; }
.status button { min-block-size: 2rem; text-decoration: underline; padding: 0 .4rem; }
.refused { color: var(--p-danger); }
.pending .bubble { opacity: .75; }
.typing { min-block-size: 1.6rem; padding: 0 1rem; font-size: .85rem; color: var(--p-dim); }
.to-end { position: absolute; inset: auto 1rem 6.5rem auto; display: flex; align-items: center; gap: .25rem; background: var(--p-surface); border: 1px solid var(--p-line); border-radius: 999px; box-shadow: 0 2px 10px rgb(0 0 0 / 15%); z-index: 1; }
[dir="rtl"] .to-end { inset: auto auto 6.5rem 1rem; }
.composer { display: grid; grid-template: "suggest suggest suggest" auto "about about about" auto "share input send" auto / auto minmax(0, 1fr) auto; gap: .25rem .4rem; align-items: end; padding: .5rem .75rem max(.6rem, env(safe-area-inset-bottom)); border-block-start: 1px solid var(--p-line); position: relative; }
.composer textarea { grid-area: input; resize: none; min-block-size: 2.75rem; max-block-size: 10.2rem; padding: .6rem .9rem; border: 1px solid var(--p-line); border-radius: 1.4rem; background: var(--p-surface-2); line-height: 1.45; }
.composer > .plain { grid-area: share; }
.send { grid-area: send; inline-size: 2.75rem; padding: 0; display: grid; place-items: center; border-radius: 50%; background: var(--p-accent); color: var(--p-on-accent); }
.composer > .count { position: absolute; inset: auto 4.6rem .9rem auto; background: none; color: var(--p-dim); font-size: .78rem; }
.composer > .count.over { color: var(--p-danger); font-weight: 700; }
.composer > .count:empty { display: none; }
.about-draft { grid-area: about; display: flex; align-items: center; justify-content: space-between; font-size: .85rem; color: var(--p-dim); border-inline-start: 3px solid var(--p-accent); padding-inline-start: .6rem; overflow-wrap: anywhere; }
.suggestions { grid-area: suggest; display: flex; flex-wrap: wrap; gap: .4rem; padding-block-end: .4rem; }
.suggestions p { inline-size: 100%; font-size: .85rem; color: var(--p-dim); }
.suggestions button { border: 1px solid var(--p-line); border-radius: 999px; font-size: .9rem; }
.suggestions button:hover { border-color: var(--p-accent); }
.closed { padding: 1rem; text-align: center; color: var(--p-dim); border-block-start: 1px solid var(--p-line); }
.popover { position: absolute; z-index: 3; display: grid; min-inline-size: 11rem; padding: .35rem; background: var(--p-surface); border: 1px solid var(--p-line); border-radius: 12px; box-shadow: 0 8px 28px rgb(0 0 0 / 20%); }
.popover button { text-align: start; }
.popover button:hover, .popover button:focus-visible { background: var(--p-surface-2); }
.head .popover { inset: 3.4rem .75rem auto auto; }
.row { position: relative; }
.row .popover { inset: 2.4rem auto auto 3rem; }
.row.own .popover { inset: 2.4rem 1rem auto auto; }
.rows > li:has(.popover) { content-visibility: visible; }
.share-menu { inset: auto auto 3.8rem .75rem; max-block-size: 18rem; overflow: auto; inline-size: min(22rem, calc(100% - 1.5rem)); }
.share-menu button { padding: .2rem; }
.share-menu .card { border: 0; background: none; }

.skeleton { display: grid; gap: .9rem; padding: 1.25rem; opacity: 0; animation: appear .3s .15s forwards; }
.skeleton i { block-size: 2.75rem; border-radius: 12px; background: var(--p-surface-2); }
.skeleton i:nth-child(2) { inline-size: 70%; }
@keyframes appear { to { opacity: 1; } }
.toasts { position: absolute; inset: .75rem .75rem auto auto; z-index: 5; }
:host(parley-launcher) .toasts { position: fixed; inset: auto 1rem 5.5rem auto; }
.toast { display: grid; text-align: start; gap: .1rem; max-inline-size: 20rem; padding: .6rem .9rem; background: var(--p-surface); color: var(--p-text); border: 1px solid var(--p-line); border-radius: 12px; box-shadow: 0 8px 28px rgb(0 0 0 / 22%); }
.toast bdi { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }

.launch { position: fixed; z-index: 2147483000; inset-block-end: max(1rem, env(safe-area-inset-bottom)); inset-inline-end: 1rem; inline-size: 3.5rem; block-size: 3.5rem; padding: 0; border-radius: 50%; display: grid; place-items: center; background: var(--p-accent); color: var(--p-on-accent); box-shadow: 0 4px 16px rgb(0 0 0 / 25%); }
.launch .count { position: absolute; grid-area: auto; align-self: start; inset: -.2rem -.2rem auto auto; background: #c4271c; color: #fff; }
.panel { position: fixed; z-index: 2147483000; inset-block-end: calc(max(1rem, env(safe-area-inset-bottom)) + 4.25rem); inset-inline-end: 1rem; inline-size: 380px; block-size: min(600px, calc(100dvh - 7rem)); background: var(--p-surface); border: 1px solid var(--p-line); border-radius: 18px; overflow: hidden; box-shadow: 0 16px 48px rgb(0 0 0 / 28%); display: flex; flex-direction: column; }
.panel > :not(.shut) { flex: 1; block-size: auto; min-block-size: 0; }
.shut { align-self: end; min-block-size: 2.25rem; }
@media (max-width: 639px) {
  .panel { inset: 0; inline-size: 100%; block-size: 100dvh; border: 0; border-radius: 0; }
}
@media (prefers-reduced-motion: reduce) { * { animation: none !important; transition: none !important; } .skeleton { opacity: 1; } }
@media (forced-colors: active) { .bubble, .card, .launch, .send { border: 1px solid; } [aria-pressed="true"], [aria-current] { outline: 2px solid; } }
`;

export const SHEET = new CSSStyleSheet();
SHEET.replaceSync(CSS_TEXT);
