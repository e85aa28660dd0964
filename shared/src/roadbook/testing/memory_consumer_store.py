"""`ConsumerStore` in memory: one transaction at a time, undone by any exception."""

import asyncio
import copy
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from roadbook.bus import TopicPartition
from roadbook.consumer_store import HeldFigures
from roadbook.version_rule import RETRY, Held, StreamView


@dataclass
class MemoryTables:
    """`effects` is for the handlers: what they write into it is undone with the transaction."""

    offsets: dict[TopicPartition, int] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    held: list[Held] = field(default_factory=list)
    effects: dict[str, Any] = field(default_factory=dict)


class MemoryConsumerStore:
    def __init__(self) -> None:
        self.tables = MemoryTables()
        self._lock = asyncio.Lock()

    async def offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return {each: self.tables.offsets.setdefault(each, 0) for each in partitions}

    async def retries(self, partitions: Sequence[TopicPartition]) -> list[str]:
        places = set(partitions)
        return sorted(
            {
                row.stream
                for row in self.tables.held
                if row.reason == RETRY and TopicPartition(row.record.topic, row.record.partition) in places
            }
        )

    async def held(self) -> HeldFigures:
        parked = {row.stream for row in self.tables.held if row.reason is not None}
        return HeldFigures(len(self.tables.held), len(parked))

    async def unpark(self, stream: str) -> None:
        """As `roadbook.ops.unpark`."""
        async with self._lock:
            self.tables.held = [
                replace(row, reason=RETRY) if row.stream == stream and row.reason is not None else row
                for row in self.tables.held
            ]

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["MemoryConsumerTransaction"]:
        async with self._lock:
            draft = MemoryTables(
                dict(self.tables.offsets),
                dict(self.tables.versions),
                list(self.tables.held),
                copy.deepcopy(self.tables.effects),
            )
            yield MemoryConsumerTransaction(draft)
            self.tables = draft


class MemoryConsumerTransaction:
    def __init__(self, tables: MemoryTables) -> None:
        self._tables = tables

    @property
    def connection(self) -> dict[str, Any]:
        return self._tables.effects

    async def advance(self, moves: Mapping[TopicPartition, tuple[int, int]]) -> bool:
        for place, (before, after) in moves.items():
            if self._tables.offsets.get(place) != before:
                return False
            self._tables.offsets[place] = after
        return True

    async def views(self, streams: Sequence[str]) -> dict[str, StreamView]:
        return {
            stream: StreamView(
                self._tables.versions.get(stream, 0),
                tuple(sorted((row for row in self._tables.held if row.stream == stream), key=lambda row: row.version)),
            )
            for stream in streams
        }

    async def write(
        self, versions: Mapping[str, tuple[int, int]], release: Sequence[Held], hold: Sequence[Held]
    ) -> bool:
        gone = {_place(row) for row in release} | {_place(row) for row in hold}
        self._tables.held = [row for row in self._tables.held if _place(row) not in gone] + list(hold)
        for stream, (before, after) in versions.items():
            if self._tables.versions.get(stream, 0) != before:
                return False
            self._tables.versions[stream] = after
        return True


def _place(row: Held) -> tuple[str, int, str, int, int]:
    return row.stream, row.version, row.record.topic, row.record.partition, row.record.offset
