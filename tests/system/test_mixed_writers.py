"""Invariant 2 with every kind of writer at once: sends, receipts, edits, openings, joins and leaves."""

from __future__ import annotations

import asyncio
import json
import random
import uuid
from typing import Any

import httpx
import pytest

from tests.conftest import NewServer
from tests.harness import eventually
from tests.system.checker import FAULTLESS, faults_of_log, read_log
from tests.system.conftest import NewPerson, Pair
from tests.system.crowd import Crowd, Member, following, gathered
from tests.system.operating import database, database_url, errors_of, head_cursor, head_of

DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


class Busy:
    """One of the crowd, doing everything that can be done, at any of the servers. Keeps what was not answered well."""

    def __init__(self, crowd: Crowd, member: Member, seed: int, *, archives: bool = True) -> None:
        self.crowd = crowd
        self.member = member
        self.shop = crowd.shop
        self.random = random.Random(seed)
        self.archives = archives
        self.own: list[str] = []
        self.bad: list[str] = []

    async def work(self, count: int) -> None:
        actions = [self.send, self.send, self.send, self.read, self.edit, self.unsend, self.open, self.join_and_leave]
        actions += [self.change, self.read_all]
        for _ in range(count):
            for answer in await self.random.choice(actions)():
                if answer.status_code >= 500 or answer.status_code in (400, 401, 403, 429):
                    self.bad.append(f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}")

    async def ask(self, method: str, path: str, member: Member | None = None, **body: Any) -> httpx.Response:
        """The answer at any of the servers. One that finds the database away for once is asked again, as people do:
        a machine that stands still for 2 s is no defect, a wait without an end is."""

        async def is_answered() -> httpx.Response | None:
            person = self.random.choice((member or self.member).at)
            answer = await person.http.request(method, path, json=body or None)
            return None if answer.status_code == 503 else answer

        return await eventually(is_answered)

    @property
    def path(self) -> str:
        return f"/conversations/{self.random.choice(self.member.conversations)}"

    async def send(self) -> list[httpx.Response]:
        sent = await self.crowd.send(self.member, self.random.choice(self.member.conversations), "A message")
        self.own.append(sent["message"]["id"])
        return []

    async def read(self) -> list[httpx.Response]:
        read_seq = self.random.randint(1, 40)
        return [await self.ask("PUT", f"{self.path}/receipt", read_seq=read_seq, delivered_seq=60)]

    async def read_all(self) -> list[httpx.Response]:
        return [await self.ask("PUT", "/receipts", cursor=(await self.ask("GET", "/me")).json()["cursor"])]

    async def edit(self) -> list[httpx.Response]:
        return [
            await self.ask("PATCH", f"/messages/{id_}", body=f"Edited {uuid.uuid4()}") for id_ in self.some_of_mine(3)
        ]

    async def unsend(self) -> list[httpx.Response]:
        return [await self.ask("DELETE", f"/messages/{id_}") for id_ in self.some_of_mine(1)]

    def some_of_mine(self, count: int) -> list[str]:
        return self.random.sample(self.own, min(count, len(self.own)))

    async def open(self) -> list[httpx.Response]:
        """The same few openings by many people at once: each is made once."""
        listing = f"listing-{self.random.randint(1, 6)}-{self.shop.id}"
        about = f"/contexts/listing/{listing}"
        told = await self.ask("PUT", about, self.shop, title="A table", seller_id=self.shop.id)
        return [told, await self.ask("POST", "/conversations", context={"kind": "listing", "id": listing})]

    async def join_and_leave(self) -> list[httpx.Response]:
        """The shop brings somebody into one of the member's conversations, who says something and leaves again."""
        path, guest = f"{self.path}/participants", self.random.choice(self.crowd.members)
        answers = [await self.ask("POST", path, self.shop, user_id=guest.id, role="agent")]
        if answers[0].status_code == 201:
            answers.append(await self.ask("DELETE", f"{path}/{guest.id}", self.shop))
        return answers

    async def change(self) -> list[httpx.Response]:
        wish = self.random.choice(["is_archived", "is_muted"] if self.archives else ["is_muted"])
        return [await self.ask("PATCH", self.path, **{wish: self.random.random() < 0.5})]


