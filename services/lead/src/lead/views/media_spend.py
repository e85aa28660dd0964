"""Media spend as it stands now, written in the append's transaction; and what came to the showrooms beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson

from lead.domain.media_spend import Event
from roadbook.database import Connection
from roadbook.events import Recorded

SpendKey = tuple[date, str]
"""Where a page of spend ends: (day, id)."""
EffectKey = tuple[date, str]
"""Where a page of effects ends: (day, region), the region '' where none is known."""

_RECORDED = """
INSERT INTO media_spend (spend, region, day, medium, campaign, currency, minor, corrected, recorded_at, updated_at,
                         version)
VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $8, $9)
ON CONFLICT (spend) DO UPDATE SET
    currency = excluded.currency, minor = excluded.minor, corrected = media_spend.corrected + 1,
    updated_at = excluded.updated_at, version = excluded.version
"""


async def apply(connection: Connection, told: Sequence[tuple[Recorded, Event]]) -> None:
    """One statement an event: a command has one. Only the order within a stream matters."""
    for recorded, event in told:
        await connection.execute(
            _RECORDED, recorded.stream.partition("/")[2], event.region, event.day, event.medium, event.campaign,
            event.amount.currency, event.amount.minor, event.at, recorded.version,
        )  # fmt: skip


# ── What was spent ────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class SpendRow:
    """`spend` is the stream's id, `corrected` how often."""

    spend: str
    region: str
    day: date
    medium: str
    campaign: str | None
    currency: str
    minor: int
    corrected: int
    recorded_at: datetime
    updated_at: datetime
    version: int


def spend_query(
    region: str | None,
    campaign: str | None,
    first: date | None,
    last: date | None,
    after: SpendKey | None,
    limit: int,
) -> tuple[str, list[Any]]:
    """Only conditions that were asked for stand in it, so that an index fits."""
    arguments: list[Any] = [limit]
    conditions = []
    asked = (("region =", region), ("campaign =", campaign), ("day >=", first), ("day <=", last))
    for condition, value in asked:
        if value is not None:
            arguments.append(value)
            conditions.append(f"{condition} ${len(arguments)}")
    if after is not None:
        arguments += after
        conditions.append(f"(day, spend) < (${len(arguments) - 1}, ${len(arguments)})")
    where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
    return f"SELECT * FROM media_spend {where}ORDER BY day DESC, spend DESC LIMIT $1", arguments


async def spend(
    connection: Connection,
    *,
    region: str | None,
    campaign: str | None,
    first: date | None,
    last: date | None,
    after: SpendKey | None,
    limit: int,
) -> list[SpendRow]:
    """At most `limit` rows after the key, latest day first."""
    statement, arguments = spend_query(region, campaign, first, last, after, limit)
    return [SpendRow(**dict(row)) for row in await connection.fetch(statement, *arguments)]


async def spend_of(connection: Connection, codes: Sequence[str], region: str) -> list[tuple[str, str, int]]:
    """(campaign, currency, minor) of what campaigns cost in a region."""
    rows = await connection.fetch(
        "SELECT campaign, currency, sum(minor)::bigint AS minor FROM media_spend "
        "WHERE campaign = ANY ($1) AND region = $2 GROUP BY campaign, currency ORDER BY campaign, currency",
        codes,
        region,
    )
    return [(row["campaign"], row["currency"], row["minor"]) for row in rows]


# ── Its effect ────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class EffectRow:
    """One day in one region (None: of dealers and leads whose region is not known). `spend` is `[{"medium",
    "currency", "minor"}]`; `showrooms` is how many reported, without one `visitors` and `enquiries` are None."""

    day: date
    region: str | None
    spend: list[dict[str, Any]]
    showrooms: int
    visitors: int | None
    enquiries: int | None
    leads: int


@dataclass(frozen=True, slots=True)
class Asked:
    """`first`..`last` are days, `opens`..`closes` the moments between which they lie in the zone. `dealer` None:
    every dealer's traffic and leads; spend is shown to all."""

    first: date
    last: date
    opens: datetime
    closes: datetime
    zone: str
    region: str | None
    dealer: str | None


# Days and regions in which nothing was spent, counted or captured have no row.
_EFFECT = """
WITH spent AS (
    SELECT day, region, json_agg(json_build_object('medium', medium, 'currency', currency, 'minor', minor)
                                 ORDER BY medium, currency) AS spend
    FROM (SELECT day, region, medium, currency, sum(minor)::bigint AS minor FROM media_spend
          WHERE day BETWEEN $1 AND $2 AND ($6::text IS NULL OR region = $6)
          GROUP BY day, region, medium, currency) AS each
    GROUP BY day, region
), traffic AS (
    SELECT day, coalesce(region, '') AS region, count(*) AS showrooms, sum(visitors)::bigint AS visitors,
           sum(enquiries)::bigint AS enquiries
    FROM showroom_days
    WHERE day BETWEEN $1 AND $2 AND ($6::text IS NULL OR region = $6) AND ($7::text IS NULL OR dealer = $7)
    GROUP BY 1, 2
), captured AS (
    SELECT (captured_at AT TIME ZONE $5)::date AS day, coalesce(region, '') AS region, count(*) AS leads
    FROM leads
    WHERE captured_at >= $3 AND captured_at < $4 AND ($6::text IS NULL OR region = $6)
      AND ($7::text IS NULL OR dealer = $7)
    GROUP BY 1, 2
)
SELECT day, region, spend, coalesce(showrooms, 0) AS showrooms, visitors, enquiries, coalesce(leads, 0) AS leads
FROM spent FULL JOIN traffic USING (day, region) FULL JOIN captured USING (day, region)
WHERE $8::date IS NULL OR (day, region) > ($8, $9::text)
ORDER BY day, region LIMIT $10
"""


async def effect(connection: Connection, asked: Asked, after: EffectKey | None, limit: int) -> list[EffectRow]:
    """At most `limit` rows after the key, by day and region."""
    rows = await connection.fetch(
        _EFFECT, asked.first, asked.last, asked.opens, asked.closes, asked.zone, asked.region, asked.dealer,
        *(after or (None, None)), limit,
    )  # fmt: skip
    return [
        EffectRow(
            **{
                **dict(row),
                "region": row["region"] or None,
                "spend": [] if row["spend"] is None else orjson.loads(row["spend"]),
            }
        )
        for row in rows
    ]
