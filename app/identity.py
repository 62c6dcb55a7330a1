"""Identity: who calls. Verifies and mints tokens (JWT, RFC 7519), and knows which were revoked. No HTTP, no database.

The algorithm is pinned by what is configured, never by the token (RFC 8725 3.1). A verified token is remembered until
it expires: verifying costs more than everything else in a small request.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from typing import Any, Literal

import jwt
import msgspec
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from app.errors import NotSignedIn, TokenExpired, Unavailable
from app.settings import Settings
from app.tokens import Plain, algorithm_of

TOKEN_CHARACTERS_MAX = 8_192
REMEMBERED_MAX = 50_000  # verified tokens; then all are forgotten and verified again
NAME_CHARACTERS_MAX = 200
URL_CHARACTERS_MAX = 2_000
JWKS_REFRESH_SECONDS = 30.0  # an unknown `kid` asks the shop for its keys at most this often
JWKS_TIMEOUT_SECONDS = 3
EXP_MAX = 32_503_680_000  # the year 3000: what lies beyond is in milliseconds

_USER_ID = re.compile(r"(?=.*\S)[^\x00-\x1f\x7f]{1,128}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_URL = re.compile(r"(https?://|/)[^\s\x00-\x1f]*")

Role = Literal["user", "service", "admin"]


class Caller(msgspec.Struct, frozen=True):
    """Whoever a token speaks for. `expires_at` in seconds since 1970; `digest` names the token."""

    id: str
    name: str
    avatar_url: str | None
    role: Role
    expires_at: float
    digest: bytes

    @property
    def is_service(self) -> bool:
        """The shop's own back end."""
        return self.role == "service"

    @property
    def is_overseer(self) -> bool:
        """The shop's back end or a moderator: finds conversations without being in them."""
        return self.role != "user"


class Identity:
    def __init__(self, settings: Settings) -> None:
        self.secret = settings.jwt_secret
        self.audience = settings.jwt_audience
        self.issuer = settings.jwt_issuer
        self.remembered: dict[str, Caller] = {}
        self.revoked: dict[bytes, float] = {}
        self.jwks = (
            jwt.PyJWKClient(settings.jwks_url, timeout=JWKS_TIMEOUT_SECONDS, cache_keys=True)
            if settings.jwks_url
            else None
        )
        self.jwks_asked_at = -JWKS_REFRESH_SECONDS
        self.plain: Plain | None = None
        if settings.jwt_public_key:
            self.plain = self._by(load_pem_public_key(settings.jwt_public_key.encode()))
        elif self.secret is not None and self.jwks is None:
            self.plain = Plain(self.secret, "HS256", self.audience, self.issuer)

    async def verify(self, token: str) -> Caller:
        """The caller a token speaks for. Raises `NotSignedIn` or `TokenExpired`."""
        caller = self.remembered.get(token)
        if caller is None:
            caller = await self._decode(token)
            if len(self.remembered) >= REMEMBERED_MAX:
                self.remembered.clear()
            self.remembered[token] = caller
        if caller.expires_at <= time.time():
            del self.remembered[token]
            raise TokenExpired
        if caller.digest in self.revoked:
            raise NotSignedIn("This session was ended.")
        return caller

    def revoke(self, digest: bytes, expires_at: float) -> None:
        """Refuse a token from now on."""
        self.revoked[digest] = expires_at

    def forget_revoked(self) -> None:
        """Forget those that would have ended by now anyway. Looks at all: from time to time, not with each."""
        now = time.time()
        for known in [known for known, end in self.revoked.items() if end <= now]:
            del self.revoked[known]

    def mint(self, user_id: str, *, ttl_seconds: int, name: str | None = None, role: Role = "user") -> str:
        """A signed token, for the demo and `parley token`. A shop's back end makes its own."""
        if self.secret is None:
            raise ValueError("Tokens can only be made with PARLEY_JWT_SECRET; with a public key, the shop makes them.")
        claims: dict[str, Any] = {"sub": user_id, "exp": int(time.time()) + ttl_seconds, "role": role}
        claims |= {"name": name} if name else {}
        claims |= {"aud": self.audience} if self.audience else {}
        claims |= {"iss": self.issuer} if self.issuer else {}
        return jwt.encode(claims, self.secret, algorithm="HS256")

    async def _decode(self, token: str) -> Caller:
        if len(token) > TOKEN_CHARACTERS_MAX:
            raise NotSignedIn(f"The token is longer than {TOKEN_CHARACTERS_MAX} characters.")
        try:
            plain = self.plain or self._by(await self._key_of(token))
            read = plain.read(token)
            claims = msgspec.structs.asdict(read) if read is not None else plain.ask(token)
        except jwt.ExpiredSignatureError:
            raise TokenExpired from None
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise NotSignedIn(f"The token is not valid: {_why(error)}.") from None
        return _caller(claims, _digest(token))

    def _by(self, key: Any) -> Plain:
        """Of a public key, which chooses its algorithm."""
        return Plain(key, algorithm_of(key), self.audience, self.issuer)

    async def _key_of(self, token: str) -> Any:
        """The key that a token's `kid` names in the shop's key set (RFC 7517)."""
        assert self.jwks is not None
        kid = jwt.get_unverified_header(token).get("kid")
        known = await self._keys()
        key = self.jwks.match_kid(known, kid) if isinstance(kid, str) else None
        if key is None and time.monotonic() - self.jwks_asked_at > JWKS_REFRESH_SECONDS:
            self.jwks_asked_at = time.monotonic()
            fresh = await self._keys(refresh=True)
            key = self.jwks.match_kid(fresh, kid) if isinstance(kid, str) else None
        if key is None:
            raise jwt.InvalidKeyError("its `kid` is not among the shop's keys")
        return key.key

    async def _keys(self, *, refresh: bool = False) -> list[jwt.PyJWK]:
        """The shop's keys, fetched when they are not known or not fresh. What is no key set is the shop's trouble."""
        assert self.jwks is not None
        try:
            return await asyncio.to_thread(self.jwks.get_signing_keys, refresh=refresh)
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError) as error:
            raise Unavailable("The shop's keys cannot be fetched now.") from error


