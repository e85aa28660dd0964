"""What is found: anomalies by Jepsen's names, and figures, each with how many things were looked at."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

SHOWN: Final = 5  # examples of each kind of anomaly
NAMES: Final = {
    "lost": "acknowledged, and not (or not all) in the store",
    "duplicated": "one command, one timer or one reaction, and more than one effect",
    "invented": "an event that nobody asked for, or that a refusal left behind",
    "hash_mismatch": "one event, and another content in another place",
    "hole": "a version of a stream is missing in the store",
    "unpublished": "stored, and not on Kafka",
    "order_violation": "a first occurrence on Kafka out of its turn",
    "wrong_partition": "a key where its hash does not say",
    "repeat_differs": "a repeat on Kafka that is not byte-identical",
    "unseen": "on Kafka, and not in the projection",
    "not_parked": "a forged or broken event that no consumer holds",
    "record_differs": "a record other than the independent fold",
    "leak": "something of another dealer's, or personal data in a fact",
    "unresolved": "an unknown outcome that never became definite",
    "no_bite": "a fault without effect",
    "not_judged": "an oracle that had nothing to look at",
}


@dataclass(frozen=True, slots=True)
class Anomaly:
    """`oracle` is a letter of RELIABILITY §5; `what` names the thing."""

    name: str
    oracle: str
    what: str


@dataclass
class Verdict:
    """`n` counts what each oracle looked at; `figures` are shown in their order."""

    n: Counter[str] = field(default_factory=Counter)
    figures: dict[str, object] = field(default_factory=dict)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: list[Anomaly] = field(default_factory=list)

    def note(self, name: str, oracle: str, what: str) -> None:
        if name not in NAMES:
            raise ValueError(name)
        self.counts[oracle, name] += 1
        if self.counts[oracle, name] <= SHOWN:
            self.examples.append(Anomaly(name, oracle, what))

    @property
    def names(self) -> list[str]:
        return sorted({name for _, name in self.counts})

    @property
    def ok(self) -> bool:
        return not self.counts

    def lines(self) -> Iterator[str]:
        width = max(map(len, self.figures), default=0)
        for name, value in self.figures.items():
            yield f"  {name:<{width}}  {value}"
        yield ""
        for oracle in sorted(self.n):
            found = sum(count for (of, _), count in self.counts.items() if of == oracle)
            yield f"  ({oracle[0]}) {oracle[2:]}: {found} violations of {self.n[oracle]}{bound(found, self.n[oracle])}"
        for (oracle, name), count in sorted(self.counts.items()):
            yield f"  {count} x {name} {oracle[:1] and f'({oracle[0]})'}: {NAMES[name]}"
            yield from (f"      {a.what}" for a in self.examples if (a.oracle, a.name) == (oracle, name))
        yield f"verdict: {'nothing found' if self.ok else 'VIOLATED: ' + ', '.join(self.names)}"


def bound(found: int, n: int) -> str:
    """The rule of three: after n of n good ones, fewer than 3/n are bad, at 95 %."""
    return "" if found or n < 4 else f" (at 95 %: fewer than {3 / n:.2g} of all)"
