/** How a thread looks. */

export const THREAD_CSS = `
.thread { display: flex; flex-direction: column; block-size: 100%; min-inline-size: 0; position: relative; background: var(--p-surface); }
.head { display: flex; align-items: center; gap: .625rem; padding: .5rem .5rem .5rem 1rem; padding-inline: 1rem .5rem; min-block-size: 3.75rem; border-block-end: 1px solid var(--p-line); }
.head .back { margin-inline-start: -.75rem; }
.head .plain + .plain { margin-inline-start: -.5rem; }
.head-text { flex: 1; min-inline-size: 0; line-height: 1.3; }
.head h2 { font-size: 1.0625rem; font-weight: 650; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; flex: 1; }
.presence { font-size: .8125rem; color: var(--p-dim); overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.presence:empty { display: none; }

.item { display: flex; align-items: center; gap: .25rem; padding-inline: 1rem .5rem; border-block-end: 1px solid var(--p-line); background: color-mix(in srgb, var(--p-surface-2) 45%, var(--p-surface)); }
.item .card { flex: 1; border: 0; background: none; padding: .5rem 0; }
.item .card img { inline-size: 3rem; block-size: 3rem; }
.item .card strong { white-space: nowrap; }
.item .subject { flex: 1; padding-block: .625rem; font-size: .9375rem; color: var(--p-dim); overflow-wrap: anywhere; }
.item .fold .icon { rotate: 180deg; transition: rotate .15s; }
.item.folded .fold .icon { rotate: none; }
.item.folded .card { padding-block: 0; }
.item.folded .card img, .item.folded .card-text span { display: none; }
.item.folded .card strong { font-weight: 500; color: var(--p-dim); }

.middle { flex: 1; min-block-size: 0; position: relative; display: flex; flex-direction: column; }
.thread .scroller { display: flex; flex-direction: column; }
.rows { inline-size: 100%; max-inline-size: 60rem; margin-inline: auto; padding: .75rem 1rem .25rem; margin-block-start: auto; flex: none; }
.stretch { content-visibility: auto; contain-intrinsic-size: auto 65rem; margin: -.5rem -.5rem 0; padding: .5rem .5rem 0; }
.day, .new, .system { text-align: center; color: var(--p-dim); font-size: .8125rem; padding-block: .75rem; }
.day h3::first-letter { text-transform: uppercase; }
.day h3 { font-weight: 550; }
.system { text-wrap: balance; padding-block: .5rem; overflow-wrap: anywhere; border-radius: .75rem; }
.system time { white-space: nowrap; }
.new { display: flex; align-items: center; gap: .75rem; color: var(--p-danger); font-weight: 600; }
.new::before, .new::after { content: ""; flex: 1; block-size: 1px; background: currentColor; opacity: .35; }

.row { display: grid; grid-template-columns: minmax(0, 1fr); padding-block-start: .625rem; border-radius: .75rem; margin-inline: -.5rem; padding-inline: .5rem; }
.row.following { padding-block-start: .1875rem; }
.row:focus-visible, .system:focus-visible { outline-offset: -2px; }
.row > * { justify-self: start; }
.row.own > * { justify-self: end; }
.row > .avatar { display: none; }
.bubble { position: relative; max-inline-size: min(85%, 70ch); min-inline-size: 0; padding: .5rem .875rem; border-radius: var(--p-radius); background: var(--p-surface-2); display: flex; flex-wrap: wrap; align-items: end; justify-content: end; gap: .125rem .625rem; unicode-bidi: isolate; overflow-wrap: anywhere; }
.own .bubble { background: var(--p-own); color: var(--p-on-own); }
.row.following:not(.own) .bubble { border-start-start-radius: .375rem; }
.row.following.own .bubble { border-start-end-radius: .375rem; }
.bubble .who { display: none; inline-size: 100%; font-size: .8125rem; font-weight: 650; color: var(--p-dim); }
.said { display: grid; gap: .375rem; flex: 1 1 auto; min-inline-size: 0; max-inline-size: 100%; }
.said .card { margin-inline: -.375rem; min-inline-size: min(15rem, 60cqi); }
.said .card:first-child { margin-block-start: .0625rem; }
.text { white-space: pre-wrap; unicode-bidi: isolate; text-align: start; }
.text.large { font-size: 2rem; line-height: 1.2; }
.text a { color: inherit; text-underline-offset: .15em; }
.gone { font-style: italic; color: var(--p-dim); }
.own .gone { color: inherit; }
.meta { font-size: .6875rem; line-height: 1.6; color: var(--p-dim); white-space: nowrap; }
.own .meta { color: color-mix(in srgb, var(--p-on-own) 78%, var(--p-own)); }
blockquote { border-inline-start: 3px solid var(--p-accent); padding-inline-start: .625rem; font-size: .875rem; color: var(--p-dim); max-block-size: 2.9em; overflow: hidden; cursor: pointer; unicode-bidi: isolate; }
.own blockquote { color: color-mix(in srgb, var(--p-on-own) 78%, var(--p-own)); }
.more { position: absolute; inset-block-start: -.625rem; inset-inline-end: .375rem; inline-size: 2.25rem; min-block-size: 1.75rem; border-radius: 999px; border: 1px solid transparent; color: transparent; }
.row:not(.own) .more { inset-inline-end: -.5rem; }
.more::after { content: ""; position: absolute; inset: -.5rem -.25rem; }
.more .icon { inline-size: 1.125rem; }
.row:hover .more, .row:focus-within .more, .row:focus .more, .more[aria-expanded="true"] { background: var(--p-surface); border-color: var(--p-line); color: var(--p-dim); }
.row .more.plain:hover { background: var(--p-surface-2); color: var(--p-text); }
.status { display: flex; flex-wrap: wrap; align-items: center; justify-content: end; gap: 0 .25rem; font-size: .75rem; color: var(--p-dim); padding: .125rem .25rem 0; text-align: end; }
.status .icon { inline-size: 1rem; block-size: 1rem; }
.status button { min-block-size: 2rem; text-decoration: underline; text-underline-offset: .15em; padding: 0 .5rem; font-weight: 600; color: var(--p-text); }
.pending .meta { visibility: hidden; }
.pending:has(.refused) .bubble { outline: 1px solid var(--p-danger); }

.typing { inline-size: 100%; max-inline-size: 60rem; margin-inline: auto; min-block-size: 1.75rem; padding: 0 1.25rem .25rem; font-size: .8125rem; color: var(--p-dim); display: flex; align-items: center; gap: .5rem; }
.dots { display: flex; gap: .1875rem; }
.dots i { inline-size: .3125rem; block-size: .3125rem; border-radius: 50%; background: currentColor; animation: wave 1.2s infinite; }
.dots i:nth-child(2) { animation-delay: .15s; }
.dots i:nth-child(3) { animation-delay: .3s; }
@keyframes wave { 30% { opacity: .3; translate: 0 -.1875rem; } 60% { translate: 0; } }
.to-end { position: absolute; inset-block-end: .5rem; inset-inline: 0; margin-inline: auto; inline-size: fit-content; display: flex; align-items: center; gap: .375rem; background: var(--p-surface); color: var(--p-text); border: 1px solid var(--p-line); border-radius: 999px; box-shadow: 0 4px 16px var(--p-shadow); font-size: .875rem; font-weight: 600; min-inline-size: 2.75rem; justify-content: center; z-index: 1; }
.to-end.has-news { background: var(--p-accent); color: var(--p-on-accent); border-color: transparent; }
.trouble { display: flex; align-items: center; justify-content: space-between; gap: .5rem; padding: .25rem 1rem; color: var(--p-danger); font-size: .9375rem; }
.trouble button { color: var(--p-text); text-decoration: underline; }

.composer { padding: 0 .75rem max(.75rem, env(safe-area-inset-bottom)); display: grid; gap: .5rem; grid-template-columns: minmax(0, 1fr); inline-size: 100%; max-inline-size: 60rem; margin-inline: auto; }
.field { display: grid; grid-template-columns: auto minmax(0, 1fr) auto; align-items: end; border: 1px solid var(--p-line); border-radius: 1.5rem; background: var(--p-surface); padding: .125rem; }
.field:hover { border-color: var(--p-dim); }
.field:focus-within { border-color: var(--p-accent); box-shadow: 0 0 0 1px var(--p-accent); }
.field:has(button:focus-visible) { border-color: var(--p-line); box-shadow: none; }
textarea { grid-column: 2; resize: none; border: 0; background: none; outline: none; field-sizing: content; min-block-size: 2.75rem; max-block-size: calc(6lh + 1.25rem); padding: .625rem .25rem; inline-size: 100%; line-height: 1.45; scrollbar-width: thin; }
textarea:focus-visible { outline: none; }
textarea::placeholder { color: var(--p-dim); opacity: 1; }
.send { inline-size: 2.5rem; min-block-size: 2.5rem; block-size: 2.5rem; margin: .125rem; padding: 0; display: grid; place-items: center; border-radius: 50%; background: var(--p-accent); color: var(--p-on-accent); }
.send:disabled { background: var(--p-surface-2); color: var(--p-dim); }
.send .icon { stroke-width: 2.2; inline-size: 1.25rem; block-size: 1.25rem; }
.left { grid-area: 2 / 2 / auto / span 2; justify-self: end; padding: 0 1rem .25rem; font-size: .75rem; color: var(--p-dim); }
.left:empty { display: none; }
.left.over { color: var(--p-danger); font-weight: 650; }
.aim { display: grid; grid-template-columns: minmax(0, 1fr) auto; align-items: center; font-size: .875rem; color: var(--p-dim); border-inline-start: 3px solid var(--p-accent); padding-inline-start: .75rem; margin-inline-start: .5rem; }
.aim p { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.aim strong { display: block; color: var(--p-accent); font-weight: 650; }
.aim .refused { grid-column: 1 / -1; white-space: normal; }
.suggestions { display: flex; flex-wrap: wrap; gap: .5rem; padding-inline: .25rem; }
.suggestions p { inline-size: 100%; font-size: .875rem; color: var(--p-dim); }
.suggestions button { border: 1px solid var(--p-line); border-radius: 999px; font-size: .9375rem; text-align: start; }
.suggestions button:hover { border-color: var(--p-accent); background: var(--p-surface-2); }
.closed { display: flex; flex-wrap: wrap; align-items: center; justify-content: center; gap: .75rem; padding: .75rem 1rem max(1rem, env(safe-area-inset-bottom)); text-align: center; color: var(--p-dim); font-size: .9375rem; border-block-start: 1px solid var(--p-line); }

@container (max-width: 479px) {
  .to-details { display: none; }
}
@container (min-width: 560px) {
  .rows { padding-inline: 1.25rem; }
  .bubble { max-inline-size: min(75%, 70ch); }
  .rows .row:not(.own), .rows[data-people="many"] .row:not(.own) { grid-template-columns: 2.25rem minmax(0, 1fr); column-gap: .625rem; }
  .row > .avatar { display: grid; inline-size: 2.25rem; block-size: 2.25rem; font-size: .75rem; grid-row: span 2; }
  .row.following > .avatar { visibility: hidden; block-size: 0; }
}
.rows[data-people="many"] .row:not(.following) .who { display: block; }
`;
