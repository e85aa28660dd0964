"""The projection's tables: facts and folded states, personal values, and what reading a customer takes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import asyncpg
import orjson

from projection.domain import ownership, sharing
from projection.domain.personal import PersonalValue
from projection.domain.streams.stream import FOLDS, StreamState, fold_version
from projection.views.links import referring, refs_of
from projection.visibility import seen
from roadbook.database import Connection
from roadbook.events import Recorded


# ── Writing: one statement per batch ──────────────────────────────────────────────────────────────────────────
def _granting(saved: str, first: int) -> str:
    """The end of a statement that brings the grants in step with the states that `saved` names. Its five parameters,
    from `first` on: streams that were ever shared, and stream, dealer, scope and until of what is granted now."""
    streams, columns = f"${first}::text[]", [f"${first + number}" for number in range(1, 5)]
    pairs = f"{columns[0]}::text[], {columns[1]}::text[]"
    return f""", over AS (
    DELETE FROM stream_grants g WHERE g.stream = ANY({streams}) AND g.stream IN (SELECT stream FROM {saved})
      AND (g.stream, g.dealer) NOT IN (SELECT * FROM unnest({pairs}))
)
INSERT INTO stream_grants (stream, dealer, scope, until)
SELECT u.* FROM unnest({pairs}, {columns[2]}::text[], {columns[3]}::timestamptz[]) AS u (stream, dealer, scope, until)
WHERE u.stream IN (SELECT stream FROM {saved})
ON CONFLICT (stream, dealer) DO UPDATE SET scope = excluded.scope, until = excluded.until
"""


def _grants(states: Sequence[StreamState], shared: Sequence[str]) -> list[list[Any]]:
    given = [(state.stream, grant) for state in states for grant in sharing.grants(state)]
    return [
        list(shared),
        [stream for stream, _ in given],
        [grant.dealer for _, grant in given],
        [grant.scope for _, grant in given],
        [grant.until for _, grant in given],
    ]


_SAVE = (
    """
