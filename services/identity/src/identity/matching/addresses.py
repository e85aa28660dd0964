"""Addresses as people write them: what road and number, and how alike two are."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache

from rapidfuzz import fuzz

_SIGNS = re.compile(r"[\s,.;:、,。；：#()()\-_/]+")
_HAN = re.compile(r"[\u4e00-\u9fff]")
# From the widest place down: what stands before the road is often left out.
_PLACE = re.compile(r"^.*?(?:省|市|自治区|区|县|镇|乡)(?=.*(?:路|街|道|巷|弄|里|村|苑|园|城|号))")
_ROAD = re.compile(r"([\u4e00-\u9fff]{1,8}?(?:路|街|大道|道|巷|弄))(\d+)")
_NUMBERS = re.compile(r"\d+")
_WORDS = re.compile(r"[a-z]{2,}")
_COMMON = frozenset(
    ["road", "rd", "street", "st", "no", "room", "rm", "building", "district", "lane", "avenue", "city"]
)


def text_of(value: Mapping[str, object]) -> str:
    """One line of {"lines", "city", "region", …}; '' when there is nothing a letter would reach."""
    lines = value.get("lines")
    several = [str(line) for line in lines] if isinstance(lines, Sequence) and not isinstance(lines, str) else []
    parts = [str(value.get("region") or ""), str(value.get("city") or ""), *several]
    if not several:
        return ""
    return unicodedata.normalize("NFKC", " ".join(part for part in parts if part)).casefold()[:300]


@lru_cache(maxsize=100_000)
def road(text: str) -> str | None:
    """`浦东南路100`, `100 pudong`: what most writings of one address have in common; None where nothing is found."""
    if _HAN.search(text):
        bare = _narrow(_SIGNS.sub("", text))
        found = _ROAD.search(bare)
        return f"{found[1][-5:]}{found[2]}" if found else None
    numbers, words = _NUMBERS.findall(text), [w for w in _WORDS.findall(text) if w not in _COMMON]
    return f"{numbers[0]} {max(words, key=len)}" if numbers and words else None


def _narrow(text: str) -> str:
    while (shorter := _PLACE.sub("", text, count=1)) != text:
        text = shorter
    return text


@lru_cache(maxsize=100_000)
def _taken(text: str) -> tuple[str, tuple[str, ...], bool]:
    """(what is compared, the numbers in it, whether it is Chinese)."""
    if not _HAN.search(text):
        return text, tuple(_NUMBERS.findall(text)), False
    narrow = _narrow(text)
    return _SIGNS.sub("", narrow), tuple(_NUMBERS.findall(narrow)), True


def alike(a: str, b: str) -> float:
    """0 to 1. The number of the house decides: neighbours live in the same road."""
    x, first, chinese = _taken(a)
    y, second, too = _taken(b)
    ratio = (fuzz.ratio if chinese or too else fuzz.token_set_ratio)(x, y) / 100
    if first and second and first[0] != second[0]:
        return min(ratio, 0.5)
    # A flat that only one of them names is no contradiction, two different flats are.
    if len(first) > 1 and len(second) > 1 and first[-1] != second[-1]:
        return min(ratio, 0.7)
    if first and second and first[0] == second[0] and 1 in (len(first), len(second)) and road(a) == road(b) is not None:
        return max(ratio, 0.85)  # only one of them names the flat
    # The same house and flat, however the words between are written.
    return max(ratio, 0.95) if len(first) > 1 and first == second and ratio >= 0.6 else ratio
