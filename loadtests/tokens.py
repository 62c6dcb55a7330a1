"""Tokens for made-up people: signed with a given secret, or fetched from a command or an address of the shop's."""

from __future__ import annotations

import shlex
import subprocess
import time
import urllib.request
from collections.abc import Callable
from urllib.parse import quote

import jwt
import msgspec

LIFE_SECONDS = 3600  # of tokens that we sign
UNREADABLE_LIFE_SECONDS = 300  # of tokens that do not say when they end
RENEW_SECONDS = 30  # before its end a token is replaced
FETCH_SECONDS = 10.0

Source = Callable[[str, str], str]
"""Gives a token for (user id, role)."""


class TokenError(Exception):
    """No token can be had, and why."""


class Tokens:
    """Keeps each person's token until shortly before its end."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.known: dict[str, tuple[str, float]] = {}

    def of(self, user_id: str, role: str = "user") -> str:
        """Raises `TokenError`."""
        token, ends_at = self.known.get(user_id, ("", 0.0))
        if time.time() > ends_at - RENEW_SECONDS:
            token = self.source(user_id, role)
            self.known[user_id] = token, _end_of(token)
        return token

    def forget(self, user_id: str) -> None:
        """The server refused it: get another the next time."""
        self.known.pop(user_id, None)


def by_secret(secret: str, *, audience: str | None = None, issuer: str | None = None) -> Source:
    """HS256, as the shop's back end would sign."""
    fixed = {name: value for name, value in (("aud", audience), ("iss", issuer)) if value}

    def sign(user_id: str, role: str) -> str:
        claims = {"sub": user_id, "name": user_id, "role": role, "exp": int(time.time()) + LIFE_SECONDS, **fixed}
        return jwt.encode(claims, secret, "HS256")

    return sign


def by_command(template: str) -> Source:
    """A command that prints a token; `{user}` and `{role}` stand for whose."""
    parts = shlex.split(template)

    def run(user_id: str, role: str) -> str:
        command = [part.replace("{user}", user_id).replace("{role}", role) for part in parts]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_SECONDS, check=True)
        except subprocess.CalledProcessError as error:
            raise TokenError(
                f"the token command ended with {error.returncode}: {error.stderr.strip()[-300:]}"
            ) from error
        except (OSError, subprocess.TimeoutExpired) as error:
            raise TokenError(f"the token command: {error}") from error
        return done.stdout.strip()

    return run


def by_url(template: str) -> Source:
    """An address that answers with a token, alone or as `{"token": …}`; `{user}` and `{role}` stand for whose."""

    def fetch(user_id: str, role: str) -> str:
        url = template.replace("{user}", quote(user_id, safe="")).replace("{role}", role)
        try:
            with urllib.request.urlopen(url, timeout=FETCH_SECONDS) as answer:  # noqa: S310  the operator's own address
                text = answer.read().decode().strip()
        except OSError as error:
            raise TokenError(f"the token address: {error}") from error
        return str(msgspec.json.decode(text)["token"]) if text.startswith("{") else text

    return fetch


def _end_of(token: str) -> float:
    try:
        return float(jwt.decode(token, options={"verify_signature": False})["exp"])
    except (jwt.PyJWTError, KeyError):
        return time.time() + UNREADABLE_LIFE_SECONDS
