"""Options of the kit, beside locust's own. Each may be given by environment too: secrets should not be in `ps`."""

from __future__ import annotations

from typing import Any

from loadtests.follower import TRANSPORTS
from loadtests.shapes import SHAPES
from loadtests.tokens import Source, TokenError, by_command, by_secret, by_url

PAUSE_SECONDS = 2.5
DEFAULT_TRANSPORTS = "stream=7,post=1,poll=2"


def add(parser: Any) -> None:
    """Tell locust's parser; what may be changed from the web page shows there."""
    parser.add_argument("--shape", choices=sorted(SHAPES), default="mix", env_var="LOADTEST_SHAPE", help=_shapes())
    parser.add_argument(
        "--pause",
        type=float,
        default=PAUSE_SECONDS,
        env_var="LOADTEST_PAUSE",
        help="seconds between two actions of a user, on average",
    )
    parser.add_argument(
        "--cuts",
        type=float,
        default=1.0,
        env_var="LOADTEST_CUTS",
        help="how willing users are to lose their connections, from 0 (never) to 1 (one action in fourteen)",
    )
    parser.add_argument(
        "--transports",
        default=DEFAULT_TRANSPORTS,
        env_var="LOADTEST_TRANSPORTS",
        help="how many users hold what: SSE by GET, SSE by POST, long polls",
    )
    hidden = {"include_in_web_ui": False}
    parser.add_argument("--jwt-secret", env_var="LOADTEST_JWT_SECRET", help="sign tokens with this (HS256)", **hidden)
    parser.add_argument("--jwt-audience", env_var="LOADTEST_JWT_AUDIENCE", help="`aud` of those tokens", **hidden)
    parser.add_argument("--jwt-issuer", env_var="LOADTEST_JWT_ISSUER", help="`iss` of those tokens", **hidden)
    parser.add_argument(
        "--token-command",
        env_var="LOADTEST_TOKEN_COMMAND",
        help="a command that prints a token for {user} with {role}",
        **hidden,
    )
    parser.add_argument(
        "--token-url",
        env_var="LOADTEST_TOKEN_URL",
        help="an address that answers with a token for {user} with {role}",
        **hidden,
    )
    parser.add_argument(
        "--restart-command",
        env_var="LOADTEST_RESTART_COMMAND",
        help="starts the server anew when a storm is due; without it all connections are cut",
        **hidden,
    )
    parser.add_argument(
        "--insecure", action="store_true", env_var="LOADTEST_INSECURE", help="accept any certificate", **hidden
    )
    parser.add_argument("--verdict", env_var="LOADTEST_VERDICT", help="write the figures here as JSON", **hidden)


def token_source(given: Any) -> Source:
    """Where tokens come from. Raises `TokenError` unless exactly one source is named."""
    named = [name for name in ("jwt_secret", "token_command", "token_url") if getattr(given, name)]
    if len(named) != 1:
        raise TokenError("give exactly one of LOADTEST_JWT_SECRET, --token-command and --token-url")
    if given.token_command:
        return by_command(given.token_command)
    if given.token_url:
        return by_url(given.token_url)
    return by_secret(given.jwt_secret, audience=given.jwt_audience, issuer=given.jwt_issuer)


def transports(text: str) -> tuple[list[str], list[float]]:
    """`stream=7,post=1,poll=2` as names and weights. Raises `ValueError`."""
    weights = {name.strip(): float(weight) for name, _, weight in (part.partition("=") for part in text.split(","))}
    if unknown := set(weights) - set(TRANSPORTS):
        raise ValueError(f"no such transports: {', '.join(sorted(unknown))}; there are {', '.join(TRANSPORTS)}")
    if sum(weights.values()) <= 0:
        raise ValueError("some transport needs a weight above 0")
    return list(weights), list(weights.values())


def _shapes() -> str:
    return "; ".join(f"{name}: {shape.what}" for name, shape in SHAPES.items())
