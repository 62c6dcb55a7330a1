"""Sending and reading messages over HTTP."""

import uuid

from tests.harness import Cast


async def test_a_message_reaches_both_streams_with_the_bytes_of_the_answer(cast: Cast) -> None:
    async with cast.bea.stream() as beas, cast.sol.stream() as sols:
        sent = await cast.bea.say(cast.conversation_id, "Is it still available?")
        heard = [await stream.next("message.sent") for stream in (beas, sols)]
    assert [sent["message"]] * 2 == [event.data["message"] for event in heard]
    assert [sent["cursor"]] * 2 == [event.id for event in heard]


async def test_the_same_client_id_again_gives_the_first_result(cast: Cast) -> None:
    draft = {"client_id": str(uuid.uuid4()), "body": "Once"}
    path = f"/conversations/{cast.conversation_id}/messages"
    first, again = [await cast.bea.http.post(path, json=draft) for _ in range(2)]
    assert (201, 200) == (first.status_code, again.status_code)
    assert first.json() == again.json()


async def test_a_stranger_finds_nothing(cast: Cast) -> None:
    refused = await cast.eve.post(
        f"/conversations/{cast.conversation_id}/messages", client_id=str(uuid.uuid4()), body="Hi"
    )
    assert (404, "not_found") == (refused.status_code, refused.json()["code"])
