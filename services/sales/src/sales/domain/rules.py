"""The part of the rule pack that sales' decisions pin by its version."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class SalesRules:
    """`quote_valid`: how long a quote without a date of its own stands. `priorities`: what a reason to prefer an order
    in the allocation gives it, higher first. `tender_models`: those that may be offered in a tender."""

    version: str
    quote_valid: timedelta
    priorities: Mapping[str, int] = field(default_factory=dict)
    tender_models: frozenset[str] = frozenset()
