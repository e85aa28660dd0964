"""Who at a dealer works a lead, and who else may see it (C04, C05, M03)."""

from datetime import datetime

from lead.domain.lead.commands import (
    ClaimLead,
    NoteProtectionExpired,
    ProtectLead,
    ReassignLead,
    ReleaseLead,
    RevokeShare,
    ShareCustomer,
)
from lead.domain.lead.events import (
    CustomerShared,
    Event,
    LeadProtected,
    LeadProtectionExpired,
    LeadReassigned,
    LeadReleasedToPool,
    ShareRevoked,
)
from lead.domain.lead.state import Lead
from lead.domain.lead.values import Share
from roadbook.decider import Rejected


def protect(command: ProtectLead, lead: Lead) -> list[Event]:
    """That the party is not protected through another lead is a rule over a set: a table keeps it."""
    held, at = lead.protection, command.at
    if lead.dealer is None:
        raise Rejected("lead_without_dealer")
    before = _lapsed(lead, at)
    if held is not None and not before:
        if held.staff == command.staff:
            return []
        raise Rejected("customer_protected")
    if lead.owner not in (None, command.staff) and not before:
        raise Rejected("not_in_pool")  # as for a claim: only `ReassignLead` takes it from whoever works it
    return [*before, LeadProtected(command.staff, at + command.rules.protection, command.rules.version, at)]


def protection_expired(command: NoteProtectionExpired, lead: Lead) -> list[Event]:
    held = lead.protection
    if held is None or held.until != command.due or held.until > command.now:
        return []  # moved by an activity since the timer was set
    return _lapsed(lead, command.now)


def _lapsed(lead: Lead, at: datetime) -> list[Event]:
    """The end of a protection that is over at that time: the timer may be late, and others need not wait for it."""
    held = lead.protection
    if held is None or at < held.until:
        return []
    return [
        LeadProtectionExpired(held.staff, held.until),
        LeadReleasedToPool("protection_expired", held.until),
    ]


def release(command: ReleaseLead, lead: Lead) -> list[Event]:
    if lead.dealer is None:
        raise Rejected("lead_without_dealer")
    if lead.routing is not None:
        raise Rejected("acceptance_pending")
    return [] if lead.pooled else [LeadReleasedToPool(command.reason, command.at)]


def claim(command: ClaimLead, lead: Lead) -> list[Event]:
    taken = _taken(command.staff, lead, command.at)
    if taken or lead.owner == command.staff:
        return taken
    raise Rejected("not_in_pool")


def _taken(staff: str, lead: Lead, at: datetime) -> list[Event]:
    """Out of the pool, if it is there."""
    before = _lapsed(lead, at)
    return [*before, LeadReassigned(None, staff, "claimed", at)] if before or lead.pooled else []


def give(staff: str | None, lead: Lead, at: datetime) -> list[Event]:
    """Whose the next action is, his is the lead: out of the pool, but not from under a protection."""
    if staff is None:
        return []
    taken = _taken(staff, lead, at)
    if not taken and lead.protection is not None and lead.protection.staff != staff:
        raise Rejected("customer_protected")
    return taken


def reassign(command: ReassignLead, lead: Lead) -> list[Event]:
    """A closed one too: reopened, it would be the leaver's again."""
    if lead.routing is not None:
        raise Rejected("acceptance_pending")
    if command.previous != lead.owner or command.previous == command.staff:
        return []
    return [LeadReassigned(command.previous, command.staff, command.reason, command.at)]


def share(command: ShareCustomer, lead: Lead) -> list[Event]:
    if lead.dealer is None:
        raise Rejected("lead_without_dealer")
    if lead.routing is not None:
        raise Rejected("acceptance_pending")
    if command.dealer == lead.dealer:
        raise Rejected("share_with_holder")
    if command.until <= command.at:
        raise Rejected("share_in_the_past")
    if Share(command.dealer, command.scope, command.until) in lead.shares:
        return []
    return [CustomerShared(command.dealer, command.scope, command.until, command.reason, command.at)]


def revoke(command: RevokeShare, lead: Lead) -> list[Event]:
    if all(share.dealer != command.dealer for share in lead.shares):
        return []
    return [ShareRevoked(command.dealer, command.at)]
