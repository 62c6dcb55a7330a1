"""The React hook, in the real React and a real Chromium: what a component of somebody's own sees and can do."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from app.api import files
from tests.browser.proxies.hostile import Hostile
from tests.browser.react import FRONTEND, ReactPage, about, another, chat, drawn_by_node, receipt
from tests.harness import ROOT, Cast, Server, eventually

pytestmark = pytest.mark.browser

HOOK = FRONTEND / "react" / "use-conversation.js"
PAGE = 50  # messages of a conversation at first


@pytest.fixture
async def bea(people: Browser, server: Server, cast: Cast) -> AsyncIterator[ReactPage]:
    """Bea's page. Nothing may stand in its console at the end."""
    context = await people.new_context()
    page = await ReactPage.load(context, server.url, cast.bea)
    yield page
    await context.close()
    assert [] == page.complaints


async def test_two_people_talk(bea: ReactPage, cast: Cast) -> None:
    """Opened by its item; written into an input whose value is the draft; sent, answered; typing is told and shown."""
    await bea.show(chat("table", about(cast.listing)))
    box = bea.page.get_by_label("Message in table")
    await box.click()  # when it is enabled
    await box.press_sequentially("Is it oak?")
    assert "Is it oak?" == await box.input_value()
    await box.press("Enter")
    assert "" == await box.input_value()
    await bea.until_shown("table", "Is it oak?")
    assert f"PUT /conversations/{cast.conversation_id}/typing" in bea.calls
    await cast.sol.put(f"/conversations/{cast.conversation_id}/typing", is_typing=True)
    await bea.page.get_by_role("status").filter(has_text="Sol").wait_for()
    await cast.sol.say(cast.conversation_id, "It is.")
    await bea.until_shown("table", "It is.")
    await bea.until("() => chats.table.typists.length === 0 && chats.table.pending.length === 0")
    assert ["Is it oak?", "It is."] == await bea.page.get_by_role("listitem").all_inner_texts()
    await bea.until("id => chats.table.presence[id]?.is_online === false", cast.sol.id)
    await bea.until("() => chats.table.status.phase === 'live' && chats.table.me.name === 'Bea'")


async def test_own_messages_are_edited_and_unsent(bea: ReactPage, cast: Cast) -> None:
    await bea.show(chat("table", about(cast.listing)))
    await bea.until("() => chats.table?.conversation")
    await bea.page.evaluate("() => { chats.table.send({ body: 'Is it oka?' }); chats.table.send({ body: 'Oops' }); }")
    await bea.until("() => chats.table.messages.length === 2")
    await bea.page.evaluate("() => chats.table.edit(chats.table.messages[0].id, 'Is it oak?')")
    await bea.page.evaluate("() => chats.table.unsend(chats.table.messages[1].id)")
    await bea.until("() => chats.table.messages[1].deleted_at !== null")
    assert ["Is it oak?", ""] == await bea.bodies("table")


async def test_strict_mode_asks_the_server_once(bea: ReactPage, cast: Cast) -> None:
    """React runs every effect twice there: what is gone at once has asked for nothing."""
    await cast.sol.say(cast.conversation_id, "Hello")
    await bea.show(chat("table", about(cast.listing)))
    await bea.until_shown("table", "Hello")
    assert 1 == bea.calls.count("POST /conversations")
    assert 1 == sum(f"/{cast.conversation_id}/messages" in call for call in bea.calls)


async def test_a_connection_made_in_an_effect_works_in_strict_mode(bea: ReactPage, cast: Cast) -> None:
    """As the documentation says: made, closed and made again; the first leaves nothing, not in the console either."""
    await cast.sol.say(cast.conversation_id, "Hello")
    await bea.page.evaluate("chat => showApp(chat)", chat("table", about(cast.listing)))
    await bea.until_shown("table", "Hello")
    await bea.until("() => connection.status.phase === 'live'")
    assert 1 == bea.calls.count("GET /me"), "what was closed at once goes on"
    await bea.page.evaluate("() => unmount()")
    assert "closed" == await bea.page.evaluate("connection.status.phase")


