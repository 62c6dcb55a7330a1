"""/conversations: list, find, page, mute, archive, close."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from tests.api.answers import (
    CLOSED,
    NOT_FOUND,
    bodies,
    conversation_of,
    draft,
    ids,
    invalid,
    now,
    ok,
    participant,
    refusal,
    send,
    told_since,
)
from tests.api.conftest import NewPerson
from tests.harness import Cast, Person


async def listed(person: Person, **query: Any) -> list[str]:
    """The ids of the first page."""
    return ids(ok(await person.get("/conversations", **query))["conversations"])


async def pages(person: Person, limit: int, **query: Any) -> list[list[dict[str, Any]]]:
    """All pages."""
    found, before = [], None
    while True:
        page = ok(await person.get("/conversations", limit=limit, **query, **({"before": before} if before else {})))
        assert (before is None) == (page["cursor"] is not None), "the first page alone carries the cursor"
        found.append(page["conversations"])
        before = page["next"]
        if before is None:
            return found


async def open_about(cast: Cast, title: str, *, buyer: Person | None = None, **more: Any) -> str:
    """A conversation of bea's with sol about a new product with this title."""
    id_ = str(uuid.uuid4())
    ok(await cast.shop.put(f"/contexts/product/{id_}", title=title, seller_id=cast.sol.id))
    about = {"kind": "product", "id": id_}
    opened = ok(await (buyer or cast.bea).post("/conversations", context=about, **more), 201)
    return str(opened["conversation"]["id"])


# --- what a conversation shows -------------------------------------------------------------------------------------


async def test_a_conversation_shows_all_that_a_list_needs(cast: Cast) -> None:
    sent = (await cast.bea.say(cast.conversation_id, "Is it still available?"))["message"]
    seen = await conversation_of(cast.sol, cast.conversation_id)
    assert ("listing", cast.listing) == (seen["context"]["kind"], seen["context"]["id"])
    assert ("", "open", 1, 1) == (seen["subject"], seen["state"], seen["last_seq"], seen["unread_count"])
    assert sent == seen["last_message"]
    assert sent["created_at"] == seen["last_activity_at"]
    assert (False, False) == (seen["is_muted"], seen["is_archived"])
    people = [
        {"user": {"id": person.id, "name": name, "avatar_url": None}, "role": role, "left_at": None, **positions}
        for person, name, role, positions in (
            (cast.bea, "Bea", "buyer", {"delivered_seq": 1, "read_seq": 1}),
            (cast.sol, "Sol", "seller", {"delivered_seq": 0, "read_seq": 0}),
        )
    ]
    assert people == sorted(seen["participants"], key=lambda one: str(one["role"]))
    assert set(seen) == {
        "id",
        "context",
        "subject",
        "state",
        "participants",
        "last_seq",
        "last_message",
        "unread_count",
        "is_muted",
        "is_archived",
        "created_at",
        "last_activity_at",
    }
    assert seen == ok(await cast.sol.get("/conversations"))["conversations"][0]


@pytest.mark.parametrize("who", ["shop", "mod"])
async def test_the_shop_and_a_moderator_find_every_conversation_without_being_in_it(cast: Cast, who: str) -> None:
    person = getattr(cast, who)
    await cast.bea.say(cast.conversation_id, "Hello")
    seen = await conversation_of(person, cast.conversation_id)
    assert (1, 0, False) == (seen["last_seq"], seen["unread_count"], seen["is_muted"])
    assert ["Hello"] == bodies(ok(await person.get(f"/conversations/{cast.conversation_id}/messages"))["messages"])
    assert [] == await listed(person), "but it is none of their own"


# --- list and order ------------------------------------------------------------------------------------------------


async def test_the_newest_activity_comes_first(cast: Cast) -> None:
    a, b, c = [await open_about(cast, title) for title in ("Lamp", "Chair", "Vase")]
    assert [c, b, a, cast.conversation_id] == await listed(cast.bea)
    await cast.sol.say(a, "About the lamp")
    await cast.bea.say(cast.conversation_id, "About the table")
    for person in (cast.bea, cast.sol):
        assert [cast.conversation_id, a, c, b] == await listed(person)


async def test_the_order_is_exact_though_messages_come_close_together(cast: Cast) -> None:
    """Within a minute the place in the list is not by index alone."""
    opened = [await open_about(cast, f"Item {number}") for number in range(6)]
    for conversation_id in (opened[3], opened[0], opened[5], opened[3], opened[2]):
        await cast.sol.say(conversation_id, "Hi")
    expected = [opened[number] for number in (2, 3, 5, 0, 4, 1)] + [cast.conversation_id]
    assert expected == await listed(cast.bea)
    assert [[one] for one in expected] == [ids(page) for page in await pages(cast.bea, 1)]


