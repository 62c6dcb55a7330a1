"""Request bodies: decoded strictly into their struct, once. Litestar's own way is lenient ("1" would be a number)."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
from litestar.dto import MsgspecDTO
from litestar.typing import FieldDefinition

from app.delivery import wire
from app.errors import Invalid

READY_HEADERS = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"))


class Strict(MsgspecDTO[Any]):
    """Decodes `data` of a handler as what it is annotated with."""

    decoders: ClassVar[dict[str, msgspec.json.Decoder[Any]]] = {}
    decoder_of: ClassVar[dict[Any, msgspec.json.Decoder[Any]]] = {}  # by handler: its id is made anew each time

    @classmethod
    def is_supported_model_type_field(cls, field_definition: FieldDefinition) -> bool:
        return field_definition.name == "data"

    @classmethod
    def create_for_field_definition(
        cls, field_definition: FieldDefinition, handler_id: str, *_: Any, **__: Any
    ) -> None:
        cls.decoders[handler_id] = msgspec.json.Decoder(field_definition.raw)

    @classmethod
    def create_openapi_schema(cls, field_definition: FieldDefinition, handler_id: str, schema_creator: Any) -> Any:
        return schema_creator.for_field_definition(field_definition)

    def decode_bytes(self, value: bytes) -> Any:
        handler = self.asgi_connection.scope["route_handler"]
        decoder = self.decoder_of.get(handler)
        if decoder is None:
            decoder = self.decoder_of[handler] = self.decoders[handler.handler_id]
        return decoder.decode(value)


class Ready:
    """An answer whose JSON is made already, as an ASGI application: nothing is left to encode or to copy."""

    __slots__ = ("body", "status")

    def __init__(self, body: bytes, status: int) -> None:
        self.body = body
        self.status = status

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if wire.answer(send, self.status, READY_HEADERS, self.body):
            return
        headers = [*READY_HEADERS, (b"content-length", b"%d" % len(self.body))]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


def parse_context(text: str) -> tuple[str, str]:
    """`kind:id`, as query parameters name an item. Raises `Invalid`."""
    kind, _, item_id = text.partition(":")
    if kind not in ("listing", "product", "order", "service", "request") or not 1 <= len(item_id) <= 128:
        raise Invalid(("context", "is kind:id, as in listing:42"))
    return kind, item_id
