"""One trace, and nothing in spans or logs that somebody typed (RELIABILITY §1.5, F24)."""

import asyncio
import contextlib
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client import REGISTRY

from roadbook import logs, telemetry
from roadbook.http.body import parse_json
from roadbook.http.problems import Problem
from roadbook.settings import Settings

CANARY = "canary7f3a"
PERSONAL = ["张三", "li@example.org", "13812345678", "+8613812345678", "沪A12345", 'a "quoted" word', "x" * 300]
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def spans(tmp_path: Path) -> Iterator[Any]:
    path = tmp_path / "spans.jsonl"
    telemetry.setup(Settings.for_service("sample", {"ROADBOOK_TRACES": f"file:{path}"}))

    def read() -> list[dict[str, Any]]:
        assert telemetry.flush()
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    yield read
    telemetry.shutdown()


@pytest.fixture
def lines() -> Iterator[Any]:
    stream = io.StringIO()
    logs.setup("sample", "DEBUG", stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logs.setup("roadbook")


# spans
def test_a_tracer_is_made_with_its_provider_and_not_for_every_span(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    real = TracerProvider.get_tracer
    monkeypatch.setattr(TracerProvider, "get_tracer", lambda self, name: made.append(name) or real(self, name))
    telemetry.setup(Settings.for_service("sample", {"ROADBOOK_TRACES": f"file:{tmp_path / 'spans.jsonl'}"}))
    before = len(made)
    for _ in range(3):
        with telemetry.span("apply"):
            assert telemetry.current_trace_id() is not None
    assert len(made) == before
    assert telemetry.flush()
    assert len((tmp_path / "spans.jsonl").read_text().splitlines()) == 3  # of the new provider, not of the one before
    telemetry.shutdown()


def test_a_trace_goes_on_from_its_traceparent(spans: Any) -> None:
    with telemetry.span("process roadbook.lead.v1", "consumer", {"messaging.system": "kafka"}, PARENT, [PARENT]):
        inner = telemetry.current_traceparent()
        with telemetry.span("apply"):
            assert telemetry.current_trace_id() == "0af7651916cd43dd8448eb211c80319c"
    child, parent = spans()
    assert inner == f"00-{parent['trace_id']}-{parent['span_id']}-01"
    assert (parent["trace_id"], parent["parent_id"]) == ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")
    assert (child["trace_id"], child["parent_id"]) == (parent["trace_id"], parent["span_id"])
    assert (parent["kind"], parent["service"]) == ("consumer", "sample")
    assert parent["attributes"] == {"messaging.system": "kafka"}
    assert [link["span_id"] for link in parent["links"]] == ["b7ad6b7169203331"]
    assert parent["start"] < parent["end"]


@pytest.mark.parametrize("broken", ["", CANARY, "00-0-0-00", "ff-" + "0" * 32 + "-" + "0" * 16 + "-01"])
def test_broken_parents_and_links_are_ignored(broken: str, spans: Any) -> None:
    with telemetry.span("work", parent_traceparent=broken, links=[broken, None]):
        pass
    (found,) = spans()
    assert found["parent_id"] is None
    assert found["links"] == []


@pytest.mark.parametrize("value", PERSONAL)
def test_a_span_says_only_what_is_allowed(value: str, spans: Any) -> None:
    with telemetry.span("work", attributes={"roadbook.stream": value, "name": value, "roadbook.count": 2}) as span:
        span.set_attribute("http.route", value)
        span.set_attribute(value, value)
        span.add_event(value, {"name": value, "exception.type": value})
        span.record_exception(ValueError(value))
        span.set_status(trace.Status(trace.StatusCode.ERROR, value))
        span.update_name(value)
    (found,) = spans()
    assert found["attributes"] == {"roadbook.count": 2}
    assert found["name"] == "unnamed"
    assert [event["attributes"] for event in found["events"]] == [{}, {"exception.type": "ValueError"}]


def test_an_exception_leaves_its_type(spans: Any) -> None:
    with pytest.raises(ValueError, match=CANARY), telemetry.span("work"):
        raise ValueError(CANARY)
    (found,) = spans()
    assert (found["status"], found["attributes"]) == ("error", {"error.type": "ValueError"})
    assert CANARY not in json.dumps(found)


def test_without_setup_there_are_ids_and_no_files() -> None:
    assert telemetry.current_traceparent() is None
    with telemetry.span("work"):
        assert telemetry.current_trace_id()
        assert telemetry.current_span_id()


def test_a_trace_file_that_cannot_be_written_breaks_nothing(tmp_path: Path) -> None:
    telemetry.setup(Settings.for_service("sample", {"ROADBOOK_TRACES": "file:/dev/full"}))
    with telemetry.span("work"):
        pass
    telemetry.flush()
    telemetry.shutdown()


async def test_a_request_is_one_server_span(sample: Any, client: httpx2.AsyncClient, spans: Any) -> None:
    headers = {**sample.signer.bearer(), "traceparent": PARENT, "baggage": f"name={CANARY}"}
    await client.get(f"/v1/things/{CANARY}?q={CANARY}", headers=headers)
    (found,) = spans()
    assert (found["name"], found["kind"]) == ("GET /v1/things/{thing}", "server")
    assert found["attributes"] == {
        "http.request.method": "GET",
        "http.route": "/v1/things/{thing}",
        "http.response.status_code": 422,
    }
    assert found["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert CANARY not in json.dumps(found)


# logs
def test_a_line_has_its_fields(lines: Any) -> None:
    with telemetry.span("work"):
        logs.get_logger("roadbook.relay").warning("relay_paused", topic="roadbook.lead.v1", pending=3, ready=True)
    (line,) = lines()
    assert line.pop("timestamp").endswith("Z")
    assert len(line.pop("trace_id")) == 32
    assert len(line.pop("span_id")) == 16
    assert line == {
        "severity": "WARN",
        "event": "relay_paused",
        "service.name": "sample",
        "module": "roadbook.relay",
        "topic": "roadbook.lead.v1",
        "pending": 3,
        "ready": True,
    }


@pytest.mark.parametrize("value", PERSONAL)
def test_a_line_says_only_what_is_allowed(value: str, lines: Any) -> None:
    log = logs.get_logger(__name__)
    log.info("event", name=value, stream=value, customer=value, streams=[value], checks={value: value})
    log.info(value, **{value: 1})
    text = json.dumps(lines(), ensure_ascii=False)
    assert value not in text
    assert "[withheld]" in text


@pytest.mark.parametrize(
    "value",
    ["lead/0199a3c4-7d2e-7b51-9c3d-2f1e5a6b7c8d", "roadbook.lead.lead_qualified.v1", "2026-01-01T00:00:00Z", "-"],
)
def test_ids_codes_and_times_pass(value: str, lines: Any) -> None:
    logs.get_logger(__name__).info("event", stream=value)
    assert lines()[0]["stream"] == value


def _raise_chain() -> None:
    try:
        secret = CANARY
        raise KeyError(secret)
    except KeyError as error:
        raise ValueError(CANARY) from error


def test_an_exception_is_its_types_and_places(lines: Any) -> None:
    try:
        _raise_chain()
    except ValueError:
        logs.get_logger(__name__).exception("failed")
        logging.getLogger("asyncpg").exception("query %s failed", CANARY)
    for line in lines():
        assert (line["error_type"], line["causes"]) == ("ValueError", ["KeyError"])
        assert "_raise_chain" in line["frames"][-1]
    assert CANARY not in json.dumps(lines())
    assert lines()[1]["message"] == "query <str> failed"


def test_other_loggers_are_reduced_to_templates(lines: Any) -> None:
    logging.getLogger("asyncpg").warning("node %s: %s after %d tries", CANARY, ValueError(CANARY), 3)
    logging.getLogger("asyncpg").warning(f"node {CANARY}")  # noqa: G004 - that is the point
    logging.getLogger("uvicorn.error").info("Application startup complete.")
    logging.getLogger("uvicorn.error").error(OSError(CANARY))
    logging.getLogger("x").error("%(a)s and %(b)s", {"a": CANARY, "b": 1})
    logging.getLogger("x").error("%d", CANARY)
    logging.getLogger("asyncio").error(f"Task exception was never retrieved\n<Task {CANARY}>")  # noqa: G004
    logging.getLogger("asyncio").error(f"Exception in callback {CANARY}")  # noqa: G004
    found = [line.get("message") for line in lines()]
    assert found == [
        "node <str>: <ValueError> after 3 tries",
        None,
        "Application startup complete.",
        None,
        "<str> and 1",
        "%d",
        "Task exception was never retrieved",
        None,
    ]
    assert CANARY not in json.dumps(lines())
    assert all(line["event"] == "log" and line["module"] for line in lines())


def test_the_access_log_of_uvicorn_is_silent(lines: Any) -> None:
    logging.getLogger("uvicorn.access").info('%s - "GET /?name=%s"', "127.0.0.1", CANARY)
    assert lines() == []


def test_levels(lines: Any) -> None:
    logs.setup("sample", "WARNING", io.StringIO())
    logs.get_logger(__name__).info("quiet")
    logging.getLogger("x").info("quiet")
    assert lines() == []


def test_f24_a_full_disk_breaks_nothing() -> None:
    went_on = False
    with contextlib.suppress(OSError), Path("/dev/full").open("w") as full:  # closing it fails too
        logs.setup("sample", stream=full)
        before = REGISTRY.get_sample_value("log_lines_dropped_total") or 0
        try:
            logs.get_logger(__name__).info("event")
            logging.getLogger("uvicorn.error").error("event")
            went_on = True
        finally:
            logs.setup("roadbook")
    assert went_on
    assert (REGISTRY.get_sample_value("log_lines_dropped_total") or 0) > before


async def test_a_task_that_nobody_awaited_tells_no_value(lines: Any) -> None:
    async def fail() -> None:
        raise ValueError(CANARY)

    task = asyncio.create_task(fail())
    await asyncio.wait({task})
    asyncio.get_running_loop().call_exception_handler(
        {"message": f"Exception in {CANARY}", "exception": task.exception(), "task": task}
    )
    assert lines()[-1]["error_type"] == "ValueError"
    assert CANARY not in json.dumps(lines())


def test_problems_hold_no_value_in_their_repr() -> None:
    with pytest.raises(Problem) as raised:
        parse_json(CANARY.encode())
    assert CANARY not in repr(raised.value) + str(raised.value.detail)
