"""A relay in front of a server that does to messages what a server must never do: drop, repeat and swap them."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterable

from tests import relay

# One chunk of the transfer coding that holds one frame of a message.
MESSAGE = re.compile(rb"[0-9a-f]+\r\nid: [^\n]*\nevent: message\.sent\ndata: [^\n]*\n\n\r\n")
LATER = b"\nid: "  # a frame with a cursor begins in it
QUIET_MESSAGES = 3  # between two faults messages pass, so that each is seen for itself


class Relay(relay.Relay):
    """`faults` are done one after the other, each to another message: "drop", "double" or "swap".

    What is dropped or held back counts as done when something that came later was written after it. When the connection
    ends before, the reader will ask for it again, so nothing was done to it, and the fault is tried once more.
    """

    def __init__(self, port: int, faults: Iterable[str]) -> None:
        super().__init__()
        self.there = port
        self.faults = list(faults)
        self.done: Counter[str] = Counter()
        self.passed = 0
        self.url = ""

    async def start(self) -> Relay:
        self.url = f"http://127.0.0.1:{await self.listen()}"
        return self

    async def dial(self) -> relay.End:
        return await asyncio.open_connection("127.0.0.1", self.there)

    async def flow(self, here: relay.End, there: relay.End) -> None:
        await asyncio.gather(self._ask(here[0], there[1]), self._answer(there[0], here[1]))

    @staticmethod
    async def _ask(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(relay.CHUNK):
            target.write(data)
        target.close()  # which ends the answers too

    async def _answer(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        fault, held = "", b""
        try:
            while data := await source.read(relay.CHUNK):
                if fault and LATER in data:
                    self.done[fault] += 1
                    target.write(data + (held if fault == "swap" else b""))
                    fault = ""
                elif not fault and (fault := self._fault_for(data)):
                    held = data
                    if fault == "double":
                        target.write(data)
                        target.write(data)
                else:
                    target.write(data)
        finally:
            self.faults += [fault] if fault else []
            target.close()

    def _fault_for(self, data: bytes) -> str:
        if not MESSAGE.fullmatch(data) or not self.faults:
            return ""
        self.passed += 1
        return "" if self.passed % QUIET_MESSAGES else self.faults.pop(0)
