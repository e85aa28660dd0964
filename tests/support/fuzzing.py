"""Schemathesis as we use it: what a service says of itself in /openapi.json, held against what it really answers."""

import copy
import itertools
import json
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

import httpx2
import schemathesis
from pydantic_core.core_schema import ErrorType
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.core.parameters import ParameterLocation
from schemathesis.engine import Status, events, from_schema
from schemathesis.generation.meta import CaseMetadata, CoveragePhaseData
from schemathesis.openapi.checks import RejectedPositiveData

PROBLEM = "application/problem+json"
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
    "response_headers_conformance", "negative_data_rejection", "positive_data_acceptance", "missing_required_header",
    "use_after_free", "ignored_auth", "unsupported_method", "allow_header_conformance",
    "registered_problem",
)  # fmt: skip
PHASES = ("examples", "coverage", "fuzzing", "stateful")
# Which field of an answer is the path parameter of which further operations: `capture_lead` -> `{lead_id}:accept` …
LINKS = {
    "capture_lead": ("201", "lead_id", "lead"),
    "book_test_drive": ("201", "test_drive_id", "test_drive"),
    "open_group_buy": ("201", "group_buy_id", "group_buy"),
}
# A request that fits its schema may still be refused by a rule (409, 404, 412, a 422 that names the rule), never for
# its shape. These are the words for shape: the codes of pydantic, and ours for the same. (1.0 is an integer for JSON
# Schema. It is none for us, and no schema can say so. `too_long` is also a rule, for a test drive.)
SHAPE = (frozenset(get_args(ErrorType)) | {"unknown_field", "unknown_parameter"}) - {
    "int_type",
    "int_from_float",
    "too_long",
}
SHAPE_PROBLEMS = frozenset(
    ("malformed_request", "malformed_json", "unsupported_media_type", "not_acceptable", "content_too_large",
     "headers_too_large", "idempotency_key_missing", "idempotency_key_invalid")
)  # fmt: skip
REFUSED = ["400", "401", "403", "404", "405", "409", "412", "413", "415", "422", "431"]
LISTS = ("application/x-ndjson", "text/csv")  # read row by row: what is wrong with a row stands in the answer
_KEPT = 8  # one key in so many stays as Schemathesis made it: often one that was used before

_salts = itertools.count(time.time_ns())


@dataclass(frozen=True)
class Caller:
    """Who calls. `dealer` None is headquarters."""

    dealer: str | None
    token: str


@dataclass(frozen=True)
class Plan:
    """One run. `examples`: how many cases per operation (fuzzing) or how many stories (stateful)."""

    seed: int
    phases: Sequence[str]
    examples: int = 10
    stories: int = 20


