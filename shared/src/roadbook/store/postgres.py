"""The event store on Postgres. Loading is one statement, writing is one call of `append()` (see the kit's migration,
which holds the order of locks)."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, TypeVar

import asyncpg
import orjson

from roadbook.answers import Answer
from roadbook.context import Idempotency
from roadbook.crashpoints import crashpoint
from roadbook.database import Connection, Pool, acquire, is_unreachable
from roadbook.errors import IdempotencyInFlight, OutcomeUnknown, Unavailable
from roadbook.events import Labels, Recorded
from roadbook.store.port import (
    Loaded,
    PersonalVersion,
    Replay,
    Stored,
    TimerGone,
    VersionConflict,
    Views,
    Write,
    first_of_each,
)

R = TypeVar("R")

# How long a repeat of the same Idempotency-Key gets the same answer; after that it is decided anew.
ANSWERS_KEPT = timedelta(days=30)

_EVENTS = """
SELECT stream, version, id, type, time, recorded, data, actor, correlation, causation, traceparent,
       dealer, party_ref, vin, (SELECT key FROM streams WHERE streams.stream = events.stream) AS key
FROM events"""

_LOAD = f"{_EVENTS} WHERE stream = $1 ORDER BY version"

_LOAD_MANY = f"{_EVENTS} WHERE stream = ANY ($1) ORDER BY stream, version"

_LOAD_WITH_KEY = """
SELECT e.*, i.key AS i_key, i.fingerprint, i.status, i.answer, i.stream AS i_stream, i.version AS i_version, i.personal
FROM (SELECT 1) AS one
LEFT JOIN idempotency i ON i.key = $2
LEFT JOIN LATERAL (
    SELECT ev.stream, ev.version, ev.id, ev.type, ev.time, ev.recorded, ev.data, ev.actor, ev.correlation, ev.causation,
           ev.traceparent, ev.dealer, ev.party_ref, ev.vin, s.key
    FROM events ev JOIN streams s USING (stream) WHERE ev.stream = $1
) e ON true
ORDER BY e.version
"""

_APPEND = f"SELECT * FROM append({', '.join(f'${n}' for n in range(1, 30))})"

_CREATE_MANY = f"SELECT place, personal FROM create_many({', '.join(f'${n}' for n in range(1, 27))})"

_REMEMBER = """
INSERT INTO idempotency (key, fingerprint, status, answer, version) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (key) DO NOTHING
"""

_RECALL = "SELECT fingerprint, status, answer, stream, version, personal FROM idempotency WHERE key = $1"


class PostgresStore:
    """`wake` is called after each commit, so that the sequencer of this process need not wait for its poll (T4)."""

    joined = False

    def __init__(self, pool: Pool, wake: Any = None) -> None:
        self._pool = pool
        self._wake = wake

    def _connected(self) -> AbstractAsyncContextManager[Connection]:
        return _connection(self._pool)

    async def load(self, stream: str, *, idempotency: Idempotency | None = None) -> Loaded:
        async with self._connected() as connection:
            if idempotency is None:
                rows = await connection.fetch(_LOAD, stream)
                return Loaded([_recorded(row) for row in rows], None)
            rows = await connection.fetch(_LOAD_WITH_KEY, stream, idempotency.key)
        replay = _replay(rows[0], "i_stream", "i_version") if rows[0]["i_key"] is not None else None
        return Loaded([_recorded(row) for row in rows if row["version"] is not None], replay)

    async def write(self, write: Write, views: Views | None = None) -> Stored | Replay:
        async def work(connection: Connection) -> Stored | Replay:
            row = await connection.fetchrow(_APPEND, *_arguments(write))
            assert row is not None
            if row["outcome"] == "replay":
                return _replay(row, "replay_stream", "replay_version", "replay_")
            stored = _stored(write, row["recorded"], row["personal"])
            if views is not None and stored.events:
                await views(connection, stored.events)
            return stored

        return await self._committed(work)

    async def create_many(self, writes: Sequence[Write], views: Views | None = None) -> Sequence[Stored | None]:
        new = first_of_each(writes)

        async def work(connection: Connection) -> dict[str, Stored]:
            made = [(new[row["place"] - 1], row) for row in await connection.fetch(_CREATE_MANY, *_columns(new))]
            stored = {write.stream: _stored(write, write.now, row["personal"]) for write, row in made}
            if views is not None:
                await views(connection, [event for each in stored.values() for event in each.events])
            return stored

        stored = await self._committed(work)
        return [stored.pop(write.stream, None) for write in writes]

    async def _committed(self, work: Callable[[Connection], Awaitable[R]]) -> R:
        """`work` in a transaction of its own, committed; the errors of `Store.write`."""
        async with self._connected() as connection:
            outcome = await self._transaction(connection, work)
        crashpoint("cmd.after_commit")
        if self._wake is not None:
            self._wake()
        return outcome

    async def _transaction(self, connection: Connection, work: Callable[[Connection], Awaitable[R]]) -> R:
        transaction = connection.transaction()
        await transaction.start()
        try:
            outcome = await work(connection)
            crashpoint("cmd.before_commit")
        except BaseException as error:
            await _undo(transaction, error)
            raise translated(error) from None
        try:
            await transaction.commit()
        except Exception as error:
            if not is_unreachable(error):
                raise
            with suppress(Exception):  # it may be gone already, and that is not the news
                connection.terminate()
            raise OutcomeUnknown from None
        return outcome

    async def remember(self, idempotency: Idempotency, answer: Answer) -> Replay | None:
        async with self._connected() as connection:
            status = await connection.execute(
                _REMEMBER,
                idempotency.key,
                idempotency.fingerprint,
                answer.status,
                _dump(answer),
                answer.version,
            )
            if status != "INSERT 0 0":
                return None
            row = await connection.fetchrow(_RECALL, idempotency.key)
            assert row is not None  # idempotency rows are removed by age only, days later
            return _replay(row, "stream", "version")


@asynccontextmanager
async def _connection(pool: Pool) -> AsyncIterator[Connection]:
    """As `acquire`; a server that goes away before a COMMIT was sent is `Unavailable`: nothing happened."""
    try:
        async with acquire(pool) as connection:
            yield connection
    except Exception as error:
        if is_unreachable(error):
            raise Unavailable from None
        raise


async def _undo(transaction: Any, error: BaseException) -> None:
    """Rolls back; on a lost connection the server does it by itself. What the server itself says (a statement that took
    too long) came by a connection that lives, and goes back to the pool."""
    if is_unreachable(error) and not isinstance(error, asyncpg.PostgresError):
        return
    try:
        await transaction.rollback()
    except Exception as failed:
        if not is_unreachable(failed):
            raise


def translated(error: BaseException) -> BaseException:
    """What the store's port calls it."""
    match error:
        case asyncpg.PostgresError(sqlstate="RB001"):
            return VersionConflict()
        case asyncpg.PostgresError(sqlstate="RB002"):
            return TimerGone()
        case asyncpg.UniqueViolationError():
            return VersionConflict()  # the density guard: decide anew
        case asyncpg.LockNotAvailableError():
            return IdempotencyInFlight()
        case asyncpg.DeadlockDetectedError() | asyncpg.SerializationError():
            return VersionConflict()
        case _ if is_unreachable(error):
            return Unavailable()
    return error


