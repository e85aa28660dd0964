"""What holds for every lead: over any commands and events, and over lives that are decided step by step."""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise, permutations
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lead.domain.lead import (
    AcceptLead,
    Budget,
    Candidate,
    CaptureLead,
    ClaimLead,
    Command,
    CompleteFollowUp,
    Consent,
    ContactPoint,
    CustomerShared,
    DeclineLead,
    Event,
    FollowUpCompleted,
    FollowUpScheduled,
    Lead,
    LeadAccepted,
    LeadCaptured,
    LeadDeclined,
    LeadEnriched,
    LeadFeedbackOverdue,
    LeadProtected,
    LeadProtectionExpired,
    LeadReassigned,
    LeadRecycled,
    LeadReleasedToPool,
    LeadRestored,
    LeadRouted,
    LeadScored,
    LeadStatusReported,
    LoseLead,
    Need,
    NextAction,
    NoteFeedbackOverdue,
    NoteOverdue,
    NoteProtectionExpired,
    OnlineExperienceRecorded,
    ProtectLead,
    ReassignLead,
    RecordExperience,
    RecordVisit,
    RecycleLead,
    ReleaseLead,
    ReopenLead,
    ReportLeadStatus,
    RestoreLead,
    RevokeShare,
    RouteLead,
    Rules,
    ScheduleFollowUp,
    ScorePart,
    ScoreRule,
    ShareCustomer,
    ShareRevoked,
    ShowroomVisitRecorded,
    State,
    Unknown,
    VehicleInterest,
    Window,
    decider,
)
from lead.domain.lead.profile import known, score
from lead.service.aggregates.lead import FEEDBACK, NEXT_ACTION, PROTECTION, aggregate
from roadbook.decider import Rejected

START = datetime(2026, 1, 5, tzinfo=UTC)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
STAFF, DEALERS = ["a", "b", "c"], ["d1", "d2", "d3"]
SIGNALS = ["online_experience", "showroom_visit", "contacted", "test_drive", "group_buy", "budget", "window_near"]
RULES = Rules(
    "r1",
    first_contact=2 * HOUR,
    follow_up=3 * HOUR,
    accept=HOUR,
    feedback=2 * HOUR,
    protection=4 * HOUR,
    score=tuple(ScoreRule(signal, n) for n, signal in enumerate(SIGNALS, 1)),
)


def hours(first: int, last: int) -> list[datetime]:
    return [START + n * HOUR for n in range(first, last + 1)]


def named(names: str, values: Sequence[Any]) -> dict[str, Sequence[Any]]:
    return dict.fromkeys(names.split(), values)


# ── Any command, any event: for each field, by its name, the values it may have ───────────────────────────────
WORDS = ["a", "b"]
POINT, CONSENT = ContactPoint("phone/1", "mobile", True, True), Consent("marketing", "phone", True, "a")
VALUES: dict[str, Sequence[Any]] = {
    **named("party_ref source campaign region reason competitor outcome status", WORDS),
    **named("model feature site purpose kind by", WORDS),
    **named("dealer dealer_wish", DEALERS),
    **named("staff previous assignee", STAFF),
    **named("at now due until accept_by feedback_due", hours(0, 6)),
    **named("seconds persons points", [0, 1, 2]),
    **named("reasons personal_fields", [(), ("a",), ("name", "a"), ("a", "a")]),
    "grade": ["hot", "hot", "warm", "cold"],
    "scope": ["facts", "contact"],
    "signal": ["test_drive", "group_buy", "budget"],
    "awaited": ["acceptance", "status"],
    "vehicles": [(), (VehicleInterest("buy"),), (VehicleInterest("buy", "a"), VehicleInterest("sell", "b"))],
    "budget": [Budget("CNY"), Budget("CNY", 1, 2)],
    "window": [Window(), Window(date(2026, 1, 5)), Window(None, date(2026, 1, 5)), Window(date(2026, 3, 1))],
    "contact_points": [
        (), (POINT,), (replace(POINT, preferred=True), POINT), (replace(POINT, key="email/1"),),
        (POINT, replace(POINT, key="phone/2")),
    ],
    "removed_contact_points": [(), ("phone/1",), ("phone/1", "email/1", "phone/1")],
    "consents": [(), (CONSENT,), (replace(CONSENT, granted=False),), (CONSENT, replace(CONSENT, granted=False))],
    "needs": [(), (Need("a", "a", "a"),), (Need("a", "a", "a"), Need("a", "b", "a"), Need("b", "b", "a"))],
    "next_action": [NextAction(kind, due, by) for kind in WORDS for due in hours(-1, 6) for by in (None, *STAFF)],
    "candidates": [(), *(tuple(Candidate(dealer, "load") for dealer in some) for some in permutations(DEALERS))],
    "rules": [RULES, replace(RULES, version="r2", accept=2 * HOUR, score=RULES.score[2:])],
    "parts": [(), (ScorePart("test_drive", 1),), (ScorePart("test_drive", 2), ScorePart("budget", 1))],
}  # fmt: skip
OF_EACH = 40
COMMANDS: tuple[type, ...] = get_args(Command)
EVENTS: tuple[type, ...] = get_args(Event)


