"""The trial takes shortcuts; what it answers is what trying each event over all the others would answer."""

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from projection.domain.rules import RULES
from projection.domain.streams.marks import Mark
from projection.domain.sweep import Moment, Sweep, Told
from projection.domain.trial import Trial

DAY = datetime(2026, 1, 1, tzinfo=UTC)
KINDS = {
    "lead": ("opened", "lost", "opened", "converted", "graded", "graded", "recycled", "restored", "lost"),
    "opportunity": ("opened", "won", "lost", "opened"),
    "contract": ("signed", "cancelled"),
    "order": ("placed", "cancelled", "delivered"),
    "vehicle": ("delivered",),
}
MIXES = (("lead",), ("lead", "lead", "opportunity"), ("lead", "lead", "lead", "order"), tuple(KINDS))


def drawn(chance: random.Random) -> tuple[list[Moment], datetime]:
    """Up to nine streams; some marks are backdated, some events made two of them."""
    kinds, days, found = chance.choice(MIXES), chance.choice((3, 40, 200, 400)), list[Moment]()
    for number in range(chance.randint(1, 9)):
        kind = chance.choice(kinds)
        at = DAY + timedelta(days=chance.randint(0, days))
        for index in range(1 if kind == "vehicle" else chance.randint(1, 6)):
            at += timedelta(hours=chance.choice((0, 0, 1, 24, 500)))
            if chance.random() < 0.15:
                at = DAY + timedelta(days=chance.randint(0, days))
            event = f"e{len(found) - (chance.random() < 0.03)}"
            name = chance.choice(KINDS[kind]) if index else KINDS[kind][0]
            grade = chance.choice(("hot", "cold")) if name == "graded" else None
            found.append(Moment(at, f"{kind}/{number}", index, Mark(at, name, event, grade)))
    return sorted(found, key=lambda each: (each.at, each.stream, each.index)), DAY + timedelta(days=days + 50)


def swept(moments: Sequence[Moment], at: datetime) -> Told:
    sweep = Sweep(RULES.owner_new)
    sweep.over(moments)
    return sweep.at(at)


def by_the_book(moments: Sequence[Moment], say: Callable[[Sequence[Moment]], object]) -> tuple[str, ...]:
    """Every trial is a sweep of its own."""

    def without(kept: Sequence[Moment], event: str) -> list[Moment]:
        return [each for each in kept if each.mark.event != event]

    events, value = list(dict.fromkeys(each.mark.event for each in reversed(moments))), say(moments)
    needed = {event for event in events if say(without(moments, event)) != value}
    kept, looking = list(moments), True
    while looking:
        looking = False
        for event in [each for each in events if each not in needed]:
            left = without(kept, event)
            if len(left) < len(kept) and say(left) == value:
                kept, looking = left, True
    return tuple(dict.fromkeys(each.mark.event for each in kept))


@pytest.mark.parametrize("seed", range(12))
def test_its_shortcuts_change_no_answer(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(25):
        moments, at = drawn(chance)
        trial = Trial(moments, swept(moments, at), RULES, at)
        for part in range(3):
            expected = by_the_book(moments, lambda kept, part=part, at=at: swept(kept, at)[part])  # type: ignore[misc]
            assert trial.evidence(lambda told, part=part: told[part]) == expected  # type: ignore[misc]
