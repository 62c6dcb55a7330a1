"""Examples for the API documentation: the body of every call that takes one, and every event of a stream."""

from __future__ import annotations

from typing import Any

CONVERSATION = "01a1fc7f-ea4a-7da8-b3ba-2238f1884334"
MESSAGE = {
    "id": "01a1fc80-7f5f-7d8a-ac8b-d0e68c01fe90",
    "conversation_id": CONVERSATION,
    "seq": 3,
    "sender_id": "bea",
    "client_id": "0192f0c1-2b7e-4c55-9a4e-6f1d2c3b4a59",
    "kind": "text",
    "body": "Is it still available?",
    "context": None,
    "reply_to": None,
    "created_at": "2026-03-02T10:00:00.000000Z",
    "edited_at": None,
    "deleted_at": None,
}
PARTICIPANT = {
    "user": {"id": "ada", "name": "Ada", "avatar_url": None},
    "role": "agent",
    "delivered_seq": 2,
    "read_seq": 2,
    "left_at": None,
}

PARAMETERS: dict[str, str] = {
    "conversation_id": CONVERSATION,
    "message_id": MESSAGE["id"],  # type: ignore[dict-item]
    "kind": "listing",
    "item_id": "oak-table",
    "user_id": "ada",
    "box": "inbox",
}

# By method and path: what to send.
BODIES: dict[str, Any] = {
    "patch /api/v1/me": {"status": "away", "status_text": "Back at two"},
    "put /api/v1/contexts/{kind}/{item_id}": {
        "title": "Oak table, 1960s",
        "url": "https://shop.example/items/42",
        "price": {"amount_minor": 24000, "currency": "EUR"},
        "seller_id": "sol",
        "state": "available",
    },
    "post /api/v1/conversations": {
        "context": {"kind": "listing", "id": "oak-table"},
        "message": {"client_id": MESSAGE["client_id"], "body": "Is it still available?"},
    },
    "patch /api/v1/conversations/{conversation_id}": {"is_archived": True},
    "post /api/v1/conversations/{conversation_id}/participants": {"user_id": "ada", "role": "agent"},
    "put /api/v1/conversations/{conversation_id}/typing": {"is_typing": True},
    "post /api/v1/conversations/{conversation_id}/messages": {
        "client_id": MESSAGE["client_id"],
        "body": "Is it still available?",
    },
    "patch /api/v1/messages/{message_id}": {"body": "Is it still available? I could fetch it today."},
    "put /api/v1/conversations/{conversation_id}/receipt": {"read_seq": 3},
    "put /api/v1/receipts": {"context": "order:1001"},
}

# By name: what it says, and an example of its `data`.
EVENTS: dict[str, tuple[str, Any]] = {
    "message.sent": (
        "A message, with its number. It also moves its sender's own receipt to it.",
        {"conversation_id": CONVERSATION, "message": MESSAGE},
    ),
    "message.edited": (
        "The message as it is now.",
        {"conversation_id": CONVERSATION, "message": {**MESSAGE, "edited_at": "2026-03-02T10:05:00.000000Z"}},
    ),
    "message.deleted": (
        "The message without its body, which is gone from everywhere.",
        {
            "conversation_id": CONVERSATION,
            "message": {**MESSAGE, "body": "", "deleted_at": "2026-03-02T10:06:00.000000Z"},
        },
    ),
    "receipt.moved": (
        "How far somebody's messages were delivered and read.",
        {"conversation_id": CONVERSATION, "user_id": "sol", "delivered_seq": 3, "read_seq": 3},
    ),
    "conversation.opened": (
        "A conversation that is new to the caller, as a whole.",
        {
            "conversation_id": CONVERSATION,
            "conversation": {
                "id": CONVERSATION,
                "context": None,
                "subject": "",
                "state": "open",
                "participants": [PARTICIPANT],
                "last_seq": 0,
                "last_message": None,
                "unread_count": 0,
                "is_muted": False,
                "is_archived": False,
                "created_at": "2026-03-02T10:00:00.000000Z",
                "last_activity_at": "2026-03-02T10:00:00.000000Z",
            },
        },
    ),
    "conversation.changed": (
        "Only what changed: `state` or `context` for everyone, `is_muted` and `is_archived` for oneself.",
        {"conversation_id": CONVERSATION, "state": "closed"},
    ),
    "participant.joined": (
        "Somebody came in. They themselves get `conversation.opened`.",
        {"conversation_id": CONVERSATION, "participant": PARTICIPANT},
    ),
    "participant.left": (
        "Somebody left; for themselves, the last they hear of it.",
        {"conversation_id": CONVERSATION, "user_id": "ada", "left_at": "2026-03-02T11:00:00.000000Z"},
    ),
    "typing": (
        "A signal, without an id: somebody types. Let it go after `expires_in_ms`, or when their message comes.",
        {"conversation_id": CONVERSATION, "user_id": "sol", "is_typing": True, "expires_in_ms": 6000},
    ),
    "presence": (
        "A signal: somebody came online, went offline, or changed their status.",
        {"user_id": "sol", "is_online": True, "last_seen_at": None, "status": "online", "status_text": ""},
    ),
    "hello": (
        "The first frame. Its id is where a reconnect goes on.",
        {
            "cursor": "9f86d081-1042",
            "head": "9f86d081-1050",
            "server_time": "2026-03-02T10:00:00Z",
            "heartbeat_ms": 15000,
            "max_age_ms": 3600000,
        },
    ),
    "ready": ("Everything missed has been said; from here it is live.", {"cursor": "9f86d081-1050"}),
    "ping": (
        "About every 15 s. Its id is the position up to which this stream is complete.",
        {"server_time": "2026-03-02T10:00:15Z", "head": "9f86d081-1050"},
    ),
    "reset": (
        "The cursor cannot be continued: load the state anew. The stream goes on from `cursor`.",
        {"reason": "too_old", "cursor": "9f86d081-1050"},
    ),
    "bye": ("Before a planned end. Come back after `retry_ms`.", {"reason": "draining", "retry_ms": 1400}),
}
