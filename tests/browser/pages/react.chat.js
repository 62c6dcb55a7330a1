/**
 * A conversation as somebody's own React component draws it. What it drew is noted in `window.views` by `name`, once for
 * each time. React is given, not imported: on the server there is no import map.
 */
export function chatOf({ createElement: el, useEffect }, useConversation) {
  return function Chat({ name, connection, what, isVisible }) {
    const chat = useConversation(connection, what, { isVisible });
    const { conversation, messages, pending, typists, draft, isLoading, problem, unread } = chat;
    useEffect(() => note(name, what, chat));

    function submit(event) {
      event.preventDefault();
      chat.send({ body: draft });
    }

    return el(
      "section",
      { "aria-label": name },
      el("h2", null, conversation?.context?.title ?? (isLoading ? "Loading" : (problem?.code ?? "Nothing"))),
      el("p", null, `${unread} unread`),
      el("ul", null, [...messages, ...pending].map(({ client_id, body }) => el("li", { key: client_id }, body))),
      el("p", { role: "status" }, typists.map((user) => user.name).join()),
      el(
        "form",
        { onSubmit: submit },
        el("input", {
          "aria-label": `Message in ${name}`,
          value: draft,
          disabled: conversation === null,
          onChange: (event) => chat.typing(event.target.value),
        }),
      ),
    );
  };
}

function note(name, what, view) {
  (window.views[name] ??= []).push({ what, view });
  window.chats[name] = view;
}
