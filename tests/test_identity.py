"""Identity: who a token speaks for, and every way to make one that must not be believed."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import math
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from app import identity
from app.errors import NotSignedIn, TokenExpired, Unavailable
from app.identity import Identity
from app.settings import Settings

SECRET = "a-secret-of-the-tests-that-is-long-enough"

KEYS: dict[str, Any] = {
    "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}
TO_JWK = {"RS256": RSAAlgorithm.to_jwk, "ES256": ECAlgorithm.to_jwk, "EdDSA": OKPAlgorithm.to_jwk}


def pem(key: Any) -> str:
    return str(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


def claims(**changes: Any) -> dict[str, Any]:
    """Claims of bea's; a claim that is None is left out."""
    said = {"sub": "bea", "exp": int(time.time()) + 600, "name": "Bea", **changes}
    return {key: value for key, value in said.items() if value is not None}


def signed(
    key: Any = SECRET, algorithm: str = "HS256", *, headers: dict[str, Any] | None = None, **changes: Any
) -> str:
    return jwt.encode(claims(**changes), key, algorithm=algorithm, headers=headers)


def by_hand(header: dict[str, Any], said: Any, key: bytes | None = None) -> str:
    """A token that no library would make."""

    def part(value: Any) -> bytes:
        raw = value if isinstance(value, bytes) else json.dumps(value).encode()
        return base64.urlsafe_b64encode(raw).rstrip(b"=")

    text = part(header) + b"." + part(said)
    signature = hmac.new(key, text, hashlib.sha256).digest() if key is not None else b""
    return (text + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def with_secret(**settings: Any) -> Identity:
    return Identity(Settings(jwt_secret=SECRET, **settings))


def with_public_key(algorithm: str) -> Identity:
    return Identity(Settings(jwt_public_key=pem(KEYS[algorithm])))


async def why_not(identity_: Identity, token: str) -> str:
    """The sentence with which a token is refused."""
    with pytest.raises(NotSignedIn) as refused:
        await identity_.verify(token)
    return refused.value.detail


# --- a good token --------------------------------------------------------------------------------------------------


async def test_a_token_signed_with_the_secret_is_believed() -> None:
    caller = await with_secret().verify(signed(avatar_url="https://shop.example/bea.png"))
    assert ("bea", "Bea", "https://shop.example/bea.png", "user") == (
        caller.id,
        caller.name,
        caller.avatar_url,
        caller.role,
    )


@pytest.mark.parametrize("algorithm", KEYS)
async def test_a_token_signed_by_the_shops_private_key_is_believed(algorithm: str) -> None:
    assert "bea" == (await with_public_key(algorithm).verify(signed(KEYS[algorithm], algorithm))).id


@pytest.mark.parametrize(
    ("role", "is_service", "is_overseer"),
    [(None, False, False), ("user", False, False), ("service", True, True), ("admin", False, True)],
)
async def test_a_role_says_what_its_bearer_may(role: str | None, is_service: bool, is_overseer: bool) -> None:
    caller = await with_secret().verify(signed(role=role))
    assert (role or "user", is_service, is_overseer) == (caller.role, caller.is_service, caller.is_overseer)


async def test_a_token_that_identity_mints_is_believed() -> None:
    shop = with_secret(jwt_audience="chat", jwt_issuer="shop")
    caller = await shop.verify(shop.mint("bea", ttl_seconds=60, name="Bea", role="admin"))
    assert ("bea", "Bea", "admin") == (caller.id, caller.name, caller.role)
    assert time.time() + 50 < caller.expires_at <= time.time() + 60


async def test_without_a_secret_no_token_is_made() -> None:
    with pytest.raises(ValueError, match="PARLEY_JWT_SECRET"):
        with_public_key("RS256").mint("bea", ttl_seconds=60)


async def test_fractions_of_a_second_count() -> None:
    expires_at = time.time() + 60.75
    assert expires_at == (await with_secret().verify(signed(exp=expires_at))).expires_at


@pytest.mark.parametrize("sub", ["b", "x" * 128, "auth0|5f7c", "bea@shop.example", "Ñandú 42", "google/123"])
async def test_the_shops_own_ids_are_taken_as_they_are(sub: str) -> None:
    assert sub == (await with_secret().verify(signed(sub=sub))).id


async def test_a_name_is_made_fit_to_be_shown() -> None:
    caller = await with_secret().verify(signed(name="  Bea\n\x00Brandt" + "x" * 500))
    assert "Bea  Brandt" == caller.name[:11]
    assert 200 >= len(caller.name)


@pytest.mark.parametrize("name", [None, 42, ["Bea"], {"first": "Bea"}])
async def test_a_name_that_is_no_text_is_no_name(name: Any) -> None:
    assert "" == (await with_secret().verify(signed(name=name))).name


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "data:text/html,x", "ftp://x/y", "https://x/ y", "https://" + "x" * 2000, 42, "x.png"],
)
async def test_an_avatar_that_is_no_address_of_a_picture_is_left_out(url: Any) -> None:
    assert (await with_secret().verify(signed(avatar_url=url))).avatar_url is None


