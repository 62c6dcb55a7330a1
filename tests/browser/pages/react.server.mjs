/** Draws a chat where there is no browser: the HTML on standard output. The first argument is the folder of the front end. */
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { chatOf } from "./react.chat.js";

const [, , frontend, chat] = process.argv;
const require = createRequire(`${frontend}/package.json`);
const React = require("react");
const { renderToString } = require("react-dom/server");
const { useConversation } = await import(pathToFileURL(`${frontend}/react/use-conversation.js`));

const Chat = chatOf(React, useConversation);
process.stdout.write(renderToString(React.createElement(Chat, { connection: null, ...JSON.parse(chat) })));
