"""Who works the customer, who did, and who else may see it."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from projection.domain.facts import Leaf
from projection.domain.sections.due import events_of, routing_by, routing_state, share_state
from projection.domain.streams.lead import LeadState
from projection.domain.streams.stream import Holder, StreamState, kind_of

# Nobody works these: they are held by whoever holds what they belong to.
FOLLOWING: Final = frozenset({"partyref", "consent", "vehicle", "quote", "contract", "tradein", "accessorysale"})


def responsibility(
    streams: Sequence[StreamState], leads: Sequence[tuple[StreamState, LeadState]], at: datetime
) -> dict[str, object]:
    worked = [state for state in streams if kind_of(state.stream) not in FOLLOWING]
    return {
        "current": [_current(state, at) for state in worked if state.holders],
        "history": [entry for state in worked for entry in _history(state)],
        "routings": [entry for state, lead in leads for entry in _routings(state, lead, at)],
        "reassigned": [entry for state, lead in leads for entry in _reassigned(state, lead)],
        "shares": [entry for state, lead in leads for entry in _shares(state, lead, at)],
    }


def _held(state: StreamState, holder: Holder) -> dict[str, object]:
    by = (holder.event,)
    return {"stream": state.stream, "dealer": Leaf(holder.dealer, by), "since": Leaf(holder.since, by)}


def _current(state: StreamState, at: datetime) -> dict[str, object]:
    held = _held(state, state.holders[-1])
    lead = state.body
    if lead is None:
        return {**held, "staff": _staff(state), "pooled": False, "protection": None, "feedback": None}
    return {
        **held,
        "staff": lead.owner,
        "pooled": lead.pooled,
        "protection": _protection(lead),
        "feedback": _feedback(lead, at),
    }


def _staff(state: StreamState) -> Leaf[str | None]:
    """Nobody, as far as its holder tells, of a stream that did not begin as it should."""
    if state.drive is not None:
        return Leaf(state.drive.staff, state.drive.booked.events)
    if state.order is not None:
        return Leaf(state.order.placed.staff, (state.order.event,))
    if state.opportunity is not None:
        return state.opportunity.staff
    return Leaf(None, (state.holders[-1].event,))


def _protection(lead: LeadState) -> object:
    held = lead.protection
    return Leaf(None, lead.unprotected) if held is None else {"staff": held.staff, "until": held.until}


def _feedback(lead: LeadState, at: datetime) -> object:
    """Until when the dealer owes a word on the lead's status."""
    due = lead.feedback_due
    if due.value is None:
        return due
    if lead.feedback_missed is not None and due.value > at:
        late = Leaf(True, (*due.events, lead.feedback_missed))
    else:
        late = Leaf(due.value <= at, due.events)
    return {"due": due, "overdue": late}


def _history(state: StreamState) -> Iterator[dict[str, object]]:
    for holder, following in zip(state.holders, state.holders[1:], strict=False):
        yield {**_held(state, holder), "until": Leaf(following.since, (following.event,))}


def _routings(state: StreamState, lead: LeadState, at: datetime) -> Iterator[dict[str, object]]:
    for each in lead.routings:
        by, closed = (each.event,), events_of(each)
        yield {
            "stream": state.stream,
            "dealer": Leaf(each.dealer, by),
            "by": Leaf(each.by, by),
            "at": Leaf(each.at, by),
            "accept_by": Leaf(each.accept_by, by),
            "state": Leaf(routing_state(each, at), routing_by(each, at)),
            "answered_at": Leaf(each.closed_at, closed),
            "staff": Leaf(each.staff, closed if each.staff else by),
            "reason": Leaf(each.reason, closed if each.reason else by),
        }


def _reassigned(state: StreamState, lead: LeadState) -> Iterator[dict[str, object]]:
    for each in lead.reassignments:
        by = (each.event,)
        yield {
            "stream": state.stream,
            "previous": Leaf(each.previous, by),
            "staff": Leaf(each.staff, by),
            "reason": Leaf(each.reason, by),
            "at": Leaf(each.at, by),
        }


def _shares(state: StreamState, lead: LeadState, at: datetime) -> Iterator[dict[str, object]]:
    for each in lead.shares:
        by = (each.event,)
        yield {
            "stream": state.stream,
            "dealer": Leaf(each.dealer, by),
            "scope": Leaf(each.scope, by),
            "since": Leaf(each.since, by),
            "until": Leaf(each.until, by),
            "reason": Leaf(each.reason, by),
            "state": share_state(lead, each, at),
        }