async def test_another_conversation_is_never_drawn_with_the_messages_of_the_last(bea: ReactPage, cast: Cast) -> None:
    """What is written to the first after that still goes there."""
    other = await another(cast)
    await cast.sol.say(cast.conversation_id, "About the table")
    await cast.sol.say(other, "About nothing")
    await bea.show(chat("pane", {"conversation_id": cast.conversation_id}))
    await bea.until_shown("pane", "About the table")
    await bea.page.evaluate("() => { window.first = chats.pane; }")
    await bea.show(chat("pane", {"conversation_id": other}))
    await bea.until_shown("pane", "About nothing")
    await bea.page.evaluate("() => first.send({ body: 'Late' })")
    await bea.show(chat("pane", {"conversation_id": cast.conversation_id}))
    await bea.until_shown("pane", "Late")
    mixed = """() => views.pane.filter(({ what, view }) =>
        [view.conversation?.id, ...view.messages.map((one) => one.conversation_id)]
            .some((id) => id !== undefined && id !== what.conversation_id))"""
    assert [] == await bea.page.evaluate(mixed)


async def test_an_answer_that_comes_too_late_is_not_shown(bea: ReactPage, cast: Cast) -> None:
    """The first is still being opened when another is asked for."""
    other = await another(cast)
    await cast.sol.say(other, "About nothing")
    await bea.connect()
    async with bea.held("/conversations") as is_asked:
        await bea.show(chat("pane", about(cast.listing)))
        await asyncio.wait_for(is_asked.wait(), 20)
        await bea.show(chat("pane", {"conversation_id": other}))
        await bea.until_shown("pane", "About nothing")
    await bea.until("id => !connection.state.messages.has(id)", cast.conversation_id)
    assert other == await bea.page.evaluate("chats.pane.conversation.id")


async def test_who_leaves_while_it_opens_leaves_nothing_open(bea: ReactPage, cast: Cast) -> None:
    """Neither while the conversation is asked for, nor while its messages are."""
    await bea.connect()
    for path in ("/conversations", f"/conversations/{cast.conversation_id}/messages"):
        async with bea.held(path) as is_asked:
            await bea.show(chat("table", about(cast.listing)))
            await asyncio.wait_for(is_asked.wait(), 20)
            await bea.show()
        await bea.drawn("table")
        await bea.until("() => connection.state.messages.size === 0")
    await cast.sol.say(cast.conversation_id, "Anybody there?")
    await bea.until("() => connection.unread.total === 1")
    assert 0 == await bea.page.evaluate("connection.state.messages.size")


async def test_two_of_one_conversation_do_not_cut_each_other_off(bea: ReactPage, cast: Cast) -> None:
    """They share the draft, and what one writes is the other's at once. The last one closes it."""
    what = {"conversation_id": cast.conversation_id}
    await bea.show(chat("one", what), chat("two", about(cast.listing)))
    await bea.until("() => chats.one?.conversation && chats.two?.conversation")
    await bea.page.get_by_label("Message in one").fill("Half a sen")
    assert "Half a sen" == await bea.page.get_by_label("Message in two").input_value()
    await bea.show(chat("two", about(cast.listing)))
    await cast.sol.say(cast.conversation_id, "Still there?")
    await bea.until_shown("two", "Still there?")
    assert "Half a sen" == await bea.page.get_by_label("Message in two").input_value()
    await bea.show()
    await bea.until("() => connection.state.messages.size === 0")


