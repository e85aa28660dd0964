"""A list becomes leads: read as fast as it is stored, a transaction per batch, every row with its result.

Nothing doubles: a row's lead id is made from dealer, list and row id, so a row that comes again, in this file or
another, meets its lead and is `known`. An import may break off anywhere; the same file sent again finishes it.
"""

import asyncio
import functools
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

from lead.service import import_files as files
from lead.service.aggregates import apply_views
from lead.service.aggregates.lead import aggregate
from lead.service.import_files import Fault, RawRow
from lead.service.import_rows import Form, List, Reason, Row, Unfit, columns, reasons_shown, recognise
from lead.service.leads import capture_order
from lead.service.running import Service
from lead.views import imports as views
from lead.views.imports import Import, RowResult
from roadbook import logs
from roadbook.answers import Answer
from roadbook.clock import Clock
from roadbook.commands import creation
from roadbook.context import CommandContext, Idempotency
from roadbook.database import Connection, acquire, is_transient, is_unreachable
from roadbook.decider import Rejected
from roadbook.errors import IdempotencyKeyReused, NotFound, OutcomeUnknown, Unavailable
from roadbook.events import Recorded, new_id
from roadbook.store.port import VersionConflict, Write
from roadbook.workers import Backoff, pause

PATIENCE_SECONDS: Final = 20.0  # for a database that goes away in the middle
SILENT: Final = timedelta(minutes=1)
R = TypeVar("R")
_log = logs.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Sent:
    """A list as it arrives. `next` gives the next bytes, none at the end, and raises `Fault` or what breaks it off."""

    next: Callable[[], Awaitable[bytes]]
    gzip: bool
    format: str
    source: str
    dry_run: bool


class Broken(Exception):
    """The import ended early: `fault` is why, in the file; None: the database stayed away, send the file again."""

    def __init__(self, import_id: str, fault: Fault | None) -> None:
        super().__init__(fault.code if fault else "unavailable")
        self.import_id = import_id
        self.fault = fault


async def take(service: Service, sent: Sent, form: Form, context: CommandContext, clock: Clock) -> Answer:
    """Raises `Broken`, `IdempotencyKeyReused`, `Unavailable`, and whatever broke off the sending."""
    work = _Work(service, sent, form, replace(context, idempotency=None, if_match=None), clock)
    if context.idempotency is not None:
        loaded = await service.store.load("", idempotency=context.idempotency)
        if loaded.replay is not None:
            async with work.reader() as read:
                whole = await read.drained()
            if not whole or loaded.replay.fingerprint != read.digest.digest():
                raise IdempotencyKeyReused
            return replace(loaded.replay.answer, replayed=True)
    async with work.reader() as read:
        await work.run(read)
    answer = Answer(200, shown(await found(service, work.import_id, context.dealer, clock.now())))
    if context.idempotency is not None:
        await service.store.remember(Idempotency(context.idempotency.key, read.digest.digest()), answer)
    return answer


def shown(done: Import) -> dict[str, Any]:
    place = f"/v1/imports/{done.import_id}"
    return {
        "import": str(done.import_id),
        "state": done.state,
        "dry_run": done.dry_run,
        "rows": done.rows,
        "created": done.created,
        "known": done.known,
        "rejected": done.rejected,
        "results": f"{place}/results",
        "rejects": f"{place}/rejects",
    }


# ── Reading, in a thread of its own ───────────────────────────────────────────────────────────────────────────
class _Reader:
    """Bytes to batches of recognised rows. The thread waits for the event loop whenever it needs more bytes."""

    def __init__(self, work: "_Work") -> None:
        self.digest = hashlib.sha256()
        self._work = work
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(1, "import")
        chunks = self._chunks()
        lines = files.lines(files.inflate(chunks) if work.sent.gzip else chunks)
        self._csv = files.CsvRows(lines, frozenset(columns(work.form.fields))) if work.sent.format == "csv" else None
        self._batches = files.batches(iter(self._csv) if self._csv else files.ndjson_rows(lines))

    @property
    def list_(self) -> List:
        return List(self._work.context.dealer, self._work.sent.source, self._csv.columns if self._csv else None)

    def _chunks(self) -> Iterator[bytes]:
        while chunk := asyncio.run_coroutine_threadsafe(self._next(), self._loop).result():
            self.digest.update(chunk)
            yield chunk

    async def _next(self) -> bytes:
        return await self._work.sent.next()

    async def batch(self) -> list[Row]:
        """The next rows, none at the end. Raises `Fault` and what `Sent.next` raises."""
        return await self._loop.run_in_executor(self._thread, self._batch)

    def _batch(self) -> list[Row]:
        raw: Sequence[RawRow] = next(self._batches, [])
        return [recognise(row, self.list_, self._work.form) for row in raw]

    async def drained(self) -> bool:
        """Reads to the end for the digest's sake; False if it cannot be read so far."""
        try:
            while chunk := await self._next():
                self.digest.update(chunk)
        except Fault:
            return False
        return True

    def close(self) -> None:
        self._thread.shutdown(wait=False)


