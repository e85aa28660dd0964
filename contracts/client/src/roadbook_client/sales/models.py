"""Roadbook: sales: written by `make contracts` from contracts/openapi/sales.json."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class AccessorySaleListed(TypedDict):
    """`total` in minor units; `order_id` is of the vehicle's order."""

    accessory_sale: str
    party_ref: str
    dealer: str
    order_id: str | None
    vin: str | None
    total: int
    currency: str
    staff: str | None
    state: str
    sold_at: str
    returned_at: str | None
    version: int


class AccessorySaleShown(TypedDict):
    """`order` is the stream of the vehicle's order."""

    accessory_sale: str
    stream: str
    version: int
    party_ref: str
    dealer: str
    order: str | None
    vin: str | None
    items: list[ItemShown]
    total: int
    currency: str
    staff: str | None
    state: str
    sold_at: str
    reason: str | None
    returned_at: str | None


class AccessorySalesPage(TypedDict):
    next_cursor: str | None
    has_more: bool
    items: list[AccessorySaleListed]


class AccountListed(TypedDict):
    """In minor units: what was ever earned, taken back and paid; `open` is the rest."""

    staff: str
    dealer: str
    currency: str
    accrued: int
    reversed: int
    settled: int
    open: int


class AccountsPage(TypedDict):
    next_cursor: str | None
    has_more: bool
    items: list[AccountListed]


class AgreeRequest(TypedDict):
    """Without `offer`: as appraised. `order` is the id of the new vehicle's order, which may also be named later."""

    offer: NotRequired[Money | None]
    order: NotRequired[str | None]


class AllocateRequest(TypedDict):
    vin: str


class AmendRequest(TypedDict):
    """`lines` are all of them as they are from now on."""

    document_hash: str
    lines: list[AmendedLine]
    reason: str


class AmendedLine(TypedDict):
    """`line` names one that is there; without it the line is new and gets the next number."""

    model: str
    quantity: NotRequired[int]
    price: int
    line: NotRequired[int | None]


class ApplicationShown(TypedDict):
    application: str
    provider: str
    amount: int
    status: str
    reason: str | None


class ApplyForFinanceRequest(TypedDict):
    """`application`: the number under which the provider knows it."""

    application: str
    provider: str
    amount: int
    currency: str


class AppraiseAnswer(TypedDict):
    stream: str
    version: int
    events: list[str]
    position: str
    trade_in: str
    party_ref: str


class AppraiseRequest(TypedDict):
    """Of the vehicle `vin`; the offer holds until `valid_until`. Without `party_ref` a new one is made. `dealer` is for
    headquarters to name."""

    vin: str
    model: NotRequired[str | None]
    odometer_km: NotRequired[int | None]
    offer: Money
    valid_until: str
    party_ref: NotRequired[str | None]
    staff: NotRequired[str | None]
    dealer: NotRequired[str | None]


class ApproveFinanceRequest(TypedDict):
    application: str


class AssignRequest(TypedDict):
    staff: str


class AttachShown(TypedDict):
    """Of `delivered` vehicles so many with each; permille of them in `rates`, null of none."""

    delivered: int
    insurance: int
    accessories: int
    trade_in: int
    second_vehicle: int
    rates: dict[str, int | None]


class BackTestShown(TypedDict):
    """`delivered_amount` is in the currency of the forecasts."""

    dealer: str
    period: str
    final: bool
    delivered_units: int
    delivered_amount: int
    delivered: list[DeliveredShown]
    tested: list[TestedShown]


class CancelContractRequest(TypedDict):
    reason: str


class CancelOrderRequest(TypedDict):
    reason: str


class ChannelShown(TypedDict):
    """Opportunities of one source that were opened, won and lost in the month, and vehicles delivered of it. What was
    sold without an opportunity is `direct`."""

    source: str
    opened: int
    won: int
    lost: int
    delivered_units: int


class CommandAnswer(TypedDict):
    """`events` are ids, empty when nothing was new; `position` is for `?min=` of the record."""

    stream: str
    version: int
    events: list[str]
    position: str


class ContractLineRequest(TypedDict):
    """`quantity` vehicles at `price` each, in minor units."""

    model: str
    quantity: NotRequired[int]
    price: int


class ContractLineShown(TypedDict):
    line: int
    model: str
    quantity: int
    price: int


