"""Ids that sort by time, so that new rows lie together in their index: UUID version 7 (RFC 9562 5.7)."""

import os
import time
from uuid import UUID


def new() -> UUID:
    return UUID(hex=new_hex())


def new_hex() -> str:
    """48 bits of Unix milliseconds, the version, then random bits with the variant."""
    random = int.from_bytes(os.urandom(10), "big")
    value = (
        (time.time_ns() // 1_000_000) << 80
        | 0x7 << 76
        | (random >> 66 & 0xFFF) << 64
        | 0x2 << 62
        | random & (2**62 - 1)
    )
    return f"{value:032x}"
