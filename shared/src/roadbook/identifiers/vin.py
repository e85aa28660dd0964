"""Vehicle identification numbers: ISO 3779 shape, and the check digit where the law of the maker's region
demands it.

Mandatory in North America (49 CFR 565, first character 1–5) and in China (GB 16735-2019, first character
L); elsewhere position 9 is the maker's own, so a mismatch there is only a warning. Nothing is corrected
silently: a look-alike letter gives a suggestion for a person to accept.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["error", "warning"]

_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_VALUES = {str(digit): digit for digit in range(10)} | dict(
    zip(
        "ABCDEFGHJKLMNPRSTUVWXYZ",
        (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9),
        strict=True,
    )
)
_SHAPE = re.compile(r"[A-HJ-NPR-Z0-9]{17}")
_WITH_LOOKALIKES = re.compile(r"[A-Z0-9]{17}")
_LOOKALIKES = str.maketrans("OIQ", "010")
_CHECKED_REGIONS = frozenset("12345L")
_IGNORED = re.compile(r"[\s\u200b-\u200d\u2060\ufeff\u00ad‐‑‒–—―−-]+")


@dataclass(frozen=True)
class Problem:
    """`code`: vin_length, vin_characters, vin_letters_ioq, vin_check_digit or vin_placeholder."""

    code: str
    severity: Severity
    suggestion: str | None = None


@dataclass(frozen=True)
class Vin:
    """`value` is given only when `shape_ok`: what is not a VIN is somebody's free text and must not become
    a fact.

    `small_maker`: the third character is 9, so characters 12–14 belong to the maker's identification (ISO
    3780).
    """

    raw: str = field(repr=False)
    value: str | None
    shape_ok: bool
    check_digit_ok: bool
    small_maker: bool = False
    problems: tuple[Problem, ...] = ()


def check_vin(raw: str) -> Vin:
    """Normalise (case, blanks, hyphens, full width) and judge. Never raises on any str."""
    text = _IGNORED.sub("", unicodedata.normalize("NFKC", raw)).upper()
    if not _SHAPE.fullmatch(text):
        return Vin(raw, None, False, False, problems=(_shape_problem(text),))
    problems = []
    check_digit_ok = text[8] == check_digit(text)
    if not check_digit_ok:
        severity: Severity = "error" if text[0] in _CHECKED_REGIONS else "warning"
        problems.append(Problem("vin_check_digit", severity))
    if len(set(text)) <= 2:  # 17 ones have a right check digit
        problems.append(Problem("vin_placeholder", "warning"))
    return Vin(raw, text, True, check_digit_ok, text[2] == "9", tuple(problems))


def check_digit(vin: str) -> str:
    """The character position 9 of these 17 (upper case, no I, O, Q) ought to hold: 0–9 or X."""
    remainder = sum(_VALUES[character] * weight for character, weight in zip(vin, _WEIGHTS, strict=True)) % 11
    return "X" if remainder == 10 else str(remainder)


def make_vin(prefix: str, serial: int = 1, *, year: str = "S", plant: str = "A") -> str:
    """A VIN with a right check digit, for seeds and tests.

    `prefix`: 3 to 8 characters (WMI and description, filled up with A); `serial`: 0 to 999999; `year`:
    position 10 (S = 2025); `plant`: position 11. Raises ValueError where these cannot make a VIN.
    """
    head = prefix.upper().ljust(8, "A")
    draft = f"{head}0{year}{plant}{serial:06d}"
    if len(prefix) < 3 or not _SHAPE.fullmatch(draft):
        raise ValueError("not the parts of a VIN")
    return f"{head}{check_digit(draft)}{draft[9:]}"


def _shape_problem(text: str) -> Problem:
    if len(text) != 17:
        return Problem("vin_length", "error")
    if not _WITH_LOOKALIKES.fullmatch(text):
        return Problem("vin_characters", "error")
    suggestion = text.translate(_LOOKALIKES)
    if suggestion[0] in _CHECKED_REGIONS and suggestion[8] != check_digit(suggestion):
        return Problem("vin_letters_ioq", "error")  # the replacement is provably not the car either
    return Problem("vin_letters_ioq", "error", suggestion)
