"""From people and messages to machines: arithmetic on measured costs, no clock and no network.

A model says where the first wall is and how far away, not what the bill will be. Its costs are those of one kind of
machine (docs/scale.md); `measure.py` measures them on another.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass, replace

DAY_SECONDS = 86_400
YEAR_DAYS = 365


@dataclass(frozen=True)
class Cost:
    """Microseconds of CPU for one message, at a quiet and at a busy process: the busier, the more share a commit, a
    hint, a read."""

    lone: float
    shared: float

    def at(self, per_second: float) -> float:
        """At so many messages a second; between the two measured rates it goes by the logarithm."""
        way = math.log(max(per_second, LONE_PER_SECOND) / LONE_PER_SECOND) / math.log(
            SHARED_PER_SECOND / LONE_PER_SECOND
        )
        return self.lone + (self.shared - self.lone) * min(1.0, way)


# --- measured: `loadtests.sizing.measure`, in its quietest run; see docs/scale.md ------------------------------------

LONE_PER_SECOND = 200.0  # the load "open": nearly every message is a commit of its own
SHARED_PER_SECOND = 1_000.0  # the load "closed"
SEND = Cost(590, 250)  # the process that takes it: request, batch, answer, and delivering it to two streams
STORE = Cost(540, 190)  # Postgres
HEAR = Cost(270, 85)  # each other process: is woken, reads the row, puts it into its tail
HEARD = Cost(50, 25)  # Postgres, for each process that hears: tells it, and is asked for the row
OVER_NATS = Cost(150, 50)  # what the process that takes it pays more when it tells NATS
WORKER_SECOND = 5_000.0  # a process that does nothing, a second: probes, presence, looks at the head

# --- measured: `make bench` ------------------------------------------------------------------------------------------

DELIVERY = 7.4  # one event to one stream that waits ("fanout")
STREAM_SECOND = 2.2  # one quiet stream, a second: its heartbeats ("idle")
STREAM_OPEN = 224.0  # one new stream with a new token ("idle")
STREAM_BYTES = 14 * 1024  # ("idle")
WORKER_BYTES = 170 * 1024 * 1024  # a process with a full tail: TAIL_BYTES_MAX and what it begins with
MESSAGE_BYTES = 550  # on disk with its indexes, of 90 characters; kept
EVENT_BYTES = 750  # on disk with its indexes; kept for LOG_DAYS

# --- given -----------------------------------------------------------------------------------------------------------

RECEIPT_SHARE = 0.5  # of a message's cost: a smaller row, and those of one conversation coalesce
STREAM_AGE_SECONDS = 3_600  # PARLEY_STREAM_MAX_AGE_SECONDS
LOG_DAYS = 14  # PARLEY_LOG_RETENTION_DAYS
CONNECTIONS_PER_WORKER = 11  # PARLEY_POOL_SIZE, two writers' lines, the listener

# --- walls: beyond these one log is not enough, whatever the CPU says ------------------------------------------------

LOG_PER_SECOND_MAX = 10_000.0  # events: the head is one row, and batches of 8 reach this many
POSTGRES_CORES_MAX = 32.0  # of one machine
STREAMS_PER_WORKER_MAX = 10_000.0
WORKERS_MAX = 100_000  # nobody has more; a search needs an end
POOLER_CONNECTIONS = 400  # more than this are worth a pooler, and with it NATS


@dataclass(frozen=True)
class Load:
    """What people do. `peak` is the rate of the busiest hour, in times the day's mean."""

    users: float
    messages_per_day: float
    peak: float = 4.0
    online_share: float = 0.1  # of the users have a page open at the peak
    hearers: float = 1.5  # open streams a message goes to: its sender's, and every second time the other's
    receipts: float = 1.0  # for each message

    @property
    def messages_per_second(self) -> float:
        return self.messages_per_day / DAY_SECONDS * self.peak

    @property
    def work_per_second(self) -> float:
        """Messages and receipts, a receipt counted for what it costs."""
        return self.messages_per_second * (1 + self.receipts * RECEIPT_SHARE)

    @property
    def streams(self) -> float:
        return self.users * self.online_share

    def part(self, shards: int) -> Load:
        """What one of so many shards has of it."""
        return replace(self, users=self.users / shards, messages_per_day=self.messages_per_day / shards)


@dataclass(frozen=True)
class Machines:
    """What they are like, and how busy they may be at the peak."""

    cores: int = 4
    busy: float = 0.5
    least: int = 2  # one may fail


