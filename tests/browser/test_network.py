"""What a page keeps when the network, the server or the token fails: everything that was written, once and in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext

from tests.browser.bare import AskToken, BarePage, history_of
from tests.browser.proxies.hostile import Hostile
from tests.conftest import NewServer
from tests.harness import Cast, Person, Server, close_cast, eventually, gather_cast, token
from tests.system.operating import database_url, metric

pytestmark = pytest.mark.browser

IS_DOWN = "() => connection.status.phase === 'reconnecting'"
DRAFTS = """() => Object.entries(localStorage).filter(([key]) => key.includes(" draft "))
    .map(([, kept]) => JSON.parse(kept).text)"""
SEND_A_DRAFT = f"""([body, next]) => {{
    thread.setDraft(body);
    thread.send({{ body }});
    if (next) thread.setDraft(next);
    return ({DRAFTS})();
}}"""
PAUSE_SECONDS = 0.2  # between messages that go on while something else happens
PRESENCE_MS = 20_000
IS_HERE = "id => connection.presenceOf(id)?.is_online === true"
QUICK = {"DRAIN_SECONDS": "0"}  # nobody is there any more when these servers end
NewCast = Callable[[Server], Awaitable[Cast]]


@pytest.fixture
async def new_cast() -> AsyncIterator[NewCast]:
    """A cast at a server of the test's own."""
    casts: list[Cast] = []

    async def gather(server: Server) -> Cast:
        casts.append(await gather_cast(server.url))
        return casts[-1]

    yield gather
    for cast in casts:
        await close_cast(cast)


@pytest.fixture
async def context(browser: Browser) -> BrowserContext:
    """A profile: pages in it are tabs of one person. It ends with the browser."""
    return await browser.new_context()


async def bodies_of(person: Person, conversation_id: str) -> list[str]:
    return [body for _, _, body in await history_of(person, conversation_id)]


async def test_what_is_written_offline_is_sent_when_the_network_is_back(
    context: BrowserContext, server: Server, cast: Cast
) -> None:
    """Meanwhile it is shown as waiting; what others wrote meanwhile is there too, told as new once."""
    async with Hostile(server.port, "pass").running() as network:
        bea = await BarePage.open(context, network.url, cast.bea, cast.conversation_id)
        await bea.until_live()
        await context.set_offline(True)  # for what begins now; a stream that is open stays open
        network.hang_up()
        await bea.until(IS_DOWN)
        await bea.say("One", "Two", "Three")
        await cast.sol.say(cast.conversation_id, "Are you there?")
        await bea.until("() => thread.pending.length === 3 && connection.status.isLate")
        await context.set_offline(False)
        await bea.until_live()
        await bea.until_messages(4)
    assert ["Are you there?", "One", "Two", "Three"] == await bodies_of(cast.bea, cast.conversation_id)
    assert await history_of(cast.bea, cast.conversation_id) == await bea.history()
    assert ["Are you there?"] == [body for _, _, body in await bea.told()]
    assert [] == bea.complaints


async def test_a_killed_server_costs_neither_the_draft_nor_a_message(
    context: BrowserContext, new_server: NewServer, new_cast: NewCast
) -> None:
    """kill -9 in the middle of sends, and while something is being typed; then a server on the same port again."""
    server = await new_server(**QUICK)
    cast = await new_cast(server)
    bea = await BarePage.open(context, server.url, cast.bea, cast.conversation_id)
    await bea.until_live()
    before = [f"Before {number}" for number in range(20)]
    await bea.say(*before)
    await bea.until("() => thread.messages.length > 0")
    await bea.write("Would you")
    server.kill()
    await bea.until(IS_DOWN)
    await bea.say("Meanwhile 1", "Meanwhile 2")
    await bea.write("Would you take 20?")
    await new_server(database_url=database_url(server), port=server.port, **QUICK)
    await bea.until_live()
    await bea.until_messages(22)
    assert [*before, "Meanwhile 1", "Meanwhile 2"] == await bodies_of(cast.bea, cast.conversation_id)
    assert await history_of(cast.bea, cast.conversation_id) == await bea.history()
    assert "Would you take 20?" == await bea.page.evaluate("thread.draft")
    assert [] == bea.complaints


async def test_a_closed_page_sends_when_it_is_opened_again(
    context: BrowserContext, new_server: NewServer, new_cast: NewCast
) -> None:
    """What the server did not take is kept in the browser, beyond the page; so is the draft."""
    server = await new_server(**QUICK)
    cast = await new_cast(server)
    bea = await BarePage.open(context, server.url, cast.bea, cast.conversation_id)
    await bea.until_live()
    server.kill()
    await bea.until(IS_DOWN)
    await bea.say("Kept 1", "Kept 2")
    await bea.write("Half a sen")
    await bea.until("() => thread.pending.length === 2")
    await bea.page.close()
    await new_server(database_url=database_url(server), port=server.port, **QUICK)
    again = await BarePage.open(context, server.url, cast.bea, cast.conversation_id)
    await again.until_live()
    await again.until_messages(2)
    assert ["Kept 1", "Kept 2"] == await bodies_of(cast.bea, cast.conversation_id)
    assert "Half a sen" == await again.page.evaluate("thread.draft")
    assert [] == bea.complaints + again.complaints


