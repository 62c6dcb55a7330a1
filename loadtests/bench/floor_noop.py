"""The floor of a POST: Litestar decodes a draft and answers ready-made bytes. No identity, no database, no stream."""

from __future__ import annotations

import argparse
from uuid import UUID

import msgspec
import uvicorn
from litestar import Litestar, MediaType, Response, get, post


class Draft(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The shape of Parley's draft."""

    client_id: UUID
    kind: str = "text"
    body: str = ""
    context: dict[str, str] | None = None
    reply_to: UUID | None = None
    last_seen_seq: int | None = None


def create_app(answer_bytes: int) -> Litestar:
    """An app whose POST answers a JSON object of so many bytes."""
    answer = b'{"message":"' + b"x" * (answer_bytes - 14) + b'"}'

    @post("/api/v1/conversations/{conversation_id:str}/messages")
    async def send(data: Draft) -> Response[bytes]:
        return Response(answer, media_type=MediaType.JSON)

    @get("/health/ready")
    async def ready() -> bytes:
        return b"ready"

    return Litestar([send, ready], openapi_config=None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--answer-bytes", type=int, required=True)
    given = parser.parse_args()
    uvicorn.run(
        create_app(given.answer_bytes),
        port=given.port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )


if __name__ == "__main__":
    main()
