"""What holds for every lead, over random commands and events."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lead.domain.lead import (
    Budget,
    CaptureLead,
    Command,
    Consent,
    ContactPoint,
    EnrichLead,
    Event,
    FollowUpMissed,
    FollowUpScheduled,
    Lead,
    LeadCaptured,
    LeadEnriched,
    LeadLost,
    LeadQualified,
    LeadReopened,
    LoseLead,
    NextAction,
    NoteOverdue,
    QualifyLead,
    ReopenLead,
    Rules,
    ScheduleFollowUp,
    State,
    Unknown,
    VehicleInterest,
    Window,
    decider,
)
from roadbook.decider import Rejected

START = datetime(2026, 1, 5, tzinfo=UTC)
times = st.integers(0, 6).map(lambda hours: START + timedelta(hours=hours))
words = st.sampled_from(["a", "b"])
keys = st.sampled_from(["phone/1", "phone/2", "email/1"])
flags = st.booleans()
grades = st.sampled_from(["hot", "warm", "cold"])
few: dict[str, Any] = {"max_size": 3}


def tuples(of: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(of, **few).map(tuple)


vehicles = tuples(st.builds(VehicleInterest, words, st.none() | words))
budgets = st.none() | st.builds(Budget, st.just("CNY"), st.none() | st.integers(0, 2))
windows = st.none() | st.builds(Window, st.none() | st.sampled_from([date(2026, 2, 1), date(2026, 3, 1)]))
points = tuples(st.builds(ContactPoint, keys, words, flags, flags, flags))
consents = tuples(st.builds(Consent, words, words, flags, words))
actions = st.builds(NextAction, words, times, st.none() | words)
rules = st.builds(Rules, words, st.sampled_from([timedelta(hours=1), timedelta(hours=2)]))

captures = st.builds(
    CaptureLead, words, words, st.none() | words, st.none(), vehicles, budgets, windows, points, consents,
    st.none() | actions, rules, times, times, st.none() | words, tuples(words),
)  # fmt: skip
enrichments = st.builds(
    EnrichLead, times, st.none() | vehicles, budgets, windows, points, tuples(keys), consents, tuples(words)
)
commands: st.SearchStrategy[Command] = st.one_of(
    captures,
    enrichments,
    st.builds(QualifyLead, grades, tuples(words), rules, times),
    st.builds(ScheduleFollowUp, actions, times),
    st.builds(NoteOverdue, times, times),
    st.builds(LoseLead, words, times, st.none() | words),
    st.builds(ReopenLead, words, st.none() | actions, rules, times),
)
events: st.SearchStrategy[Event] = st.one_of(
    st.builds(
        LeadCaptured, words, words, st.none() | words, st.none(), vehicles, budgets, windows, points, consents,
        words, times, st.none() | words, tuples(words),
    ),
    st.builds(
        LeadEnriched, times, st.none() | vehicles, budgets, windows, points, tuples(keys), consents, tuples(words)
    ),
    st.builds(LeadQualified, grades, tuples(words), words, times),
    st.builds(FollowUpScheduled, words, times, st.none() | words, times),
    st.builds(FollowUpMissed, words, times),
    st.builds(LeadLost, words, st.none() | words, times),
    st.builds(LeadReopened, words, words, times),
)  # fmt: skip


def run(commands: list[Command]) -> tuple[State, list[State]]:
    """The state after the commands (rejected ones do nothing), and every state on the way."""
    state: State = decider.initial
    states = [state]
    for command in commands:
        try:
            state = decider.fold(decider.decide(command, state), state)
        except Rejected:
            continue
        states.append(state)
    return state, states


@settings(max_examples=300)
@given(st.lists(commands, max_size=8), commands)
def test_a_repeated_command_yields_no_events(before: list[Command], command: Command) -> None:
    state, _ = run(before)
    try:
        decided = decider.decide(command, state)
    except Rejected:
        return
    assert list(decider.decide(command, decider.fold(decided, state))) == []


@settings(max_examples=300)
@given(st.lists(events, max_size=8), commands)
def test_decide_raises_nothing_but_rejected_whatever_the_history(history: list[Event], command: Command) -> None:
    try:
        decider.decide(command, decider.fold(history))
    except Rejected:
        return


@settings(max_examples=300)
@given(st.lists(events, max_size=12))
def test_evolve_accepts_anything_in_any_state(history: list[Event]) -> None:
    assert isinstance(decider.fold(history), Lead | Unknown)


@settings(max_examples=300)
@given(captures.map(lambda c: replace(c, next_action=None)), st.lists(commands, max_size=10))
def test_every_open_lead_has_a_next_action(first: CaptureLead, then: list[Command]) -> None:
    """E21: no lead is forgotten."""
    _, states = run([first, *then])
    for state in states:
        if isinstance(state, Lead):
            assert (state.next_action is not None) == (state.status == "open")


@settings(max_examples=300)
@given(captures.map(lambda c: replace(c, next_action=None)), st.lists(commands, max_size=10))
def test_party_dealer_and_capture_never_change(first: CaptureLead, then: list[Command]) -> None:
    """The Kafka key is made of the party reference: it must hold for the stream's life."""
    _, states = run([first, *then])
    leads = {(s.party_ref, s.dealer, s.source, s.captured_at) for s in states if isinstance(s, Lead)}
    assert leads == {(first.party_ref, first.dealer, first.source, first.at)}