def some_of(kind: type, values: Mapping[str, Sequence[Any]]) -> list[Any]:
    """So many of the kind, with values by chance; the same in every run."""
    chance = random.Random(kind.__name__)
    made = []
    for _ in range(OF_EACH):
        said = {}
        for name, hint in get_type_hints(kind).items():
            value = chance.choice(WORDS if name == "rules" and hint is str else {**VALUES, **values}[name])
            said[name] = None if type(None) in get_args(hint) and chance.random() < 0.4 else value
        made.append(kind(**said))
    return made


def one_of(kinds: Iterable[type], values: Mapping[str, Sequence[Any]]) -> st.SearchStrategy[Any]:
    return st.one_of([st.sampled_from(some_of(kind, values)) for kind in kinds])


commands: st.SearchStrategy[Command] = one_of(COMMANDS, {})
events: st.SearchStrategy[Event] = one_of(EVENTS, {})
CAPTURED = LeadCaptured("a", "a", "d1", None, (), None, None, (), (), "r1", START)


# ── Lives: commands at a clock that moves, timers that fire in time, early, late, or not at all ───────────────
@dataclass(frozen=True, slots=True)
class Fire:
    """The timer that is `place`th due, so much after its time (or before)."""

    place: int
    after: timedelta


@dataclass(frozen=True, slots=True)
class Step:
    """What was done in a life: nothing, when it was refused."""

    command: Command
    before: State
    events: tuple[Event, ...]
    after: State


# Said as if now were START; `moved` to the clock.
AT_START: dict[str, Sequence[Any]] = {
    **named("at now", [START]),
    **named("due until", hours(-1, 8)),
    "accept_by": hours(0, 3),
}
TIMERS = (NoteOverdue, NoteFeedbackOverdue, NoteProtectionExpired)
HOLDING = (
    ProtectLead, ReleaseLead, ClaimLead, ReassignLead, CompleteFollowUp, ScheduleFollowUp, RecordVisit, ReportLeadStatus
)  # fmt: skip
ANSWERS = (RouteLead, AcceptLead, DeclineLead)
SHARING = (RouteLead, AcceptLead, ShareCustomer, ShareCustomer, RevokeShare, ProtectLead, RecycleLead, RestoreLead)
ENDS = (RecycleLead, RestoreLead, LoseLead, ReopenLead, RouteLead, AcceptLead, ProtectLead, ReleaseLead)
SAID = [kind for kind in COMMANDS if kind not in (*TIMERS, CaptureLead)]
fires = st.builds(Fire, st.integers(0, 2), st.sampled_from([timedelta(0), 2 * HOUR, -SECOND]))
firsts = st.sampled_from([replace(first, next_action=None) for first in some_of(CaptureLead, AT_START)])
Life = tuple[CaptureLead, list[tuple[int, Any]]]


def said(kinds: Iterable[type]) -> st.SearchStrategy[Any]:
    kinds = list(kinds)
    recorded = [kind for kind in kinds if kind in (RecordVisit, RecordExperience)]
    asked = [one_of(set(kinds) - set(recorded), AT_START)]
    if recorded:
        asked.append(one_of(recorded, {**AT_START, "at": hours(-3, 0)}))
    return st.one_of(*asked)


