"""The matcher of identity over labelled references, in memory: the same pure functions as its worker, and figures."""

import gc
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from labelled import Reference

from identity.matching.blocks import blocks, matches
from identity.matching.keys import Profile, keys_of, profile

SECRET = b"a secret of the tests"


@dataclass(frozen=True)
class Figures:
    """`links`: made by rule; `wrong`: of two people. `precision_joined`: of all pairs that links bring together.
    `recall`: pairs of one person that are joined by rule or, the two or whoever they are joined with, in the queue."""

    references: int
    links: int
    wrong: int
    precision: float
    precision_joined: float
    recall_rules: float
    recall: float
    proposals: int
    right_proposals: int
    seconds: float

    def line(self) -> str:
        return (
            f"{self.references:>7} references: {self.links} links, {self.wrong} wrong, precision {self.precision:.5f} "
            f"(of joined pairs {self.precision_joined:.5f}); recall {self.recall_rules:.4f} by rule, {self.recall:.4f} "
            f"with the queue of {self.proposals} ({self.right_proposals} right); {self.seconds:.1f} s"
        )


class Groups:
    """Union-find."""

    def __init__(self) -> None:
        self._up: dict[str, str] = {}

    def of(self, ref: str) -> str:
        while (up := self._up.get(ref, ref)) != ref:
            self._up[ref] = self._up.get(up, up)
            ref = up
        return ref

    def join(self, a: str, b: str) -> None:
        self._up[self.of(a)] = self.of(b)


def run(refs: Sequence[Reference]) -> tuple[list[tuple[str, str, str]], list[tuple[str, str]], float]:
    """((a, b, rule) of every link, (a, b) of every proposal, processor seconds), the references coming one by one."""
    members: dict[str, list[str]] = {}
    known: dict[str, Profile] = {}
    linked: list[tuple[str, str, str]] = []
    proposed: list[tuple[str, str]] = []
    gc.disable()  # everything is kept here, which no worker does: looking it through again and again is no cost of its
    start = time.process_time()  # of this process alone, whatever else the machine does
    for ref in refs:
        said = [("lead", kind, key) for name, value in ref.values.items() for kind, key in keys_of(name, value, SECRET)]
        own = profile(ref.dealer, said)
        known[ref.id] = own
        for block in blocks(own):
            members.setdefault(block, []).append(ref.id)
        for other, verdict in matches(ref.id, own, members, known.get):
            if verdict.rule is None:
                proposed.append((ref.id, other))
            else:
                linked.append((ref.id, other, verdict.rule))
    seconds = time.process_time() - start
    gc.enable()
    return linked, proposed, seconds


def measure(refs: Sequence[Reference]) -> Figures:
    linked, proposed, seconds = run(refs)
    person = {ref.id: ref.person for ref in refs}
    groups = Groups()
    for a, b, _ in linked:
        groups.join(a, b)
    wrong = sum(person[a] != person[b] for a, b, _ in linked)
    queue = {frozenset((groups.of(a), groups.of(b))) for a, b in proposed if groups.of(a) != groups.of(b)}
    pairs = joined = found = 0
    of_person: dict[int, list[str]] = {}
    for ref in refs:
        of_person.setdefault(ref.person, []).append(ref.id)
    for own in of_person.values():
        for a, b in combinations(own, 2):
            same = groups.of(a) == groups.of(b)
            pairs, joined = pairs + 1, joined + same
            found += same or frozenset((groups.of(a), groups.of(b))) in queue
    sizes: dict[str, int] = {}
    for ref in refs:
        sizes[groups.of(ref.id)] = sizes.get(groups.of(ref.id), 0) + 1
    together = sum(size * (size - 1) // 2 for size in sizes.values())
    return Figures(
        len(refs), len(linked), wrong, 1 - wrong / max(1, len(linked)), joined / max(1, together),
        joined / max(1, pairs), found / max(1, pairs), len(proposed), sum(person[a] == person[b] for a, b in proposed),
        seconds,
    )  # fmt: skip
