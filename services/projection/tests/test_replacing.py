"""Our `replace` is the standard library's, for every state that is folded."""

import dataclasses

import pytest

from projection.domain.replacing import replace
from projection.domain.streams.lead import LeadState
from projection.domain.streams.stream import StreamState, initial


def test_it_is_the_standard_librarys() -> None:
    state = initial("lead/1")
    assert isinstance(state.body, LeadState)
    changed = replace(state, version=7, dealer="dealer-sh-01")
    assert changed == dataclasses.replace(state, version=7, dealer="dealer-sh-01")
    assert (type(changed), state.version) == (StreamState, 0)
    assert replace(state.body) == state.body
    assert replace(state.body) is not state.body


def test_a_field_that_is_not_there_is_refused() -> None:
    with pytest.raises(TypeError):
        replace(initial("lead/1"), versoin=7)


def test_a_class_that_checks_what_it_is_made_of_is_refused() -> None:
    @dataclasses.dataclass(frozen=True, slots=True)
    class Checked:
        low: int
        high: int

        def __post_init__(self) -> None:
            assert self.low <= self.high

    with pytest.raises(TypeError):
        replace(Checked(1, 2), low=3)
