"""What has happened on the way to a purchase."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Protocol

from projection.domain.facts import Leaf
from projection.domain.sections.due import drive_state, events_of, overdue, overdue_by
from projection.domain.streams.lead import FollowUp, LeadState, Recycling
from projection.domain.streams.stream import StreamState
from projection.domain.streams.test_drive import DriveState


class Told(Protocol):
    @property
    def event(self) -> str: ...


Leads = Sequence[tuple[StreamState, LeadState]]


def journey(streams: Sequence[StreamState], leads: Leads, at: datetime) -> dict[str, object]:
    follow_ups = [_follow_up(state, each, at) for state, lead in leads for each in lead.follow_ups]
    drives = [_drive(state, state.drive, at) for state in streams if state.drive is not None]
    recycled = [_recycling(state, each) for state, lead in leads for each in lead.recyclings]
    return {
        "follow_ups": follow_ups,
        "status_reports": _told(leads, lambda lead: lead.reports, "status", "staff", "at"),
        "scores": _told(leads, lambda lead: lead.scores, "points", "parts", "at"),
        "online_experiences": _told(leads, lambda lead: lead.experiences, "model", "feature", "seconds", "site", "at"),
        "showroom_visits": _told(leads, lambda lead: lead.visits, "purpose", "persons", "staff", "at"),
        "test_drives": drives,
        "lost": _told(leads, lambda lead: lead.losses, "reason", "competitor", "at"),
        "reopened": _told(leads, lambda lead: lead.reopenings, "reason", "at"),
        "converted": _told(leads, lambda lead: lead.conversions, "at"),
        "outcomes": _told(leads, lambda lead: lead.outcomes, "opportunity", "outcome", "reason", "at"),
        "recycled": recycled,
    }


def _told(leads: Leads, of: Callable[[LeadState], Iterable[Told]], *names: str) -> list[dict[str, object]]:
    """What single events told, in their order."""
    return [entry for state, lead in leads for entry in _entries(state, of(lead), names)]


def _entries(state: StreamState, told: Iterable[Told], names: Sequence[str]) -> Iterator[dict[str, object]]:
    for each in told:
        by = (each.event,)
        yield {"stream": state.stream, **{name: Leaf(getattr(each, name), by) for name in names}}


def _follow_up(state: StreamState, each: FollowUp, at: datetime) -> dict[str, object]:
    by, closed = (each.event,), events_of(each)
    late = each.outcome == "done" and each.closed_at is not None and each.closed_at > each.due
    return {
        "stream": state.stream,
        "kind": Leaf(each.kind, by),
        "due": Leaf(each.due, by),
        "scheduled_at": Leaf(each.scheduled_at, by),
        "outcome": Leaf("missed" if overdue(each, at) else each.outcome, overdue_by(each, at)),
        "result": Leaf(each.result, closed if each.result else by),
        "staff": Leaf(each.staff, closed if each.staff else by),
        "closed_at": Leaf(each.closed_at, closed),
        "late": Leaf(late, closed if late else by),
    }


def _drive(state: StreamState, drive: DriveState, at: datetime) -> dict[str, object]:
    by, ended, slot = drive.booked.events, drive.status.events, drive.slot.value
    return {
        "stream": state.stream,
        "model": Leaf(drive.model, by),
        "vin": Leaf(drive.vin, by),
        "staff": Leaf(drive.staff, by),
        "booked_at": drive.booked,
        "starts": Leaf(slot.starts, drive.slot.events),
        "ends": Leaf(slot.ends, drive.slot.events),
        "state": drive_state(drive, at),
        "closed_at": Leaf(drive.closed_at, ended),
        "reason": Leaf(drive.reason, ended),
        "ratings": Leaf(drive.ratings, ended),
        "recommend": Leaf(drive.recommend, ended),
    }


def _recycling(state: StreamState, each: Recycling) -> dict[str, object]:
    by = (each.event,)
    restored = by if each.restored_by is None else (each.event, each.restored_by)
    return {
        "stream": state.stream,
        "reason": Leaf(each.reason, by),
        "at": Leaf(each.at, by),
        "restored_at": Leaf(each.restored_at, restored),
    }
