"""A lead from routing to its end: given these events, this is what the record says."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from projection import contract
from projection.domain.facts import plain
from projection.domain.record import derive, why
from projection.domain.rules import RULES
from projection.domain.streams import stream
from projection.domain.streams.stream import StreamState, evolve, initial

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SAMPLES = sorted((Path(__file__).parents[3] / "contracts" / "events" / "lead" / "examples").glob("*.json"))
OF_NOBODY = ("campaign_", "showroom_day_", "media_spend_", "group_buy_")


def fold(life: Any) -> StreamState:
    state = initial(life.stream)
    for event in life.events:
        state = evolve(state, contract.read(event))
    return state


def record(*lives: Any, at: datetime = NOW) -> Any:
    return derive([fold(life) for life in lives], (), {}, RULES, at)[0]


def section(name: str, *lives: Any, at: datetime = NOW) -> Any:
    return plain(record(*lives, at=at).facts[name])


def open_lead(life: Any, at: datetime = NOW) -> Any:
    (found,) = section("intent", life, at=at)["open_leads"]
    return found


def current(life: Any, at: datetime = NOW) -> Any:
    return section("responsibility", life, at=at)["current"][-1]


# ── Contract ──────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_every_golden_sample_is_understood_and_said_in_words(sample: Path) -> None:
    name, version = sample.name.split(".")[:2]
    if name.startswith(OF_NOBODY):
        assert f"roadbook.lead.{name}.{version}" not in contract.known_types()
        return
    event = contract.LEAD.decode(f"roadbook.lead.{name}.{version}", sample.read_bytes())
    words = stream.summary(event)
    assert words
    assert words[0].isupper()


# ── Routing ───────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_routed_lead_is_to_be_accepted_in_time(life: Callable[..., Any]) -> None:
    one = life(dealer=None).captured().scheduled(NOW).qualified("hot")
    one.routed("dealer-sh-02", accept_by=NOW + DAY, by="distance")
    lead = open_lead(one)
    assert lead["next_action"] == {"kind": "accept", "due": NOW + DAY, "assignee": None, "overdue": False}
    assert lead["routing"] == {"dealer": "dealer-sh-02", "by": "distance", "accept_by": NOW + DAY, "state": "waiting"}
    assert derive([fold(one)], (), {}, RULES, NOW)[1] == NOW + DAY
    late = open_lead(one, NOW + DAY)  # though no timer has said so
    assert (late["next_action"]["overdue"], late["routing"]["state"]) == (True, "overdue")
    assert [each["outcome"] for each in section("journey", one)["follow_ups"]] == ["replaced", "planned"]


def test_accepted_lead_owes_a_word_on_its_status(life: Callable[..., Any]) -> None:
    one = life(dealer=None).captured().routed("dealer-sh-02").accepted("staff-9", NOW + DAY)
    one.scheduled(NOW + DAY, assignee="staff-9")
    held = current(one)
    assert (held["dealer"], held["staff"]) == ("dealer-sh-02", "staff-9")
    assert held["feedback"] == {"due": NOW + DAY, "overdue": False}
    assert current(one, NOW + DAY)["feedback"]["overdue"] is True
    one.reported("negotiating", NOW + 3 * DAY)
    assert current(one, NOW + DAY)["feedback"] == {"due": NOW + 3 * DAY, "overdue": False}
    assert open_lead(one)["reported_status"] == "negotiating"
    one.overdue("status")
    assert current(one)["feedback"]["overdue"] is True
    (routing,) = section("responsibility", one)["routings"]
    assert (routing["state"], routing["staff"]) == ("accepted", "staff-9")


def test_declined_and_not_accepted_leads_go_on_to_the_next_dealer(life: Callable[..., Any]) -> None:
    one = life(dealer=None).captured().routed("dealer-sh-01").declined("no_capacity").routed("dealer-sh-02")
    one.overdue().routed("dealer-sh-03", by="load")
    told = section("responsibility", one, at=one.now)
    assert [(each["dealer"], each["state"], each["reason"]) for each in told["routings"]] == [
        ("dealer-sh-01", "declined", "no_capacity"),
        ("dealer-sh-02", "overdue", None),
        ("dealer-sh-03", "waiting", None),
    ]
    assert told["current"][0]["dealer"] == "dealer-sh-03"
    follow_ups = section("journey", one, at=one.now)["follow_ups"]
    assert [(each["outcome"], each["result"]) for each in follow_ups] == [
        ("done", "declined"), ("missed", None), ("planned", None),
    ]  # fmt: skip


# ── Work ──────────────────────────────────────────────────────────────────────────────────────────────────────
def test_done_follow_ups_say_what_came_of_them_and_whether_late(life: Callable[..., Any]) -> None:
    one = life().captured().scheduled(NOW).completed("no_answer")
    one.scheduled(NOW - DAY, kind="visit").missed(NOW - DAY).completed("reached", at=NOW).scheduled(NOW + DAY)
    told = section("journey", one)["follow_ups"]
    assert [(each["outcome"], each["result"], each["late"]) for each in told] == [
        ("done", "no_answer", False), ("done", "reached", True), ("planned", None, False),
    ]  # fmt: skip
    assert open_lead(one)["first_contact_at"] == one.events[2].time


def test_an_activity_moves_a_protection_on_and_never_back(life: Callable[..., Any]) -> None:
    one = life().captured()
    one.protected(one.now + timedelta(minutes=1) + 15 * DAY, staff="staff-9")  # fifteen days from when it is told
    until, held = current(one)["protection"]["until"], one.now
    one.visited(at=held + 2 * DAY, staff="staff-1")  # a colleague keeps it for nobody
    assert current(one)["protection"] == {"staff": "staff-9", "until": until}
    one.visited(at=held + DAY, staff="staff-9")
    assert current(one)["protection"] == {"staff": "staff-9", "until": until + DAY}
    one.completed(at=one.now - DAY, staff="staff-9").experienced()
    one.visited(at=until + 2 * DAY, staff="staff-9")  # over before: it does not come back
    assert current(one)["protection"]["until"] == until + DAY
    assert current(one)["staff"] == "staff-9"
    one.reassigned("staff-8", "staff-9")
    assert current(one)["protection"]["staff"] == "staff-8"
    one.protection_expired().pooled()
    assert (current(one)["protection"], current(one)["pooled"], current(one)["staff"]) == (None, True, None)
    one.reassigned("staff-8", None)
    assert (current(one)["pooled"], current(one)["staff"]) == (False, "staff-8")


def test_the_next_action_goes_with_whoever_works_it(life: Callable[..., Any]) -> None:
    one = life().captured().scheduled(NOW, assignee="staff-7").reassigned("staff-8")
    assert (open_lead(one)["next_action"]["assignee"], current(one)["staff"]) == ("staff-8", "staff-8")
    one.pooled("released")
    assert (open_lead(one)["next_action"]["assignee"], current(one)["staff"]) == (None, None)
    reasons = why(record(one))
    assert reasons["/intent/open_leads/0/next_action/assignee"] == (one.events[1].id, one.events[3].id)


def test_a_new_holder_finds_nothing_of_the_former_ones_work(life: Callable[..., Any]) -> None:
    one = life().captured().scheduled(NOW, assignee="staff-7").protected(NOW + DAY).routed("dealer-sh-02")
    held = current(one)
    assert (held["staff"], held["protection"], held["pooled"], held["feedback"]) == (None, None, False, None)


# ── Interest ──────────────────────────────────────────────────────────────────────────────────────────────────
def test_score_with_its_parts_over_time_needs_and_signs_of_interest(life: Callable[..., Any]) -> None:
    one = life().captured(needs=[{"kind": "use", "value": "commute", "source": "survey"}], region="sh-pudong")
    one.scored(model=10).visited(3).experienced().scored(model=10, showroom_visit=15)
    one.enriched(needs=[{"kind": "use", "value": "long_trips", "source": "call"}], region="sh-putuo")
    lead, journey = open_lead(one), section("journey", one)
    assert (lead["score"]["points"], lead["region"]) == (25, "sh-putuo")
    assert [each["points"] for each in journey["scores"]] == [10, 25]
    assert [part.signal for part in lead["score"]["parts"]] == ["model", "showroom_visit"]
    assert [need["value"] for need in section("profile", one)["needs"]] == ["long_trips"]
    assert journey["showroom_visits"][0]["persons"] == 3
    assert journey["online_experiences"][0]["feature"] == "interior_360"
    assert "needs" in section("head", one)["completeness"]["known"]


def test_test_drives_are_streams_of_their_own(life: Callable[..., Any]) -> None:
    one = life().captured()
    drive = life(stream="testdrive/1", party_ref=one.party_ref).booked(NOW + DAY)
    (told,) = section("journey", one, drive)["test_drives"]
    assert (told["state"], told["starts"], told["model"]) == ("booked", NOW + DAY, "volkswagen-lavida")
    assert section("journey", one, drive, at=NOW + 2 * DAY)["test_drives"][0]["state"] == "missed"  # by time alone
    drive.rescheduled(NOW + 2 * DAY).taken(design=5)
    (told,) = section("journey", one, drive)["test_drives"]
    assert (told["state"], told["starts"], told["ratings"].design, told["recommend"]) == ("taken", NOW + 2 * DAY, 5, 9)
    assert section("head", one, drive)["record_version"] == 4
    missed = life(stream="testdrive/2").booked(NOW).add("test_drive_missed", {})
    assert section("journey", missed)["test_drives"][0]["state"] == "missed"
    gone = life(stream="testdrive/3").booked(NOW).add("test_drive_cancelled", {"reason": "ill"})
    assert section("journey", gone)["test_drives"][0]["reason"] == "ill"


# ── Ends and the stage ────────────────────────────────────────────────────────────────────────────────────────
def test_a_converted_lead_puts_the_customer_in_purchase_above_a_hot_one(life: Callable[..., Any]) -> None:
    one, hot = life().captured().scheduled(NOW).converted(), life().captured().qualified("hot")
    head = section("head", one, hot)
    assert (head["stage"], head["stage_since"]) == ("in_purchase", one.last.time)
    assert section("intent", one)["open_leads"] == []
    assert section("head", one)["overlays"] == []  # who buys is not dormant
    one.reopened()
    assert section("head", one, hot)["stage"] == "hot_prospect"
    assert section("head", one, hot)["stage_since"] == one.last.time
    assert section("head", one)["stage"] == "prospect"
    one.converted().lost("financing")
    assert section("head", one)["stage"] == "prospect"
    assert section("head", one)["overlays"] == [{"overlay": "dormant", "since": one.last.time}]


def test_a_recycled_lead_counts_neither_as_open_nor_in_the_stage(life: Callable[..., Any]) -> None:
    hot, cold = life().captured().qualified("hot").scheduled(NOW - DAY), life().captured()
    assert (record(hot, cold).open_leads, record(hot, cold).overdue) == (2, 1)
    hot.recycled()
    made = record(hot, cold)
    assert (made.open_leads, made.overdue) == (1, 0)
    assert section("head", hot, cold)["stage"] == "prospect"
    assert section("head", hot, cold)["stage_since"] == hot.last.time
    alone = section("head", hot)
    assert (alone["stage"], alone["stage_since"], alone["overlays"]) == ("unknown", hot.last.time, [])
    hot.restored().scheduled(NOW + DAY)
    assert section("head", hot, cold)["stage"] == "hot_prospect"
    assert record(hot, cold).open_leads == 2
    (told,) = section("journey", hot)["recycled"]
    assert (told["reason"], told["restored_at"]) == ("duplicate", hot.events[-2].time)


def test_a_lost_lead_that_was_recycled_and_restored_is_lost(life: Callable[..., Any]) -> None:
    one = life().captured().qualified("hot").lost().recycled().restored()
    head = section("head", one)
    assert (head["stage"], record(one).open_leads) == ("prospect", 0)
    assert head["overlays"][0]["overlay"] == "dormant"


def test_backdated_conversion_counts_from_when_it_was(life: Callable[..., Any]) -> None:
    one = life().captured().qualified("hot")
    at = one.events[0].time + timedelta(seconds=1)
    one.add("lead_converted", {"rules": "2026-2"}, at=at)
    assert section("head", one)["stage_since"] == at


# ── Shares ────────────────────────────────────────────────────────────────────────────────────────────────────
def test_shares_say_how_they_stand(life: Callable[..., Any]) -> None:
    one = life().captured().shared("dealer-sh-02", NOW + DAY).shared("dealer-sh-02", NOW + 2 * DAY, "contact")
    one.shared("dealer-sh-03", NOW + DAY).revoked("dealer-sh-03").shared("dealer-sh-04", NOW + DAY)

    def states(at: datetime = NOW) -> list[str]:
        return [share["state"] for share in section("responsibility", one, at=at)["shares"]]

    assert states() == ["replaced", "active", "revoked", "active"]
    assert derive([fold(one)], (), {}, RULES, NOW)[1] == NOW + DAY
    assert states(NOW + DAY) == ["replaced", "active", "revoked", "expired"]
    one.recycled()
    assert states() == ["replaced", "suspended", "revoked", "suspended"]
    one.restored()
    assert states() == ["replaced", "active", "revoked", "active"]
    one.routed("dealer-sh-05")
    assert states() == ["replaced", "left", "revoked", "left"]
