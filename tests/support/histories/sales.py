"""Sales in generated histories: from the opportunity to the delivered car, and who owns which."""

from histories.values import MODELS, REASONS, STAFF, Chance, Machine, Maker, Told, staff

NOBODYS = ("commission", "salestarget", "forecast")
HASH = "5f" * 32


def about(h: Chance) -> Told:
    return {"party_ref": h.here.ref, "dealer": h.here.dealer or h.dealers[0]}


def money(h: Chance, name: str = "amount") -> Told:
    return {name: h.chance.randint(1, 30) * 1_000_000, "currency": "CNY"}


def opened(h: Chance) -> Told:
    told = {"lead": h.maybe(lambda: h.stream_of("lead")), "source": h.one(["lead", "walk_in"]), "staff": staff(h)}
    tender = {"tender": h.one([None, "T-1"]), "owner_kind": h.one(["private", "enterprise"])}
    return {**about(h), **told, "models": h.some(MODELS, 2), **tender, "rules": "sales-1"}


def issued(h: Chance) -> Told:
    kinds = ["vehicle", *h.some(["accessory", "insurance", "fee", "discount"], 2)]
    lines = [{"kind": kind, "code": h.one(MODELS), "quantity": 1, **money(h)} for kind in kinds]
    for line in lines:
        del line["currency"]
    told = {"opportunity": h.stream_of("opportunity"), "lines": lines, **money(h, "total"), "valid_until": h.moment()}
    return {**about(h), **told, "staff": staff(h), "rules": "sales-1"}


def contract_lines(h: Chance) -> list[Told]:
    count = h.chance.randint(1, 2)
    return [{"line": n + 1, "model": h.one(MODELS), "quantity": 1, "price": 12_000_000 + n} for n in range(count)]


def signed(h: Chance) -> Told:
    named = {"opportunity": h.stream_of("opportunity"), "quote": h.maybe(lambda: h.stream_of("quote"))}
    told = {"lines": contract_lines(h), **money(h, "total"), "document_hash": HASH, "staff": staff(h)}
    return {**about(h), **named, **told, "procurement": h.one(["retail", "tender"]), "tender": h.one([None, "T-1"])}


def amended(h: Chance) -> Told:
    told = {"document_version": h.chance.randint(2, 9), "document_hash": HASH[::-1], "reason": h.one(REASONS)}
    return {**told, "lines": contract_lines(h), "total": h.chance.randint(1, 9) * 1_000_000}


def placed(h: Chance) -> Told:
    named = {
        "contract": h.stream_of("contract") or "contract/none",
        "trade_in": h.maybe(lambda: h.stream_of("tradein")),
    }
    what = {"line": 1, "model": h.one(MODELS), "condition": h.one(["new", "used"]), **money(h, "price")}
    return {**about(h), **named, **what, "staff": staff(h), "promised": h.one([None, "2026-03-01"]), "rules": "sales-1"}


def cancelled(h: Chance) -> Told:
    return {"reason": h.one(REASONS), "after": h.one(["placed", "allocated", "delayed"]), "vin": h.here.vin}


def sold_accessory(h: Chance) -> Told:
    items = [{"code": code, "quantity": h.chance.randint(1, 3), "amount": 20_000} for code in h.some(["mat", "cam"], 2)]
    named = {"order": h.maybe(lambda: h.stream_of("order")), "vin": h.one([None, *h.vins])}
    return {**about(h), **named, "items": items, **money(h, "total"), "staff": staff(h)}


def appraised(h: Chance) -> Told:
    car = {"vin": h.here.vin or h.one(h.vins), "model": h.one([None, *MODELS]), "odometer_km": h.one([None, 86_000])}
    return {**about(h), **car, **money(h), "valid_until": h.moment(), "staff": staff(h)}


def transferred(h: Chance) -> Told:
    source = h.one([None, h.stream_of("order"), h.stream_of("tradein")])
    cause = h.one(["delivery", "used_sale", "trade_in", "private", "correction"])
    told = {"vin": h.here.vin, "party_ref": h.one([*h.refs, None]), "dealer": h.one(h.dealers)}
    sold, before = h.here.told
    if sold == "used_vehicle_sold" and h.chance.random() < 0.9:
        told, cause = {**told, "party_ref": before["party_ref"], "dealer": before["dealer"]}, "used_sale"
    return {**told, "cause": cause, "source": source, "odometer_km": h.one([None, 12])}


def used_sold(h: Chance) -> Told:
    told = {"vin": h.here.vin, "party_ref": h.one(h.refs), "dealer": h.one(h.dealers)}
    return {**told, **money(h, "price"), "staff": staff(h)}


