"""What crosses the edge of the lead service, and what it says as facts and personal data."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from lead.domain import lead as domain
from lead.service import said
from lead.service.leads import Captured
from lead.service.prospects import vin_fact, vin_warnings
from lead.settings import Network
from roadbook.context import CommandContext
from roadbook.http.pointers import FieldError
from roadbook.http.problems import Problem
from roadbook.http.types import CURRENCIES, MAX_MINOR, Count, Currency, Date, Instant, StrictModel, Text, Uuid
from roadbook.identifiers import check_vin, normalise_email, parse_phone

# A word of a vocabulary that may grow. It becomes a fact, so it has the shape of a word, never of a number or a name.
Word = Annotated[str, Field(strict=True, pattern=r"^[a-z][a-z0-9_]{0,47}$", examples=["test_drive"])]
# A family and a member: `web`, `social:weibo`.
Source = Annotated[
    str, Field(strict=True, pattern=r"^[a-z][a-z0-9_]{0,47}(:[a-z][a-z0-9_]{0,47})?$", examples=["social:weibo"])
]
Wording = Annotated[str, Field(strict=True, pattern=r"^[a-z][a-z0-9_.-]{0,63}$", examples=["privacy-2026-01"])]
StaffId = Annotated[str, Field(strict=True, pattern=r"^[A-Za-z0-9._:-]{1,64}$", examples=["staff-sh-01-1"])]
ModelCode = Annotated[str, Field(strict=True, pattern=r"^[a-z0-9][a-z0-9-]{0,63}$", examples=["volkswagen-lavida"])]
DealerCode = Annotated[str, Field(strict=True, pattern=r"^[a-z0-9-]{2,32}$", examples=["dealer-sh-01"])]
ContactKey = Annotated[
    str, Field(strict=True, pattern=r"^(phone|email|address)/[1-9][0-9]{0,3}$", examples=["phone/2"])
]
RegionCode = Annotated[str, Field(strict=True, pattern=r"^[a-z][a-z0-9-]{1,31}$", examples=["sh-pudong"])]
Minor = Annotated[int, Field(strict=True, ge=0, le=MAX_MINOR, examples=[15_000_000])]
Grade = Literal["hot", "warm", "cold"]

SKEW = timedelta(minutes=5)  # a client's clock may run ahead a little; the fact itself is never later than now


class Phone(StrictModel):
    value: Annotated[str, Text(100), Field(examples=["021-6123 4567 转 801"])]
    preferred: bool | None = None


class Email(StrictModel):
    value: Annotated[str, Text(320), Field(examples=["zhang.wei@example.com"])]
    preferred: bool | None = None


class Address(StrictModel):
    lines: list[Annotated[str, Text(200)]] = Field(default_factory=list, max_length=5)
    city: Annotated[str, Text(100)] | None = None
    region: Annotated[str, Text(100)] | None = None
    postal_code: Annotated[str, Text(20)] | None = None
    country: Annotated[str, Field(strict=True, pattern=r"^[A-Z]{2}$", examples=["CN"])] | None = None
    preferred: bool | None = None

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if not (self.lines or self.city or self.region or self.postal_code):
            raise PydanticCustomError("address_empty", "must have a line, a city, a region or a postal code")
        return self


class Person(StrictModel):
    """Who it is, as far as known. Contact points need not be right: what cannot be read is kept and marked."""

    name: Annotated[str, Text(200), Field(examples=["张伟"])] | None = None
    given_name: Annotated[str, Text(100)] | None = None
    family_name: Annotated[str, Text(100)] | None = None
    birth_date: Date | None = None
    phones: list[Phone] = Field(default_factory=list, max_length=10)
    emails: list[Email] = Field(default_factory=list, max_length=10)
    addresses: list[Address] = Field(default_factory=list, max_length=5)

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if not (self.name or self.given_name or self.family_name or self.phones or self.emails):
            raise PydanticCustomError("person_empty", "must have a name, a phone or an e-mail address")
        return self


class Consent(StrictModel):
    """As given: for a purpose on a channel, under a version of the wording. A refusal is worth recording too."""

    purpose: Word
    channel: Word
    granted: bool
    wording: Wording
    brand: Word | None = None


class Vehicle(StrictModel):
    interest: Literal["buy", "lease", "sell", "trade-in", "test-drive"] = "buy"
    model: ModelCode | None = None
    year: Annotated[int, Field(strict=True, ge=1900, le=2100)] | None = None
    condition: Literal["new", "used", "cpo"] | None = None
    vin: Annotated[str, Text(40), Field(examples=["LSVAA49J132047371"])] | None = None
    odometer: Count | None = None
    odometer_unit: Literal["km", "mi"] = "km"


class Budget(StrictModel):
    """In minor units; one bound may be left open."""

    currency: Currency
    minimum: Minor | None = None
    maximum: Minor | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.currency not in CURRENCIES:
            raise PydanticCustomError("currency", "must be an active ISO 4217 code")
        if self.minimum is None and self.maximum is None:
            raise PydanticCustomError("budget_empty", "must have a minimum or a maximum")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise PydanticCustomError("budget_order", "the minimum is above the maximum")
        return self


class Window(StrictModel):
    """When the party means to buy; one end may be left open."""

    earliest: Date | None = None
    latest: Date | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.earliest is None and self.latest is None:
            raise PydanticCustomError("window_empty", "must have an earliest or a latest date")
        if self.earliest is not None and self.latest is not None and self.earliest > self.latest:
            raise PydanticCustomError("window_order", "the earliest date is after the latest")
        return self


class NextAction(StrictModel):
    kind: Word
    due: Instant
    assignee: StaffId | None = None


class Need(StrictModel):
    """What the car is for, in codes: use, family, parking …; `source` is how we know."""

    kind: Word
    value: Word
    source: Word = "said"


class Intent(StrictModel):
    """What may be said at capture and again later."""

    person: Person | None = None
    consents: list[Consent] = Field(default_factory=list, max_length=50)
    interest_text: Annotated[str, Text(2000)] | None = None
    comments: Annotated[str, Text(4000)] | None = None
    budget: Budget | None = None
    window: Window | None = None
    region: RegionCode | None = None
    needs: list[Need] = Field(default_factory=list, max_length=20)


class CaptureRequest(Intent):
    source: Source
    vehicles: list[Vehicle] = Field(default_factory=list, max_length=20)
    party_ref: Uuid | None = None
    dealer_wish: DealerCode | None = None
    campaign: Word | None = None
    next_action: NextAction | None = None
    occurred_at: Instant | None = None

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if self.person is None and self.party_ref is None:
            raise PydanticCustomError("nobody", "must have a person or a party_ref")
        return self


class EnrichRequest(Intent):
    """Everything is optional; `vehicles` replaces the list, contact points are added, a known one is recognised."""

    vehicles: Annotated[list[Vehicle], Field(max_length=20)] | None = None
    remove_contact_points: list[ContactKey] = Field(default_factory=list, max_length=20)


class QualifyRequest(StrictModel):
    grade: Grade
    reasons: list[Word] = Field(default_factory=list, max_length=20)
    note: Annotated[str, Text(2000)] | None = None


class ScheduleRequest(StrictModel):
    next_action: NextAction
    note: Annotated[str, Text(2000)] | None = None


class LoseRequest(StrictModel):
    """`competitor` is the catalogue code of what was bought instead."""

    reason: Word
    competitor: ModelCode | None = None
    note: Annotated[str, Text(2000)] | None = None


class ReopenRequest(StrictModel):
    reason: Word
    next_action: NextAction | None = None
    note: Annotated[str, Text(2000)] | None = None


class ReasonRequest(StrictModel):
    reason: Word
    note: Annotated[str, Text(2000)] | None = None


class ConvertRequest(StrictModel):
    note: Annotated[str, Text(2000)] | None = None


class CompleteRequest(StrictModel):
    outcome: Word
    staff: StaffId | None = None
    next_action: NextAction | None = None
    note: Annotated[str, Text(2000)] | None = None


class RouteRequest(StrictModel):
    """Without `dealer` the rule chooses; `accept_by` shortens or lengthens the time to answer."""

    dealer: DealerCode | None = None
    accept_by: Instant | None = None


class AcceptRequest(StrictModel):
    staff: StaffId | None = None


class StatusRequest(StrictModel):
    status: Word
    staff: StaffId | None = None
    note: Annotated[str, Text(2000)] | None = None


class StaffRequest(StrictModel):
    staff: StaffId


class AssignRequest(StrictModel):
    staff: StaffId
    reason: Word


class ReassignRequest(StrictModel):
    """All leads of `from`; `to` where that is staff of the lead's dealer, else its manager."""

    from_: StaffId = Field(alias="from")
    to: StaffId | None = None
    reason: Word