class ContractListItem(TypedDict):
    contract: str
    party_ref: str
    dealer: str
    opportunity: str | None
    quote: str | None
    currency: str
    total: int
    procurement: str
    tender: str | None
    staff: str | None
    state: str
    reason: str | None
    document_version: int
    signed_at: str
    cancelled_at: str | None
    version: int
    vehicles: int


class ContractShown(TypedDict):
    contract: str
    party_ref: str
    dealer: str
    opportunity: str | None
    quote: str | None
    currency: str
    total: int
    procurement: str
    tender: str | None
    staff: str | None
    state: str
    reason: str | None
    document_version: int
    signed_at: str
    cancelled_at: str | None
    version: int
    stream: str
    document_hash: str
    lines: list[ContractLineShown]
    deposits: list[DepositShown]
    finance: list[ApplicationShown]


class ContractsPage(TypedDict):
    next_cursor: str | None
    has_more: bool
    items: list[ContractListItem]


class CustomerListed(TypedDict):
    party_ref: str
    opportunities: int
    open: int
    orders: int
    delivered: int
    last_at: str


class CustomersPage(TypedDict):
    next_cursor: str | None
    has_more: bool
    items: list[CustomerListed]


class DeallocateRequest(TypedDict):
    reason: str


class DeclineFinanceRequest(TypedDict):
    application: str
    reason: str


class DeclineRequest(TypedDict):
    reason: str


class DelayRequest(TypedDict):
    promised: str
    reason: str


class DeliverRequest(TypedDict):
    """Without `staff` it is whoever sold it."""

    odometer_km: NotRequired[int | None]
    staff: NotRequired[str | None]


class DeliveredShown(TypedDict):
    staff: str | None
    currency: str
    units: int
    amount: int


class DepositRequest(TypedDict):
    """`receipt` is its number: the same again is the same deposit."""

    receipt: str
    amount: int
    currency: str


class DepositShown(TypedDict):
    """`refunded` is what was given back of it."""

    receipt: str
    amount: int
    received_at: str
    refunded: int | None


class EntryShown(TypedDict):
    """`kind` is `accrued` or `reversed`; reversed, the `amount` is below zero and takes the entry `of` back.
    `earned_by` is the stream of the sale, `receipt` the event that says the entry, `cause` the delivery, sale, return
    or cancellation it follows from."""

    entry: str
    kind: str
    amount: int
    currency: str
    earned_by: str
    dealer: str
    share_bp: int
    rule: str
    rules: str
    of: str | None
    reason: str | None
    at: str
    settlement: str | None
    receipt: str
    cause: str | None


class EventShown(TypedDict):
    """`causation` is the id of the event that caused it, if one did."""

    id: str
    type: str
    version: int
    time: str
    recorded: str
    actor: str
    correlation: str
    causation: str | None
    data: dict[str, Any]


class EventsPage(TypedDict):
    next_cursor: str | None
    has_more: bool
    items: list[EventShown]


class ExpiringListed(TypedDict):
    order: str
    party_ref: str
    dealer: str
    vin: str | None
    staff: str | None
    partner: str
    kind: str
    premium: int
    currency: str
    expires: str


class ExpiringPage(TypedDict):
    next_cursor: str | None
    has_more: bool
    items: list[ExpiringListed]


class FiguresShown(TypedDict):
    """In minor units: `net` is `accrued` less `reversed`; `settled` of it is paid, `open` is not."""

    currency: str
    accrued: int
    reversed: int
    net: int
    settled: int
    open: int


class ForecastListed(TypedDict):
    """`event` is the id of the fact."""

    event: str
    dealer: str
    period: str
    as_of: str
    units_permille: int
    amount: int
    currency: str
    rules: str
    published_at: str


class ForecastsPage(TypedDict):
    next_cursor: str | None
    has_more: bool
    items: list[ForecastListed]


class InsuranceShown(TypedDict):
    partner: str
    kind: str
    premium: int
    currency: str
    expires: str


class InsureRequest(TypedDict):
    """`partner` sells it: a dealer does not. `expires`: the first day without it."""

    partner: str
    kind: str
    premium: int
    currency: str
    expires: str


class ItemGiven(TypedDict):
    """`amount` is of the whole item, not of one piece."""

    code: str
    quantity: NotRequired[int]
    amount: int


class ItemShown(TypedDict):
    code: str
    quantity: int
    amount: int


class LineShown(TypedDict):
    """`stream` is the opportunity, contract or order. `amount` is its share of the figure, in minor units."""

    stream: str
    stage: str
    dealer: str
    model: str | None
    staff: str | None
    units: int
    since: str
    expected: str
    weight_permille: int
    units_permille: int
    amount: int