EVENTS: dict[str, Maker] = {
    "opportunity_opened": opened,
    "opportunity_assigned": lambda h: {"staff": h.one(STAFF)},
    "opportunity_won": lambda h: {"contract": h.stream_of("contract") or "contract/none", "lead": h.stream_of("lead")},
    "opportunity_lost": lambda h: {"reason": h.one(REASONS), "competitor": h.one([None, "x"]), "lead": None},
    "opportunity_reopened": lambda h: {"reason": h.one(REASONS)},
    "quote_issued": issued,
    "quote_accepted": lambda h: {},
    "quote_expired": lambda h: {},
    "quote_withdrawn": lambda h: {"reason": h.one(REASONS)},
    "contract_signed": signed,
    "contract_amended": amended,
    "contract_cancelled": lambda h: {"reason": h.one(REASONS)},
    "deposit_received": lambda h: {"receipt": h.one(["r1", "r2"]), **money(h)},
    "deposit_refunded": lambda h: {"receipt": h.one(["r1", "r2"]), **money(h)},
    "finance_applied": lambda h: {"application": h.one(["a1", "a2"]), "provider": "bank-1", **money(h)},
    "finance_approved": lambda h: {"application": h.one(["a1", "a2"])},
    "finance_declined": lambda h: {"application": h.one(["a1", "a2"]), "reason": h.one(REASONS)},
    "order_placed": placed,
    "order_prioritised": lambda h: {"priority": h.chance.randint(1, 9), "reason": h.one(REASONS), "by": staff(h)},
    "order_allocated": lambda h: {"vin": h.one(h.vins)},
    "order_deallocated": lambda h: {"vin": h.here.vin or h.vins[0], "reason": h.one(REASONS)},
    "order_delayed": lambda h: {"promised": h.one(["2026-04-01", "2026-05-01"]), "reason": h.one(REASONS)},
    "order_cancelled": cancelled,
    "insurance_arranged": lambda h: {
        "partner": "insurer-1",
        "kind": h.one(["liability", "full"]),
        "expires": "2027-01-01",
        **money(h, "premium"),
    },
    "vehicle_delivered": lambda h: {"vin": h.here.vin or h.vins[0], "odometer_km": h.one([None, 7]), "staff": staff(h)},
    "accessory_sold": sold_accessory,
    "accessory_returned": lambda h: {"reason": h.one(REASONS)},
    "trade_in_appraised": appraised,
    "trade_in_agreed": lambda h: {**money(h), "order": h.maybe(lambda: h.stream_of("order"))},
    "trade_in_received": lambda h: {"odometer_km": h.one([None, 90_000])},
    "trade_in_declined": lambda h: {"reason": h.one(REASONS)},
    "ownership_transferred": transferred,
    "used_vehicle_sold": used_sold,
    "commission_accrued": lambda h: {
        "entry": h.id(),
        "order": "order/none",
        "dealer": h.dealers[0],
        "staff": STAFF[0],
        **money(h),
        "share_bp": 8000,
        "rule": "new_vehicle",
        "rules": "sales-1",
    },
    "commission_reversed": lambda h: {"entry": h.id(), "of": h.id(), **money(h), "reason": h.one(REASONS)},
    "sales_target_set": lambda h: {
        "dealer": h.dealers[0],
        "period": "2026-01",
        "staff": None,
        "units": 9,
        **money(h),
    },
    "forecast_published": lambda h: {
        "dealer": h.dealers[0],
        "period": "2026-01",
        "as_of": h.moment(),
        "units_permille": 900,
        **money(h),
        "rules": "sales-1",
    },
}

_ORDER = {
    **dict.fromkeys(("order_prioritised", "order_delayed", "insurance_arranged"), "placed"),
    "order_allocated": "allocated",
    "order_cancelled": "over",
}
_MONEY = (
    "contract_amended",
    "deposit_received",
    "deposit_refunded",
    *(f"finance_{x}" for x in ("applied", "declined")),
)
TRANSITIONS: dict[str, Machine] = {
    "opportunity": {
        "": {"opportunity_opened": "open"},
        "open": {"opportunity_assigned": "open", "opportunity_won": "won", "opportunity_lost": "lost"},
        "lost": {"opportunity_reopened": "open"},
    },
    "quote": {
        "": {"quote_issued": "issued"},
        "issued": dict.fromkeys(("quote_accepted", "quote_expired", "quote_withdrawn"), "over"),
    },
    "contract": {
        "": {"contract_signed": "signed"},
        "signed": {**dict.fromkeys((*_MONEY, "finance_approved"), "signed"), "contract_cancelled": "over"},
        "over": {"deposit_refunded": "over"},
    },
    "order": {
        "": {"order_placed": "placed"},
        "placed": _ORDER,
        "allocated": {
            **dict.fromkeys(("order_delayed", "insurance_arranged", "order_prioritised"), "allocated"),
            "order_deallocated": "placed",
            "vehicle_delivered": "over",
            "order_cancelled": "over",
        },
    },
    "accessorysale": {"": {"accessory_sold": "sold"}, "sold": {"accessory_returned": "over"}},
    "tradein": {
        "": {"trade_in_appraised": "appraised"},
        "appraised": {"trade_in_appraised": "appraised", "trade_in_agreed": "agreed", "trade_in_declined": "over"},
        "agreed": {"trade_in_received": "over", "trade_in_declined": "over"},
    },
    "vehicle": {
        "": {"ownership_transferred": "owned", "used_vehicle_sold": "sold"},
        "owned": {"ownership_transferred": "owned", "used_vehicle_sold": "sold"},
        "sold": {"ownership_transferred": "owned"},
    },
    "commission": {"": dict.fromkeys(("commission_accrued", "commission_reversed"), "")},
    "salestarget": {"": {"sales_target_set": ""}},
    "forecast": {"": {"forecast_published": ""}},
}