WITH kept AS (
    INSERT INTO facts (stream, version, id, type, time, recorded, party_ref, vin, dealer, actor, correlation,
                       causation, data)
    SELECT * FROM unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[],
                         $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[])
    ON CONFLICT (stream, version) DO NOTHING
), marked AS (
    INSERT INTO dirty (party_ref) SELECT * FROM unnest($14::text[])
), saved AS (
    INSERT INTO stream_states AS s (stream, party_ref, dealer, version, fold, unknown, state)
    SELECT u.stream, u.party_ref, u.dealer, u.version, u.fold, ARRAY(SELECT json_array_elements_text(u.unknown)),
           u.state
    FROM unnest($15::text[], $16::text[], $17::text[], $18::int[], $19::int[], $20::json[], $21::json[])
         AS u (stream, party_ref, dealer, version, fold, unknown, state)
    ON CONFLICT (stream) DO UPDATE SET party_ref = excluded.party_ref, dealer = excluded.dealer,
        version = excluded.version, fold = excluded.fold, unknown = excluded.unknown, state = excluded.state
    WHERE excluded.version >= s.version
    RETURNING s.stream
)"""
    + referring(22)
    + _granting("saved", 26)
)


async def save_facts(
    connection: Connection, applied: Sequence[Recorded], states: Sequence[tuple[StreamState, str]]
) -> None:
    """Facts, states (each with its JSON), grants and marks of a batch. `states` are sorted by stream: two workers that
    meet lock rows in one order (T13)."""
    await connection.execute(
        _SAVE,
        [event.stream for event in applied],
        [event.version for event in applied],
        [event.id for event in applied],
        [event.type for event in applied],
        [event.time for event in applied],
        [event.recorded for event in applied],
        [event.labels.party_ref for event in applied],
        [event.labels.vin for event in applied],
        [event.labels.dealer for event in applied],
        [event.actor for event in applied],
        [event.correlation for event in applied],
        [event.causation for event in applied],
        [event.data for event in applied],
        sorted({ref for state, _ in states for ref in ownership.parties(state)}),
        [state.stream for state, _ in states],
        [state.party_ref for state, _ in states],
        [state.dealer for state, _ in states],
        [state.version for state, _ in states],
        [state.fold for state, _ in states],
        [orjson.dumps(state.unknown).decode() for state, _ in states],
        [text for _, text in states],
        *refs_of([state for state, _ in states]),
        *_grants([s for s, _ in states], [s.stream for s, _ in states if s.body is not None and s.body.shares]),
    )


class PersonalRow(Protocol):
    """A personal value as it came; `value` is JSON text, None for a tombstone."""

    @property
    def party_ref(self) -> str: ...
    @property
    def service(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def stream(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def value(self) -> str | None: ...
    @property
    def source(self) -> str | None: ...
    @property
    def recorded_at(self) -> datetime | None: ...
    @property
    def verified_at(self) -> datetime | None: ...


_SAVE_PERSONAL = """
WITH saved AS (
    INSERT INTO personal_values AS p (party_ref, service, key, stream, version, value, source, recorded_at, verified_at)
    SELECT u.* FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::json[], $7::text[],
                           $8::timestamptz[], $9::timestamptz[])
         AS u (party_ref, service, key, stream, version, value, source, recorded_at, verified_at)
    LEFT JOIN personal_fences f USING (party_ref, service)
    WHERE f.fence IS NULL OR u.version > f.fence
    ON CONFLICT (party_ref, service, key) DO UPDATE SET version = excluded.version, value = excluded.value,
        source = excluded.source, recorded_at = excluded.recorded_at, verified_at = excluded.verified_at
    WHERE excluded.version > p.version
    RETURNING party_ref
)
INSERT INTO dirty (party_ref) SELECT DISTINCT party_ref FROM saved
"""


async def save_personal(connection: Connection, rows: Sequence[PersonalRow]) -> None:
    """The highest version of each key wins, whatever order they come in; nothing at or below a fence is kept."""
    best: dict[tuple[str, str, str], PersonalRow] = {}
    for row in rows:
        place = (row.party_ref, row.service, row.key)
        if place not in best or best[place].version < row.version:
            best[place] = row
    ordered = [best[place] for place in sorted(best)]
    await connection.execute(
        _SAVE_PERSONAL,
        [row.party_ref for row in ordered],
        [row.service for row in ordered],
        [row.key for row in ordered],
        [row.stream for row in ordered],
        [row.version for row in ordered],
        [row.value for row in ordered],
        [row.source for row in ordered],
        [row.recorded_at for row in ordered],
        [row.verified_at for row in ordered],
    )


# ── Reading states ────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class StateRow:
    """`stale`: folded by older code, or holding a type this code has learned since; then `state` must not be used."""

    stream: str
    party_ref: str | None
    version: int
    stale: bool
    state: str


_STATES = "SELECT stream, party_ref, version, fold, unknown, state FROM stream_states WHERE stream = ANY($1::text[])"


async def states(connection: Connection, streams: Sequence[str], known: Collection[str]) -> list[StateRow]:
    return [_state_row(row, known) for row in await connection.fetch(_STATES, list(streams))]


# All references that are one customer with some, whoever holds them; what of it a viewer may see is decided in Python.
# Used as an array: the planner would read whole tables to join them. A vehicle is found by whoever once owned it.
_REACHED = """
WITH reached AS MATERIALIZED (
    SELECT unnest($1::text[]) AS ref
    UNION
    SELECT party_ref FROM customer_map
    WHERE customer_id = ANY(ARRAY(SELECT customer_id FROM customer_map WHERE party_ref = ANY($1::text[])))
)
"""

_CUSTOMER = (
    _REACHED
    + f"""
