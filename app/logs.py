"""Structured logs: one JSON object a line on a server, readable lines in a terminal. Never bodies, tokens or names."""

from __future__ import annotations

import logging
import sys
from types import TracebackType
from typing import Any

import structlog

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
QUIET = logging.WARNING  # of libraries, unless everything is asked for


def configure(*, level: int = logging.INFO) -> None:
    """Log from this level on; at DEBUG what libraries have to say as well."""
    is_terminal = sys.stderr.isatty()
    renderer: structlog.types.Processor = (
        # Not the one it finds for itself: where Rich is installed that shows the local variables of every frame.
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if is_terminal
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _without_rows_in_errors,
            *([] if is_terminal else [structlog.processors.format_exc_info]),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    libraries = level if level <= logging.DEBUG else QUIET
    logging.getLogger("uvicorn").setLevel(libraries)
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(_Lines("%(levelname)s %(name)s %(message)s"))
    logging.basicConfig(handlers=[lines], level=libraries, force=True)


class _Lines(logging.Formatter):
    def formatException(  # noqa: N802  the library's name
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:
        _without_rows(ei[1])
        return super().formatException(ei)


def _without_rows_in_errors(_: Any, __: str, said: structlog.types.EventDict) -> structlog.types.EventDict:
    if isinstance(error := said.get("exc_info"), BaseException):
        _without_rows(error)
    return said


def _without_rows(error: BaseException | None) -> None:
    """Take the detail out of a database's errors ("Failing row contains …": the message's body), all down the chain."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if hasattr(error, "sqlstate"):
            error.detail = None  # type: ignore[attr-defined]
        error = error.__cause__ or error.__context__
