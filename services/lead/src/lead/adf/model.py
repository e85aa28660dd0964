"""What an ADF document says, as plain values.

Nothing here has a repr that shows document text: these values meet loggers. Text is as written (blanks
collapsed in one-line fields); `raw` beside a typed value is the text it came from.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from roadbook.identifiers import Email, Phone, Vin

Status = Literal["new", "resend", "other"]
Interest = Literal["buy", "lease", "sell", "trade-in", "test-drive", "other"]
Condition = Literal["new", "used", "cpo", "other"]
NamePart = Literal["surname", "first", "middle", "last", "suffix", "full", "other"]
NameType = Literal["individual", "business", "other"]
PhoneType = Literal["voice", "fax", "cellphone", "pager", "other"]
CallTime = Literal["morning", "afternoon", "evening", "day", "nopreference", "other"]
AddressType = Literal["home", "work", "delivery", "other"]
PriceType = Literal["quote", "offer", "msrp", "invoice", "call", "appraisal", "asking", "other"]
AmountType = Literal["downpayment", "monthly", "total", "finance", "residual", "other"]


class Refused(Exception):
    """The whole document is refused. `code` is one of `REFUSALS`; `detail` never holds document text."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail


REFUSALS = {
    "document_empty": "The document is empty.",
    "document_too_large": "The document is larger than 256 KiB.",
    "too_many_prospects": "The document holds more than 100 prospects.",
    "too_many_elements": "The document holds more than 10,000 elements.",
    "too_deep": "Elements are nested more than 32 deep.",
    "dtd_forbidden": "Document type, entity and notation declarations are not accepted.",
    "mail_unreadable": "The mail around the document has no readable structure.",
}


@dataclass(frozen=True, repr=False)
class Identifier:
    """`<id source sequence>`: `value` is the id in its source's numbering."""

    value: str
    source: str | None = None
    sequence: str | None = None


@dataclass(frozen=True, repr=False)
class Amount:
    """A price or a finance amount. `minor` in minor units of `currency` (ISO 4217), or None where not
    certain.

    `delta`: absolute, relative or percentage; `relative_to`: msrp or invoice; `limit`: maximum, minimum or
    exact.
    """

    raw: str
    minor: int | None
    currency: str | None
    type: PriceType | AmountType | None = None
    delta: str | None = None
    relative_to: str | None = None
    limit: str | None = None
    source: str | None = None


@dataclass(frozen=True, repr=False)
class Odometer:
    """`value` in `units` (km or mi; None = not said); `status`: unknown, rolledover, replaced, original or
    None."""

    raw: str
    value: int | None
    units: Literal["km", "mi"] | None
    status: str | None = None


@dataclass(frozen=True, repr=False)
class Colours:
    exterior: str | None
    interior: str | None
    preference: str | None = None


@dataclass(frozen=True, repr=False)
class Option:
    name: str | None
    manufacturer_code: str | None = None
    stock: str | None = None
    weighting: str | None = None
    prices: tuple[Amount, ...] = ()


@dataclass(frozen=True, repr=False)
class Finance:
    method: str | None
    amounts: tuple[Amount, ...] = ()
    balances: tuple[Amount, ...] = ()


@dataclass(frozen=True, repr=False)
class Vehicle:
    """One `<vehicle>`. `interest` is ADF's default buy when absent; `status` None when absent; `year`
    1900–2100."""

    interest: Interest = "buy"
    status: Condition | None = None
    ids: tuple[Identifier, ...] = ()
    year: int | None = None
    make: str | None = None
    model: str | None = None
    vin: Vin | None = None
    stock: str | None = None
    trim: str | None = None
    doors: str | None = None
    body_style: str | None = None
    transmission: str | None = None
    condition: str | None = None
    odometer: Odometer | None = None
    colours: tuple[Colours, ...] = ()
    images: tuple[str, ...] = ()
    prices: tuple[Amount, ...] = ()
    price_comments: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    finance: Finance | None = None
    comments: tuple[str, ...] = ()


@dataclass(frozen=True, repr=False)
class Name:
    value: str
    part: NamePart = "full"
    type: NameType | None = None


@dataclass(frozen=True, repr=False)
class ContactEmail:
    """`raw` is the element's whole text; of several addresses in one element each is a ContactEmail of its
    own."""

    raw: str
    email: Email
    preferred: bool | None = None


@dataclass(frozen=True, repr=False)
class ContactPhone:
    """`raw` is the element's whole text; of several numbers in one element each is a ContactPhone of its
    own."""

    raw: str
    phone: Phone
    type: PhoneType | None = None
    time: CallTime | None = None
    preferred: bool | None = None


@dataclass(frozen=True, repr=False)
class Address:
    type: AddressType | None = None
    lines: tuple[str, ...] = ()
    apartment: str | None = None
    city: str | None = None
    region_code: str | None = None
    postal_code: str | None = None
    country: str | None = None
    url: str | None = None


