"""Invariant 6: snapshot + events after its cursor = later snapshot, for every action and for everyone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import httpx
import pytest

from tests.api import replay
from tests.api.answers import draft, now, ok, send, told_since
from tests.api.conftest import NewPerson
from tests.api.replay import Known
from tests.harness import Cast, Person


class Story(NamedTuple):
    """bea and sol talk about a table (`c`), ada is in it as an agent; bea and sol also talk about a lamp, which is in
    bea's archive (`archived`). eve is in nothing."""

    cast: Cast
    c: str
    archived: str
    first: dict[str, Any]
    last: dict[str, Any]

    @property
    def people(self) -> list[Person]:
        return [self.cast.bea, self.cast.sol, self.cast.ada, self.cast.eve]


@pytest.fixture
async def story(cast: Cast) -> Story:
    c = cast.conversation_id
    first = (await cast.bea.say(c, "Is it still available?"))["message"]
    await cast.sol.say(c, "Yes")
    ok(await cast.shop.post(f"/conversations/{c}/participants", user_id=cast.ada.id, role="agent"), 201)
    await cast.ada.say(c, "I am sol's agent")
    last = (await cast.bea.say(c, "Hello Ada"))["message"]
    ok(await cast.sol.put(f"/conversations/{c}/receipt", delivered_seq=4))
    ok(await cast.shop.put(f"/contexts/product/lamp-{cast.listing}", title="Lamp", seller_id=cast.sol.id))
    about = {"kind": "product", "id": f"lamp-{cast.listing}"}
    archived = ok(await cast.bea.post("/conversations", context=about, message=draft("And the lamp?")), 201)
    archived_id = archived["conversation"]["id"]
    ok(await cast.bea.patch(f"/conversations/{archived_id}", is_archived=True))
    return Story(cast, c, archived_id, first, last)


Action = Callable[[Story], Awaitable[Any]]


def path(conversation_id: str, rest: str = "") -> str:
    return f"/conversations/{conversation_id}{rest}"


async def sends_a_card(story: Story) -> None:
    about = {"kind": "listing", "id": story.cast.listing}
    ok(await send(story.cast.sol, story.c, draft("This one", kind="card", context=about)), 201)


async def sends_the_same_twice(story: Story) -> None:
    said = draft("Once")
    for _ in range(2):
        assert (await send(story.cast.bea, story.c, said)).is_success


async def is_refused(story: Story) -> None:
    for said in (draft(" "), draft("Hi", last_seen_seq=0), draft("Hi", kind="system"), draft("Hi", reply_to=story.c)):
        assert (await send(story.cast.bea, story.c, said)).is_error


async def edits_and_unsends(story: Story) -> None:
    ok(await story.cast.bea.patch(f"/messages/{story.last['id']}", body="Hello"))
    ok(await story.cast.bea.delete(f"/messages/{story.last['id']}"))


async def sends_and_unsends(story: Story) -> None:
    message = (await story.cast.ada.say(story.c, "Oops"))["message"]
    ok(await story.cast.ada.delete(f"/messages/{message['id']}"))


async def marks_all_read(story: Story) -> None:
    ok(await story.cast.sol.put("/receipts", cursor=await now(story.cast.sol)))


async def opens_for_three(story: Story) -> None:
    people = [
        {"user_id": person.id, "role": role}
        for person, role in ((story.cast.bea, "buyer"), (story.cast.eve, "seller"), (story.cast.ada, "agent"))
    ]
    ok(await story.cast.shop.post("/conversations", participants=people, subject="A return"), 201)


async def an_order_grows(story: Story) -> None:
    cast = story.cast
    about = {"kind": "order", "id": cast.listing}
    ok(await cast.shop.put(f"/contexts/order/{cast.listing}", title="Order", seller_id=cast.sol.id))
    people = [{"user_id": cast.bea.id, "role": "buyer"}]
    for newcomer, role in ((cast.sol, "seller"), (cast.eve, "agent")):
        people.append({"user_id": newcomer.id, "role": role})
        opened = await cast.shop.post(
            "/conversations", context=about, participants=people, message=draft("Paid", kind="system")
        )
        assert opened.is_success


async def leaves(story: Story, *people: Person) -> None:
    for person in people:
        assert 204 == (await person.delete(path(story.c, f"/participants/{person.id}"))).status_code


async def leaves_and_comes_back(story: Story) -> None:
    await leaves(story, story.cast.bea)
    await story.cast.sol.say(story.c, "While she was away")
    ok(await story.cast.bea.post("/conversations", context={"kind": "listing", "id": story.cast.listing}))