class LoseRequest(TypedDict):
    """`competitor`: the model that was bought instead."""

    reason: str
    competitor: NotRequired[str | None]


class Money(TypedDict):
    """An amount in minor units (fen, cent) of an ISO 4217 currency; never a fraction."""

    minor: int
    currency: str


class MoneyShown(TypedDict):
    """In minor units of the currency."""

    minor: int
    currency: str


class OpenAnswer(TypedDict):
    stream: str
    version: int
    events: list[str]
    position: str
    opportunity: str
    party_ref: str


class OpenRequest(TypedDict):
    """Without `party_ref` a new one is made. `tender`: the number of a call for tenders, of an institution. `dealer` is
    for headquarters to name."""

    party_ref: NotRequired[str | None]
    source: str
    models: list[str]
    staff: NotRequired[str | None]
    owner_kind: NotRequired[Literal["private", "government_institution", "enterprise"]]
    tender: NotRequired[str | None]
    dealer: NotRequired[str | None]


class OpportunitiesPage(TypedDict):
    next_cursor: str | None
    has_more: bool
    items: list[OpportunityListed]


class OpportunityListed(TypedDict):
    opportunity: str
    party_ref: str
    dealer: str
    lead: str | None
    source: str
    models: list[str]
    staff: str | None
    owner_kind: str
    tender: str | None
    state: str
    reason: str | None
    opened_at: str
    closed_at: str | None
    version: int


class OpportunityShown(TypedDict):
    """`contract` is the one it was won by. `closed_at`: when it was won or lost."""

    opportunity: str
    party_ref: str
    dealer: str
    lead: str | None
    source: str
    models: list[str]
    staff: str | None
    owner_kind: str
    tender: str | None
    state: str
    reason: str | None
    opened_at: str
    closed_at: str | None
    version: int
    stream: str
    rules: str
    contract: str | None
    competitor: str | None


class OrderListed(TypedDict):
    """`priority`: higher goes first where vehicles are short."""

    order: str
    party_ref: str
    dealer: str
    contract: str
    line: int
    model: str
    condition: str
    price: int
    currency: str
    trade_in: str | None
    staff: str | None
    state: str
    vin: str | None
    promised: str | None
    priority: int
    priority_reason: str | None
    placed_at: str
    delivered_at: str | None
    cancelled_at: str | None
    version: int


class OrderShown(TypedDict):
    order: str
    party_ref: str
    dealer: str
    contract: str
    line: int
    model: str
    condition: str
    price: int
    currency: str
    trade_in: str | None
    staff: str | None
    state: str
    vin: str | None
    promised: str | None
    priority: int
    priority_reason: str | None
    placed_at: str
    delivered_at: str | None
    cancelled_at: str | None
    version: int
    stream: str
    rules: str
    insurance: list[InsuranceShown]
    delivered_by: str | None
    odometer_km: int | None
    reason: str | None


class OrdersPage(TypedDict):
    next_cursor: str | None
    has_more: bool
    items: list[OrderListed]


class OwnerShown(TypedDict):
    """From `since` to before `until`, which is null for the last one. `party_ref` null: the vehicle stood at the
    dealer."""

    party_ref: str | None
    dealer: str
    cause: str
    source: str | None
    odometer_km: int | None
    since: str
    until: str | None


class PipelineShown(TypedDict):
    """`units_permille`: thousandths of a vehicle. The lines add up to the figures."""

    as_of: str
    period: str | None
    units_permille: int
    amount: int
    currency: str
    rules: str
    stages: list[StageShown]
    lines: list[LineShown]


class PlaceAnswer(TypedDict):
    stream: str
    version: int
    events: list[str]
    position: str
    order: str


class PlaceRequest(TypedDict):
    """One vehicle of the contract's line, at its price. Without `staff` it is of whoever signed. `trade_in` is the id
    of an old vehicle's."""

    contract: str
    line: int
    condition: NotRequired[Literal["new", "used"]]
    trade_in: NotRequired[str | None]
    staff: NotRequired[str | None]
    promised: NotRequired[str | None]


class PrioritiseRequest(TypedDict):
    """`reason` is one of the rules, which say what it is worth. `by` is who decided it."""

    reason: str
    by: NotRequired[str | None]