SELECT s.stream, s.party_ref, s.version, s.fold, s.unknown, s.state
FROM stream_states s
WHERE s.party_ref = ANY(ARRAY(SELECT ref FROM reached)) AND {seen("$2", "$3::timestamptz")}
UNION ALL
SELECT s.stream, r.party_ref, s.version, s.fold, s.unknown, s.state
FROM (
    SELECT DISTINCT stream, party_ref FROM stream_refs
    WHERE party_ref = ANY(ARRAY(SELECT ref FROM reached)) AND starts_with(stream, 'vehicle/')
      AND ($2::text IS NULL OR dealer = $2)
) r CROSS JOIN LATERAL (SELECT * FROM stream_states t WHERE t.stream = r.stream) s
"""
)


async def customer_states(
    connection: Connection, refs: Sequence[str], dealer: str | None, at: datetime, known: Collection[str]
) -> list[StateRow]:
    """The streams of everything linked with `refs` that `dealer` may see at that time (None: headquarters). A vehicle's
    comes once for each of its owners among them, whose `party_ref` the row has."""
    return [_state_row(row, known) for row in await connection.fetch(_CUSTOMER, list(refs), dealer, at)]


_PERSONAL = """
SELECT party_ref, service, key, stream, value, source, recorded_at, verified_at, version FROM personal_values
WHERE party_ref = ANY($1::text[]) AND stream = ANY($2::text[])
"""


async def personal_of(
    connection: Connection, refs: Sequence[str], streams: Sequence[str]
) -> dict[str, dict[str, PersonalValue]]:
    """stream -> field -> value, removed ones included. A stream belongs to one service, so the pair is unique."""
    found: dict[str, dict[str, PersonalValue]] = {}
    for row in await connection.fetch(_PERSONAL, list(refs), list(streams)):
        value = None if row["value"] is None else orjson.loads(row["value"])
        name = row["key"].removeprefix(row["stream"] + "/")
        found.setdefault(row["stream"], {})[name] = PersonalValue(
            value, row["source"] or "", row["recorded_at"], row["verified_at"], row["version"]
        )
    return found


def _state_row(row: asyncpg.Record, known: Collection[str]) -> StateRow:
    stale = row["fold"] != fold_version(row["stream"]) or any(type_ in known for type_ in row["unknown"])
    return StateRow(row["stream"], row["party_ref"], row["version"], stale, row["state"])


# ── Facts ─────────────────────────────────────────────────────────────────────────────────────────────────────
_FACTS = """
SELECT stream, version, id, type, time, recorded, data, party_ref, dealer, actor
FROM facts WHERE stream = ANY($1::text[]) ORDER BY stream, version
"""


async def facts_of(connection: Connection, streams: Sequence[str]) -> list[asyncpg.Record]:
    """Every fact of these streams, in version order of each."""
    return await connection.fetch(_FACTS, list(streams))


_KNOWN_IDS = """
SELECT stream, version, id FROM facts
JOIN unnest($1::text[], $2::int[]) AS asked (stream, version) USING (stream, version)
"""


async def known_ids(connection: Connection, pairs: Sequence[tuple[str, int]]) -> Mapping[tuple[str, int], str]:
    rows = await connection.fetch(_KNOWN_IDS, [stream for stream, _ in pairs], [version for _, version in pairs])
    return {(row["stream"], row["version"]): row["id"] for row in rows}


_STALE = """
SELECT stream FROM stream_states
WHERE unknown && $1::text[] OR fold <> coalesce(($2::json ->> split_part(stream, '/', 1))::int, 0)
ORDER BY stream LIMIT $3
"""


async def stale_streams(connection: Connection, known: Collection[str], limit: int) -> list[str]:
    """Streams that newer code has to fold again."""
    rows = await connection.fetch(_STALE, sorted(known), orjson.dumps(FOLDS).decode(), limit)
    return [row["stream"] for row in rows]


_REFOLDED = (
    """
