"""The parts a running service is made of."""

from dataclasses import dataclass

from roadbook.database import Pool
from roadbook.store.postgres import PostgresStore


@dataclass(frozen=True, slots=True)
class Service:
    pool: Pool
    store: PostgresStore
