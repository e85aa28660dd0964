"""The bus as the kit sees it: a port with two implementations, `roadbook.kafka` and `roadbook.testing.memory_bus`.

Both pass the same contract suite (`roadbook.testing.bus_contract`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """A record to publish. `value` None is a tombstone (legal on compacted topics only)."""

    key: bytes
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Delivered:
    """A record as read back; `timestamp` is the broker's append time in milliseconds since the epoch."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    timestamp: int


@dataclass(frozen=True, slots=True, order=True)
class TopicPartition:
    topic: str
    partition: int


class PublishFailed(Exception):
    """The batch was not acknowledged. The publisher has thrown its producer away: what was sent may or may not
    stand on the topic, and the caller resumes from its own cursor. `reason` is a class name, never content."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Fenced(PublishFailed):
    """A newer producer with the same transactional id has taken over: this one must stop publishing."""


class OffsetOutOfRange(Exception):
    """The wanted offset does not exist: the topic was replaced or truncated. Fail loudly (T11)."""


class BusUnavailable(Exception):
    """The broker cannot be asked now; the same call may work later. `reason` is a class name, never content."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Publisher(Protocol):
    """Publishes batches. One batch per (topic, partition) may be under way at a time (T10)."""

    @property
    def rebuilds(self) -> int:
        """How many times the producer was thrown away and built anew."""
        ...

    async def partition_of(self, topic: str, key: bytes) -> int:
        """The partition of a key: murmur2, as every Kafka client does it."""
        ...

    async def send(self, topic: str, partition: int, messages: Sequence[Message]) -> int:
        """Sends one batch as far as it fits and waits for the acknowledgement; returns how many of `messages`
        (a prefix, at least 1) are now confirmed. Raises `PublishFailed`."""
        ...

    async def close(self) -> None: ...


class TransactionalPublisher(Protocol):
    """Publishes a whole batch atomically under a fixed transactional id, which fences zombies (T17)."""

    @property
    def rebuilds(self) -> int: ...

    async def acquire(self) -> None:
        """Makes this the one publisher of its transactional id: whoever was before is fenced from now on, and its
        unfinished transaction is undone. What is sent must be read from the store *after* this: values read
        earlier may be older than what another has published meanwhile (T17). Does nothing while it is held.
        Raises `PublishFailed`."""
        ...

    async def send_all(self, topic: str, messages: Sequence[Message]) -> None:
        """Raises `Fenced` or `PublishFailed`; then nothing of the batch is visible to read-committed readers,
        or the outcome is unknown and the caller reads and sends again. It must `acquire` anew after any failure:
        without that this raises `PublishFailed`."""
        ...

    async def close(self) -> None: ...


class Subscription(Protocol):
    """Reads assigned partitions from given offsets, read-committed. Holds no group state of its own."""

    async def partitions(self, topic: str) -> list[TopicPartition]:
        """All partitions of the topic; raises `LookupError` while it does not exist, `BusUnavailable`."""
        ...

    async def assign(self, positions: Mapping[TopicPartition, int]) -> None:
        """Replaces the assignment and seeks every partition to its offset."""
        ...

    async def poll(self, *, max_records: int, timeout: float) -> dict[TopicPartition, list[Delivered]]:
        """What has arrived, in offset order per partition; empty after `timeout` seconds, also while the broker is
        away. After `OffsetOutOfRange` or `BusUnavailable` the caller must `assign` anew."""
        ...

    async def end_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """The offset after the last readable record, per partition; after `assign`. Raises `BusUnavailable`."""
        ...

    def position(self, partition: TopicPartition) -> int:
        """The next offset this subscription will return for the partition (jumps over compacted gaps and
        transaction markers)."""
        ...

    async def commit(self, positions: Mapping[TopicPartition, int]) -> None:
        """Writes Kafka's committed offsets, only so that standard tools show lag; failures are swallowed."""
        ...

    async def close(self) -> None: ...
