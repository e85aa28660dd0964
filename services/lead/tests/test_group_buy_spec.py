"""The group buy, told as given / when / then; and what holds whatever is said."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given as any_of
from hypothesis import settings
from hypothesis import strategies as st

from lead.domain.group_buy import (
    CloseGroupBuy,
    Command,
    Event,
    GroupBuy,
    GroupBuyClosed,
    GroupBuyJoined,
    GroupBuyLeft,
    GroupBuyOpened,
    GroupBuyThresholdReached,
    JoinGroupBuy,
    LeaveGroupBuy,
    NoteClosing,
    OpenGroupBuy,
    Price,
    State,
    Unknown,
    decider,
)
from roadbook.decider import Rejected
from roadbook.testing.spec import given

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
CLOSES = NOW + 10 * HOUR
PRICE = Price("CNY", 11_990_000)
OPEN = OpenGroupBuy("group-1", None, "volkswagen-lavida", PRICE, 3, 2, CLOSES, NOW)
OPENED = GroupBuyOpened("group-1", None, "volkswagen-lavida", PRICE, 3, 2, CLOSES, NOW)


def join(n: int, at: datetime = NOW) -> JoinGroupBuy:
    return JoinGroupBuy(f"lead-{n}", True, f"party-{n}", f"dealer-{n}", at)


def joined(n: int, at: datetime = NOW) -> GroupBuyJoined:
    return GroupBuyJoined(f"lead-{n}", f"party-{n}", f"dealer-{n}", at)


def leave(n: int, at: datetime = NOW) -> LeaveGroupBuy:
    return LeaveGroupBuy(f"lead-{n}", f"party-{n}", f"dealer-{n}", at)


def left(n: int) -> GroupBuyLeft:
    return GroupBuyLeft(f"lead-{n}", f"party-{n}", f"dealer-{n}", NOW)


REACHED = GroupBuyThresholdReached(2, NOW)
TWO = (OPENED, joined(1), joined(2), REACHED)
FULL = (*TWO, joined(3))


# ── Open ──────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_group_buy_is_opened_once() -> None:
    given(decider).when(OPEN).then(OPENED)
    given(decider, OPENED).when(replace(OPEN, at=NOW + HOUR)).then_nothing()
    given(decider, OPENED).when(replace(OPEN, places=4)).rejected("group_buy_exists")


def test_one_that_nobody_could_join_is_refused() -> None:
    given(decider).when(replace(OPEN, closes_at=NOW)).rejected("group_buy_closes_in_the_past")


def test_nothing_can_be_done_with_one_that_is_not_there() -> None:
    for command in (join(1), leave(1), CloseGroupBuy(False, NOW), NoteClosing(CLOSES, CLOSES)):
        given(decider).when(command).rejected("group_buy_unknown")


# ── Join ──────────────────────────────────────────────────────────────────────────────────────────────────────
def test_who_joins_has_a_place() -> None:
    given(decider, OPENED).when(join(1)).then(joined(1))


def test_the_join_that_reaches_the_threshold_says_so() -> None:
    given(decider, OPENED, joined(1)).when(join(2)).then(joined(2), REACHED)
    given(decider, *TWO).when(join(3)).then(joined(3))


def test_a_threshold_of_one_is_reached_by_the_first() -> None:
    given(decider, replace(OPENED, threshold=1)).when(join(1)).then(joined(1), GroupBuyThresholdReached(1, NOW))


def test_no_more_join_than_there_are_places() -> None:
    given(decider, *FULL).when(join(4)).rejected("group_buy_full")


def test_a_party_has_one_place_with_whichever_lead() -> None:
    for history in ((OPENED, joined(1)), (*TWO, joined(3)), (OPENED, joined(1), GroupBuyClosed("missed", 1, NOW))):
        given(decider, *history).when(join(1)).then_nothing()
        given(decider, *history).when(replace(join(1), lead="lead-9", dealer="dealer-9")).then_nothing()


def test_a_closed_lead_does_not_join() -> None:
    given(decider, OPENED).when(replace(join(1), lead_open=False)).rejected("lead_closed")


def test_nobody_joins_from_the_closing_time_on_whether_the_timer_has_come_or_not() -> None:
    last = CLOSES - timedelta(seconds=1)
    given(decider, OPENED).when(join(1, last)).then(joined(1, last))
    given(decider, OPENED).when(join(1, CLOSES)).rejected("group_buy_closed")
    given(decider, OPENED, GroupBuyClosed("cancelled", 0, NOW)).when(join(1)).rejected("group_buy_closed")


# ── Leave ─────────────────────────────────────────────────────────────────────────────────────────────────────
def test_who_leaves_frees_the_place() -> None:
    given(decider, *FULL).when(leave(1)).then(left(1))
    given(decider, *FULL, left(1)).when(join(4)).then(joined(4))
    given(decider, *FULL, left(1)).when(join(1)).then(joined(1))


def test_who_is_not_in_it_leaves_nothing() -> None:
    given(decider, OPENED).when(leave(1)).then_nothing()
    given(decider, *FULL, left(1)).when(leave(1)).then_nothing()


def test_another_lead_of_the_party_leaves_for_it_at_the_same_dealer_only() -> None:
    given(decider, *FULL).when(replace(leave(1), lead="lead-9")).then(left(1))
    given(decider, *FULL).when(replace(leave(1), dealer="dealer-9")).then(left(1))  # the lead itself, moved on
    given(decider, *FULL).when(replace(leave(1), lead="lead-9", dealer="dealer-9")).then_nothing()


def test_nobody_leaves_when_it_is_over() -> None:
    given(decider, *FULL).when(leave(1, CLOSES)).rejected("group_buy_closed")
    given(decider, *FULL, GroupBuyClosed("reached", 3, CLOSES)).when(leave(1)).rejected("group_buy_closed")


def test_the_threshold_is_told_once() -> None:
    given(decider, *TWO, left(1)).when(join(3)).then(joined(3))


# ── Close ─────────────────────────────────────────────────────────────────────────────────────────────────────
def test_it_closes_at_its_time_however_late_the_timer_comes() -> None:
    late = CLOSES + 5 * HOUR
    given(decider, *TWO).when(NoteClosing(CLOSES, late)).then(GroupBuyClosed("reached", 2, CLOSES))
    given(decider, OPENED, joined(1)).when(NoteClosing(CLOSES, late)).then(GroupBuyClosed("missed", 1, CLOSES))
    given(decider, *TWO).when(CloseGroupBuy(False, late)).then(GroupBuyClosed("reached", 2, CLOSES))


def test_what_counts_is_who_is_in_it_at_the_end() -> None:
    given(decider, *TWO, left(1)).when(NoteClosing(CLOSES, CLOSES)).then(GroupBuyClosed("missed", 1, CLOSES))


def test_it_closes_once() -> None:
    closed = GroupBuyClosed("missed", 0, CLOSES)
    given(decider, OPENED, closed).when(NoteClosing(CLOSES, CLOSES)).then_nothing()
    given(decider, OPENED, closed).when(CloseGroupBuy(False, CLOSES)).then_nothing()
    given(decider, OPENED, closed).when(CloseGroupBuy(True, CLOSES)).rejected("group_buy_closed")


def test_a_timer_that_comes_early_or_for_another_time_says_nothing() -> None:
    given(decider, OPENED).when(NoteClosing(CLOSES, CLOSES - HOUR)).then_nothing()
    given(decider, OPENED).when(NoteClosing(CLOSES - HOUR, CLOSES)).then_nothing()


def test_its_opener_closes_it_sooner_or_calls_it_off() -> None:
    given(decider, *TWO).when(CloseGroupBuy(False, NOW + HOUR)).then(GroupBuyClosed("reached", 2, NOW + HOUR))
    cancelled = GroupBuyClosed("cancelled", 2, NOW + HOUR)
    given(decider, *TWO).when(CloseGroupBuy(True, NOW + HOUR)).then(cancelled)
    given(decider, *TWO, cancelled).when(CloseGroupBuy(True, NOW + 2 * HOUR)).then_nothing()
    given(decider, *TWO, cancelled).when(CloseGroupBuy(False, NOW)).rejected("group_buy_closed")
    given(decider, *TWO).when(CloseGroupBuy(True, CLOSES)).rejected("group_buy_closed")


# ── Whatever is said ──────────────────────────────────────────────────────────────────────────────────────────
words, times = st.sampled_from(["a", "b", "c"]), st.integers(0, 12).map(lambda n: NOW + n * HOUR)
dealers, prices, few = st.none() | words, st.just(PRICE), st.integers(1, 3)
commands: st.SearchStrategy[Command] = st.one_of(
    st.builds(OpenGroupBuy, st.just("g"), dealers, words, prices, few, few, times, times),
    st.builds(JoinGroupBuy, words, st.booleans(), words, dealers, times),
    st.builds(LeaveGroupBuy, words, words, dealers, times),
    st.builds(CloseGroupBuy, st.booleans(), times),
    st.builds(NoteClosing, times, times),
)
events: st.SearchStrategy[Event] = st.one_of(
    st.builds(GroupBuyOpened, st.just("g"), dealers, words, prices, few, few, times, times),
    st.builds(GroupBuyJoined, words, words, dealers, times),
    st.builds(GroupBuyThresholdReached, few, times),
    st.builds(GroupBuyLeft, words, words, dealers, times),
    st.builds(GroupBuyClosed, st.sampled_from(["reached", "missed", "cancelled"]), few, times),
)


def run(commands: list[Command], state: State = decider.initial) -> tuple[State, list[Event]]:
    """The state after the commands (rejected ones do nothing), and all events."""
    told: list[Event] = []
    for command in commands:
        try:
            decided = decider.decide(command, state)
        except Rejected:
            continue
        state = decider.fold(decided, state)
        told += decided
    return state, told


@settings(max_examples=300)
@any_of(st.lists(commands, max_size=8), commands)
def test_a_repeated_command_yields_no_events(before: list[Command], command: Command) -> None:
    state, _ = run([OPEN, *before])
    try:
        decided = decider.decide(command, state)
    except Rejected:
        return
    assert list(decider.decide(command, decider.fold(decided, state))) == []


@settings(max_examples=300)
@any_of(st.lists(events, max_size=8), commands)
def test_decide_raises_nothing_but_rejected_and_evolve_takes_anything(history: list[Event], command: Command) -> None:
    state = decider.fold(history)
    assert isinstance(state, GroupBuy | Unknown)
    try:
        decider.decide(command, state)
    except Rejected:
        return


@settings(max_examples=300)
@any_of(st.lists(commands, max_size=30))
def test_places_are_never_oversold_nor_given_twice_to_a_party(said: list[Command]) -> None:
    state, told = run([OPEN, *said])
    assert isinstance(state, GroupBuy)
    inside: list[str] = []
    for event in told:
        match event:
            case GroupBuyJoined(party_ref=ref):
                inside.append(ref)
            case GroupBuyLeft(party_ref=ref):
                inside.remove(ref)
        assert len(set(inside)) == len(inside) <= OPEN.places
    assert inside == [member.party_ref for member in state.members]
    assert sum(isinstance(event, GroupBuyThresholdReached) for event in told) <= 1
    assert sum(isinstance(event, GroupBuyClosed) for event in told) <= 1
