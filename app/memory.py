"""A process's memory: what is loaded when it begins to serve stays, and is used with every message.

So garbage is never looked for in it again, and it moves into huge pages where Linux has them. A processor that wakes
for a lone message finds nothing in its caches, page tables neither: measured at 200 messages a second, with and
without in 50 turns, 7 % less of our CPU a message. It takes 60 ms of the start, and 2 MB.
"""

from __future__ import annotations

import ctypes
import gc
from pathlib import Path

GC_THRESHOLDS = (50_000, 50, 50)  # few cycles arise; collecting often costs more than it frees
HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")
MAPS = Path("/proc/self/maps")
MADV_COLLAPSE = 25  # madvise(2); since Linux 6.1


def settle() -> None:
    """Take everything that is loaded now for what stays."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    try:
        allowed, maps = HUGE_PAGES.read_text(), MAPS.read_text()
    except OSError:
        return  # no Linux, or none with huge pages
    if "[never]" not in allowed:  # whoever runs the machine may not want them
        collapse(maps)


def collapse(maps: str) -> None:
    """Move what we have written, as `maps` (proc_pid_maps(5)) shows it, into huge pages as far as the kernel will. What
    it refuses stays where it is."""
    madvise = ctypes.CDLL(None).madvise
    madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    for line in maps.splitlines():
        place, rights, _, _, inode = line.split()[:5]
        if rights == "rw-p" and inode == "0":
            start, end = (int(address, 16) for address in place.split("-"))
            madvise(start, end - start, MADV_COLLAPSE)