class Problem(TypedDict):
    """A problem (RFC 9457). It never repeats what was sent."""

    type: str
    title: str
    status: int
    code: str
    detail: NotRequired[str]
    instance: NotRequired[str]
    trace_id: NotRequired[str]
    retryable: NotRequired[bool]
    errors: NotRequired[list[dict[str, Any]]]


class PublishRequest(TypedDict):
    """Without `as_of`: the pipeline as it stands now. `dealer` is for headquarters to name."""

    period: str
    as_of: NotRequired[str | None]
    dealer: NotRequired[str | None]


class QuoteAnswer(TypedDict):
    stream: str
    version: int
    events: list[str]
    position: str
    quote: str


class QuoteLine(TypedDict):
    """`amount` is of the whole line in minor units; of a discount below zero. The code of a vehicle is one of the
    catalogue."""

    kind: Literal["vehicle", "accessory", "insurance", "fee", "discount"]
    code: str
    quantity: NotRequired[int]
    amount: int


class QuoteLineShown(TypedDict):
    kind: str
    code: str
    quantity: int
    amount: int


class QuoteListItem(TypedDict):
    quote: str
    party_ref: str
    dealer: str
    opportunity: str
    currency: str
    total: int
    staff: str | None
    state: str
    reason: str | None
    issued_at: str
    valid_until: str
    accepted_at: str | None
    closed_at: str | None
    version: int
    vehicles: int


class QuoteRequest(TypedDict):
    """Without `valid_until` it stands as long as the rules say; without `staff` it is of whoever works the
    opportunity."""

    opportunity: str
    lines: list[QuoteLine]
    currency: str
    valid_until: NotRequired[str | None]
    staff: NotRequired[str | None]


class QuoteShown(TypedDict):
    quote: str
    party_ref: str
    dealer: str
    opportunity: str
    currency: str
    total: int
    staff: str | None
    state: str
    reason: str | None
    issued_at: str
    valid_until: str
    accepted_at: str | None
    closed_at: str | None
    version: int
    stream: str
    rules: str
    lines: list[QuoteLineShown]


class QuotesPage(TypedDict):
    next_cursor: str | None
    has_more: bool
    items: list[QuoteListItem]


class ReceiveRequest(TypedDict):
    odometer_km: NotRequired[int | None]


class ReopenRequest(TypedDict):
    reason: str


class ReportShown(TypedDict):
    """`submitted`: whether the dealer set a target and published a forecast."""

    dealer: str
    period: str
    submitted: bool
    target: SubmittedTarget | None
    forecast: SubmittedForecast | None
    delivered: list[DeliveredShown]
    channels: list[ChannelShown]


class ReportsPage(TypedDict):
    next_cursor: str | None
    has_more: bool
    items: list[ReportShown]


class ReturnRequest(TypedDict):
    reason: str


class SaleShown(TypedDict):
    """`order` is its id; a used vehicle sold without one has the stream `vehicle`."""

    order: str | None
    vehicle: str | None
    vin: str
    model: str | None
    condition: str
    price: int
    currency: str
    party_ref: str
    sold_at: str


class SellAnswer(TypedDict):
    stream: str
    version: int
    events: list[str]
    position: str
    accessory_sale: str
    party_ref: str


class SellRequest(TypedDict):
    """With an `order`, the party and the vehicle are those of the order unless they are named. Without an order and
    without `party_ref` a new one is made. `dealer` is for headquarters to name."""

    items: list[ItemGiven]
    currency: str
    order: NotRequired[str | None]
    vin: NotRequired[str | None]
    party_ref: NotRequired[str | None]
    staff: NotRequired[str | None]
    dealer: NotRequired[str | None]


class SellUsedRequest(TypedDict):
    """Without `party_ref` a new one is made. `dealer` is for headquarters to name."""

    party_ref: NotRequired[str | None]
    price: int
    currency: str
    staff: NotRequired[str | None]
    odometer_km: NotRequired[int | None]
    dealer: NotRequired[str | None]


class SettleRequest(TypedDict):
    period: str


class SettlementShown(TypedDict):
    settlement: str
    entries: list[str]
    amount: int
    currency: str
    at: str
    receipt: str


class SignAnswer(TypedDict):
    stream: str
    version: int
    events: list[str]
    position: str
    contract: str


class SignRequest(TypedDict):
    """`document_hash`: SHA-256 of the signed document, hex. `tender`: the number of the call, exactly when
    `procurement` is `tender`."""

    opportunity: str
    quote: NotRequired[str | None]
    lines: list[ContractLineRequest]
    currency: str
    document_hash: str
    procurement: NotRequired[Literal["retail", "tender", "enterprise"]]
    tender: NotRequired[str | None]
    staff: NotRequired[str | None]