@pytest.mark.parametrize("limit", [1, 3, 4, 100])
async def test_paging_misses_nothing_and_gives_nothing_twice(
    cast: Cast, database: asyncpg.Connection[Any], limit: int
) -> None:
    """Over conversations of one moment, of the same minute and of years, in one list."""
    count = 12
    opened = [await open_about(cast, f"Item {number}") for number in range(count)]
    spread = ["0 s", "0 s", "0 s", "1 s", "30 s", "59 s", "60 s", "61 s", "90 s", "1 day", "1 day", "3 years"]
    for conversation_id, ago in zip(opened, spread, strict=True):
        await database.execute(
            f"UPDATE conversation SET last_activity_at = now() - interval '{ago}' WHERE id = $1", conversation_id
        )
        # As far behind as it may be: the place in the list is up to a minute old.
        behind = int(conversation_id[-1], 16) * 3
        await database.execute(
            f"UPDATE participant SET listed_at = now() - interval '{ago}' - interval '{behind} s'"
            " WHERE conversation_id = $1",
            conversation_id,
        )
    whole = ids(ok(await cast.bea.get("/conversations", limit=100))["conversations"])
    assert {*opened, cast.conversation_id} == set(whole)
    found = await pages(cast.bea, limit)
    assert whole == [one["id"] for page in found for one in page]
    assert all(len(page) == limit for page in found[:-1])
    times = [one["last_activity_at"] for page in found for one in page]
    assert sorted(times, reverse=True) == times


async def test_a_page_that_is_just_full_is_the_last(cast: Cast) -> None:
    await open_about(cast, "Lamp")
    page = ok(await cast.bea.get("/conversations", limit=2))
    assert (2, None) == (len(page["conversations"]), page["next"])


async def test_what_moves_up_while_one_pages_is_not_given_twice(cast: Cast) -> None:
    """It has moved in front of the pages to come; the stream has told of it."""
    opened = [await open_about(cast, f"Item {number}") for number in range(4)]
    first = ok(await cast.bea.get("/conversations", limit=2))
    await cast.sol.say(opened[0], "Up!")
    rest = ok(await cast.bea.get("/conversations", limit=10, before=first["next"]))
    assert [opened[3], opened[2]] == ids(first["conversations"])
    assert [opened[1], cast.conversation_id] == ids(rest["conversations"])
    assert [opened[0]] == [event["data"]["conversation_id"] for event in await told_since(cast.bea, first["cursor"])]


async def test_an_empty_list_has_a_cursor_too(new_person: NewPerson) -> None:
    page = ok(await new_person().get("/conversations"))
    assert ([], None) == (page["conversations"], page["next"])
    assert page["cursor"]


async def test_the_list_and_its_cursor_are_of_one_moment(cast: Cast) -> None:
    """While bea talks without a pause: what the list does not have comes after its cursor, and nothing else does."""
    is_over = False

    async def talk() -> None:
        number = 0
        while not is_over:
            number += 1
            await cast.bea.say(cast.conversation_id, f"{number}")

    talking = asyncio.create_task(talk())
    for _ in range(20):
        page = ok(await cast.sol.get("/conversations"))
        known = page["conversations"][0]["last_seq"]
        events = await told_since(cast.sol, page["cursor"])
        heard = [event["data"]["message"]["seq"] for event in events]
        assert list(range(known + 1, known + 1 + len(heard))) == heard
    is_over = True
    await talking


# --- filters -------------------------------------------------------------------------------------------------------


async def test_a_list_can_be_of_one_role(cast: Cast) -> None:
    bike = f"bike-{cast.listing}"
    ok(await cast.shop.put(f"/contexts/listing/{bike}", title="Bike", seller_id=cast.bea.id))
    selling = ok(await cast.sol.post("/conversations", context={"kind": "listing", "id": bike}), 201)["conversation"][
        "id"
    ]
    assert [cast.conversation_id] == await listed(cast.bea, **{"as": "buyer"})
    assert [selling] == await listed(cast.bea, **{"as": "seller"})
    assert [] == await listed(cast.bea, **{"as": "agent"})


async def test_a_list_can_be_of_what_is_unread(cast: Cast) -> None:
    lamp = await open_about(cast, "Lamp")
    assert [] == await listed(cast.sol, filter="unread")
    await cast.bea.say(lamp, "Hello")
    assert [lamp] == await listed(cast.sol, filter="unread")
    assert [] == await listed(cast.bea, filter="unread")
    ok(await cast.sol.put(f"/conversations/{lamp}/receipt", read_seq=1))
    assert [] == await listed(cast.sol, filter="unread")