async def test_an_audience_is_not_asked_for_unless_it_is_set() -> None:
    assert "bea" == (await with_secret().verify(signed(aud="another", iss="whoever"))).id


@pytest.mark.parametrize("audience", ["chat", ["shop", "chat"]])
async def test_a_token_for_us_among_others_is_for_us(audience: Any) -> None:
    assert "bea" == (await with_secret(jwt_audience="chat").verify(signed(aud=audience))).id


# --- tokens that must not be believed ------------------------------------------------------------------------------


async def test_no_algorithm_is_no_signature() -> None:
    """RFC 8725 2.1."""
    for name in ("none", "None", "NONE", ""):
        await why_not(with_secret(), by_hand({"alg": name, "typ": "JWT"}, claims()))


@pytest.mark.parametrize("algorithm", KEYS)
async def test_the_public_key_signs_nothing(algorithm: str) -> None:
    """Key confusion (RFC 8725 2.1): HS256 with the public key, which everybody has, as the secret."""
    public = pem(KEYS[algorithm])
    for key in (public.encode(), public.strip().encode(), public.replace("\n", "").encode()):
        await why_not(with_public_key(algorithm), by_hand({"alg": "HS256", "typ": "JWT"}, claims(), key))


@pytest.mark.parametrize("configured", KEYS)
@pytest.mark.parametrize("used", KEYS)
async def test_only_the_configured_key_is_believed(configured: str, used: str) -> None:
    if configured != used:
        await why_not(with_public_key(configured), signed(KEYS[used], used))


async def test_only_the_configured_algorithm_is_believed() -> None:
    """Neither another hash with the same secret nor another padding with the same key."""
    await why_not(with_secret(), signed("x" * 64 + SECRET, "HS512"))
    await why_not(with_secret(), jwt.encode(claims(), SECRET + SECRET, algorithm="HS512"))
    await why_not(with_public_key("RS256"), signed(KEYS["RS256"], "PS256"))


@pytest.mark.parametrize("algorithm", KEYS)
async def test_another_key_of_the_same_kind_is_not_ours(algorithm: str) -> None:
    others = {
        "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
        "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate,
    }
    assert "The token is not valid: its signature does not match." == await why_not(
        with_public_key(algorithm), signed(others[algorithm](), algorithm)
    )


async def test_a_changed_claim_breaks_the_signature() -> None:
    head, _, signature = signed().split(".")
    forged = base64.urlsafe_b64encode(json.dumps(claims(sub="sol")).encode()).rstrip(b"=").decode()
    assert "signature" in await why_not(with_secret(), f"{head}.{forged}.{signature}")


@pytest.mark.parametrize("claim", ["exp", "sub"])
async def test_a_token_must_have_an_end_and_a_subject(claim: str) -> None:
    assert f"The token is not valid: it lacks the claim `{claim}`." == await why_not(
        with_secret(), signed(**{claim: None})
    )


@pytest.mark.parametrize("exp", ["soon", [], {}, True, "1e999", -1, 0])
async def test_an_end_that_is_no_time_to_come_is_refused(exp: Any) -> None:
    await why_not(with_secret(), by_hand({"alg": "HS256"}, claims(exp=exp), SECRET.encode()))


@pytest.mark.parametrize("exp", [1e300, 99_999_999_999_999, 10**30, pytest.param(10**400, id="400 zeros")])
async def test_an_end_beyond_all_calendars_is_refused(exp: Any) -> None:
    """A shop that writes milliseconds must hear of it: nothing here can hold such a time."""
    assert "exp" in await why_not(with_secret(), signed(exp=exp))


async def test_an_expired_token_is_told_from_a_bad_one() -> None:
    with pytest.raises(TokenExpired):
        await with_secret().verify(signed(exp=int(time.time()) - 1))


async def test_a_forged_token_does_not_learn_that_it_expired() -> None:
    with pytest.raises(NotSignedIn) as refused:
        await with_secret().verify(signed("another-secret-that-is-long-enough-too", exp=int(time.time()) - 1))
    assert not isinstance(refused.value, TokenExpired)


