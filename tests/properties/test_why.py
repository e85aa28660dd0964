"""Why: every fact leaf names the events that made it, as few as possible.

Take away a named event, and the value changes, or other events have to be named. A leaf that would say the same by the
others it names was given one too many. That none is missing, the projection's own properties say.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta

from histories import ALL_KINDS, History
from projected import facts_of, folded, records
from properties import examples

from projection.domain.facts import Fact, Leaf
from projection.domain.record import Record, explained


def leaves(tree: object, pointer: str = "") -> dict[str, Leaf[object]]:
    """JSON Pointer -> leaf."""
    match tree:
        case Leaf():
            return {pointer: tree}
        case dict():
            children = [(str(key), value) for key, value in tree.items()]
        case list() | tuple():
            children = [(str(number), value) for number, value in enumerate(tree)]
        case _:
            return {}
    return {place: leaf for key, value in children for place, leaf in leaves(value, f"{pointer}/{key}").items()}


def made(facts: Sequence[Fact], history: History) -> Mapping[str, Record]:
    return records(folded(facts).values(), None, history.end + timedelta(days=1))


# A drive counts as missed by the slot it was moved to, though the slot before may have passed as well.
MOVED = "/journey/test_drives/N/state"


def superfluous(leaf: Leaf[object], without: Leaf[object] | None, event: str) -> bool:
    """The leaf says the same without the event, by the others that it names."""
    return without is not None and without.value == leaf.value and set(without.events) <= set(leaf.events) - {event}


def test_every_fact_leaf_is_minimal() -> None:
    looked = named = seed = 0
    found: Counter[str] = Counter()
    first: dict[str, str] = {}
    while looked < examples(200):
        seed += 1
        history = History(seed, people=1, size=18, wild=seed % 4 == 3, links=True, kinds=ALL_KINDS)
        facts = facts_of(history.events)
        before = {customer: leaves(explained(record)) for customer, record in made(facts, history).items()}
        looked += len(before)
        for fact in facts:
            left = made([each for each in facts if each is not fact], history)
            after = {customer: leaves(explained(record)) for customer, record in left.items()}
            for customer, each in before.items():
                for place, leaf in each.items():
                    if fact.id not in leaf.events:
                        continue
                    named += 1
                    kind = re.sub(r"\d+", "N", place)
                    again = after.get(customer, {}).get(place)
                    if superfluous(leaf, again, fact.id) and kind != MOVED:
                        found[kind] += 1
                        first.setdefault(kind, f"history {seed}: {place} {leaf} without {fact.type}")
    assert not found, "\n".join([str(found), *first.values()])
    print(f"\nwhy: {looked} records, {named} times an event is named in a leaf: none is one too many")
