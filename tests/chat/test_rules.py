"""The rules, which are pure: no database, no clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.chat import rules
from app.errors import ConversationClosed, EditWindowOver, Forbidden, Invalid, NotFound, Refused
from app.identity import Caller, Role
from app.schemas import BODY_CHARACTERS_MAX, ContextKind, ContextRef, ContextView, Draft

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CONVERSATION = UUID("0192f0c1-2b7e-4c55-9a4e-6f1d2c3b4a59")

CONTROLS = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n\r"]
# Default_Ignorable_Code_Point of Unicode, but for those of category Cf: they show nothing.
IGNORABLE = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\ufe00\ufe0f\uffa0\U000e0100"
FORMATS = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u061c\u200e\u202e\u2066\U000e0001"
SPACES = " \t\n\r\u00a0\u1680\u2003\u2028\u2029\u202f\u205f\u3000"


def caller(user_id: str = "bea", role: Role = "user") -> Caller:
    return Caller(id=user_id, name="", avatar_url=None, role=role, expires_at=0.0, digest=b"")


SHOP = caller("shop", "service")


def context(kind: ContextKind = "listing", seller_id: str | None = "sol") -> ContextView:
    return ContextView(
        kind=kind,
        id="42",
        title="Table",
        url=None,
        image_url=None,
        price=None,
        seller_id=seller_id,
        state="",
        attributes={},
    )


def draft(**said: Any) -> Draft:
    return Draft(client_id=said.pop("client_id", UUID(int=1)), **said)


def message(**said: Any) -> dict[str, Any]:
    return {"sender_id": "bea", "kind": "text", "created_at": NOW, "deleted_at": None, **said}


# --- bodies --------------------------------------------------------------------------------------------------------


def is_refused(kind: str, body: str) -> bool:
    try:
        rules.check_body(kind, body)
    except Invalid:
        return True
    return False


SEEN = ["Hi", "?", "  x  ", "two\nlines\r\n\tand a tab", "👍", "👨\u200d👩\u200d👧", "é", "שלום", "。", "\u00a0!"]
UNSEEN = ["", *SPACES, *FORMATS, *IGNORABLE, " \n\t", "\u200b\ufeff \u00ad", "\u3164\u200d\ufe0f"]


@pytest.mark.parametrize("body", SEEN)
def test_whatever_can_be_seen_is_a_body(body: str) -> None:
    assert not is_refused("text", body)


@pytest.mark.parametrize("body", UNSEEN, ids=ascii)
def test_what_shows_nothing_is_blank(body: str) -> None:
    """White space, and characters without width of whatever category."""
    assert is_refused("text", body)
    assert is_refused("system", body)


@given(st.text(alphabet=SPACES + FORMATS + IGNORABLE, max_size=50))
def test_nothing_and_nothing_is_nothing(body: str) -> None:
    assert rules.is_blank(body)


@given(st.text(alphabet=SPACES + FORMATS), st.sampled_from("a1?é字👍"), st.text(alphabet=SPACES + FORMATS))
def test_one_visible_character_is_enough(before: str, visible: str, after: str) -> None:
    assert not rules.is_blank(before + visible + after)


@pytest.mark.parametrize("control", CONTROLS, ids=ascii)
@pytest.mark.parametrize("kind", ["text", "card", "system"])
def test_a_control_character_is_refused_wherever_it_stands(kind: str, control: str) -> None:
    for body in (control, f"a{control}", f"{control}a", f"a{control}b"):
        assert is_refused(kind, body)


NO_CONTROLS = st.text(st.characters(exclude_characters="".join(CONTROLS), exclude_categories=["Cs"]), max_size=200)


@given(NO_CONTROLS, NO_CONTROLS)
def test_any_text_with_something_to_see_is_a_body(before: str, after: str) -> None:
    assert not is_refused("text", f"{before}x{after}")


@given(st.text(max_size=50), st.sampled_from(CONTROLS), st.text(max_size=50))
def test_any_text_with_a_control_character_is_none(before: str, control: str, after: str) -> None:
    assert is_refused("text", before + control + after)


def test_a_card_may_go_without_words() -> None:
    assert not is_refused("card", "")
    assert not is_refused("card", "  ")


def test_a_refused_body_is_called_by_its_field() -> None:
    with pytest.raises(Invalid) as refused:
        rules.check_body("text", " ", field="message.body")
    assert [{"field": "message.body", "message": "is blank"}] == refused.value.data["errors"]


@pytest.mark.parametrize("character", ["x", "é", "字", "👍", "\\", '"', "\n"])
def test_a_body_is_measured_in_characters(character: str) -> None:
    """4,000 of them whatever they weigh, and not one more: neither bytes nor UTF-16 units."""

    def decode(count: int) -> Draft:
        said = {"client_id": str(UUID(int=1)), "body": character * count}
        return msgspec.json.decode(msgspec.json.encode(said), type=Draft)

    assert BODY_CHARACTERS_MAX == len(decode(BODY_CHARACTERS_MAX).body)
    with pytest.raises(msgspec.ValidationError, match="body"):
        decode(BODY_CHARACTERS_MAX + 1)


# --- drafts --------------------------------------------------------------------------------------------------------


def test_a_card_shows_something() -> None:
    with pytest.raises(Invalid, match="not well formed") as refused:
        rules.check_draft(caller(), draft(kind="card", body="Look"))
    assert "context" == refused.value.data["errors"][0]["field"]
    rules.check_draft(caller(), draft(kind="card", context=ContextRef(kind="listing", id="42")))


@pytest.mark.parametrize("role", ["user", "admin"])
def test_only_the_shop_speaks_for_the_system(role: Role) -> None:
    with pytest.raises(Forbidden):
        rules.check_draft(caller(role=role), draft(kind="system", body="Paid"))
    rules.check_draft(SHOP, draft(kind="system", body="Paid"))


CHANGES: list[dict[str, Any]] = [
    {"body": "Hello"},
    {"kind": "card"},
    {"context": ContextRef(kind="listing", id="43")},
    {"context": ContextRef(kind="product", id="42")},
    {"context": None},
    {"reply_to": uuid4()},
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_a_draft_that_says_something_else_has_another_digest(change: dict[str, Any]) -> None:
    said = draft(body="Hi", context=ContextRef(kind="listing", id="42"))
    other = msgspec.structs.replace(said, **change)
    assert rules.draft_digest(CONVERSATION, said) != rules.draft_digest(CONVERSATION, other)


def test_a_draft_in_another_conversation_has_another_digest() -> None:
    assert rules.draft_digest(CONVERSATION, draft(body="Hi")) != rules.draft_digest(uuid4(), draft(body="Hi"))


def test_what_the_writer_had_seen_does_not_make_it_another_draft() -> None:
    """After a lost answer the page may have read on."""
    first, again = draft(body="Hi", last_seen_seq=3), draft(body="Hi", last_seen_seq=4, client_id=uuid4())
    assert rules.draft_digest(CONVERSATION, first) == rules.draft_digest(CONVERSATION, again)


@given(st.text(max_size=20), st.text(max_size=20))
def test_two_bodies_have_one_digest_only_when_they_are_one(one: str, other: str) -> None:
    same = rules.draft_digest(CONVERSATION, draft(body=one)) == rules.draft_digest(CONVERSATION, draft(body=other))
    assert (one == other) == same


# --- who is in a conversation that is being opened -----------------------------------------------------------------


@pytest.mark.parametrize("kind", ["listing", "product", "service"])
def test_who_asks_about_something_on_offer_buys_and_its_owner_sells(kind: ContextKind) -> None:
    assert {"bea": "buyer", "sol": "seller"} == rules.people_of_opening(caller(), context(kind), None)


def test_who_answers_a_request_sells_and_its_owner_buys() -> None:
    wanted = context("request", seller_id="bea")
    assert {"sol": "seller", "bea": "buyer"} == rules.people_of_opening(caller("sol"), wanted, None)


@pytest.mark.parametrize("kind", ["listing", "product", "service", "request"])
def test_an_owner_may_write_first_about_what_is_theirs(kind: ContextKind) -> None:
    people = rules.people_of_opening(caller("sol"), context(kind), {"bea": None})
    asked = rules.people_of_opening(caller("bea"), context(kind), None)
    assert asked == people


def test_naming_the_owner_is_the_same_as_not_naming_them() -> None:
    people = rules.people_of_opening(caller(), context(), {"sol": "agent"})
    assert rules.people_of_opening(caller(), context(), None) == people


def test_a_conversation_about_an_item_is_with_the_one_who_offers_it() -> None:
    with pytest.raises(Forbidden):
        rules.people_of_opening(caller("eve"), context(), {"bea": None})


@pytest.mark.parametrize(
    ("named", "people"),
    [
        ({"sol": None}, {"bea": "buyer", "sol": "seller"}),
        ({"sol": "seller"}, {"bea": "buyer", "sol": "seller"}),
        ({"sol": "buyer"}, {"bea": "seller", "sol": "buyer"}),
        ({"ada": "agent"}, {"bea": "buyer", "ada": "agent"}),
    ],
)
def test_without_an_item_the_other_side_is_as_it_is_named(named: Any, people: dict[str, str]) -> None:
    assert people == rules.people_of_opening(caller(), None, named)


@pytest.mark.parametrize("asker", ["user", "admin"])
def test_an_orders_people_are_named_by_the_shop_alone(asker: Role) -> None:
    with pytest.raises(NotFound):
        rules.people_of_opening(caller(role=asker), context("order"), {"sol": None})


def test_the_shop_names_everyone_in_a_conversation() -> None:
    named = {"bea": "buyer", "sol": "seller", "ada": "agent"}
    assert named == rules.people_of_opening(SHOP, context("order"), named)  # type: ignore[arg-type]
    with pytest.raises(Invalid):
        rules.people_of_opening(SHOP, context("order"), None)
    with pytest.raises(Invalid):
        rules.people_of_opening(SHOP, None, {})


def test_the_shop_may_leave_the_roles_to_us() -> None:
    people = rules.people_of_opening(SHOP, context("order"), {"bea": None, "sol": None, "ada": "agent"})
    assert {"bea": "buyer", "sol": "seller", "ada": "agent"} == people


@pytest.mark.parametrize(
    ("about", "named", "refusal"),
    [
        (None, None, Invalid),
        (context(seller_id=None), None, Invalid),
        (None, {"bea": None}, Invalid),
        (context(seller_id="bea"), None, Invalid),
        (None, {"sol": None, "ada": None}, Forbidden),
        (context(), {"sol": None, "ada": None}, Forbidden),
        (context(seller_id=None), {"sol": None}, Forbidden),
    ],
)
def test_nobody_else_opens_any_other_conversation(about: Any, named: Any, refusal: type[Refused]) -> None:
    with pytest.raises(refusal):
        rules.people_of_opening(caller(), about, named)


IDS = st.sampled_from(["bea", "sol", "ada", "eve"])
PEOPLE = st.dictionaries(IDS, st.sampled_from([None, "buyer", "seller", "agent"]), max_size=4)
ITEMS = st.none() | st.builds(context, st.sampled_from(get_args(ContextKind)), st.none() | IDS)


@given(ITEMS, st.none() | PEOPLE, IDS, st.sampled_from(["user", "admin"]))
def test_whoever_opens_is_in_it_with_exactly_one_other(about: Any, named: Any, who: str, role: Role) -> None:
    """Whatever is asked for: it is refused, or it is a conversation of two, one of whom asked."""
    try:
        people = rules.people_of_opening(caller(who, role), about, named or None)
    except Refused:
        return
    assert 2 == len(people)
    assert who in people
    assert set(people.values()) <= {"buyer", "seller", "agent"}
    assert about is None or about.seller_id in people


@given(PEOPLE.filter(bool), ITEMS)
def test_the_order_in_which_people_are_named_does_not_matter(named: Any, about: Any) -> None:
    people = rules.people_of_opening(SHOP, about, named)
    backwards = dict(reversed(people.items()))
    assert rules.opening_key(about, people) == rules.opening_key(about, backwards)


def test_other_people_or_another_item_are_another_conversation() -> None:
    two, three = {"bea": "buyer", "sol": "seller"}, {"bea": "buyer", "sol": "seller", "ada": "agent"}
    keys = {
        rules.opening_key(about, people)  # type: ignore[arg-type]
        for about in (None, context(), context("product"), msgspec.structs.replace(context(), id="43"))
        for people in (two, three)
    }
    assert 8 == len(keys)


def test_roles_do_not_make_another_conversation() -> None:
    assert rules.opening_key(None, {"bea": "buyer", "sol": "seller"}) == rules.opening_key(
        None, {"bea": "seller", "sol": "buyer"}
    )


def test_an_order_has_one_conversation_whoever_comes_into_it() -> None:
    one = rules.opening_key(context("order"), {"bea": "buyer"})
    assert one == rules.opening_key(context("order"), {"bea": "buyer", "sol": "seller", "ada": "agent"})


@pytest.mark.parametrize(
    ("one", "other"),
    [(("listing", "4", "2,x"), ("listing", "4", "2,x ")), (("listing", '4","2', "x"), ("listing", "4", '2","x'))],
)
def test_no_id_can_be_made_to_look_like_two(one: tuple[Any, str, str], other: tuple[Any, str, str]) -> None:
    keys = [
        rules.opening_key(msgspec.structs.replace(context(kind), id=id_), {user: "buyer", "sol": "seller"})
        for kind, id_, user in (one, other)
    ]
    assert keys[0] != keys[1]


# --- edit and unsend -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("minutes", [0, 14, 15])
def test_a_message_can_be_edited_for_15_minutes(minutes: int) -> None:
    rules.check_edit(caller(), message(), "open", NOW + timedelta(minutes=minutes))


def test_and_not_a_moment_longer() -> None:
    with pytest.raises(EditWindowOver):
        rules.check_edit(caller(), message(), "open", NOW + timedelta(minutes=15, microseconds=1))


def test_a_deleted_message_cannot_be_edited() -> None:
    with pytest.raises(EditWindowOver):
        rules.check_edit(caller(), message(deleted_at=NOW), "open", NOW)


def test_nothing_is_edited_in_a_closed_conversation() -> None:
    with pytest.raises(ConversationClosed):
        rules.check_edit(caller(), message(), "closed", NOW)


@pytest.mark.parametrize("who", [caller("sol"), caller("mod", "admin"), SHOP])
def test_only_its_sender_edits_a_message(who: Caller) -> None:
    with pytest.raises(Forbidden):
        rules.check_edit(who, message(), "open", NOW)


def test_a_line_that_nobody_typed_is_not_edited() -> None:
    with pytest.raises(Forbidden):
        rules.check_edit(caller(), message(kind="system"), "open", NOW)


@pytest.mark.parametrize("hours", [0, 24])
def test_a_message_can_be_unsent_for_24_hours(hours: int) -> None:
    rules.check_unsend(caller(), message(), NOW + timedelta(hours=hours))


def test_then_its_sender_may_not_but_a_moderator_may() -> None:
    late = NOW + timedelta(hours=24, microseconds=1)
    with pytest.raises(EditWindowOver):
        rules.check_unsend(caller(), message(), late)
    rules.check_unsend(caller("mod", "admin"), message(), late)


@pytest.mark.parametrize("who", [caller("sol"), SHOP])
def test_nobody_else_unsends_a_message(who: Caller) -> None:
    with pytest.raises(Forbidden):
        rules.check_unsend(who, message(), NOW)


def test_who_joined_cannot_unsend_the_line_that_says_so_but_the_shop_can_unsend_its_own() -> None:
    with pytest.raises(Forbidden):
        rules.check_unsend(caller(), message(kind="system"), NOW)
    rules.check_unsend(SHOP, message(kind="system", sender_id="shop"), NOW)
