"""What is loaded moves into huge pages where there are any, and nothing of it changes."""

from __future__ import annotations

import ctypes
import gc
import mmap
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from weakref import ref

import pytest

from app import memory
from tests.harness import Server
from tests.system.operating import process_of

MIB = 1024 * 1024
COLLAPSE = 25  # MADV_COLLAPSE of madvise(2)


@pytest.fixture
def thresholds() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """What madvise is asked; it refuses, which is no error."""
    said: list[tuple[int, ...]] = []

    def madvise(*arguments: int) -> int:
        said.append(arguments)
        return -1

    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: SimpleNamespace(madvise=madvise))
    return said


def written(byte: bytes) -> mmap.mmap:
    """8 MiB of memory of our own, in small pages."""
    place = mmap.mmap(-1, 8 * MIB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with suppress(OSError):  # a kernel that has no others
        place.madvise(mmap.MADV_NOHUGEPAGE)
    place[:] = byte * len(place)
    with suppress(OSError):
        place.madvise(mmap.MADV_HUGEPAGE)
    return place


def kernel_collapses() -> bool:
    probe = written(b"p")
    try:
        probe.madvise(COLLAPSE)
    except OSError:
        return False
    finally:
        probe.close()
    return True


def huge_kilobytes(process: str, around: int | None = None) -> int:
    """How much lies in huge pages: of a process, or of its one mapping that has this address."""
    kilobytes, is_meant = 0, True
    for line in Path(f"/proc/{process}/smaps").read_text().splitlines():
        first, *rest = line.split()
        if first.endswith(":"):
            kilobytes += int(rest[0]) if first == "AnonHugePages:" and is_meant else 0
        elif around is not None:
            start, end = (int(address, 16) for address in first.split("-"))
            is_meant = start <= around < end
    return kilobytes


def test_what_was_written_moves_and_stays_what_it_was() -> None:
    place = written(b"a")
    address = ctypes.addressof(ctypes.c_char.from_buffer(place))
    memory.collapse(memory.MAPS.read_bytes())
    moved = huge_kilobytes("self", address)
    assert moved >= 6 * 1024 if kernel_collapses() else moved == 0
    assert b"a" * (8 * MIB) == place[:]


async def test_a_server_has_moved(server: Server) -> None:
    is_forbidden = "[never]" in memory.HUGE_PAGES.read_text()
    moved = huge_kilobytes(str(process_of(server).pid))
    assert moved == 0 if is_forbidden or not kernel_collapses() else moved >= 8 * 1024


def test_only_our_own_memory_is_spoken_of(asked: list[tuple[int, ...]]) -> None:
    """Not what is mapped from files, whatever their names, nor what we cannot write."""
    memory.collapse(
        b"55d0c0a00000-55d0c1a00000 rw-p 00000000 00:00 0                          [heap]\n"
        b"7f0000000000-7f0000400000 rw-p 00000000 00:00 0 \n"
        b"7f0000400000-7f0000800000 r--p 00000000 00:00 0 \n"
        b"7f0000800000-7f0000c00000 rw-s 00000000 00:01 77                         /dev/zero (deleted)\n"
        b"7f0000c00000-7f0001000000 rw-p 00443000 fe:00 26933                      /caf\xe9\x85/a lib\x0c\r.so\n"
    )
    assert [(0x55D0C0A00000, 0x1000000, COLLAPSE), (0x7F0000000000, 0x400000, COLLAPSE)] == asked


def test_the_start_does_not_wait_for_long(asked: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "COLLAPSE_SECONDS", 0)
    memory.collapse(memory.MAPS.read_bytes())
    assert [] == asked


@pytest.mark.parametrize(
    ("allowed", "is_done"),
    [
        ("always madvise [never]\n", False),
        ("always [madvise] never\n", True),
        ("[always] madvise never\n", True),
        (None, False),
    ],
)
@pytest.mark.usefixtures("thresholds")
def test_whoever_runs_the_machine_decides(
    allowed: str | None, is_done: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said, maps = tmp_path / "enabled", tmp_path / "maps"
    if allowed is not None:
        said.write_text(allowed)
    maps.write_bytes(b"the maps")
    monkeypatch.setattr(memory, "HUGE_PAGES", said)
    monkeypatch.setattr(memory, "MAPS", maps)
    done: list[bytes] = []
    monkeypatch.setattr(memory, "collapse", done.append)
    memory.settle()
    assert [b"the maps"] * is_done == done


@pytest.mark.usefixtures("thresholds")
def test_what_cannot_be_read_is_let_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "enabled").write_text("[always]")
    monkeypatch.setattr(memory, "HUGE_PAGES", tmp_path / "enabled")
    monkeypatch.setattr(memory, "MAPS", tmp_path)  # a folder
    memory.settle()


@pytest.mark.usefixtures("thresholds")
def test_garbage_is_not_looked_for_in_what_stays() -> None:
    class Ring:
        def __init__(self) -> None:
            self.itself = self

    is_there = ref(Ring())
    memory.settle()
    assert is_there() is None, "garbage does not stay"
    assert gc.get_freeze_count() > 1_000
    assert memory.GC_THRESHOLDS == gc.get_threshold()
