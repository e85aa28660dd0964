"""The sections of the record: trees whose ends are leaves."""

from projection.domain.sections.consent import consents, restrictions
from projection.domain.sections.due import next_change, overdue
from projection.domain.sections.intent import intent, profile
from projection.domain.sections.journey import journey
from projection.domain.sections.party import owner_kind, parties, recorded, relationships, verification
from projection.domain.sections.purchases import accessories, bought, interval, purchases, vehicles
from projection.domain.sections.responsibility import responsibility
from projection.domain.sections.sales import contracts, opportunities, quotes, trade_ins

__all__ = [
    "accessories",
    "bought",
    "consents",
    "contracts",
    "intent",
    "interval",
    "journey",
    "next_change",
    "opportunities",
    "overdue",
    "owner_kind",
    "parties",
    "profile",
    "purchases",
    "quotes",
    "recorded",
    "relationships",
    "responsibility",
    "restrictions",
    "trade_ins",
    "vehicles",
    "verification",
]