class ShareRequest(StrictModel):
    dealer: DealerCode
    scope: Literal["facts", "contact"]
    until: Instant
    reason: Word


class RevokeRequest(StrictModel):
    dealer: DealerCode


class VisitRequest(StrictModel):
    """`persons` who came, the customer among them."""

    purpose: Word
    persons: Annotated[int, Field(strict=True, ge=1, le=50)] = 1
    staff: StaffId | None = None
    occurred_at: Instant | None = None
    note: Annotated[str, Text(2000)] | None = None


class ExperienceRequest(StrictModel):
    """What of a model was tried on which site, and for how many seconds."""

    model: ModelCode
    feature: Word
    seconds: Annotated[int, Field(strict=True, ge=0, le=86_400)]
    site: Word
    occurred_at: Instant | None = None


# ── To the service ────────────────────────────────────────────────────────────────────────────────────────────
def refuse(pointer: str, code: str, detail: str) -> Problem:
    return Problem("invalid_request", errors=[FieldError(pointer, code, detail)])


def capture(request: CaptureRequest, network: Network, context: CommandContext) -> tuple[said.Said, Captured]:
    """What a capture says, alone or as a row of a list. Raises a 422 for a word that is not of the network."""
    at = request.occurred_at or context.now
    if at > context.now + SKEW:
        raise refuse("/occurred_at", "in_the_future", "must not be in the future")
    if request.dealer_wish is not None and not network.is_dealer(request.dealer_wish):
        raise refuse("/dealer_wish", "unknown_dealer", "must be a dealer of the network")
    captured = Captured(
        source=request.source,
        at=at,
        party_ref=request.party_ref,
        dealer_wish=request.dealer_wish,
        campaign=request.campaign,
        next_action=next_action(request.next_action, network, context.dealer),
    )
    return intent(request, request.vehicles, network), captured


