"""What is repeated, how often, until when; and that a command repeated is a command done once."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx2
import pytest

from roadbook_client import Problem, Roadbook, Unreachable

from .conftest import Line, answer, cut, intent, problem, refused, silence

Count = Callable[[], Awaitable[int]]


async def test_a_command_whose_answer_was_lost_is_done_once(roadbook: Roadbook, line: Line, stored: Count) -> None:
    line.steps = [cut, cut]
    taken = await roadbook.lead.capture_lead(intent())
    assert await stored() == 1
    assert len(line.requests) == 3
    assert len(set(line.keys)) == 1
    assert len(set(line.bodies)) == 1
    events = await roadbook.lead.list_lead_events(taken["lead"])
    assert [event["id"] for event in events["items"]] == taken["events"]


async def test_what_nobody_answered_is_sent_again(roadbook: Roadbook, line: Line, stored: Count) -> None:
    line.steps = [refused, problem(503, "unavailable", True), answer(502, b"<html>"), answer(504), answer(429)]
    await roadbook.lead.capture_lead(intent())
    assert await stored() == 1
    assert len(line.requests) == 6
    assert len(set(line.keys)) == 1


async def test_never_earlier_than_retry_after(roadbook: Roadbook, line: Line) -> None:
    line.steps = [problem(503, "overloaded", True, Retry_After="1")]
    begun = time.monotonic()
    await roadbook.lead.capture_lead(intent())
    assert time.monotonic() - begun >= 1.0
    assert len(line.requests) == 2


@pytest.mark.parametrize("code", ["idempotency_in_flight", "conflict"])
async def test_a_conflict_that_passes_is_repeated(roadbook: Roadbook, line: Line, code: str) -> None:
    line.steps = [problem(409, code, True)]
    await roadbook.lead.capture_lead(intent())
    assert len(line.requests) == 2


async def test_a_conflict_that_stays_is_raised_at_once(roadbook: Roadbook, line: Line) -> None:
    taken = await roadbook.lead.capture_lead(intent())
    await roadbook.lead.lose_lead(taken["lead"], {"reason": "no_budget"})
    sent = len(line.requests)
    with pytest.raises(Problem) as raised:
        await roadbook.lead.qualify_lead(taken["lead"], {"grade": "cold", "reasons": ["browsing"]})
    assert (raised.value.status, raised.value.code, raised.value.retryable) == (409, "lead_closed", False)
    assert len(line.requests) == sent + 1


async def test_a_503_that_says_it_will_not_pass_is_not_repeated(roadbook: Roadbook, line: Line) -> None:
    line.steps = [problem(503, "gone_for_good", False)]
    with pytest.raises(Problem, match="gone_for_good"):
        await roadbook.lead.list_leads()
    assert len(line.requests) == 1


async def test_who_should_come_back_after_the_deadline_is_told_at_once(roadbook: Roadbook, line: Line) -> None:
    line.steps = [problem(429, "rate_limited", True, Retry_After="3600")]
    with pytest.raises(Problem) as raised:
        await roadbook.lead.list_leads()
    assert raised.value.retry_after == 3600
    assert len(line.requests) == 1


async def test_the_deadline_ends_repeats_with_what_was_said_last(connect: Callable[..., Roadbook], line: Line) -> None:
    line.steps = [problem(503, "unavailable", True)] * 1000
    with pytest.raises(Problem, match="unavailable"):
        await connect(patience=0.4).lead.list_leads()
    assert 2 <= len(line.requests) < 100, "with waits between"


@pytest.mark.parametrize("step", [refused, silence])
async def test_the_deadline_ends_silence(connect: Callable[..., Roadbook], line: Line, step: object) -> None:
    line.steps = [step] * 1000
    with pytest.raises(Unreachable):
        await connect(patience=0.3).lead.list_leads()


async def test_what_is_not_about_the_line_is_not_repeated(connect: Callable[..., Roadbook], line: Line) -> None:
    def broken() -> str:
        raise TimeoutError("the issuer does not answer")

    with pytest.raises(TimeoutError, match="issuer"):
        await connect(token=broken).lead.list_leads()
    assert not line.requests


async def test_content_that_comes_in_pieces_is_made_anew(roadbook: Roadbook, line: Line) -> None:
    rows = [b'{"row":"1","source":"web","person":{"name":"A","phones":[{"value":"13812345678"}]}}\n']

    async def pieces() -> AsyncIterator[bytes]:
        for row in rows:
            yield row

    line.steps = [cut]
    result = await roadbook.lead.import_leads(pieces, source="old_crm")
    assert line.bodies == [b"".join(rows)] * 2
    assert result["rows"] == 1


# ── Keys ──────────────────────────────────────────────────────────────────────────────────────────────────────
async def test_every_command_has_its_own_key(roadbook: Roadbook, line: Line, stored: Count) -> None:
    await asyncio.gather(*(roadbook.lead.capture_lead(intent(n)) for n in range(5)))
    assert await stored() == 5
    assert len(set(line.keys)) == 5


async def test_a_given_key_is_sent_as_it_is(roadbook: Roadbook, line: Line, stored: Count) -> None:
    first = await roadbook.lead.capture_lead(intent(), key='row "7" \\ of 9')
    again = await roadbook.lead.capture_lead(intent(), key='row "7" \\ of 9')
    assert first == again
    assert await stored() == 1
    assert line.keys[0] == '"row \\"7\\" \\\\ of 9"'


@pytest.mark.parametrize("key", ["", "线索", "a\nb"])
async def test_what_cannot_be_a_key_is_refused_here(roadbook: Roadbook, line: Line, key: str) -> None:
    with pytest.raises(ValueError, match="idempotency key"):
        await roadbook.lead.capture_lead(intent(), key=key)
    assert not line.requests


async def test_a_read_has_no_key(roadbook: Roadbook, line: Line) -> None:
    line.steps = [answer(200, {"items": [], "next_cursor": None, "has_more": False})]
    await roadbook.projection.search_customers({"phone": "138 0000 0000"})
    assert line.keys == [None]


# ── Conditions ────────────────────────────────────────────────────────────────────────────────────────────────
async def test_a_stale_version_is_refused_and_the_current_one_is_not(roadbook: Roadbook, line: Line) -> None:
    taken = await roadbook.lead.capture_lead(intent())
    lead = taken["lead"]
    reply = await roadbook.lead.send("GET", f"/v1/leads/{lead}")
    assert reply.etag
    await roadbook.lead.qualify_lead(lead, {"grade": "cold", "reasons": ["browsing"]}, if_match=taken["version"])
    with pytest.raises(Problem) as raised:
        await roadbook.lead.lose_lead(lead, {"reason": "no_budget"}, if_match=f'"v{taken["version"]}"')
    assert (raised.value.status, raised.value.code) == (412, "precondition_failed")


async def test_a_read_waits_for_what_was_written(roadbook: Roadbook, line: Line) -> None:
    taken = await roadbook.lead.capture_lead(intent())
    line.steps = [problem(503, "not_yet_visible", True, Retry_After="0"), answer(200, {"head": {}})]
    await roadbook.projection.read_customer(taken["party_ref"], min=taken)
    assert {request.url.params["min"] for request in line.requests[-2:]} == {taken["position"]}
    line.steps = [answer(200, {"head": {}})]
    await roadbook.projection.read_customer(taken["party_ref"], min=taken["position"])
    assert line.requests[-1].url.params["min"] == taken["position"]


async def test_what_is_known_already_is_not_sent_again(roadbook: Roadbook, line: Line) -> None:
    line.steps = [answer(304, ETag='W/"a"')]
    again = await roadbook.projection.send("GET", "/v1/customers/x", headers={"If-None-Match": 'W/"a"'})
    assert (again.status, again.content, again.etag) == (304, b"", 'W/"a"')
    assert line.requests[0].headers["If-None-Match"] == 'W/"a"'


# ── Tokens ────────────────────────────────────────────────────────────────────────────────────────────────────
async def test_a_refused_token_is_fetched_anew_once_for_all(
    connect: Callable[..., Roadbook], issuer: object, line: Line
) -> None:
    tokens = iter(["expired", issuer.token()])  # type: ignore[attr-defined]
    asked = []

    async def source() -> str:
        asked.append(1)
        return str(next(tokens))

    roadbook = connect(token=source)
    taken = await asyncio.gather(*(roadbook.lead.capture_lead(intent(n)) for n in range(5)))
    assert len({each["lead"] for each in taken}) == 5
    assert len(asked) == 2
    assert all(len([k for k in line.keys if k == key]) <= 2 for key in line.keys)


async def test_a_caller_nobody_knows_is_refused_after_one_more_token(
    connect: Callable[..., Roadbook], line: Line
) -> None:
    with pytest.raises(Problem) as raised:
        await connect(token=lambda: "nonsense").lead.list_leads()
    assert (raised.value.status, raised.value.code) == (401, "invalid_token")
    assert len(line.requests) == 2


async def test_two_callers_share_connections_and_nothing_else(roadbook: Roadbook, issuer: object, line: Line) -> None:
    taken = await roadbook.lead.capture_lead(intent())
    other = roadbook.acting_for(issuer.token("dealer-sh-02"))  # type: ignore[attr-defined]
    with pytest.raises(Problem, match="404 not_found"):
        await other.lead.read_lead(taken["lead"])
    await other.aclose()
    assert (await roadbook.lead.read_lead(taken["lead"]))["dealer"] == "dealer-sh-01"


async def test_our_own_connections_follow_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.invalid:1")
    monkeypatch.setenv("ALL_PROXY", "http://proxy.invalid:1")
    async with Roadbook(lead="http://127.0.0.1:1", projection="http://127.0.0.1:1", token="t", patience=0.2) as own:
        http = own._http
        assert not http.trust_env
        assert not http.follow_redirects
        with pytest.raises(Unreachable, match="ConnectError"):
            await own.lead.list_leads()
    assert http.is_closed


async def test_an_http_client_of_yours_stays_open(connect: Callable[..., Roadbook], http: httpx2.AsyncClient) -> None:
    async with connect():
        pass
    assert not http.is_closed
