"""The models speak of these statements and no others."""

from hashlib import sha256
from pathlib import Path

from simulated.statements import STATEMENTS

KIT = Path(__file__).parents[2] / "shared" / "migrations" / "20260101000001_kit.sql"
LOOKED_AT = "2fb99a570764eff162a8db15f2a67dae2c0d7da6c6626e6aed8a4a7fa94c5eb8"


def test_what_was_modelled_has_not_changed() -> None:
    """After a change: look at the model in `simulated/statements.py`, change it too, and note the new digest here."""
    texts = [*sorted(STATEMENTS), KIT.read_text()]
    assert sha256("\n".join(texts).encode()).hexdigest() == LOOKED_AT
