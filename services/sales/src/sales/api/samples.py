"""Examples of answers, word by word: one word means one thing in every answer of this service."""

from typing import Any

from sales.api import closing_samples, sale_samples
from sales.api.sale_samples import HASH, ID

__all__ = ["HASH", "ID", "SAMPLES"]

_MOMENT, _LATER = "2026-01-05T08:00:00Z", "2026-01-19T08:00:00Z"
# What a field of this name holds, in every answer: new answers find their examples here, new words are added here.
SAMPLES: dict[str, Any] = {
    **closing_samples.SAMPLES,
    **sale_samples.SAMPLES,
    "actor": "staff-sh-01-1",
    "causation": "0199a3c4-9a41-7f08-b6d5-3c2e1f0a9b87",
    "closed_at": _LATER,
    "competitor": "byd-qin",
    "contract": ID,
    "correlation": "0199a3c4-6c1d-7a40-8b2c-1e0d9f8a7b6c",
    "currency": "CNY",
    "data": {"staff": "staff-sh-01-1", "at": _MOMENT},
    "dealer": "dealer-sh-01",
    "events": ["0199a3c4-9a41-7f08-b6d5-3c2e1f0a9b87"],
    "id": "0199a3c4-9a41-7f08-b6d5-3c2e1f0a9b87",
    "lead": f"lead/{ID}",
    "model": "volkswagen-lavida",
    "models": ["volkswagen-lavida"],
    "next_cursor": "kJ2Zq0yV7m4T1bXcR8nWpFsieyJhIjoxfQ",
    "opened_at": _MOMENT,
    "opportunity": ID,
    "owner_kind": "private",
    "party_ref": "0199a3c4-7d2e-7b51-9c3d-2f1e5a6b7c8d",
    "position": "eyJzIjpbWyJsZWFkLzAxOTkiLDJdXX0",
    "reason": "price",
    "recorded": _MOMENT,
    "rules": "2026-2",
    "source": "web_form",
    "staff": "staff-sh-01-1",
    "state": "open",
    "stream": f"opportunity/{ID}",
    "tender": "zfcg-2026-0117",
    "time": _MOMENT,
    "type": "roadbook.sales.opportunity_assigned.v1",
}
