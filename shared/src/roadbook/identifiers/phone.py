"""Telephone numbers as people in China write them: split, read to E.164, never guessed and never refused.

`phonenumbers` does not know 转, 分机 or `021-61234567-801` (it reads the extension as part of the number), so
those forms are taken apart first. The raw text is always kept: what cannot be read today may be read by a
person tomorrow.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Literal

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberType

Kind = Literal["mobile", "fixed", "service", "voip", "other", "unknown"]

_LONGEST = 250  # phonenumbers refuses longer input; no real field of several numbers is longer
_SEPARATORS = re.compile(r"[/、;,|\n或]|\bor\b", re.IGNORECASE)
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−ー﹣", "-") | dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\u00ad"))
_EXTENSION = re.compile(
    r"^(?P<main>.*\d.*?)[\s,;(-]*"
    r"(?:转接|转分机|转|轉|分机号|分机|分機|内线|extension|extn|ext|x|#)[\s.::#号-]*(?P<extension>\d{1,8})\D*$",
    re.IGNORECASE | re.DOTALL,
)
_DASHED_EXTENSION = re.compile(r"^(?P<main>.*\d.*?)\s*-\s*(?P<extension>\d{1,6})\D*$", re.DOTALL)
_PLAIN_MOBILE = re.compile(r"1[3-9]\d{9}", re.ASCII)
_CHINESE_MOBILE = re.compile(r"(?:\+?86|0086)?1[3-9]\d{9}")
_CJK = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff]+")
_WORDS_IN_BRACKETS = re.compile(r"\([^()\d]*\)|\[[^\[\]\d]*\]")
_AMERICAN = re.compile(r"[^\d+]*\(?(?![48]00)\d{3}\)?[ .-]{1,2}\d{3}[ .-]\d{4}\D*")
_DIALLED = re.compile(r"[^\d+]*(?:\+|0|86)")
_MOST = 20
_TRUNK_ZERO = re.compile(r"^(\s*(?:\+|00)?\s*86[\s.-]*)\(\s*0\s*\)")
_KINDS: dict[int, Kind] = {
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE: "fixed",
    PhoneNumberType.VOIP: "voip",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "other",  # North America: the number does not tell
    PhoneNumberType.PERSONAL_NUMBER: "other",
    PhoneNumberType.TOLL_FREE: "service",
    PhoneNumberType.SHARED_COST: "service",
    PhoneNumberType.PREMIUM_RATE: "service",
    PhoneNumberType.UAN: "service",
    PhoneNumberType.VOICEMAIL: "service",
    PhoneNumberType.PAGER: "service",
}


@dataclass(frozen=True)
class Phone:
    """One telephone number. `e164` (`+8613…`, at most 15 digits) is given only when `valid`.

    `linkable` says whether the number may join two people's records by itself: never for 400/800 and short
    numbers, never behind an extension (a switchboard has one number and many people), never for well-known
    filler.
    """

    raw: str = field(repr=False)
    e164: str | None = field(default=None, repr=False)
    extension: str | None = field(default=None, repr=False)
    kind: Kind = "unknown"
    valid: bool = False
    linkable: bool = False


def parse_phone(raw: str, region: str = "CN") -> Phone:
    """Read one number as dialled in `region` (ISO 3166 alpha-2). Never raises; of several numbers reads the
    first."""
    text = _fold(raw)
    if not text.strip() or len(text) > _LONGEST:
        return Phone(raw)
    main, extension, number = text, None, _plain_mobile(text, region)
    if number is None:
        main, extension = _split_extension(text, region)
        main = _SEPARATORS.split(main, maxsplit=1)[0]
        number = _read(main, region)
    if number is None:
        service = _is_short_number(main, region)
        return Phone(raw, None, extension, "service" if service else "unknown", False, False)
    own_extension = number.extension or None
    kind = _KINDS.get(phonenumbers.number_type(number), "unknown")
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    extension = extension or own_extension
    linkable = kind not in ("service", "unknown") and extension is None and not _is_filler(e164)
    if e164.startswith("+86") and kind == "fixed" and not _DIALLED.match(main):
        linkable = False  # an area code without its 0 may be a number of another country
    return Phone(raw, e164, extension, kind, True, linkable)


def split_phones(raw: str) -> list[str]:
    """Take a field of several numbers apart (separators / 、 ; , | 或 and line ends).

    A part too short to be a number of its own (`61234567/8`, an extension after a comma) stays with the one
    before it. Parts come back as written, full width folded; [] for a blank field; more than 20 are no list
    of numbers and come back as one.
    """
    parts: list[str] = []
    for piece in _SEPARATORS.split(_fold(raw)):
        for part in _split_mobiles(piece):
            digits = sum(character.isdigit() for character in part)
            if digits >= 5 or not parts:
                parts.append(part.strip())
            elif digits:
                parts[-1] += "/" + part.strip()
    parts = [part for part in parts if part]
    return parts if len(parts) <= _MOST else [_fold(raw).strip()]


def _fold(raw: str) -> str:
    """Full-width digits and signs to their plain forms, all dashes to one, invisible characters away."""
    return unicodedata.normalize("NFKC", raw).translate(_DASHES)


def _split_mobiles(piece: str) -> list[str]:
    """Blanks separate numbers only where every part is a whole mobile number: `138 0013 8000` is one
    number."""
    parts = piece.split()
    if len(parts) > 1 and all(_CHINESE_MOBILE.fullmatch(part) for part in parts):
        return parts
    return [piece]


def _split_extension(text: str, region: str) -> tuple[str, str | None]:
    named = _EXTENSION.match(text)
    if named and sum(character.isdigit() for character in named["main"]) >= 5:
        return named["main"], named["extension"]
    dashed = _DASHED_EXTENSION.match(text)
    # Only after a full landline or service number: in `138-0013-8000` the last group belongs to the number.
    if dashed:
        number = _read(dashed["main"], region)
        whole_fixed = {PhoneNumberType.FIXED_LINE, PhoneNumberType.SHARED_COST, PhoneNumberType.TOLL_FREE}
        if number is not None and number.country_code == 86 and phonenumbers.number_type(number) in whole_fixed:
            return dashed["main"], dashed["extension"]
    return text, None


def _plain_mobile(text: str, region: str) -> PhoneNumber | None:
    """Eleven digits, as nearly all of them are written, without the general way of reading: a third of its time."""
    if region != "CN" or not _PLAIN_MOBILE.fullmatch(text):
        return None
    number = PhoneNumber(country_code=86, national_number=int(text))
    return number if phonenumbers.is_valid_number(number) else None


def _read(text: str, region: str) -> PhoneNumber | None:
    if region == "CN" and _AMERICAN.fullmatch(text):
        return None  # 393-999-3922 would pass for Puyang without its 0
    plain = _CJK.sub(" ", _WORDS_IN_BRACKETS.sub(" ", _TRUNK_ZERO.sub(r"\1", text)))
    try:
        number = phonenumbers.parse(plain, region)
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.is_valid_number(number) else None


def _is_short_number(text: str, region: str) -> bool:
    digits = re.sub(r"\D", "", text)
    if not 3 <= len(digits) <= 8:
        return False
    try:
        return phonenumbers.is_valid_short_number_for_region(phonenumbers.parse(digits, region), region)
    except phonenumbers.NumberParseException:
        return False


def _is_filler(e164: str) -> bool:
    """Numbers typed to get past a form: the operator's well-known 13800138000, and eight equal digits."""
    return e164 in ("+8613800138000", "+8613800000000") or len(set(e164[-8:])) == 1
