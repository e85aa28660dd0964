"""The models speak of these statements and no others."""

from hashlib import sha256
from pathlib import Path

from simulated.consuming import Consuming
from simulated.machine import quiet
from simulated.statements import STATEMENTS

KIT = Path(__file__).parents[2] / "shared" / "migrations" / "20260101000001_kit.sql"
LOOKED_AT = "d61da8122c7cc5ca7fad5f8706921ee1d89597815fafc2fd66ce9c8a03d25ba2"


def test_what_was_modelled_has_not_changed() -> None:
    """After a change: look at the model in `simulated/statements.py`, change it too, and note the new digest here."""
    texts = [*sorted(STATEMENTS), KIT.read_text()]
    assert sha256("\n".join(texts).encode()).hexdigest() == LOOKED_AT


def test_a_commit_that_was_given_up_on_and_never_arrives_keeps_no_locks() -> None:
    """Whether the histories that are told have it, depends on what else the process has imported."""
    with quiet():
        machine = Consuming()
        machine.delay(which=0)
        for _ in range(2):
            machine.publish(again=0, number=1, stream="thing/0")
        machine.flow(number=11)
        machine.fault(kind="leave", which=0)
        machine.fault(kind="refuse", which=0)
        machine.teardown()
    assert not machine.database.locks
