"""The kit's own code on simulated wires: a fixed number of histories of each machine, whatever fails in them.

`make test` tells the same histories each time; with SIMULATOR=n (percent of the number) others are drawn.
"""

import os
from collections import Counter

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from simulated.consuming import Consuming
from simulated.machine import Machine, measured, quiet
from simulated.personal import Personal
from simulated.publishing import Clients, Relaying, Sequencing
from simulated.reacting import Reacting
from simulated.whole import Whole

HISTORIES: dict[type[Machine], int] = {
    Clients: 300,
    Sequencing: 350,
    Relaying: 400,
    Consuming: 400,
    Reacting: 250,
    Personal: 250,
    Whole: 100,
}
STEPS = 30


@pytest.mark.parametrize("machine", HISTORIES, ids=lambda machine: machine.__name__)
def test_whatever_fails(machine: type[Machine]) -> None:
    percent = os.environ.get("SIMULATOR")
    number = max(1, HISTORIES[machine] * int(percent or 100) // 100)
    told: Counter[str] = Counter()
    counted = type(machine.__name__, (machine,), {"told": told})
    chosen = settings(max_examples=number, stateful_step_count=STEPS, derandomize=percent is None, database=None)
    with quiet(), measured(told, machine.__name__):
        run_state_machine_as_test(counted, settings=chosen)
    assert told["histories"] >= number
