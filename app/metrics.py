"""What Prometheus may know of this process: one line a metric, with its unit. Served at `/metrics`."""

from typing import Literal

from prometheus_client import Counter, Gauge, Histogram

_noted: list[tuple[Histogram, float]] = []


def note(histogram: Histogram, value: float) -> None:
    """Observe a value, soon: many at once cost a fraction of what each costs between other work."""
    _noted.append((histogram, value))


def observe_noted() -> None:
    """Several times a second, and before anybody reads."""
    for histogram, value in _noted:
        histogram.observe(value)
    _noted.clear()


FAST = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
SIZES = (1, 2, 4, 8, 16, 32, 64)
LIVE: Literal["livesum"] = "livesum"

STREAMS = Gauge("parley_streams", "Open SSE streams.", multiprocess_mode=LIVE)
POLLS = Gauge("parley_polls", "Waiting long polls.", multiprocess_mode=LIVE)
DELIVERED = Counter("parley_events_delivered_total", "Events written to streams and polls.", ["transport"])
SIGNALS = Counter("parley_signals_total", "Typing and presence signals heard.")
RESETS = Counter("parley_resets_total", "Cursors that could not be continued.", ["reason"])
BATCH = Histogram("parley_batch_size", "Drafts committed together.", ["writer"], buckets=SIZES)
COMMIT = Histogram(
    "parley_commit_seconds", "Time from handing a batch to the database to its commit.", ["writer"], buckets=FAST
)
LAG = Histogram(
    "parley_delivery_lag_seconds", "Time from an event's commit elsewhere to its place in our tail.", buckets=FAST
)
DEAF = Counter("parley_listener_deaf_seconds_total", "Time without a working LISTEN connection.")
UNANSWERED = Counter(
    "parley_rate_unanswered_total", "Times that a process went by its own account, as the common one did not answer."
)
TAIL_EVENTS = Gauge("parley_tail_events", "Events kept in memory.", multiprocess_mode=LIVE)
TAIL_BYTES = Gauge("parley_tail_bytes", "Bytes of events kept in memory.", multiprocess_mode=LIVE)
HEAD = Gauge("parley_log_position", "Newest position in our tail.", multiprocess_mode="livemax")
POOL = Gauge("parley_pool_connections", "Connections of the pool.", ["state"], multiprocess_mode=LIVE)
