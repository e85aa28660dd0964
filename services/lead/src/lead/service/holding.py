"""Who at a dealer works a lead: protection, reassignment, hand-over (C04, M03)."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from lead.domain.lead import ClaimLead, Lead, ProtectLead, ReassignLead
from lead.service.aggregates.lead import aggregate
from lead.service.leads import command, may_see, snapshot
from lead.service.running import Service
from lead.settings import Network
from lead.views import holding, lead_lists
from roadbook.answers import Answer
from roadbook.context import CommandContext
from roadbook.database import acquire
from roadbook.decider import Rejected
from roadbook.errors import Conflict, NotFound

REASSIGNED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Holder:
    """Who protects a customer, as much of it as the caller may know."""

    dealer: str
    staff: str | None
    until: datetime


class Protected(Exception):
    """Somebody else protects this customer."""

    def __init__(self, holder: Holder) -> None:
        super().__init__("customer_protected")
        self.holder = holder


class AskedTooOften(Exception):
    """The dealer was told about others' customers as often as the rules allow in an hour. `retry_after` in seconds."""

    def __init__(self, most: int, retry_after: int) -> None:
        super().__init__(retry_after)
        self.most, self.retry_after = most, retry_after


async def protect(service: Service, lead_id: str, staff: str, context: CommandContext) -> Answer:
    """Raises `Protected`, `AskedTooOften`, and what `command` raises."""
    rules = service.network.rules()
    if context.dealer is not None:
        async with acquire(service.pool) as connection:
            if not await holding.may_disclose(connection, context.dealer, context.now, rules.disclosures_per_hour):
                raise _too_often(rules.disclosures_per_hour, context.now)
    try:
        return await command(service, lead_id, ProtectLead(staff, rules, context.now), context)
    except Rejected as rejection:
        if rejection.code != "customer_protected":
            raise
        holder = await _holder(service, lead_id, context)
        if holder is None and context.idempotency is not None:
            raise  # the key stands for this refusal from now on, though what it was for has just ended
    if holder is None:
        raise Conflict  # it has just ended: ask again
    raise Protected(holder)


async def _holder(service: Service, lead_id: str, context: CommandContext) -> Holder | None:
    """Masked for another dealer, and counted: this is the one thing that a dealer learns of others (DESIGN §9)."""
    most = service.network.rules().disclosures_per_hour
    async with acquire(service.pool) as connection:
        found = await holding.protector(connection, UUID(lead_id), context.now)
        if found is None:
            return None
        if context.dealer in (None, found.dealer):
            return Holder(found.dealer, found.staff, found.until)
        if not await holding.disclose(connection, str(context.dealer), context.now, most):
            raise _too_often(most, context.now)
    return Holder(masked(found.dealer), None, found.until)


def _too_often(most: int, now: datetime) -> AskedTooOften:
    hour = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return AskedTooOften(most, int((hour - now).total_seconds()) + 1)


def masked(code: str) -> str:
    """`dealer-sh-01` -> `d***`: neither the end nor the length, which would tell the dealers of a network apart."""
    return code[:1] + "***"


async def assign(service: Service, lead_id: str, staff: str, reason: str, context: CommandContext) -> Answer:
    """From whoever works it, or from the pool."""
    lead = await snapshot(service, aggregate.stream(lead_id))
    if not may_see(lead, context.dealer):
        raise NotFound
    assert isinstance(lead.state, Lead)  # may_see
    if lead.state.pooled:
        return await command(service, lead_id, ClaimLead(staff, context.now), context)
    previous = lead.state.owner
    if previous is None and lead.state.next_action is not None:
        previous = lead.state.next_action.assignee
    return await command(service, lead_id, ReassignLead(previous, staff, reason, context.now), context)


@dataclass(frozen=True, slots=True)
class Moved:
    """How many leads went to whom, and how many are left to be moved by the same request again."""

    leads: int
    to: dict[str, int]
    left: int


async def reassign(service: Service, previous: str, to: str | None, reason: str, context: CommandContext) -> Moved:
    """All leads of a member of staff, each in a transaction of its own; to `to` where that is staff of the lead's
    dealer, else to the dealer's manager. Interrupted, the same request again moves the rest."""
    each = replace(context, idempotency=None, if_match=None)
    moved: dict[str, int] = {}
    async with acquire(service.pool) as connection:
        rows = await lead_lists.worked_by(connection, previous, context.dealer, REASSIGNED_AT_ONCE)
    for lead_id, dealer in rows:
        staff = _successor(service.network, to, dealer)
        if staff is None or staff == previous:
            raise Rejected("no_successor")
        try:
            answer = await command(service, str(lead_id), ReassignLead(previous, staff, reason, context.now), each)
        except (Rejected, NotFound):
            continue  # closed, or gone to another dealer meanwhile
        if answer.body["events"]:  # else it is somebody else's by now
            moved[staff] = moved.get(staff, 0) + 1
    async with acquire(service.pool) as connection:
        left = await lead_lists.count_worked_by(connection, previous, context.dealer)
    return Moved(sum(moved.values()), moved, left)


def _successor(network: Network, to: str | None, dealer: str | None) -> str | None:
    """`dealer` None: headquarters holds the lead, which has no manager."""
    if to is not None and network.is_staff(to, dealer):
        return to
    return None if dealer is None else network.manager(dealer)
