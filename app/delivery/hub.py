"""The hub: the log's tail in memory, a mailbox per user, and the streams and polls that wait on them.

Four verbs: `offer` entries of the log, `after` a position of one user's, `watch`, `signal`. A reader is only a cursor:
nothing is queued for it, so a slow one costs nothing. Entries are taken in order of position and without gaps, so
knowing the head means having everything up to it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from time import monotonic
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from app import metrics
from app.delivery.log import Cursor, Head
from app.delivery.wire import framed
from app.tables import Row

if TYPE_CHECKING:
    from app.delivery.reader import Reader

TAIL_EVENTS_MAX = 20_000
TAIL_BYTES_MAX = 64 * 1024 * 1024
READERS_PER_USER_MAX = 50  # tabs and devices of one person at one process; one more ends the oldest


class Entry:
    """One event of the log, its frame ready to be written: built once, written to every stream."""

    __slots__ = ("audience", "data_from", "frame_from", "kind", "message_id", "piece", "position")

    def __init__(  # noqa: PLR0913, PLR0917  the columns of a row, in its order
        self, epoch: str, position: int, kind: str, audience: Iterable[str], data: bytes, message_id: UUID | None
    ) -> None:
        self.position = position
        self.kind = kind
        self.audience = tuple(audience)
        self.message_id = message_id
        self.say(epoch, data)

    def say(self, epoch: str, data: bytes) -> None:
        """Encode (again, when a message was unsent) what this event says."""
        head = f"id: {epoch}-{self.position}\nevent: {self.kind}\ndata: ".encode()
        self.piece = framed(b"%b%b\n\n" % (head, data))  # one for all streams
        self.frame_from = self.piece.index(b"\n") + 1
        self.data_from = self.frame_from + len(head)

    @property
    def frame(self) -> bytes:
        return self.piece[self.frame_from : -2]

    @property
    def data(self) -> bytes:
        return self.piece[self.data_from : -4]

    def is_of(self, row: Row) -> bool:
        """Whether it was made of this row. What a message's event says may have been blanked since."""
        if (self.position, self.kind, self.message_id) != (row["position"], row["kind"], row["message_id"]):
            return False
        return self.message_id is not None or msgspec.json.decode(self.data) == msgspec.json.decode(row["data"])


def entry_of(epoch: str, row: Row) -> Entry:
    """The entry of a row of the log."""
    return Entry(epoch, row["position"], row["kind"], row["audience"], row["data"].encode(), row["message_id"])


