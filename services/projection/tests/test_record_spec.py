"""The record as a specification: given these events, this is what it says; and what made it say so."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from projection import contract
from projection.domain.components import Link, component_of, customers
from projection.domain.facts import plain
from projection.domain.personal import PersonalValue
from projection.domain.reasons import why as reason
from projection.domain.record import Record, canonical, derive, record_hash, record_tag, why
from projection.domain.rules import RULES
from projection.domain.streams.stream import StreamState, evolve, initial
from roadbook.codec import Malformed, NewerVersion

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


def fold(life: Any) -> StreamState:
    state = initial(life.stream)
    for event in life.events:
        state = evolve(state, contract.read(event))
    return state


def record(*lives: Any, at: datetime = NOW, links: tuple[Link, ...] = (), personal: Any = None) -> Record:
    return derive([fold(life) for life in lives], links, personal or {}, RULES, at)[0]


def head(*lives: Any, **given: Any) -> dict[str, Any]:
    made: dict[str, Any] = section(record(*lives, **given), "head")
    return made


def section(made: Record, name: str) -> Any:
    return plain(made.facts[name])


# ── Stage ─────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_captured_lead_makes_a_prospect(life: Callable[..., Any]) -> None:
    one = life().captured()
    assert head(one)["stage"] == "prospect"
    assert head(one)["stage_since"] == one.last.time


def test_a_hot_lead_makes_a_hot_prospect_since_it_was_graded(life: Callable[..., Any]) -> None:
    one = life().captured().qualified("warm").qualified("hot", "visited")
    assert head(one)["stage"] == "hot_prospect"
    assert head(one)["stage_since"] == one.last.time
    one.qualified("hot", "paid_deposit")
    assert head(one)["stage_since"] == one.events[2].time  # still hot: the stage began before


def test_a_second_hot_lead_does_not_move_the_beginning_of_the_stage(life: Callable[..., Any]) -> None:
    first = life().captured().qualified("hot")
    second = life(now=first.now + timedelta(days=1)).captured().qualified("hot")
    assert head(first, second)["stage_since"] == first.last.time
    first.now = second.now + timedelta(days=1)
    first.lost()
    assert head(first, second)["stage"] == "hot_prospect"
    assert head(first, second)["stage_since"] == first.events[1].time


def test_losing_the_only_lead_leaves_a_dormant_prospect_and_reopening_wakes_it(life: Callable[..., Any]) -> None:
    one = life().captured().qualified("hot").lost()
    assert head(one)["stage"] == "prospect"
    assert head(one)["overlays"] == [{"overlay": "dormant", "since": one.last.time}]
    one.reopened()
    assert head(one)["stage"] == "hot_prospect"  # the grade stands
    assert head(one)["overlays"] == []


def test_an_event_backdated_before_the_capture_counts_from_the_capture(life: Callable[..., Any]) -> None:
    one = life().captured()
    one.add("lead_lost", {"reason": "gone"}, at=one.now - timedelta(days=9))
    made = record(one)
    assert made.open_leads == 0
    assert section(made, "head")["overlays"] == [{"overlay": "dormant", "since": one.events[0].time}]


def test_a_stream_of_an_unknown_kind_is_counted_and_otherwise_left_alone(life: Callable[..., Any]) -> None:
    other = life(stream="balloon/1").add("balloon_launched", {})
    assert head(other)["stage"] == "unknown"
    assert head(other)["unknown_events"] == 1
    assert head(other)["stage_since"] is None


def test_a_stream_that_is_only_kept_is_no_defect(life: Callable[..., Any]) -> None:
    state = fold(life(stream="campaign/spring", party_ref=None).add("campaign_launched", {}))
    assert (state.version, state.unknown, state.unknown_events) == (1, (), 0)


# ── Intent ────────────────────────────────────────────────────────────────────────────────────────────────────
def test_an_open_lead_shows_what_was_last_said(life: Callable[..., Any]) -> None:
    one = life().captured(dealer_wish="dealer-sh-02", campaign="spring_2026")
    one.enriched(vehicles=[{"interest": "buy", "model": "volkswagen-passat"}], budget={"currency": "CNY", "maximum": 9})
    lead = section(record(one), "intent")["open_leads"][0]
    assert [vehicle.model for vehicle in lead["vehicles"]] == ["volkswagen-passat"]
    assert (lead["budget"].currency, lead["budget"].maximum) == ("CNY", 9)
    assert (lead["dealer_wish"], lead["campaign"], lead["source"]) == ("dealer-sh-02", "spring_2026", "web_form")


def test_an_action_is_overdue_by_time_alone_and_the_composer_is_told_when(life: Callable[..., Any]) -> None:
    one = life().captured()
    due = one.now + timedelta(days=1)
    one.scheduled(due, assignee="staff-7")
    before, change = derive([fold(one)], (), {}, RULES, due - timedelta(seconds=1))
    assert change == due
    assert section(before, "intent")["open_leads"][0]["next_action"]["overdue"] is False
    after, change = derive([fold(one)], (), {}, RULES, due)
    assert change is None
    assert section(after, "intent")["open_leads"][0]["next_action"]["overdue"] is True
    assert after.overdue == 1
    assert record_hash(before.facts) != record_hash(after.facts)


def test_follow_ups_end_as_missed_replaced_or_dropped(life: Callable[..., Any]) -> None:
    one = life().captured()
    due = one.now + timedelta(days=30)
    one.scheduled(due).scheduled(due).missed(due).scheduled(due).lost()
    outcomes = [entry["outcome"] for entry in section(record(one, at=one.now), "journey")["follow_ups"]]
    assert outcomes == ["replaced", "missed", "dropped"]


def test_losses_and_reopenings_stay_in_the_journey(life: Callable[..., Any]) -> None:
    one = life().captured().lost("price", "toyota-corolla").reopened("called_back").lost("no_answer")
    journey = section(record(one), "journey")
    assert [(loss["reason"], loss["competitor"]) for loss in journey["lost"]] == [
        ("price", "toyota-corolla"), ("no_answer", None),
    ]  # fmt: skip
    assert journey["reopened"][0]["reason"] == "called_back"


# ── Consent, responsibility, completeness ─────────────────────────────────────────────────────────────────────
def consent(granted: bool, wording: str = "v1", channel: str = "phone") -> dict[str, Any]:
    return {"purpose": "marketing", "channel": channel, "granted": granted, "wording": wording}


def test_the_latest_word_on_consent_counts_and_stands_since_it_last_changed(life: Callable[..., Any]) -> None:
    one = life().captured(consents=[consent(True), consent(True, channel="email")])
    one.enriched(consents=[consent(False)]).enriched(consents=[consent(False, "v2")])
    email, phone = section(record(one), "consent")
    assert (email["channel"], email["state"]) == ("email", "granted")
    assert (phone["state"], phone["wording"], phone["since"]) == ("refused", "v2", one.events[1].time)


def test_consent_of_two_streams_goes_by_time(life: Callable[..., Any]) -> None:
    later, earlier = life(), life()  # the ids sort the other way round
    earlier.captured(consents=[consent(True)])
    later.now += timedelta(days=1)
    later.captured(consents=[consent(False)])
    assert later.stream < earlier.stream
    assert section(record(later, earlier), "consent")[0]["state"] == "refused"


def test_holders_are_kept_with_their_times(life: Callable[..., Any]) -> None:
    one = life(dealer="dealer-sh-01").captured()
    one.dealer = "dealer-sh-02"
    one.qualified("hot").scheduled(one.now, assignee="staff-9")
    responsibility = section(record(one), "responsibility")
    (current,) = responsibility["current"]
    assert (current["dealer"], current["since"], current["staff"]) == ("dealer-sh-02", one.events[1].time, "staff-9")
    assert responsibility["history"][0]["until"] == one.events[1].time


def test_completeness_is_the_share_of_what_the_rules_expect(life: Callable[..., Any]) -> None:
    assert head(life().captured())["completeness"]["percent"] == 37  # name, contact point, model of eight
    full = life().captured(
        contact_points=[
            {"key": "phone/1", "kind": "mobile", "valid": True, "linkable": True},
            {"key": "address/1", "kind": "address", "valid": True, "linkable": False},
        ],
        budget={"currency": "CNY"},
        window={},
        needs=[{"kind": "use", "value": "commute", "source": "site_survey"}],
        consents=[consent(False)],
    )
    assert head(full)["completeness"] == {"percent": 100, "known": list(RULES.complete), "missing": []}


# ── Identity ──────────────────────────────────────────────────────────────────────────────────────────────────
def value(text: object, version: int = 1) -> PersonalValue:
    return PersonalValue(text, "web_form", NOW, None, version)


def test_personal_data_stand_beside_the_facts(life: Callable[..., Any]) -> None:
    one = life().captured()
    data = {one.stream: {"name": value("张伟"), "adf": value({"all": "of it"}), "comments": value("call me")}}
    made = record(one, personal=data)
    assert made.identity["names"] == [
        {"part": "full", "stream": one.stream, "field": "name", "value": "张伟", "source": "web_form",
         "recorded_at": NOW, "verified_at": None, "learned_later": False}
    ]  # fmt: skip
    assert [leaf["field"] for leaf in made.identity["more"]] == ["comments"]  # type: ignore[attr-defined]
    points: Any = made.identity["contact_points"]
    assert (points[0]["kind"], points[0]["value"]) == ("mobile", None)  # its value has not come
    assert record_hash(made.facts) == record_hash(record(one).facts)
    assert record_tag("", made) != record_tag("", record(one))
    again = {one.stream: {**data[one.stream], "name": value(None, 2)}}
    assert record_tag("", record(one, personal=again)) != record_tag("", made)
    assert record(one, personal=again).identity["names"] == []


# ── Why ───────────────────────────────────────────────────────────────────────────────────────────────────────
def test_every_leaf_names_the_events_that_made_it(life: Callable[..., Any]) -> None:
    one = life().captured(consents=[consent(True)]).qualified("hot")
    due = one.now + timedelta(days=1)
    one.scheduled(due).missed(due)
    reasons = why(record(one))
    captured, graded, planned, _ = (event.id for event in one.events)
    assert reasons["/head/stage"] == (captured, graded)
    assert reasons["/intent/open_leads/0/source"] == (captured,)
    assert reasons["/intent/open_leads/0/grade"] == (graded,)
    assert reasons["/intent/open_leads/0/next_action/overdue"] == (planned,)  # time alone says so
    assert reasons["/consent/0/state"] == (captured,)


def of_many_leads(life: Callable[..., Any], number: int, *, lost: bool = False) -> Record:
    lives = [life(now=NOW - timedelta(days=30) + number * timedelta(minutes=7)) for number in range(number)]
    for one in lives:
        one.captured().qualified("warm").qualified("hot").lost()
        if not lost:
            one.reopened()
    links = tuple(Link(*sorted((one.party_ref, other.party_ref)), "linked") for one, other in pairwise(lives))
    return record(*lives, links=links)


@pytest.mark.parametrize("lost", [False, True])
def test_a_record_of_hundreds_of_leads_is_composed_without_a_trial(life: Callable[..., Any], lost: bool) -> None:
    made = of_many_leads(life, 300, lost=lost)
    assert record_tag(record_hash(made.facts), made)
    assert reason(made, "/head/record_version").value == made.version
    assert made.stage.value.dormant is None or lost
    assert made.stage.trial.steps == 0
    assert why(made)["/head/stage"]
    assert made.stage.trial.steps > 0


def test_what_a_trial_costs_grows_with_the_leads_and_not_with_their_square(life: Callable[..., Any]) -> None:
    steps = []
    for number in (75, 300):
        made = of_many_leads(life, number)
        assert why(made)["/head/stage"]
        steps.append(made.stage.trial.steps)
    assert steps[1] < 6 * steps[0]  # of four times as many
    assert steps[1] < 50 * made.version


# ── Contract ──────────────────────────────────────────────────────────────────────────────────────────────────
def test_reading_is_tolerant_of_fields_nobody_knows(life: Callable[..., Any]) -> None:
    one = life().captured(new_field={"x": 1}, vehicles=[{"interest": "fly", "colour": "red"}])
    assert section(record(one), "intent")["open_leads"][0]["vehicles"][0].interest == "fly"


def test_a_newer_version_and_a_broken_body_are_refused_an_unknown_type_is_kept(life: Callable[..., Any]) -> None:
    with pytest.raises(NewerVersion):
        contract.read(life().add("lead_captured", {}, version=2).last)
    with pytest.raises(Malformed):
        contract.read(life().add("lead_captured", {"source": 1}).last)
    state = fold(life().captured().add("lead_teleported", {"to": "mars"}).qualified("hot"))
    assert (state.version, state.unknown, state.unknown_events) == (3, ("roadbook.lead.lead_teleported.v1",), 1)
    assert state.body is not None
    assert state.body.grade.value == "hot"


def test_a_state_survives_its_json(life: Callable[..., Any]) -> None:
    one = life().captured(consents=[consent(True)], budget={"currency": "CNY", "minimum": 2**53})
    one.qualified("hot").scheduled(one.now).missed(one.now).lost().reopened().add("what", {})
    state = fold(one)
    assert contract.load_state(contract.dump_state(state)) == state


def test_canonical_bytes_have_no_floats() -> None:
    with pytest.raises(TypeError):
        canonical({"a": 0.5})
    assert canonical({"b": 1, "a": NOW}) == b'{"a":"2026-01-05T08:00:00.000000Z","b":1}'


LEAVES = st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["\x7f", "\x1f\u2028", "𝒜", 'é\\/"'])
TREES = st.recursive(LEAVES, lambda tree: st.lists(tree) | st.dictionaries(st.text(), tree), max_leaves=20)


@given(TREES)
@example({"ﬀ": 1, "😀": 2, "\ud7ff": 3})
@example([2**64 - 1, 2**64, -(2**63), -(2**63) - 1, 10**40])
def test_canonical_bytes_are_those_of_the_standard_library(tree: Any) -> None:
    """Hashes of records are kept by others: how fast the bytes are made must not change one of them."""
    assert canonical(tree) == json.dumps(tree, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


# ── Components ────────────────────────────────────────────────────────────────────────────────────────────────
def test_without_links_each_reference_is_a_customer() -> None:
    assert customers({"b", "a"}, ()) == {"a": "a", "b": "b"}


def test_any_reference_leads_to_the_component_and_its_smallest_names_it() -> None:
    links = [Link("b", "c"), Link("a", "b")]
    assert customers({"a", "b", "c", "d"}, links) == {"a": "a", "b": "a", "c": "a", "d": "d"}
    assert component_of("c", {"a", "b", "c", "d"}, links) == ["a", "b", "c"]


def test_a_link_through_an_unseen_reference_joins_nothing() -> None:
    assert component_of("a", {"a", "c"}, [Link("a", "b"), Link("b", "c")]) == ["a"]
    assert component_of("b", {"a", "c"}, [Link("a", "b")]) == []
