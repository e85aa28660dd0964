"""Examples of answers of quotes, contracts, orders and vehicles, by the name of the field."""

from typing import Any

_MOMENT, _LATER = "2026-01-05T08:00:00Z", "2026-01-19T08:00:00Z"
ID = "0199a3c4-8f10-7c66-8d21-5b0e9a3c1f42"
HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
SAMPLES: dict[str, Any] = {
    "accepted_at": _LATER,
    "amount": 11_990_000,
    "application": "fa-2026-0007",
    "cancelled_at": None,
    "cause": "delivery",
    "condition": "new",
    "delivered_at": None,
    "delivered_by": None,
    "document_hash": HASH,
    "expires": "2027-12-31",
    "issued_at": _MOMENT,
    "last_at": _LATER,
    "odometer_km": 12,
    "order": ID,
    "partner": "picc",
    "placed_at": _MOMENT,
    "premium": 480_000,
    "price": 11_690_000,
    "priority_reason": "core_customer",
    "procurement": "retail",
    "promised": "2026-12-31",
    "provider": "bank_one",
    "quote": ID,
    "receipt": "rc-2026-0042",
    "received_at": _MOMENT,
    "signed_at": _MOMENT,
    "since": _MOMENT,
    "sold_at": _LATER,
    "until": None,
    "valid_until": _LATER,
    "vin": "LSVAA49J6T2900010",
}