@pytest.mark.parametrize("claim", ["nbf", "iat"])
async def test_a_token_is_not_good_before_its_time(claim: str) -> None:
    assert "not valid yet" in await why_not(with_secret(), signed(**{claim: int(time.time()) + 120}))


@pytest.mark.parametrize("claim", ["nbf", "iat"])
@pytest.mark.parametrize("ahead_seconds", [-600, 0, 3, 50])
async def test_the_clock_of_the_shop_may_be_a_little_ahead(claim: str, ahead_seconds: int) -> None:
    token = signed(**{claim: int(time.time()) + ahead_seconds})
    assert "bea" == (await with_secret().verify(token)).id


async def test_the_end_of_a_token_is_exact_whatever_the_clock_of_the_shop() -> None:
    shop = with_secret()
    for ago_seconds in (1, 30, 59, 61):
        with pytest.raises(TokenExpired):
            await shop.verify(signed(exp=int(time.time()) - ago_seconds))
    assert {} == shop.remembered


@pytest.mark.parametrize("audience", [None, "another", ["another"], "", 42])
async def test_a_token_for_another_audience_is_not_for_us(audience: Any) -> None:
    await why_not(with_secret(jwt_audience="chat"), signed(aud=audience))


@pytest.mark.parametrize("issuer", [None, "another", "", "https://shop.example.evil.example"])
async def test_a_token_from_another_issuer_is_not_believed(issuer: Any) -> None:
    await why_not(with_secret(jwt_issuer="https://shop.example"), signed(iss=issuer))


@pytest.mark.parametrize("sub", ["", "x" * 129, "a\x00b", "a\nb", "bea\n", "\x7f", 42, ["bea"], True, "lone \ud800"])
async def test_a_subject_that_is_no_id_is_refused(sub: Any) -> None:
    await why_not(with_secret(), by_hand({"alg": "HS256"}, claims(sub=sub), SECRET.encode()))


@pytest.mark.parametrize("role", ["root", "", "Service", "user ", 1, ["admin"], True])
async def test_a_role_that_we_do_not_know_is_refused(role: Any) -> None:
    """Not taken for an ordinary user: the shop meant something."""
    assert "role" in await why_not(with_secret(), signed(role=role))


async def test_a_huge_token_is_not_even_looked_at() -> None:
    assert "longer than" in await why_not(with_secret(), signed(filler="x" * 9_000))


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "...", "a.b.c", "a.b", "e30.e30.", "é.é.é", " ", "Bearer", "null", "\x00", "=.=.="],
)
async def test_what_is_no_token_is_refused(token: str) -> None:
    await why_not(with_secret(), token)


@pytest.mark.parametrize("said", [[], "bea", 42, None, b"not json", b'{"sub":"bea"', b"\xff\xfe"])
async def test_claims_that_are_no_object_are_refused(said: Any) -> None:
    await why_not(with_secret(), by_hand({"alg": "HS256"}, said, SECRET.encode()))


@pytest.mark.parametrize("crit", [["exp"], ["b64"], "exp"])
async def test_an_extension_that_we_must_understand_and_do_not_is_refused(crit: Any) -> None:
    """RFC 7515 4.1.11."""
    await why_not(with_secret(), by_hand({"alg": "HS256", "crit": crit, "b64": False}, claims(), SECRET.encode()))


async def test_no_refusal_repeats_anything_of_the_token() -> None:
    for token in (signed("another-secret-that-is-long-enough-too", sub="hush"), signed(role="hush"), "hush.hush.hush"):
        assert "hush" not in await why_not(with_secret(), token)


# --- remembering and revoking --------------------------------------------------------------------------------------


async def test_a_remembered_token_ends_on_time() -> None:
    shop = with_secret()
    token = signed(exp=math.ceil(time.time() + 0.1))
    caller = await shop.verify(token)
    while time.time() < caller.expires_at:
        assert caller is await shop.verify(token)
        await asyncio.sleep(0.01)
    with pytest.raises(TokenExpired):
        await shop.verify(token)
    assert {} == shop.remembered


async def test_a_bad_token_is_not_remembered() -> None:
    shop = with_secret()
    await why_not(shop, "a.b.c")
    assert {} == shop.remembered


async def test_tokens_that_are_remembered_do_not_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "REMEMBERED_MAX", 3)
    shop = with_secret()
    for number in range(10):
        await shop.verify(signed(sub=f"bea-{number}"))
        assert len(shop.remembered) <= 3