def steps(kinds: Iterable[type]) -> st.SearchStrategy[list[tuple[int, Any]]]:
    """As many long ones as short ones."""
    each = st.tuples(st.sampled_from([0, 0, 1, 3]), st.one_of(said(kinds), said(kinds), fires))
    return st.sampled_from([20, 12, 6, 0]).flatmap(lambda n: st.lists(each, min_size=n, max_size=n + 4))


# By chance alone a life seldom gets far in one direction.
held = firsts.map(lambda first: replace(first, dealer="d1"))
lives: st.SearchStrategy[Life] = st.one_of(
    [
        st.tuples(firsts, steps(SAID)),
        st.tuples(firsts, steps(ANSWERS)),
        st.tuples(held, steps(HOLDING)),
        st.tuples(held, steps(SHARING)),
        st.tuples(held, steps(ENDS)),
    ]
)


def moved(said: Any, by: timedelta) -> Any:
    """The same, so much later."""
    if isinstance(said, datetime):
        return said + by
    if is_dataclass(said) and not isinstance(said, type | Rules):
        return replace(said, **{f.name: moved(getattr(said, f.name), by) for f in fields(said)})
    return said


def wanted(state: State) -> dict[str, datetime]:
    return {timer.kind: timer.due for timer in aggregate.timers(state) if timer.due is not None}


def noted(kind: str, due: datetime, now: datetime) -> Command:
    if kind == NEXT_ACTION:
        return NoteOverdue(due, now, RULES, tuple(Candidate(dealer, "distance") for dealer in DEALERS))
    return NoteFeedbackOverdue(due, now) if kind == FEEDBACK else NoteProtectionExpired(due, now)


def step(command: Command, state: State) -> Step:
    try:
        decided = tuple(decider.decide(command, state))
    except Rejected:
        decided = ()
    return Step(command, state, decided, decider.fold(decided, state))


def lived(life: Life) -> Iterator[Step]:
    """Each step of a life. A timer that fires late or in time moves the clock to then."""
    first, then = life
    last = step(first, Unknown())
    yield last
    now = START
    for waited, what in then:
        now += waited * HOUR
        command = what
        if isinstance(what, Fire):
            timers = sorted(wanted(last.after).items(), key=lambda each: each[1])
            if what.place >= len(timers):
                continue
            kind, due = timers[what.place]
            command = noted(kind, due, due + what.after)
            now = max(now, due + what.after)
        else:
            command = moved(what, now - START)
        last = step(command, last.after)
        yield last


def history(life: Life) -> list[Event]:
    return [event for each in lived(life) for event in each.events]


def lead_after(life: Life) -> tuple[Lead, datetime]:
    """The lead, and a time after all that was said."""
    *_, last = lived(life)
    assert isinstance(last.after, Lead)
    return last.after, START + sum(hours for hours, _ in life[1]) * HOUR


def prefixes(told: list[Event]) -> Iterator[tuple[Event, State]]:
    """Each event with the state that it made."""
    state: State = decider.initial
    for event in told:
        state = decider.evolve(state, event)
        yield event, state


# ── Any command, any event ────────────────────────────────────────────────────────────────────────────────────
# Declined, the lead is at the next dealer, and the same word would be the next one's. The shell keeps them apart: a
# dealer's command reaches only leads that it holds, headquarters' repeats come under an idempotency key.
REPEATED = [kind for kind in COMMANDS if kind is not DeclineLead]


@pytest.mark.parametrize("kind", REPEATED, ids=lambda kind: kind.__name__)
@settings(max_examples=30)
@given(lives, st.data())
def test_a_repeated_command_yields_no_events(kind: type, life: Life, data: st.DataObject) -> None:
    """The very same, right after it was done; refused it is refused again."""
    state: State = Unknown() if kind is CaptureLead else lead_after(life)[0]
    if kind in TIMERS:
        due = wanted(state).get([NEXT_ACTION, FEEDBACK, PROTECTION][TIMERS.index(kind)], START)
        command = noted([NEXT_ACTION, FEEDBACK, PROTECTION][TIMERS.index(kind)], due, due + HOUR)
    else:
        by = data.draw(st.integers(0, 12)) * HOUR
        command = moved(data.draw(said([kind])), by)
    try:
        decided = decider.decide(command, state)
    except Rejected:
        return
    assert list(decider.decide(command, decider.fold(decided, state))) == []


