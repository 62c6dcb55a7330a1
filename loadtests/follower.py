"""A follower: one user's stream or long poll, held for as long as the user is there, and taken up again after each cut.

It does what a client must: keep the cursor, go on from it, wait with jitter between attempts, leave a stream that is
silent for too long, and load its state anew after `reset`.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import quote

import gevent
import msgspec
from geventhttpclient.response import HTTPParseError

from loadtests.frames import FRAME_END, Frame, parse, polled
from loadtests.tokens import TokenError
from loadtests.wire import Away, Line, Site

TRANSPORTS = ("stream", "post", "poll")
HELLO_SECONDS = 10.0
POLL_WAIT_SECONDS = 25
POLL_PATIENCE_SECONDS = POLL_WAIT_SECONDS + 15.0
HEARTBEATS_MISSED_MAX = 2.5  # then the connection is taken for dead
BACK_OFF_SECONDS = (0.1, 5.0)
SLOW_PAUSE_SECONDS = (0.2, 0.8)  # of a slow reader after each frame

CUT = (OSError, HTTPParseError, msgspec.DecodeError, TokenError, Away)


class Refused(Exception):
    """The server does not let us follow: its status."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(f"the events answered {status}")


class Follows(Protocol):
    """Whose follower it is."""

    def token(self) -> str: ...
    def refused(self, status: int) -> None:
        """Following was refused; a token is not tried again after 401."""

    def heard(self, frame: Frame, *, is_live: bool) -> None:
        """Any event but control frames; `is_live` when it was not missed before."""

    def reached(self, cursor: str) -> None: ...
    def ready(self, seconds: float, *, is_first: bool) -> None:
        """Connected and caught up, so long after the first attempt or the cut."""

    def renew(self) -> str:
        """After a `reset`: load everything anew, and the cursor of that."""


class Follower:
    def __init__(self, site: Site, who: Follows, cursor: str, *, transport: str, is_slow: bool = False) -> None:
        self.who = who
        self.cursor = cursor
        self.transport = transport
        self.line = Line(site, is_slow=is_slow)
        self.is_slow = is_slow
        self.is_over = self.is_first = False
        self.is_live = False
        self.away_since = 0.0
        self.greenlet: gevent.Greenlet[[], None] | None = None

    def start(self) -> None:
        self.is_first, self.away_since = True, time.perf_counter()
        self.greenlet = gevent.spawn(self._run)

    def cut(self) -> None:
        """Lose the connection, as on a train; it comes back by itself."""
        self.line.close()

    def stop(self) -> None:
        """For good. The cursor is then that of the last frame that was taken."""
        self.is_over = True
        self.line.close()
        if self.greenlet is not None:
            self.greenlet.kill()

    def _run(self) -> None:
        follow: Callable[[], None] = self._poll if self.transport == "poll" else self._stream
        failures = 0
        while not self.is_over:
            try:
                follow()
                failures = 0
            except Refused as refusal:
                failures += 1
                self.who.refused(refusal.status)
            except CUT:
                failures = 0 if self.is_live else failures + 1
            if self.is_live:
                self.is_live, self.away_since = False, time.perf_counter()
            self.line.close()
            low, high = BACK_OFF_SECONDS
            gevent.sleep(random.uniform(0, min(high, low * 2**failures)))

    # --- streams ---------------------------------------------------------------------------------------------------

    def _stream(self) -> None:
        method = "POST" if self.transport == "post" else "GET"
        path = f"/events/stream?cursor={quote(self.cursor)}"
        answer = self.line.ask(method, path, self.who.token(), patience_seconds=HELLO_SECONDS)
        if answer.status_code != 200:
            raise Refused(answer.status_code)
        while text := answer.readline(FRAME_END):
            frame = parse(text)
            if frame is not None and not self._take(frame):
                return
            if self.is_slow:
                gevent.sleep(random.uniform(*SLOW_PAUSE_SECONDS))

    def _take(self, frame: Frame) -> bool:
        """Whether to go on reading."""
        if frame.type == "reset":
            self.cursor = self.who.renew()
            return False
        if frame.type == "bye":
            gevent.sleep(frame.data["retry_ms"] / 1000)
            return False
        if frame.type == "hello":
            self.line.be_patient(max(HELLO_SECONDS, HEARTBEATS_MISSED_MAX * frame.data["heartbeat_ms"] / 1000))
        self._hear(frame)
        if frame.type == "ready":
            self._ready()
        return True

    def _hear(self, frame: Frame) -> None:
        if frame.is_durable or frame.cursor is None:
            self.who.heard(frame, is_live=self.is_live)
        elif frame.cursor is not None:
            self.who.reached(frame.cursor)
        if frame.cursor is not None:
            self.cursor = frame.cursor

    def _ready(self) -> None:
        if not self.is_live:
            self.who.ready(time.perf_counter() - self.away_since, is_first=self.is_first)
            self.is_live, self.is_first = True, False

    # --- long polls ------------------------------------------------------------------------------------------------

    def _poll(self) -> None:
        while not self.is_over:
            answer = self.ask_once(POLL_WAIT_SECONDS if self.is_live else 0)
            if not answer["more"]:
                self._ready()
            if answer["retry_ms"]:
                gevent.sleep(answer["retry_ms"] / 1000)
            if self.is_slow:
                gevent.sleep(random.uniform(*SLOW_PAUSE_SECONDS))

    def ask_once(self, wait_seconds: float) -> Any:
        """One poll, its events taken. Raises what `Line.ask` raises, and `Refused`."""
        path = f"/events?cursor={quote(self.cursor)}&wait={wait_seconds:g}"
        response = self.line.ask("GET", path, self.who.token(), patience_seconds=POLL_PATIENCE_SECONDS)
        body = response.read()
        if response.status_code != 200:
            raise Refused(response.status_code)
        answer = msgspec.json.decode(body)
        for frame in polled(answer):
            if frame.type == "reset":
                self.cursor = self.who.renew()
                return answer
            self._hear(frame)
        self.who.reached(answer["cursor"])
        self.cursor = answer["cursor"]
        return answer
