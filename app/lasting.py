"""What lives as long as the process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

BEGIN_AGAIN_SECONDS = 1.0

log = structlog.get_logger("parley.lasting")


async def for_ever(work: Callable[[], Awaitable[None]]) -> None:
    """Do this until it is done, or cancelled. That it ends by an error is a bug, which must be seen, and must not be
    the end of all heartbeats or of presence: it begins again."""
    while True:
        if await once(work):
            return
        await asyncio.sleep(BEGIN_AGAIN_SECONDS)


async def once(work: Callable[[], Awaitable[None]]) -> bool:
    """Do this, and say whether it was done; an error of it is told in the log and disturbs nobody else."""
    try:
        await work()
    except Exception as error:
        log.error("a task of the process ended by an error", exc_info=error)
        return False
    return True
