"""How much of everything: the real sizes, and quick ones that are done in four minutes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sizes:
    """`seconds` of one run of a closed loop, `rounds` of alternate runs. Counts are of events, unless they say else."""

    seconds: float
    rounds: int
    peer_rounds: int
    imported: int  # rows of a list
    relayed: int
    projected: int
    one_by_one: int  # of them by the peer that takes one message at a time
    customers: int
    visible_seconds: float
    rebuilt: tuple[int, int]


REAL = Sizes(
    seconds=4.0, rounds=5, peer_rounds=3, imported=10_000, relayed=40_000, projected=40_000, one_by_one=2_000,
    customers=2_000, visible_seconds=12.0, rebuilt=(100_000, 1_000_000),
)  # fmt: skip
QUICK = Sizes(
    seconds=0.8, rounds=3, peer_rounds=1, imported=2_000, relayed=10_000, projected=10_000, one_by_one=400,
    customers=300, visible_seconds=4.0, rebuilt=(4_000, 20_000),
)  # fmt: skip
