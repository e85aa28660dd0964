"""Cells of a table that a spreadsheet may open: what it would take for a formula is made harmless, and back again."""

import csv
import io
import re
from collections.abc import Iterable

# CWE-1236: what starts a formula, in half and full width, and the blanks a spreadsheet may cut off before one.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_NEUTRALISED = re.compile(r"''*[=+\-@\t\r\n＝＋－＠]")


def neutralise(cell: str) -> str:
    """With an apostrophe in front if it starts like a formula. `restored(neutralise(cell)) == cell` for every text."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def restored(cell: str) -> str:
    return cell[1:] if _NEUTRALISED.match(cell) else cell


def row(cells: Iterable[str]) -> bytes:
    """One line of RFC 4180, neutralised, in UTF-8."""
    text = io.StringIO()
    csv.writer(text).writerow([neutralise(cell) for cell in cells])
    return text.getvalue().encode()