async def is_taken_out_and_let_in(story: Story) -> None:
    ada = story.cast.ada
    ok(await ada.patch(path(story.c), is_muted=True, is_archived=True))
    assert 204 == (await story.cast.shop.delete(path(story.c, f"/participants/{ada.id}"))).status_code
    await story.cast.bea.say(story.c, "Where is she?")
    ok(await story.cast.mod.post(path(story.c, "/participants"), user_id=ada.id, role="seller"), 201)
    await ada.say(story.c, "Here")


async def changes_twice(story: Story, person: Person, **there: Any) -> None:
    ok(await person.patch(path(story.c), **there))
    ok(await person.patch(path(story.c), **{name: not value for name, value in there.items()}))


async def closes_and_reopens(story: Story) -> None:
    ok(await story.cast.sol.patch(path(story.c), state="closed"))
    ok(await send(story.cast.shop, story.c, draft("Closed by the seller", kind="system")), 201)
    ok(await story.cast.mod.patch(path(story.c), state="open"))


async def unarchives_by_joining(story: Story) -> None:
    people = path(story.archived, "/participants")
    ok(await story.cast.shop.post(people, user_id=story.cast.eve.id, role="agent"), 201)


async def says_how_they_are(story: Story) -> None:
    ok(await story.cast.sol.patch("/me", status="away", status_text="Back at two"))
    assert 204 == (await story.cast.bea.put(path(story.c, "/typing"), is_typing=True)).status_code


ACTIONS: dict[str, Action] = {
    "sends a text": lambda s: s.cast.bea.say(s.c, "Hi"),
    "sends as the other": lambda s: s.cast.sol.say(s.c, "Hi"),
    "sends a reply": lambda s: s.cast.sol.say(s.c, "Yes", reply_to=s.first["id"]),
    "sends a card": sends_a_card,
    "sends a line of the system": lambda s: send(s.cast.shop, s.c, draft("Paid", kind="system")),
    "sends as the shop": lambda s: s.cast.shop.say(s.c, "Hello from the shop"),
    "sends the same twice": sends_the_same_twice,
    "is refused": is_refused,
    "edits the last message": lambda s: s.cast.bea.patch(f"/messages/{s.last['id']}", body="Hello!"),
    "edits an earlier message": lambda s: s.cast.bea.patch(f"/messages/{s.first['id']}", body="Available?"),
    "edits nothing": lambda s: s.cast.bea.patch(f"/messages/{s.first['id']}", body=s.first["body"]),
    "unsends the last message": lambda s: s.cast.bea.delete(f"/messages/{s.last['id']}"),
    "unsends an earlier message": lambda s: s.cast.bea.delete(f"/messages/{s.first['id']}"),
    "edits and unsends": edits_and_unsends,
    "sends and unsends": sends_and_unsends,
    "a moderator unsends": lambda s: s.cast.mod.delete(f"/messages/{s.last['id']}"),
    "moves a receipt": lambda s: s.cast.sol.put(path(s.c, "/receipt"), read_seq=3),
    "moves a receipt to the end": lambda s: s.cast.sol.put(path(s.c, "/receipt"), read_seq=10**6),
    "moves what was delivered": lambda s: s.cast.ada.put(path(s.c, "/receipt"), delivered_seq=5),
    "moves nothing": lambda s: s.cast.sol.put(path(s.c, "/receipt"), read_seq=0),
    "marks all read": marks_all_read,
    "marks an item read": lambda s: s.cast.sol.put("/receipts", context=f"product:lamp-{s.cast.listing}"),
    "opens with somebody": lambda s: s.cast.eve.post("/conversations", participants=[{"user_id": s.cast.bea.id}]),
    "opens about an item": lambda s: s.cast.eve.post(
        "/conversations", context={"kind": "listing", "id": s.cast.listing}
    ),
    "opens with a message": lambda s: s.cast.eve.post(
        "/conversations", participants=[{"user_id": s.cast.sol.id}], message=draft("Hello")
    ),
    "opens what is open": lambda s: s.cast.bea.post(
        "/conversations", context={"kind": "listing", "id": s.cast.listing}
    ),
    "opens what is archived": lambda s: s.cast.bea.post(
        "/conversations", context={"kind": "product", "id": f"lamp-{s.cast.listing}"}, message=draft("Well?")
    ),
    "opens for three": opens_for_three,
    "an order grows": an_order_grows,
    "somebody joins": lambda s: s.cast.shop.post(path(s.c, "/participants"), user_id=s.cast.eve.id, role="agent"),
    "an agent leaves": lambda s: leaves(s, s.cast.ada),
    "everyone leaves": lambda s: leaves(s, s.cast.ada, s.cast.bea, s.cast.sol),
    "leaves and comes back": leaves_and_comes_back,
    "is taken out and let in": is_taken_out_and_let_in,
    "mutes": lambda s: s.cast.bea.patch(path(s.c), is_muted=True),
    "mutes and unmutes": lambda s: changes_twice(s, s.cast.sol, is_muted=True),
    "archives": lambda s: s.cast.sol.patch(path(s.c), is_archived=True),
    "archives and unarchives": lambda s: changes_twice(s, s.cast.sol, is_archived=True),
    "unarchives": lambda s: s.cast.bea.patch(path(s.archived), is_archived=False),
    "closes": lambda s: s.cast.sol.patch(path(s.c), state="closed"),
    "closes and mutes": lambda s: s.cast.bea.patch(path(s.c), state="closed", is_muted=True),
    "closes and reopens": closes_and_reopens,
    "writes to the archive": lambda s: s.cast.sol.say(s.archived, "About the lamp"),
    "writes from the archive": lambda s: s.cast.bea.say(s.archived, "About the lamp"),
    "the shop writes to the archive": lambda s: send(s.cast.shop, s.archived, draft("Sold", kind="system")),
    "somebody joins in the archive": unarchives_by_joining,
    "the shop changes the item": lambda s: s.cast.shop.put(
        f"/contexts/listing/{s.cast.listing}", title="Table", seller_id=s.cast.sol.id, state="sold"
    ),
    "says how they are": says_how_they_are,
}


