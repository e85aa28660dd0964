"""What the kit's statements do, on the model of PostgreSQL. The real ones are held by the contract suites of
`roadbook.testing` and the tests of the kit; `test_models.py` fails
when a statement changes, until its model was looked at.

`append` and `sequence_outbox` stand for the functions of the kit's migration, statement by statement: a bare `yield` is
where another transaction may come between two of them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
import orjson

from roadbook import consumer_store, ops, outbox, personal_relay, reactions, relay
from roadbook.store import postgres as store
from simulated.postgres import Statement, Steps, Transaction

FACTS, PERSONAL = "facts", "personal"


class VersionTaken(asyncpg.PostgresError):
    sqlstate = "RB001"


class Row(dict[str, Any]):
    """A record: a dict serves."""


# ── commands ────────────────────────────────────────────────────────────────────────────────────────────────────


def append(
    tx: Transaction,
    stream: str,
    expected: int,
    key: str,
    now: Any,
    ids: Sequence[str],
    types: Sequence[str],
    times: Sequence[Any],
    data: Sequence[str],
    dealers: Sequence[Any],
    parties: Sequence[Any],
    vins: Sequence[Any],
    actor: str,
    correlation: str,
    causation: Any,
    traceparent: Any,
    personal_refs: Sequence[str],
    personal_keys: Sequence[str],
    personal_values: Sequence[Any],
    personal_source: str,
    personal_verified: Sequence[Any],
    *rest: Any,
) -> Steps:
    timer_kinds, _, _, fired, _, idempotency, fingerprint, status, answer = rest
    assert not timer_kinds, "timers are not modelled"
    assert fired is None, "timers are not modelled"
    if idempotency is not None:
        replay = yield from claim(tx, idempotency, fingerprint, status, answer, stream, expected + len(ids))
        if replay is not None:
            return replay
        yield
    recorded = yield from move_stream(tx, stream, expected, len(ids), key, now)
    yield
    written = yield from write_personal(tx, personal_refs, personal_keys, personal_values, personal_source, now)
    if written and idempotency is not None:
        found = tx.get("idempotency", idempotency)
        yield from tx.put("idempotency", idempotency, {**found, "personal": _dump(written)})
    if written:
        yield
    columns = zip(ids, types, times, data, dealers, parties, vins, strict=True)
    for number, (id_, type_, time, text, dealer, party, vin) in enumerate(columns, start=expected + 1):
        position = tx.next("outbox_position")
        event = Row(
            stream=stream,
            version=number,
            position=position,
            id=id_,
            type=type_,
            time=time,
            recorded=recorded,
            data=text,
            actor=actor,
            correlation=correlation,
            causation=causation,
            traceparent=traceparent,
            dealer=dealer,
            party_ref=party,
            vin=vin,
        )
        yield from insert(tx, "events", (stream, number), event)
        yield from insert(tx, "outbox", (FACTS, position), True)
    return Row(outcome="stored", recorded=recorded, personal=_dump(written))


def claim(
    tx: Transaction, key: bytes, fingerprint: bytes, status: int, answer: str, stream: str | None, version: int | None
) -> Steps:
    yield from tx.lock("idempotency", key)
    found = tx.get("idempotency", key)
    if found is None:
        row = Row(fingerprint=fingerprint, status=status, answer=answer, stream=stream, version=version, personal="[]")
        yield from tx.put("idempotency", key, row)
        return None
    told = {f"replay_{name}": found[name] for name in ("fingerprint", "status", "answer", "stream", "version")}
    return Row(outcome="replay", recorded=None, personal=found["personal"], **told)


def move_stream(tx: Transaction, stream: str, expected: int, count: int, key: str, now: Any) -> Steps:
    """What `recorded` becomes. Raises `VersionTaken`."""
    if expected == 0:
        if not count:
            return None
        yield from tx.lock("streams", stream)
        if tx.get("streams", stream) is not None:
            raise VersionTaken
        yield from tx.put("streams", stream, Row(version=count, key=key, last_recorded=now))
        return now
    before = tx.get("streams", stream)
    if before is None or before["version"] != expected:
        raise VersionTaken
    yield from tx.lock("streams", stream)
    found = tx.get("streams", stream)
    if found["version"] != expected:
        raise VersionTaken
    if not count:
        return now
    recorded = max(found["last_recorded"], now)
    yield from tx.put("streams", stream, {**found, "version": expected + count, "last_recorded": recorded})
    return recorded


def write_personal(
    tx: Transaction, refs: Sequence[str], keys: Sequence[str], values: Sequence[Any], source: str, now: Any
) -> Steps:
    written = []
    for ref, key, value in sorted(zip(refs, keys, values, strict=True)):
        version = tx.next("outbox_position")
        row = Row(
            party_ref=ref, key=key, value=value, version=version, source=source, recorded_at=now, verified_at=None
        )
        yield from tx.put("personal_data", (ref, key), row)
        yield from insert(tx, "outbox", (PERSONAL, version), True)
        written.append([ref, key, version])
    return written


def insert(tx: Transaction, table: str, key: Any, row: Any) -> Steps:
    yield from tx.lock(table, key)
    if tx.get(table, key) is not None:
        raise asyncpg.UniqueViolationError(table)
    yield from tx.put(table, key, row)


def load(tx: Transaction, stream: str) -> list[Row]:
    found = tx.get("streams", stream)
    events = [row for (name, _), row in tx.rows("events") if name == stream]
    key = None if found is None else found["key"]
    return [Row(**row, key=key) for row in sorted(events, key=lambda row: row["version"])]


def load_many(tx: Transaction, streams: Sequence[str]) -> list[Row]:
    return [row for stream in sorted(set(streams)) for row in load(tx, stream)]


def load_with_key(tx: Transaction, stream: str, key: bytes) -> list[Row]:
    found = tx.get("idempotency", key)
    known = Row(i_key=None)
    if found is not None:
        known = Row(i_key=key, i_stream=found["stream"], i_version=found["version"])
        known.update({name: found[name] for name in ("fingerprint", "status", "answer", "personal")})
    return [Row(**row, **known) for row in load(tx, stream)] or [Row(version=None, **known)]


def remember(tx: Transaction, key: bytes, fingerprint: bytes, status: int, answer: str, version: int | None) -> Steps:
    replay = yield from claim(tx, key, fingerprint, status, answer, None, version)
    return "INSERT 0 1" if replay is None else "INSERT 0 0"


def recall(tx: Transaction, key: bytes) -> Any:
    return tx.get("idempotency", key)


def _dump(written: Sequence[Any]) -> str:
    return orjson.dumps(written).decode()


# ── outbox and relays ───────────────────────────────────────────────────────────────────────────────────────────


def sequence_outbox(tx: Transaction, channel: str, limit: int) -> Steps:
    yield from tx.lock("outbox_log_head", channel)
    head = tx.get("outbox_log_head", channel)
    yield
    pending = sorted(position for (name, position), _ in tx.rows("outbox") if name == channel)
    taken = pending[: min(limit, tx.database.most)]
    for no, position in enumerate(taken, start=head):
        yield from tx.put("outbox", (channel, position), None)
        yield from insert(tx, "outbox_log", (channel, no), position)
    if taken:
        yield from tx.put("outbox_log_head", channel, head + len(taken))
    return len(taken)


def logged(tx: Transaction, channel: str, limit: int) -> tuple[int, list[tuple[int, int]]]:
    """The cursor, and (no, position) from there on."""
    cursor: int = tx.get("relay_cursor", channel)
    found = sorted((no, position) for (name, no), position in tx.rows("outbox_log") if name == channel and no >= cursor)
    return cursor, found[: min(limit, tx.database.most)]


def read_facts(tx: Transaction, limit: int) -> list[Row]:
    cursor, found = logged(tx, FACTS, limit)
    events = {row["position"]: row for _, row in tx.rows("events")} if found else {}
    rows = []
    for no, position in found:
        event = events.get(position)
        key = None if event is None else tx.get("streams", event["stream"])["key"]
        rows.append(Row({**(event or {}), "next": cursor, "no": no, "key": key}))
    return rows or [Row(next=cursor, no=None)]


def read_personal(tx: Transaction, limit: int) -> list[Row]:
    cursor, found = logged(tx, PERSONAL, limit)
    values = {row["version"]: row for _, row in tx.rows("personal_data")} if found else {}
    rows = [Row({"key": None, **values.get(position, {}), "next": cursor, "no": no}) for no, position in found]
    return rows or [Row(next=cursor, no=None)]


def move_cursor(tx: Transaction, channel: str, old: int, new: int) -> Steps:
    if tx.get("relay_cursor", channel) != old:
        return "UPDATE 0"
    yield from tx.lock("relay_cursor", channel)
    if tx.get("relay_cursor", channel) != old:
        return "UPDATE 0"
    yield from tx.put("relay_cursor", channel, new)
    return "UPDATE 1"


def personal_ends(tx: Transaction) -> Row:
    return Row(next=tx.get("relay_cursor", PERSONAL), head=tx.get("outbox_log_head", PERSONAL))


def lock_cursor(tx: Transaction, channel: str) -> Steps:
    yield from tx.lock("relay_cursor", channel)
    return tx.get("relay_cursor", channel)


def set_cursor(tx: Transaction, channel: str, to: int) -> Steps:
    yield from tx.put("relay_cursor", channel, to)
    return "UPDATE 1"


PUBLISHING: Mapping[str, Statement] = {
    store._APPEND: append,
    store._LOAD: load,
    store._LOAD_MANY: load_many,
    store._LOAD_WITH_KEY: load_with_key,
    store._REMEMBER: remember,
    store._RECALL: recall,
    outbox._SEQUENCE: sequence_outbox,
    relay._READ: read_facts,
    relay._MOVE: move_cursor,
    personal_relay._READ: read_personal,
    personal_relay._ENDS: personal_ends,
    ops._LOCK_CURSOR: lock_cursor,
    ops._SET_CURSOR: set_cursor,
}

# ── consumers ───────────────────────────────────────────────────────────────────────────────────────────────────


def enter_offsets(tx: Transaction, consumer: str, topics: Sequence[str], partitions: Sequence[int]) -> Steps:
    rows = []
    for topic, partition in zip(topics, partitions, strict=True):
        place = (consumer, topic, partition)
        if tx.get("consumer_offsets", place) is None:
            yield from insert(tx, "consumer_offsets", place, 0)
        rows.append(Row(topic=topic, partition=partition, next=tx.get("consumer_offsets", place)))
    return rows


def retries(tx: Transaction, consumer: str, topics: Sequence[str], partitions: Sequence[int], reason: str) -> list[Row]:
    places = set(zip(topics, partitions, strict=True))
    found = {
        row["stream"]
        for key, row in tx.rows("held")
        if key[0] == consumer and row["reason"] == reason and (row["topic"], row["partition"]) in places
    }
    return [Row(stream=stream) for stream in sorted(found)]


def held_figures(tx: Transaction, consumer: str) -> Row:
    rows = [row for key, row in tx.rows("held") if key[0] == consumer]
    return Row(events=len(rows), parked=len({row["stream"] for row in rows if row["reason"] is not None}))


def advance(
    tx: Transaction,
    consumer: str,
    topics: Sequence[str],
    partitions: Sequence[int],
    befores: Sequence[int],
    afters: Sequence[int],
) -> Steps:
    moved = 0
    for topic, partition, before, after in zip(topics, partitions, befores, afters, strict=True):
        place = (consumer, topic, partition)
        if tx.get("consumer_offsets", place) != before:
            continue
        yield from tx.lock("consumer_offsets", place)
        if tx.get("consumer_offsets", place) == before:
            yield from tx.put("consumer_offsets", place, after)
            moved += 1
    return f"UPDATE {moved}"


def views(tx: Transaction, consumer: str, streams: Sequence[str]) -> list[Row]:
    rows = [(key, row) for key, row in tx.rows("held") if key[0] == consumer and row["stream"] in streams]
    rows.sort(key=lambda pair: (pair[0][1], pair[0][2], pair[1]["since"], pair[0][5]))
    found = []
    for stream in sorted(streams):
        last = tx.get("consumer_streams", (consumer, stream))
        own = [row for _, row in rows if row["stream"] == stream]
        found += [Row(**row, last=last) for row in own] or [Row(stream=stream, last=last, version=None)]
    return found


def write_versions(
    tx: Transaction, consumer: str, streams: Sequence[str], befores: Sequence[int], afters: Sequence[int]
) -> Steps:
    written = 0
    for stream, before, after in zip(streams, befores, afters, strict=True):
        place = (consumer, stream)
        if before > 0 and tx.get("consumer_streams", place) != before:
            continue
        yield from tx.lock("consumer_streams", place)
        if tx.get("consumer_streams", place) == (before or None):
            yield from tx.put("consumer_streams", place, after)
            written += 1
    return written


Columns = Sequence[Any]


def release_held(tx: Transaction, consumer: str, *places: Columns) -> Steps:
    for place in zip(*places, strict=True):
        yield from tx.lock("held", (consumer, *place))
        if tx.get("held", (consumer, *place)) is not None:
            yield from tx.put("held", (consumer, *place), None)
    return "DELETE"


def hold(tx: Transaction, consumer: str, *columns: Columns) -> Steps:
    for stream, version, topic, partition, offset, key, headers, value, timestamp, reason in zip(*columns, strict=True):
        place = (consumer, stream, version, topic, partition, offset)
        yield from tx.lock("held", place)
        found = tx.get("held", place)
        row = Row(stream=stream, version=version, topic=topic, partition=partition, offset=offset, key=key)
        row.update(headers=headers, value=value, timestamp=timestamp, since=tx.database.commits)
        yield from tx.put("held", place, {**(found or row), "reason": reason})
    return "INSERT"


def lock_held(tx: Transaction, consumer: str, stream: str) -> Steps:
    places = sorted({(row["topic"], row["partition"]) for key, row in tx.rows("held") if key[:2] == (consumer, stream)})
    for topic, partition in places:
        yield from tx.lock("consumer_offsets", (consumer, topic, partition))
    return "SELECT"


def mark_retry(tx: Transaction, consumer: str, stream: str, reason: str) -> Steps:
    marked = [(key, row) for key, row in tx.rows("held") if key[:2] == (consumer, stream) and row["reason"] is not None]
    for key, _ in marked:
        yield from tx.lock("held", key)
        if (row := tx.get("held", key)) is not None:
            yield from tx.put("held", key, {**row, "reason": reason})
    return f"UPDATE {len(marked)}"


def rewind(tx: Transaction, consumer: str, to: int) -> Steps:
    beyond = [key for key, next_ in tx.rows("consumer_offsets") if key[0] == consumer and next_ > to]
    for key in beyond:
        yield from tx.lock("consumer_offsets", key)
        if tx.get("consumer_offsets", key) > to:
            yield from tx.put("consumer_offsets", key, to)
    return f"UPDATE {len(beyond)}"


def first_times(tx: Transaction, reaction: str, events: Sequence[Any], *columns: Columns) -> Steps:
    entered = []
    for event in events:
        yield from tx.lock("reaction_outcomes", (reaction, event))
        if tx.get("reaction_outcomes", (reaction, event)) is None:
            yield from tx.put("reaction_outcomes", (reaction, event), "done")
            entered.append(Row(event=event))
    return entered


def note_outcome(tx: Transaction, reaction: str, event: Any, code: str) -> Steps:
    yield from tx.put("reaction_outcomes", (reaction, event), code)
    return "UPDATE 1"


# The effects of the test's own handler (`roadbook.testing.rigs`): rows without a key, so that doubles show.
WRITE_EFFECTS = "INSERT INTO effects (stream, version, id) VALUES ($1, $2, $3)"
READ_EFFECTS = "SELECT stream, version, id FROM effects WHERE stream = ANY($1) ORDER BY n"


def write_effects(tx: Transaction, rows: Sequence[tuple[str, int, str]]) -> Steps:
    for row in rows:
        yield from tx.put("effects", tx.next("effects_n"), tuple(row))


def read_effects(tx: Transaction, streams: Sequence[str]) -> list[tuple[str, int, str]]:
    return [row for _, row in sorted(tx.rows("effects")) if row[0] in streams]


CONSUMING: Mapping[str, Statement] = {
    consumer_store._ENTER: enter_offsets,
    consumer_store._RETRIES: retries,
    consumer_store._FIGURES: held_figures,
    consumer_store._ADVANCE: advance,
    consumer_store._VIEWS: views,
    consumer_store._VERSIONS: write_versions,
    consumer_store._RELEASE: release_held,
    consumer_store._HOLD: hold,
    ops._LOCK: lock_held,
    ops._UNPARK: mark_retry,
    ops._REWIND: rewind,
    reactions._FIRST: first_times,
    reactions._NOTE: note_outcome,
    WRITE_EFFECTS: write_effects,
    READ_EFFECTS: read_effects,
}
STATEMENTS: Mapping[str, Statement] = {**PUBLISHING, **CONSUMING}
