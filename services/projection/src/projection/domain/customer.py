"""What was published of one customer's record, as headquarters sees it: its stage, its dormancy, its repurchases, and
whether its id leads to another record now.

The state of the stream is what was last published, the command is what the record says now, and equal means no event:
so a change is published once, however often and whatever crashes while it is looked at. Never an input of a fold.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from roadbook.decider import Decider

# What a record says of which nothing was ever published, too.
UNKNOWN: Final = "unknown"


# ── Values ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Period:
    """Something that is so since a time, and the ids of the events that made it so."""

    since: datetime | None
    causes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Repurchase:
    """A delivered purchase of somebody who had bought before; `order` names it."""

    order: str
    vin: str | None
    since: datetime
    causes: tuple[str, ...]


# ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Observe:
    """What the record of this customer says now; it is a record of its own."""

    customer_id: str
    stage: str
    began: Period
    dormant: Period | None
    repurchases: tuple[Repurchase, ...]
    rules: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Join:
    """The customer id leads to the record of `into` now."""

    customer_id: str
    into: str
    at: datetime


Command = Observe | Join


# ── Events ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class StageChanged:
    """The headline stage, and since when the record shows it; `previous` is what was published before."""

    customer_id: str
    stage: str
    previous: str | None
    since: datetime | None
    causes: tuple[str, ...]
    rules: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CustomerDormant:
    """Every intent of the customer is lost, since that time."""

    customer_id: str
    since: datetime
    causes: tuple[str, ...]
    rules: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RepurchaseRecognised:
    customer_id: str
    order: str
    vin: str | None
    since: datetime
    causes: tuple[str, ...]
    rules: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RecordJoined:
    customer_id: str
    into: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RecordParted:
    """It is a record of its own again."""

    customer_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RecordRestated:
    """What was published was otherwise from `as_of` on: an event came late, or one was taken back. `stage_since` and
    `dormant_since` are the beginnings that hold now, null where they were right; `withdrawn` are the orders that are
    no repurchases."""

    customer_id: str
    as_of: datetime
    stage_since: datetime | None
    dormant_since: datetime | None
    withdrawn: tuple[str, ...]
    causes: tuple[str, ...]
    rules: str
    at: datetime


Event = StageChanged | CustomerDormant | RepurchaseRecognised | RecordJoined | RecordParted | RecordRestated


# ── State ─────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Unknown:
    """Nothing was published of it."""


@dataclass(frozen=True, slots=True)
class Published:
    """What was published last. `dormant` stays when the customer wakes, so that only a new dormancy is news."""

    customer_id: str
    stage: str | None = None
    since: datetime | None = None
    dormant: datetime | None = None
    repurchases: tuple[tuple[str, datetime], ...] = ()
    into: str | None = None


State = Unknown | Published


# ── Decide and evolve ─────────────────────────────────────────────────────────────────────────────────────────
def decide(command: Command, state: State) -> list[Event]:
    match command, state:
        case Join(), Unknown():
            return []  # nobody knows this id as a record
        case Join(into=into), Published(into=already) if into == already:
            return []
        case Join(customer_id=customer, into=into, at=at), Published():
            return [RecordJoined(customer, into, at)]
        case Observe(), _:
            known = state if isinstance(state, Published) else Published(command.customer_id)
            return [*_parted(command, known), *_restated(command, known), *_news(command, known)]
    raise AssertionError  # the cases above are all


def _parted(said: Observe, known: Published) -> Iterable[Event]:
    if known.into is not None:
        yield RecordParted(said.customer_id, said.at)


def _restated(said: Observe, known: Published) -> Iterable[Event]:
    """What is not news but puts right what was published."""
    stage = _corrected(said.began.since, known.since, moved=said.stage == known.stage)
    dormant = _corrected(said.dormant.since if said.dormant else None, known.dormant, moved=False)
    there = {each.order for each in said.repurchases}
    withdrawn = [(order, since) for order, since in known.repurchases if order not in there]
    moments = [each for pair in (stage, dormant) if pair is not None for each in pair]
    moments += [since for _, since in withdrawn]
    if not moments:
        return
    causes = said.began.causes if stage is not None or withdrawn else ()
    if dormant is not None and said.dormant is not None:
        causes = tuple(dict.fromkeys((*causes, *said.dormant.causes)))
    yield RecordRestated(
        said.customer_id,
        min(moments),
        None if stage is None else stage[0],
        None if dormant is None else dormant[0],
        tuple(order for order, _ in withdrawn),
        causes,
        said.rules,
        said.at,
    )


def _corrected(now: datetime | None, before: datetime | None, *, moved: bool) -> tuple[datetime, datetime] | None:
    """(now, before) when what began then had begun earlier already, or, with `moved`, at another time at all."""
    if now is None or before is None or now == before or (now > before and not moved):
        return None
    return now, before


def _news(said: Observe, known: Published) -> Iterable[Event]:
    if said.stage != (known.stage or UNKNOWN):
        began = said.began
        yield StageChanged(said.customer_id, said.stage, known.stage, began.since, began.causes, said.rules, said.at)
    asleep = said.dormant
    if asleep is not None and asleep.since is not None and (known.dormant is None or asleep.since > known.dormant):
        yield CustomerDormant(said.customer_id, asleep.since, asleep.causes, said.rules, said.at)
    told = {order for order, _ in known.repurchases}
    for each in sorted(said.repurchases, key=lambda every: (every.since, every.order)):
        if each.order not in told:
            yield RepurchaseRecognised(
                said.customer_id, each.order, each.vin, each.since, each.causes, said.rules, said.at
            )


def evolve(state: State, event: Event) -> State:
    known = state if isinstance(state, Published) else Published(event.customer_id)
    match event:
        case StageChanged(stage=stage, since=since):
            return replace(known, stage=stage, since=since)
        case CustomerDormant(since=since):
            return replace(known, dormant=since)
        case RepurchaseRecognised(order=order, since=since):
            others = tuple(each for each in known.repurchases if each[0] != order)
            return replace(known, repurchases=(*others, (order, since)))
        case RecordJoined(into=into):
            return replace(known, into=into)
        case RecordParted():
            return replace(known, into=None)
        case RecordRestated(stage_since=stage, dormant_since=dormant, withdrawn=withdrawn):
            return replace(
                known,
                since=known.since if stage is None else stage,
                dormant=known.dormant if dormant is None else dormant,
                repurchases=tuple(each for each in known.repurchases if each[0] not in withdrawn),
            )


decider: Decider[Command, State, Event] = Decider(Unknown(), decide, evolve)
