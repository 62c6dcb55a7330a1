"""The floor of a delivery: a bare uvloop protocol without any framework.

A GET opens a stream and gets its response headers, so that the same reader can count what comes. The body of a POST
is written as it is to every open stream, and then the POST is answered.
"""

from __future__ import annotations

import argparse
import asyncio
from typing import cast

import uvloop

HEADERS_END = b"\r\n\r\n"
STREAM_HEADERS = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
READY = b"e\r\nevent: ready\n\n\r\n"
ANSWER = b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n{}"
HEALTHY = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"

open_streams: set[asyncio.WriteTransport] = set()


class Writer(asyncio.Protocol):
    """A connection: either a stream or one that commands writes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.WriteTransport", transport)  # uvloop does not inherit from it
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        headers_end = self.buffer.find(HEADERS_END)
        if headers_end < 0:
            return
        if self.buffer.startswith(b"GET /health"):
            self.buffer = b""
            self.transport.write(HEALTHY)
        elif self.buffer.startswith(b"GET"):
            self.buffer = b""
            open_streams.add(self.transport)
            self.transport.write(STREAM_HEADERS + READY)
        else:
            self._write_to_all(headers_end + 4)

    def _write_to_all(self, start: int) -> None:
        mark = self.buffer.lower().index(b"content-length:")
        length = int(self.buffer[mark + 15 : self.buffer.index(b"\r", mark)])
        if len(self.buffer) < start + length:
            return
        frame, self.buffer = self.buffer[start : start + length], b""
        for stream in open_streams:
            stream.write(frame)
        self.transport.write(ANSWER)

    def connection_lost(self, exc: Exception | None) -> None:
        open_streams.discard(self.transport)


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Writer, "127.0.0.1", port, backlog=4096)
    async with server:
        await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    uvloop.run(serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
