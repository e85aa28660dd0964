"""What happened to a lead, in plain words and without personal data."""

from datetime import UTC, datetime

from projection.domain.streams.lead.events import (
    CustomerShared,
    FollowUpCompleted,
    FollowUpMissed,
    FollowUpScheduled,
    LeadAccepted,
    LeadCaptured,
    LeadConverted,
    LeadDeclined,
    LeadEnriched,
    LeadFeedbackOverdue,
    LeadLost,
    LeadOutcomeRecorded,
    LeadProtected,
    LeadProtectionExpired,
    LeadQualified,
    LeadReassigned,
    LeadRecycled,
    LeadReleasedToPool,
    LeadReopened,
    LeadRestored,
    LeadRouted,
    LeadScored,
    LeadStatusReported,
    OnlineExperienceRecorded,
    ShareRevoked,
    ShowroomVisitRecorded,
)


def summary(event: object) -> str | None:
    """None for an event of another kind."""
    for part in (_intent, _work, _routing, _holding, _interest):
        words = part(event)
        if words is not None:
            return words
    return None


def _intent(event: object) -> str | None:
    match event:
        case LeadCaptured(source=source, vehicles=vehicles):
            models = ", ".join(sorted({v.model for v in vehicles if v.model}))
            return f"Purchase intent captured from {source}" + (f" for {models}" if models else "")
        case LeadEnriched():
            return f"More learned: {', '.join(_learned(event)) or 'nothing new'}"
        case LeadQualified(grade=grade, reasons=reasons):
            return f"Qualified as {grade}" + (f" ({', '.join(reasons)})" if reasons else "")
        case LeadLost(reason=reason, competitor=competitor):
            return f"Lost: {reason}" + (f" to {competitor}" if competitor else "")
        case LeadReopened(reason=reason):
            return f"Reopened: {reason}"
        case LeadOutcomeRecorded(outcome=outcome, reason=reason):
            return f"What came of it: {outcome}" + (f", {reason}" if reason else "")
        case LeadConverted():
            return "Converted: the purchase begins"
        case LeadRecycled(reason=reason):
            return f"Put into the recycle bin: {reason}"
        case LeadRestored(reason=reason):
            return f"Restored from the recycle bin: {reason}"
    return None


def _work(event: object) -> str | None:
    match event:
        case FollowUpScheduled(kind=kind, due=due):
            return f"Next action {kind} planned, due {_time(due)}"
        case FollowUpMissed(kind=kind):
            return f"Next action {kind} missed its due time"
        case FollowUpCompleted(kind=kind, outcome=outcome, staff=staff):
            return f"Action {kind} done{_by(staff)}: {outcome}"
        case LeadStatusReported(status=status, staff=staff, feedback_due=due):
            return f"Status {status} reported{_by(staff)}, next word due {_time(due)}"
    return None


def _routing(event: object) -> str | None:
    match event:
        case LeadRouted(dealer=dealer, by="hand", accept_by=accept_by):
            return f"Routed to {dealer} by hand, to be accepted by {_time(accept_by)}"
        case LeadRouted(dealer=dealer, by=by, accept_by=accept_by):
            return f"Routed to {dealer} by the rule {by}, to be accepted by {_time(accept_by)}"
        case LeadAccepted(staff=staff, feedback_due=due):
            return f"Accepted by the dealer{_by(staff)}, a word on its status due {_time(due)}"
        case LeadDeclined(reason=reason):
            return f"Declined by the dealer: {reason}"
        case LeadFeedbackOverdue(awaited="acceptance"):
            return "Not accepted in time: taken from the dealer"
        case LeadFeedbackOverdue(awaited=awaited):
            return f"No word on its {awaited} in time"
    return None


def _holding(event: object) -> str | None:
    match event:
        case LeadProtected(staff=staff, until=until):
            return f"Protected for {staff} until {_time(until)}"
        case LeadProtectionExpired():
            return "Protection ran out"
        case LeadReleasedToPool(reason=reason):
            return f"Released to the dealer's pool: {reason}"
        case LeadReassigned(previous=None, staff=staff, reason=reason):
            return f"Assigned to {staff}: {reason}"
        case LeadReassigned(previous=previous, staff=staff, reason=reason):
            return f"Moved from {previous} to {staff}: {reason}"
        case CustomerShared(dealer=dealer, scope=scope, until=until, reason=reason):
            return f"Shared with {dealer} ({scope}) until {_time(until)}" + (f": {reason}" if reason else "")
        case ShareRevoked(dealer=dealer):
            return f"No longer shared with {dealer}"
    return None


def _interest(event: object) -> str | None:
    match event:
        case OnlineExperienceRecorded(model=model, feature=feature, seconds=seconds, site=site):
            return f"Looked at {feature} of {model} for {seconds} s on {site}"
        case ShowroomVisitRecorded(purpose=purpose, persons=1):
            return f"Visited the showroom: {purpose}"
        case ShowroomVisitRecorded(purpose=purpose, persons=persons):
            return f"Visited the showroom, {persons} persons: {purpose}"
        case LeadScored(points=points, parts=parts):
            return f"Scored {points}" + (f": {', '.join(f'{p.signal} {p.points}' for p in parts)}" if parts else "")
    return None


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _by(staff: str | None) -> str:
    return f" by {staff}" if staff else ""


def _learned(event: LeadEnriched) -> list[str]:
    named = {
        "vehicles": event.vehicles is not None,
        "budget": event.budget is not None,
        "window": event.window is not None,
        "contact points": bool(event.contact_points or event.removed_contact_points),
        "consent": bool(event.consents),
        "personal details": bool(event.personal_fields),
        "region": event.region is not None,
        "needs": bool(event.needs),
    }
    return [name for name, there in named.items() if there]
