"""Field types for request and response models. They validate Python objects (what FastAPI hands over) strictly.

Strict mode wants a tuple for `tuple[...]` and a member for an enum: use `list[...]` and `Literal[...]`.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final

from annotated_types import BaseMetadata, GroupedMetadata, MaxLen, MinLen
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    Strict,
    WithJsonSchema,
    field_validator,
)
from pydantic_core import PydanticCustomError

MAX_MINOR: Final = 10**15
_INSTANT: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(\.\d{1,9})?([Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)", re.ASCII
)
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_UUID: Final = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
_LINE_CONTROLS: Final = frozenset("\n\r\t")


class StrictModel(BaseModel):
    """Base of every model that crosses the edge: unknown fields, coercions, NaN and changes are refused."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, frozen=True, hide_input_in_errors=True)


def _to_instant(value: Any) -> datetime:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise PydanticCustomError("instant", "must be an RFC 3339 date-time with seconds and an offset")
        return value.astimezone(UTC)
    match = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise PydanticCustomError("instant", "must be an RFC 3339 date-time with seconds and an offset")
    day, clock, fraction, offset = match.groups()
    micros = (fraction or ".0")[:7]  # what a store keeps; finer digits are cut, not rounded
    zone = "+00:00" if offset in "Zz" else offset
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{micros}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        moment = datetime.min.replace(tzinfo=UTC)
    if not 1900 <= moment.year <= 9000:
        raise PydanticCustomError("instant", "must be an RFC 3339 date-time with seconds and an offset")
    return moment


def rfc3339(moment: datetime) -> str:
    """UTC with `Z`; microseconds only when there are any."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _to_date(value: Any) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise PydanticCustomError("calendar_date", "must be a date YYYY-MM-DD")


def _safe_text(value: str) -> str:
    """Printable text and line breaks. Format characters (emoji joiners, direction marks) are part of real names."""
    for char in "" if value.isprintable() else value:
        if unicodedata.category(char) in ("Cc", "Cs") and char not in _LINE_CONTROLS:
            raise PydanticCustomError("unsafe_text", "must hold no control characters")
    return value


@dataclass(frozen=True, slots=True)
class Text(GroupedMetadata):
    """Free text of `min`..`max` characters: `note: Annotated[str, Text(2000)]`. Personal data: never in a fact."""

    max: int
    min: int = 1

    def __iter__(self) -> Iterator[BaseMetadata]:
        yield from (Strict(), MinLen(self.min), MaxLen(self.max))
        yield AfterValidator(_safe_text)  # type: ignore[misc]  # pydantic reads any metadata from a group


Instant = Annotated[
    datetime,
    BeforeValidator(_to_instant),
    PlainSerializer(rfc3339, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-11-22T03:00:00+08:00"]}),
]
Date = Annotated[
    date,
    BeforeValidator(_to_date),
    WithJsonSchema({"type": "string", "format": "date", "examples": ["2026-11-22"]}),
]
Code = Annotated[str, Field(strict=True, pattern=r"^[a-z0-9][a-z0-9_.:-]{0,63}$", examples=["test_drive"])]
Uuid = Annotated[
    str,
    Field(
        strict=True,
        pattern=_UUID,
        json_schema_extra={"format": "uuid"},
        examples=["0199a3c4-7d2e-7b51-9c3d-2f1e5a6b7c8d"],
    ),
]
DealerId = Annotated[str, Field(strict=True, pattern=r"^[a-z0-9-]{2,32}$", examples=["sh-001"])]
Count = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]
Version = Annotated[int, Field(strict=True, ge=0, le=2_147_483_647)]
Currency = Annotated[str, Field(strict=True, pattern=r"^[A-Z]{3}$", examples=["CNY"])]


class Money(StrictModel):
    """An amount in minor units (fen, cent) of an ISO 4217 currency; never a fraction."""

    minor: Annotated[int, Field(ge=-MAX_MINOR, le=MAX_MINOR, examples=[19_980_000])]
    currency: Currency

    @field_validator("currency")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in CURRENCIES:
            raise PydanticCustomError("currency", "must be an active ISO 4217 code")
        return value


# ISO 4217 list one (active codes), without funds, metals and testing codes.
CURRENCIES: Final = frozenset(
    [
        "AED",
        "AFN",
        "ALL",
        "AMD",
        "AOA",
        "ARS",
        "AUD",
        "AWG",
        "AZN",
        "BAM",
        "BBD",
        "BDT",
        "BHD",
        "BIF",
        "BMD",
        "BND",
        "BOB",
        "BRL",
        "BSD",
        "BTN",
        "BWP",
        "BYN",
        "BZD",
        "CAD",
        "CDF",
        "CHF",
        "CLP",
        "CNY",
        "COP",
        "CRC",
        "CUP",
        "CVE",
        "CZK",
        "DJF",
        "DKK",
        "DOP",
        "DZD",
        "EGP",
        "ERN",
        "ETB",
        "EUR",
        "FJD",
        "FKP",
        "GBP",
        "GEL",
        "GHS",
        "GIP",
        "GMD",
        "GNF",
        "GTQ",
        "GYD",
        "HKD",
        "HNL",
        "HTG",
        "HUF",
        "IDR",
        "ILS",
        "INR",
        "IQD",
        "IRR",
        "ISK",
        "JMD",
        "JOD",
        "JPY",
        "KES",
        "KGS",
        "KHR",
        "KMF",
        "KPW",
        "KRW",
        "KWD",
        "KYD",
        "KZT",
        "LAK",
        "LBP",
        "LKR",
        "LRD",
        "LSL",
        "LYD",
        "MAD",
        "MDL",
        "MGA",
        "MKD",
        "MMK",
        "MNT",
        "MOP",
        "MRU",
        "MUR",
        "MVR",
        "MWK",
        "MXN",
        "MYR",
        "MZN",
        "NAD",
        "NGN",
        "NIO",
        "NOK",
        "NPR",
        "NZD",
        "OMR",
        "PAB",
        "PEN",
        "PGK",
        "PHP",
        "PKR",
        "PLN",
        "PYG",
        "QAR",
        "RON",
        "RSD",
        "RUB",
        "RWF",
        "SAR",
        "SBD",
        "SCR",
        "SDG",
        "SEK",
        "SGD",
        "SHP",
        "SLE",
        "SOS",
        "SRD",
        "SSP",
        "STN",
        "SVC",
        "SYP",
        "SZL",
        "THB",
        "TJS",
        "TMT",
        "TND",
        "TOP",
        "TRY",
        "TTD",
        "TWD",
        "TZS",
        "UAH",
        "UGX",
        "USD",
        "UYU",
        "UZS",
        "VED",
        "VES",
        "VND",
        "VUV",
        "WST",
        "XAF",
        "XCD",
        "XCG",
        "XOF",
        "XPF",
        "YER",
        "ZAR",
        "ZMW",
        "ZWG",
    ]
)
