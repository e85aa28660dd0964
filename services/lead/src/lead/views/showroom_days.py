"""Showroom days as they stand now, written in the append's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson

from lead.domain.showroom_day import Event, ShowroomDayReported, ShowroomDayRestated, Traffic
from roadbook.database import Connection
from roadbook.events import Recorded

DayKey = tuple[date, str]
"""Where a page of showroom days ends: (day, dealer)."""

_REPORTED = """
INSERT INTO showroom_days (dealer, day, region, visitors, enquiries, by_model, restated, reported_at, updated_at,
                           version)
VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $7, $8)
"""

_RESTATED = """
UPDATE showroom_days SET visitors = $3, enquiries = $4, by_model = $5, restated = restated + 1, updated_at = $6,
                         version = $7
WHERE dealer = $1 AND day = $2
"""


async def apply(connection: Connection, told: Sequence[tuple[Recorded, Event]]) -> None:
    """One statement an event: a command has one. Only the order within a stream matters."""
    for recorded, event in told:
        match event:
            case ShowroomDayReported():
                await connection.execute(
                    _REPORTED, event.dealer, event.day, event.region, *_numbers(event.traffic), event.at,
                    recorded.version,
                )  # fmt: skip
            case ShowroomDayRestated():
                dealer, _, day = recorded.stream.partition("/")[2].partition(":")
                await connection.execute(
                    _RESTATED, dealer, date.fromisoformat(day), *_numbers(event.traffic), event.at, recorded.version
                )


def _numbers(traffic: Traffic) -> tuple[int, int, str]:
    return traffic.visitors, traffic.enquiries, orjson.dumps(traffic.by_model).decode()


@dataclass(frozen=True, slots=True)
class DayRow:
    """`by_model` is `[{"model": …, "enquiries": …}]`; `restated` is how often."""

    dealer: str
    day: date
    region: str | None
    visitors: int
    enquiries: int
    by_model: list[dict[str, Any]]
    restated: int
    reported_at: datetime
    updated_at: datetime
    version: int


def _day(row: Any) -> DayRow:
    return DayRow(**{**dict(row), "by_model": orjson.loads(row["by_model"])})


def days_query(
    dealer: str | None, first: date | None, last: date | None, after: DayKey | None, limit: int
) -> tuple[str, list[Any]]:
    """Only conditions that were asked for stand in it, so that an index fits."""
    arguments: list[Any] = [limit]
    conditions = []
    for condition, value in (("dealer =", dealer), ("day >=", first), ("day <=", last)):
        if value is not None:
            arguments.append(value)
            conditions.append(f"{condition} ${len(arguments)}")
    if after is not None:
        arguments += after
        conditions.append(f"(day, dealer) < (${len(arguments) - 1}, ${len(arguments)})")
    where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
    return f"SELECT * FROM showroom_days {where}ORDER BY day DESC, dealer DESC LIMIT $1", arguments


async def days(
    connection: Connection,
    *,
    dealer: str | None,
    first: date | None,
    last: date | None,
    after: DayKey | None,
    limit: int,
) -> list[DayRow]:
    """At most `limit` days after the key, latest first. `dealer` None means every dealer's."""
    statement, arguments = days_query(dealer, first, last, after, limit)
    return [_day(row) for row in await connection.fetch(statement, *arguments)]


async def day(connection: Connection, dealer: str, day: date) -> DayRow | None:
    row = await connection.fetchrow("SELECT * FROM showroom_days WHERE dealer = $1 AND day = $2", dealer, day)
    return None if row is None else _day(row)