async def test_a_page_that_dies_in_between_has_the_text_as_a_draft_or_on_its_way(
    context: BrowserContext, server: Server, cast: Cast
) -> None:
    """The draft goes only when the message is kept; a draft that was begun meanwhile stays."""
    bea = await BarePage.open(context, server.url, cast.bea, cast.conversation_id)
    await bea.until_live()
    assert ["Not lost"] == await bea.page.evaluate(SEND_A_DRAFT, ["Not lost", ""])
    await bea.until(f"() => ({DRAFTS})().length === 0 && thread.draft === ''")
    await bea.page.evaluate(SEND_A_DRAFT, ["Gone", "The next one"])
    await bea.until_messages(2)
    assert ["The next one"] == await bea.page.evaluate(DRAFTS)


async def test_no_tab_overtakes_another_that_could_not_send(
    context: BrowserContext, server: Server, cast: Cast
) -> None:
    """What is written later in a second tab waits for what the first one is still trying to send."""
    first = await BarePage.open(context, server.url, cast.bea, cast.conversation_id)
    second = await BarePage.open(context, server.url, cast.bea, cast.conversation_id)
    await first.until_live()
    await second.until_live()
    await first.page.route("**/messages", lambda route: route.abort())
    await first.say("One")
    await first.until("() => thread.pending[0]?.problem")
    await second.say("Two")
    await second.until("() => thread.pending.length === 1")
    await cast.sol.say(cast.conversation_id, "Are you there?")
    await second.until("() => thread.messages.some(({ body }) => body === 'Are you there?')")
    await first.page.unroute("**/messages")
    await first.page.evaluate("window.dispatchEvent(new Event('online'))")
    await second.until_messages(3)
    assert ["Are you there?", "One", "Two"] == await bodies_of(cast.bea, cast.conversation_id)
    assert [] == first.complaints + second.complaints


async def test_a_refused_message_stays_until_it_is_sent_again_or_discarded(
    context: BrowserContext, server: Server, cast: Cast
) -> None:
    bea = await BarePage.open(context, server.url, cast.bea, cast.conversation_id)
    await bea.until_live()
    assert 200 == (await cast.sol.patch(f"/conversations/{cast.conversation_id}", state="closed")).status_code
    kept, unwanted = await bea.say("Still for sale?", "Hello?")
    await bea.until("() => thread.pending.length === 2 && thread.pending.every((one) => one.state === 'refused')")
    assert ["conversation_closed"] * 2 == await bea.page.evaluate("thread.pending.map((one) => one.problem.code)")
    assert 200 == (await cast.sol.patch(f"/conversations/{cast.conversation_id}", state="open")).status_code
    await bea.page.evaluate("id => thread.discard(id)", unwanted)
    await bea.page.evaluate("id => thread.retry(id)", kept)
    await bea.until_messages(1)
    assert ["Still for sale?"] == await bodies_of(cast.bea, cast.conversation_id)
    assert [] == bea.complaints


async def test_who_sends_too_fast_waits_and_loses_nothing(
    context: BrowserContext, new_server: NewServer, new_cast: NewCast
) -> None:
    server = await new_server(SEND_LIMIT="3/3", **QUICK)
    cast = await new_cast(server)
    bea = await BarePage.open(context, server.url, cast.bea, cast.conversation_id)
    await bea.until_live()
    bodies = [f"{number}" for number in range(6)]
    await bea.say(*bodies)
    await bea.until("() => thread.pending.some((one) => one.retry_at > Date.now())")
    await bea.until_messages(6)
    assert bodies == await bodies_of(cast.bea, cast.conversation_id)
    assert [] == bea.complaints


async def test_two_tabs_of_one_person_share_a_stream_and_agree(
    context: BrowserContext, new_server: NewServer, new_cast: NewCast
) -> None:
    """One stream for both; the same unread badge; when the tab that holds the stream goes, the other takes over."""
    server = await new_server(**QUICK)
    cast = await new_cast(server)
    tabs = [await BarePage.open(context, server.url, cast.bea) for _ in range(2)]
    for tab in tabs:
        await tab.until_live()

    async def is_one_stream() -> bool:
        return await metric(server, "parley_streams") == 1

    await eventually(is_one_stream)
    for number in (1, 2):
        await cast.sol.say(cast.conversation_id, f"Offer {number}")
        for tab in tabs:
            await tab.until("count => connection.unread.total === count && told.messages.length === count", number)
    assert await is_one_stream()
    shared = [await tab.page.evaluate("connection.status.isShared") for tab in tabs]
    assert [False, True] == sorted(shared)
    leader, follower = tabs[shared.index(False)], tabs[shared.index(True)]
    await follower.page.evaluate("id => connection.calls.markRead({ context: id })", f"listing:{cast.listing}")
    for tab in tabs:
        await tab.until("() => connection.unread.total === 0")
    await leader.page.close()
    await follower.until("() => connection.status.phase === 'live' && !connection.status.isShared")
    await cast.sol.say(cast.conversation_id, "Offer 3")
    await follower.until("() => connection.unread.total === 1 && told.messages.length === 3")
    await eventually(is_one_stream)
    assert [] == leader.complaints + follower.complaints