@settings(max_examples=200)
@given(st.lists(events, max_size=8), commands)
def test_decide_raises_nothing_but_rejected_whatever_the_history(told: list[Event], command: Command) -> None:
    for state in (decider.fold(told), decider.fold([CAPTURED, *told])):
        step(command, state)


@settings(max_examples=200)
@given(one_of([LeadCaptured], {}), st.lists(events, max_size=12))
def test_evolve_accepts_anything_in_any_state(first: LeadCaptured, told: list[Event]) -> None:
    assert isinstance(decider.fold(told), Lead | Unknown)
    assert isinstance(decider.fold([first, *told]), Lead)


# ── The next action (E21) ─────────────────────────────────────────────────────────────────────────────────────
@settings(max_examples=250)
@given(lives)
def test_e21_every_open_lead_has_a_next_action(life: Life) -> None:
    """No lead is forgotten: a routed one is to be accepted, and a closed one needs nothing."""
    for each in lived(life):
        state = each.after
        if not isinstance(state, Lead):
            continue
        assert (state.next_action is not None) == (state.status == "open")
        if state.status == "open" and state.routing is not None:
            assert state.dealer == state.routing.dealer
            assert state.next_action == NextAction("accept", state.routing.accept_by)
            assert not state.overdue
        elif state.next_action is not None:
            assert state.next_action.kind != "accept"


@settings(max_examples=200)
@given(lives)
def test_e21_each_timer_says_something_once_at_its_time_and_not_before(life: Life) -> None:
    state, _ = lead_after(life)
    due = wanted(state)
    if state.status != "open":
        assert due == {}
        return
    assert (NEXT_ACTION in due) is not state.overdue
    assert (PROTECTION in due) == (state.protection is not None)
    for kind, at in due.items():
        assert step(noted(kind, at, at - SECOND), state).events == ()
        assert step(noted(kind, at - SECOND, at), state).events == ()
        fired = step(noted(kind, at, at), state)
        assert fired.events
        assert wanted(fired.after).get(kind) != at
        assert step(noted(kind, at, at + HOUR), state).events


@settings(max_examples=200)
@given(lives)
def test_e21_business_can_go_on_from_anywhere(life: Life) -> None:
    """No dead ends: whatever happened, the lead can be accepted, worked, reopened or restored."""
    state, now = lead_after(life)
    if state.status == "recycled":
        onward: Command = RestoreLead("a", None, RULES, now)
    elif state.status != "open":
        onward = ReopenLead("a", None, RULES, now)
    elif state.routing is None:
        onward = CompleteFollowUp("other", "a", None, RULES, now)
    elif now <= state.routing.accept_by:
        onward = AcceptLead("a", RULES, now)
    else:
        onward = noted(NEXT_ACTION, state.routing.accept_by, now)
    assert step(onward, state).events


# ── One holder (E06, §2.5 (4)) ────────────────────────────────────────────────────────────────────────────────
@settings(max_examples=200)
@given(lives)
def test_what_was_captured_never_changes_and_the_holder_only_by_routing(life: Life) -> None:
    """The Kafka key is made of the party reference: it must hold for the stream's life."""
    first = life[0]
    holder = first.dealer
    for event, state in prefixes(history(life)):
        assert isinstance(state, Lead)
        assert (state.party_ref, state.source, state.captured_at) == (first.party_ref, first.source, first.at)
        if isinstance(event, LeadRouted):
            holder = event.dealer
        elif isinstance(event, LeadDeclined | LeadFeedbackOverdue) and getattr(event, "awaited", "") != "status":
            assert event.dealer == holder
            holder = None
        elif isinstance(event, LeadAccepted | LeadFeedbackOverdue):
            assert event.dealer == holder
        assert state.dealer == holder


