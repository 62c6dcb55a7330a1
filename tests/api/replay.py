"""A client in small: what it knows from a snapshot, and how each event changes that. The reference for invariant 6.

    snapshot + events after its cursor = later snapshot

The rules, in the words of `app/schemas.py`: a sent message moves its sender's own receipt, brings the conversation out
of the archive and to the top; `conversation.changed` has only what changed; whoever hears of their own leaving forgets
the conversation; `conversation.opened` is the conversation as it is for someone who has just come into it.
"""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

from tests.api.answers import ok
from tests.harness import Person

Conversation = dict[str, Any]


class Known(NamedTuple):
    """What a client knows: conversations with the newest activity first, and the messages of each by their numbers.

    Of a conversation that one came into later, the history before that is not known (it is read when it is shown).
    """

    me: str
    cursor: str
    conversations: dict[str, Conversation]
    messages: dict[str, dict[int, dict[str, Any]]]


async def snapshot(person: Person) -> Known:
    """Everything that the server tells somebody now. Nobody may do anything meanwhile."""
    conversations: dict[str, Conversation] = {}
    cursor = ""
    for archived in ({}, {"filter": "archived"}):
        before: dict[str, str] = {}
        while True:
            page = ok(await person.get("/conversations", limit=2, **archived, **before))
            conversations |= {one["id"]: one for one in page["conversations"]}
            cursor = cursor or page["cursor"]
            if page["next"] is None:
                break
            before = {"before": page["next"]}
    messages = {id_: await _history(person, id_) for id_ in conversations}
    return Known(person.id, cursor, conversations, messages)


async def _history(person: Person, conversation_id: str) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    has_more = True
    while has_more:
        query = {"after": max(found, default=0), "limit": 100}
        page = ok(await person.get(f"/conversations/{conversation_id}/messages", **query))
        found |= {message["seq"]: message for message in page["messages"]}
        has_more = page["has_more"]
    return found


def apply(known: Known, events: list[dict[str, Any]]) -> Known:
    """What the client knows after these events. `known` stays as it is."""
    later = copy.deepcopy(known)
    for event in events:
        data = event["data"]
        if event["type"] == "conversation.opened":
            later.conversations[data["conversation_id"]] = copy.deepcopy(data["conversation"])
            later.messages[data["conversation_id"]] = {}
        elif data["conversation_id"] in later.conversations:
            _APPLY[event["type"]](later, later.conversations[data["conversation_id"]], copy.deepcopy(data))
    return later


def _sent(known: Known, conversation: Conversation, data: dict[str, Any]) -> None:
    message = data["message"]
    known.messages[conversation["id"]][message["seq"]] = message
    conversation |= {
        "last_seq": message["seq"],
        "last_message": message,
        "last_activity_at": message["created_at"],
        "is_archived": False,
    }
    for one in conversation["participants"]:
        if one["user"]["id"] == message["sender_id"] and one["left_at"] is None:
            one |= {"read_seq": message["seq"], "delivered_seq": message["seq"]}
    _count(known, conversation)


def _rewritten(known: Known, conversation: Conversation, data: dict[str, Any]) -> None:
    """Edited or unsent."""
    message = data["message"]
    if message["seq"] in known.messages[conversation["id"]]:
        known.messages[conversation["id"]][message["seq"]] = message
    if conversation["last_seq"] == message["seq"]:
        conversation["last_message"] = message


def _moved(known: Known, conversation: Conversation, data: dict[str, Any]) -> None:
    for one in conversation["participants"]:
        if one["user"]["id"] == data["user_id"]:
            one |= {"read_seq": data["read_seq"], "delivered_seq": data["delivered_seq"]}
    _count(known, conversation)


def _changed(known: Known, conversation: Conversation, data: dict[str, Any]) -> None:
    del data["conversation_id"]
    conversation |= data


def _joined(known: Known, conversation: Conversation, data: dict[str, Any]) -> None:
    newcomer = data["participant"]
    people = conversation["participants"]
    for index, one in enumerate(people):
        if one["user"]["id"] == newcomer["user"]["id"]:
            people[index] = newcomer
            return
    people.append(newcomer)


def _left(known: Known, conversation: Conversation, data: dict[str, Any]) -> None:
    if data["user_id"] == known.me:
        del known.conversations[conversation["id"]], known.messages[conversation["id"]]
        return
    for one in conversation["participants"]:
        if one["user"]["id"] == data["user_id"]:
            one["left_at"] = data["left_at"]


_APPLY = {
    "message.sent": _sent,
    "message.edited": _rewritten,
    "message.deleted": _rewritten,
    "receipt.moved": _moved,
    "conversation.changed": _changed,
    "participant.joined": _joined,
    "participant.left": _left,
}


def _count(known: Known, conversation: Conversation) -> None:
    conversation["unread_count"] = conversation["last_seq"] - own(known, conversation)["read_seq"]


def own(known: Known, conversation: Conversation) -> dict[str, Any]:
    """The person's own participant."""
    return next(one for one in conversation["participants"] if one["user"]["id"] == known.me)


def listed(known: Known) -> list[Conversation]:
    """The conversations as a list shows them."""
    return sorted(known.conversations.values(), key=lambda one: (one["last_activity_at"], one["id"]), reverse=True)


def unread(known: Known) -> dict[str, Any]:
    """What `GET /unread` answers."""
    each = [
        {"conversation_id": one["id"], "role": own(known, one)["role"], "unread_count": one["unread_count"]}
        for one in listed(known)
        if one["unread_count"]
    ]
    totals = {
        role: sum(one["unread_count"] for one in each if one["role"] == role) for role in ("buyer", "seller", "agent")
    }
    return {"total": sum(totals.values()), **totals, "conversations": each}
