"""Order-free, in memory: whatever the order over topics and partitions, and whatever comes twice, there is one hash.

What arrives goes through the kit's version rule and the projection's own fold, in batches, as its worker does it; the
hash is held against the independent fold, which saw the events as they were recorded.
"""

import random
from collections.abc import Iterable, Mapping
from datetime import timedelta

import checker
from histories import (
    ALL_KINDS,
    DEALERS,
    LEAD_KINDS,
    History,
    Logs,
    interleaved,
    messages_of,
    partitioned,
    repeated,
)
from projected import facts_of, records
from properties import examples, world_of

from projection.domain.facts import Fact
from projection.domain.record import record_hash
from projection.domain.streams.stream import StreamState, evolve, initial
from roadbook.bus import Delivered, Message
from roadbook.events import Recorded
from roadbook.kafka import partition_of
from roadbook.version_rule import Arrival, Rule, StreamView

ORDERS = 10  # of each history


def consumed(
    arriving: Iterable[tuple[tuple[str, int], Message]],
    events: Mapping[Message, Recorded],
    facts: Mapping[str, Fact],
    seed: int,
) -> tuple[dict[str, StreamState], int]:
    """The states after all of it, and how many repeats there were."""
    chance = random.Random(seed)
    views: dict[str, StreamView] = {}
    known: dict[tuple[str, int], str] = {}
    states: dict[str, StreamState] = {}
    left, repeats = list(arriving), 0
    while left:
        size = chance.choice((1, 3, 10, 500))
        batch, left = left[:size], left[size:]
        arrivals = [
            Arrival(events[message], Delivered(topic, partition, 0, message.key, message.value, message.headers, 0))
            for (topic, partition), message in batch
        ]
        streams = {arrival.event.stream: views.get(arrival.event.stream, StreamView()) for arrival in arrivals}
        rule = Rule(streams, known, states, initial, lambda state, event: evolve(state, facts[event.id]), unheld)
        decision = rule.decide(arrivals)
        assert not decision.hold
        repeats += decision.duplicates
        states.update(decision.states)
        known.update({(event.stream, event.version): event.id for event in decision.applied})
        views.update({stream: StreamView(last) for stream, (_, last) in decision.versions.items()})
    return states, repeats


def unheld(record: Delivered) -> Recorded:
    raise AssertionError("inside a partition no version is ever missing, so nothing is held")


def root(states: Iterable[StreamState], history: History) -> str:
    """One hash over all records as headquarters and each dealer see them."""
    at, known = history.end + timedelta(days=1), list(states)
    return checker.digest(
        {
            str(dealer): {customer: record_hash(made.facts) for customer, made in records(known, dealer, at).items()}
            for dealer in (None, *DEALERS)
        }
    )


def expected(history: History) -> str:
    world, at = world_of(history.events), history.end + timedelta(days=1)
    return checker.digest(
        {
            str(dealer): {customer: checker.digest(facts) for customer, facts in world.customers(dealer, at).items()}
            for dealer in (None, *DEALERS)
        }
    )


def test_every_interleaving_with_repeats_gives_one_hash() -> None:
    number = -(-examples(5_000) // ORDERS)
    orders = repeats = 0
    different: set[tuple[Message, ...]] = set()
    for seed in range(number):
        history = History(
            seed, size=24, wild=seed % 3 == 2, links=True, kinds=LEAD_KINDS if seed % 4 == 3 else ALL_KINDS
        )
        messages = messages_of(history.events)
        events = {message: event for (_, message), event in zip(messages, history.events, strict=True)}
        facts = {fact.id: fact for fact in facts_of(history.events)}
        logs: Logs = partitioned(messages, partition_of, 12)
        wanted = expected(history)
        for order in range(ORDERS):
            arriving = interleaved(repeated(logs, seed + order), seed * ORDERS + order)
            different.add(tuple(message for _, message in arriving))
            states, again = consumed(arriving, events, facts, order)
            assert root(states.values(), history) == wanted, f"history {seed}, order {order}"
            orders, repeats = orders + 1, repeats + again
    print(
        f"\norder: {orders} interleavings ({len(different)} different) of {number} histories, {repeats} repeats: "
        "one hash each, equal to the independent fold"
    )
    assert orders >= examples(5_000)
