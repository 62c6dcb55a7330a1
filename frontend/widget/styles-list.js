/** How the list, and the panes beside it, look. */

import { sheet } from "./styles.js";

export const LIST_SHEET = sheet(`
.inbox { display: grid; block-size: 100%; grid-template: auto minmax(0, 1fr) / minmax(0, 1fr); position: relative; overflow: hidden; }
.inbox > .banner { grid-row: 1; grid-column: 1 / -1; }
.inbox > .list, .inbox > .pane, .inbox > .details { grid-row: 2; }
.inbox .pane { min-inline-size: 0; display: none; }
.inbox[data-view="thread"] .list { display: none; }
.inbox[data-view="thread"] .pane { display: block; }
.pane > .empty { block-size: 100%; }
.inbox:has(.conversations:empty) .pane > .pick { visibility: hidden; }
.details { display: none; background: var(--p-surface); flex-direction: column; min-block-size: 0; }
.inbox[data-details="open"] .details:not([hidden]) { display: flex; position: absolute; inset-block: 0; inset-inline-end: 0; inline-size: min(20rem, 100%); border-inline-start: 1px solid var(--p-line); box-shadow: 0 0 40px var(--p-shadow); z-index: 3; }
.details-body { padding: 1rem; display: grid; gap: 1rem; align-content: start; overflow: auto; }
.details .card { flex-direction: column; align-items: stretch; padding: 0; border: 0; gap: .625rem; }
.details .card img { inline-size: 100%; block-size: auto; aspect-ratio: 4 / 3; border-radius: .875rem; }
.details .card strong { font-size: 1.0625rem; }
.details .card span { font-size: .9375rem; }
.details h3 { font-size: .8125rem; font-weight: 650; color: var(--p-dim); }
.details dl div { display: flex; justify-content: space-between; gap: 1rem; padding-block: .4375rem; border-block-end: 1px solid var(--p-line); font-size: .875rem; }
.details dt { color: var(--p-dim); }
.details dt::first-letter { text-transform: uppercase; }
.details dd { text-align: end; overflow-wrap: anywhere; }
.people { display: grid; gap: .75rem; }
.people li { display: flex; gap: .75rem; align-items: center; line-height: 1.3; }
.people small { display: block; color: var(--p-dim); font-size: .8125rem; }

.list { display: flex; flex-direction: column; min-inline-size: 0; min-block-size: 0; background: var(--p-surface); }
.list-head { display: flex; align-items: center; justify-content: space-between; padding: .5rem .5rem 0 1rem; padding-inline: 1rem .5rem; min-block-size: 3.5rem; }
.list-head h2 { font-size: 1.375rem; font-weight: 700; letter-spacing: -.015em; flex: 1; }
.search { display: flex; align-items: center; gap: .5rem; margin: .25rem 1rem .75rem; padding-inline: .875rem; background: var(--p-surface-2); border-radius: 999px; color: var(--p-dim); }
.search .icon { inline-size: 1.125rem; }
.search input { flex: 1; min-inline-size: 0; min-block-size: 2.75rem; border: 0; background: none; outline: none; color: var(--p-text); }
.search input:focus-visible { outline: none; }
.search input::placeholder { color: var(--p-dim); opacity: 1; }
.search input::-webkit-search-cancel-button { filter: grayscale(1); }
.search:focus-within { outline: 2px solid var(--p-accent); }
.tabs { display: flex; margin: 0 1rem .625rem; background: var(--p-surface-2); border-radius: 999px; padding: .1875rem; }
.tabs button { flex: 1; display: inline-flex; align-items: center; justify-content: center; gap: .375rem; min-block-size: 2.375rem; padding: 0 .5rem; border-radius: 999px; color: var(--p-dim); font-size: .9375rem; font-weight: 550; white-space: nowrap; }
.tabs [aria-pressed="true"] { background: var(--p-surface); background: light-dark(var(--p-surface), color-mix(in srgb, var(--p-text) 14%, var(--p-surface-2))); color: var(--p-text); box-shadow: 0 1px 3px var(--p-shadow); }
.tabs b { font-weight: 700; color: var(--p-accent); }
.filters { display: flex; gap: .5rem; padding: 0 1rem .625rem; }
.filters button { min-block-size: 2.25rem; padding: 0 .875rem; border-radius: 999px; border: 1px solid var(--p-line); color: var(--p-dim); font-size: .875rem; font-weight: 550; }
.filters button:hover { border-color: var(--p-dim); color: var(--p-text); }
.filters [aria-pressed="true"] { background: var(--p-own); color: var(--p-on-own); border-color: transparent; }

.conversations { padding: 0 .5rem; }
.conversations button { display: grid; inline-size: 100%; text-align: start; padding: .75rem .5rem; border-radius: .875rem; grid-template-columns: 3.5rem minmax(0, 1fr); gap: .125rem .875rem; line-height: 1.35; }
.conversations button:hover { background: var(--p-surface-2); }
.conversations [aria-current] { background: var(--p-own); color: var(--p-on-own); }
.conversations [aria-current]:hover { background: var(--p-own); }
.conversations [aria-current] :is(time, .topic, .preview) { color: color-mix(in srgb, var(--p-on-own) 80%, var(--p-own)); }
.conversations button:focus-visible { outline-offset: -2px; }
.faces { grid-row: span 3; position: relative; inline-size: 3.5rem; block-size: 3.5rem; align-self: center; }
.faces > img { inline-size: 100%; block-size: 100%; object-fit: cover; border-radius: .875rem; background: var(--p-surface-2); }
.faces > .avatar:only-child { inline-size: 3.5rem; block-size: 3.5rem; font-size: 1.125rem; }
.faces > img + .avatar { position: absolute; inset-block-end: -.25rem; inset-inline-end: -.375rem; inline-size: 1.75rem; block-size: 1.75rem; font-size: .625rem; box-shadow: 0 0 0 2px var(--p-surface); }
.line { display: flex; align-items: center; gap: .5rem; min-inline-size: 0; }
.line > :first-child { flex: 1; min-inline-size: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; text-align: -webkit-match-parent; text-align: match-parent; }
.line .who { font-weight: 600; }
.conversations time { color: var(--p-dim); font-size: .75rem; flex: none; }
.topic { font-size: .8125rem; color: var(--p-dim); }
.preview { color: var(--p-dim); font-size: .9375rem; }
.preview em { color: var(--p-danger); font-style: normal; font-weight: 550; }
.unread .who { font-weight: 750; }
.unread .preview { color: var(--p-text); font-weight: 650; }
.unread time { color: var(--p-accent); font-weight: 650; }
.muted .who::after { content: " 🔕" / ""; font-size: .75em; }
.count { flex: none; min-inline-size: 1.375rem; padding: 0 .375rem; border-radius: 999px; background: var(--p-accent); color: var(--p-on-accent); font-size: .75rem; font-weight: 700; line-height: 1.375rem; text-align: center; font-variant-numeric: tabular-nums; }
.tick { flex: none; display: grid; font-size: .75rem; color: var(--p-dim); }
.tick .icon { inline-size: 1rem; block-size: 1rem; }
.muted .count { background: var(--p-surface-2); color: var(--p-dim); }
.chip { flex: none; padding: 0 .5rem; border-radius: 999px; background: var(--p-surface-2); color: var(--p-dim); font-size: .6875rem; font-weight: 600; line-height: 1.25rem; max-inline-size: 8rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.chip.wants { background: var(--p-note); color: var(--p-on-note); }
.list .scroller > .quiet { display: block; margin: .75rem auto 1rem; }
.list .skeleton { padding: .5rem 1rem; }
.list .skeleton i { block-size: 4rem; }
.list .scroller { padding-block-end: env(safe-area-inset-bottom); }

@container (min-width: 640px) {
  .inbox { grid-template-columns: 320px minmax(0, 1fr); }
  .inbox .list, .inbox[data-view="thread"] .list { display: flex; border-inline-end: 1px solid var(--p-line); }
  .inbox .pane { display: block; }
  .inbox .back { display: none; }
}
@container (min-width: 1024px) {
  .inbox { grid-template-columns: 350px minmax(0, 1fr) 300px; }
  .inbox[data-view="list"] .pane { grid-column: 2 / -1; }
  .inbox .details:not([hidden]), .inbox[data-details="open"] .details:not([hidden]) { display: flex; position: static; inline-size: auto; box-shadow: none; border-inline-start: 1px solid var(--p-line); }
  .inbox .to-details, .inbox .details .plain { display: none; }
  .inbox .item { display: none; }
}
`);