@dataclass
class Run:
    """What a run did and found. `failures`: a check and its words, by where and what, without repeats."""

    calls: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    succeeded: set[str] = field(default_factory=set)
    failures: dict[tuple[str, str, str], str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    finished: bool = False
    seconds: float = 0.0

    def report(self) -> str:
        """For a failed test: every finding with the request that shows it."""
        found = [f"{check}: {where}: {what}\n{how}" for (check, where, what), how in sorted(self.failures.items())]
        return "\n\n".join([*self.errors, *found])


def fetch(url: str) -> dict[str, Any]:
    document: dict[str, Any] = httpx2.get(f"{url}/openapi.json", trust_env=False, timeout=30).json()
    return document


def problem_codes(url: str) -> frozenset[str]:
    """Every problem type that has a page."""
    page = httpx2.get(f"{url}/problems", headers={"Accept": "application/json"}, trust_env=False, timeout=30).json()
    return frozenset(str(each["code"]) for each in page["problems"])


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(method, path, operation) of everything in the document."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


def prepared(document: Mapping[str, Any], real: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The document with real ids for examples, links between operations, and bearer tokens in the one form that
    Schemathesis knows how to take away again."""
    made = copy.deepcopy(dict(document))
    made["components"]["securitySchemes"] = {"oidc": {"type": "http", "scheme": "bearer"}}
    by_parameter: dict[str, list[str]] = {}
    for _, _, operation in operations(made):
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "path":
                by_parameter.setdefault(parameter["name"], []).append(operation["operationId"])
                if parameter["name"] in real:
                    parameter["schema"]["examples"] = list(real[parameter["name"]])
    for schema in made["components"]["schemas"].values():
        for name, described in schema.get("properties", {}).items():
            if name in real and described.get("type") == "string":
                described["examples"] = list(real[name])
    for _, _, operation in operations(made):
        if operation["operationId"] in LINKS:
            status, parameter, answered = LINKS[operation["operationId"]]
            operation["responses"][status]["links"] = {
                target: {"operationId": target, "parameters": {parameter: f"$response.body#/{answered}"}}
                for target in by_parameter[parameter]
            }
    return made


def configuration(url: str, caller: Caller, plan: Plan, real: Mapping[str, Sequence[str]]) -> schemathesis.Config:
    return schemathesis.Config.from_dict(
        {
            "seed": plan.seed,
            "base-url": url,
            "headers": {"Authorization": f"Bearer {caller.token}"},
            "continue-on-failure": True,
            "request-timeout": 30,
            "suppress-health-check": ["all"],
            "generation": {"max-examples": plan.examples, "database": "none", "no-shrink": True, "allow-x00": False},
            "output": {"sanitization": {"keys-to-sanitize": ["authorization"]}},
            "dictionaries": {name: {"values": list(values)} for name, values in real.items()},
            "parameters": {f"path.{name}": {"dictionary": name, "probability": 0.6} for name in real},
            "checks": {
                "enabled": False,
                **{name: {"enabled": True} for name in CHECKS},
                "negative_data_rejection": {"enabled": True, "expected-statuses": REFUSED},
                "missing_required_header": {"enabled": True, "expected-statuses": REFUSED},
            },
            "phases": {
                **{name: {"enabled": name in plan.phases} for name in PHASES},
                "stateful": {
                    "enabled": "stateful" in plan.phases,
                    "generation": {"max-examples": plan.stories},
                    "max-steps": 8,
                },
            },
        }
    )


def fuzz(url: str, caller: Caller, plan: Plan, real: Mapping[str, Sequence[str]]) -> Run:
    """All operations of the service at `url`. `real`: ids that exist, by the name of the parameter."""
    _state.codes, _state.salt = problem_codes(url), next(_salts)
    _state.rules = frozenset() if caller.dealer else frozenset(["missing"])  # who has no dealer must name one
    schema = schemathesis.openapi.from_dict(prepared(fetch(url), real), config=configuration(url, caller, plan, real))
    schema.hook("filter_failure")(filter_failure)
    run, started = Run(), time.monotonic()
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            _note(run, event)
        elif isinstance(event, events.NonFatalError):
            run.errors.append(f"{event.label}: {event.value}")
        elif isinstance(event, events.FatalError):
            raise event.exception
        elif isinstance(event, events.EngineFinished):
            run.finished = event.stop_reason == "completed"
    run.seconds = time.monotonic() - started
    return run


def _note(run: Run, event: events.ScenarioFinished) -> None:
    recorder = event.recorder
    for id_, interaction in recorder.interactions.items():
        label = recorder.cases[id_].value.operation.label if id_ in recorder.cases else recorder.label
        status = interaction.response.status_code if interaction.response is not None else 0
        run.calls[label] += 1
        run.statuses[status] += 1
        if 200 <= status < 300:
            run.succeeded.add(label)
    for id_, checks in recorder.checks.items():
        for check in checks:
            if check.status == Status.FAILURE and check.failure_info is not None:
                failure, sample = check.failure_info.failure, check.failure_info.code_sample
                response = recorder.interactions[id_].response
                text = response.content[:600].decode("utf-8", "replace") if response is not None else "no answer"
                key = (check.name, failure.operation, failure.title + ": " + failure.message.partition("\n")[0])
                run.failures.setdefault(key, f"{failure.message[:800]}\n{sample[:2000]}\nanswered: {text}")


# ── What we add to Schemathesis ───────────────────────────────────────────────────────────────────────────────
@dataclass
class _State:
    """Schemathesis knows hooks of one call, and checks, for the whole process only."""

    codes: frozenset[str] = frozenset()
    rules: frozenset[str] = frozenset()
    salt: int = 0


_state = _State()


@schemathesis.hook("before_call")
def fresh_key(_: schemathesis.HookContext, case: schemathesis.Case, kwargs: dict[str, Any]) -> None:
    """Another Idempotency-Key for another request, and now and then for one that would have none: else one example key
    would answer for all. The same request has the same key, so that a repeat is one. And mostly any version is
    expected: an example matches none, and nothing behind it would ever be seen."""
    if case.method != "POST" or (case.meta is not None and _wrong_headers(case.meta)):
        return
    content = repr((case.operation.label, case.path_parameters, case.query, case.body, _state.salt))
    number = zlib.crc32(content.encode("utf-8", "surrogatepass"))
    if number % _KEPT:
        case.headers["Idempotency-Key"] = f'"fuzz-{number:08x}-{_state.salt:x}"'
    case.headers["If-Match"] = f'"v{number % 11}"' if number % _KEPT == 1 else "*"


def _wrong_headers(meta: CaseMetadata) -> bool:
    """Whether headers are what this case is about: those stay as they are. (In the coverage phase a header may also be
    wrong by accident: there Schemathesis takes `0` for an ETag, whatever the pattern says.)"""
    if not meta.generation.mode.is_negative:
        return False
    if isinstance(meta.phase.data, CoveragePhaseData):
        return meta.phase.data.parameter_location is ParameterLocation.HEADER
    return meta.is_negative_at(ParameterLocation.HEADER)


@schemathesis.serializer("application/x-ndjson")
def lines(_: schemathesis.SerializationContext, value: Any) -> bytes:
    """Text as it is; for anything else a line of JSON."""
    return (value if isinstance(value, str) else json.dumps(value)).encode("utf-8", "surrogatepass")


@schemathesis.check
def registered_problem(_: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case) -> None:
    """Every refusal is a problem of a registered type that its operation documents, and says so in every field."""
    if response.status_code < 400:
        return
    kind = response.headers.get("content-type", [""])[0]
    assert kind == PROBLEM, f"a refusal is a problem: {response.status_code} came as {kind or 'nothing'}"
    body = response.json()
    code = body.get("code")
    assert code in _state.codes, f"the problem type is registered: {code}"
    assert body["type"].endswith(f"/problems/{code}"), f"the type names the code {code}"
    assert body["status"] == response.status_code, f"the problem {code} has the status of its answer"
    if response.status_code == 405 or case.method.upper() != case.operation.method.upper():
        return  # the path, not the operation, answers for a method it does not have
    described = case.operation.definition.raw["responses"].get(str(response.status_code), {})
    listed = described.get("content", {}).get(PROBLEM, {}).get("examples", {})
    assert code in listed, f"the operation lists the problem {code} under {response.status_code}"


def filter_failure(
    _: schemathesis.HookContext,
    failure: Exception,
    case: schemathesis.Case,
    response: schemathesis.Response,
) -> bool:
    """Whether a failure is one. A rule may refuse what fits the schema: see `SHAPE`."""
    if isinstance(failure, AcceptedNegativeData):
        return case.media_type not in LISTS
    if not isinstance(failure, RejectedPositiveData):
        return True
    if case.body in (b"", ""):
        return False  # minLength is not heeded for binary bodies
    try:
        body = response.json()
    except json.JSONDecodeError:
        return True
    if body.get("code") == "invalid_request":
        codes = {each["code"] for each in body.get("errors", ())}
        return not codes or bool(codes & (SHAPE - _state.rules))
    return body.get("code") in SHAPE_PROBLEMS