@dataclass(frozen=True, repr=False)
class Contact:
    primary: bool | None = None
    names: tuple[Name, ...] = ()
    emails: tuple[ContactEmail, ...] = ()
    phones: tuple[ContactPhone, ...] = ()
    addresses: tuple[Address, ...] = ()

    def full_name(self) -> str | None:
        """The name to show: the full part, else the parts put together; None if there is none.

        Chinese parts stand family name first and without blanks.
        """
        given, family = ("first", "middle"), ("last", "surname")
        full = next((name.value for name in self.names if name.part == "full"), None)
        parts = [name for name in self.names if name.part not in ("full", "other")]
        chinese = bool(parts) and all("\u3400" <= name.value[0] <= "\u9fff" for name in parts)
        order = (*family, *given, "suffix") if chinese else (*given, *family, "suffix")
        joined = ("" if chinese else " ").join(name.value for part in order for name in parts if name.part == part)
        return full or joined or next((name.value for name in self.names), None)


@dataclass(frozen=True, repr=False)
class Timeframe:
    description: str | None = None
    earliest: date | None = None
    latest: date | None = None


@dataclass(frozen=True, repr=False)
class Customer:
    ids: tuple[Identifier, ...] = ()
    contacts: tuple[Contact, ...] = ()
    timeframe: Timeframe | None = None
    comments: tuple[str, ...] = ()


@dataclass(frozen=True, repr=False)
class Organisation:
    """Vendor (the dealer addressed) or provider (the sender). Names and numbers outside a `<contact>` are
    contact 0."""

    ids: tuple[Identifier, ...] = ()
    vendor_name: str | None = None
    service: str | None = None
    url: str | None = None
    contacts: tuple[Contact, ...] = ()

    def name(self) -> str | None:
        return self.vendor_name or next(filter(None, (contact.full_name() for contact in self.contacts)), None)


@dataclass(frozen=True)
class Note:
    """Something read with reserve.

    `code`: request_date_missing, request_date_unreadable, request_date_without_offset, request_date_implausible,
    status_unknown, vehicle_missing, vendor_missing, year_unreadable, price_uncertain, or the code of a VIN problem.
    `path` is made of the sender's own tag names, so it is not for logs.
    """

    code: str
    path: str = field(repr=False)


@dataclass(frozen=True)
class Prospect:
    """One readable `<prospect>`.

    `request_date` is UTC. Where the text has no offset or cannot be true (before 1990, or over a day after
    receipt) it is the time of receipt, and a note says so; None where nothing readable was sent.
    `request_date_raw` is what was sent. `from_text` lists the fields that were empty in the structure and
    were read from `Key: value` lines. `account` says of every text node and attribute value that became a
    field: (path, field), e.g. ("/adf[1]/prospect[1]/vehicle[1]/make[1]/text()[1]", "vehicles[0].make").
    `remainder` holds all others: (path, text).
    """

    index: int
    status: Status
    identity_digest: str = field(repr=False)
    content_digest: str = field(repr=False)
    ids: tuple[Identifier, ...] = field(repr=False)
    request_date: datetime | None = field(repr=False)
    request_date_raw: str | None = field(repr=False)
    vehicles: tuple[Vehicle, ...] = field(repr=False)
    customer: Customer = field(repr=False)
    vendor: Organisation | None = field(repr=False)
    provider: Organisation | None = field(repr=False)
    comments: tuple[str, ...] = field(repr=False)
    notes: tuple[Note, ...] = ()
    from_text: tuple[str, ...] = ()
    remainder: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    account: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def identity(self) -> str:
        """64 hex digits: equal for a prospect and its `resend`.

        Over provider and ids where an id has a value, else over the content without `status`. A careless
        provider numbers every prospect 1: same `identity()` but another `content_digest` and status new is
        a collision, not a repeat.
        """
        return self.identity_digest


@dataclass(frozen=True)
class Unreadable:
    """One prospect (or the document, index 1) for the quarantine. `fragment` is its text, free of NUL and
    controls.

    `reason`: not_well_formed, no_prospect, customer_missing.
    """

    index: int
    reason: str
    fragment: str = field(repr=False)

    def digest(self) -> str:
        return hashlib.sha256(self.fragment.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class Intake:
    """A read document. `digest` is SHA-256 of its bytes, hex. `repairs` are codes of what had to be mended
    to read it.

    `remainder` is all text outside the prospects (envelope, prolog, mail headers, stray text): (path, text).
    """

    digest: str
    prospects: tuple[Prospect | Unreadable, ...]
    encoding: str
    repairs: tuple[str, ...] = ()
    remainder: tuple[tuple[str, str], ...] = field(default=(), repr=False)