def next_action(
    wanted: NextAction | None, network: Network, dealer: str | None, pointer: str = "/next_action"
) -> domain.NextAction | None:
    """Raises a 422 for an assignee who is not of the dealer's staff."""
    if wanted is None:
        return None
    if wanted.assignee is not None and not network.is_staff(wanted.assignee, dealer):
        raise refuse(f"{pointer}/assignee", "unknown_staff", "must be one of your staff")
    return domain.NextAction(wanted.kind, wanted.due, wanted.assignee)


def staff(code: str | None, network: Network, dealer: str | None, pointer: str = "/staff") -> str | None:
    """Raises a 422 for somebody who is not of the dealer's staff."""
    if code is not None and not network.is_staff(code, dealer):
        raise refuse(pointer, "unknown_staff", "must be one of your staff")
    return code


def known_dealer(code: str | None, network: Network, pointer: str = "/dealer") -> str | None:
    if code is not None and not network.is_dealer(code):
        raise refuse(pointer, "unknown_dealer", "must be a dealer of the network")
    return code


def happened(at: datetime | None, now: datetime) -> datetime:
    """When it happened: said, else now. Raises a 422 for the future."""
    if at is not None and at > now + SKEW:
        raise refuse("/occurred_at", "in_the_future", "must not be in the future")
    return min(at or now, now)


def known_model(code: str | None, network: Network, pointer: str) -> str | None:
    if code is not None and not network.is_model(code):
        raise refuse(pointer, "unknown_model", "must be a code of the catalogue; put other words into interest_text")
    return code


def intent(request: Intent, vehicles: Sequence[Vehicle] | None, network: Network) -> said.Said:
    """Raises a 422 for a model that is not in the catalogue and for a text that cannot be a VIN."""
    warnings: list[Mapping[str, str]] = []
    contacts, texts = _person(request.person, warnings) if request.person else ([], {})
    texts |= {"interest_text": request.interest_text, "comments": request.comments}
    cars = None
    if vehicles is not None:
        cars = tuple(_vehicle(v, f"/vehicles/{i}", network, warnings) for i, v in enumerate(vehicles))
    budget, window = request.budget, request.window
    if request.region is not None and not network.is_region(request.region):
        raise refuse("/region", "unknown_region", "must be a region of the network")
    return said.Said(
        texts={name: text for name, text in texts.items() if text is not None},
        contacts=contacts,
        vehicles=cars,
        budget=domain.Budget(budget.currency, budget.minimum, budget.maximum) if budget else None,
        window=domain.Window(window.earliest, window.latest) if window else None,
        consents=tuple(domain.Consent(c.purpose, c.channel, c.granted, c.wording, c.brand) for c in request.consents),
        region=request.region,
        needs=tuple(domain.Need(need.kind, need.value, need.source) for need in request.needs),
        warnings=warnings,
    )


def _person(person: Person, warnings: list[Mapping[str, str]]) -> tuple[list[said.Contact], dict[str, Any]]:
    contacts = [said.phone(parse_phone(p.value), preferred=p.preferred) for p in person.phones]
    contacts += [said.email(normalise_email(e.value), preferred=e.preferred) for e in person.emails]
    families = ("phone", "email")
    for family in families:
        for index, contact in enumerate(c for c in contacts if c.family == family):
            if not contact.valid:
                warnings.append({"code": f"{family}_invalid", "pointer": f"/person/{family}s/{index}"})
    for place in person.addresses:
        value = place.model_dump(exclude={"preferred"}, exclude_none=True)
        contacts.append(said.address(value, preferred=place.preferred))
    texts = {
        "name": person.name,
        "given_name": person.given_name,
        "family_name": person.family_name,
        "birth_date": person.birth_date.isoformat() if person.birth_date else None,
    }
    return contacts, texts


def _vehicle(
    vehicle: Vehicle, pointer: str, network: Network, warnings: list[Mapping[str, str]]
) -> domain.VehicleInterest:
    vin = check_vin(vehicle.vin) if vehicle.vin is not None else None
    for problem in vin.problems if vin else ():
        if problem.severity == "error":
            raise refuse(f"{pointer}/vin", problem.code, "is not a vehicle identification number")
    if vin:
        warnings += vin_warnings(vin, f"{pointer}/vin")
    return domain.VehicleInterest(
        interest=vehicle.interest,
        model=known_model(vehicle.model, network, f"{pointer}/model"),
        year=vehicle.year,
        condition=vehicle.condition,
        vin=vin_fact(vin),
        odometer=vehicle.odometer,
        odometer_unit=vehicle.odometer_unit if vehicle.odometer is not None else None,
    )
