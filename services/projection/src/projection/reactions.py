"""What this service does with others' messages: it keeps facts and folds them, and keeps personal values."""

import asyncio
from collections.abc import Mapping, Sequence

from projection import contract, service
from projection.contract import PersonalRow
from projection.domain.streams import stream
from projection.domain.streams.stream import StreamState
from projection.views import links
from projection.views import records as views
from projection.wakeups import Wakeups
from roadbook.bus import Delivered
from roadbook.codec import NewerVersion
from roadbook.consumer import Park
from roadbook.database import Connection
from roadbook.events import Recorded


class FactsHandler:
    """Keeps every event and the folded state of its stream. `compose` wakes the composer of this process."""

    def __init__(self, wakeups: Wakeups, compose: asyncio.Event) -> None:
        self._wakeups = wakeups
        self._compose = compose

    async def load(self, conn: Connection, streams: Sequence[str]) -> Mapping[str, StreamState]:
        return await service.load_states(conn, streams)

    def initial(self, stream_id: str) -> StreamState:
        return stream.initial(stream_id)

    def fold(self, state: StreamState, event: Recorded) -> StreamState:
        try:
            fact = contract.read(event)
        except NewerVersion:
            raise Park("newer_version") from None
        return stream.evolve(state, fact)

    async def known_ids(self, conn: Connection, pairs: Sequence[tuple[str, int]]) -> Mapping[tuple[str, int], str]:
        return await views.known_ids(conn, pairs)

    async def save(self, conn: Connection, applied: Sequence[Recorded], states: Mapping[str, StreamState]) -> None:
        ordered = [states[name] for name in sorted(states)]
        await views.save_facts(conn, applied, [(state, contract.dump_state(state)) for state in ordered])
        await links.apply(conn, [state.link for state in ordered if state.link is not None])

    async def committed(self, applied: Sequence[Recorded]) -> None:
        self._compose.set()
        self._wakeups.wake({event.stream for event in applied})


class PersonalHandler:
    """Keeps the highest version of every personal value; a tombstone is a version without a value."""

    def __init__(self, wakeups: Wakeups, compose: asyncio.Event) -> None:
        self._wakeups = wakeups
        self._compose = compose

    def decode(self, record: Delivered) -> PersonalRow:
        return contract.read_personal(record)

    async def apply(self, conn: Connection, items: Sequence[PersonalRow]) -> None:
        await views.save_personal(conn, items)

    async def committed(self, items: Sequence[PersonalRow]) -> None:
        self._compose.set()
        self._wakeups.wake({item.party_ref for item in items})
