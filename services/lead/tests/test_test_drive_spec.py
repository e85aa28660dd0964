"""The test drive, told as given / when / then; and what holds whatever is said."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given as any_of
from hypothesis import settings
from hypothesis import strategies as st

from lead.domain import test_drive as td
from lead.domain.test_drive import (
    BookTestDrive,
    CancelTestDrive,
    Command,
    CompleteTestDrive,
    Event,
    Feedback,
    MissTestDrive,
    NoteMissed,
    Ratings,
    RescheduleTestDrive,
    State,
    decider,
    misfit,
)
from roadbook.decider import Rejected
from roadbook.testing.spec import given

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
RULES = td.TestDriveRules("2026-2", 15 * MINUTE, 3 * HOUR, HOUR)
STARTS, ENDS, REPORT_BY = NOW + 2 * HOUR, NOW + 2 * HOUR + 30 * MINUTE, NOW + 3 * HOUR + 30 * MINUTE
DURING = STARTS + 20 * MINUTE

BOOK = BookTestDrive(
    lead="lead-1",
    lead_open=True,
    party_ref="party-1",
    vin="LSVAA49J6T2900010",
    model="volkswagen-lavida",
    dealer="dealer-sh-01",
    starts=STARTS,
    ends=ENDS,
    staff="staff-sh-01-1",
    rules=RULES,
    at=NOW,
)
BOOKED = td.TestDriveBooked(
    lead="lead-1",
    party_ref="party-1",
    vin="LSVAA49J6T2900010",
    model="volkswagen-lavida",
    dealer="dealer-sh-01",
    starts=STARTS,
    ends=ENDS,
    report_by=REPORT_BY,
    staff="staff-sh-01-1",
    rules="2026-2",
    at=NOW,
)
FORM = Feedback(Ratings(design=4, value=5), 9, 1204, 1219)
COMPLETE = CompleteTestDrive(FORM, DURING, ("comment",))
TAKEN = td.TestDriveTaken(FORM.ratings, 9, 1204, 1219, DURING, ("comment",))
LATER = RescheduleTestDrive(STARTS + HOUR, ENDS + HOUR, RULES, NOW)
MOVED = td.TestDriveRescheduled(STARTS + HOUR, ENDS + HOUR, REPORT_BY + HOUR, "2026-2", NOW)
CANCELLED = td.TestDriveCancelled("customer_asked", NOW)
MISSED = td.TestDriveMissed(REPORT_BY)
CLOSED = (TAKEN, CANCELLED, MISSED)


# ── Book ──────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_booking_pins_its_rules_and_when_it_counts_as_missed() -> None:
    given(decider).when(BOOK).then(BOOKED)


def test_a_closed_lead_takes_no_test_drive() -> None:
    given(decider).when(replace(BOOK, lead_open=False)).rejected("lead_closed")


def test_the_slot_that_has_begun_may_be_taken_and_none_before_it() -> None:
    last = STARTS + 15 * MINUTE - timedelta(seconds=1)
    given(decider).when(replace(BOOK, at=last)).then(replace(BOOKED, at=last))
    given(decider).when(replace(BOOK, at=STARTS + 15 * MINUTE)).rejected("test_drive_in_the_past")


def test_the_same_booking_again_says_nothing() -> None:
    given(decider, BOOKED).when(BOOK).then_nothing()
    given(decider, BOOKED, MOVED).when(BOOK).then_nothing()
    for other in (replace(BOOK, lead="lead-2"), replace(BOOK, vin="LSVCB45L1T2900011")):
        given(decider, BOOKED).when(other).rejected("test_drive_exists")


def test_nothing_can_be_done_with_a_drive_that_is_not_there() -> None:
    for command in (LATER, CancelTestDrive("x", NOW), COMPLETE, MissTestDrive(NOW), NoteMissed(NOW, NOW)):
        given(decider).when(command).rejected("test_drive_unknown")


@pytest.mark.parametrize(
    ("starts", "minutes", "wrong"),
    [
        (STARTS, 15, None),
        (STARTS, 180, None),
        (STARTS + 5 * MINUTE, 15, "off_slot"),
        (STARTS + timedelta(microseconds=1), 15, "off_slot"),
        (STARTS, 0, "not_whole_slots"),
        (STARTS, 20, "not_whole_slots"),
        (STARTS, 195, "too_long"),
    ],
)
def test_a_drive_is_made_of_whole_slots(starts: datetime, minutes: int, wrong: str | None) -> None:
    assert misfit(starts, minutes * MINUTE, RULES) == wrong


@pytest.mark.parametrize(
    ("slot", "longest", "grace"),
    [(0, 60, 0), (3, 60, 0), (7, 60, 0), (12, 60, 0), (45, 90, 0), (15, 10, 0), (15, 1500, 0), (15, 60, -1)],
)
def test_rules_whose_slots_would_not_meet_those_of_others_are_refused(slot: int, longest: int, grace: int) -> None:
    """Bookings under two rule packs must be seen to overlap: every slot is made of the same five minutes."""
    with pytest.raises(ValueError):
        td.TestDriveRules("x", slot * MINUTE, longest * MINUTE, grace * MINUTE)


# ── Move and cancel ───────────────────────────────────────────────────────────────────────────────────────────
def test_a_drive_can_be_moved_also_after_it_should_have_begun() -> None:
    given(decider, BOOKED).when(LATER).then(MOVED)
    late = replace(LATER, at=DURING)
    given(decider, BOOKED).when(late).then(replace(MOVED, at=DURING))


def test_moving_it_to_where_it_is_says_nothing() -> None:
    given(decider, BOOKED, MOVED).when(LATER).then_nothing()


def test_it_cannot_be_moved_into_the_past() -> None:
    given(decider, BOOKED, MOVED).when(RescheduleTestDrive(STARTS, ENDS, RULES, ENDS)).rejected(
        "test_drive_in_the_past"
    )


def test_a_drive_can_be_cancelled_once() -> None:
    given(decider, BOOKED).when(CancelTestDrive("customer_asked", NOW)).then(CANCELLED)
    given(decider, BOOKED, CANCELLED).when(CancelTestDrive("customer_asked", ENDS)).then_nothing()
    given(decider, BOOKED, CANCELLED).when(CancelTestDrive("car_broken", ENDS)).rejected("test_drive_closed")


# ── Taken ─────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_drive_that_was_taken_keeps_the_form() -> None:
    given(decider, BOOKED).when(COMPLETE).then(TAKEN)
    state = given(decider, BOOKED, TAKEN).state()
    assert isinstance(state, td.TestDrive)
    assert (state.status, state.feedback, state.closed_at) == ("taken", FORM, DURING)


def test_the_same_form_again_says_nothing_and_another_is_refused() -> None:
    given(decider, BOOKED, TAKEN).when(replace(COMPLETE, at=ENDS)).then_nothing()
    other = replace(COMPLETE, feedback=replace(FORM, recommend=1))
    given(decider, BOOKED, TAKEN).when(other).rejected("test_drive_closed")


def test_a_drive_cannot_be_taken_before_it_starts() -> None:
    early = replace(COMPLETE, at=STARTS - MINUTE)
    given(decider, BOOKED).when(early).rejected("test_drive_not_begun")
    given(decider, BOOKED).when(replace(COMPLETE, at=STARTS)).then(replace(TAKEN, at=STARTS))


# ── Missed ────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_drive_of_which_nothing_is_said_was_missed_at_the_time_that_was_due() -> None:
    given(decider, BOOKED).when(NoteMissed(REPORT_BY, REPORT_BY + 5 * HOUR)).then(MISSED)
    given(decider, BOOKED, MISSED).when(NoteMissed(REPORT_BY, REPORT_BY + 5 * HOUR)).then_nothing()


def test_a_timer_that_comes_early_or_for_another_time_says_nothing() -> None:
    given(decider, BOOKED).when(NoteMissed(REPORT_BY, REPORT_BY - MINUTE)).then_nothing()
    given(decider, BOOKED, MOVED).when(NoteMissed(REPORT_BY, REPORT_BY + HOUR)).then_nothing()
    for closed in CLOSED:
        given(decider, BOOKED, closed).when(NoteMissed(REPORT_BY, REPORT_BY)).then_nothing()


def test_a_drive_can_be_said_to_be_missed_before_it_is_over_and_never_later_than_due() -> None:
    given(decider, BOOKED).when(MissTestDrive(NOW)).then(td.TestDriveMissed(NOW))
    given(decider, BOOKED).when(MissTestDrive(REPORT_BY + HOUR)).then(MISSED)
    given(decider, BOOKED, MISSED).when(MissTestDrive(REPORT_BY + HOUR)).then_nothing()


def test_from_the_due_time_on_it_was_missed_whether_the_timer_has_come_or_not() -> None:
    after = REPORT_BY
    for command in (replace(LATER, at=after), CancelTestDrive("x", after), replace(COMPLETE, at=after)):
        given(decider, BOOKED).when(command).rejected("test_drive_closed")
    given(decider, BOOKED).when(replace(COMPLETE, at=after - MINUTE)).then(replace(TAKEN, at=after - MINUTE))


def test_a_drive_that_is_closed_stays_closed() -> None:
    commands = (LATER, CancelTestDrive("x", NOW), replace(COMPLETE, feedback=Feedback()), MissTestDrive(NOW))
    for closed in CLOSED:
        for command in commands:
            if not (closed is MISSED and isinstance(command, MissTestDrive)):
                given(decider, BOOKED, closed).when(command).rejected("test_drive_closed")


# ── Whatever is said ──────────────────────────────────────────────────────────────────────────────────────────
words, times = st.sampled_from(["a", "b"]), st.integers(0, 12).map(lambda n: NOW + n * 15 * MINUTE)
packs = st.builds(td.TestDriveRules, words, st.just(15 * MINUTE), st.just(HOUR), st.sampled_from([MINUTE, HOUR]))
ratings = st.builds(Ratings, st.none() | st.integers(1, 5))
lengths = st.sampled_from([15 * MINUTE, HOUR])


def booking(
    lead: str, is_open: bool, vin: str, starts: datetime, length: timedelta, pack: td.TestDriveRules, at: datetime
) -> BookTestDrive:
    return BookTestDrive(lead, is_open, "party", vin, "model", "dealer", starts, starts + length, None, pack, at)


forms = st.builds(Feedback, ratings, st.none() | st.integers(0, 2))
fields = st.sampled_from([(), ("comment",)])
commands: st.SearchStrategy[Command] = st.one_of(
    st.builds(booking, words, st.booleans(), words, times, lengths, packs, times),
    st.builds(lambda s, n, pack, at: RescheduleTestDrive(s, s + n, pack, at), times, lengths, packs, times),
    st.builds(CancelTestDrive, words, times),
    st.builds(CompleteTestDrive, forms, times, fields),
    st.builds(MissTestDrive, times),
    st.builds(NoteMissed, times, times),
)
events: st.SearchStrategy[Event] = st.one_of(
    st.builds(td.TestDriveBooked, words, words, words, words, words, times, times, times, st.none(), words, times),
    st.builds(td.TestDriveRescheduled, times, times, times, words, times),
    st.builds(td.TestDriveCancelled, words, times),
    st.builds(td.TestDriveTaken, ratings, st.none(), st.none(), st.none(), times, fields),
    st.builds(td.TestDriveMissed, times),
)


@settings(max_examples=300)
@any_of(st.lists(commands, max_size=6), commands)
def test_a_repeated_command_yields_no_events(before: list[Command], command: Command) -> None:
    state: State = decider.initial
    for each in before:
        try:
            state = decider.fold(decider.decide(each, state), state)
        except Rejected:
            continue
    try:
        decided = decider.decide(command, state)
    except Rejected:
        return
    assert list(decider.decide(command, decider.fold(decided, state))) == []


@settings(max_examples=300)
@any_of(st.lists(events, max_size=6), commands)
def test_decide_raises_nothing_but_rejected_and_evolve_takes_anything(history: list[Event], command: Command) -> None:
    state = decider.fold(history)
    assert isinstance(state, td.TestDrive | td.Unknown)
    try:
        decider.decide(command, state)
    except Rejected:
        return


@settings(max_examples=300)
@any_of(st.lists(events, min_size=1, max_size=8))
def test_what_names_the_stream_never_changes(history: list[Event]) -> None:
    """The Kafka key is the party reference: it must hold for the stream's life."""
    states = [decider.fold(history[:n]) for n in range(1, len(history) + 1)]
    assert len({(s.lead, s.party_ref, s.vin, s.dealer) for s in states if isinstance(s, td.TestDrive)}) <= 1
