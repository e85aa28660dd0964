"""Every service answers whatever is sent to them as their OpenAPI documents say, and never with a 5xx.

What Schemathesis finds is printed with the request that shows it, and with the seed that repeats the run.
"""

import json
from typing import Any

import httpx2
import pytest
from fuzzing import PROBLEM, Caller, Plan, fetch, fuzz, operations
from harness import DEALER, SERVICES, Net

FIXED_SEED = 20_260_105
SELLER = "staff-sh-01-1"
NO_JSON = (
    b"NaN",
    b'{"a": NaN}',
    b'{"a": -Infinity}',
    b'{"a": 1e999}',
    b'{"a": 1, "a": 2}',
    b'{"a": "\\ud800"}',
    b'{"a": "\\u0000"}',
    b"[1,]",
)


def caller(net: Net, dealer: str | None) -> Caller:
    return Caller(dealer, net.token(dealer, subject=SELLER))


def check(net: Net, service: str, dealer: str | None, plan: Plan, real: dict[str, list[str]]) -> None:
    run = fuzz(net.url(service), caller(net, dealer), plan, real)
    known = len(list(operations(fetch(net.url(service)))))
    print(
        f"\n{service} as {dealer or 'headquarters'}, seed {plan.seed}, {'+'.join(plan.phases)}: "
        f"{run.calls.total()} requests in {run.seconds:.0f} s, {len(run.succeeded)} of {known} operations succeeded, "
        f"statuses {dict(sorted(run.statuses.items()))}"
    )
    assert not run.failures, f"{len(run.failures)} findings; FUZZ_SEED={plan.seed} repeats them\n\n{run.report()}"
    assert not run.errors, run.report()
    assert run.finished
    assert len(run.calls) == known, "every operation was called"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("service", SERVICES)
def test_every_boundary_of_the_schemas(net: Net, real: dict[str, list[str]], service: str) -> None:
    check(net, service, DEALER, Plan(FIXED_SEED, ("examples", "coverage")), real)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("dealer", [DEALER, None], ids=["dealer", "headquarters"])
@pytest.mark.parametrize("service", SERVICES)
def test_what_nobody_thought_of(
    net: Net, real: dict[str, list[str]], service: str, dealer: str | None, fresh_seed: int
) -> None:
    phases = ("fuzzing",) if service == "projection" else ("fuzzing", "stateful")
    check(net, service, dealer, Plan(fresh_seed, phases, examples=4, stories=8), real)


# ── What the document cannot say, asked of every operation ────────────────────────────────────────────────────
@pytest.fixture
def plain(net: Net, service: str) -> Any:
    with httpx2.Client(base_url=net.url(service), trust_env=False, timeout=30) as client:
        yield client


def path_of(template: str, operation: dict[str, Any], real: dict[str, list[str]]) -> str:
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            template = template.replace(f"{{{parameter['name']}}}", real[parameter["name"]][0])
    return template


@pytest.mark.parametrize("service", SERVICES)
def test_no_operation_works_without_a_token(
    net: Net, real: dict[str, list[str]], service: str, plain: httpx2.Client
) -> None:
    expired = net.token(DEALER)[:-8] + "AAAAAAAA"
    for method, template, operation in operations(fetch(net.url(service))):
        for headers in ({}, {"Authorization": f"Bearer {expired}"}, {"Authorization": "Bearer null"}):
            answer = plain.request(method, path_of(template, operation, real), headers=headers)
            assert (answer.status_code, answer.headers["content-type"]) == (401, PROBLEM), (
                operation["operationId"],
                headers,
            )
            assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("service", SERVICES)
def test_no_operation_takes_what_is_no_json(
    net: Net, real: dict[str, list[str]], service: str, plain: httpx2.Client
) -> None:
    """Schemathesis writes JSON with a library; others write NaN."""
    who = None if service == "identity" else DEALER  # a steward's operations ask who it is before they read anything
    plain.headers["Authorization"] = f"Bearer {net.token(who)}"
    asked = 0
    for method, template, operation in operations(fetch(net.url(service))):
        media = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if media is None:
            continue
        for body in (*NO_JSON, *broken_examples(media)):
            headers = {"Content-Type": "application/json", "Idempotency-Key": f'"no-json-{asked}"'}
            answer = plain.request(method, path_of(template, operation, real), headers=headers, content=body)
            assert answer.status_code == 400, (operation["operationId"], body, answer.text)
            assert answer.json()["code"] == "malformed_json", (operation["operationId"], body, answer.text)
            asked += 1
    assert asked


def broken_examples(media: dict[str, Any]) -> list[bytes]:
    """The documented bodies with NaN in the place of each number: only the parser can refuse them."""
    given = [each["value"] for each in media.get("examples", {}).values()]
    return [json.dumps(broken).encode() for body in given for broken in with_nan(body)]


def with_nan(value: Any) -> list[Any]:
    """One copy for every number in `value`."""
    if isinstance(value, dict):
        return [{**value, name: each} for name, inner in value.items() for each in with_nan(inner)]
    if isinstance(value, list):
        return [[*value[:n], each, *value[n + 1 :]] for n, inner in enumerate(value) for each in with_nan(inner)]
    return [float("nan")] if isinstance(value, int | float) and not isinstance(value, bool) else []
