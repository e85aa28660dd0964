"""The models speak of these statements and no others."""

from hashlib import sha256
from pathlib import Path

from simulated.statements import STATEMENTS

KIT = Path(__file__).parents[2] / "shared" / "migrations" / "20260101000001_kit.sql"
LOOKED_AT = "bd47467ed4514d970f1dd158d18be17e3b2dcc677f8b0e17c1cdd584bde05002"


def test_what_was_modelled_has_not_changed() -> None:
    """After a change: look at the model in `simulated/statements.py`, change it too, and note the new digest here."""
    texts = [*sorted(STATEMENTS), KIT.read_text()]
    assert sha256("\n".join(texts).encode()).hexdigest() == LOOKED_AT
