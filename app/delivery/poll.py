"""A long poll: the same reader with the other encoder. It answers at once when something was missed, else waits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from app import metrics
from app.delivery.disconnect import Disconnect, Receive
from app.delivery.hub import HUB, Entry
from app.delivery.reader import Lost, Reader
from app.delivery.stream import retry_ms
from app.delivery.wheel import WHEEL
from app.schemas import Polled, PolledEvent, Reset

WAIT_SECONDS_MAX = 25  # under the 30 s after which proxies cut idle connections
POLL_EVENTS_MAX = 500

DELIVERED = metrics.DELIVERED.labels("poll")


async def poll(
    reader: Reader, cursor: str | None, reach: Callable[[int], Awaitable[None]], receive: Receive, wait_seconds: float
) -> Polled:
    """What came after the cursor; an empty list when nothing did within `wait_seconds`."""
    try:
        await reader.begin(cursor, reach)
        entries, upto = await reader.missed()
        if not entries and wait_seconds > 0 and not HUB.is_draining:
            await _wait(reader, receive, wait_seconds)
            entries, upto = await reader.missed()
    except Lost as lost:
        reader.restart()
        return _answer(reader, [_reset(reader, lost)], reader.position, more=False)
    signals = [PolledEvent(cursor=None, type=kind, data=msgspec.Raw(data)) for kind, data, _ in reader.take_signals()]
    is_cut = len(entries) > POLL_EVENTS_MAX
    entries = entries[:POLL_EVENTS_MAX]
    upto = entries[-1].position if is_cut else upto
    DELIVERED.inc(len(entries))
    events = [_event(reader.epoch, entry) for entry in entries] + signals
    return _answer(reader, events, upto, more=upto < HUB.head)


async def _wait(reader: Reader, receive: Receive, wait_seconds: float) -> None:
    """Until something is there for the reader, the time is over, its token ends, or the client has gone."""
    timer = asyncio.get_running_loop().call_later(wait_seconds, reader.leave)
    disconnect = Disconnect(receive, reader.leave)
    HUB.watch(reader)
    WHEEL.add(reader)
    metrics.POLLS.inc()
    try:
        while not (
            reader.is_gone
            or reader.ends
            or reader.signals
            or HUB.is_draining
            or reader.epoch != HUB.epoch
            or HUB.after(reader.user_id, reader.position, 1)
        ):
            await reader.wait()
    finally:
        metrics.POLLS.dec()
        reader.is_gone = True
        HUB.unwatch(reader)
        timer.cancel()
        disconnect.close()


def _event(epoch: str, entry: Entry) -> PolledEvent:
    return PolledEvent(cursor=f"{epoch}-{entry.position}", type=entry.kind, data=msgspec.Raw(entry.data))


def _reset(reader: Reader, lost: Lost) -> PolledEvent:
    cursor = f"{reader.epoch}-{reader.position}"
    data = msgspec.json.encode(Reset(reason=lost.reason, cursor=cursor))  # type: ignore[arg-type]
    return PolledEvent(cursor=cursor, type="reset", data=msgspec.Raw(data))


def _answer(reader: Reader, events: list[PolledEvent], upto: int, *, more: bool) -> Polled:
    cursor = f"{reader.epoch}-{upto}"
    return Polled(events=events, cursor=cursor, head=str(HUB.cursor), more=more, retry_ms=retry_ms(HUB.is_draining))
