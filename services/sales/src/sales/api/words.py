"""Words that cross the edge of the sales service, and what every route checks of them."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from roadbook.http.pointers import FieldError
from roadbook.http.problems import Problem
from roadbook.http.types import CURRENCIES, MAX_MINOR, Currency
from roadbook.identifiers import check_vin
from sales.settings import Network

# A word of a vocabulary that may grow. It becomes a fact, so it has the shape of a word, never of a number or a name.
Word = Annotated[str, Field(strict=True, pattern=r"^[a-z][a-z0-9_]{0,47}$", examples=["price"])]
Source = Annotated[
    str, Field(strict=True, pattern=r"^[a-z][a-z0-9_]{0,47}(:[a-z][a-z0-9_]{0,47})?$", examples=["web_form"])
]
# A number somebody else gave: of a receipt, an application, a call for tenders. Not free text.
Number = Annotated[str, Field(strict=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$", examples=["zfcg-2026-0117"])]
StaffId = Annotated[str, Field(strict=True, pattern=r"^[A-Za-z0-9._:-]{1,64}$", examples=["staff-sh-01-1"])]
DealerCode = Annotated[str, Field(strict=True, pattern=r"^[a-z0-9-]{2,32}$", examples=["dealer-sh-01"])]
ModelCode = Annotated[str, Field(strict=True, pattern=r"^[a-z0-9][a-z0-9-]{0,63}$", examples=["volkswagen-lavida"])]
Vin = Annotated[str, Field(strict=True, pattern=r"^[A-HJ-NPR-Z0-9]{17}$", examples=["LSVAA49J6T2900010"])]
Kilometres = Annotated[int, Field(strict=True, ge=0, le=5_000_000, examples=[12])]
Minor = Annotated[int, Field(strict=True, ge=0, le=MAX_MINOR, examples=[11_990_000])]
Period = Annotated[str, Field(strict=True, pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$", examples=["2026-01"])]
Quantity = Annotated[int, Field(strict=True, ge=1, le=1000, examples=[1])]
OwnerKind = Literal["private", "government_institution", "enterprise"]


def _known(currency: str) -> str:
    if currency not in CURRENCIES:
        raise PydanticCustomError("currency", "must be an active ISO 4217 code")
    return currency


KnownCurrency = Annotated[Currency, AfterValidator(_known)]


def refuse(pointer: str, code: str, detail: str) -> Problem:
    return Problem("invalid_request", errors=[FieldError(pointer, code, detail)])


def known_model(network: Network, model: str, pointer: str) -> str:
    """Raises a 422 for a code that is not of the catalogue."""
    if not network.is_model(model):
        raise refuse(pointer, "unknown_model", "must be a code of the catalogue")
    return model


def unknown_staff(pointer: str = "/staff") -> Problem:
    return refuse(pointer, "unknown_staff", "must work for the dealer")


def checked_vin(vin: str, pointer: str | None) -> str:
    """Raises a 422 for what cannot be a VIN: where the law demands a check digit, with a wrong one. `pointer` None: it
    stands in the path."""
    if any(problem.severity == "error" for problem in check_vin(vin).problems):
        error = FieldError(pointer, "vin_check_digit", "is not a VIN", None if pointer else "vin")
        raise Problem("invalid_request", errors=[error])
    return vin
