"""The register of generations: which is live, which is being built, which waits to be dropped."""

import hashlib
import json
from dataclasses import dataclass

from projection import contract
from projection.domain.streams.stream import FOLDS
from roadbook.database import Connection


@dataclass(frozen=True, slots=True)
class Generation:
    number: int
    state: str
    made_by: str


def made_by() -> str:
    """Tells code that folds otherwise: half a generation of one and half of another would be neither's."""
    folds = [contract.state_shape(), FOLDS, contract.known_types()]
    return hashlib.sha256(json.dumps(folds, sort_keys=True).encode()).hexdigest()[:16]


async def every(connection: Connection) -> dict[str, Generation]:
    """By state, the newest of each."""
    rows = await connection.fetch("SELECT number, state, made_by FROM public.generations ORDER BY number")
    return {row["state"]: Generation(row["number"], row["state"], row["made_by"]) for row in rows}


_BEGIN = """
INSERT INTO public.generations (number, state, made_by)
SELECT max(number) + 1, 'building', $1 FROM public.generations RETURNING number
"""


async def begin(connection: Connection) -> int:
    return int(await connection.fetchval(_BEGIN, made_by()))


async def give_up(connection: Connection, number: int) -> None:
    await connection.execute("DELETE FROM public.generations WHERE number = $1 AND state = 'building'", number)


async def switched(connection: Connection, old: int, new: int) -> None:
    await connection.execute("UPDATE public.generations SET state = 'retired' WHERE number = $1", old)
    await connection.execute("UPDATE public.generations SET state = 'live', switched = now() WHERE number = $1", new)


async def dropped(connection: Connection, number: int) -> None:
    await connection.execute("UPDATE public.generations SET state = 'dropped' WHERE number = $1", number)
