"""Events of the lead service as they stand on its topic, for who reacts to them."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from roadbook.events import Labels, Recorded

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
DEALER, PARTY = "dealer-sh-01", "0199a3c4-7d2e-7b51-9c3d-2f1e5a6b7c8d"
CAPTURED = {
    "source": "web_form",
    "vehicles": [
        {"interest": "buy", "model": "volkswagen-lavida"},
        {"interest": "trade-in", "model": "buick-excelle"},
        {"interest": "test-drive", "model": "volkswagen-tiguan"},
    ],
    "at": "2026-01-05T08:00:00Z",
}


def told(lead: str, version: int, name: str, dealer: str | None = DEALER, **data: Any) -> Recorded:
    """An event of the lead service, as it stands on its topic."""
    at = NOW + timedelta(minutes=version)
    return Recorded(
        stream=lead,
        version=version,
        id=str(uuid.uuid4()),
        type=f"roadbook.lead.{name}.v1",
        time=at,
        recorded=at,
        data=orjson.dumps({"at": at.isoformat(), **data}).decode(),
        key=PARTY,
        labels=Labels(dealer, PARTY),
        actor="staff-1",
        correlation=str(uuid.uuid4()),
    )


def converted(lead: str) -> list[Recorded]:
    return [
        told(lead, 1, "lead_captured", **CAPTURED),
        told(lead, 2, "lead_protected", staff="staff-sh-01-2", until="2026-02-01T00:00:00Z", rules="1"),
        told(lead, 3, "lead_qualified", grade="hot", reasons=[], rules="1"),
        told(lead, 4, "lead_converted", rules="1"),
    ]
