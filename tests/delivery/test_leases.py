"""Presence leases: what could not be told when it was written is told later."""

from __future__ import annotations

import math
from typing import Any

import pytest

from app.delivery import leases as leases_module
from app.delivery.leases import Leases


@pytest.fixture(autouse=True)
def database(monkeypatch: pytest.MonkeyPatch) -> None:
    """One in which whoever comes or goes was or is nowhere else."""

    async def lease(statement: str, _process: object, user_ids: list[str]) -> list[dict[str, str]]:
        return [{"user_id": user_id} for user_id in user_ids] if statement == leases_module.ARRIVE else []

    async def gone(_statement: str, user_ids: list[str], _seen_at: object) -> list[dict[str, str]]:
        return [{"id": user_id} for user_id in user_ids]

    monkeypatch.setattr(leases_module.PresenceLease, "raw", lease)
    monkeypatch.setattr(leases_module.User, "raw", gone)


class Told:
    """What was told, unless nothing can be told now."""

    def __init__(self) -> None:
        self.is_away = True
        self.changes: list[tuple[list[str], bool]] = []

    async def __call__(self, user_ids: list[str], is_online: bool) -> None:
        if self.is_away:
            raise TimeoutError
        self.changes.append((user_ids, is_online))


@pytest.mark.parametrize("is_online", [True, False])
async def test_who_comes_or_goes_while_nothing_can_be_told_is_told_of_once_it_can(is_online: bool) -> None:
    told: Any = Told()
    leases = Leases(told)
    leases.renew_at = math.inf
    if is_online:
        leases.notice("sol", True)
    else:
        leases.leaving["sol"] = 0.0
    with pytest.raises(TimeoutError):
        await leases.write()
    told.is_away = False
    await leases.write()
    await leases.write()
    assert [(["sol"], is_online)] == told.changes