@settings(max_examples=250)
@given(lives)
def test_e06_no_dealer_gets_a_lead_twice_by_rule_and_none_is_left_between_dealers(life: Life) -> None:
    had = {life[0].dealer}
    for each in lived(life):
        for n, event in enumerate(each.events):
            if isinstance(event, LeadRouted):
                assert event.by == "hand" or event.dealer not in had
                had.add(event.dealer)
            if isinstance(event, LeadDeclined) or (
                isinstance(event, LeadFeedbackOverdue) and event.awaited == "acceptance"
            ):
                onward = each.events[n + 1]
                assert isinstance(onward, LeadRouted) or (
                    isinstance(onward, FollowUpScheduled) and onward.kind == "route_by_hand"
                )
            if isinstance(event, LeadAccepted):
                assert isinstance(each.before, Lead)
                assert each.before.routing is not None
                assert event.at <= each.before.routing.accept_by


@settings(max_examples=250)
@given(lives)
def test_one_person_is_responsible_for_a_lead(life: Life) -> None:
    """§2.5 (4): the owner, or the dealer's manager; a pooled lead and one that waits for an answer have no owner."""
    for each in lived(life):
        lead = each.after
        assert isinstance(lead, Lead)
        if lead.next_action is not None and lead.next_action.assignee is not None:
            assert lead.next_action.assignee == lead.owner
        if lead.protection is not None:
            assert (lead.protection.staff, lead.dealer is None, lead.pooled) == (lead.owner, False, False)
        if lead.pooled or lead.routing is not None:
            assert (lead.owner, lead.protection, lead.dealer is None) == (None, None, False)
            assert not (lead.pooled and lead.routing is not None)


# ── Protection (C04) ──────────────────────────────────────────────────────────────────────────────────────────
@settings(max_examples=300)
@given(lives)
def test_c04_a_protection_runs_out_a_period_after_the_last_activity_and_keeps_others_off_until_then(
    life: Life,
) -> None:
    holder, last = "", START

    def active(staff: str | None, at: datetime) -> datetime:
        """What is done when the period is over, the timer yet to come, brings nothing back."""
        over = holder != "" and at >= last + RULES.protection
        return max(last, at) if staff in (None, holder) and not over else last

    for each in lived(life):
        for event in each.events:
            match event:
                case LeadProtected(staff=staff, at=at):
                    before = each.before
                    assert isinstance(before, Lead)
                    assert holder == ""
                    assert before.owner in (None, staff) or at >= last + RULES.protection
                    holder, last = staff, at
                case FollowUpCompleted(staff=staff, at=at) | ShowroomVisitRecorded(staff=staff, at=at):
                    last = active(staff, at)
                case LeadStatusReported(staff=staff, at=at):
                    last = active(staff, at)
                case LeadProtectionExpired(staff=staff, at=at):
                    assert (staff, at) == (holder, last + RULES.protection)
                    assert at <= getattr(each.command, "now", getattr(each.command, "at", START))
                    holder = ""
                case LeadReassigned(staff=staff):
                    holder = staff if holder else ""
        state = each.after
        assert isinstance(state, Lead)
        if state.protection is None:
            holder = ""
        else:
            assert (state.protection.staff, state.protection.until) == (holder, last + RULES.protection)


@settings(max_examples=200)
@given(lives)
def test_c04_what_has_run_out_is_in_the_pool_and_one_of_all_that_claim_it_gets_it(life: Life) -> None:
    told = list(prefixes(history(life)))
    for (event, _), (following, pooled) in pairwise(told):
        if isinstance(event, LeadProtectionExpired):
            assert isinstance(following, LeadReleasedToPool)
        if isinstance(following, LeadReleasedToPool):
            assert isinstance(pooled, Lead)
            assert (pooled.pooled, pooled.owner, pooled.protection) == (True, None, None)
            won, state = [], pooled
            for person in STAFF:
                claimed = step(ClaimLead(person, START), state)
                won += [event.staff for event in claimed.events if isinstance(event, LeadReassigned)]
                state = claimed.after  # type: ignore[assignment]
            assert won == ["a"]
            assert state.owner == "a"


