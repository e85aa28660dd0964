"""What crosses the edge of the identity service."""

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from identity.domain.components import Pair, pair_of
from identity.service import said
from identity.service.said import Said
from roadbook.http.types import StrictModel, Text, Uuid

# A word of a vocabulary that may grow. It becomes a fact, so it has the shape of a word, never of a number or a name.
Word = Annotated[str, Field(strict=True, pattern=r"^[a-z][a-z0-9_]{0,47}$", examples=["marketing"])]
Source = Annotated[
    str, Field(strict=True, pattern=r"^[a-z][a-z0-9_]{0,47}(:[a-z][a-z0-9_]{0,47})?$", examples=["showroom"])
]
Wording = Annotated[str, Field(strict=True, pattern=r"^[a-z][a-z0-9_.-]{0,63}$", examples=["privacy-2026-01"])]
StaffId = Annotated[str, Field(strict=True, pattern=r"^[A-Za-z0-9._:-]{1,64}$", examples=["staff-sh-01-1"])]
ContactKey = Annotated[
    str, Field(strict=True, pattern=r"^(phone|email|address)/[1-9][0-9]{0,3}$", examples=["phone/1"])
]
RelationshipKind = Literal["household", "employer", "contact_person", "social"]
_DATES = frozenset({"birth_date"})


class Address(StrictModel):
    lines: list[Annotated[str, Text(200)]] = Field(default_factory=list, max_length=5)
    city: Annotated[str, Text(100)] | None = None
    region: Annotated[str, Text(100)] | None = None
    postal_code: Annotated[str, Text(20)] | None = None
    country: Annotated[str, Field(strict=True, pattern=r"^[A-Z]{2}$", examples=["CN"])] | None = None

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if not (self.lines or self.city or self.region or self.postal_code):
            raise PydanticCustomError("address_empty", "must have a line, a city, a region or a postal code")
        return self


class Value(StrictModel):
    """Exactly one of the three. It need not be right: what cannot be read is kept and marked."""

    phone: Annotated[str, Text(100), Field(examples=["138 1234 5678"])] | None = None
    email: Annotated[str, Text(320), Field(examples=["zhang.wei@example.com"])] | None = None
    address: Address | None = None
    source: Source

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(each is not None for each in (self.phone, self.email, self.address)) != 1:
            raise PydanticCustomError("one_value", "must have one of phone, email and address")
        return self

    def said(self) -> Said:
        if self.phone is not None:
            return said.phone(self.phone)
        if self.email is not None:
            return said.email(self.email)
        assert self.address is not None  # _one saw to it
        return said.address(self.address.model_dump(exclude_none=True))


class RegisterRequest(StrictModel):
    kind: Literal["person", "organisation"]
    source: Source


class AddRequest(Value):
    preferred: bool = False


class CorrectRequest(Value):
    """The same family as before: a phone stays a phone."""

    key: ContactKey

    @model_validator(mode="after")
    def _same_family(self) -> Self:
        if getattr(self, self.key.partition("/")[0]) is None:
            raise PydanticCustomError("family", "must be a value of the key's family")
        return self


class VerifyRequest(StrictModel):
    key: ContactKey
    method: Word
    by: StaffId | None = None


class FailRequest(StrictModel):
    key: ContactKey
    method: Word
    reason: Word


class RetireRequest(StrictModel):
    key: ContactKey
    reason: Word


class FieldGiven(StrictModel):
    """`value`, or `refused`. Dates are written YYYY-MM-DD."""

    name: Word
    purpose: Word
    refused: bool = False
    value: Annotated[str, Text(500), Field(examples=["1985-04-03"])] | None = None

    @model_validator(mode="after")
    def _said_or_refused(self) -> Self:
        if (self.value is None) is not self.refused:
            raise PydanticCustomError("refused", "must have a value, or be refused")
        if self.value is not None and self.name in _DATES:
            try:
                date.fromisoformat(self.value)
            except ValueError:
                raise PydanticCustomError("calendar_date", "must be a date YYYY-MM-DD") from None
        return self


class ProfileRequest(StrictModel):
    source: Source
    fields: list[FieldGiven] = Field(min_length=1, max_length=50)

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        if len({each.name for each in self.fields}) < len(self.fields):
            raise PydanticCustomError("field_twice", "must name each field once")
        return self

    def values(self) -> dict[str, Any]:
        return {each.name: each.value for each in self.fields if each.value is not None}


class OwnerKindRequest(StrictModel):
    owner_kind: Literal["private", "government_institution", "enterprise"]
    basis: Word


class RelateRequest(StrictModel):
    """`role` is the other's: `spouse`, `fleet_manager`."""

    kind: RelationshipKind
    other: Uuid
    role: Word | None = None


class EndRequest(StrictModel):
    kind: RelationshipKind
    other: Uuid
    reason: Word


class CellRequest(StrictModel):
    """`brand` null: for every brand."""

    purpose: Word
    channel: Word
    brand: Word | None = None
    source: Source


class GrantRequest(CellRequest):
    wording: Wording


class WithdrawRequest(CellRequest):
    """`refused`: asked, and said no; `withdrawn`: taken back."""

    wording: Wording | None = None
    reason: Literal["refused", "withdrawn"] = "withdrawn"


class ReasonRequest(StrictModel):
    reason: Word


class LinkRequest(StrictModel):
    party_refs: list[Uuid] = Field(min_length=2, max_length=2)

    @model_validator(mode="after")
    def _two(self) -> Self:
        if self.party_refs[0] == self.party_refs[1]:
            raise PydanticCustomError("two_refs", "must be two different references")
        return self

    def pair(self) -> Pair:
        return pair_of(*self.party_refs)


class SplitRequest(LinkRequest):
    reason: Word
