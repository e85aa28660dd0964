"""What a dealer may see of a stream (C05): all of one it holds; of one that is shared with it, what the share gives.

One rule for records, timelines, search, summaries and waits. The table of grants is only its index.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from projection.domain import ownership
from projection.domain.streams.stream import StreamState

FACTS, CONTACT = "facts", "contact"


@dataclass(frozen=True, slots=True)
class Grant:
    """`dealer` may read the stream while the time is before `until`: `facts`, or `contact` (personal data too)."""

    dealer: str
    scope: str
    until: datetime


def grants(state: StreamState) -> list[Grant]:
    """By dealer, at most one each: shares that only time can still end. None of a lead in the recycle bin, none after
    it left the holder that gave them."""
    if state.body is None or state.body.binned.value or state.party_ref is None:
        return []
    given = {
        share.dealer: Grant(share.dealer, CONTACT if share.scope == CONTACT else FACTS, share.until)
        for share in state.body.shares
        if share.ended is None and share.dealer != state.dealer
    }
    return [given[dealer] for dealer in sorted(given)]


def grant_to(state: StreamState, dealer: str | None, at: datetime) -> Grant | None:
    """By which share `dealer` sees the stream at that time; None for its own, for headquarters and for no share."""
    if dealer is None or state.dealer == dealer:
        return None
    return next((each for each in grants(state) if each.dealer == dealer and at < each.until), None)


def seen(states: Iterable[StreamState], dealer: str | None, at: datetime) -> list[StreamState]:
    """The streams as `dealer` (None: headquarters) sees them at that time; those it may not see are left out. Of a
    vehicle (a slice of it) these are the intervals that it made."""
    found: list[StreamState] = []
    for state in states:
        if ownership.is_slice(state):
            part = state if dealer is None else ownership.seen_by(state, dealer)
            found += [] if part is None else [part]
            continue
        grant = grant_to(state, dealer, at)
        if grant is not None:
            found.append(state if grant.scope == CONTACT else without_person(state))
        elif dealer is None or state.dealer == dealer:
            found.append(state)
    return found


def without_person(state: StreamState) -> StreamState:
    """The facts alone: not even which contact points and other personal data there are."""
    if state.body is None:
        return state
    return replace(state, body=replace(state.body, contact_points=(), removed_points=(), personal_fields=()))


def with_person(states: Iterable[StreamState], dealer: str | None, at: datetime) -> list[str]:
    """Of streams that `dealer` sees, those whose personal data it may read too."""
    given = ((state.stream, grant_to(state, dealer, at)) for state in states)
    return [stream for stream, grant in given if grant is None or grant.scope == CONTACT]
