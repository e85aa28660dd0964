"""What a fault has at hand, and how it says whether it bit."""

import random
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from run.client import Client
from run.eyes import Eyes
from run.ledger import Answered, Journal
from run.load import Load
from run.monitor import Monitor
from run.stand import Stand


@dataclass
class Bite:
    """`bit`: whether the fault had an effect. `wrong`: what should not have come of it; each word fails the run."""

    bit: bool
    proof: dict[str, Any]
    wrong: list[str] = field(default_factory=list)


@dataclass
class Context:
    """For one fault. `seconds`: how long it should last; `random` is its own, from the plan's seed."""

    stand: Stand
    client: Client
    load: Load
    monitor: Monitor
    eyes: Eyes
    injected: Journal
    random: random.Random
    seconds: float
    folder: Path
    began: float = field(default_factory=time.monotonic)

    def answers(self) -> list[Answered]:
        """Of the load, since this fault began."""
        return self.client.figures.since(self.began)

    def unknown(self) -> int:
        return sum(each.class_ == "unknown" for each in self.answers())

    def resets(self) -> int:
        """Attempts that got no answer at all."""
        return sum(each.status is None for each in self.answers())

    def replays(self) -> int:
        return sum(each.replayed for each in self.answers())

    def figures(self) -> dict[str, Any]:
        """What the load and the monitor saw since the fault began."""
        answers = self.answers()
        return {
            "answers": len(answers),
            "unknown": sum(each.class_ == "unknown" for each in answers),
            "503": sum(each.status == 503 for each in answers),
            "500": sum(each.status == 500 for each in answers),
            "no_answer": sum(each.status is None for each in answers),
            "replays": sum(each.replayed for each in answers),
            "slowest_s": round(max((each.took for each in answers), default=0.0), 2),
            "backlog_peak": self.monitor.peak(self.began),
            "lag_peak": self.monitor.peak_lag(self.began),
            "duplicates": self.eyes.repeated(self.began),
        }
