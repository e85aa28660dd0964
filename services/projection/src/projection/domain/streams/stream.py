"""Any stream: what all of them have, and the fold of its own kind inside."""

from dataclasses import dataclass, replace
from datetime import datetime

from projection.domain.facts import Fact
from projection.domain.streams import lead, test_drive

# Raise it when the fold of a kind changes: states folded by older code are then folded again from the facts.
FOLDS = {"lead": 2, "testdrive": 1}

# Kept as facts and no part of any record: nobody's streams, whose types are not missing when they are not known.
KEPT_ONLY = frozenset({"groupbuy", "campaign", "showroomday", "mediaspend"})


@dataclass(frozen=True, slots=True)
class Holder:
    """`dealer` held the stream from `since` on; None = nobody."""

    dealer: str | None
    since: datetime
    event: str


@dataclass(frozen=True, slots=True)
class StreamState:
    """`body` is of a lead, `drive` of a test drive; neither for a kind of stream this code does not know. `unknown`
    lists event types it could not read: code that learns one of them folds the stream again. `fold` is the version of
    the fold that made this state, `last_event` the latest time at which something happened.
    """

    stream: str
    fold: int
    version: int = 0
    last_event: datetime | None = None
    party_ref: str | None = None
    dealer: str | None = None
    holders: tuple[Holder, ...] = ()
    unknown: tuple[str, ...] = ()
    unknown_events: int = 0
    body: lead.LeadState | None = None
    drive: test_drive.DriveState | None = None


def kind_of(stream: str) -> str:
    """`lead/0199…` -> `lead`."""
    return stream.partition("/")[0]


def fold_version(stream: str) -> int:
    """0 for a kind of stream this code does not know."""
    return FOLDS.get(kind_of(stream), 0)


def initial(stream: str) -> StreamState:
    body = lead.LeadState() if kind_of(stream) == "lead" else None
    return StreamState(stream, fold_version(stream), body=body)


def evolve(state: StreamState, fact: Fact) -> StreamState:
    """Total. A version that was folded already changes nothing, whatever it holds."""
    if fact.version <= state.version or fact.stream != state.stream:
        return state
    moved = bool(state.holders) and state.holders[-1].dealer != fact.dealer
    holders = state.holders
    if moved or not holders:
        holders = (*holders, Holder(fact.dealer, fact.time, fact.id))
    unknown, unknown_events = state.unknown, state.unknown_events
    if fact.event is None and kind_of(state.stream) not in KEPT_ONLY:
        unknown_events += 1
        unknown = unknown if fact.type in unknown else (*unknown, fact.type)
    return replace(
        state,
        version=fact.version,
        last_event=fact.time if state.last_event is None else max(state.last_event, fact.time),
        party_ref=state.party_ref if fact.party_ref is None else fact.party_ref,
        dealer=fact.dealer,
        holders=holders,
        unknown=unknown,
        unknown_events=unknown_events,
        body=None if state.body is None else _lead(state.body, fact, moved=moved),
        drive=test_drive.evolve(state.drive, fact) if kind_of(state.stream) == "testdrive" else None,
    )


def _lead(body: lead.LeadState, fact: Fact, *, moved: bool) -> lead.LeadState:
    if moved:
        body = lead.left_holder(body, fact.id)
    return body if fact.event is None else lead.evolve(body, fact)


def summary(event: object) -> str | None:
    """What happened, in plain words and without personal data; None for an event nobody here knows."""
    return lead.summary(event) or test_drive.summary(event)
