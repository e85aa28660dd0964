"""What all shapes of answers share, and the examples of their fields."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from roadbook.http.examples import by_name
from roadbook.http.types import StrictModel

# What a field of this name holds, in every answer.
SAMPLES: dict[str, Any] = {
    "actor": "staff-sh-01-1",
    "assignee": "staff-sh-01-1",
    "brand": None,
    "campaign": "spring_2026",
    "cause": None,
    "channel": "phone",
    "competitor": "toyota-corolla",
    "condition": "new",
    "currency": "CNY",
    "dealer": "dealer-sh-01",
    "dealer_wish": "dealer-sh-01",
    "event_id": "0199a3c4-9a41-7f08-b6d5-3c2e1f0a9b87",
    "grade": "hot",
    "interest": "buy",
    "known": True,
    "maximum": 15_000_000,
    "merged_from": [],
    "minimum": 10_000_000,
    "missing": ["consent"],
    "model": "volkswagen-lavida",
    "next_cursor": "kJ2Zq0yV7m4T1bXcR8nWpFsieyJhIjoxfQ",
    "nextPageCursor": "kJ2Zq0yV7m4T1bXcR8nWpFsieyJhIjoxfQ",
    "odometer": None,
    "odometer_unit": None,
    "outcome": "planned",
    "overdue": False,
    "percent": 80,
    "purpose": "marketing",
    "reason": "bought_elsewhere",
    "reasons": ["test_drive"],
    "record_hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "rules": "2026-1",
    "source": "web_form",
    "staff": "staff-sh-01-1",
    "stage": "hot_prospect",
    "state": "granted",
    "summary": "Graded hot: test_drive",
    "timeline": "/v1/customers/0199a3c4-7d2e-7b51-9c3d-2f1e5a6b7c8d/timeline",
    "unknown_events": 0,
    "value": "张伟",
    "verified_at": None,
    "vin": None,
    "wording": "privacy-2026-01",
    "year": 2026,
}
_by_name = by_name(SAMPLES)


def _published(schema: dict[str, Any]) -> None:
    """Readers must expect more: what is strict in our tests is open in the contract."""
    _by_name(schema)
    schema.pop("additionalProperties", None)


Id = Annotated[str, Field(examples=["0199a3c4-7d2e-7b51-9c3d-2f1e5a6b7c8d"])]
Stream = Annotated[str, Field(examples=["lead/0199a3c4-8f10-7c66-8d21-5b0e9a3c1f42"])]
RoutingState = Annotated[
    str,
    Field(
        description="waiting for an answer, accepted, declined, overdue, replaced, or dropped with the lead",
        examples=["accepted"],
    ),
]


class Shown(StrictModel):
    model_config = ConfigDict(json_schema_extra=_published)
