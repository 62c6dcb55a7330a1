"""Rows to views: how what we know becomes what we say. Column names with a prefix come from joins."""

from __future__ import annotations

import json
from typing import Any

from app.schemas import ContextView, Message, ParticipantView, Price, UserView
from app.tables import Row

CONTEXT_COLUMNS = """
    x.kind AS x_kind, x.item_id AS x_item_id, x.title AS x_title, x.url AS x_url, x.image_url AS x_image_url,
    x.price_amount_minor AS x_price_amount_minor, x.price_currency AS x_price_currency, x.seller_id AS x_seller_id,
    x.state AS x_state, x.attributes AS x_attributes"""

MESSAGE_COLUMNS = """
    m.id AS m_id, m.conversation_id AS m_conversation_id, m.seq AS m_seq, m.position AS m_position,
    m.sender_id AS m_sender_id, m.client_id AS m_client_id, m.kind AS m_kind, m.body AS m_body,
    m.context AS m_context, m.reply_to AS m_reply_to, m.created_at AS m_created_at, m.edited_at AS m_edited_at,
    m.deleted_at AS m_deleted_at"""

MESSAGE_FIELDS = [field for field in Message.__struct_fields__ if field != "context"]


def user(row: Row, prefix: str = "") -> UserView:
    """A person without a name yet is shown by their id."""
    id_ = row[f"{prefix}id"]
    return UserView(id=id_, name=row[f"{prefix}name"] or id_, avatar_url=row[f"{prefix}avatar_url"])


def context(row: Row) -> ContextView | None:
    """From `CONTEXT_COLUMNS`; None where the join found nothing."""
    if row["x_kind"] is None:
        return None
    price = (
        None
        if row["x_price_currency"] is None
        else Price(amount_minor=row["x_price_amount_minor"], currency=row["x_price_currency"])
    )
    return ContextView(
        kind=row["x_kind"],
        id=row["x_item_id"],
        title=row["x_title"],
        url=row["x_url"],
        image_url=row["x_image_url"],
        price=price,
        seller_id=row["x_seller_id"],
        state=row["x_state"],
        attributes=json.loads(row["x_attributes"]),
    )


def message(row: Row) -> Message | None:
    """From `MESSAGE_COLUMNS`; None where the join found nothing."""
    if row["m_id"] is None:
        return None
    fields: dict[str, Any] = {field: row[f"m_{field}"] for field in MESSAGE_FIELDS}
    return Message(**fields, context=_frozen_context(row["m_context"]))


def _frozen_context(said: str | None) -> ContextView | None:
    if said is None:
        return None
    fields = json.loads(said)
    price = fields.pop("price")
    return ContextView(**fields, price=Price(**price) if price else None)


def participant(row: Row) -> ParticipantView:
    return ParticipantView(
        user=user(row, "u_"),
        role=row["role"],
        delivered_seq=row["delivered_seq"],
        read_seq=row["read_seq"],
        left_at=row["left_at"],
    )
