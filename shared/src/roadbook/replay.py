"""A consumer's topics, read up to given offsets and no further: how tables are built again beside those in use.

The same work, store and version rule as the consumer's, so what is built is what a consumer would have built; but it
ends, it never goes beyond a vector that somebody else has reached, and it tells how far it is. Only one may run, and
its work is one transaction per batch: reactions are nothing to be repeated.
"""

import time
from collections.abc import Callable, Mapping
from typing import Final

from roadbook.bus import Delivered, Subscription, TopicPartition
from roadbook.consumer import MAX_RECORDS, POLL_SECONDS
from roadbook.consumer_store import ConsumerStore
from roadbook.consumer_work import Work
from roadbook.crashpoints import crashpoint

Vector = Mapping[TopicPartition, int]
FOREVER: Final = float("inf")


class TooSlow(Exception):
    """The vector was not reached by the deadline. What was read is committed: the next attempt has less to do."""


class Moved(Exception):
    """Somebody else has moved the offsets that this replay reads by: two run at once."""


class Replay:
    """Goes on from the offsets in `store`, so that one that was killed has lost at most a batch."""

    def __init__(
        self,
        store: ConsumerStore,
        subscription: Subscription,
        work: Work,
        *,
        max_records: int = MAX_RECORDS,
    ) -> None:
        self._store = store
        self._subscription = subscription
        self._work = work
        self._max_records = max_records

    async def reached(self, targets: Vector) -> dict[TopicPartition, int]:
        """How far it is, for each partition of `targets`."""
        return await self._store.offsets(list(targets))

    async def to(
        self, targets: Vector, *, deadline: float = FOREVER, progress: Callable[[int, int], None] | None = None
    ) -> int:
        """Applies everything before `targets` (offset to read next, per partition); returns how many records.

        `deadline` is a time of `time.monotonic`; `progress` is told after each batch how many records it
        had and by how many offsets it moved on: compaction and transactions leave offsets without a record.
        Raises `TooSlow`, `Moved`, and what the bus and the store raise; then it may be called again.
        """
        place = {each: at for each, at in (await self.reached(targets)).items() if at < targets[each]}
        read = 0
        if place:
            await self._subscription.assign(place)
        while place:
            if time.monotonic() >= deadline:
                raise TooSlow
            polled = await self._subscription.poll(max_records=self._max_records, timeout=POLL_SECONDS)
            records = [
                record
                for partition, found in sorted(polled.items())
                for record in found
                if partition in place and record.offset < targets[partition]
            ]
            after = {each: min(self._subscription.position(each), targets[each]) for each in place}
            moves = {each: (place[each], after[each]) for each in place if after[each] > place[each]}
            await self._apply(records, moves)
            read += len(records)
            if progress is not None:
                progress(len(records), sum(after[each] - at for each, at in place.items()))
            place = {each: at for each, at in after.items() if at < targets[each]}
        return read

    async def retry(self, targets: Vector) -> int:
        """Tries the streams again that are marked for it; returns how many there were."""
        place = await self.reached(targets)
        streams = await self._store.retries(list(place))
        if streams:
            moves = {each: (at, at) for each, at in place.items()}
            async with self._store.transaction() as transaction:
                if not await transaction.advance(moves) or await self._work.apply(transaction, (), streams) is None:
                    raise Moved
            await self._work.committed()
        return len(streams)

    async def _apply(self, records: list[Delivered], moves: Mapping[TopicPartition, tuple[int, int]]) -> None:
        if not moves:
            return
        async with self._store.transaction() as transaction:
            if not await transaction.advance(moves):
                raise Moved
            if records and await self._work.apply(transaction, records, ()) is None:
                raise Moved
            crashpoint("rebuild.in_tx")
        crashpoint("rebuild.after_commit")
        await self._work.committed()
