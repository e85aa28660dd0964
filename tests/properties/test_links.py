"""Links and unlinks: a link that was taken away leaves no trace, and a rejected one never made any.

A sequence of link, unlink, reject and events is folded as it came; the world without is the same sequence without the
streams of all pairs that are apart in the end. Both are equal byte for byte, for headquarters and every dealer; and
equal to the independent fold.
"""

import random
from datetime import timedelta

import checker
from histories import ALL_KINDS, DEALERS, History
from projected import as_bytes, facts_of, folded, records
from properties import examples, world_of

from projection.domain.facts import Fact
from roadbook.events import Recorded

LINK_EVENTS = {"party_refs_linked": "links", "party_refs_unlinked": "unlinks", "link_rejected": "rejects"}


def seen(facts: list[Fact], history: History) -> dict[str | None, dict[str, bytes]]:
    states, at = folded(facts).values(), history.end + timedelta(days=1)
    return {dealer: as_bytes(records(states, dealer, at)) for dealer in (None, *DEALERS)}


def by_the_checker(events: list[Recorded], history: History) -> dict[str | None, dict[str, bytes]]:
    world, at = world_of(events), history.end + timedelta(days=1)
    found = {dealer: world.customers(dealer, at) for dealer in (None, *DEALERS)}
    return {dealer: {ref: checker.canonical(facts) for ref, facts in own.items()} for dealer, own in found.items()}


def test_a_link_that_is_gone_was_never_there() -> None:
    counts = dict.fromkeys((*LINK_EVENTS.values(), "events"), 0)
    joined = compared = 0
    for seed in range(examples(1_000)):
        history = History(seed, people=3, size=32, wild=seed % 4 == 3, links=True, kinds=ALL_KINDS)
        chance = random.Random(seed)
        told = history.events[: chance.randint(16, 32)]  # in the middle of it, links may stand
        facts = facts_of(told)
        for fact in facts:
            counts[LINK_EVENTS.get(fact.type.split(".")[2], "events")] += 1
        words = {fact.stream: name for fact in facts if (name := fact.type.split(".")[2]) in LINK_EVENTS}
        together = {stream for stream, last in words.items() if last == "party_refs_linked"}
        without = [fact for fact in facts if not fact.stream.startswith("link/") or fact.stream in together]
        here, there = seen(facts, history), seen(without, history)
        assert here == there, f"history {seed}"
        assert here == by_the_checker(told, history), f"history {seed}: other than the independent fold"
        apart = seen([fact for fact in facts if not fact.stream.startswith("link/")], history)
        cut = [fact for fact in facts if not fact.stream.startswith("link/") or fact.stream not in together]
        assert seen(cut, history) == apart, f"history {seed}: with every link cut"
        joined += here[None] != apart[None]
        compared += 2 * sum(len(found) for found in here.values())
    told = ", ".join(f"{number} {name}" for name, number in counts.items())
    print(
        f"\nlinks: {examples(1_000)} sequences ({told}), {joined} of them with records joined in the end: "
        f"{compared} records equal byte for byte to the world without, all of them to the independent fold"
    )
    assert joined > examples(1_000) // 10