async def test_a_revoked_token_is_refused_and_others_are_not() -> None:
    shop = with_secret()
    lost, kept = signed(device="phone"), signed(device="desk")
    caller = await shop.verify(lost)
    await shop.verify(kept)
    shop.revoke(caller.digest, caller.expires_at)
    assert "This session was ended." == await why_not(shop, lost)
    assert "bea" == (await shop.verify(kept)).id


async def test_a_token_revoked_before_it_was_ever_seen_is_refused() -> None:
    shop, token = with_secret(), signed()
    shop.revoke(hashlib.sha256(token.rpartition(".")[0].encode()).digest(), time.time() + 600)
    assert "This session was ended." == await why_not(shop, token)


async def test_a_revoked_token_is_forgotten_once_it_would_have_ended_anyway() -> None:
    shop = with_secret()
    shop.revoke(b"old", time.time() - 1)
    shop.revoke(b"new", time.time() + 600)
    shop.forget_revoked()
    assert {b"new"} == set(shop.revoked)


async def test_to_revoke_one_more_costs_the_same_however_many_there_are() -> None:
    shop, expires_at = with_secret(), time.time() + 600
    began = time.process_time()
    for number in range(20_000):
        shop.revoke(b"%d" % number, expires_at)
    assert time.process_time() - began < 1, "it took 14 s when each looked at all"


# --- key sets ------------------------------------------------------------------------------------------------------


