"""The parts a running service is made of."""

from dataclasses import dataclass

from roadbook.database import Pool
from roadbook.store.port import Store
from sales.settings import Network


@dataclass(frozen=True, slots=True)
class Service:
    pool: Pool
    store: Store
    network: Network
