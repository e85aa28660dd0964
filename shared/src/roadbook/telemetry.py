"""Traces: one from the HTTP command through Kafka to the record, with an allow-list for everything a span says.

`setup` decides where spans go; without it spans still have ids (for logs, problems and events) and go nowhere.
"""

import json
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from roadbook.settings import Settings

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Attribute = str | bool | int | float

# What a span may say. Values are checked too: names and codes pass, prose does not.
ALLOWED_ATTRIBUTES: Final = frozenset(
    {
        "http.request.method",
        "http.route",
        "http.response.status_code",
        "error.type",
        "roadbook.problem",
        "roadbook.stream",
        "roadbook.version",
        "roadbook.command",
        "roadbook.events",
        "roadbook.consumer",
        "roadbook.count",
        "roadbook.position",
        "roadbook.replayed",
        "db.system.name",
        "db.operation.name",
        "db.collection.name",
        "db.namespace",
        "messaging.system",
        "messaging.operation.name",
        "messaging.operation.type",
        "messaging.destination.name",
        "messaging.destination.partition.id",
        "messaging.consumer.group.name",
        "messaging.kafka.offset",
        "messaging.batch.message_count",
        "cloudevents.event_id",
        "cloudevents.event_type",
        "cloudevents.event_source",
        "cloudevents.event_subject",
        "cloudevents.event_spec_version",
        "exception.type",
        "service.name",
        "service.instance.id",
        "telemetry.sdk.name",
        "telemetry.sdk.language",
        "telemetry.sdk.version",
    }
)
_SAFE_TEXT: Final = re.compile(r"[A-Za-z0-9_./:{}*+,=<>\- ]{0,200}")
# As long as a telephone number, and neither part of a UUID nor of another longer word of hexadecimal digits.
_LONG_DIGITS: Final = re.compile(r"(?<![0-9a-fA-F-])\+?\d{9,}(?![0-9a-fA-F-])")

_KINDS: Final[Mapping[Kind, SpanKind]] = {
    "internal": SpanKind.INTERNAL,
    "server": SpanKind.SERVER,
    "client": SpanKind.CLIENT,
    "producer": SpanKind.PRODUCER,
    "consumer": SpanKind.CONSUMER,
}
_PROPAGATOR: Final = TraceContextTextMapPropagator()


class _State:
    """The tracer is made with its provider: to ask for it again for every span costs a third of the span."""

    exporting: bool = False

    def __init__(self) -> None:
        self.use(TracerProvider(resource=Resource({}), shutdown_on_exit=False))

    def use(self, provider: TracerProvider) -> None:
        self.provider, self.tracer = provider, provider.get_tracer("roadbook")


_STATE = _State()


def setup(settings: Settings) -> None:
    """Send spans where `ROADBOOK_TRACES` says: nowhere, to OTLP, or to a file of JSON lines; `shutdown` ends it."""
    shutdown()
    resource = Resource({"service.name": settings.service, "service.instance.id": str(settings.ordinal)})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    exporter = _exporter(settings.traces)
    if exporter is not None:
        provider.add_span_processor(BatchSpanProcessor(SafeExporter(exporter), schedule_delay_millis=500))
    _STATE.use(provider)
    _STATE.exporting = exporter is not None


def shutdown() -> None:
    """Write what is still held back (waits for the exporter) and go back to spans that go nowhere."""
    provider = _STATE.provider
    _STATE.use(TracerProvider(resource=Resource({}), shutdown_on_exit=False))
    _STATE.exporting = False
    provider.shutdown()


def flush(seconds: float = 5.0) -> bool:
    """Hand every finished span to the exporter now; False if that took too long."""
    return _STATE.provider.force_flush(int(seconds * 1000))


def exporting() -> bool:
    """Whether finished spans go anywhere: hot loops ask before they make one per event."""
    return _STATE.exporting


def _exporter(where: str) -> SpanExporter | None:
    if where in ("", "off"):
        return None
    if where == "otlp":
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter()
    return FileExporter(Path(where.removeprefix("file:")))


