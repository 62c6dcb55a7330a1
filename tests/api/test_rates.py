"""Rate limits at the door: a server with small ones."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from tests.api.answers import conversation_of, draft, ids, now, ok, refusal, send, told_since
from tests.conftest import NewDatabase
from tests.harness import Cast, Server, close_cast, gather_cast

LIMITED = (429, "rate_limited")


@pytest.fixture(scope="module")
async def strict(new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server where one may send three messages an hour."""
    server = Server(await new_database(), tmp_path_factory.mktemp("strict"), SEND_LIMIT="3/3600", DRAIN_SECONDS="0")
    yield await server.start()
    await server.close()


@pytest.fixture
async def cast(strict: Server) -> AsyncIterator[Cast]:
    """The cast at the strict server."""
    cast = await gather_cast(strict.url)
    yield cast
    await close_cast(cast)


async def test_sending_has_a_limit_that_says_when_it_ends(cast: Cast) -> None:
    answers = [await send(cast.bea, cast.conversation_id, draft(f"{number}")) for number in range(5)]
    assert [201, 201, 201, 429, 429] == [answer.status_code for answer in answers]
    assert LIMITED == refusal(answers[-1])
    assert 1190 <= int(answers[-1].headers["retry-after"]) <= 1200
    assert 3 == (await conversation_of(cast.bea, cast.conversation_id))["last_seq"], "nothing was stored"


async def test_each_person_has_a_limit_of_their_own_and_the_shop_has_none(cast: Cast) -> None:
    for person, expected in ((cast.bea, 3), (cast.sol, 3), (cast.shop, 6)):
        answers = [await send(person, cast.conversation_id, draft()) for _ in range(6)]
        assert expected == sum(answer.status_code == 201 for answer in answers)


async def test_the_limit_is_the_same_by_both_ways_in(cast: Cast) -> None:
    async def in_chunks() -> AsyncIterator[bytes]:
        yield json.dumps(draft()).encode()

    path = f"/conversations/{cast.conversation_id}/messages"
    for _ in range(3):
        ok(await cast.bea.http.post(path, content=in_chunks()), 201)
    assert LIMITED == refusal(await send(cast.bea, cast.conversation_id, draft()))
    assert LIMITED == refusal(await cast.bea.http.post(path, content=in_chunks()))


async def test_what_is_refused_for_what_it_is_does_not_count(cast: Cast) -> None:
    for _ in range(5):
        assert 400 == refusal(await send(cast.bea, cast.conversation_id, draft(" ")))[0]
    ok(await send(cast.bea, cast.conversation_id, draft()), 201)


async def test_reading_unsending_receipts_and_ones_own_wishes_go_on(cast: Cast) -> None:
    messages = [ok(await send(cast.bea, cast.conversation_id, draft()), 201)["message"] for _ in range(3)]
    ok(await cast.bea.delete(f"/messages/{messages[1]['id']}"))
    ok(await cast.bea.patch(f"/conversations/{cast.conversation_id}", is_muted=True, is_archived=True))
    ok(await cast.bea.put(f"/conversations/{cast.conversation_id}/receipt", read_seq=3))
    ok(await cast.bea.get(f"/conversations/{cast.conversation_id}/messages"))


async def test_edits_count_like_messages(cast: Cast) -> None:
    message = ok(await send(cast.bea, cast.conversation_id, draft()), 201)["message"]
    path = f"/messages/{message['id']}"
    for body in ("Hi!", "Hi!!"):
        ok(await cast.bea.patch(path, body=body))
    assert LIMITED == refusal(await cast.bea.patch(path, body="Hi!!!"))
    assert LIMITED == refusal(await send(cast.bea, cast.conversation_id, draft()))
    assert "Hi!!" == ok(await cast.bea.get(path))["body"], "nothing was stored"


async def test_leaving_and_joining_again_count_like_messages(cast: Cast) -> None:
    """Each is a line that the other has not read."""
    me = f"/conversations/{cast.conversation_id}/participants/{cast.bea.id}"
    about = {"kind": "listing", "id": cast.listing}
    assert 204 == (await cast.bea.delete(me)).status_code
    ok(await cast.bea.post("/conversations", context=about))
    ok(await cast.bea.post("/conversations", context=about))  # she is in it: nobody is told anything
    assert 204 == (await cast.bea.delete(me)).status_code
    assert LIMITED == refusal(await cast.bea.post("/conversations", context=about))
    assert 3 == (await conversation_of(cast.sol, cast.conversation_id))["last_seq"]


async def test_closing_and_opening_count_like_messages_but_not_for_the_shop(cast: Cast) -> None:
    path = f"/conversations/{cast.conversation_id}"
    for state in ("closed", "open", "closed"):
        ok(await cast.bea.patch(path, state=state))
    assert LIMITED == refusal(await cast.bea.patch(path, state="open"))
    for state in ("open", "closed") * 3:
        ok(await cast.shop.patch(path, state=state))


async def test_bringing_in_and_taking_out_count_like_messages(cast: Cast) -> None:
    path = f"/conversations/{cast.conversation_id}/participants"
    ok(await cast.shop.post(path, user_id=cast.ada.id, role="agent"), 201)
    ok(await cast.eve.get("/me"))
    for _ in range(2):
        answers = [
            await cast.ada.post(path, user_id=cast.eve.id, role="agent"),
            await cast.ada.delete(f"{path}/{cast.eve.id}"),
        ]
    assert [201, 429] == [answer.status_code for answer in answers]


async def test_a_first_message_over_the_limit_opens_nothing(cast: Cast) -> None:
    """The answer says that nothing was stored."""
    for _ in range(3):
        ok(await send(cast.bea, cast.conversation_id, draft()), 201)
    ok(await cast.ada.get("/me"))
    cursor = await now(cast.ada)
    answer = await cast.bea.post("/conversations", participants=[{"user_id": cast.ada.id}], message=draft())
    assert LIMITED == refusal(answer)
    assert [cast.conversation_id] == ids(ok(await cast.bea.get("/conversations"))["conversations"])
    assert [] == await told_since(cast.ada, cursor)


async def test_opening_with_a_message_takes_one_from_each_limit(cast: Cast) -> None:
    opened = await cast.bea.post("/conversations", participants=[{"user_id": cast.ada.id}], message=draft())
    conversation_id = ok(opened, 201)["conversation"]["id"]
    answers = [await send(cast.bea, conversation_id, draft()) for _ in range(3)]
    assert [201, 201, 429] == [answer.status_code for answer in answers]