async def test_a_list_can_be_about_one_item(cast: Cast) -> None:
    await open_about(cast, "Lamp")
    eves = ok(await cast.eve.post("/conversations", context={"kind": "listing", "id": cast.listing}), 201)
    assert [eves["conversation"]["id"], cast.conversation_id] == await listed(
        cast.sol, context=f"listing:{cast.listing}"
    )
    assert [] == await listed(cast.sol, context=f"product:{cast.listing}")
    assert [] == await listed(cast.sol, context="listing:nowhere")


async def test_a_list_can_be_with_one_person(cast: Cast) -> None:
    lamp = await open_about(cast, "Lamp", buyer=cast.eve)
    assert [lamp] == await listed(cast.sol, **{"with": cast.eve.id})
    assert [cast.conversation_id] == await listed(cast.sol, **{"with": cast.bea.id})
    assert [] == await listed(cast.sol, **{"with": cast.sol.id})
    assert [] == await listed(cast.sol, **{"with": "nobody"})


async def test_filters_hold_all_together(cast: Cast) -> None:
    lamp = await open_about(cast, "Oak lamp")
    vase = await open_about(cast, "Oak vase")
    await cast.bea.say(lamp, "Hello")
    everything = {"as": "seller", "filter": "unread", "with": cast.bea.id, "q": "oak"}
    assert [lamp] == await listed(cast.sol, **everything)
    assert [vase, lamp] != await listed(cast.sol, q="oak")
    assert {vase, lamp} == set(await listed(cast.sol, q="oak"))
    assert [[lamp], [vase]] == [ids(page) for page in await pages(cast.sol, 1, q="oak")]


# --- search --------------------------------------------------------------------------------------------------------

TITLES = [
    "Oak table 1960s",
    "Chaise longue, crème brûlée",
    "Стол письменный",
    "Guitar & amplifier (vintage)",
    "桌子 木制",
    "100% wool_blanket",
]

SEARCHES = [
    ("oak", 0),
    ("OAK TABLE", 0),
    ("table oak", 0),
    ("tabel", 0),
    ("tabl", 0),
    ("1960s", 0),
    ("creme", 1),
    ("BRÛLÉE", 1),
    ("chasie", 1),
    ("стол", 2),
    ("СТОЛ", 2),
    ("gutiar", 3),
    ("guitr", 3),
    ("guitar - amplifier", 3),
    ("guitar & amp", 3),
    ("amplifeir", 3),
    ("桌子", 4),
    ("100%", 5),
    ("wool_blanket", 5),
]


@pytest.fixture(scope="module")
async def searched(bystanders: Cast) -> AsyncIterator[tuple[Person, list[str]]]:
    """sue with a conversation about each of the titles."""
    sue = Person(bystanders.sol.url, f"sue-{bystanders.listing}")
    named = [{"user_id": sue.id, "role": "seller"}, {"user_id": bystanders.ada.id, "role": "buyer"}]
    found = []
    for number, title in enumerate(TITLES):
        about = {"kind": "product", "id": f"search-{number}-{bystanders.listing}"}
        ok(await bystanders.shop.put(f"/contexts/product/{about['id']}", title=title, seller_id=sue.id))
        opened = ok(await bystanders.shop.post("/conversations", context=about, participants=named), 201)
        found.append(opened["conversation"]["id"])
    yield sue, found
    await sue.close()


@pytest.mark.parametrize(("words", "number"), SEARCHES, ids=[words for words, _ in SEARCHES])
async def test_a_search_finds_titles_in_spite_of_typos_and_accents(
    searched: tuple[Person, list[str]], words: str, number: int
) -> None:
    sue, conversations = searched
    assert [conversations[number]] == await listed(sue, q=words)


@pytest.mark.parametrize("words", ["sofa", "oak guitar", "tram", "rutigax", "' OR 1=1 --", "zzz%"])
async def test_a_search_does_not_find_what_is_not_there(searched: tuple[Person, list[str]], words: str) -> None:
    sue, _ = searched
    assert [] == await listed(sue, q=words)


@pytest.mark.parametrize("words", ["", " ", "&", "%", "\\", "- –"])
async def test_a_search_for_no_word_is_no_search(searched: tuple[Person, list[str]], words: str) -> None:
    sue, conversations = searched
    assert set(conversations) == set(await listed(sue, q=words))