# ── Working ───────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(slots=True)
class _Work:
    """One import. Each batch has its own `now`: deadlines run from when a row reached us."""

    service: Service
    sent: Sent
    form: Form
    context: CommandContext
    clock: Clock
    import_id: UUID = field(default_factory=lambda: UUID(new_id()))

    @asynccontextmanager
    async def reader(self) -> AsyncIterator[_Reader]:
        reader = _Reader(self)
        try:
            yield reader
        finally:
            reader.close()

    async def run(self, read: _Reader) -> None:
        await self._patiently(self._begin)
        try:
            await self._all(read)
        except Fault as fault:
            await self._end("failed", fault.code, fault.row)
            raise Broken(str(self.import_id), fault) from None
        except Unavailable:
            await self._end("interrupted")
            raise Broken(str(self.import_id), None) from None
        except Exception:
            await self._end("interrupted")
            raise
        await self._patiently(lambda: self._ended("done"))

    async def _all(self, read: _Reader) -> None:
        """One batch is read and decided while the one before it is stored, and no more than that."""
        upcoming = asyncio.ensure_future(self._next(read, frozenset()))
        try:
            while batch := await upcoming:
                upcoming = asyncio.ensure_future(self._next(read, batch.new))
                await self._patiently(functools.partial(self._store, batch))
        finally:
            upcoming.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def _next(self, read: _Reader, before: frozenset[str]) -> "_Batch | None":
        """The next rows, decided; None at the end. `before` are the leads of the batch that is being stored."""
        rows = await read.batch()
        if not rows:
            return None
        context = replace(self.context, now=self.clock.now())
        known, parties = await self._patiently(functools.partial(self._known, rows))
        decided = await asyncio.to_thread(self._decided, rows, read.list_, known | before, parties, context)
        return _Batch(decided, read.list_.columns, context)

    async def _store(self, batch: "_Batch") -> None:
        async with acquire(self.service.pool) as connection:
            if await views.batch_done(connection, self.import_id, batch.first):
                return  # though nobody was told so

        async def record(connection: Connection, recorded: Sequence[Recorded]) -> None:
            made = {event.stream for event in recorded}
            if recorded:
                await apply_views(connection, recorded)
            results = [self._result(each, made) for each in batch.decided]
            await views.add_results(connection, self.import_id, batch.columns, results, batch.context.now)

        writes = [each.write for each in batch.decided if each.write is not None]
        if writes and not self.sent.dry_run:
            await self.service.store.create_many(writes, record)
        else:
            async with acquire(self.service.pool) as connection, connection.transaction():
                await record(connection, ())

    async def _known(self, rows: Sequence[Row]) -> tuple[frozenset[str], frozenset[str]]:
        """(leads that are there, party references of which the caller holds a lead)."""
        ids = [row.lead_id for row in rows if row.lead_id]
        named = [row.value["party_ref"] for row in rows if row.value and isinstance(row.value.get("party_ref"), str)]
        async with acquire(self.service.pool) as connection:
            streams = await views.existing(connection, [aggregate.stream(id_) for id_ in ids])
            known = frozenset(stream.partition("/")[2] for stream in streams)
            if self.sent.dry_run:
                known |= await views.tried(connection, self.import_id, [UUID(id_) for id_ in ids])
            parties = await views.parties_known(connection, named, self.context.dealer) if named else frozenset()
        return known, parties

    def _decided(
        self,
        rows: Sequence[Row],
        list_: List,
        known: frozenset[str],
        parties: frozenset[str],
        context: CommandContext,
    ) -> list["_Decided"]:
        seen = set(known)
        decided = []
        for row in rows:
            if row.value is None:
                reasons = row.reasons
            elif row.lead_id in seen:
                decided.append(_Decided(row))
                continue
            else:
                write = self._write(row, row.value, parties, context)
                if isinstance(write, Write):
                    seen.add(row.lead_id)
                    decided.append(_Decided(row, write))
                    continue
                reasons = write
            decided.append(_Decided(row, reasons=reasons_shown(reasons, row, list_)))
        return decided

    def _write(
        self, row: Row, value: Mapping[str, Any], parties: frozenset[str], context: CommandContext
    ) -> Write | Sequence[Reason]:
        """As a capture of the same body would write it."""
        try:
            said, captured = self.form.read(value, context)
            if captured.party_ref is not None and captured.party_ref not in parties:
                return [replace(self.form.rejected("party_ref_unknown"), pointer="/party_ref")]
            party_ref = captured.party_ref or row.party_ref
            order = capture_order(self.service, row.lead_id, party_ref, said, captured, context)
            return creation(aggregate, order, context)
        except Unfit as unfit:
            return unfit.reasons
        except Rejected as rejection:
            return [self.form.rejected(rejection.code)]

    def _result(self, each: "_Decided", made: set[str]) -> RowResult:
        row = each.row
        if each.reasons:
            return RowResult(row.number, row.row_id, "rejected", None, each.reasons, row.text)
        lead = UUID(row.lead_id)
        if each.write is None or not (self.sent.dry_run or each.write.stream in made):
            return RowResult(row.number, row.row_id, "known", lead)
        return RowResult(row.number, row.row_id, "would_create" if self.sent.dry_run else "created", lead)

    async def _begin(self) -> None:
        now, sent = self.context.now, self.sent
        new = Import(
            self.import_id, self.context.dealer, sent.source, sent.format, None, sent.dry_run, "running", None, None,
            0, 0, 0, 0, now, now, now + self.service.retention,
        )  # fmt: skip
        async with acquire(self.service.pool) as connection:
            await views.begin(connection, new)

    async def _ended(self, state: str, fault: str | None = None, row: int | None = None) -> None:
        async with acquire(self.service.pool) as connection:
            await views.end(connection, self.import_id, state, self.clock.now(), fault, row)

    async def _end(self, state: str, fault: str | None = None, row: int | None = None) -> None:
        """Said for the record only: what broke the import off is the news."""
        try:
            await self._ended(state, fault, row)
        except Exception as error:
            _log.warning("import_end_not_recorded", **logs.describe_exception(error))

    async def _patiently(self, work: Callable[[], Awaitable[R]]) -> R:
        """Again and again while the database is away, for a while; each `work` may be repeated without harm, also when
        the outcome of its COMMIT is unknown. Raises `Unavailable`."""
        loop, backoff = asyncio.get_running_loop(), Backoff(0.05, 2.0)
        end = loop.time() + PATIENCE_SECONDS
        while True:
            try:
                return await work()
            except Exception as error:
                if not (isinstance(error, _PASSING) or is_unreachable(error) or is_transient(error)):
                    raise
                if loop.time() > end:
                    raise Unavailable(retry_after=5) from None
            await pause(backoff.step())


