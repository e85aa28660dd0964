"""What the record tells others of itself: derived events, decided on what was published last.

Written in the composer's transaction, under its lock, so that the composer of the active generation is the only one
who ever appends; a rebuild composes without this.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from projection.domain.customer import (
    Command,
    Event,
    Join,
    Observe,
    Period,
    Published,
    Repurchase,
    State,
    decider,
)
from projection.domain.facts import Leaf
from projection.domain.record import Record
from projection.published import codec
from projection.views import published
from roadbook.commands import Aggregate, Order, creation, execute
from roadbook.context import CommandContext
from roadbook.database import Connection
from roadbook.events import Labels, Recorded, new_id
from roadbook.logs import get_logger
from roadbook.store.joined import JoinedStore

NAME = "customer"
SYSTEM = "system"


def _labels(customer: State) -> Labels:
    """At headquarters' scope: no dealer holds it."""
    return Labels(None, customer.customer_id) if isinstance(customer, Published) else Labels()


def _key(customer: State) -> str:
    return customer.customer_id if isinstance(customer, Published) else ""


aggregate: Aggregate[Command, State, Event] = Aggregate(NAME, decider, codec, _labels, _key)
AGGREGATES = {NAME: aggregate}
CODECS = {NAME: codec}

_log = get_logger(__name__)


async def announce(connection: Connection, records: Sequence[Record], now: datetime) -> int:
    """Appends what is new of these records, which are headquarters'; returns of how many customer ids. The caller
    holds the composer's lock and commits.

    What is new does not depend on the events that made it, so these are looked for only where something is."""
    seen = {command.customer_id: (command, record) for record in records for command in _commands(record, now)}
    told = await published.events_of(connection, [aggregate.stream(each) for each in sorted(seen)])
    news = {
        each: whole
        for each, (command, record) in sorted(seen.items())
        if _is_news(command, told) and (whole := _whole(command, record, now)) is not None
    }
    store, context = JoinedStore(connection), _context(now)
    fresh = [_order(command) for command in news.values() if aggregate.stream(command.customer_id) not in told]
    if fresh:
        await store.create_many([creation(aggregate, order, context) for order in fresh])
    for command in news.values():
        order = _order(command, creates=False)
        if order.stream in told:
            await execute(store, aggregate, order, context)
    return len(news)


async def no_views(_: Connection, __: Sequence[Recorded]) -> None:
    """No read table follows these events."""


def _whole(command: Command, record: Record, now: datetime) -> Command | None:
    """With the events that made it. None when they cannot be found: one customer must not stop all others."""
    try:
        return observed(record, now) if isinstance(command, Observe) else command
    except Exception as error:
        _log.error("announce_failed", error_type=type(error).__name__)
        return None


def _order(command: Command, *, creates: bool = True) -> Order[Command]:
    return Order(aggregate.stream(command.customer_id), command, creates=creates)


def _is_news(command: Command, told: Mapping[str, Sequence[tuple[str, str]]]) -> bool:
    events = told.get(aggregate.stream(command.customer_id), ())
    return bool(decider.decide(command, decider.fold(codec.decode(type_, data) for type_, data in events)))


def _context(now: datetime) -> CommandContext:
    return CommandContext(actor=SYSTEM, client=SYSTEM, dealer=None, now=now, correlation=new_id())


def _commands(record: Record, now: datetime) -> Iterator[Command]:
    yield _seen(record, now)
    for ref in record.party_refs[1:]:
        yield Join(ref, record.customer_id, now)


def observed(record: Record, now: datetime) -> Observe:
    """What a record says of what is published."""
    stage = record.stage
    causes = tuple(dict.fromkeys((*stage.since.events, *stage.name.events)))
    dormant = None if stage.dormant is None else Period(stage.dormant.value, stage.dormant.events)
    return replace(_seen(record, now), began=Period(stage.since.value, causes), dormant=dormant)


def _seen(record: Record, now: datetime) -> Observe:
    """The same, but nothing that made the stage or the dormancy: what it says is enough to tell what is new."""
    stage = record.stage.value
    return Observe(
        record.customer_id,
        stage.name,
        Period(stage.since, ()),
        None if stage.dormant is None else Period(stage.dormant, ()),
        tuple(repurchases(record.facts.get("purchases"))),
        record.rules,
        now,
    )


def repurchases(purchases: object) -> Iterator[Repurchase]:
    """The purchases that the record calls repurchases."""
    for each in purchases if isinstance(purchases, list | tuple) else ():
        match each:
            case {
                "stream": str(order),
                "vin": Leaf(value=vin),
                "delivered_at": Leaf(value=datetime() as at),
                "repurchase": Leaf(value=True, events=events),
            }:
                yield Repurchase(order, vin, at, events)