def expect(later: Known, built: Known, why: str) -> None:
    """What a client has built from the events is what the server says."""
    assert replay.listed(later) == replay.listed(built), why
    for conversation_id, messages in built.messages.items():
        history = later.messages[conversation_id]
        since = min(messages, default=len(history) + 1)
        assert {seq: message for seq, message in history.items() if seq >= since} == messages, why


async def agrees_with_unread(person: Person, known: Known) -> None:
    assert ok(await person.get("/unread")) == replay.unread(known)
    said = ok(await person.get("/me"))["unread"]
    assert said == {name: replay.unread(known)[name] for name in said}


@pytest.mark.parametrize("name", ACTIONS)
async def test_a_snapshot_and_the_events_after_it_are_the_later_snapshot(story: Story, name: str) -> None:
    """For each of the four, whether the action concerns them or not."""
    before = [await replay.snapshot(person) for person in story.people]
    answer = await ACTIONS[name](story)
    assert not isinstance(answer, httpx.Response) or answer.is_success, answer.text
    for person, known in zip(story.people, before, strict=True):
        later = await replay.snapshot(person)
        events = await told_since(person, known.cursor)
        built = replay.apply(known, events)
        expect(later, built, f"{name}, for {person.id}: {[event['type'] for event in events]}")
        await agrees_with_unread(person, built)
        assert all(len(later.messages[id_]) >= len(messages) for id_, messages in built.messages.items())


LAST = ("an agent leaves", "closes and mutes")  # not much can be done after these
NEVER = ("everyone leaves", "closes")


async def test_from_every_snapshot_on_the_way_the_events_lead_to_the_last(story: Story) -> None:
    """All the actions one after another: a client that was away for any stretch of it ends up with the same."""
    on_the_way: dict[str, list[Known]] = {person.id: [] for person in story.people}
    for turn, name in enumerate([*(name for name in ACTIONS if name not in LAST + NEVER), *LAST]):
        for person in (story.people[turn % 4], story.cast.bea):
            on_the_way[person.id].append(await replay.snapshot(person))
        first, last = [(await story.cast.bea.say(story.c, f"Before: {name}"))["message"] for _ in range(2)]
        answer = await ACTIONS[name](story._replace(first=first, last=last))
        assert not isinstance(answer, httpx.Response) or answer.is_success, f"{name}: {answer.text}"
    for person in story.people:
        last_known = await replay.snapshot(person)
        for known in on_the_way[person.id]:
            events = await told_since(person, known.cursor)
            expect(last_known, replay.apply(known, events), f"{person.id} from {known.cursor}")


async def test_the_events_can_be_applied_one_after_another_or_at_once(story: Story) -> None:
    """As a stream brings them and as a poll does."""
    known = await replay.snapshot(story.cast.sol)
    for name in ("sends a text", "edits the last message", "is taken out and let in", "moves a receipt", "mutes"):
        await ACTIONS[name](story)
    events = await told_since(story.cast.sol, known.cursor)
    step_by_step = known
    for event in events:
        step_by_step = replay.apply(step_by_step, [event])
    assert replay.apply(known, events) == step_by_step


async def test_a_changed_name_is_seen_with_the_next_snapshot(story: Story, new_person: NewPerson) -> None:
    """Names belong to the shop and follow its tokens: they are not told as events."""
    renamed = new_person(user_id=story.cast.bea.id, name="Bea Brandt")
    ok(await renamed.get("/me"))
    names = {
        one["user"]["name"]
        for conversation in (await replay.snapshot(story.cast.sol)).conversations.values()
        for one in conversation["participants"]
    }
    assert "Bea Brandt" in names
    assert "Bea" not in names
