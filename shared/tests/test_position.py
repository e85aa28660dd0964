"""The position token: what goes in comes out, and rubbish is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadbook.position import BadPosition, Position, decode, encode
from roadbook.store.port import PersonalVersion

text = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=40)
positions = st.builds(
    Position,
    st.lists(st.tuples(text, st.integers(1, 2**31 - 1)), max_size=5).map(tuple),
    st.lists(st.builds(PersonalVersion, text, text, st.integers(1, 2**63 - 1)), max_size=5).map(tuple),
)


@given(positions)
def test_a_token_says_what_it_was_made_of(position: Position) -> None:
    decoded = decode(encode(position))
    assert decoded.streams == position.streams
    assert sorted(decoded.personal, key=repr) == sorted(position.personal, key=repr)


@given(positions, positions)
def test_two_positions_merge(one: Position, other: Position) -> None:
    merged = one.merge(other)
    assert set(merged.streams) == {*one.streams, *other.streams}


@pytest.mark.parametrize("token", ["x", "!!!", "W10", "bnVsbA", "é", "a" * 10000, encode(Position((("a\x00", 1),)))])
def test_what_we_did_not_make_is_refused(token: str) -> None:
    with pytest.raises(BadPosition):
        decode(token)


@given(st.text())
def test_any_text_is_a_position_or_is_refused(token: str) -> None:
    try:
        decode(token)
    except BadPosition:
        return