async def test_a_search_finds_people_by_their_names_and_conversations_by_their_subjects(
    cast: Cast, new_person: NewPerson
) -> None:
    joao = new_person("joao", name="João Nuñez")
    ok(await joao.get("/me"))
    theirs = ok(
        await cast.bea.post("/conversations", participants=[{"user_id": joao.id}], subject="Reklamation Übergröße"), 201
    )
    for words in ("joao", "nunez", "Nuñez", "nunze", "reklamation", "ubergroße", "joao reklamation"):
        assert [theirs["conversation"]["id"]] == await listed(cast.bea, q=words), words
    assert [] == await listed(cast.bea, q="bea"), "one's own name is in every conversation"


async def test_a_search_for_a_number_finds_that_number_alone(cast: Cast) -> None:
    orders = {number: await open_about(cast, f"Order {number}") for number in ("SO-104217", "SO-104218", "SO-114217")}
    for words in ("104217", "SO-104217", "so-104217 ordre"):
        assert [orders["SO-104217"]] == await listed(cast.sol, q=words), words
    assert [] == await listed(cast.sol, q="104219")


async def test_a_search_looks_only_into_ones_own_conversations(cast: Cast) -> None:
    lamp = await open_about(cast, "Zeppelin lamp")
    assert [lamp] == await listed(cast.sol, q="zeppelin")
    for stranger in (cast.eve, cast.ada, cast.shop, cast.mod):
        assert [] == await listed(stranger, q="zeppelin")


# --- mute and archive ----------------------------------------------------------------------------------------------


async def test_mute_and_archive_are_ones_own(cast: Cast) -> None:
    path = f"/conversations/{cast.conversation_id}"
    cursor = await now(cast.sol)
    changed = ok(await cast.bea.patch(path, is_muted=True, is_archived=True))
    assert (True, True) == (changed["is_muted"], changed["is_archived"])
    assert changed == await conversation_of(cast.bea, cast.conversation_id)
    seen = await conversation_of(cast.sol, cast.conversation_id)
    assert (False, False) == (seen["is_muted"], seen["is_archived"])
    assert [] == await told_since(cast.sol, cursor), "nobody else hears of it"
    [event] = await told_since(cast.bea, cursor)
    assert (
        "conversation.changed",
        {"conversation_id": cast.conversation_id, "is_muted": True, "is_archived": True},
    ) == (
        event["type"],
        event["data"],
    )


async def test_what_is_archived_is_in_a_list_of_its_own(cast: Cast) -> None:
    lamp = await open_about(cast, "Lamp")
    ok(await cast.bea.patch(f"/conversations/{lamp}", is_archived=True))
    assert [cast.conversation_id] == await listed(cast.bea)
    assert [lamp] == await listed(cast.bea, filter="archived")
    assert [lamp, cast.conversation_id] == await listed(cast.sol)
    ok(await cast.bea.patch(f"/conversations/{lamp}", is_archived=False))
    assert [lamp, cast.conversation_id] == await listed(cast.bea)
    assert [] == await listed(cast.bea, filter="archived")


@pytest.mark.parametrize("sender", ["sol", "bea", "shop"])
async def test_a_new_message_brings_an_archived_conversation_back(cast: Cast, sender: str) -> None:
    ok(await cast.bea.patch(f"/conversations/{cast.conversation_id}", is_archived=True, is_muted=True))
    await getattr(cast, sender).say(cast.conversation_id, "Hello again")
    assert [cast.conversation_id] == await listed(cast.bea)
    seen = await conversation_of(cast.bea, cast.conversation_id)
    assert (True, False) == (seen["is_muted"], seen["is_archived"]), "muted it stays"


async def test_a_receipt_or_an_edit_does_not_bring_it_back(cast: Cast) -> None:
    message = (await cast.sol.say(cast.conversation_id, "Hello"))["message"]
    ok(await cast.bea.patch(f"/conversations/{cast.conversation_id}", is_archived=True))
    ok(await cast.bea.put(f"/conversations/{cast.conversation_id}/receipt", read_seq=1))
    ok(await cast.sol.patch(f"/messages/{message['id']}", body="Hello!"))
    assert [cast.conversation_id] == await listed(cast.bea, filter="archived")


async def test_saying_what_is_already_so_is_no_news(cast: Cast) -> None:
    path = f"/conversations/{cast.conversation_id}"
    ok(await cast.bea.patch(path, is_muted=True))
    cursor = await now(cast.bea)
    ok(await cast.bea.patch(path, is_muted=True, is_archived=False, state="open"))
    ok(await cast.bea.patch(path))
    assert [] == await told_since(cast.bea, cursor)


