"""The plain token, as most shops sign theirs: a header that only names the algorithm and the key, claims of the usual
types. It is read at once, with PyJWT's own check of the signature. Whether any other is to be believed, and why not,
PyJWT says. What else it knows is which algorithm a key is for.

A page's first request shows a token that its process has not seen. Measured for HS256 in a loop of its own, reading one
takes 10 µs, and with PyJWT 72. What is plain here PyJWT believes too, and reads the same; a test compares them.
"""

from __future__ import annotations

import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

CLOCK_LEEWAY_SECONDS = 60  # the shop's clock may be so far ahead: of `iat` and `nbf`. `exp` is exact


class Claims(msgspec.Struct):
    """What is known of a plain token's claims (RFC 7519, 4.1), and of which types these are."""

    sub: str
    exp: int | float
    iat: int | float = 0
    nbf: int | float = 0
    aud: str | None = None
    iss: str | None = None
    jti: str = ""
    name: str | None = None
    role: str | None = None
    avatar_url: str | None = None


class Header(msgspec.Struct, forbid_unknown_fields=True):
    """What a plain token's header may say (RFC 7515, 4.1). By which key it is read was chosen before."""

    alg: str
    typ: str = "JWT"
    kid: str = ""


_header_of = msgspec.json.Decoder(Header).decode
_claims_of = msgspec.json.Decoder(Claims).decode


class Plain:
    """Reads plain tokens of this key and its algorithm, for this audience and from this issuer, where these are given.
    Raises `jwt.InvalidKeyError` for a secret that is a key, and for a key that is not of this algorithm."""

    def __init__(self, key: Any, algorithm: str, audience: str | None, issuer: str | None) -> None:
        self.name = algorithm
        self.algorithm = jwt.get_algorithm_by_name(algorithm)
        self.key = self.algorithm.prepare_key(key)
        self.audience = audience
        self.issuer = issuer

    def read(self, token: str) -> Claims | None:
        """The claims of a plain token that is good now; None of any other."""
        try:
            head, signature = token.rsplit(".", 1)
            header, payload = head.split(".")
            if _algorithm_said(header) != self.name:
                return None
            if not self.algorithm.verify(head.encode(), self.key, _decoded(signature)):
                return None
            claims = _claims_of(_decoded(payload).decode())  # msgspec does not look at texts that it skips
        except (ValueError, RecursionError):
            return None
        now = time.time()
        is_now = claims.iat <= now and claims.nbf <= now < claims.exp
        is_for_us = self.audience in (None, claims.aud) and self.issuer in (None, claims.iss)
        return claims if is_now and is_for_us else None

    def ask(self, token: str) -> dict[str, Any]:
        """The claims of any token, as PyJWT reads them. Raises what PyJWT does."""
        return jwt.decode(
            token,
            self.key,
            algorithms=[self.name],
            options={"require": ["exp", "sub"], "verify_aud": self.audience is not None},
            audience=self.audience,
            issuer=self.issuer,
            leeway=CLOCK_LEEWAY_SECONDS,  # of `exp` too, at which `Identity.verify` looks again
        )


@lru_cache(maxsize=64)  # a shop has one, or one for each of its keys
def _algorithm_said(header: str) -> str:
    """Raises ValueError for a header that is not plain."""
    return _header_of(_decoded(header)).alg


def algorithm_of(key: Any) -> str:
    """The one algorithm of a public key (RFC 8725, 3.1)."""
    if isinstance(key, RSAPublicKey):
        return "RS256"
    return "ES256" if isinstance(key, EllipticCurvePublicKey) else "EdDSA"


def is_key(key: Any, algorithm: str) -> bool:
    """Whether tokens can be verified with it. A secret must be no key, certificate or JWK, which others may have."""
    try:
        jwt.get_algorithm_by_name(algorithm).prepare_key(key)
    except jwt.InvalidKeyError:
        return False
    return True


def _encoded(said: bytes) -> str:
    return urlsafe_b64encode(said).rstrip(b"=").decode()


def _decoded(part: str) -> bytes:
    """Raises ValueError for all but the one way to write it (RFC 7515, 2)."""
    said = urlsafe_b64decode(part + "==")
    if _encoded(said) != part:
        raise ValueError
    return said
