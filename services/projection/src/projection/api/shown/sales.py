"""Sales as the record shows them. Money in minor units of `currency`."""

from typing import Annotated

from pydantic import Field

from projection.api.shown.base import Id, Shown, Stream
from roadbook.http.types import Date, Instant

Vin = Annotated[str, Field(examples=["LSVAA49J132047371"])]
Money = Annotated[int, Field(examples=[12_990_000])]
OfStream = Annotated[str | None, Field(examples=["order/0199a3c4-8f10-7c66-8d21-5b0e9a3c1f42"])]
SalesDealer = Annotated[str | None, Field(examples=["dealer-sh-01"])]


# ── Before the purchase ───────────────────────────────────────────────────────────────────────────────────────
class OpportunityShown(Shown):
    """`lead` is the stream it comes from, `contract` what it was won with."""

    stream: Stream
    dealer: SalesDealer
    lead: OfStream
    source: str | None
    models: Annotated[list[str], Field(examples=[["volkswagen-lavida"]])]
    owner_kind: Annotated[str | None, Field(examples=["private"])]
    tender: Annotated[str | None, Field(examples=[None])]
    staff: str | None
    state: Annotated[str, Field(description="open, won or lost", examples=["won"])]
    opened_at: Instant
    closed_at: Instant | None
    contract: OfStream
    reason: str | None
    competitor: str | None


class QuoteLineShown(Shown):
    """`amount` is of the whole line."""

    kind: Annotated[str, Field(description="vehicle, accessory, insurance, fee or discount", examples=["discount"])]
    code: Annotated[str | None, Field(examples=["spring_offer"])]
    quantity: Annotated[int, Field(examples=[1])]
    amount: Money


class QuoteShown(Shown):
    stream: Stream
    dealer: SalesDealer
    opportunity: OfStream
    lines: list[QuoteLineShown]
    currency: str
    total: Money
    valid_until: Instant
    staff: str | None
    state: Annotated[str, Field(description="issued, accepted, expired or withdrawn", examples=["accepted"])]
    issued_at: Instant
    closed_at: Instant | None
    reason: str | None


class ContractLineShown(Shown):
    line: Annotated[int, Field(examples=[1])]
    model: str | None
    quantity: Annotated[int, Field(examples=[1])]
    price: Money


class DepositShown(Shown):
    receipt: Annotated[str, Field(examples=["receipt-1"])]
    amount: Money
    currency: str
    at: Instant
    refunded_at: Instant | None


class FinanceShown(Shown):
    application: Annotated[str, Field(examples=["application-1"])]
    provider: Annotated[str | None, Field(examples=["saic_finance"])]
    amount: Money
    currency: str
    at: Instant
    state: Annotated[str, Field(description="applied, approved or declined", examples=["approved"])]
    reason: str | None
    decided_at: Instant | None


