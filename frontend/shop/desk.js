/** The seller's desk: the conversations in which the person sells. */

import { startChat } from "./chat.js";
import { find } from "./dom.js";
import { logIn, showCast } from "./people.js";

const FALLBACK = "sol";

const { signal } = new AbortController(); // as long as the page lives

showCast(find("#cast", HTMLElement), FALLBACK);
await startChat({
  root: find("#chat", HTMLElement),
  person: await logIn(FALLBACK),
  role: "seller",
  signal,
});