WITH done AS (
    UPDATE stream_states s
    SET fold = u.fold, unknown = ARRAY(SELECT json_array_elements_text(u.unknown)), state = u.state
    FROM unnest($1::text[], $2::int[], $3::int[], $4::json[], $5::json[]) AS u (stream, version, fold, unknown, state)
    WHERE s.stream = u.stream AND s.version = u.version
    RETURNING s.stream, s.party_ref
), marked AS (
    INSERT INTO dirty (party_ref) SELECT DISTINCT party_ref FROM done WHERE party_ref IS NOT NULL
)"""
    + referring(6)
    + _granting("done", 10)
)


async def save_refolded(connection: Connection, states: Sequence[tuple[StreamState, str]]) -> None:
    """Where events came meanwhile, their worker has folded the stream again itself: nothing is written."""
    await connection.execute(
        _REFOLDED,
        [state.stream for state, _ in states],
        [state.version for state, _ in states],
        [state.fold for state, _ in states],
        [orjson.dumps(state.unknown).decode() for state, _ in states],
        [text for _, text in states],
        *refs_of([state for state, _ in states]),
        *_grants([state for state, _ in states], [state.stream for state, _ in states]),
    )


# ── Timeline ──────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class TimelineFilter:
    """Bounds of occurred time are inclusive below and exclusive above; None = open. `type` is a full event type. What
    was stored after `known_at`, or happened after `as_of`, is left out."""

    type: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    known_at: datetime | None = None
    as_of: datetime | None = None


# Each stream gives at most one page from its index, so a page costs the same however long the lives are and however
# far it is turned: the bounds are written so that even a generic plan starts at the right place. A cause is
# named only if the viewer may see its stream.
_TIMELINE = """
SELECT f.*, c.id AS cause
FROM unnest($1::text[]) AS own (stream)
CROSS JOIN LATERAL (
    SELECT * FROM facts
    WHERE facts.stream = own.stream
      AND ($2::text IS NULL OR type = $2)
      AND (NOT starts_with(own.stream, 'vehicle/') OR facts.id = ANY($9::text[]))
      AND ($10::timestamptz IS NULL OR recorded <= $10)
      AND ($11::timestamptz IS NULL OR time <= $11)
      AND time >= greatest($3::timestamptz, $5::timestamptz, '-infinity')
      AND time < coalesce($4::timestamptz, 'infinity')
      AND (time, facts.stream COLLATE "C", version)
          > (coalesce($5, '-infinity'), coalesce($6::text, ''), coalesce($7::int, 0))
    ORDER BY time, version LIMIT $8
) f
LEFT JOIN facts c ON c.id = f.causation AND c.stream = ANY($1::text[])
    AND (NOT starts_with(c.stream, 'vehicle/') OR c.id = ANY($9::text[]))
    AND ($10::timestamptz IS NULL OR c.recorded <= $10) AND ($11::timestamptz IS NULL OR c.time <= $11)
ORDER BY f.time, f.stream COLLATE "C", f.version LIMIT $8
"""


async def timeline(
    connection: Connection,
    streams: Sequence[str],
    events: Sequence[str],
    wanted: TimelineFilter,
    after: tuple[datetime, str, int] | None,
    size: int,
) -> list[asyncpg.Record]:
    """Events of these streams by (occurred, stream, version), from `after` on; of vehicles only some `events`."""
    bounds = [list(streams), wanted.type, wanted.since, wanted.until]
    last = after or (None, None, None)
    return await connection.fetch(_TIMELINE, *bounds, *last, size, list(events), wanted.known_at, wanted.as_of)


# ── Names ─────────────────────────────────────────────────────────────────────────────────────────────────────
_NAMES = f"""
SELECT p.party_ref, p.value #>> '{{}}' AS name,
       CASE WHEN $2::text IS NOT NULL AND s.dealer IS DISTINCT FROM $2 THEN p.stream END AS shared
FROM personal_values p JOIN stream_states s USING (stream)
WHERE p.party_ref = ANY($1::text[]) AND p.key = p.stream || '/name' AND json_typeof(p.value) = 'string'
  AND {seen("$2", "$3::timestamptz", contact=True)}
"""


@dataclass(frozen=True, slots=True)
class Name:
    """`shared`: the stream by whose share it may be read; None for a stream of the viewer's own."""

    party_ref: str
    name: str = field(repr=False)
    shared: str | None


async def names_of(connection: Connection, refs: Sequence[str], dealer: str | None, at: datetime) -> list[Name]:
    """Full names out of the streams whose personal data `dealer` may read at that time (None: all)."""
    rows = await connection.fetch(_NAMES, list(refs), dealer, at)
    return [Name(row["party_ref"], row["name"], row["shared"]) for row in rows]
