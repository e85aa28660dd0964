"""Whole lives of several references: one hash in any order, exact unlinks, and a true and minimal why."""

import random
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from whole_lives import LINKS, NOW, REFS, START, lives, record_of, seen_of

from projection.domain.facts import Fact
from projection.domain.reasons import why as answer
from projection.domain.record import Record, canonical, derive, record_hash, values, why
from projection.domain.rules import RULES
from projection.domain.streams import link


def flat(told: list[list[Fact]]) -> list[Fact]:
    return [fact for stream in told for fact in stream]


def interleaved(told: list[list[Fact]], seed: int) -> list[Fact]:
    chance = random.Random(seed)
    left = [list(stream) for stream in told]
    out: list[Fact] = []
    while any(left):
        out.append(chance.choice([each for each in left if each]).pop(0))
        if chance.random() < 0.3:
            out.append(chance.choice(out))
    return out


@settings(max_examples=150)
@given(lives(), st.integers(), st.integers())
def test_every_interleaving_with_doubles_gives_one_hash(told: list[list[Fact]], one: int, other: int) -> None:
    for ref in REFS:
        first, second = record_of(ref, interleaved(told, one)), record_of(ref, interleaved(told, other))
        assert (first is None) == (second is None)
        if first is not None and second is not None:
            assert canonical(first.facts) == canonical(second.facts)
            assert record_hash(first.facts) == record_hash(second.facts)
            assert why(first) == why(second)


# ── Links ─────────────────────────────────────────────────────────────────────────────────────────────────────
pairs = st.sampled_from([("ref-0", "ref-1"), ("ref-1", "ref-2"), ("ref-0", "ref-2")])


@settings(max_examples=1000)
@given(lives(3), st.lists(st.tuples(pairs, st.sampled_from(LINKS)), max_size=10))
def test_an_unlink_leaves_exactly_the_world_without_the_link(told: list[list[Fact]], said: list[Any]) -> None:
    """Whatever was linked, rejected and parted on the way: only what is linked in the end is there."""
    lived = [fact for fact in flat(told) if not fact.stream.startswith("link/")]
    events: list[Fact] = []
    for (smaller, larger), kind in said:
        stream = f"link/{smaller}:{larger}"
        version = 1 + sum(fact.stream == stream for fact in events)
        event = kind(START, smaller, larger)
        events.append(Fact(f"{stream}-{version}", stream, version, "t", START, START, None, None, event))
    last: dict[str, Fact] = {}
    for fact in events:
        if not isinstance(fact.event, link.LinkProposed):
            last[fact.stream] = fact
    standing = {stream for stream, fact in last.items() if isinstance(fact.event, link.PartyRefsLinked)}
    only = [Fact(**{**_fields(last[stream]), "version": 1}) for stream in sorted(standing)]
    for ref in REFS:
        with_all, without = record_of(ref, [*events, *lived]), record_of(ref, [*lived, *only])
        assert (with_all is None) == (without is None)
        if with_all is not None and without is not None:
            assert canonical(with_all.facts) == canonical(without.facts)


def _fields(fact: Fact) -> dict[str, Any]:
    return {name: getattr(fact, name) for name in Fact.__slots__}


# ── Why ───────────────────────────────────────────────────────────────────────────────────────────────────────
def told_of(record: Record) -> dict[str, object]:
    return {pointer: answer(record, pointer).value for pointer in why(record)}


@settings(max_examples=80)
@given(lives())
def test_every_event_that_a_value_names_makes_it(told: list[list[Fact]]) -> None:
    """Minimal: without one of them the value is another one, or something else made it."""
    every = flat(told)
    for ref in REFS:
        record = record_of(ref, every)
        if record is None or record.customer_id != ref:
            continue
        reasons, said = why(record), told_of(record)
        for event in {event for events in reasons.values() for event in events}:
            after = record_of(ref, [fact for fact in every if fact.id != event])
            left = why(after) if after is not None else {}
            for pointer, events in reasons.items():
                if event in events and pointer in left and after is not None:
                    same = answer(after, pointer).value == said[pointer]
                    assert not (same and left[pointer] == tuple(each for each in events if each != event)), pointer


@settings(max_examples=80)
@given(lives())
def test_an_event_that_no_value_names_can_be_taken_away(told: list[list[Fact]]) -> None:
    """Enough: without it only what counts events changes. What parts two references makes two records, and is named in
    neither."""
    every = flat(told)
    for ref in REFS:
        record = record_of(ref, every)
        if record is None:
            continue
        named = {event for events in why(record).values() for event in events}
        for fact in every:
            if fact.id not in named and not isinstance(fact.event, link.LinkRejected | link.PartyRefsUnlinked):
                after = record_of(ref, [each for each in every if each != fact])
                assert after is None or plain(after) == plain(record), fact


def plain(record: Record) -> object:
    head = values(record.facts["head"])
    assert isinstance(head, dict)
    return values({**record.facts, "head": {**head, "record_version": 0}})


@settings(max_examples=100)
@given(lives(), st.integers(0, 200))
def test_time_alone_changes_the_record_when_it_said_it_would(told: list[list[Fact]], day: int) -> None:
    at: datetime = START + timedelta(days=day)
    own, links = seen_of("ref-0", flat(told))
    if own:
        record, change = derive(own, links, {}, RULES, at)
        until = (change or NOW + timedelta(days=400)) - timedelta(microseconds=1)
        assert canonical(derive(own, links, {}, RULES, until)[0].facts) == canonical(record.facts)
