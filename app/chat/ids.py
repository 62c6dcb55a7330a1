"""Ids that sort by time, so that new rows lie together in their index: UUID version 7 (RFC 9562 5.7)."""

import os
import time
from uuid import UUID

VARIANT = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))


def new() -> UUID:
    return UUID(new_text())


def new_text() -> str:
    """48 bits of Unix milliseconds, the version, then random bits with the variant."""
    random = os.urandom(10).hex()
    time_ = f"{time.time_ns() // 1_000_000:012x}"
    return f"{time_[:8]}-{time_[8:]}-7{random[:3]}-{VARIANT[random[3]]}{random[4:7]}-{random[7:19]}"
