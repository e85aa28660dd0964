"""The parts a running service is made of."""

from dataclasses import dataclass
from datetime import timedelta

from lead.settings import Network
from roadbook.database import Pool
from roadbook.store.port import Store


@dataclass(frozen=True, slots=True)
class Service:
    """`retention` is how long raw documents and quarantined prospects are kept."""

    pool: Pool
    store: Store
    network: Network
    retention: timedelta
