"""Logs: one JSON object a line, and nothing in it that somebody typed.

Only keys of an allow-list pass, only with values that look like names, codes and numbers. Of an exception the type and
the places are kept, never its message: asyncpg, pydantic and aiokafka quote values in theirs.
"""

import logging
import re
import sys
import traceback
from collections.abc import MutableMapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, TextIO

import orjson
import structlog
from prometheus_client import Counter

from roadbook import telemetry
from roadbook.telemetry import is_safe

ALLOWED_KEYS: Final = frozenset(
    [
        "accepted",
        "attempt",
        "bytes",
        "caller_client",
        "causes",
        "checks",
        "code",
        "command",
        "concurrency",
        "connections",
        "consumer",
        "correlation",
        "count",
        "database",
        "dealer",
        "delay_ms",
        "dropped",
        "due",
        "duplicates",
        "duration_ms",
        "epoch",
        "error_type",
        "event_id",
        "event_type",
        "events",
        "exit_code",
        "frames",
        "from",
        "generation",
        "gap",
        "held",
        "host",
        "in_flight",
        "instance",
        "interval_ms",
        "kind",
        "lag",
        "lag_seconds",
        "last",
        "limit",
        "line",
        "logger",
        "method",
        "mode",
        "module",
        "name",
        "next",
        "number",
        "offset",
        "oldest_age_seconds",
        "ordinal",
        "parked",
        "partition",
        "partitions",
        "pending",
        "phase",
        "pid",
        "point",
        "port",
        "position",
        "problem",
        "producer",
        "purged",
        "reactions",
        "ready",
        "reason",
        "rebuilds",
        "received",
        "records",
        "replicas",
        "requests",
        "retries",
        "retry_after",
        "role",
        "route",
        "rows",
        "sequence",
        "service",
        "signal",
        "source",
        "sqlstate",
        "state",
        "status",
        "stored",
        "stream",
        "streams",
        "template",
        "timer",
        "timers",
        "to",
        "topic",
        "total",
        "url_scheme",
        "version",
        "versions",
        "waited_ms",
        "worker",
        "workers",
    ]
)
_EVENT: Final = re.compile(r"[a-z][a-z0-9_.]{0,63}")
_SEVERITY: Final = {
    "debug": "DEBUG",
    "info": "INFO",
    "warning": "WARN",
    "error": "ERROR",
    "critical": "FATAL",
}
MAX_FRAMES: Final = 25
# Libraries whose messages without arguments are literals. Others build messages around values (asyncio: reprs).
_LITERAL_LOGGERS: Final = ("uvicorn", "roadbook")
_ASYNCIO_LITERALS: Final = frozenset(
    {
        "Task exception was never retrieved",
        "Task was destroyed but it is pending!",
        "Future exception was never retrieved",
    }
)

DROPPED_LINES = Counter("log_lines_dropped_total", "Log lines that could not be written, for example on a full disk")


class _State:
    service = "roadbook"
    stream: TextIO = sys.stdout


