/** The inbox: all of the person's conversations, whatever they are in them. */

import "../widget/inbox-element.js";
import { find } from "./dom.js";
import { parley, startPage } from "./page.js";

startPage(({ connection }) => {
  find("#inbox", HTMLElement).replaceChildren(parley("parley-inbox", connection, { browse: "/" }));
});