@pytest.mark.parametrize("how", ["two servers", "two workers"])
async def test_mixed_writers_leave_no_gap_and_never_wait_for_each_other_for_good(
    pair: Pair, new_server: NewServer, how: str
) -> None:
    """Invariants 1, 2 and 3: 12 people do everything at once at two processes. Numbers without gaps, no deadlock, no
    5xx; every stream holds exactly the events whose audience its person was in."""
    servers = [pair.a, pair.b] if how == "two servers" else [await new_server("--workers", "2")]
    url = database_url(servers[0])
    urls = [server.url for server in servers]
    async with gathered(urls, people=12, conversations=20, seed=7) as crowd, database(url) as connection:
        cursor = await head_cursor(url)
        followers = [
            crowd.follower(member, [transport], cursor=cursor)
            for number, member in enumerate(crowd.members)
            for transport in (("get", "poll") if number % 2 else ("post",))
        ]
        for follower in followers:
            follower.account.conversations.clear()  # who comes and goes is judged by the log alone
        busy = [Busy(crowd, member, seed) for seed, member in enumerate(crowd.members)]
        async with following(followers, lambda: head_of(url)):
            await asyncio.gather(*(one.work(25) for one in busy))
        log = await read_log(connection)
        crowd.checker.compare_with(log)
        report = crowd.checker.report()
        assert {} == await faults_of_log(connection)
        assert 0 == await connection.fetchval(DEADLOCKS)
    assert [] == [bad for one in busy for bad in one.bad] + crowd.refusals
    unexplained = [fault for fault in report.unexplained if "not in" not in fault and "nobody sent" not in fault]
    assert FAULTLESS == report._replace(unexplained=unexplained)
    kinds = {row.kind for row in log}
    assert kinds >= {"message.sent", "message.edited", "message.deleted", "receipt.moved", "conversation.opened"}
    assert kinds >= {"participant.joined", "participant.left", "conversation.changed"}
    assert [] == [error for server in servers for error in errors_of(server)]


async def test_the_shop_names_new_people_in_any_order_at_once(pair: Pair, new_person: NewPerson) -> None:
    """Invariant 2: two openings that introduce the same new people the other way round do not wait for each other."""
    shops = [new_person(url, f"shop-{uuid.uuid4().hex[:8]}", role="service") for url in pair.urls]
    for _ in range(12):
        mark = uuid.uuid4().hex[:8]
        people = [{"user_id": f"guest-{number}-{mark}", "role": "buyer"} for number in range(60)]
        answers = await asyncio.gather(
            shops[0].post("/conversations", participants=people, subject="One way"),
            shops[1].post("/conversations", participants=people[::-1][:-1], subject="The other way"),
        )
        assert [201, 201] == [answer.status_code for answer in answers], json.dumps([a.text for a in answers])
    async with database(pair.database_url) as connection:
        assert 0 == await connection.fetchval(DEADLOCKS)


async def test_receipts_never_go_back_nor_beyond_the_last_message(pair: Pair) -> None:
    """Invariant 2: both people move their receipts forth and back at both processes while messages come; every position
    that is told is at or after the one told before, and never beyond the last message of that moment."""
    async with gathered(pair.urls, people=2, conversations=1, seed=5) as crowd:
        [talk] = crowd.talks
        one, other = talk.members
        dice = random.Random(5)
        cursor = await head_cursor(pair.database_url)
        follower = crowd.follower(other, ["get"], cursor=cursor)

        async def move(member: Member) -> None:
            for _ in range(60):
                positions = {"read_seq": dice.randint(0, 90), "delivered_seq": dice.randint(0, 90)}
                answer = await dice.choice(member.at).put(f"/conversations/{talk.id}/receipt", **positions)
                assert 200 == answer.status_code

        async with following([follower], lambda: head_of(pair.database_url)):
            await asyncio.gather(crowd.chatter(60), move(one), move(other))
    assert FAULTLESS == crowd.checker.report()
    last_seq = 0
    told = {one.id: (0, 0), other.id: (0, 0)}
    for event in follower.account.events:
        if event.type == "message.sent":
            last_seq = event.data["message"]["seq"]
        elif event.type == "receipt.moved":
            moved = (event.data["read_seq"], event.data["delivered_seq"])
            before = told[event.data["user_id"]]
            assert before[0] <= moved[0] <= moved[1] <= last_seq
            assert before[1] <= moved[1]
            assert before != moved, "what did not move is not told"
            told[event.data["user_id"]] = moved
    assert 60 == last_seq