class ContractShown(Shown):
    """`reason` is of the cancellation; `document_version` counts from 1 at the signing."""

    stream: Stream
    dealer: SalesDealer
    opportunity: OfStream
    quote: OfStream
    procurement: Annotated[str | None, Field(description="retail, tender or enterprise", examples=["retail"])]
    tender: Annotated[str | None, Field(examples=[None])]
    staff: str | None
    currency: str
    lines: list[ContractLineShown]
    total: Money
    document_version: Annotated[int, Field(examples=[1])]
    document_hash: Annotated[str, Field(examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"])]
    state: Annotated[str, Field(description="signed or cancelled", examples=["signed"])]
    signed_at: Instant
    amended_at: Instant | None
    cancelled_at: Instant | None
    reason: str | None
    deposits: list[DepositShown]
    finance: list[FinanceShown]


# ── The purchase ──────────────────────────────────────────────────────────────────────────────────────────────
class CancellationShown(Shown):
    """`after`: placed, allocated or delayed."""

    reason: str | None
    after: Annotated[str | None, Field(examples=["placed"])]
    at: Instant


class InsuranceShown(Shown):
    partner: Annotated[str | None, Field(examples=["ping_an"])]
    kind: Annotated[str | None, Field(examples=["comprehensive"])]
    premium: Money
    currency: str
    expires: Date | None
    at: Instant


class ItemShown(Shown):
    """`amount` is of the whole item."""

    code: Annotated[str, Field(examples=["roof_rack"])]
    quantity: Annotated[int, Field(examples=[1])]
    amount: Money


class AccessoryShown(Shown):
    stream: Stream
    dealer: SalesDealer
    order: OfStream
    vin: str | None
    items: list[ItemShown]
    currency: str
    total: Money
    staff: str | None
    sold_at: Instant
    returned_at: Instant | None
    reason: str | None


RelationStage = Annotated[
    str,
    Field(
        description="of this one vehicle: on_order, cancelled, owner_new, owner_active or former",
        examples=["owner_new"],
    ),
]


class PurchaseShown(Shown):
    """One order. `discount` is what the quote of its contract gave, of all its vehicles; `repurchase`: by somebody who
    had become an owner before."""

    stream: Stream
    dealer: SalesDealer
    contract: OfStream
    line: Annotated[int | None, Field(examples=[1])]
    model: str | None
    condition: Annotated[str | None, Field(description="new or used", examples=["new"])]
    price: Money
    currency: str
    staff: str | None
    discount: Annotated[int | None, Field(examples=[-300_000])]
    vin: str | None
    state: Annotated[
        str, Field(description="placed, allocated, delayed, delivered or cancelled", examples=["delivered"])
    ]
    placed_at: Instant
    promised: Date | None
    priority: Annotated[int | None, Field(examples=[None])]
    delivered_at: Instant | None
    odometer_km: Annotated[int | None, Field(examples=[12])]
    cancelled: CancellationShown | None
    insurance: list[InsuranceShown]
    accessories: list[AccessoryShown]
    trade_in: OfStream
    repurchase: Annotated[bool, Field(examples=[False])]
    stage: RelationStage
    stage_since: Instant


class TradeInShown(Shown):
    """What the party gives away. `amount` is what was offered, once agreed what was agreed."""

    stream: Stream
    dealer: SalesDealer
    vin: Vin
    model: str | None
    valid_until: Instant
    staff: str | None
    odometer_km: Annotated[int | None, Field(examples=[86_000])]
    amount: Money
    currency: str
    agreed_at: Instant | None
    order: OfStream
    state: Annotated[str, Field(description="appraised, agreed, received, declined or expired", examples=["received"])]
    appraised_at: Instant
    received_at: Instant | None
    declined_at: Instant | None
    reason: str | None


# ── Vehicles ──────────────────────────────────────────────────────────────────────────────────────────────────
class OwnershipShown(Shown):
    """From `from` until `until` (null: until now). `price` where it was sold used."""

    party_ref: Annotated[str | None, Field(examples=["0199a3c4-7d2e-7b51-9c3d-2f1e5a6b7c8d"])]
    dealer: SalesDealer
    cause: Annotated[
        str, Field(description="delivery, used_sale, trade_in, private or correction", examples=["delivery"])
    ]
    source: OfStream
    odometer_km: Annotated[int | None, Field(examples=[12])]
    since: Annotated[Instant, Field(alias="from")]
    until: Instant | None
    ended_by: Annotated[str | None, Field(examples=["trade_in"])]
    price: Annotated[int | None, Field(examples=[None])]
    currency: Annotated[str | None, Field(examples=["CNY"])]


class OwnedVehicleShown(Shown):
    vin: Vin
    model: str | None
    stage: RelationStage
    stage_since: Instant
    intervals: list[OwnershipShown]


class OwnerShown(OwnershipShown):
    """`customer_id` and `party_ref` are null for a dealer's stock, and where you see nothing else of the customer."""

    customer_id: Id | None


class DeliveryShown(Shown):
    stream: Stream
    dealer: SalesDealer
    model: str | None
    condition: Annotated[str | None, Field(examples=["new"])]
    delivered_at: Instant
    odometer_km: Annotated[int | None, Field(examples=[12])]
    party_ref: Id | None
    customer_id: Id | None


class GivenShown(Shown):
    stream: Stream
    dealer: SalesDealer
    model: str | None
    odometer_km: Annotated[int | None, Field(examples=[86_000])]
    state: Annotated[str, Field(examples=["received"])]
    appraised_at: Instant
    received_at: Instant | None
    party_ref: Id | None
    customer_id: Id | None


class VehicleShown(Shown):
    """Owners in time, as far as you may see them, without personal data."""

    vin: Vin
    model: str | None
    owners: list[OwnerShown]
    deliveries: list[DeliveryShown]
    trade_ins: list[GivenShown]
