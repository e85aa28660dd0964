"""Names of people in Chinese and in Latin letters: when two writings are one name.

`张伟`, `Zhang Wei`, `WEI ZHANG`, `zhangwei` and `张玮` (the same sounds, a slip of the input method) are
read to one set of syllables, in no order.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from pypinyin import lazy_pinyin, pinyin_dict
from rapidfuzz.distance import DamerauLevenshtein

from roadbook.identifiers import name_key

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_TITLES = re.compile(r"(先生|女士|小姐|太太|师傅|老师|老板|经理|总|同志)$")
_LATIN_TITLES = frozenset({"mr", "mrs", "ms", "miss", "dr", "prof", "sir", "madam"})
_LETTERS = re.compile(r"[^\W\d_]+")
# Surnames that are not read as the character mostly is.
_SURNAMES = {
    "单": "shan", "曾": "zeng", "解": "xie", "仇": "qiu", "查": "zha", "任": "ren", "朴": "piao", "盖": "ge",
    "区": "ou", "乐": "yue", "翟": "zhai", "覃": "qin", "缪": "miao", "尹": "yin", "臧": "zang", "單": "shan",
}  # fmt: skip
_COMPOUND = frozenset(
    ["欧阳", "司马", "诸葛", "上官", "皇甫", "尉迟", "公孙", "慕容", "令狐", "司徒", "东方", "夏侯", "端木", "长孙"]
)


class Agreement(IntEnum):
    """From a contradiction to the same writing."""

    DIFFERENT = 0
    UNKNOWN = 1  # one of the two says no name
    PARTIAL = 2  # a surname with a title: nothing against it
    ALIKE = 3  # a slip apart
    SAME = 4


@dataclass(frozen=True, slots=True)
class Name:
    """`text`: without blanks, titles and case; `sounds`: its syllables in the order of the alphabet; `letters`: in
    Latin, family name first and given name first."""

    text: str
    han: bool
    sounds: str
    letters: tuple[str, ...]
    surname_only: bool


def _plain(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def _syllables() -> frozenset[str]:
    """Every syllable that a character has; single consonants (`m`, `ng`) are none of a name."""
    readings = (one for several in pinyin_dict.pinyin_dict.values() for one in several.split(","))
    every = {_plain(one).replace("ü", "v") for one in readings}
    return frozenset(each for each in every if re.fullmatch(r"[a-z]{1,6}", each) and re.search("[aeiouv]", each))


_SYLLABLES = _syllables()


@lru_cache(maxsize=100_000)
def read(raw: str) -> Name | None:
    """None for what has no letter in it."""
    key = name_key(raw[:200])
    han = "".join(_HAN.findall(key))
    if han:
        text = _TITLES.sub("", han) or han
        cut = text != han
        sounds = _read_han(text)
        only = cut and (len(text) == 1 or text in _COMPOUND)
        return Name(text, True, " ".join(sorted(sounds)), _orders(sounds), only)
    tokens = [each for each in _LETTERS.findall(_plain(key).replace("ü", "v")) if each]
    bare = [each for each in tokens if each not in _LATIN_TITLES] or tokens
    if not bare:
        return None
    sounds = [sound.replace("v", "u") for token in bare for sound in (_segmented(token) or [token])]
    only = len(bare) < len(tokens) and len(sounds) == 1
    return Name("".join(bare), False, " ".join(sorted(sounds)), _orders(bare), only)


def _orders(parts: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(("".join(parts), "".join([*parts[1:], parts[0]]), "".join([parts[-1], *parts[:-1]]))))


def _read_han(text: str) -> list[str]:
    sounds = [str(each).replace("v", "u") for each in lazy_pinyin(text)]
    if text[0] in _SURNAMES and text[:2] not in _COMPOUND:
        sounds[0] = _SURNAMES[text[0]]
    return sounds


@lru_cache(maxsize=100_000)
def _segmented(token: str) -> tuple[str, ...]:
    """The token as syllables, as few as can be and the longest first; empty when it is no pinyin."""
    best: dict[int, tuple[str, ...]] = {len(token): ()}
    for start in range(len(token) - 1, -1, -1):
        for size in range(min(6, len(token) - start), 0, -1):
            rest = best.get(start + size)
            if rest is None or token[start : start + size] not in _SYLLABLES:
                continue
            if start not in best or len(rest) + 1 < len(best[start]):
                best[start] = (token[start : start + size], *rest)
    return best.get(0, ())


def agreement(a: Name, b: Name) -> Agreement:
    if a.text == b.text or a.sounds == b.sounds or a.letters[0] in b.letters or b.letters[0] in a.letters:
        return Agreement.SAME
    if a.surname_only or b.surname_only:
        short, other = (a, b) if a.surname_only else (b, a)
        return Agreement.PARTIAL if _begins(other, short) else Agreement.DIFFERENT
    return Agreement.ALIKE if _near(a, b) else Agreement.DIFFERENT


def _begins(name: Name, surname: Name) -> bool:
    if name.han and surname.han:
        return name.text.startswith(surname.text)
    return set(surname.sounds.split()) <= set(name.sounds.split())


def _near(a: Name, b: Name) -> bool:
    """A letter missing, doubled, or two that changed places; of characters one of three or more."""
    if a.han and b.han and len(a.text) == len(b.text) >= 3 and a.text[0] == b.text[0]:
        return sum(x != y for x, y in zip(a.text, b.text, strict=True)) == 1
    return any(_slips(x, y) for x in a.letters for y in b.letters)


def _slips(x: str, y: str) -> bool:
    size = min(len(x), len(y))
    most = 2 if size >= 8 else 1 if size >= 5 else 0
    return most > 0 and DamerauLevenshtein.distance(x, y, score_cutoff=most) <= most


def best(ours: tuple[Name, ...], theirs: tuple[Name, ...]) -> Agreement:
    """Of several names each, the two that agree best."""
    if not ours or not theirs:
        return Agreement.UNKNOWN
    return max(agreement(a, b) for a in ours for b in theirs)
