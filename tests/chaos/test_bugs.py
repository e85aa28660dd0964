"""The seeded bugs fit the tree as it is: whoever changes a line that one of them breaks brings it along."""

import subprocess

import pytest
from run.faults import FAULTS
from selftest import BUGS, ROOT, bugs


def test_there_are_enough_of_them() -> None:
    assert len(bugs()) >= 15
    assert {*BUGS.iterdir()} == {bug.patch for bug in bugs()}
    assert all(len(bug.breaks) > 20 for bug in bugs())
    assert {code for bug in bugs() for code in bug.faults.split(",")} <= {*FAULTS, "none"}


@pytest.mark.parametrize("name", [bug.name for bug in bugs()])
def test_it_still_applies(name: str) -> None:
    applied = subprocess.run(
        ["git", "apply", "--check", str(BUGS / f"{name}.patch")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert applied.returncode == 0, applied.stderr
