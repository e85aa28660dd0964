"""Dates, money, mileage and flags as dealers' systems write them: read when certain, else left as text."""

import re
import unicodedata
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Literal

_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_NAIVE_FORMATS = (
    "%m/%d/%Y %I:%M%p",
    "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%Y/%m/%d %H:%M:%S",
)
_CURRENCIES = frozenset(
    [
        "AED",
        "AUD",
        "BRL",
        "CAD",
        "CHF",
        "CNY",
        "CZK",
        "DKK",
        "EUR",
        "GBP",
        "HKD",
        "HUF",
        "IDR",
        "ILS",
        "INR",
        "JPY",
        "KRW",
        "KWD",
        "BHD",
        "OMR",
        "JOD",
        "TND",
        "MOP",
        "MXN",
        "MYR",
        "NOK",
        "NZD",
        "PHP",
        "PLN",
        "QAR",
        "RON",
        "RUB",
        "SAR",
        "SEK",
        "SGD",
        "THB",
        "TRY",
        "TWD",
        "UAH",
        "USD",
        "VND",
        "ZAR",
        "CLP",
        "ISK",
        "KZT",
    ]
)
_EXPONENTS = dict.fromkeys(["JPY", "KRW", "VND", "CLP", "ISK"], 0) | dict.fromkeys(
    ["KWD", "BHD", "OMR", "JOD", "TND"], 3
)
# Only signs that name one currency. A bare $ is a dozen of them.
_SIGNS = {
    "¥": "CNY",
    "元": "CNY",
    "RMB": "CNY",
    "人民币": "CNY",
    "€": "EUR",
    "£": "GBP",
    "US$": "USD",
    "HK$": "HKD",
    "C$": "CAD",
}
_MONEY = re.compile(r"(?P<before>[^\d.,-]{0,12})(?P<number>\d[\d,. ]{0,24})(?P<wan>万)?(?P<after>[^\d]{0,12})")
_MILEAGE = re.compile(r"(?P<number>\d[\d,. ]{0,14})(?P<wan>万)?\s*(?P<units>[^\d]{0,12})")
_UNITS: dict[str, Literal["km", "mi"]] = dict.fromkeys(("km", "kms", "kilometers", "kilometres", "公里", "千米"), "km")
_UNITS |= dict.fromkeys(("mi", "mile", "miles", "英里"), "mi")


def fold(text: str) -> str:
    """One line in plain characters: full width folded, blanks collapsed."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def read_instant(text: str, received: datetime) -> tuple[datetime | None, str | None]:
    """(UTC time, note code). Without an offset, or where it cannot be true, the time of receipt; None if
    unreadable."""
    found = _parse_instant(fold(text))
    if found is None:
        return None, "request_date_unreadable"
    if found.tzinfo is None:
        return received, "request_date_without_offset"
    try:
        instant = found.astimezone(UTC)
    except OverflowError:
        return received, "request_date_implausible"
    if not _EARLIEST <= instant <= received + timedelta(days=1):
        return received, "request_date_implausible"
    return instant, None


def _parse_instant(text: str) -> datetime | None:
    text = text[:64]
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    for pattern in _NAIVE_FORMATS:
        try:
            return datetime.strptime(text.upper(), pattern)  # noqa: DTZ007 - no offset is the point
        except ValueError:
            continue
    try:
        return parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def read_date(text: str) -> date | None:
    """An ISO date, or the date of an ISO time."""
    try:
        return datetime.fromisoformat(fold(text)[:64]).date()
    except ValueError:
        return None


def read_year(text: str) -> int | None:
    match = re.fullmatch(r"(\d{4})(?:\s*[款年])?", fold(text), re.ASCII)
    return int(match[1]) if match and 1900 <= int(match[1]) <= 2100 else None


def read_flag(text: str) -> bool | None:
    return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}.get(fold(text).lower())


def read_money(text: str, currency: str | None) -> tuple[int | None, str | None]:
    """(minor units, ISO 4217 code). Either is None where the text does not say it for certain; nothing is
    rounded."""
    match = _MONEY.fullmatch(fold(text))
    code = read_currency(currency) if currency else None
    if match is None:
        return None, code
    code = code or read_currency(match["before"]) or read_currency(match["after"])
    number = _decimal(match["number"])
    if number is None or code is None:
        return None, code
    minor = number * (10_000 if match["wan"] else 1) * 10 ** _EXPONENTS.get(code, 2)
    return (int(minor), code) if minor == minor.to_integral_value() and minor < 10**15 else (None, code)


def read_currency(text: str) -> str | None:
    code = fold(text).upper().strip(" .:")
    return code if code in _CURRENCIES else _SIGNS.get(code)


def read_mileage(text: str, units: str | None) -> tuple[int | None, Literal["km", "mi"] | None]:
    match = _MILEAGE.fullmatch(fold(text))
    said = _UNITS.get(fold(units).lower()) if units else None
    if match is None:
        return None, said
    number = _decimal(match["number"])
    value = None if number is None else number * (10_000 if match["wan"] else 1)
    whole = int(value) if value is not None and value < 10_000_000 else None
    return whole, said or _UNITS.get(match["units"].strip(" .").lower())


def _decimal(text: str) -> Decimal | None:
    """`199,800.00`, `199 800`, `199.800,00`; a form with two readings gives None."""
    plain = text.strip().rstrip(".,").replace(" ", "")
    if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", plain, re.ASCII):
        plain = plain.replace(",", "")
    elif re.fullmatch(r"\d{1,3}(\.\d{3})+,\d{1,2}", plain, re.ASCII):
        plain = plain.replace(".", "").replace(",", ".")
    return Decimal(plain) if re.fullmatch(r"\d+(\.\d+)?", plain, re.ASCII) else None