class Hub:
    """Invariant: it holds exactly the positions `floor + 1 … head`, in order."""

    def __init__(self) -> None:
        self.epoch = ""
        self.head = 0
        self.floor = 0
        self.log_floor = 0
        self.tail: deque[Entry] = deque()
        self.tail_bytes = 0
        self.mailboxes: dict[str, deque[Entry]] = {}
        self.readers: dict[str, dict[Reader, None]] = {}
        self.is_draining = False
        self.streams = 0
        self.delivered = 0  # since the last `measure`
        self.revoked: Mapping[bytes, float] = {}  # digests of tokens that were ended before their time
        self.on_presence: Callable[[str, bool], None] = lambda user_id, is_here: None

    @property
    def cursor(self) -> Cursor:
        return Cursor(self.epoch, self.head)

    @property
    def last(self) -> Entry | None:
        """The newest entry; none when the tail is empty."""
        return self.tail[-1] if self.tail else None

    def at(self, position: int) -> Entry | None:
        """The entry at this position, if the tail has it."""
        place = position - self.floor - 1
        return self.tail[place] if 0 <= place < len(self.tail) else None

    def restart(self, head: Head, position: int) -> None:
        """Forget the tail and begin after `position`. Readers of another epoch find out at their next step."""
        self.tail.clear()
        self.mailboxes.clear()
        self.tail_bytes = 0
        self.epoch = head.epoch
        self.head = self.floor = position
        self.log_floor = head.floor
        self.wake_all()

    def offer(self, entries: Iterable[Entry]) -> bool:
        """Take the entries that come next; False when there is a gap before one of them, and the table must be read."""
        now = monotonic()
        for entry in entries:
            if entry.position <= self.head:
                continue
            if entry.position != self.head + 1:
                return False
            self._append(entry, now)
        return True

    def _append(self, entry: Entry, now: float) -> None:
        if entry.kind == "message.deleted":
            self._blank(entry)
        self.head = entry.position
        self.tail.append(entry)
        self.tail_bytes += len(entry.piece)
        for user_id in entry.audience:
            mailbox = self.mailboxes.get(user_id)
            if mailbox is None:
                self.mailboxes[user_id] = mailbox = deque()
            mailbox.append(entry)
            if user_id in self.readers:
                for reader in self.readers[user_id]:
                    self.delivered += reader.deliver(entry.piece, entry.position)
        while len(self.tail) > TAIL_EVENTS_MAX or self.tail_bytes > TAIL_BYTES_MAX:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        oldest = self.tail.popleft()
        self.floor = oldest.position
        self.tail_bytes -= len(oldest.piece)
        for user_id in oldest.audience:
            mailbox = self.mailboxes[user_id]
            mailbox.popleft()
            if not mailbox:
                del self.mailboxes[user_id]

    def _blank(self, deleted: Entry) -> None:
        """An unsent message's body is gone from the tail as it is from the table."""
        for entry in self.tail:
            if entry.message_id == deleted.message_id and entry.message_id is not None:
                self.tail_bytes -= len(entry.piece)
                entry.say(self.epoch, deleted.data)
                self.tail_bytes += len(entry.piece)

    def after(self, user_id: str, position: int, limit: int) -> list[Entry]:
        """The newest `limit` of a user's entries after a position, in order. Only for positions from `floor` up."""
        found: list[Entry] = []
        for entry in reversed(self.mailboxes.get(user_id, ())):
            if entry.position <= position or len(found) == limit:
                break
            found.append(entry)
        found.reverse()
        return found

    def signal(self, audience: Iterable[str], kind: str, data: bytes) -> None:
        """Hand a signal to the live readers of these users. Nobody else ever hears of it."""
        frame = b"event: %b\ndata: %b\n\n" % (kind.encode(), data)
        piece = framed(frame)
        for user_id in audience:
            for reader in self.readers.get(user_id, ()):
                if not reader.push(piece):
                    reader.hear((kind, data, frame))

    def watch(self, reader: Reader) -> None:
        """Wake this reader from now on, until `unwatch`. One that comes too late is told to end at once."""
        if self.is_draining:
            reader.end("draining")
        if reader.digest in self.revoked:
            reader.end("token_revoked")
        readers = self.readers.get(reader.user_id)
        if readers is None:
            self.readers[reader.user_id] = {reader: None}
            self.on_presence(reader.user_id, True)
            return
        readers[reader] = None
        lasting = [other for other in readers if other.ends is None]
        if len(lasting) > READERS_PER_USER_MAX:
            lasting[0].end("too_many")

    def unwatch(self, reader: Reader) -> None:
        readers = self.readers.get(reader.user_id)
        if readers is not None:
            readers.pop(reader, None)
            if not readers:
                del self.readers[reader.user_id]
                self.on_presence(reader.user_id, False)

    def all_readers(self) -> list[Reader]:
        return [reader for readers in self.readers.values() for reader in readers]

    def end_revoked(self) -> None:
        """Tell the readers of tokens that were ended to end. Looks at all: once, however many tokens were ended."""
        for reader in self.all_readers():
            if reader.digest in self.revoked:
                reader.end("token_revoked")

    def wake_all(self) -> None:
        for reader in self.all_readers():
            reader.wake()

    def measure(self) -> None:
        """Write what was counted into the metrics: by the wheel, and before somebody reads them."""
        delivered, self.delivered = self.delivered, 0
        metrics.DELIVERED.labels("stream").inc(delivered)
        metrics.STREAMS.set(self.streams)
        metrics.TAIL_EVENTS.set(len(self.tail))
        metrics.TAIL_BYTES.set(self.tail_bytes)
        metrics.HEAD.set(self.head)
        metrics.observe_noted()


HUB = Hub()
"""This process's hub. Like the pool, there is one."""
