"""What the customer wants, and what is to be done about it."""

from collections.abc import Sequence
from datetime import datetime

from projection.domain.facts import NOTHING, Leaf
from projection.domain.sections.due import overdue, overdue_by, routing_by, routing_state
from projection.domain.streams.lead import LeadState
from projection.domain.streams.stream import StreamState


def profile(leads: Sequence[tuple[StreamState, LeadState]]) -> dict[str, object]:
    needs = [
        {
            "stream": state.stream,
            "kind": Leaf(need.value.kind, need.events),
            "value": Leaf(need.value.value, need.events),
            "source": Leaf(need.value.source, need.events),
        }
        for state, lead in leads
        for need in lead.needs
    ]
    return {"needs": needs}


def intent(leads: Sequence[tuple[StreamState, LeadState]], at: datetime) -> dict[str, object]:
    return {"open_leads": [_open_lead(state, lead, at) for state, lead in leads if lead.open]}


def _open_lead(state: StreamState, lead: LeadState, at: datetime) -> dict[str, object]:
    return {
        "stream": state.stream,
        "captured_at": lead.captured,
        "source": lead.source,
        "campaign": lead.campaign,
        "dealer_wish": lead.dealer_wish,
        "region": lead.region,
        "needs": list(lead.needs),
        "grade": lead.grade,
        "reasons": lead.reasons,
        "score": _score(lead),
        "vehicles": lead.vehicles,
        "budget": lead.budget,
        "window": lead.window,
        "first_contact_at": lead.first_contact,
        "reported_status": _reported(lead),
        "routing": _routing(lead, at),
        "next_action": _next_action(lead, at),
    }


def _score(lead: LeadState) -> dict[str, object] | None:
    if not lead.scores:
        return None
    last = lead.scores[-1]
    by = (last.event,)
    return {"points": Leaf(last.points, by), "parts": Leaf(last.parts, by), "at": Leaf(last.at, by)}


def _reported(lead: LeadState) -> Leaf[str | None]:
    return Leaf(lead.reports[-1].status, (lead.reports[-1].event,)) if lead.reports else NOTHING


def _routing(lead: LeadState, at: datetime) -> dict[str, object] | None:
    """The last one; `state` waiting means that its dealer has still to accept."""
    if not lead.routings:
        return None
    last = lead.routings[-1]
    by = (last.event,)
    return {
        "dealer": Leaf(last.dealer, by),
        "by": Leaf(last.by, by),
        "accept_by": Leaf(last.accept_by, by),
        "state": Leaf(routing_state(last, at), routing_by(last, at)),
    }


def _next_action(lead: LeadState, at: datetime) -> dict[str, object] | None:
    """E21: no open lead without one; of a routed lead it is to accept it."""
    action = lead.pending
    if action is None:
        return None
    by = (action.event,)
    assigned = by if action.assigned_by is None else (action.event, action.assigned_by)
    return {
        "kind": Leaf(action.kind, by),
        "due": Leaf(action.due, by),
        "assignee": Leaf(action.assignee, assigned),
        "overdue": Leaf(overdue(action, at), overdue_by(action, at)),
    }