def setup(service: str, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Route structlog and the standard library's logging to `stream` (default standard output) as JSON lines."""
    _State.service = service
    _State.stream = stream or sys.stdout
    threshold: int = getattr(logging, level)
    _configure_structlog(threshold)
    root = logging.getLogger()
    root.handlers[:] = [SafeHandler()]
    root.setLevel(threshold)
    logging.getLogger("uvicorn.access").handlers[:] = []
    logging.getLogger("uvicorn.access").propagate = False  # the application writes its own, without query strings
    for name in ("uvicorn", "uvicorn.error", "aiokafka", "asyncpg", "httpx2", "httpcore2"):
        logging.getLogger(name).handlers[:] = []
        logging.getLogger(name).propagate = True
    for name in ("httpx2", "httpcore2"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # It reports every refused connection, many a second while a broker is away; our workers say it once per retry.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    logging.raiseExceptions = False


def _configure_structlog(threshold: int) -> None:
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            _exception_places,
            allow_list,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=lambda *_: _Writer(),
        cache_logger_on_first_use=False,
    )


def get_logger(name: str) -> Any:
    """A structlog logger; `event` is a snake_case name, everything else goes into allowed keys."""
    return structlog.get_logger(module=name)


def allow_list(_: Any, __: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The last processor: builds the line from what may be said."""
    event = entry.get("event")
    line: dict[str, Any] = {
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "severity": _SEVERITY.get(str(entry.get("level", "info")), "INFO"),
        "event": event if isinstance(event, str) and _EVENT.fullmatch(event) else "unnamed",
        "service.name": _State.service,
    }
    trace_id, span_id = telemetry.current_trace_id(), telemetry.current_span_id()
    if trace_id:
        line |= {"trace_id": trace_id, "span_id": span_id}
    dropped = 0
    for key, value in entry.items():
        if key in ("event", "level", "timestamp", "exc_info") or value is None:
            continue
        if key in ALLOWED_KEYS:
            line[key] = _safe(value)
        else:
            dropped += 1
    if dropped:
        line["dropped"] = dropped
    return line


def _safe(value: Any) -> Any:
    if isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return value if is_safe(value) else "[withheld]"
    if isinstance(value, (list, tuple)):
        return [_safe(each) for each in value[:MAX_FRAMES]]
    if isinstance(value, dict):
        return {str(k): _safe(v) for k, v in value.items() if is_safe(str(k))}
    return "[withheld]"


def describe_exception(error: BaseException) -> dict[str, Any]:
    """`error_type`, `causes` (types), `frames` (`module:function:line`, innermost last). No message, no locals."""
    causes: list[str] = []
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    while cause is not None and len(causes) < 5:
        causes.append(type(cause).__qualname__)
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    described: dict[str, Any] = {
        "error_type": type(error).__qualname__,
        "causes": causes or None,
        "frames": _frames(error.__traceback__),
    }
    sqlstate = getattr(error, "sqlstate", None)
    if isinstance(sqlstate, str):
        described["sqlstate"] = sqlstate
    return described


def _frames(trace: TracebackType | None) -> list[str]:
    places = []
    for frame, line in list(traceback.walk_tb(trace))[-MAX_FRAMES:]:
        module = frame.f_globals.get("__name__", "?")
        places.append(f"{module}:{frame.f_code.co_name}:{line}")
    return places


def _exception_places(_: Any, __: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    error = entry.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        entry.update(describe_exception(error))
    return entry


class _Writer:
    """structlog's last step. A log that cannot be written must not break a request (F24)."""

    def msg(self, **line: Any) -> None:
        write(line)

    debug = info = warning = warn = error = critical = exception = fatal = log = msg


def write(line: MutableMapping[str, Any]) -> None:
    try:
        _State.stream.write(orjson.dumps(line, default=lambda _: "[withheld]").decode() + "\n")
        _State.stream.flush()
    except (OSError, ValueError, TypeError):
        DROPPED_LINES.inc()


class SafeHandler(logging.Handler):
    """The standard library's records: the template of the message, numbers filled in, every other argument left out."""

    def emit(self, record: logging.LogRecord) -> None:
        entry: dict[str, Any] = {
            "event": "log",
            "level": record.levelname.lower(),
            "logger": record.name,
            "module": f"{record.module}:{record.funcName}:{record.lineno}",
        }
        message = _message(record)
        if record.exc_info and record.exc_info[1] is not None:
            entry.update(describe_exception(record.exc_info[1]))
        elif isinstance(record.msg, BaseException):
            entry["error_type"] = type(record.msg).__qualname__
        line = dict(allow_list(None, "", entry))
        if message:
            line["message"] = message
        write(line)


def _message(record: logging.LogRecord) -> str | None:
    template = record.msg
    if not isinstance(template, str):
        return None
    if record.args:
        return _filled(template, record.args)[:300]
    if record.name.split(".")[0] in _LITERAL_LOGGERS:
        return template[:300]
    first = template.split("\n", 1)[0]
    return first if record.name == "asyncio" and first in _ASYNCIO_LITERALS else None


def _filled(template: str, args: Any) -> str:
    try:
        if isinstance(args, dict):
            return template % {key: _argument(value) for key, value in args.items()}
        return template % tuple(_argument(value) for value in args)
    except (TypeError, ValueError, KeyError):
        return template


def _argument(value: Any) -> Any:
    if isinstance(value, (bool, int, float)) and abs(value) < 10**8:
        return value
    return f"<{type(value).__name__}>"


_configure_structlog(logging.INFO)  # before `setup`, for nothing may be printed by structlog's own defaults
