"""Test drives and the slots of the cars, written in the append's transaction.

`test_drive_slots` follows from the drives that stand (booked or taken): of two that want one slot the first holds it,
and when it lets go the slot passes to one that stands and wants it. Among live commands two never stand on one slot,
for who does not hold all of its own is refused (`holds_all`). When old events are put back, one that was cancelled may
be told after its successor was booked: passing on makes the rows the same in whatever order the streams come.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from lead.domain.test_drive import (
    GRAIN,
    Event,
    TestDriveBooked,
    TestDriveCancelled,
    TestDriveMissed,
    TestDriveRescheduled,
    TestDriveTaken,
)
from roadbook.database import Connection
from roadbook.events import Recorded

DriveKey = tuple[datetime, UUID]
"""Where a page of drives ends: (booked_at, test_drive)."""

# ── Writing ───────────────────────────────────────────────────────────────────────────────────────────────────
_BOOKED = """
INSERT INTO test_drives (test_drive, lead, party_ref, dealer, vin, model, staff, state, starts, ends, booked_at,
                         version)
VALUES ($1, $2, $3, $4, $5, $6, $7, 'booked', $8, $9, $10, $11)
"""

_MOVED = "UPDATE test_drives SET starts = $2, ends = $3, version = $4 WHERE test_drive = $1"

_CLOSED = "UPDATE test_drives SET state = $2, version = $3 WHERE test_drive = $1"

# Sorted, so that two that want the same slots wait for each other in one direction only; before any slot is let go.
_TAKE = f"""
INSERT INTO test_drive_slots (vin, slot, test_drive)
SELECT vin, slot, test_drive
FROM test_drives, generate_series(starts, ends - interval '1 microsecond', interval '{GRAIN.seconds} seconds') AS slot
WHERE test_drive = $1 ORDER BY slot
ON CONFLICT DO NOTHING
"""

_LET_GO = """
DELETE FROM test_drive_slots s USING test_drives d
WHERE s.test_drive = $1 AND d.test_drive = $1
  AND (d.state NOT IN ('booked', 'taken') OR s.slot < d.starts OR s.slot >= d.ends)
RETURNING s.vin, s.slot
"""

# A drive takes at most a day.
_HAND_ON = """
INSERT INTO test_drive_slots (vin, slot, test_drive)
SELECT $1, slot, test_drive FROM unnest($2::timestamptz[]) AS slot
JOIN test_drives d ON d.vin = $1 AND d.starts > slot - interval '1 day' AND d.starts <= slot AND slot < d.ends
WHERE d.state IN ('booked', 'taken') ORDER BY slot
ON CONFLICT DO NOTHING
"""


async def apply(connection: Connection, told: Sequence[tuple[Recorded, Event]]) -> None:
    """Only the order within a stream matters. Refuses nothing: see `holds_all`."""
    for recorded, event in told:
        drive, version = UUID(recorded.stream.partition("/")[2]), recorded.version
        match event:
            case TestDriveBooked() as e:
                await connection.execute(
                    _BOOKED, drive, UUID(e.lead), e.party_ref, e.dealer, e.vin, e.model, e.staff, e.starts, e.ends,
                    e.at, version,
                )  # fmt: skip
                await connection.execute(_TAKE, drive)
            case TestDriveRescheduled(starts=starts, ends=ends):
                await connection.execute(_MOVED, drive, starts, ends, version)
                await connection.execute(_TAKE, drive)
                await _let_go(connection, drive)
            case TestDriveCancelled():
                await connection.execute(_CLOSED, drive, "cancelled", version)
                await _let_go(connection, drive)
            case TestDriveMissed():
                await connection.execute(_CLOSED, drive, "missed", version)
                await _let_go(connection, drive)
            case TestDriveTaken():
                await connection.execute(_CLOSED, drive, "taken", version)


async def _let_go(connection: Connection, drive: UUID) -> None:
    gone = await connection.fetch(_LET_GO, drive)
    if gone:
        await connection.execute(_HAND_ON, gone[0]["vin"], sorted(row["slot"] for row in gone))


_HOLDS_ALL = f"""
SELECT (SELECT count(*) FROM test_drive_slots s WHERE s.test_drive = d.test_drive AND s.vin = d.vin)
       * interval '{GRAIN.seconds} seconds' >= d.ends - d.starts
FROM test_drives d WHERE d.test_drive = $1
"""


async def holds_all(connection: Connection, drive: UUID) -> bool:
    """Whether every slot the drive takes is its own; asked in the transaction that took them."""
    return bool(await connection.fetchval(_HOLDS_ALL, drive))


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class DriveRow:
    test_drive: UUID
    lead: UUID
    party_ref: str
    dealer: str
    vin: str
    model: str
    staff: str | None
    state: str
    starts: datetime
    ends: datetime
    booked_at: datetime
    version: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which drives; None means any. `starts` is a span: from the first moment, to before the second."""

    dealer: str | None = None
    vin: str | None = None
    lead: UUID | None = None
    state: str | None = None
    starts: tuple[datetime, datetime] | None = None


def drives_query(wanted: Wanted, after: DriveKey | None, limit: int) -> tuple[str, list[Any]]:
    """The statement and its arguments; only conditions that were asked for stand in it, so that an index fits."""
    arguments: list[Any] = [limit]
    conditions = []
    for column in ("dealer", "vin", "lead", "state"):
        value = getattr(wanted, column)
        if value is not None:
            arguments.append(value)
            conditions.append(f"{column} = ${len(arguments)}")
    if wanted.starts is not None:
        arguments += wanted.starts
        conditions.append(f"starts >= ${len(arguments) - 1} AND starts < ${len(arguments)}")
    if after is not None:
        arguments += after
        conditions.append(f"(booked_at, test_drive) < (${len(arguments) - 1}, ${len(arguments)})")
    where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
    return f"SELECT * FROM test_drives {where}ORDER BY booked_at DESC, test_drive DESC LIMIT $1", arguments


async def drives(connection: Connection, wanted: Wanted, after: DriveKey | None, limit: int) -> list[DriveRow]:
    """At most `limit` drives after the key, the last booked first."""
    statement, arguments = drives_query(wanted, after, limit)
    return [DriveRow(**dict(row)) for row in await connection.fetch(statement, *arguments)]


_TAKEN = "SELECT slot, test_drive FROM test_drive_slots WHERE vin = $1 AND slot >= $2 AND slot < $3"


async def taken(connection: Connection, vin: str, first: datetime, end: datetime) -> dict[datetime, UUID]:
    """The drive that holds each five minutes of the car from `first` to before `end`; free ones are not in it."""
    return {row["slot"]: row["test_drive"] for row in await connection.fetch(_TAKEN, vin, first, end)}
