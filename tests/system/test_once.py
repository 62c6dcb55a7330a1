"""Invariant 4: the same `client_id`, any number of times, concurrently, across restarts: one message."""

from __future__ import annotations

import asyncio
import json
import uuid

from app.chat.messages.send import COMMIT_ONE
from tests.conftest import NewServer
from tests.harness import Cast, eventually
from tests.system.checker import faults_of_log
from tests.system.conftest import CastAt, Pair
from tests.system.operating import database, database_url

COUNT = "SELECT count(*) FROM message WHERE client_id = $1"
WAITING = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%parley_send_one%'
"""


async def test_the_same_client_id_twenty_times_at_two_processes_is_one_message(pair: Pair, cast_at_pair: Cast) -> None:
    """Invariant 4: one 201, the others 200 with the same bytes; one row, one event at every stream."""
    cast = cast_at_pair
    at = [cast.bea, cast.bea.at(pair.b.url)]
    async with cast.sol.stream() as stream, database(pair.database_url) as connection:
        for attempt in range(5):
            draft = {"client_id": str(uuid.uuid4()), "body": f"Once, attempt {attempt}"}
            path = f"/conversations/{cast.conversation_id}/messages"
            answers = await asyncio.gather(*(at[number % 2].http.post(path, json=draft) for number in range(20)))
            assert [200] * 19 + [201] == sorted(answer.status_code for answer in answers)
            assert 1 == len({answer.content for answer in answers})
            assert 1 == await connection.fetchval(COUNT, uuid.UUID(draft["client_id"]))
        await cast.bea.say(cast.conversation_id, "The end")
        await stream.next("message.sent", 6)
        assert [1, 2, 3, 4, 5, 6] == [event.data["message"]["seq"] for event in stream.durable]
        assert {} == await faults_of_log(connection)


async def test_of_two_contents_with_one_client_id_one_is_sent(pair: Pair, cast_at_pair: Cast) -> None:
    """Invariant 4: the other one is told `message_conflict`, every time, wherever it comes in and in whichever of the
    two conversations."""
    cast = cast_at_pair
    at = [cast.bea, cast.bea.at(pair.b.url)]
    other = (await cast.bea.post("/conversations", participants=[{"user_id": cast.eve.id}])).json()["conversation"][
        "id"
    ]
    async with database(pair.database_url) as connection:
        for _ in range(5):
            client_id = str(uuid.uuid4())
            drafts = [(cast.conversation_id, "One"), (cast.conversation_id, "Two"), (other, "One")]
            answers = await asyncio.gather(
                *(
                    at[number % 2].post(
                        f"/conversations/{drafts[number % 3][0]}/messages",
                        client_id=client_id,
                        body=drafts[number % 3][1],
                    )
                    for number in range(24)
                )
            )
            statuses = sorted(answer.status_code for answer in answers)
            assert [200] * 7 + [201] + [409] * 16 == statuses
            assert 1 == await connection.fetchval(COUNT, uuid.UUID(client_id))
            refused = [answer.json()["code"] for answer in answers if answer.status_code == 409]
            assert {"message_conflict"} == set(refused)


async def test_the_same_client_id_on_its_way_into_another_conversation_at_another_process_is_a_conflict(
    pair: Pair, cast_at_pair: Cast
) -> None:
    """Invariant 4: the two hold no lock in common while they look for the first one. The test is the other process."""
    cast = cast_at_pair
    opened = await cast.bea.post("/conversations", participants=[{"user_id": cast.eve.id}])
    other = uuid.UUID(opened.json()["conversation"]["id"])
    client_id = uuid.uuid4()
    data = (f'{{"conversation_id":"{other}","message":{{"seq":', ',"created_at":"')
    said = (other, cast.bea.id, client_id, "text", "One", None, None, b"another digest", None, False)
    async with database(pair.database_url) as process, database(pair.database_url) as connection:
        transaction = process.transaction()
        await transaction.start()
        assert "sent" == (await process.fetchrow(COMMIT_ONE, uuid.uuid4(), *said, *data))["r_code"]
        sending = asyncio.create_task(
            cast.bea.post(f"/conversations/{cast.conversation_id}/messages", client_id=str(client_id), body="One")
        )
        await eventually(lambda: connection.fetchval(WAITING))
        await transaction.commit()
        answer = await sending
        assert (409, "message_conflict") == (answer.status_code, answer.json()["code"])
        assert 1 == await connection.fetchval(COUNT, client_id)
        assert {} == await faults_of_log(connection)


async def test_a_client_id_is_its_senders_own(pair: Pair, cast_at_pair: Cast) -> None:
    """Two people who happen to use the same `client_id` each send their own message."""
    cast = cast_at_pair
    client_id = str(uuid.uuid4())
    people = [cast.bea, cast.sol.at(pair.b.url)]
    answers = await asyncio.gather(
        *(
            person.post(f"/conversations/{cast.conversation_id}/messages", client_id=client_id, body="The same")
            for person in people
        )
    )
    assert [201, 201] == [answer.status_code for answer in answers]


async def test_after_kill_and_restart_the_same_client_id_is_the_same_message(
    new_server: NewServer, cast_at: CastAt
) -> None:
    """Invariant 4: kill -9 in the middle of 20 concurrent attempts; after the restart the repetition finds the first
    one, or sends it now, and either way there is one."""
    server = await new_server()
    cast = await cast_at(server.url)
    path = f"/conversations/{cast.conversation_id}/messages"
    drafts = [{"client_id": str(uuid.uuid4()), "body": f"Message {number}"} for number in range(20)]

    async def attempt(draft: dict[str, str]) -> bytes | None:
        answer = await cast.bea.http.post(path, json=draft)
        return answer.content if answer.status_code == 201 else None

    sending = [asyncio.create_task(attempt(draft)) for draft in drafts]
    await asyncio.wait(sending, return_when=asyncio.FIRST_COMPLETED)
    server.kill()
    before = [
        None if isinstance(said, BaseException) else said
        for said in await asyncio.gather(*sending, return_exceptions=True)
    ]
    again = await new_server(database_url=database_url(server))
    bea = cast.bea.at(again.url)
    answers = [await bea.http.post(path, json=draft) for draft in drafts]
    for first, answer in zip(before, answers, strict=True):
        assert first is None or (200, json.loads(first)) == (answer.status_code, answer.json())
    async with database(database_url(server)) as connection:
        for draft in drafts:
            assert 1 == await connection.fetchval(COUNT, uuid.UUID(draft["client_id"]))
        assert {} == await faults_of_log(connection)
