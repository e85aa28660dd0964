"""Which broker is killed."""

import json
from pathlib import Path

from run.faults.kafka import active_controller


def follows(folder: Path, node: int, leader: int, epoch: int) -> None:
    kept = folder / f"node-{node}" / "__cluster_metadata-0" / "quorum-state"
    kept.parent.mkdir(parents=True)
    kept.write_text(json.dumps({"leaderId": leader, "leaderEpoch": epoch, "votedId": -1}))


def test_the_active_controller_is_the_one_elected_last(tmp_path: Path) -> None:
    follows(tmp_path, 1, leader=3, epoch=10)
    follows(tmp_path, 2, leader=3, epoch=10)
    follows(tmp_path, 3, leader=1, epoch=9)  # not told yet
    assert active_controller(tmp_path) == 3


def test_a_vote_that_goes_on_is_not_an_election(tmp_path: Path) -> None:
    follows(tmp_path, 1, leader=-1, epoch=4)
    follows(tmp_path, 2, leader=2, epoch=4)
    assert active_controller(tmp_path) == 2
