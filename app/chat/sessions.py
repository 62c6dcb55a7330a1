"""Sessions: stream tickets, and tokens ended before their time. Only digests are stored, never a token or a ticket."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime, timedelta

import msgspec

from app.delivery import listener
from app.delivery.hub import HUB
from app.delivery.reader import Ticket
from app.errors import NotSignedIn
from app.identity import Caller, Identity
from app.schemas import StreamTicket
from app.tables import RevokedToken
from app.tables import StreamTicket as StreamTicketTable

REVOKED = "token.revoked"
TICKET_LIFETIME = timedelta(seconds=30)

# Single use: of two that come with the same ticket, one finds nothing. By primary key.
REDEEM = """
DELETE FROM stream_ticket t WHERE digest = {} AND expires_at > now()
AND NOT EXISTS (SELECT 1 FROM revoked_token r WHERE r.digest = t.token_digest)
RETURNING user_id, token_digest, EXTRACT(EPOCH FROM token_expires_at)::float AS token_expires_at
"""


class Revocation(msgspec.Struct, frozen=True):
    """What processes tell each other when a token is ended."""

    digest: str
    expires_at: float


async def issue_ticket(caller: Caller) -> StreamTicket:
    """A ticket that opens one stream as the caller within 30 s, ending with the caller's token."""
    ticket = secrets.token_urlsafe(32)
    now = datetime.now(UTC)
    await StreamTicketTable.delete().where(StreamTicketTable.expires_at < now)
    await StreamTicketTable.insert(
        StreamTicketTable(
            digest=_digest(ticket),
            user_id=caller.id,
            token_digest=caller.digest,
            token_expires_at=datetime.fromtimestamp(caller.expires_at, UTC),
            expires_at=now + TICKET_LIFETIME,
        )
    )
    return StreamTicket(ticket=ticket, expires_in_ms=TICKET_LIFETIME // timedelta(milliseconds=1))


async def redeem_ticket(ticket: str) -> Ticket:
    """Who a ticket was issued to. It cannot be used again. Raises `NotSignedIn`."""
    rows = await StreamTicketTable.raw(REDEEM, _digest(ticket))
    if not rows:
        raise NotSignedIn("The ticket is used up or too old. Get a new one from POST /api/v1/stream-tickets.")
    return Ticket(rows[0]["user_id"], rows[0]["token_digest"], rows[0]["token_expires_at"])


LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
# What was ended before a look may be seen only after it: it was being written, or the clock has been put back. Longer
# than two looks, else a clock put back would hide what was ended between them.
LATE = timedelta(seconds=15)

# The tokens that were ended after a time, and the time now, which is there without any. By `revoked_token_by_end`.
ENDED = """
SELECT now() AS looked_at, r.digest, EXTRACT(EPOCH FROM r.expires_at)::float AS expires_at
FROM (SELECT) AS one LEFT JOIN revoked_token r ON r.ended_at > {}
"""
END = "INSERT INTO revoked_token (digest, expires_at) VALUES ({}, {}) ON CONFLICT DO NOTHING"


async def end(identity: Identity, caller: Caller) -> None:
    """End the caller's token everywhere: its streams say `bye` within a second, and it is refused from now on."""
    said = msgspec.json.encode(Revocation(digest=caller.digest.hex(), expires_at=caller.expires_at)).decode()
    expires_at = datetime.fromtimestamp(caller.expires_at, UTC)
    await RevokedToken.raw(END, caller.digest, expires_at)
    hear_end(identity, said)
    await listener.announce(REVOKED, said)  # whoever does not hear it reads it at the next look (`load_ended`)


def hear_end(identity: Identity, said: bytes | str) -> None:
    """A token was ended, here or at another process."""
    revocation = msgspec.json.decode(said, type=Revocation)
    identity.revoke(bytes.fromhex(revocation.digest), revocation.expires_at)
    HUB.end_revoked()


async def load_ended(identity: Identity, since: datetime = LONG_AGO) -> datetime:
    """Learn which tokens were ended while this process was not listening: all, or those since the last look. Returns
    the time of this one, by the database's clock."""
    rows = await RevokedToken.raw(ENDED, since - LATE)
    new = [row for row in rows if row["digest"] is not None and row["digest"] not in identity.revoked]
    for row in new:
        identity.revoke(row["digest"], row["expires_at"])
    if new:
        HUB.end_revoked()
    looked_at: datetime = rows[0]["looked_at"]
    return looked_at


async def forget_ended(identity: Identity) -> None:
    """Forget ended tokens that would have expired by now, here and in the table."""
    identity.forget_revoked()
    await RevokedToken.delete().where(RevokedToken.expires_at < datetime.now(UTC))


def _digest(ticket: str) -> bytes:
    return hashlib.sha256(ticket.encode()).digest()