@dataclass(frozen=True)
class Plan:
    """What a load takes at its peak. Busy cores are those at work; workers and machines have the headroom in them."""

    shards: int
    workers: int
    app_machines: int
    app_cores_busy: float
    hearing_share: float  # of that, for hearing what other processes took
    app_bytes: float
    postgres_cores: int  # of each shard's machine; its replica's are the same
    postgres_cores_busy: float
    connections: int
    needs_nats: bool
    disk_bytes_after_a_year: float


class TooMuch(ValueError):
    """One log cannot carry this, with whatever number of workers. The message names the wall."""


def plan(load: Load, machines: Machines | None = None) -> Plan:
    """The fewest workers that carry it; and when one log cannot, the fewest shards, by doubling."""
    shards = 1
    while True:
        try:
            one = plan_of_one(load.part(shards), machines or Machines())
        except TooMuch:
            shards *= 2
            continue
        return replace(
            one,
            shards=shards,
            workers=one.workers * shards,
            app_machines=one.app_machines * shards,
            app_cores_busy=one.app_cores_busy * shards,
            app_bytes=one.app_bytes * shards,
            postgres_cores_busy=one.postgres_cores_busy * shards,
            disk_bytes_after_a_year=one.disk_bytes_after_a_year * shards,
        )


def plan_of_one(load: Load, machines: Machines) -> Plan:
    """On one log. Raises `TooMuch`."""
    if load.messages_per_second * (1 + load.receipts) > LOG_PER_SECOND_MAX:
        raise TooMuch("the log: its head is one row")
    workers = fewest_workers(load, machines)
    over_nats = is_nats_worth_it(workers)
    database = postgres_cores_of(load, workers)
    if database > POSTGRES_CORES_MAX * machines.busy:
        raise TooMuch("Postgres: no machine is that large")
    own, hearing = shares_of(load, workers)
    return Plan(
        shards=1,
        workers=workers,
        app_machines=max(machines.least, math.ceil(workers / machines.cores)),
        app_cores_busy=workers * (own + hearing),
        hearing_share=hearing / (own + hearing),
        app_bytes=workers * WORKER_BYTES + load.streams * STREAM_BYTES,
        postgres_cores=max(2, 2 ** math.ceil(math.log2(database / machines.busy))),
        postgres_cores_busy=database,
        connections=workers * CONNECTIONS_PER_WORKER,
        needs_nats=over_nats,
        disk_bytes_after_a_year=disk_bytes_of(load),
    )


def fewest_workers(load: Load, machines: Machines) -> int:
    """So many that none is busier than it may be. Raises `TooMuch` when hearing the others alone is more than that."""
    least = max(machines.least, math.ceil(load.streams / STREAMS_PER_WORKER_MAX))
    counts = range(least, least + WORKERS_MAX)
    found = bisect_left(counts, True, key=lambda count: sum(shares_of(load, count)) <= machines.busy)
    if found == len(counts):
        raise TooMuch("hearing: every worker hears every message of its log")
    return counts[found]


def shares_of(load: Load, workers: int) -> tuple[float, float]:
    """What one worker's core is busy with: its own people, and hearing what the other workers took."""
    rate = load.work_per_second / workers
    send = SEND.at(rate) + OVER_NATS.at(rate)  # the dearer of the two
    deliver = (load.hearers - 2) * DELIVERY  # two are in `SEND`
    streams = load.streams / workers * (STREAM_SECOND + STREAM_OPEN / STREAM_AGE_SECONDS)
    own = rate * (send + deliver) + streams + WORKER_SECOND
    hearing = rate * (workers - 1) * HEAR.at(load.work_per_second)
    return own / 1e6, hearing / 1e6


def postgres_cores_of(load: Load, workers: int) -> float:
    """Busy cores of Postgres."""
    each = STORE.at(load.work_per_second / workers) + (workers - 1) * HEARD.at(load.work_per_second)
    return load.work_per_second * each / 1e6


def disk_bytes_of(load: Load) -> float:
    """A year of messages, and the log's days of events."""
    events = load.messages_per_day * (1 + load.receipts * RECEIPT_SHARE) * LOG_DAYS
    return load.messages_per_day * YEAR_DAYS * MESSAGE_BYTES + events * EVENT_BYTES


def is_nats_worth_it(workers: int) -> bool:
    """Whether there are so many connections that a pooler belongs before Postgres, through which LISTEN is deaf."""
    return workers * CONNECTIONS_PER_WORKER > POOLER_CONNECTIONS