def _arguments(write: Write) -> list[Any]:
    idempotency, answer = write.idempotency, write.answer
    return [
        write.stream,
        write.expected,
        write.key,
        write.now,
        [event.id for event in write.events],
        [event.type for event in write.events],
        [event.time for event in write.events],
        [event.data for event in write.events],
        [labels.dealer for labels in write.labels],
        [labels.party_ref for labels in write.labels],
        [labels.vin for labels in write.labels],
        write.actor,
        write.correlation,
        write.causation,
        write.traceparent,
        [value.party_ref for value in write.personal],
        [value.key for value in write.personal],
        [_json(value.value) for value in write.personal],
        write.personal_source,
        [value.verified_at for value in write.personal],
        [timer.kind for timer in write.timers if timer.due is not None],
        [timer.due for timer in write.timers if timer.due is not None],
        [timer.kind for timer in write.timers if timer.due is None],
        write.fired.id if write.fired else None,
        write.fired.due if write.fired else None,
        idempotency.key if idempotency else None,
        idempotency.fingerprint if idempotency else None,
        answer.status if answer else None,
        _dump(answer) if answer else None,
    ]


def _columns(writes: Sequence[Write]) -> list[Any]:
    """The arguments of create_many(): one array per column, with the place of the stream each row belongs to."""
    events = [
        (place, number, event, labels)
        for place, write in enumerate(writes, start=1)
        for number, (event, labels) in enumerate(zip(write.events, write.labels, strict=True), start=1)
    ]
    personal = [(place, value) for place, write in enumerate(writes, start=1) for value in write.personal]
    timers = [(place, timer) for place, write in enumerate(writes, start=1) for timer in write.timers if timer.due]
    return [
        [write.stream for write in writes],
        [len(write.events) for write in writes],
        [write.key for write in writes],
        [write.now for write in writes],
        [write.actor for write in writes],
        [write.correlation for write in writes],
        [write.causation for write in writes],
        [write.traceparent for write in writes],
        [write.personal_source for write in writes],
        [place for place, _, _, _ in events],
        [number for _, number, _, _ in events],
        [event.id for _, _, event, _ in events],
        [event.type for _, _, event, _ in events],
        [event.time for _, _, event, _ in events],
        [event.data for _, _, event, _ in events],
        [labels.dealer for _, _, _, labels in events],
        [labels.party_ref for _, _, _, labels in events],
        [labels.vin for _, _, _, labels in events],
        [place for place, _ in personal],
        [value.party_ref for _, value in personal],
        [value.key for _, value in personal],
        [_json(value.value) for _, value in personal],
        [value.verified_at for _, value in personal],
        [place for place, _ in timers],
        [timer.kind for _, timer in timers],
        [timer.due for _, timer in timers],
    ]


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def _dump(answer: Answer) -> str:
    return orjson.dumps({"body": dict(answer.body), "location": answer.location}).decode()


