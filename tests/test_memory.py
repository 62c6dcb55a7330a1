"""What is loaded moves into huge pages where there are any, and nothing of it changes."""

from __future__ import annotations

import gc
import mmap
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from app import memory

MIB = 1024 * 1024


@pytest.fixture
def thresholds() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


def written(byte: bytes) -> mmap.mmap:
    """8 MiB of memory of our own, in small pages."""
    place = mmap.mmap(-1, 8 * MIB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with suppress(OSError):  # a kernel that has no others
        place.madvise(mmap.MADV_NOHUGEPAGE)
    place[:] = byte * len(place)
    with suppress(OSError):
        place.madvise(mmap.MADV_HUGEPAGE)
    return place


def in_huge_pages() -> int:
    """Kilobytes of this process."""
    rollup = Path("/proc/self/smaps_rollup").read_text()
    return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("AnonHugePages:"))


def kernel_collapses() -> bool:
    probe = written(b"p")
    try:
        probe.madvise(memory.MADV_COLLAPSE)
    except OSError:
        return False
    finally:
        probe.close()
    return True


def test_what_was_written_moves_and_stays_what_it_was() -> None:
    has_them = kernel_collapses()
    places = [written(bytes([number])) for number in range(4)]
    before = in_huge_pages()
    memory.collapse(memory.MAPS.read_text())
    moved = in_huge_pages() - before
    assert moved >= 4 * 6 * 1024 if has_them else moved == 0
    assert [bytes([number]) * (8 * MIB) for number in range(4)] == [place[:] for place in places]


def test_only_our_own_memory_is_spoken_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not what is mapped from files, nor what we cannot write."""
    asked: list[tuple[int, int, int]] = []

    class Madvise:
        def __call__(self, *arguments: int) -> int:
            asked.append(arguments)  # type: ignore[arg-type]
            return -1  # refused, which is no error

    class Libc:
        madvise = Madvise()

    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: Libc())
    memory.collapse(
        "55d0c0a00000-55d0c1a00000 rw-p 00000000 00:00 0                          [heap]\n"
        "7f0000000000-7f0000400000 rw-p 00000000 00:00 0 \n"
        "7f0000400000-7f0000800000 r--p 00000000 00:00 0 \n"
        "7f0000800000-7f0000c00000 rw-s 00000000 00:01 77                         /dev/zero (deleted)\n"
        "7f0000c00000-7f0001000000 rw-p 00443000 fe:00 26933                      /usr/lib/lib python.so\n"
    )
    assert [
        (0x55D0C0A00000, 0x1000000, memory.MADV_COLLAPSE),
        (0x7F0000000000, 0x400000, memory.MADV_COLLAPSE),
    ] == asked


@pytest.mark.parametrize(
    ("allowed", "is_done"), [("always madvise [never]\n", False), ("always [madvise] never\n", True), (None, False)]
)
@pytest.mark.usefixtures("thresholds")
def test_whoever_runs_the_machine_decides(
    allowed: str | None, is_done: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = tmp_path / "enabled"
    if allowed is not None:
        said.write_text(allowed)
    monkeypatch.setattr(memory, "HUGE_PAGES", said)
    done: list[str] = []
    monkeypatch.setattr(memory, "collapse", done.append)
    memory.settle()
    assert is_done == bool(done)


@pytest.mark.usefixtures("thresholds")
def test_garbage_is_not_looked_for_in_what_stays() -> None:
    memory.settle()
    assert gc.get_freeze_count() > 1_000
    assert memory.GC_THRESHOLDS == gc.get_threshold()
