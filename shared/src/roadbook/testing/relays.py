"""Helpers around stores and relays under test: histories to publish, and what a topic must look like afterwards."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from roadbook.bus import Delivered, Message
from roadbook.database import Pool
from roadbook.events import Labels, NewEvent, Recorded
from roadbook.outbox import Channel, Sequencer
from roadbook.store.port import PersonalValue, Stored, Write
from roadbook.store.postgres import PostgresStore

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


async def write(
    pool: Pool, stream: str, expected: int, events: int = 1, personal: Sequence[PersonalValue] = ()
) -> Stored:
    """One command: so many events on the stream, and personal data beside them."""
    news = [NewEvent("roadbook.thing.happened.v1", NOW, f'{{"n": {expected + n + 1}}}') for n in range(events)]
    outcome = await PostgresStore(pool).write(
        Write(
            stream,
            expected,
            stream,
            news,
            [Labels()] * events,
            NOW,
            "a",
            "c",
            personal=personal,
            personal_source="test",
        )
    )
    assert isinstance(outcome, Stored)
    return outcome


async def write_streams(pool: Pool, streams: int, versions: int) -> list[Recorded]:
    """`versions` events on each of `streams` streams, interleaved."""
    written: list[Recorded] = []
    for version in range(versions):
        for number in range(streams):
            written += (await write(pool, f"thing/{number}", version)).events
    return written


async def sequence(pool: Pool, channel: Channel = "facts") -> int:
    """Sequences all that is pending now."""
    sequencer, moved = Sequencer(pool, channel, asyncio.Event(), asyncio.Event()), 0
    while (step := await sequencer.step()) > 0:
        moved += step
    return moved


def subject(record: Delivered) -> tuple[str, int]:
    headers = dict(record.headers)
    return headers["ce_subject"].decode(), int(headers["ce_sequence"])


def first_occurrences(records: Iterable[Delivered]) -> dict[str, list[int]]:
    """Per stream, its versions in the order in which each first stands on the topic (RELIABILITY §5b)."""
    seen: dict[str, list[int]] = {}
    for record in sorted(records, key=lambda each: (each.partition, each.offset)):
        stream, version = subject(record)
        versions = seen.setdefault(stream, [])
        if version not in versions:
            versions.append(version)
    return seen


def assert_published(records: Sequence[Delivered], events: Sequence[Recorded], messages: Sequence[Message]) -> int:
    """Every event is there, first occurrences are 1..n, repeats are byte-identical, nothing else is there. Returns
    the number of repeats."""
    wanted: dict[str, list[int]] = {}
    for event in events:
        wanted.setdefault(event.stream, []).append(event.version)
    assert first_occurrences(records) == {stream: sorted(versions) for stream, versions in wanted.items()}
    contents = {(message.key, message.value, message.headers) for message in messages}
    assert {(record.key, record.value, record.headers) for record in records} == contents
    return len(records) - len(events)
