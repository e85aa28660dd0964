"""What time alone decides. Never that a timer has fired: its event only says the same later."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from projection.domain.facts import Leaf
from projection.domain.rules import Rules, later
from projection.domain.streams.lead import FollowUp, LeadState, Routing, Share
from projection.domain.streams.stream import StreamState
from projection.domain.streams.test_drive import DriveState


def overdue(follow_up: FollowUp, at: datetime) -> bool:
    """A missed one stays overdue until it is done or another action is planned."""
    return follow_up.outcome == "missed" or (follow_up.outcome == "planned" and follow_up.due <= at)


def events_of(thing: FollowUp | Routing) -> tuple[str, ...]:
    return (thing.event,) if thing.closed_by is None else (thing.event, thing.closed_by)


def overdue_by(follow_up: FollowUp, at: datetime) -> tuple[str, ...]:
    """What says whether it is: where time alone does, not the event that says the same later."""
    told_by_time = follow_up.outcome in ("planned", "missed") and follow_up.due <= at
    return (follow_up.event,) if told_by_time else events_of(follow_up)


def routing_by(routing: Routing, at: datetime) -> tuple[str, ...]:
    told_by_time = routing.outcome in ("waiting", "overdue") and routing.accept_by <= at
    return (routing.event,) if told_by_time else events_of(routing)


def routing_state(routing: Routing, at: datetime) -> str:
    return "overdue" if routing.outcome == "waiting" and routing.accept_by <= at else routing.outcome


def share_state(lead: LeadState, share: Share, at: datetime) -> Leaf[str]:
    """active, expired, revoked, replaced, left, or suspended while the lead is in the recycle bin."""
    if share.ended is not None:
        return Leaf(share.ended, (share.event, share.ended_by or ""))
    if share.until <= at:
        return Leaf("expired", (share.event,))
    return Leaf("suspended" if lead.binned.value else "active", (share.event, *lead.binned.events))


def drive_state(drive: DriveState, at: datetime) -> Leaf[str]:
    if drive.status.value == "booked" and drive.slot.value.report_by <= at:
        return Leaf("missed", (*drive.status.events, *drive.slot.events))
    return drive.status


def next_change(streams: Iterable[StreamState], rules: Rules, at: datetime) -> datetime | None:
    """When time alone will change what the streams say after `at`; None: never."""
    moments = (moment for state in streams for each in (_moments(state), _sales(state, rules)) for moment in each)
    return min((moment for moment in moments if moment > at), default=None)


def _sales(state: StreamState, rules: Rules) -> Iterator[datetime]:
    """An offer runs out, and a new owner becomes one like the others."""
    if state.quote is not None and state.quote.answer.value.status == "issued":
        yield state.quote.issued.valid_until
    if state.trade_in is not None and state.trade_in.status.value == "appraised":
        yield state.trade_in.appraised.valid_until
    if state.order is not None:  # the headline counts a delivery whatever was said of the order after it
        yield from (later(mark.at, rules.owner_new) for mark in state.order.marks if mark.kind == "delivered")
    yield from (later(each.start.told.at, rules.owner_new) for each in state.owned)


def _moments(state: StreamState) -> Iterator[datetime]:
    lead, drive = state.body, state.drive
    if drive is not None and drive.status.value == "booked":
        yield drive.slot.value.report_by
    if lead is None or lead.captured is None:
        return
    yield from (share.until for share in lead.shares if share.ended is None)
    yield from (routing.accept_by for routing in lead.routings if routing.outcome == "waiting")
    yield from (follow_up.due for follow_up in lead.follow_ups if follow_up.outcome == "planned")
    if lead.feedback_due.value is not None:
        yield lead.feedback_due.value
