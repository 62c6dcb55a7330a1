"""This process's commits: those under way, and what they have brought of the log that the tail has not taken yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from app.delivery.hub import HUB, Entry

WAITING_MAX = 1_000  # entries that wait for others' before them; more are read from the table again


class Commits:
    """`with` it a commit begins, which ends with its offer, or when it fails. Until then a hint of it is not followed.

    One for all, and no generator: this is done with every message.
    """

    def __init__(self, on_end: Callable[[], None]) -> None:
        self.begun = 0
        self.ended = 0
        self.on_end = on_end

    def __enter__(self) -> None:
        self.begun += 1

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.end()

    def end(self) -> None:
        self.ended = min(self.begun, self.ended + 1)
        self.on_end()

    def forget(self) -> None:
        """Wait for none of them any more."""
        self.ended = self.begun
        self.on_end()


class Own:
    def __init__(self) -> None:
        self.waiting: list[Entry] = []
        self.brought = 0

    def forget(self) -> None:
        self.waiting.clear()
        self.brought = 0

    @property
    def known(self) -> int:
        """Everything up to here is in the tail, or will be when what our commits have brought is offered."""
        return max(HUB.head, self.brought)

    def brings(self, known: int, positions: Iterable[int]) -> None:
        """A commit, made when everything up to `known` was known, has brought these."""
        new = [position for position in positions if position > known]
        if new and len(new) == max(new) - known:  # no gap among them, nor before
            self.brought = known + len(new)

    def wait(self, entries: list[Entry]) -> None:
        """Keep these until what is missing before them was read."""
        if len(self.waiting) < WAITING_MAX:
            self.waiting += entries

    def offer(self, most: int) -> int:
        """Offer what waits to the tail; returns how many of others' are missing before the rest, `most` at most."""
        self.waiting.sort(key=lambda entry: entry.position)
        HUB.offer(self.waiting)
        self.waiting = [entry for entry in self.waiting if entry.position > HUB.head]
        return min(most, self.waiting[0].position - HUB.head - 1) if self.waiting else most