@contextmanager
def span(
    name: str,
    kind: Kind = "internal",
    attributes: Mapping[str, Attribute] | None = None,
    parent_traceparent: str | None = None,
    links: Sequence[str | None] = (),
) -> Iterator[Span]:
    """A current span. `parent_traceparent` and `links` are W3C header values; broken ones are ignored.

    An exception marks the span with its type; message and frames are not kept.
    """
    context = None
    if parent_traceparent is not None:
        context = _PROPAGATOR.extract({"traceparent": parent_traceparent})
    linked = [Link(found) for found in map(_span_context, links) if found is not None]
    with _STATE.tracer.start_as_current_span(
        name,
        context=context,
        kind=_KINDS[kind],
        attributes=dict(attributes or {}),
        links=linked,
        record_exception=False,
        set_status_on_exception=False,
    ) as current:
        try:
            yield current
        except BaseException as error:
            current.set_attribute("error.type", type(error).__qualname__)
            current.set_status(Status(StatusCode.ERROR))
            raise


def current_traceparent() -> str | None:
    """The W3C `traceparent` of the current span, to be stored with an event; None outside of any span."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None
    sampled = int(context.trace_flags) & 1  # the other flags are of level 2, which not every reader knows
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{sampled:02x}"


def current_trace_id() -> str | None:
    """32 hex digits, or None outside of any span."""
    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else None


def current_span_id() -> str | None:
    """16 hex digits, or None outside of any span."""
    context = trace.get_current_span().get_span_context()
    return f"{context.span_id:016x}" if context.is_valid else None


def _span_context(traceparent: str | None) -> SpanContext | None:
    if traceparent is None:
        return None
    found = trace.get_current_span(_PROPAGATOR.extract({"traceparent": traceparent})).get_span_context()
    return found if found.is_valid else None


def is_safe(text: str) -> bool:
    """Names, codes, ids and times pass; other scripts, addresses with @, and digits like a phone number do not."""
    return bool(_SAFE_TEXT.fullmatch(text)) and not _LONG_DIGITS.search(text)


def safe_attributes(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    """What of `attributes` may leave the process: known names, and texts that are names or codes."""
    kept: dict[str, Any] = {}
    for name, value in (attributes or {}).items():
        if name not in ALLOWED_ATTRIBUTES:
            continue
        if isinstance(value, (bool, int, float)) or (isinstance(value, str) and is_safe(value)):
            kept[name] = value
    return kept


class SafeExporter(SpanExporter):
    """Stands before the real exporter, so that no library's span can carry a value out of the process."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._inner.export([_stripped(each) for each in spans])

    def shutdown(self) -> None:
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._inner.force_flush(timeout_millis)


def _stripped(span: ReadableSpan) -> ReadableSpan:
    return ReadableSpan(
        name=span.name if is_safe(span.name) else "unnamed",
        context=span.context,
        parent=span.parent,
        resource=Resource(safe_attributes(span.resource.attributes)),
        attributes=safe_attributes(span.attributes),
        events=[_event(each) for each in span.events],
        links=[Link(each.context, safe_attributes(each.attributes)) for each in span.links],
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _event(event: Event) -> Event:
    name = event.name if is_safe(event.name) else "unnamed"
    return Event(name, safe_attributes(event.attributes), event.timestamp)


class FileExporter(SpanExporter):
    """One span a line, appended. A disk that is full costs spans, never requests."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        lines = "".join(json.dumps(_as_json(each), separators=(",", ":")) + "\n" for each in spans)
        try:
            with self._lock, self._path.open("a", encoding="utf-8") as file:
                file.write(lines)
        except OSError:
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        return None

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True


def _as_json(span: ReadableSpan) -> dict[str, Any]:
    context = span.get_span_context()
    return {
        "trace_id": f"{context.trace_id:032x}" if context else None,
        "span_id": f"{context.span_id:016x}" if context else None,
        "parent_id": f"{span.parent.span_id:016x}" if span.parent else None,
        "name": span.name,
        "kind": span.kind.name.lower(),
        "start": _moment(span.start_time),
        "end": _moment(span.end_time),
        "status": span.status.status_code.name.lower(),
        "service": span.resource.attributes.get("service.name"),
        "attributes": dict(span.attributes or {}),
        "events": [{"name": each.name, "attributes": dict(each.attributes or {})} for each in span.events],
        "links": [
            {"trace_id": f"{each.context.trace_id:032x}", "span_id": f"{each.context.span_id:016x}"}
            for each in span.links
        ],
    }


def _moment(nanoseconds: int | None) -> str | None:
    if nanoseconds is None:
        return None
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
