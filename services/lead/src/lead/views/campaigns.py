"""Campaigns, what was reported of them and what they brought; written in the append's transaction."""

from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass
from datetime import date, datetime
from typing import Any

import orjson

from lead.domain.campaign import CampaignClosed, CampaignLaunched, CampaignResultReported, Counters, Event
from roadbook.database import Connection
from roadbook.events import Recorded

CampaignKey = tuple[date, str]
"""Where a page of campaigns ends: (starts, code)."""

# ── Writing ───────────────────────────────────────────────────────────────────────────────────────────────────
_LAUNCHED = """
INSERT INTO campaigns (code, regions, models, channels, starts, ends, budget_currency, budget_minor, goals, launched_at,
                       version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""

_REPORTED = """
WITH seen AS (UPDATE campaigns SET version = $1 WHERE code = $2)
INSERT INTO campaign_results (campaign, region, dealer, first_day, last_day, reach, followers_gained, visitors,
                              enquiries, test_drives, orders)
VALUES ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT {who} DO UPDATE SET
    region = excluded.region, reach = excluded.reach, followers_gained = excluded.followers_gained,
    visitors = excluded.visitors, enquiries = excluded.enquiries, test_drives = excluded.test_drives,
    orders = excluded.orders
"""
_BY_DEALER = _REPORTED.format(who="(campaign, dealer, first_day, last_day) WHERE dealer IS NOT NULL")
_BY_REGION = _REPORTED.format(who="(campaign, region, first_day, last_day) WHERE dealer IS NULL")

_CLOSED = "UPDATE campaigns SET closed_at = $3, close_reason = $4, version = $1 WHERE code = $2"


async def apply(connection: Connection, told: Sequence[tuple[Recorded, Event]]) -> None:
    """One statement an event: a command has one. Only the order within a stream matters."""
    for recorded, event in told:
        version, code = recorded.version, recorded.stream.partition("/")[2]
        match event:
            case CampaignLaunched(budget=budget, goals=goals):
                await connection.execute(
                    _LAUNCHED, code, event.regions, event.models, event.channels, event.starts, event.ends,
                    budget.currency if budget else None, budget.minor if budget else None,
                    orjson.dumps(asdict(goals)).decode() if goals else None, event.at, version,
                )  # fmt: skip
            case CampaignResultReported(dealer=dealer, period=period):
                await connection.execute(
                    _BY_REGION if dealer is None else _BY_DEALER, version, code, event.region, dealer,
                    period.first, period.last, *astuple(event.counters),
                )  # fmt: skip
            case CampaignClosed(reason=reason, at=at):
                await connection.execute(_CLOSED, version, code, at, reason)


# ── The list ──────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class CampaignRow:
    code: str
    regions: tuple[str, ...]
    models: tuple[str, ...]
    channels: tuple[str, ...]
    starts: date
    ends: date
    budget_currency: str | None
    budget_minor: int | None
    goals: dict[str, int] | None
    launched_at: datetime
    closed_at: datetime | None
    close_reason: str | None
    version: int


def _campaign(row: Any) -> CampaignRow:
    arrays = {name: tuple(row[name]) for name in ("regions", "models", "channels")}
    goals = None if row["goals"] is None else orjson.loads(row["goals"])
    return CampaignRow(**{**dict(row), **arrays, "goals": goals})


def campaigns_query(
    region: str | None, model: str | None, is_open: bool | None, after: CampaignKey | None, limit: int
) -> tuple[str, list[Any]]:
    """Only conditions that were asked for stand in it. A campaign without models is one for every model."""
    arguments: list[Any] = [limit]
    conditions = []
    if region is not None:
        arguments.append(region)
        conditions.append(f"${len(arguments)} = ANY (regions)")
    if model is not None:
        arguments.append(model)
        conditions.append(f"(models = '{{}}' OR ${len(arguments)} = ANY (models))")
    if is_open is not None:
        conditions.append("closed_at IS NULL" if is_open else "closed_at IS NOT NULL")
    if after is not None:
        arguments += after
        conditions.append(f"(starts, code) < (${len(arguments) - 1}, ${len(arguments)})")
    where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
    return f"SELECT * FROM campaigns {where}ORDER BY starts DESC, code DESC LIMIT $1", arguments


async def campaigns(
    connection: Connection,
    *,
    region: str | None = None,
    model: str | None = None,
    is_open: bool | None = None,
    after: CampaignKey | None = None,
    limit: int,
) -> list[CampaignRow]:
    """At most `limit` campaigns after the key, latest start first."""
    statement, arguments = campaigns_query(region, model, is_open, after, limit)
    return [_campaign(row) for row in await connection.fetch(statement, *arguments)]


async def campaign(connection: Connection, code: str) -> CampaignRow | None:
    row = await connection.fetchrow("SELECT * FROM campaigns WHERE code = $1", code)
    return None if row is None else _campaign(row)


# ── What was reported ─────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Sum:
    """Of all periods. `dealer` None: headquarters' own counting in the region."""

    region: str
    dealer: str | None
    periods: int
    counters: Counters


_SUMS = """
SELECT region, dealer, count(*) AS periods, sum(reach)::bigint AS reach,
       sum(followers_gained)::bigint AS followers_gained, sum(visitors)::bigint AS visitors,
       sum(enquiries)::bigint AS enquiries, sum(test_drives)::bigint AS test_drives, sum(orders)::bigint AS orders
FROM campaign_results WHERE campaign = $1 GROUP BY region, dealer ORDER BY region, dealer NULLS FIRST
"""


async def reported(connection: Connection, code: str) -> list[Sum]:
    return [
        Sum(row["region"], row["dealer"], row["periods"], Counters(*list(row.values())[3:]))
        for row in await connection.fetch(_SUMS, code)
    ]


# ── What it brought ───────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class LeadCount:
    """Leads captured with a campaign. `region` None: it is not known; `dealer` None: no dealer's yet."""

    campaign: str
    region: str | None
    dealer: str | None
    state: str
    grade: str | None
    count: int


_LEADS = """
SELECT campaign, region, dealer, state, grade, count(*) AS count FROM leads
WHERE campaign = ANY ($1) AND ($2::text IS NULL OR region = $2)
GROUP BY campaign, region, dealer, state, grade ORDER BY campaign, region NULLS LAST, dealer NULLS FIRST, state, grade
"""


async def leads_of(connection: Connection, codes: Sequence[str], region: str | None = None) -> list[LeadCount]:
    return [LeadCount(**dict(row)) for row in await connection.fetch(_LEADS, codes, region)]
