"""What happens when: a pure function of the seed, so that the same seed is the same plan."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from run.faults import FAULTS, Fault

WARM = 8.0  # seconds of load before the first fault
CALM = (10.0, 8.0, 6.0, 4.0, 2.0, 0.0)  # seconds after a turn in a run of 8 minutes or more, for a load that is one
LEADER_EVERY, LEADER_SECONDS = 60.0, 12.0  # with three brokers: between kills of a leader, and watched after one


@dataclass(frozen=True)
class Planned:
    """`at` and `seconds` count from the start of the load; `seed` is the fault's own."""

    n: int
    fault: str
    at: float
    seconds: float
    seed: int

    @property
    def what(self) -> str:
        return FAULTS[self.fault].what


def plan(seed: int, seconds: float, brokers: int, only: Sequence[str] = ()) -> list[Planned]:
    """Faults one after another, each with time to recover, until `seconds` are full: all of them before any comes a
    second time. With `only` exactly these, in a seeded order. Raises KeyError for a fault there is not.

    Between faults it is calm for as long as leaves room for all that the run must have seen."""
    if only:
        return _planned(seed, seconds, brokers, only, 0.0)
    for calm in CALM:
        found = _planned(seed, seconds, brokers, (), calm * min(1.0, seconds / 480))
        if len({each.fault for each in found}) >= required(seconds):
            break
    return found  # the run says so where even the fullest has too few


def _planned(seed: int, seconds: float, brokers: int, only: Sequence[str], calm: float) -> list[Planned]:
    chance = random.Random(f"chaos-{seed}-{brokers}")
    scale = max(0.5, min(3.0, seconds / 480))
    wanted = [FAULTS[code] for code in only] if only else list(FAULTS.values())
    leaders = brokers > 1 and not only
    if leaders:
        wanted = [fault for fault in wanted if fault.code != "F13"]
    found: list[Planned] = []
    now, queue, next_leader = min(WARM, seconds * 0.1), list[Fault](), LEADER_EVERY / 2

    def add(fault: Fault, lasts: float) -> float:
        found.append(Planned(len(found) + 1, fault.code, round(now, 1), lasts, chance.getrandbits(32)))
        return lasts + fault.turn + calm

    def length(fault: Fault) -> float:
        return round(min(fault.most, fault.seconds * scale), 1)

    while True:
        if leaders and now + 5 >= next_leader:
            now = max(now, next_leader)
            if now + 20 > seconds:
                return found
            now += add(FAULTS["F13"], LEADER_SECONDS)
            next_leader += LEADER_EVERY
            continue
        if not queue:
            if only and found:
                return found
            queue = chance.sample(wanted, len(wanted))
        if not only and now + length(queue[0]) + queue[0].turn > seconds:
            return found
        fault = queue.pop(0)
        now += add(fault, length(fault))


def required(seconds: float) -> int:
    """How many different faults a run of that length must have seen."""
    return len(FAULTS) if seconds >= 1800 else 15 if seconds >= 480 else 0
