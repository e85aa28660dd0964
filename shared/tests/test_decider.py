"""Several commands decided in turn are what they are one after another."""

from collections.abc import Sequence
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from roadbook.decider import Rejected, in_turn
from roadbook.testing.boxes import Box, CloseBox, Command, Event, Fill, OpenBox, boxes

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
decider = boxes.decider
COMMANDS = st.lists(
    st.one_of(
        st.builds(OpenBox, st.sampled_from(["d-1", "d-2"]), st.just(NOW)),
        st.builds(Fill, st.integers(1, 3), st.just(NOW)),
        st.builds(CloseBox, st.just(NOW)),
    ),
    max_size=5,
)


def one_by_one(commands: Sequence[Command], state: Box) -> list[Event] | str:
    """The events, or the code of the first rejection."""
    events: list[Event] = []
    try:
        for command in commands:
            decided = decider.decide(command, state)
            state = decider.fold(decided, state)
            events += decided
    except Rejected as rejection:
        return rejection.code
    return events


def at_once(commands: Sequence[Command], state: Box) -> list[Event] | str:
    try:
        return list(in_turn(decider).decide(commands, state))
    except Rejected as rejection:
        return rejection.code


@given(COMMANDS, COMMANDS)
def test_the_events_are_those_of_one_command_after_another(before: list[Command], commands: list[Command]) -> None:
    past = one_by_one(before, decider.initial)
    state = decider.fold(() if isinstance(past, str) else past)
    assert at_once(commands, state) == one_by_one(commands, state)


@given(COMMANDS, COMMANDS)
def test_in_two_parts_they_are_the_same(first: list[Command], second: list[Command]) -> None:
    events = at_once(first, decider.initial)
    if isinstance(events, str):
        assert at_once([*first, *second], decider.initial) == events
        return
    rest = at_once(second, decider.fold(events))
    whole = at_once([*first, *second], decider.initial)
    assert whole == (rest if isinstance(rest, str) else events + rest)


def test_no_command_is_no_event() -> None:
    assert at_once([], decider.initial) == []
    assert in_turn(decider).initial == decider.initial
