"""/health and /metrics: what a load balancer and Prometheus ask. Open to all; they tell nothing about people."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, get
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest, multiprocess

from app import metrics
from app.database import AWAY, DB
from app.delivery import log
from app.delivery.hub import HUB
from app.delivery.listener import LISTENER
from app.settings import metrics_dir


@get("/health/live", summary="Alive", include_in_schema=True)
async def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "alive"}


@get("/health/ready", summary="Ready")
async def ready() -> Response[dict[str, Any]]:
    """Whether traffic should come here: 503 with every reason by name when not."""
    reasons = {
        name: why
        for name, why in (("database", await _database()), ("listener", _listener()), ("draining", _draining()))
        if why
    }
    return Response(
        {"status": "not ready" if reasons else "ready", "reasons": reasons}, status_code=503 if reasons else 200
    )


@get("/metrics", summary="Prometheus metrics", media_type="text/plain")
async def read_metrics() -> Response[bytes]:
    """Of all workers when there are several."""
    if DB.pool is not None:
        metrics.POOL.labels("size").set(DB.pool.get_size())
        metrics.POOL.labels("idle").set(DB.pool.get_idle_size())
    HUB.measure()
    if metrics_dir() is None:
        text = generate_latest()
    else:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        text = generate_latest(registry)
    return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _database() -> str | None:
    try:
        await log.head()
    except AWAY as error:
        return f"does not answer ({type(error).__name__})"
    except Exception as error:  # whatever it is, it is the reason
        return f"migrations are missing, run `parley migrate` ({type(error).__name__})"
    return None


def _listener() -> str | None:
    return "not started" if LISTENER.bus is None else LISTENER.bus.complaint


def _draining() -> str | None:
    return "the process is about to end" if HUB.is_draining else None


ROUTER = Router(path="/", route_handlers=[live, ready, read_metrics], tags=["Operating"])