def _digest(token: str) -> bytes:
    """What names a token: a digest of the part that is signed. The signature can be written in several ways (`=` at its
    end; (r, -s) on an elliptic curve), and a token that was ended must not come back as another."""
    return hashlib.sha256(token.rpartition(".")[0].encode()).digest()


_WHY: tuple[tuple[type[Exception], str], ...] = (
    (jwt.InvalidAudienceError, "it is for another audience"),
    (jwt.InvalidIssuerError, "it is from another issuer"),
    (jwt.ImmatureSignatureError, "it is not valid yet"),
    (jwt.InvalidAlgorithmError, "its signature does not match"),
    (jwt.InvalidSignatureError, "its signature does not match"),
)


def _why(error: Exception) -> str:
    """Which check failed, without repeating anything of the token."""
    if isinstance(error, jwt.MissingRequiredClaimError):
        return f"it lacks the claim `{error.claim}`"
    if isinstance(error, jwt.InvalidKeyError):
        return str(error)
    return next((sentence for kind, sentence in _WHY if isinstance(error, kind)), "it cannot be decoded")


def _encodable(said: Any) -> Any:
    """A text without lone surrogates, which JSON can say and no encoding can hold."""
    return said.encode("utf-8", "replace").decode() if isinstance(said, str) and not said.isascii() else said


def _caller(claims: dict[str, Any], digest: bytes) -> Caller:
    sub, role, name, avatar = (_encodable(claims.get(claim)) for claim in ("sub", "role", "name", "avatar_url"))
    if not isinstance(sub, str) or sub != claims["sub"] or not _USER_ID.fullmatch(sub):
        raise NotSignedIn("The token's `sub` must be a text of 1 to 128 characters.")
    if role not in (None, "user", "service", "admin"):
        raise NotSignedIn("The token's `role` must be user, service or admin.")
    if not 0 < int(claims["exp"]) < EXP_MAX:
        raise NotSignedIn("The token's `exp` must be in seconds since 1970 (RFC 7519 4.1.4).")
    is_url = isinstance(avatar, str) and len(avatar) <= URL_CHARACTERS_MAX and _URL.fullmatch(avatar)
    return Caller(
        id=sub,
        name=_CONTROL.sub(" ", name)[:NAME_CHARACTERS_MAX].strip() if isinstance(name, str) else "",
        avatar_url=avatar if is_url else None,
        role=role or "user",
        expires_at=float(claims["exp"]),
        digest=digest,
    )