async def test_only_what_is_in_view_is_read(bea: ReactPage, cast: Cast) -> None:
    """With two of one conversation: what either of them shows."""
    what = {"conversation_id": cast.conversation_id}
    await bea.show(chat("one", what, isVisible=False), chat("two", what, isVisible=False))
    await bea.until("() => chats.one?.conversation && !chats.one.isLoading")
    await cast.sol.say(cast.conversation_id, "One")

    async def until(name: str, seq: int) -> None:
        async def has_come() -> bool:
            return int((await receipt(cast))[name]) >= seq

        await eventually(has_come)

    await until("delivered_seq", 1)
    assert 0 == (await receipt(cast))["read_seq"]
    assert 1 == await bea.page.evaluate("chats.one.unread")
    await bea.show(chat("one", what, isVisible=True), chat("two", what, isVisible=False))
    await until("read_seq", 1)
    await bea.until("() => chats.two.unread === 0")
    await bea.show(chat("two", what, isVisible=False))
    await cast.sol.say(cast.conversation_id, "Two")
    await until("delivered_seq", 2)
    assert 1 == (await receipt(cast))["read_seq"]
    await bea.page.evaluate("() => chats.two.markRead()")
    await until("read_seq", 2)


async def test_nothing_is_drawn_again_for_what_is_not_shown(bea: ReactPage, cast: Cast) -> None:
    """Neither for another conversation, nor for the same again; and what did not change stays the same object."""
    other = await another(cast)
    await cast.sol.say(cast.conversation_id, "Hello")
    await bea.show(chat("table", {"conversation_id": cast.conversation_id}))
    await bea.until("() => connection.status.phase === 'live' && chats.table.unread === 0 && !chats.table.isLoading")
    await bea.until("() => Object.values(chats.table.presence).length === 1")
    before = await bea.drawn("table")
    await cast.sol.say(other, "About nothing")
    await bea.until("() => connection.unread.total === 1")
    assert before == await bea.drawn("table")
    await bea.page.evaluate("() => { window.last = chats.table; }")
    await cast.sol.put(f"/conversations/{cast.conversation_id}/typing", is_typing=True)
    await bea.until("() => chats.table.typists.length === 1")
    kept = await bea.page.evaluate("() => Object.keys(last).filter((name) => last[name] !== chats.table[name])")
    assert ["typists"] == kept
    again = {"context": None, "conversation_id": cast.conversation_id}  # another object that says the same
    calls = len(bea.calls)
    await bea.show(chat("table", again))
    await bea.drawn("table")
    assert [] == [call for call in bea.calls[calls:] if not call.startswith("PUT")]


async def test_history_comes_page_by_page(bea: ReactPage, cast: Cast) -> None:
    for number in range(PAGE + 2):
        await cast.bea.say(cast.conversation_id, f"{number}")
    await bea.show(chat("table", about(cast.listing)))
    await bea.until("count => chats.table?.messages.length === count && chats.table.hasOlder", PAGE)
    await bea.page.evaluate("() => chats.table.older()")
    await bea.until("() => !chats.table.isLoading && !chats.table.hasOlder")
    assert [f"{number}" for number in range(PAGE + 2)] == await bea.bodies("table")


async def test_much_that_is_unread_is_read_from_where_it_begins(bea: ReactPage, cast: Cast) -> None:
    count = 2 * PAGE
    for number in range(1, count + 1):
        await cast.sol.say(cast.conversation_id, f"{number}")
    await bea.show(chat("table", about(cast.listing)))
    await bea.until("() => chats.table?.messages.length > 0 && chats.table.hasNewer")
    assert 1 == await bea.page.evaluate("chats.table.firstUnreadSeq")
    assert count == await bea.page.evaluate("chats.table.unread")
    await bea.page.evaluate("() => chats.table.newer()")
    await bea.page.evaluate("() => chats.table.toEnd()")
    await bea.until("() => !chats.table.hasNewer && chats.table.unread === 0")
    assert f"{count}" == (await bea.bodies("table"))[-1]


async def test_a_refused_message_is_sent_again_or_discarded(bea: ReactPage, cast: Cast) -> None:
    await bea.show(chat("table", about(cast.listing)))
    await bea.until("() => chats.table?.conversation")
    assert 200 == (await cast.sol.patch(f"/conversations/{cast.conversation_id}", state="closed")).status_code
    await bea.page.evaluate("() => { chats.table.send({ body: 'For sale?' }); chats.table.send({ body: 'Hello?' }); }")
    await bea.until("() => chats.table.pending.filter((one) => one.state === 'refused').length === 2")
    assert "conversation_closed" == await bea.page.evaluate("chats.table.pending[0].problem.code")
    assert 200 == (await cast.sol.patch(f"/conversations/{cast.conversation_id}", state="open")).status_code
    await bea.page.evaluate("() => chats.table.discard(chats.table.pending[1].client_id)")
    await bea.page.evaluate("() => chats.table.retry(chats.table.pending[0].client_id)")
    await bea.until("() => chats.table.pending.length === 0 && chats.table.messages.length === 1")
    assert ["For sale?"] == await bea.bodies("table")


