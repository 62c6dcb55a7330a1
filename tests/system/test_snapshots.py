"""Invariant 6, lightly: a snapshot in the middle of everything, and the events after its cursor, give the later
snapshot. (Action by action it is tested elsewhere.)"""

from __future__ import annotations

import asyncio
import random
from typing import Any

from tests.harness import Person
from tests.system.conftest import Pair
from tests.system.crowd import Member, gathered
from tests.system.operating import all_have_heard
from tests.system.test_mixed_writers import Busy

State = dict[str, dict[str, Any]]


async def snapshot(person: Person) -> tuple[State, str]:
    """What a page shows of all conversations, and the cursor of that moment."""
    answer = (await person.get("/conversations", limit=100)).json()
    assert answer["next"] is None
    return {conversation["id"]: _shown(conversation) for conversation in answer["conversations"]}, answer["cursor"]


def _shown(conversation: dict[str, Any]) -> dict[str, Any]:
    shown = {key: conversation[key] for key in ("subject", "state", "last_seq", "last_message", "is_muted")}
    return {**shown, "participants": {one["user"]["id"]: one for one in conversation["participants"]}}


def apply(state: State, me: str, kind: str, data: dict[str, Any]) -> None:
    """What a page does with an event."""
    conversation_id = data["conversation_id"]
    if kind == "conversation.opened":
        state[conversation_id] = _shown(data["conversation"])
        return
    shown = state[conversation_id]
    people = shown["participants"]
    match kind:
        case "message.sent":
            message = data["message"]
            shown.update(last_seq=message["seq"], last_message=message)
            sender = people.get(message["sender_id"])
            if sender is not None and sender["left_at"] is None:  # "Sol left" moves nobody's receipt
                sender.update(delivered_seq=message["seq"], read_seq=message["seq"])
        case "message.edited" | "message.deleted":
            if shown["last_message"] is not None and shown["last_message"]["id"] == data["message"]["id"]:
                shown["last_message"] = data["message"]
        case "receipt.moved":
            people[data["user_id"]].update(delivered_seq=data["delivered_seq"], read_seq=data["read_seq"])
        case "participant.joined":
            people[data["participant"]["user"]["id"]] = data["participant"]
        case "participant.left" if data["user_id"] == me:
            del state[conversation_id]
        case "participant.left":
            people[data["user_id"]]["left_at"] = data["left_at"]
        case "conversation.changed":
            shown.update({key: value for key, value in data.items() if key in ("state", "is_muted")})


async def test_a_snapshot_and_the_events_after_it_give_the_later_snapshot(pair: Pair) -> None:
    """Invariant 6: every few moments, at either process, while everyone does everything."""
    async with gathered(pair.urls, people=6, conversations=10, seed=31) as crowd:
        dice = random.Random(31)
        busy = [Busy(crowd, member, seed, archives=False) for seed, member in enumerate(crowd.members)]
        working = asyncio.gather(*(one.work(25) for one in busy))
        taken: list[tuple[Member, State, str]] = []
        while not working.done():
            member = dice.choice(crowd.members)
            taken.append((member, *await snapshot(dice.choice(member.at))))
        await working
        await all_have_heard(pair.a, pair.b)
        assert len(taken) > 20
        for member, state, cursor in dice.sample(taken, 20):
            events, _ = await dice.choice(member.at).catch_up(cursor)
            for event in events:
                apply(state, member.id, event["type"], event["data"])
            later, _ = await snapshot(member.at[0])
            assert later == state
