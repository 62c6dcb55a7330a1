"""Forged tokens at the real door, by every way in. What each check does alone is in `tests/test_identity.py`.

The server believes the shop's RS256 key, for one audience and one issuer.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.errors import NotSignedIn
from app.identity import Identity
from app.settings import Settings
from tests.api.answers import draft, ok, refusal
from tests.conftest import NewDatabase
from tests.harness import Server
from tests.security.forging import AUDIENCE, FORGERIES, ISSUER, OWN_KEY, PEM, claims, encoded, signed

REFUSED = {(401, "unauthenticated"), (401, "token_expired")}


class Shop(NamedTuple):
    """A server, and a conversation of bea's about a listing of sol's."""

    url: str
    bea: str
    conversation_id: str
    client: httpx.AsyncClient


@pytest.fixture(scope="module")
async def shop(new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    options = {"JWT_SECRET": "", "JWT_PUBLIC_KEY": PEM, "JWT_AUDIENCE": AUDIENCE, "JWT_ISSUER": ISSUER}
    server = await Server(await new_database(), tmp_path_factory.mktemp("rs256"), DRAIN_SECONDS="0", **options).start()
    async with httpx.AsyncClient(base_url=f"{server.url}/api/v1", verify=False) as client:
        back_end = bearer(signed("shop", role="service"))
        told = await client.put("/contexts/listing/1", json={"title": "Table", "seller_id": "sol"}, headers=back_end)
        ok(told)
        opening = {"context": {"kind": "listing", "id": "1"}}
        opened = ok(await client.post("/conversations", json=opening, headers=bearer(signed("bea"))), 201)
        yield Shop(server.url, "bea", opened["conversation"]["id"], client)
    await server.close()


def bearer(token: str) -> dict[str, Any]:
    return {"Authorization": b"Bearer " + token.encode("latin-1")}


def cookie(token: str) -> dict[str, Any]:
    return {"Cookie": b"parley_session=" + token.encode("latin-1"), "Sec-Fetch-Site": "same-origin"}


async def by_every_way(shop: Shop, token: str) -> dict[str, httpx.Response]:
    """A token at each of the ways in: through the framework, around it, by header and by cookie."""
    send = f"/conversations/{shop.conversation_id}/messages"
    calls = {
        "a call": ("GET", "/me", bearer(token), None),
        "sending": ("POST", send, bearer(token), draft()),
        "a stream": ("GET", "/events/stream", bearer(token), None),
        "a stream by POST": ("POST", "/events/stream", bearer(token), None),
        "a poll": ("GET", "/events?wait=0", bearer(token), None),
        "a cookie": ("GET", "/me", cookie(token), None),
        "sending by cookie": ("POST", send, cookie(token), draft()),
        "a stream by cookie": ("GET", "/events/stream", cookie(token), None),
        "a cookie for a token": ("POST", "/session", bearer(token), None),
    }
    answers = dict(zip(calls, await asyncio.gather(*(_try(shop, *call) for call in calls.values())), strict=True))
    shop.client.cookies.clear()  # nobody is signed in by what was tried before
    return answers


async def _try(shop: Shop, method: str, path: str, headers: Any, body: Any) -> httpx.Response:
    async with shop.client.stream(method, path, headers=headers, json=body, timeout=5) as answer:
        if not answer.headers.get("content-type", "").startswith("text/event-stream"):
            await answer.aread()
    return answer


async def test_a_good_token_opens_every_way(shop: Shop) -> None:
    """Else what follows would prove nothing."""
    answers = await by_every_way(shop, signed(shop.bea))
    assert [] == [(way, answer.status_code) for way, answer in answers.items() if not answer.is_success]


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_a_forged_token_opens_no_way(shop: Shop, forgery: str) -> None:
    answers = await by_every_way(shop, FORGERIES[forgery](shop.bea))
    others = {way: answer.text for way, answer in answers.items() if refusal(answer)[:2] not in REFUSED}
    assert {} == others


@pytest.mark.parametrize("path", ["/me", "/events/stream"])
async def test_a_token_with_a_nul_in_it_is_not_even_read(shop: Shop, path: str) -> None:
    host, port = shop.url.removeprefix("http://").split(":")
    head, said, signature = signed(shop.bea).split(".")
    for broken in (f"{head}.{said}\x00.{signature}", f"{head}.{said}.{signature}\x00", f"{head}.{said}\r.{signature}"):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"GET /api/v1{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {broken}\r\n\r\n".encode())
        answer = await asyncio.wait_for(reader.read(), 5)
        assert b"HTTP/1.1 400 " == answer[:13]
        writer.close()


async def test_nobody_is_asked_for_a_key_that_a_token_names(shop: Shop) -> None:
    """`jku` and `x5u` lead to whatever listens there (RFC 8725 3.10)."""
    asked = []
    trap = await asyncio.start_server(lambda *_: asked.append(1), "127.0.0.1", 0)
    url = f"http://127.0.0.1:{trap.sockets[0].getsockname()[1]}/keys.json"
    for name in ("jku", "x5u", "kid"):
        await by_every_way(shop, signed(shop.bea, key=OWN_KEY, headers={name: url}))
    trap.close()
    assert [] == asked


@pytest.mark.parametrize("name", ["access_token", "token", "jwt", "authorization", "ticket"])
async def test_a_token_in_an_address_is_no_token(shop: Shop, name: str) -> None:
    """Addresses are written into logs and histories."""
    for path in ("/me", "/events/stream", "/events"):
        answer = await shop.client.get(path, params={name: signed(shop.bea)[:64]})
        assert refusal(answer)[0] in (400, 401)
        answer = await shop.client.get(path, params={name: signed(shop.bea)})
        assert refusal(answer)[0] in (400, 401)


@pytest.mark.parametrize("path", ["/me", "/events/stream"])
async def test_of_two_tokens_neither_is_believed(shop: Shop, path: str) -> None:
    """A proxy that checks one of them must not let the other through."""
    for first, second in (("bea", "sol"), ("bea", "bea")):
        headers = [("Authorization", f"Bearer {signed(first)}"), ("authorization", f"Bearer {signed(second)}")]
        answer = await shop.client.get(path, headers=headers)
        assert (401, "unauthenticated") == refusal(answer)


@pytest.mark.parametrize(
    "word", ["Bearer  {}", "Bearer\t{}", "Bearer {},", "Bearer {} x", "Basic {}", "{}", 'Bearer "{}"']
)
async def test_a_header_that_is_not_quite_one_opens_nothing(shop: Shop, word: str) -> None:
    headers = {"Authorization": word.format(signed(shop.bea))}
    assert [(401, "unauthenticated")] * 2 == [
        refusal(await shop.client.get(path, headers=headers)) for path in ("/me", "/events/stream")
    ]


# --- an ended token, written otherwise -----------------------------------------------------------------------------


def written_otherwise(token: str) -> list[str]:
    """Base64 may end in `=` or not, and decoders differ in what else they pass over."""
    head, said, signature = token.split(".")
    odd = [f"{token}{end}" for end in ("=", "==", "!", ".", "%3D")]
    return [
        *odd,
        f"{head}=.{said}.{signature}",
        f"{head}.{said}=.{signature}",
        f"{head}.{said}.{signature[:9]}!{signature[9:]}",
    ]


async def test_an_ended_token_does_not_come_back_by_being_written_otherwise(shop: Shop) -> None:
    token = signed("eve", jti=uuid.uuid4().hex)
    ok(await shop.client.get("/me", headers=bearer(token)))
    assert 204 == (await shop.client.delete("/session", headers=bearer(token))).status_code
    for other in [token, *written_otherwise(token)]:
        answers = [await shop.client.get("/me", headers=headers(other)) for headers in (bearer, cookie)]
        assert [(401, "unauthenticated")] * 2 == [refusal(answer) for answer in answers], other[-8:]


async def test_an_ended_token_does_not_come_back_by_the_other_signature_of_its_curve() -> None:
    """With (r, s) the pair (r, n - s) is good too, and anybody can reckon it."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    identity = Identity(Settings(jwt_public_key=pem))
    token = jwt.encode(claims("eve", aud=None, iss=None), key, algorithm="ES256")
    text, _, signature = token.rpartition(".")
    other = f"{text}.{mirrored(signature)}"
    caller = await identity.verify(other)
    assert "eve" == caller.id, "it is as good a signature"
    caller = await identity.verify(token)
    identity.revoke(caller.digest, caller.expires_at)
    with pytest.raises(NotSignedIn):
        await identity.verify(other)


def mirrored(signature: str) -> str:
    raw = jwt.utils.base64url_decode(signature.encode())
    r, s = decode_dss_signature(jwt.utils.raw_to_der_signature(raw, ec.SECP256R1()))
    n = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    return encoded(jwt.utils.der_to_raw_signature(encode_dss_signature(r, n - s), ec.SECP256R1()))
