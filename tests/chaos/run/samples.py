"""Records in the middle of the run, each with the version of every stream that it was made of.

The projection's versions are read before and after: a record counts where they had not moved meanwhile, so it was
made of exactly these. A sample: {"t", "viewer", "customer", "hash", "as_of", "versions": {stream: version}, "body"}.
"""

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any

import asyncpg

from run.client import Client
from run.dumps import read_record
from run.known import DEALERS, Known
from run.stand import Stand

EVERY, MOST, AT_ONCE = 30.0, 100, 10

# The customer's references by way of links, their streams, vehicles they owned, and pairs that name one of them. All of
# it from indexes: after half an hour of load two tables of 100,000 rows were read whole for each customer of a sample.
_VERSIONS = """
WITH RECURSIVE reached (ref) AS (
    SELECT $1::text
    UNION
    SELECT CASE WHEN l.smaller = r.ref THEN l.larger ELSE l.smaller END
    FROM reached r JOIN links l ON r.ref IN (l.smaller, l.larger)
), streams AS (
    SELECT stream FROM stream_states WHERE party_ref = ANY(ARRAY(SELECT ref FROM reached))
    UNION SELECT stream FROM stream_refs WHERE party_ref = ANY(ARRAY(SELECT ref FROM reached))
    UNION SELECT 'link/' || l.smaller || ':' || l.larger FROM links l JOIN reached r ON r.ref IN (l.smaller, l.larger)
)
SELECT stream, c.version, (SELECT array_agg(ref) FROM reached) AS refs
FROM streams CROSS JOIN LATERAL (
    SELECT version FROM consumer_streams WHERE consumer = 'projection' AND stream = streams.stream OFFSET 0
) AS c ORDER BY stream
"""


class Samples:
    def __init__(self, stand: Stand, client: Client, known: Known, folder: Path, every: float = EVERY) -> None:
        self._stand, self._client, self._known, self._every = stand, client, known, every
        self._file = (folder / "samples.jsonl").open("w", encoding="utf-8")
        self.taken = self.moved = self.rounds = 0

    async def run(self, ending: asyncio.Event) -> None:
        while not ending.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ending.wait(), self._every)
            with contextlib.suppress(
                OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, RuntimeError
            ):
                await self._round()
        self._file.close()

    async def _round(self) -> None:
        leads = list(self._known.leads)
        chosen = self._known.random.sample(leads, min(MOST, len(leads)))
        connection = await self._stand.connect("projection")
        try:
            for start in range(0, len(chosen), AT_ONCE):
                part = [(each.ref, each.dealer if number % 2 else None) for number, each in
                        enumerate(chosen[start : start + AT_ONCE])]  # fmt: skip
                await self._some(connection, part)
        finally:
            await connection.close()
        self.rounds += 1

    async def _some(self, connection: asyncpg.Connection, part: list[tuple[str, str | None]]) -> None:
        before = [await versions(connection, ref) for ref, _ in part]
        lines = await asyncio.gather(
            *(read_record(self._client, dealer if dealer in DEALERS else None, ref, 2) for ref, dealer in part),
            return_exceptions=True,
        )
        after = [await versions(connection, ref) for ref, _ in part]
        for line, earlier, later in zip(lines, before, after, strict=True):
            if isinstance(line, BaseException):
                continue
            if earlier != later or line["hash"] is None or not {*line["body"]["head"]["party_refs"]} <= later[1]:
                self.moved += 1
                continue
            self.taken += 1
            self._file.write(json.dumps({**line, "versions": later[0]}, ensure_ascii=False) + "\n")
        self._file.flush()


async def versions(connection: asyncpg.Connection, ref: str) -> tuple[dict[str, int], set[str]]:
    """By stream, and the references that are one customer with this one."""
    rows: list[Any] = await connection.fetch(_VERSIONS, ref)
    return {row["stream"]: row["version"] for row in rows}, {ref for row in rows for ref in row["refs"] or ()}
