"""A process's memory: what is loaded when it begins to serve stays, and is used with every message.

So garbage is never looked for in it again, and what of it lies in whole stretches of 2 MiB moves into huge pages, where
Linux has them. A processor that wakes for a lone message finds nothing in its caches, page tables neither: measured at
200 messages a second, with and without in 50 turns, 7 % less of our CPU a message; under load nothing. Of a server's 62
MB, 37 to 45 move.
"""

from __future__ import annotations

import ctypes
import gc
from pathlib import Path
from time import monotonic

GC_THRESHOLDS = (50_000, 50, 50)  # few cycles arise; collecting often costs more than it frees
HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")  # the switch for all sizes
MAPS = Path("/proc/self/maps")
MADV_COLLAPSE = 25  # madvise(2); since Linux 6.1
COLLAPSE_SECONDS = 0.5  # then the rest stays where it is; measured, 60 ms for all, 120 with a log's tail of 60 MB


def settle() -> None:
    """Take everything that is loaded now for what stays. Blocks: before anybody is served."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    try:
        allowed, maps = HUGE_PAGES.read_bytes(), MAPS.read_bytes()
    except OSError:
        return  # no Linux, or none with huge pages
    if b"[never]" not in allowed:  # whoever runs the machine may not want them
        collapse(maps)


def collapse(maps: bytes) -> None:
    """Move what we have written, as `maps` (proc_pid_maps(5)) shows it, into huge pages as far as the kernel will. What
    it refuses stays where it is."""
    madvise = ctypes.CDLL(None).madvise
    madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    until = monotonic() + COLLAPSE_SECONDS
    for line in filter(None, maps.split(b"\n")):
        place, rights, _, _, inode = line.split(maxsplit=5)[:5]
        if rights == b"rw-p" and inode == b"0" and monotonic() < until:
            start, end = (int(address, 16) for address in place.split(b"-"))
            madvise(start, end - start, MADV_COLLAPSE)