# ── Shares (C05) ──────────────────────────────────────────────────────────────────────────────────────────────
def shown(told: list[Event], dealer: str, at: datetime) -> tuple[str, datetime] | None:
    """By definition: the last share with that dealer since the holder changed, unless revoked, over or binned."""
    share, binned = None, False
    for event in told:
        match event:
            case CustomerShared(dealer=with_, scope=scope, until=until) if with_ == dealer:
                share = (scope, until)
            case ShareRevoked(dealer=with_) if with_ == dealer:
                share = None
            case LeadRouted() | LeadDeclined() | LeadFeedbackOverdue(awaited="acceptance"):
                share = None
            case LeadRecycled() | LeadRestored():
                binned = isinstance(event, LeadRecycled)
    return share if share is not None and at < share[1] and not binned else None


@settings(max_examples=200)
@given(lives)
def test_c05_a_dealer_sees_what_is_shared_with_it_and_nothing_else(life: Life) -> None:
    told = history(life)
    state, now = lead_after(life)
    for dealer in DEALERS:
        for at in (now + n * HOUR for n in range(-2, 9)):
            share = state.shared_with(dealer, at)
            assert (None if share is None else (share.scope, share.until)) == shown(told, dealer, at)
            assert share is None or dealer != state.dealer


# ── The recycle bin (C07) ─────────────────────────────────────────────────────────────────────────────────────
@settings(max_examples=200)
@given(lives)
def test_c07_out_of_the_recycle_bin_a_lead_is_as_it_was(life: Life) -> None:
    """E21: and it can be worked. Nothing is taken from its history: decide only ever adds."""
    was, now = lead_after(life)
    binned = step(RecycleLead("a", now), was)
    if was.status == "converted":
        assert binned.events == ()
        return
    back = step(RestoreLead("a", None, RULES, now), binned.after).after
    assert isinstance(back, Lead)
    assert back.status == (was.before if was.status == "recycled" else was.status)
    kept = ["dealer", "owner", "tried", "grade", "score", "signals", "needs", "lost_reason", "first_contact_at"]
    if was.routing is None:
        kept += ["shares", "reported", "accepted_by", "routing"]
    assert [getattr(back, name) for name in kept] == [getattr(was, name) for name in kept]
    if back.status == "lost":
        onward: Command = ReopenLead("a", None, RULES, now)
    elif back.routing is not None:
        assert back.next_action == NextAction("accept", now + RULES.accept)
        onward = AcceptLead("a", RULES, now)
    else:
        assert back.next_action == NextAction("first_contact", now + RULES.first_contact, back.owner)
        onward = CompleteFollowUp("other", "a", None, RULES, now)
    assert step(onward, back).events


# ── The score (E10) ───────────────────────────────────────────────────────────────────────────────────────────
SEEN = {
    FollowUpCompleted: "contacted",
    OnlineExperienceRecorded: "online_experience",
    ShowroomVisitRecorded: "showroom_visit",
}
OF_INTEREST = (*SEEN, LeadCaptured, LeadEnriched, LeadScored)


@settings(max_examples=200)
@given(lives)
def test_e10_the_score_is_the_sum_of_its_parts_and_depends_on_nothing_but_the_facts(life: Life) -> None:
    told = history(life)
    state, now = lead_after(life)
    for event in told:
        if isinstance(event, LeadScored):
            assert event.points == sum(part.points for part in event.parts)
    seen = {SEEN[type(event)] for event in told if type(event) in SEEN} | known(state)
    seen |= {
        part.signal
        for event in told
        if isinstance(event, LeadScored)
        for part in event.parts
        if part.signal in ("test_drive", "group_buy")
    }
    parts = score(state, RULES, now)
    assert {part.signal for part in parts} - {"window_near"} == seen & set(SIGNALS)
    assert [part.signal for part in parts] == [signal for signal in SIGNALS if signal in {p.signal for p in parts}]
    facts = [event for event in told if isinstance(event, OF_INTEREST)]
    twice = [event for event in facts for _ in range(2 if type(event) in SEEN else 1)]
    for same in (decider.fold(facts), decider.fold(twice)):
        assert isinstance(same, Lead)
        assert score(same, RULES, now) == parts