async def test_nothing_is_unread_in_what_was_read_and_left(
    context: BrowserContext, new_server: NewServer, new_cast: NewCast
) -> None:
    """What the server said at the start does not come back when the conversation goes."""
    server = await new_server(**QUICK)
    cast = await new_cast(server)
    for number in range(3):
        await cast.sol.say(cast.conversation_id, f"Offer {number}")
    bea = await BarePage.open(context, server.url, cast.bea)
    await bea.until_live()
    await bea.until("() => connection.unread.total === 3")
    await cast.bea.put(f"/conversations/{cast.conversation_id}/receipt", read_seq=3)
    await bea.until("() => connection.unread.total === 0")
    await cast.bea.delete(f"/conversations/{cast.conversation_id}/participants/{cast.bea.id}")
    await bea.until("id => !connection.state.conversations.has(id)", cast.conversation_id)
    assert 0 == await bea.page.evaluate("connection.unread.total")
    assert [] == bea.complaints


def tokens_of(person: Person, *, first_seconds: float, is_renewed: bool) -> tuple[AskToken, list[dict[str, Any]]]:
    """A shop's callback whose first token is soon over, and the questions it was asked for a new one."""
    current = token(person.id, ttl_seconds=first_seconds, name="Bea")
    asked: list[dict[str, Any]] = []

    async def ask(why: dict[str, Any]) -> str:
        nonlocal current
        if why.get("isExpired"):
            asked.append(why)
            current = person.token if is_renewed else current
        return current

    return ask, asked


async def test_a_token_that_expires_is_renewed_and_nothing_is_missed(
    context: BrowserContext, server: Server, cast: Cast
) -> None:
    ask, asked = tokens_of(cast.bea, first_seconds=4, is_renewed=True)
    bea = await BarePage.open(context, server.url, cast.bea, cast.conversation_id, ask_token=ask)
    await bea.until_live()

    number = 0
    while not asked:
        number += 1
        await cast.sol.say(cast.conversation_id, f"From sol {number}")
        await asyncio.sleep(PAUSE_SECONDS)
    await bea.say("From bea")
    await bea.until_live()
    await bea.until_messages(number + 1)
    history = await history_of(cast.bea, cast.conversation_id)
    assert history == await bea.history()
    assert history[:-1] == await bea.told()
    assert len(asked) < 5, "the shop is asked once or so, not all the time"
    assert [] == bea.complaints


async def test_who_is_signed_out_keeps_the_draft_and_what_was_sent(
    context: BrowserContext, server: Server, cast: Cast
) -> None:
    """The token is refused for good. Signed in again, everything goes on where it was."""
    ask, asked = tokens_of(cast.bea, first_seconds=4, is_renewed=False)
    bea = await BarePage.open(context, server.url, cast.bea, cast.conversation_id, ask_token=ask)
    await bea.until_live()
    await bea.until("() => connection.status.phase === 'signed_out'")
    await bea.say("Not gone")
    await bea.write("Half a sen")
    await bea.until("() => thread.pending.length === 1")
    assert "Half a sen" == await bea.page.evaluate("thread.draft")
    assert 0 < len(asked) < 5
    await bea.page.close()
    again = await BarePage.open(context, server.url, cast.bea, cast.conversation_id)
    await again.until_live()
    await again.until_messages(1)
    assert ["Not gone"] == await bodies_of(cast.bea, cast.conversation_id)
    assert "Half a sen" == await again.page.evaluate("thread.draft")
    assert [] == bea.complaints + again.complaints


async def test_between_two_polls_nobody_is_thought_gone_for_long(
    context: BrowserContext, server: Server, cast: Cast
) -> None:
    """Presence is only said, and not written down: who polls may miss it, and asks now and then."""
    answers: list[str] = []
    context.on("response", lambda response: answers.append(response.url) if "/presence" in response.url else None)
    await context.clock.install()
    async with cast.sol.stream() as stream:
        await stream.next("ready")
        bea = await BarePage.open(context, server.url, cast.bea, cast.conversation_id, only="long-poll")

        async def has_asked() -> bool:
            return len(answers) >= 2  # when it was live, and when the conversation was opened

        await eventually(has_asked)
        await bea.until(IS_HERE, cast.sol.id)
        await bea.page.evaluate("id => connection.state.presence.delete(id)", cast.sol.id)  # as if it was not heard
        asked: list[str] = []
        context.on("request", lambda request: asked.append(request.url))
        await context.clock.fast_forward(PRESENCE_MS)
        await bea.until(IS_HERE, cast.sol.id)
        before = asked[: next(place for place, url in enumerate(asked) if "/presence" in url)]
        assert not any("wait=0" in url for url in before), "not because it has connected anew"
