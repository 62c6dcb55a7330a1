/** A page of somebody's own in React. Tests say what it shows, and look at `views` and `chats`. */
import * as React from "react";
import { createRoot, hydrateRoot } from "react-dom/client";
import { connect } from "/static/client/parley.js";
import { useConversation } from "/static/react/use-conversation.js";
import { chatOf } from "/react.chat.js";

const { createElement: el, StrictMode, useEffect, useState } = React;
const Chat = chatOf(React, useConversation);
const host = document.getElementById("root");
const start = () => connect({ url: "", getToken: (why) => window.askToken(why ?? {}) });
window.views = {}; // every view of each chat, as it was drawn
window.chats = {}; // the last of each
let root = null;

/** With a connection of the page's: `[{ name, what, isVisible }, …]`. Over when those before are gone and these have begun. */
window.show = (chats) => {
  window.connection ??= start();
  root ??= createRoot(host);
  const shown = chats.map((chat) => el(Chat, { key: chat.name, connection: window.connection, ...chat }));
  return new Promise((done) => root.render(el(StrictMode, null, shown, el(Begun, { done }))));
};

/** Its effect comes after those of what was drawn with it. */
function Begun({ done }) {
  useEffect(() => done(), [done]);
}

/** With a connection that the component makes and closes, as the documentation says. */
window.showApp = (chat) => {
  root = createRoot(host);
  root.render(el(StrictMode, null, el(App, { chat })));
};

/** What the server drew comes alive. */
window.hydrate = (html, chat) => {
  host.innerHTML = html;
  window.drawn = host.firstElementChild;
  root = hydrateRoot(host, el(App, { chat }));
};

window.unmount = () => root.unmount();

function App({ chat }) {
  const [connection, setConnection] = useState(null);
  useEffect(() => {
    const made = start();
    window.connection = made;
    setConnection(made);
    return () => made.close();
  }, []);
  return el(Chat, { connection, ...chat });
}

window.isOpen = true;