def _stored(write: Write, recorded: datetime, personal: str) -> Stored:
    events = [
        Recorded(
            stream=write.stream,
            version=write.expected + n,
            id=event.id,
            type=event.type,
            time=event.time,
            recorded=recorded,
            data=event.data,
            key=write.key,
            labels=labels,
            actor=write.actor,
            correlation=write.correlation,
            causation=write.causation,
            traceparent=write.traceparent,
        )
        for n, (event, labels) in enumerate(zip(write.events, write.labels, strict=True), start=1)
    ]
    return Stored(events, write.expected + len(events), _personal(personal))


def _personal(text: str) -> list[PersonalVersion]:
    return [PersonalVersion(*entry) for entry in orjson.loads(text)]


def _replay(row: asyncpg.Record, stream: str, version: str, prefix: str = "") -> Replay:
    stored = orjson.loads(row[prefix + "answer"])
    answer = Answer(row[prefix + "status"], stored["body"], row[version], stored["location"])
    return Replay(row[prefix + "fingerprint"], answer, row[stream], _personal(row["personal"]))


def _recorded(row: asyncpg.Record) -> Recorded:
    return Recorded(
        stream=row["stream"],
        version=row["version"],
        id=str(row["id"]),
        type=row["type"],
        time=row["time"],
        recorded=row["recorded"],
        data=row["data"],
        key=row["key"],
        labels=Labels(row["dealer"], row["party_ref"], row["vin"]),
        actor=row["actor"],
        correlation=row["correlation"],
        causation=row["causation"],
        traceparent=row["traceparent"],
    )


_FORGET = """
DELETE FROM idempotency WHERE key IN (
    SELECT key FROM idempotency WHERE created < now() - $1::interval ORDER BY created LIMIT 1000)
"""


async def forget_answers(connection: Connection) -> int:
    """Removes stored answers older than `ANSWERS_KEPT`, at most 1,000 at a time; returns how many."""
    return int((await connection.execute(_FORGET, ANSWERS_KEPT)).rpartition(" ")[2])


async def read_events(connection: Connection, stream: str) -> Sequence[Recorded]:
    """The stream's events in version order, inside a transaction of the caller's."""
    return [_recorded(row) for row in await connection.fetch(_LOAD, stream)]


async def read_many(connection: Connection, streams: Sequence[str]) -> dict[str, Sequence[Recorded]]:
    """The events of each stream in version order, in one round trip, inside a transaction of the caller's."""
    found: dict[str, list[Recorded]] = {stream: [] for stream in streams}
    for row in await connection.fetch(_LOAD_MANY, list(streams)):
        found[row["stream"]].append(_recorded(row))
    return dict(found)