class StaffSalesShown(TypedDict):
    """`totals` are the sums of `sales`, in minor units by currency."""

    staff: str
    totals: list[TotalShown]
    sales: list[SaleShown]


class StageShown(TypedDict):
    stage: str
    units: int
    units_permille: int
    amount: int


class StatementShown(TypedDict):
    """The `entries` whose time is from `since` to before `until` are the receipts of the figures: they add up to them.
    The `settlements` are those of the month, whatever the time of their entries."""

    staff: str
    period: str
    since: str
    until: str
    version: int
    figures: list[FiguresShown]
    entries: list[EntryShown]
    settlements: list[SettlementShown]


class StepShown(TypedDict):
    """`step` is an open vocabulary; what belongs to it stands beside it."""

    step: str
    at: str
    promised: NotRequired[str | None]


class SubmittedForecast(TypedDict):
    """The last one; `forecasts` is how many were published."""

    forecasts: int
    published_at: str
    units_permille: int
    amount: int
    currency: str


class SubmittedTarget(TypedDict):
    units: int
    amount: int | None
    currency: str
    set_at: str


class TargetRequest(TypedDict):
    """`units` are vehicles delivered in the month; `amount` what they are sold for. Without `staff`: the dealer's.
    `dealer` is for headquarters to name."""

    period: str
    staff: NotRequired[str | None]
    units: int
    amount: NotRequired[int | None]
    currency: str
    dealer: NotRequired[str | None]


class TargetShown(TypedDict):
    """`staff` None: the whole dealer. `delivered_amount` is in the target's currency."""

    staff: str | None
    units: int
    amount: int | None
    currency: str
    set_at: str
    delivered_units: int
    delivered_amount: int


class TargetsShown(TypedDict):
    """`delivered` is all that was delivered in the month: who has no target is in it too."""

    dealer: str
    period: str
    version: int
    targets: list[TargetShown]
    delivered: list[DeliveredShown]


class TestedShown(TypedDict):
    """`error_…` is the forecast less what was delivered; `deviation_permille` how far off the units are, in thousandths
    of what was delivered (None: nothing was)."""

    event: str
    as_of: str
    published_at: str
    units_permille: int
    amount: int
    currency: str
    rules: str
    error_units_permille: int
    error_amount: int
    deviation_permille: int | None


class TimelineShown(TypedDict):
    """`steps` in the order in which they happened. `promised` is the day that holds now."""

    order: str
    state: str
    promised: str | None
    steps: list[StepShown]


class TotalShown(TypedDict):
    currency: str
    vehicles: int
    amount: int


class TradeInListed(TypedDict):
    """`amount` in minor units: as agreed, before that as appraised. `order_id` is of the new vehicle's order."""

    trade_in: str
    party_ref: str
    dealer: str
    vin: str
    model: str | None
    order_id: str | None
    staff: str | None
    state: str
    amount: int
    currency: str
    valid_until: str
    appraised_at: str
    closed_at: str | None
    version: int


class TradeInShown(TypedDict):
    """`order` is the stream of the new vehicle's order. `closed_at`: when it was received or declined."""

    trade_in: str
    stream: str
    version: int
    party_ref: str
    dealer: str
    vin: str
    model: str | None
    odometer_km: int | None
    staff: str | None
    state: str
    offer: MoneyShown
    valid_until: str
    appraised_at: str
    agreed: MoneyShown | None
    agreed_at: str | None
    order: str | None
    received_km: int | None
    reason: str | None
    closed_at: str | None


class TradeInsPage(TypedDict):
    next_cursor: str | None
    has_more: bool
    items: list[TradeInListed]


class TransferAnswer(TypedDict):
    """`events` are ids, empty when nothing was new."""

    stream: str
    events: list[str]
    party_ref: str | None


class TransferRequest(TypedDict):
    """Without `party_ref`: nobody owns it that we know. `at` (when it happened) and `dealer` are for headquarters."""

    party_ref: NotRequired[str | None]
    cause: NotRequired[Literal["private", "correction"]]
    at: NotRequired[str | None]
    dealer: NotRequired[str | None]


class VehicleShown(TypedDict):
    vin: str
    owners: list[OwnerShown]


class WithdrawRequest(TypedDict):
    reason: str
