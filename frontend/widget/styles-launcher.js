/** How the button in the corner and its panel look. */

import { sheet } from "./styles.js";

export const LAUNCHER_SHEET = sheet(`
:host { display: contents; }
.launch, .panel, .toasts { position: fixed; z-index: 2147483000; inset-inline-end: max(1rem, env(safe-area-inset-right)); }
.launch { inset-block-end: max(1rem, env(safe-area-inset-bottom)); inline-size: 3.5rem; block-size: 3.5rem; padding: 0; border-radius: 50%; display: grid; place-items: center; background: var(--p-accent); color: var(--p-on-accent); box-shadow: 0 6px 20px var(--p-shadow); transition: scale .15s; font: 400 1rem/1.45 var(--parley-font, system-ui, sans-serif); }
.launch:hover { scale: 1.05; }
.launch .icon { inline-size: 1.75rem; block-size: 1.75rem; }
.launch[aria-expanded="true"] .icon-talk, .launch:not([aria-expanded="true"]) .icon-down { display: none; }
.launch .count { position: absolute; inset-block-start: -.25rem; inset-inline-end: -.25rem; min-inline-size: 1.375rem; padding: 0 .375rem; border-radius: 999px; background: #c4271c; color: #fff; font-size: .75rem; font-weight: 700; line-height: 1.375rem; text-align: center; }
.panel { inset-block-end: calc(max(1rem, env(safe-area-inset-bottom)) + 4.25rem); inline-size: 380px; block-size: min(600px, calc(100dvh - 6.5rem)); background: var(--p-surface); border: 1px solid var(--p-line); border-radius: 1.25rem; overflow: hidden; box-shadow: 0 16px 48px var(--p-shadow); animation: rise .18s ease-out; }
.panel:focus { outline: none; }
.panel > * { block-size: 100%; }
.toasts { inset-block: auto calc(max(1rem, env(safe-area-inset-bottom)) + 4.25rem); }
@keyframes rise { from { opacity: 0; translate: 0 .75rem; } }
@media (max-width: 639px) {
  .panel { inset: 0; inline-size: auto; block-size: 100dvh; border: 0; border-radius: 0; }
  .panel:not([hidden]) + .launch { display: none; }
}
`);
