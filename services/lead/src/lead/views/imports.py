"""Imported lists and the results of their rows: row ids and rejected rows are personal data with a time to live."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

import orjson

from roadbook.database import Connection

Result = Literal["created", "would_create", "known", "rejected"]
PURGED_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Import:
    """`columns` None: NDJSON. `rows` is the sum of the other three."""

    import_id: UUID
    dealer: str | None
    source: str
    format: str
    columns: Sequence[str] | None
    dry_run: bool
    state: str
    fault: str | None
    fault_row: int | None
    rows: int
    created: int
    known: int
    rejected: int
    started: datetime
    updated: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class RowResult:
    """`text` is the rejected row: its line, or its cells as JSON."""

    number: int
    row_id: str | None = field(repr=False)
    result: Result
    lead_id: UUID | None
    reasons: Sequence[Mapping[str, str]] = ()
    text: str | None = field(default=None, repr=False)


# ── Writing ───────────────────────────────────────────────────────────────────────────────────────────────────
async def begin(connection: Connection, new: Import) -> None:
    """Repeating it is harmless: the answer to the first may have been lost."""
    await connection.execute(
        """
        INSERT INTO imports (import_id, dealer, source, format, dry_run, state, started, updated, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (import_id) DO NOTHING
        """,
        new.import_id, new.dealer, new.source, new.format, new.dry_run, new.state, new.started, new.updated,
        new.expires_at,
    )  # fmt: skip


async def add_results(
    connection: Connection, import_id: UUID, columns: Sequence[str] | None, results: Sequence[RowResult], now: datetime
) -> None:
    """In the transaction of the batch, once: the primary key refuses a second time."""
    await connection.execute(
        """
        INSERT INTO import_rows (import_id, number, row_id, result, lead_id, reasons, text)
        SELECT $1, u.* FROM unnest($2::int[], $3::text[], $4::text[], $5::uuid[], $6::json[], $7::text[]) AS u
        """,
        import_id,
        [each.number for each in results],
        [each.row_id for each in results],
        [each.result for each in results],
        [each.lead_id for each in results],
        [orjson.dumps(list(each.reasons)).decode() if each.reasons else None for each in results],
        [each.text for each in results],
    )
    kinds = [each.result for each in results]
    await connection.execute(
        """
        UPDATE imports SET rows = rows + $2, created = created + $3, known = known + $4, rejected = rejected + $5,
                           columns = $6, updated = $7
        WHERE import_id = $1
        """,
        import_id, len(kinds), kinds.count("created") + kinds.count("would_create"), kinds.count("known"),
        kinds.count("rejected"), columns, now,
    )  # fmt: skip


async def end(
    connection: Connection, import_id: UUID, state: str, now: datetime, fault: str | None = None, row: int | None = None
) -> None:
    await connection.execute(
        "UPDATE imports SET state = $2, updated = $3, fault = $4, fault_row = $5 WHERE import_id = $1",
        import_id, state, now, fault, row,
    )  # fmt: skip


# ── Looking up ────────────────────────────────────────────────────────────────────────────────────────────────
async def batch_done(connection: Connection, import_id: UUID, first: int) -> bool:
    """Whether the batch that begins with row `first` was stored, though nobody was told so."""
    sql = "SELECT EXISTS (SELECT 1 FROM import_rows WHERE import_id = $1 AND number = $2)"
    return bool(await connection.fetchval(sql, import_id, first))


async def existing(connection: Connection, streams: Sequence[str]) -> frozenset[str]:
    return frozenset(r[0] for r in await connection.fetch("SELECT stream FROM streams WHERE stream = ANY($1)", streams))


async def tried(connection: Connection, import_id: UUID, leads: Sequence[UUID]) -> frozenset[str]:
    """Which leads a dry run would have created by now."""
    sql = "SELECT lead_id FROM import_rows WHERE import_id = $1 AND lead_id = ANY($2) AND result = 'would_create'"
    return frozenset(str(row[0]) for row in await connection.fetch(sql, import_id, leads))


async def parties_known(connection: Connection, parties: Sequence[str], dealer: str | None) -> frozenset[str]:
    """Those of which `dealer` (None: anybody) holds a lead."""
    sql = "SELECT DISTINCT party_ref FROM leads WHERE party_ref = ANY($1) AND ($2::text IS NULL OR dealer = $2)"
    return frozenset(row[0] for row in await connection.fetch(sql, parties, dealer))


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────
async def found(connection: Connection, import_id: UUID, dealer: str | None) -> Import | None:
    """`dealer` None sees all; another dealer's import is None, as one that never was."""
    row = await connection.fetchrow(
        "SELECT * FROM imports WHERE import_id = $1 AND ($2::text IS NULL OR dealer = $2)", import_id, dealer
    )
    return None if row is None else Import(**dict(row))


async def results(
    connection: Connection, import_id: UUID, after: int, limit: int, *, rejected: bool = False
) -> list[RowResult]:
    """In the order of the file; with their texts if only the `rejected` are asked for."""
    text, condition = ("text", "AND result = 'rejected'") if rejected else ("NULL AS text", "")
    rows = await connection.fetch(
        f"SELECT number, row_id, result, lead_id, reasons, {text} FROM import_rows "
        f"WHERE import_id = $1 AND number > $2 {condition} ORDER BY number LIMIT $3",
        import_id, after, limit,
    )  # fmt: skip
    return [RowResult(**{**dict(row), "reasons": orjson.loads(row["reasons"] or "[]")}) for row in rows]


async def purge(connection: Connection, now: datetime) -> int:
    """Deletes results and imports whose time is up, at most 10,000 rows at a time; how many."""
    gone = await connection.execute(
        """
        DELETE FROM import_rows WHERE ctid = ANY (ARRAY(
            SELECT r.ctid FROM imports i JOIN import_rows r USING (import_id) WHERE i.expires_at <= $1 LIMIT $2))
        """,
        now, PURGED_AT_ONCE,
    )  # fmt: skip
    done = await connection.execute(
        """
        DELETE FROM imports i WHERE expires_at <= $1
        AND NOT EXISTS (SELECT 1 FROM import_rows r WHERE r.import_id = i.import_id)
        """,
        now,
    )
    return sum(int(status.rpartition(" ")[2]) for status in (gone, done))
