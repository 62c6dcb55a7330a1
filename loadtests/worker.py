"""What one locust worker knows: its town, its figures, its tokens, who is there. One process, one `WORKER`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loadtests import options
from loadtests.tally import Tally
from loadtests.tokens import Tokens
from loadtests.town import Town
from loadtests.wire import Site

if TYPE_CHECKING:
    from loadtests.member import Member


class Worker:
    def __init__(self) -> None:
        self.town = Town()
        self.tally = Tally()
        self.people: set[Member] = set()
        self.site = Site("http://127.0.0.1:8000")
        self.tokens: Tokens | None = None
        self.given: Any = None

    def begin(self, given: Any, host: str) -> None:
        """A test begins: a new town, new figures, what the command line or the web page says."""
        self.town = Town()
        self.tally = Tally()
        self.people = set()
        self.given = given
        self.site = Site(host, is_insecure=given.insecure)
        self.tokens = Tokens(options.token_source(given))


WORKER = Worker()
