"""What is done in C instead of Python is what PyJWT does: the same parts, the same refusals."""

from __future__ import annotations

import base64
import json
from typing import Any

import jwt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.tokens import Signatures, Tokens

SECRET = "a-secret-of-the-tests-that-is-long-enough"
TOKENS = Tokens()


def outcome(decode: Any, *said: Any) -> Any:
    """What comes of it: the value, or which refusal in which words."""
    try:
        return decode(*said)
    except jwt.PyJWTError as error:
        return type(error), str(error)


def encoded(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


LIKELY = st.text("AQZagz09-_+/=.! \n", max_size=12).map(str.encode)
RIGHT = st.binary(max_size=60).map(encoded)
PADDED = st.tuples(RIGHT, st.sampled_from([b"", b"=", b"==", b"==="])).map(b"".join)


@settings(deadline=None)
@given(LIKELY | RIGHT | PADDED | st.binary(max_size=20))
@example(b"")
@example(b"A")  # no length of this kind
@example(b"AB")  # bits left over that are not zero
@example(b"+/+/")  # base64, but not of URLs
@example(b"AAAA\xff")
@example(b"A=AA")
def test_a_part_is_read_as_pyjwt_reads_it(segment: bytes) -> None:
    assert outcome(Signatures._decode_base64url_segment, segment, "x") == outcome(
        jwt.PyJWS._decode_base64url_segment, segment, "x"
    )


@pytest.mark.parametrize(
    "payload",
    [
        b'{"sub":"bea","exp":99999999999}',
        b'{"sub":"b\\ud83d\\ude00","exp":99999999999}',
        b'{"sub":"\\ud83d","exp":99999999999}',  # half a surrogate
        b'{"sub":"bea","exp":NaN}',
        b'{"sub":"bea","exp":99999999999,"exp":1}',
        '{"sub":"bea","exp":99999999999}'.encode("utf-16"),
        b'{"n":123456789012345678901234567890,"x":1e400}',
        b'["sub"]',
        b'"sub"',
        b"{",
        b"",
        b"\xff",
        b"[" * 5_000,
        b'{"a":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    ],
)
def test_claims_are_read_as_pyjwt_reads_them(payload: bytes) -> None:
    decoded = {"payload": payload}
    assert outcome(TOKENS._decode_payload, decoded) == outcome(jwt.PyJWT()._decode_payload, decoded)


def test_pyjwt_asks_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under another name in a newer PyJWT these would rest unused, and cost what they save."""
    asked: list[str] = []
    read, decode = Signatures._decode_base64url_segment, Tokens._decode_payload

    def part(segment: bytes, name: str) -> bytes:
        asked.append(name)
        return read(segment, name)

    def payload(tokens: Tokens, decoded: dict[str, Any]) -> dict[str, Any]:
        asked.append("claims")
        return decode(tokens, decoded)

    monkeypatch.setattr(Signatures, "_decode_base64url_segment", staticmethod(part))
    monkeypatch.setattr(Tokens, "_decode_payload", payload)
    token = TOKENS.encode({"sub": "bea"}, SECRET, algorithm="HS256")
    assert {"sub": "bea"} == TOKENS.decode(token, SECRET, algorithms=["HS256"])
    assert ["header", "payload", "crypto", "claims"] == asked


def test_a_key_is_no_secret() -> None:
    """The public key as a secret is the oldest of the attacks: PyJWT's look at it counts here too."""
    token = jwt.encode({"sub": "bea"}, SECRET, algorithm="HS256")
    for key in (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", json.dumps({"kty": "RSA"}).encode()):
        refused = outcome(TOKENS.decode, token, key, ["HS256"])
        assert jwt.InvalidKeyError is refused[0]
        assert refused == outcome(jwt.decode, token, key, ["HS256"])
