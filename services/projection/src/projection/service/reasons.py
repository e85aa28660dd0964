"""Why: the events behind a value of the record."""

from dataclasses import dataclass

from projection.domain.personal import PersonalValue
from projection.domain.reasons import Answer, why
from projection.service.records import Entry, View, entry, record_of, view
from projection.service.travel import When
from projection.views import records, travel
from projection.views.shares import Viewer
from roadbook.database import Connection, Pool, acquire


@dataclass(frozen=True, slots=True)
class Reason:
    """`events` in the order in which the value names them; `value` is the personal one, where it is one."""

    answer: Answer
    rules: str
    events: list[Entry]
    value: PersonalValue | None


async def read_why(pool: Pool, ref: str, pointer: str, viewer: Viewer, when: When) -> Reason:
    """Raises `NotFound` for the customer and `NoSuchPath` for a value that its record does not have."""
    async with acquire(pool) as connection:
        seen = await view(connection, ref, viewer, when)
        record = await record_of(connection, seen, viewer, when)
        answer = why(record, pointer)
        events = await _events(connection, seen, answer)
        value = None
        if answer.personal is not None:
            refs = sorted({state.party_ref for state in seen.states if state.party_ref is not None})
            data = await records.personal_of(connection, refs, seen.readable)
            value = data.get(answer.personal.stream, {}).get(answer.personal.field)
    return Reason(answer, record.rules, events, value)


async def _events(connection: Connection, seen: View, answer: Answer) -> list[Entry]:
    """Out of the streams that are seen, and of the links that make them one."""
    if not answer.events:
        return []
    streams = {state.stream for state in seen.states} | {f"link/{each.smaller}:{each.larger}" for each in seen.links}
    rows = await travel.facts_by_id(connection, answer.events, sorted(streams))
    found = {row["id"]: entry(row) for row in rows}
    return [found[event] for event in answer.events if event in found]