_PASSING: Final = (Unavailable, OutcomeUnknown, VersionConflict)


@dataclass(frozen=True, slots=True)
class _Decided:
    """A row with what is to be written, or why not; neither: its lead is there."""

    row: Row
    write: Write | None = None
    reasons: Sequence[Mapping[str, str]] = ()


@dataclass(frozen=True, slots=True)
class _Batch:
    """Rows that are stored in one transaction, decided at `context.now`."""

    decided: Sequence[_Decided]
    columns: Sequence[str] | None
    context: CommandContext

    @property
    def first(self) -> int:
        return self.decided[0].row.number

    @property
    def new(self) -> frozenset[str]:
        return frozenset(each.row.lead_id for each in self.decided if each.write is not None)


# ── Looking back ──────────────────────────────────────────────────────────────────────────────────────────────
async def found(service: Service, import_id: UUID, dealer: str | None, now: datetime) -> Import:
    """One that says it is running and has not moved for a minute was killed. Raises `NotFound`."""
    async with acquire(service.pool) as connection:
        known = await views.found(connection, import_id, dealer)
    if known is None:
        raise NotFound
    silent = known.state == "running" and now - known.updated > SILENT
    return replace(known, state="interrupted") if silent else known


async def results(
    service: Service, import_id: UUID, after: int, limit: int, *, rejected: bool = False
) -> list[RowResult]:
    async with acquire(service.pool) as connection:
        return await views.results(connection, import_id, after, limit, rejected=rejected)
