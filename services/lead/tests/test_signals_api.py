"""D06, E10, E11 and E13 over HTTP: signs of interest, needs, and the score they make, part by part."""

from datetime import timedelta
from typing import Any

import pytest
from lead_api import SELLER, captured, events, names, ok, problem

from roadbook.clock import SimulatedClock
from roadbook.database import Pool

pytestmark = pytest.mark.usefixtures("documented")
VISIT = {"purpose": "look_around", "persons": 3, "staff": SELLER}
TRIED = {"model": "volkswagen-lavida", "feature": "interior_360", "seconds": 95, "site": "lavida_site"}
# What the fixture's capture says, with the points of the seed.
SAID = {"contact_point": 10, "model": 10, "budget": 10, "window": 10, "window_near": 15, "consent": 5}


@pytest.fixture
async def lead(api: Any, intent: dict[str, Any]) -> str:
    return await captured(api, intent)


async def score(api: Any, lead: str) -> dict[str, int]:
    shown = ok(await api.get(lead))["score"]
    parts = {part["signal"]: part["points"] for part in shown["parts"]}
    assert shown["points"] == sum(parts.values())
    return parts


async def test_the_score_shows_its_parts_and_follows_every_sign(api: Any, lead: str, lead_pool: Pool) -> None:
    assert ok(await api.get(lead))["score"] is None
    ok(await api.post(f"{lead}:score", None))
    assert await score(api, lead) == SAID
    assert ok(await api.post(f"{lead}:score", None, key=None))["events"] == []
    ok(await api.post(f"{lead}:record-experience", TRIED))
    assert await score(api, lead) == {**SAID, "online_experience": 5}
    ok(await api.post(f"{lead}:record-experience", {**TRIED, "feature": "configurator"}))  # once is enough
    ok(await api.post(f"{lead}:record-visit", {**VISIT, "note": "带孩子来"}))
    ok(await api.post(f"{lead}:complete-follow-up", {"outcome": "reached", "staff": SELLER}))
    ok(await api.post(f"{lead}:enrich", {"needs": [{"kind": "use", "value": "commute"}]}))
    everything = {**SAID, "needs": 5, "online_experience": 5, "showroom_visit": 15, "contacted": 5}
    assert await score(api, lead) == everything
    scored = [event["data"] for event in await events(api, lead) if "lead_scored" in event["type"]]
    assert [each["points"] for each in scored] == [60, 65, 80, 85, 90]
    assert {each["rules"] for each in scored} == {"2026-2"}
    assert await lead_pool.fetchval("SELECT score FROM leads") == 90
    (item,) = ok(await api.get("/v1/leads"))["items"]
    assert item["score"] == 90


async def test_a_score_falls_when_time_goes_by(api: Any, lead: str, clock: SimulatedClock) -> None:
    ok(await api.post(f"{lead}:score", None))
    clock.advance(timedelta(days=90))  # the buying window is over
    ok(await api.post(f"{lead}:score", None))
    assert await score(api, lead) == {name: points for name, points in SAID.items() if name != "window_near"}


async def test_a_visit_is_a_fact_without_a_word_of_the_note(api: Any, lead: str, clock: SimulatedClock) -> None:
    clock.advance(timedelta(hours=2))
    body = {**VISIT, "occurred_at": "2026-01-05T17:00:00+08:00", "note": "带孩子来"}
    ok(await api.post(f"{lead}:record-visit", body))
    assert ok(await api.post(f"{lead}:record-visit", body))["events"] == []
    (visit,) = [event for event in await events(api, lead) if "showroom_visit" in event["type"]]
    assert visit["data"] == {**VISIT, "at": "2026-01-05T09:00:00Z"}
    assert (visit["time"], visit["recorded"]) == ("2026-01-05T09:00:00Z", "2026-01-05T10:00:00Z")
    notes = [row["value"] for row in ok(await api.get(lead))["personal"].values() if row["value"] == {
        "about": "visit", "text": "带孩子来"
    }]  # fmt: skip
    assert len(notes) == 1
    problem(await api.post(f"{lead}:record-visit", body, key=None), 400, "idempotency_key_missing")


async def test_an_experience_says_what_was_tried_and_how_long(api: Any, lead: str) -> None:
    ok(await api.post(f"{lead}:record-experience", TRIED))
    assert ok(await api.post(f"{lead}:record-experience", TRIED))["events"] == []
    (tried,) = [event for event in await events(api, lead) if "online_experience" in event["type"]]
    assert tried["data"] == {**TRIED, "at": "2026-01-05T08:00:00Z"}


MISFITS: list[tuple[str, dict[str, Any], str, str]] = [
    ("record-visit", {**VISIT, "persons": 0}, "/persons", "greater_than_equal"),
    ("record-visit", {**VISIT, "purpose": "看车"}, "/purpose", "string_pattern_mismatch"),
    ("record-visit", {**VISIT, "staff": "staff-sh-02-1"}, "/staff", "unknown_staff"),
    ("record-visit", {**VISIT, "occurred_at": "2026-01-05T08:06:00Z"}, "/occurred_at", "in_the_future"),
    ("record-experience", {**TRIED, "model": "no-such-car"}, "/model", "unknown_model"),
    ("record-experience", {**TRIED, "seconds": 86_401}, "/seconds", "less_than_equal"),
    ("record-experience", {**TRIED, "seconds": "95"}, "/seconds", "int_type"),
    ("record-experience", {**TRIED, "occurred_at": "2026-01-05T08:06:00Z"}, "/occurred_at", "in_the_future"),
    ("enrich", {"needs": [{"kind": "use", "value": "上班"}]}, "/needs/0/value", "string_pattern_mismatch"),
    ("enrich", {"region": "sh-nowhere"}, "/region", "unknown_region"),
]


async def test_what_is_no_sign_is_refused_with_its_place(api: Any, lead: str) -> None:
    for verb, body, pointer, code in MISFITS:
        fault = problem(await api.post(f"{lead}:{verb}", body), 422, "invalid_request")
        assert [(error["pointer"], error["code"]) for error in fault["errors"]] == [(pointer, code)]
    assert len(await names(api, lead)) == 2


async def test_needs_are_known_with_where_they_come_from(api: Any, intent: dict[str, Any]) -> None:
    said = [{"kind": "use", "value": "commute"}, {"kind": "family", "value": "two_children", "source": "survey_2026"}]
    lead = await captured(api, intent, needs=said)
    needs = ok(await api.get(lead))["needs"]
    assert needs == [{**said[0], "source": "said"}, said[1]]
    learned = {"kind": "use", "value": "holidays", "source": "advice"}
    ok(await api.post(f"{lead}:enrich", {"needs": [learned]}))
    assert ok(await api.get(lead))["needs"] == [needs[1], learned]  # one word for each kind: the latest
    assert ok(await api.post(f"{lead}:enrich", {"needs": [learned]}, key=None))["events"] == []


async def test_signs_of_a_closed_lead_are_refused(api: Any, lead: str) -> None:
    ok(await api.post(f"{lead}:lose", {"reason": "no_answer"}))
    for verb, body in (("record-visit", VISIT), ("record-experience", TRIED), ("score", None)):
        problem(await api.post(f"{lead}:{verb}", body), 409, "lead_closed")
