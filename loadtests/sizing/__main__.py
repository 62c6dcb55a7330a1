"""`python -m loadtests.sizing --users 1e6 --messages-per-day 5e6`: how many machines that takes, as a table."""

from __future__ import annotations

import argparse

from loadtests.sizing.model import Load, Machines, Plan, plan

GIB = 2**30
EXAMPLES = ((10_000, 50_000), (100_000, 500_000), (1_000_000, 5_000_000), (10_000_000, 50_000_000), (1e8, 5e8))


def main() -> None:
    given = _parser().parse_args()
    machines = Machines(cores=given.cores, busy=given.busy)
    pairs = [(given.users, given.messages_per_day)] if given.users and given.messages_per_day else list(EXAMPLES)
    loads = [
        Load(users, messages, given.peak, given.online_share, given.hearers, given.receipts)
        for users, messages in pairs
    ]
    print(table([(load, plan(load, machines)) for load in loads]))


def _parser() -> argparse.ArgumentParser:
    usual, machines = Load(0, 0), Machines()
    parser = argparse.ArgumentParser(prog="python -m loadtests.sizing", description=__doc__)
    parser.add_argument("--users", type=float, help="who come in a day; without it: a few examples")
    parser.add_argument("--messages-per-day", type=float)
    parser.add_argument("--peak", type=float, default=usual.peak, help="the busiest hour, in times the mean")
    parser.add_argument("--online-share", type=float, default=usual.online_share, help="of the users, at the peak")
    parser.add_argument("--hearers", type=float, default=usual.hearers, help="open streams a message goes to")
    parser.add_argument("--receipts", type=float, default=usual.receipts, help="for each message")
    parser.add_argument("--cores", type=int, default=machines.cores, help="of an app machine")
    parser.add_argument("--busy", type=float, default=machines.busy, help="how busy a core may be at the peak")
    return parser


def table(found: list[tuple[Load, Plan]]) -> str:
    """One column a load."""
    rows: list[tuple[str, list[str]]] = [
        ("users a day", [f"{load.users:,.0f}" for load, _ in found]),
        ("messages a day", [f"{load.messages_per_day:,.0f}" for load, _ in found]),
        ("at the peak: messages a second", [f"{load.messages_per_second:,.1f}" for load, _ in found]),
        ("at the peak: open streams", [f"{load.streams:,.0f}" for load, _ in found]),
        ("app machines", [f"{one.app_machines:,}" for _, one in found]),
        ("  workers", [f"{one.workers:,}" for _, one in found]),
        ("  busy cores", [f"{one.app_cores_busy:,.2f}" for _, one in found]),
        ("  of that, hearing other workers", [f"{one.hearing_share:.0%}" for _, one in found]),
        ("  memory", [f"{one.app_bytes / GIB:,.1f} GiB" for _, one in found]),
        ("Postgres machines (each with a replica)", [f"{one.shards:,}" for _, one in found]),
        ("  cores of each", [f"{one.postgres_cores}" for _, one in found]),
        ("  busy cores, all", [f"{one.postgres_cores_busy:,.2f}" for _, one in found]),
        ("  connections to each", [f"{one.connections:,}" for _, one in found]),
        ("  disk after a year, all", [f"{one.disk_bytes_after_a_year / GIB:,.0f} GiB" for _, one in found]),
        ("bus", ["nats (3 machines)" if one.needs_nats else "postgres" for _, one in found]),
    ]
    first = max(len(name) for name, _ in rows)
    widths = [max(len(cells[number]) for _, cells in rows) for number in range(len(found))]
    return "\n".join(
        "  ".join([name.ljust(first), *(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))])
        for name, cells in rows
    )


if __name__ == "__main__":
    main()