@pytest.mark.parametrize("who", ["shop", "mod"])
async def test_who_is_not_in_it_has_nothing_to_mute(cast: Cast, who: str) -> None:
    answer = await getattr(cast, who).patch(f"/conversations/{cast.conversation_id}", is_muted=True, is_archived=True)
    assert {"is_muted", "is_archived"} == set(refusal(answer)[2:])
    assert (400, "validation_failed") == refusal(answer)[:2]


# --- close and reopen ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["bea", "sol", "shop", "mod"])
async def test_anyone_who_finds_it_closes_and_reopens_it_for_everyone(cast: Cast, who: str) -> None:
    person: Person = getattr(cast, who)
    path = f"/conversations/{cast.conversation_id}"
    async with cast.bea.stream() as beas, cast.sol.stream() as sols:
        for number, state in enumerate(("closed", "open"), 1):
            assert state == ok(await person.patch(path, state=state))["state"]
            for stream in (beas, sols):
                heard = (await stream.next("conversation.changed", number)).data
                assert {"conversation_id": cast.conversation_id, "state": state} == heard
            assert state == (await conversation_of(cast.sol, cast.conversation_id))["state"]


async def test_what_is_closed_can_be_read_but_not_written_in(cast: Cast) -> None:
    message = (await cast.bea.say(cast.conversation_id, "Hello"))["message"]
    path = f"/conversations/{cast.conversation_id}"
    ok(await cast.sol.patch(path, state="closed"))
    assert CLOSED == refusal(await send(cast.bea, cast.conversation_id, draft()))
    assert CLOSED == refusal(await cast.bea.patch(f"/messages/{message['id']}", body="Hello!"))
    assert CLOSED == refusal(await cast.bea.put(f"{path}/typing", is_typing=True))
    assert ["Hello"] == bodies(ok(await cast.bea.get(f"{path}/messages"))["messages"])
    assert 1 == ok(await cast.sol.put(f"{path}/receipt", read_seq=1))["read_seq"]
    assert ok(await cast.bea.patch(path, is_muted=True))["is_muted"]
    assert "" == ok(await cast.bea.delete(f"/messages/{message['id']}"))["body"], "what was said can be taken back"


async def test_the_shop_still_speaks_in_a_closed_conversation(cast: Cast) -> None:
    ok(await cast.sol.patch(f"/conversations/{cast.conversation_id}", state="closed"))
    ok(await send(cast.shop, cast.conversation_id, draft("The order was cancelled", kind="system")), 201)
    assert NOT_FOUND == refusal(await send(cast.mod, cast.conversation_id, draft())), "a moderator reads"


async def test_a_repeated_draft_is_still_answered_in_a_closed_conversation(cast: Cast) -> None:
    """Its sender may not know yet that it was stored."""
    said = draft("Before the end")
    first = ok(await send(cast.bea, cast.conversation_id, said), 201)
    ok(await cast.sol.patch(f"/conversations/{cast.conversation_id}", state="closed"))
    assert first == ok(await send(cast.bea, cast.conversation_id, said))


async def test_both_at_once_is_two_events(cast: Cast) -> None:
    """One's own wishes are told to oneself, the state to everyone."""
    cursor = await now(cast.bea)
    ok(await cast.bea.patch(f"/conversations/{cast.conversation_id}", is_muted=True, state="closed"))
    heard = [
        [{key: value for key, value in event["data"].items() if key != "conversation_id"} for event in events]
        for events in [await told_since(person, cursor) for person in (cast.bea, cast.sol)]
    ]
    assert [[{"is_muted": True}, {"state": "closed"}], [{"state": "closed"}]] == heard


async def test_an_agent_in_it_is_one_of_its_people(cast: Cast) -> None:
    path = f"/conversations/{cast.conversation_id}"
    assert NOT_FOUND == refusal(await cast.ada.get(path))
    ok(await cast.shop.post(f"{path}/participants", user_id=cast.ada.id, role="agent"), 201)
    assert "agent" == participant(await conversation_of(cast.ada, cast.conversation_id), cast.ada)["role"]
    assert [cast.conversation_id] == await listed(cast.ada, **{"as": "agent"})


async def test_a_page_that_is_none_is_refused(cast: Cast) -> None:
    first = ok(await cast.bea.get("/conversations", limit=1))
    assert first["next"] is None
    for before in ("AAAA", "!" * 10, "A" * 32, "-_-_" * 8, "é"):
        answer = await cast.bea.get("/conversations", before=before)
        if answer.status_code != 200:
            assert invalid("before") == refusal(answer)