class KeySet:
    """The shop's keys at an address of the shop's (RFC 7517)."""

    def __init__(self) -> None:
        self.keys: list[dict[str, Any]] = []
        self.asked = 0
        self.status = 200
        self.body: bytes | None = None
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                shop.asked += 1
                said = shop.body if shop.body is not None else json.dumps({"keys": shop.keys}).encode()
                self.send_response(shop.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/jwks.json"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.thread.start()

    def show(self, kid: str, algorithm: str, key: Any | None = None, **more: Any) -> None:
        jwk = TO_JWK[algorithm]((key or KEYS[algorithm]).public_key(), as_dict=True)
        self.keys.append({**jwk, "kid": kid, "use": "sig", "alg": algorithm, **more})

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def identity(self) -> Identity:
        return Identity(Settings(jwks_url=self.url))


@pytest.fixture
def key_set() -> Iterator[KeySet]:
    shop = KeySet()
    yield shop
    shop.close()


@pytest.mark.parametrize("algorithm", KEYS)
async def test_a_token_is_believed_by_the_key_that_its_kid_names(key_set: KeySet, algorithm: str) -> None:
    for name in KEYS:
        key_set.show(f"key-{name}", name)
    token = signed(KEYS[algorithm], algorithm, headers={"kid": f"key-{algorithm}"})
    assert "bea" == (await key_set.identity().verify(token)).id


async def test_a_key_set_is_asked_for_once(key_set: KeySet) -> None:
    key_set.show("1", "ES256")
    shop = key_set.identity()
    for number in range(5):
        await shop.verify(signed(KEYS["ES256"], "ES256", headers={"kid": "1"}, sub=f"bea-{number}"))
    assert 1 == key_set.asked


async def test_a_key_that_was_rotated_in_is_found(key_set: KeySet) -> None:
    key_set.show("old", "RS256")
    shop = key_set.identity()
    await shop.verify(signed(KEYS["RS256"], "RS256", headers={"kid": "old"}))
    key_set.keys.clear()
    key_set.show("new", "ES256")
    assert "bea" == (await shop.verify(signed(KEYS["ES256"], "ES256", headers={"kid": "new"}))).id
    assert "kid" in await why_not(shop, signed(KEYS["RS256"], "RS256", headers={"kid": "old"}, sub="sol"))


async def test_unknown_kids_do_not_make_us_ask_the_shop_again_and_again(key_set: KeySet) -> None:
    key_set.show("1", "ES256")
    shop = key_set.identity()
    for number in range(20):
        await why_not(shop, signed(KEYS["ES256"], "ES256", headers={"kid": f"made up {number}"}))
    assert key_set.asked <= 2


@pytest.mark.parametrize("kid", [None, "", "../../../dev/null", "1' OR '1'='1", "key-RS256\x00", "KEY-ES256"])
async def test_a_kid_that_names_no_key_is_refused(key_set: KeySet, kid: str | None) -> None:
    key_set.show("key-ES256", "ES256")
    await why_not(key_set.identity(), signed(KEYS["ES256"], "ES256", headers={"kid": kid} if kid is not None else {}))


@pytest.mark.parametrize("kid", [1, ["key-ES256"], {"kid": "key-ES256"}, True])
async def test_a_kid_that_is_no_text_is_refused(key_set: KeySet, kid: Any) -> None:
    key_set.show("key-ES256", "ES256")
    await why_not(key_set.identity(), by_hand({"alg": "ES256", "kid": kid}, claims(), b"x"))


async def test_a_kid_that_names_another_key_is_refused(key_set: KeySet) -> None:
    key_set.show("one", "ES256")
    key_set.show("two", "ES256", ec.generate_private_key(ec.SECP256R1()))
    await why_not(key_set.identity(), signed(KEYS["ES256"], "ES256", headers={"kid": "two"}))


async def test_a_key_of_the_set_is_no_secret(key_set: KeySet) -> None:
    """Key confusion again: HS256 with the public key of the set, as PEM and as JSON."""
    key_set.show("1", "RS256")
    shop = key_set.identity()
    for key in (pem(KEYS["RS256"]).encode(), json.dumps(key_set.keys[0]).encode()):
        await why_not(shop, by_hand({"alg": "HS256", "kid": "1"}, claims(), key))
    await why_not(shop, by_hand({"alg": "none", "kid": "1"}, claims()))


async def test_the_key_that_a_token_brings_along_is_not_used(key_set: KeySet) -> None:
    """`jwk`, `jku` and `x5u` of a header are the attacker's (RFC 8725 3.10)."""
    key_set.show("1", "ES256")
    evil = KeySet()
    try:
        own = ec.generate_private_key(ec.SECP256R1())
        evil.show("1", "ES256", own)
        headers = {"kid": "1", "jwk": evil.keys[0], "jku": evil.url, "x5u": evil.url}
        await why_not(key_set.identity(), signed(own, "ES256", headers=headers))
        assert 0 == evil.asked
    finally:
        evil.close()


async def test_a_key_for_encryption_signs_nothing(key_set: KeySet) -> None:
    key_set.show("1", "ES256")
    key_set.show("2", "RS256", use="enc")
    await why_not(key_set.identity(), signed(KEYS["RS256"], "RS256", headers={"kid": "2"}))


async def test_a_shared_secret_in_a_public_key_set_is_not_used(key_set: KeySet) -> None:
    key_set.show("1", "ES256")
    known = base64.urlsafe_b64encode(b"x" * 32).rstrip(b"=").decode()
    key_set.keys.append({"kty": "oct", "k": known, "kid": "2", "use": "sig", "alg": "HS256"})
    await why_not(key_set.identity(), by_hand({"alg": "HS256", "kid": "2"}, claims(), b"x" * 32))


@pytest.mark.parametrize("status", [404, 500, 503])
async def test_while_the_shops_keys_cannot_be_fetched_the_door_says_try_again(key_set: KeySet, status: int) -> None:
    key_set.status = status
    with pytest.raises(Unavailable):
        await key_set.identity().verify(signed(KEYS["ES256"], "ES256", headers={"kid": "1"}))


@pytest.mark.parametrize("body", [b"<html>maintenance</html>", b"", b"[]", b'{"keys": []}', b"{}", b"\xff"])
async def test_while_the_shops_keys_are_no_keys_the_door_says_try_again(key_set: KeySet, body: bytes) -> None:
    """A fault of the shop's is not one of the caller's: a 401 would make every page log its people out."""
    key_set.body = body
    with pytest.raises(Unavailable):
        await key_set.identity().verify(signed(KEYS["ES256"], "ES256", headers={"kid": "1"}))


async def test_a_key_set_that_is_away_is_used_as_it_was(key_set: KeySet) -> None:
    key_set.show("1", "ES256")
    shop = key_set.identity()
    await shop.verify(signed(KEYS["ES256"], "ES256", headers={"kid": "1"}))
    key_set.status = 503
    assert "sol" == (await shop.verify(signed(KEYS["ES256"], "ES256", headers={"kid": "1"}, sub="sol"))).id


async def test_a_slow_key_set_does_not_hold_up_tokens_that_are_known(key_set: KeySet) -> None:
    """Fetching happens beside the loop, not in it."""
    key_set.show("1", "ES256")
    shop = key_set.identity()
    known = signed(KEYS["ES256"], "ES256", headers={"kid": "1"})
    await shop.verify(known)
    fetching = asyncio.create_task(why_not(shop, signed(KEYS["ES256"], "ES256", headers={"kid": "2"})))
    await asyncio.sleep(0)
    assert "bea" == (await shop.verify(known)).id
    assert not fetching.done()
    await fetching


def test_a_private_key_is_not_taken_for_a_public_one() -> None:
    private = KEYS["ES256"].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with pytest.raises(ValueError):  # noqa: PT011  whatever the library says
        Identity(Settings(jwt_public_key=private))