async def test_what_cannot_be_opened_says_why(bea: ReactPage, cast: Cast) -> None:
    """Sending is an error then, not a message that is lost; asked for something else, all is well."""
    await bea.show(chat("table", {"conversation_id": "019a0000-0000-7000-8000-000000000000"}))
    await bea.until("() => chats.table?.problem?.code === 'not_found' && !chats.table.isLoading")
    sent = "() => { try { return chats.table.send({ body: 'Lost?' }); } catch (error) { return error.message; } }"
    assert "Nothing is open yet" in await bea.page.evaluate(sent)
    await bea.show(chat("table", {"conversation_id": cast.conversation_id}))
    await bea.until("() => chats.table.conversation && chats.table.problem === null")


async def test_what_could_not_be_reached_is_opened_again(bea: ReactPage, cast: Cast) -> None:
    await bea.connect()
    pattern = re.compile(r"/api/v1/conversations$")
    await bea.page.route(pattern, lambda route: route.abort())
    await bea.show(chat("table", about(cast.listing)))
    await bea.until("() => chats.table?.problem?.code === 'unreachable'")
    await bea.page.unroute(pattern)
    await bea.page.evaluate("() => { void chats.table.reload(); void chats.table.reload(); }")
    await bea.until("() => chats.table.conversation && chats.table.problem === null")
    await bea.show()
    await bea.until("() => connection.state.messages.size === 0")


async def test_what_could_not_be_reached_is_opened_when_the_network_is_back(
    people: Browser, server: Server, cast: Cast
) -> None:
    """By itself: nobody presses anything."""
    context = await people.new_context()
    async with Hostile(server.port, "pass").running() as network:
        bea = await ReactPage.load(context, network.url, cast.bea)
        await bea.connect()
        await context.set_offline(True)
        network.hang_up()
        await bea.until("() => connection.status.phase === 'reconnecting'")
        await bea.show(chat("table", about(cast.listing)))
        await bea.until("() => chats.table?.problem?.code === 'unreachable'")
        await context.set_offline(False)
        await bea.until("() => chats.table.conversation && chats.table.problem === null")
    await context.close()
    assert [] == bea.complaints


async def test_nothing_asked_for_is_nothing_opened(bea: ReactPage, cast: Cast) -> None:
    await bea.show(chat("table", None), chat("later", {"conversation_id": None}))
    await bea.until("() => chats.table && chats.later && connection.status.phase === 'live'")
    for name in ("table", "later"):
        assert [False, None] == await bea.page.evaluate(f"[chats.{name}.isLoading, chats.{name}.conversation]")
    assert [] == [call for call in bea.calls if call.startswith("POST /conversations")]


async def test_what_the_server_drew_comes_alive(bea: ReactPage, cast: Cast) -> None:
    """Drawn by Node, which finds React as bundlers do; React complains if the browser begins with another view."""
    await cast.sol.say(cast.conversation_id, "Hello")
    table = chat("table", about(cast.listing))
    html = await drawn_by_node(table)
    assert "<h2>Loading</h2>" in html
    await bea.page.evaluate("([html, chat]) => hydrate(html, chat)", [html, table])
    await bea.until_shown("table", "Hello")
    assert await bea.page.evaluate("drawn.isConnected")


def test_the_documents_say_its_size() -> None:
    said = (ROOT / "docs" / "embed.md").read_text()
    served = files.read(HOOK).contents
    assert (
        f"{len(served[files.IDENTITY]):,} bytes as it is served ({len(served['br']) / 1000:.1f} KB by brotli)" in said
    )
