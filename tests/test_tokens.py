"""The plain token: what is read at once is what PyJWT would have made of it, and everything else is left to PyJWT."""

from __future__ import annotations

import hmac
import json
import math
import time
from base64 import urlsafe_b64encode
from typing import Any

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from app.tokens import Plain

SECRET = "a-secret-of-the-tests-that-is-long-enough"
OTHER = "another-secret-that-is-long-enough-too"
NOW = int(time.time())
_PRIVATE: dict[str, Any] = {
    "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}
KEYS: dict[str, tuple[Any, Any]] = {
    "HS256": (SECRET, SECRET),
    **{name: (key, key.public_key()) for name, key in _PRIVATE.items()},
}
GOOD = {"sub": "bea", "exp": NOW + 3_600}
PLAIN_HEADER = b'{"alg":"HS256","typ":"JWT"}'


def encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def token_of(payload: bytes, header: bytes = PLAIN_HEADER, secret: str = SECRET) -> str:
    text = f"{encoded(header)}.{encoded(payload)}"
    return f"{text}.{encoded(hmac.digest(secret.encode(), text.encode(), 'sha256'))}"


def read(
    token: str, audience: str | None = None, issuer: str | None = None, key: Any = SECRET, algorithm: str = "HS256"
) -> dict[str, Any] | None:
    """What it says, when it is plain, and then just that is what PyJWT believes."""
    plain = Plain(key, algorithm, audience, issuer)
    claims = plain.read(token)
    if claims is None:
        return None
    said = msgspec.structs.asdict(claims)
    believed = plain.ask(token)
    assert {name: value for name, value in believed.items() if name in said} == {
        name: said[name] for name in believed if name in said
    }
    return said


@pytest.mark.parametrize(
    "header",
    [
        PLAIN_HEADER,
        b'{"typ": "JWT", "alg": "HS256"}',
        b'{"alg":"HS256"}',
        b'{"alg":"HS256","typ":"at+jwt","kid":"../../key"}',
    ],
)
def test_what_shops_sign_is_plain(header: bytes) -> None:
    said = {**GOOD, "name": "Bea Čapková", "role": "user", "avatar_url": "/b.png", "iat": NOW, "jti": "1"}
    found = read(token_of(json.dumps(said, ensure_ascii=False).encode(), header))
    assert found is not None
    assert said == {name: found[name] for name in said}


@pytest.mark.parametrize("algorithm", KEYS)
def test_what_pyjwt_signs_is_plain(algorithm: str) -> None:
    """Under another header of a newer PyJWT's this would rest unused, and cost what it saves."""
    sign, verify = KEYS[algorithm]
    token = jwt.encode({**GOOD, "email": "bea@shop.example", "teams": [["a"]]}, sign, algorithm=algorithm)
    assert read(token, key=verify, algorithm=algorithm) is not None
    for other in KEYS.keys() - {algorithm}:
        assert read(token, key=KEYS[other][1], algorithm=other) is None
    head, _, signature = token.rpartition(".")
    assert read(f"{head}.{signature[:-8]}AAAAAAAA", key=verify, algorithm=algorithm) is None


SAID: dict[str, list[Any]] = {
    "sub": ["bea", "", "b\x00", "\ud83d", 42, None, ["bea"]],
    "exp": [
        NOW + 60,
        NOW + 0.5,
        NOW - 30,
        NOW - 90,
        0,
        -1,
        True,
        None,
        str(NOW + 60),
        10**30,
        10**400,
        1e300,
        math.inf,
    ],
    "iat": [NOW - 5, NOW + 30, NOW + 90, 1.5, "1", None, True],
    "nbf": [NOW - 5, NOW + 30, NOW + 90, 1.5, "1", None, True],
    "aud": ["chat", "other", "", None, ["chat"], ["other"], [1], 7, {}],
    "iss": ["shop", "other", "", None, ["shop"], 7],
    "jti": ["1", "", 7, None],
    "name": ["Bea", "", None, 7, "x\n"],
    "role": ["user", "admin", "root", None, 7],
    "email": ["bea@shop.example"],
    "crit": [["exp"]],
}
FOR = [(None, None), ("chat", None), (None, "shop"), ("chat", "shop")]


@pytest.mark.parametrize(("audience", "issuer"), FOR)
@pytest.mark.parametrize("claim", SAID)
def test_what_is_plain_pyjwt_believes(claim: str, audience: str | None, issuer: str | None) -> None:
    for value in SAID[claim]:
        for said in ({**GOOD, claim: value}, {**GOOD, "aud": "chat", "iss": "shop", claim: value}):
            read(token_of(json.dumps(said).encode()), audience, issuer)


@settings(deadline=None, max_examples=400)
@given(
    st.fixed_dictionaries({}, optional={claim: st.sampled_from(values) for claim, values in SAID.items()}),
    st.sampled_from(FOR),
    st.booleans(),
)
def test_and_whatever_else_is_said(said: Any, us: tuple[str | None, str | None], is_ascii: bool) -> None:
    payload = json.dumps({**GOOD, **said}, ensure_ascii=is_ascii).encode(errors="surrogatepass")
    read(token_of(payload), *us)


@settings(deadline=None, max_examples=400)
@given(st.data())
def test_a_token_that_was_tampered_with_is_not_plain(data: st.DataObject) -> None:
    token = token_of(json.dumps(GOOD).encode())
    at = data.draw(st.integers(0, len(token)))
    cut = data.draw(st.integers(0, 2))
    put = data.draw(st.text("AQgw09-_+/=. é", max_size=2))
    changed = token[:at] + put + token[at + cut :]
    assert (read(changed) is not None) == (changed == token)


@pytest.mark.parametrize("part", range(3))
@pytest.mark.parametrize("put", ["=", "==", "\n", " ", "+", "A", "é"])
def test_another_spelling_of_a_part_is_not_plain(part: int, put: str) -> None:
    """The shop's own, truly signed: it is the spelling that counts."""
    parts = token_of(json.dumps(GOOD).encode()).split(".")
    parts[part] += put
    if part < 2:
        parts[2] = encoded(hmac.digest(SECRET.encode(), ".".join(parts[:2]).encode(), "sha256"))
    assert read(".".join(parts)) is None


@pytest.mark.parametrize(
    "payload",
    [
        b'{"sub":"bea","exp":NaN}',
        b'{"exp":99999999999}',
        b'{"sub":"bea"}',
        b'{"sub":"bea","exp":1e999}',
        b'{"sub":"bea","exp":99999999999,"x":"\xff"}',
        b'{"sub":"\\ud83d","exp":99999999999}',  # half a surrogate
        b'{"sub":"bea","exp":99999999999,"exp":1}',
        '{"sub":"bea","exp":99999999999}'.encode("utf-16"),
        b'["sub"]',
        b"{",
        b"",
        b"\xff",
        b"[" * 5_000,
        b'{"sub":"bea","exp":99999999999,"a":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    ],
)
def test_claims_that_are_not_plain_are_left_to_pyjwt(payload: bytes) -> None:
    assert read(token_of(payload)) is None


@pytest.mark.parametrize(
    "header",
    [
        b'{"alg":"none","typ":"JWT"}',
        b'{"alg":"HS512","typ":"JWT"}',
        b'{"alg":"HS256","typ":"JWT","kid":7}',
        b'{"alg":"HS256","typ":"JWT","crit":["b64"],"b64":false}',
        b'{"alg":"HS256","jku":"https://evil.example/keys"}',
        b'{"typ":"JWT"}',
        b'{"alg":"HS256","kid":"\xff"}',
        b"",
    ],
)
def test_a_header_that_says_anything_else_is_left_to_pyjwt(header: bytes) -> None:
    assert read(token_of(json.dumps(GOOD).encode(), header)) is None


@pytest.mark.parametrize("secret", [OTHER, ""])
def test_another_secret_makes_no_plain_token(secret: str) -> None:
    assert read(token_of(json.dumps(GOOD).encode(), secret=secret)) is None


@pytest.mark.parametrize(
    "token", ["", ".", "..", "...", "a.b.c", f"{encoded(PLAIN_HEADER)}..", f"{encoded(PLAIN_HEADER)}.e30."]
)
def test_what_is_no_token_is_not_plain(token: str) -> None:
    assert read(token) is None


@pytest.mark.parametrize(
    "key", ["-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", json.dumps({"kty": "RSA"}), "ssh-rsa AAAA"]
)
def test_a_key_is_no_secret(key: str) -> None:
    """The public key as a secret is the oldest of the attacks."""
    with pytest.raises(jwt.InvalidKeyError):
        Plain(key, "HS256", None, None)
