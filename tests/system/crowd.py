"""A crowd: many people in many conversations, who send as an outbox does and follow the log as a browser does."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, NamedTuple

import httpx

from tests.harness import CONTROL, Event, Person, eventually, frames
from tests.system.checker import Account, Checker, position_of

TRANSPORTS = ("get", "post", "poll")
OUTBOX_PATIENCE_SECONDS = 40.0
POLL_SECONDS = 2


class Member:
    """Somebody of the crowd, with a connection to each server."""

    def __init__(self, urls: Sequence[str], user_id: str, **claims: Any) -> None:
        first = Person(urls[0], user_id, **claims)
        self.id = user_id
        self.at = [first, *(first.at(url) for url in urls[1:])]
        self.conversations: list[str] = []

    async def close(self) -> None:
        await self.at[0].close()


class Talk(NamedTuple):
    """A conversation of the crowd."""

    id: str
    members: tuple[Member, Member]


class Crowd:
    def __init__(self, members: list[Member], shop: Member, talks: list[Talk], seed: int) -> None:
        self.members = members
        self.shop = shop
        self.talks = talks
        self.random = random.Random(seed)
        self.checker = Checker()
        self.is_hushed = False
        self.late = AsyncExitStack()
        """For followers who come while everyone talks, and stay to the end."""
        self.refusals: list[str] = []
        """Every answer to a send that was not 200 or 201, and every broken connection."""
        self.refused: set[str] = set()
        """Whose last sends were refused, for whoever clears it first: what they sent before is answered."""

    def follower(
        self, member: Member, transports: Sequence[str], *, cursor: str, change_after: int | None = None
    ) -> Follower:
        name = f"{member.id} over {'+'.join(transports)}"
        account = self.checker.account(name, member.id, member.conversations, after=position_of(cursor))
        return Follower(member, account, transports, cursor=cursor, rng=self.random, change_after=change_after)

    async def send(self, member: Member, conversation_id: str, body: str) -> dict[str, Any]:
        """Send until it is stored, as an outbox does: the same `client_id`, at whatever server answers."""
        draft = {"client_id": str(uuid.uuid4()), "body": body}
        self.checker.attempt(draft["client_id"], conversation_id, body)
        deadline = time.monotonic() + OUTBOX_PATIENCE_SECONDS
        while True:
            person = self.random.choice(member.at)
            try:
                response = await person.http.post(f"/conversations/{conversation_id}/messages", json=draft)
            except httpx.TransportError as error:
                self.refusals.append(repr(error))
                self.refused.add(member.id)
            else:
                if response.status_code in (200, 201):
                    answer: dict[str, Any] = response.json()
                    self.checker.acknowledge(answer)
                    return answer
                self.refusals.append(f"{response.status_code} {response.text}")
                self.refused.add(member.id)
                assert response.status_code == 503, response.text
            assert time.monotonic() < deadline, f"not stored for {OUTBOX_PATIENCE_SECONDS} s: {self.refusals[-3:]}"
            await asyncio.sleep(0.05)  # the outbox's back-off

    async def newcomers(self) -> Talk:
        """Two more people and a conversation of theirs. They say nothing by themselves, and nobody follows them."""
        urls = [person.url for person in self.members[0].at]
        one, other = (Member(urls, f"newcomer-{uuid.uuid4().hex[:8]}") for _ in "12")
        self.members += [one, other]  # they leave with the crowd
        assert (await other.at[0].get("/me")).status_code == 200
        return await _open(one, other)

    async def have_sent(self, count: int) -> bool:
        return len(self.checker.promises) >= count

    async def chatter(self, count: int = 100_000) -> None:
        """`count` messages by everyone at once, each in one of their conversations; or until they are hushed."""
        numbers = iter(range(count))

        async def talk(member: Member) -> None:
            for number in numbers:
                if self.is_hushed:
                    return
                await self.send(member, self.random.choice(member.conversations), f"Message {number}")

        await asyncio.gather(*(talk(member) for member in self.members))


async def _open(one: Member, other: Member) -> Talk:
    opened = await one.at[0].post("/conversations", participants=[{"user_id": other.id}])
    assert opened.status_code == 201, opened.text
    talk = Talk(opened.json()["conversation"]["id"], (one, other))
    for member in talk.members:
        member.conversations.append(talk.id)
    return talk


@asynccontextmanager
async def gathered(urls: Sequence[str], *, people: int, conversations: int, seed: int = 1) -> AsyncIterator[Crowd]:
    """`people` who know each other in pairs, the conversations spread evenly over the pairs."""
    mark = uuid.uuid4().hex[:8]
    members = [Member(urls, f"p{number}-{mark}", name=f"Person {number}") for number in range(people)]
    shop = Member(urls, f"shop-{mark}", role="service")
    await asyncio.gather(*(member.at[0].get("/me") for member in members))
    pairs = sorted(itertools.combinations(range(people), 2), key=lambda pair: pair[1] - pair[0])  # nobody is alone
    assert conversations <= len(pairs), "two people without a context have one conversation"
    limit = asyncio.Semaphore(8)

    async def open_one(one: Member, other: Member) -> Talk:
        async with limit:
            return await _open(one, other)

    talks = await asyncio.gather(*(open_one(members[one], members[other]) for one, other in pairs[:conversations]))
    try:
        yield Crowd(members, shop, list(talks), seed)
    finally:
        for member in (*members, shop):
            await member.close()


class Follower:
    """Follows the log with one cursor over one transport, or over several in turn, at any of the servers.

    With `change_after` it leaves in mid-stream after about so many events, and goes on elsewhere with its cursor. Cut
    off or refused, it comes again.
    """

    def __init__(
        self,
        member: Member,
        account: Account,
        transports: Sequence[str],
        *,
        cursor: str,
        rng: random.Random,
        change_after: int | None,
    ) -> None:
        self.member = member
        self.account = account
        self.transports = transports
        self.cursor = cursor
        self.random = rng
        self.change_after = change_after
        self.cursors: list[str] = [cursor]
        self.byes: list[Any] = []
        self.cuts = 0
        self.turns: Iterator[Person] = iter(())

    async def run(self) -> None:
        while True:
            person = self._next_server()
            transport = self.random.choice(self.transports)
            turn = self.random.randint(1, 2 * self.change_after) if self.change_after else None
            try:
                if transport == "poll":
                    await self._poll(person, turn)
                else:
                    await self._stream(person, transport.upper(), turn)
            except (httpx.TransportError, httpx.HTTPStatusError):
                self.cuts += 1
                await asyncio.sleep(0.05)  # the browser's back-off

    def _next_server(self) -> Person:
        """All in turn, beginning at a random one."""
        person = next(self.turns, None)
        if person is None:
            order = list(self.member.at)
            self.random.shuffle(order)
            self.turns = iter(order)
            person = next(self.turns)
        return person

    async def _stream(self, person: Person, method: str, turn: int | None) -> None:
        params, headers = {"cursor": self.cursor}, {}
        if self.random.random() < 0.5:  # what a native EventSource does, which then keeps its first `?cursor=`
            params, headers = {"cursor": self.cursors[0]}, {"Last-Event-ID": self.cursor}
        async with person.http.stream(
            method, "/events/stream", params=params, headers=headers, timeout=httpx.Timeout(10)
        ) as response:
            response.raise_for_status()
            async for event in frames(response.aiter_lines()):
                self._take(event)
                if turn is not None and event.type not in CONTROL and (turn := turn - 1) <= 0:
                    return

    async def _poll(self, person: Person, turn: int | None) -> None:
        while turn is None or turn > 0:
            response = await person.get("/events", cursor=self.cursor, wait=POLL_SECONDS)
            response.raise_for_status()
            answer = response.json()
            for event in answer["events"]:
                self._take(Event(event["cursor"], event["type"], event["data"]))
                if turn is not None and (turn := turn - 1) <= 0:
                    return
            self._move(answer["cursor"])

    def _take(self, event: Event) -> None:
        if event.type == "reset":
            self.account.resets.append(event.data)
        elif event.type == "bye":
            self.byes.append(event.data)
        elif event.type not in CONTROL and event.id is not None:
            self.account.heard(event)
        if event.id is not None:
            self._move(event.id)

    def _move(self, cursor: str) -> None:
        self.cursor = cursor
        self.cursors.append(cursor)
        self.account.reached(cursor)

    @property
    def told(self) -> list[tuple[str | None, str, str]]:
        """All that it was given, with the order of the fields inside."""
        return [(event.id, event.type, json.dumps(event.data)) for event in self.account.events]


@asynccontextmanager
async def following(followers: Sequence[Follower], head: Callable[[], Awaitable[int]]) -> AsyncIterator[None]:
    """All of them follow; at the end they are waited for until they are complete up to the log's `head`."""
    tasks = [asyncio.create_task(follower.run()) for follower in followers]

    async def are_complete() -> bool:
        for task in tasks:
            if task.done():
                task.result()
        return all(follower.account.upto >= upto for follower in followers)

    upto = 0
    try:
        yield
        upto = await head()
        await eventually(are_complete, within=30)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
