"""To which dealer a lead goes: candidates by the stated rule, the commands around it, and its timers (E06, E07)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from lead.domain.lead import (
    Candidate,
    Command,
    DeclineLead,
    Lead,
    NoteFeedbackOverdue,
    NoteOverdue,
    NoteProtectionExpired,
    QualifyLead,
    RouteLead,
    Rules,
    State,
)
from lead.service.aggregates import apply_views
from lead.service.aggregates.lead import FEEDBACK, NEXT_ACTION, aggregate
from lead.service.leads import by_timer, command, find, snapshot
from lead.service.running import Service
from lead.settings import Network
from lead.views import lead_lists
from roadbook.answers import Answer
from roadbook.commands import Order, execute
from roadbook.context import CommandContext
from roadbook.database import acquire
from roadbook.timers import Timer


def ranked(lead: Lead, network: Network, rules: Rules, load: Mapping[str, int]) -> tuple[Candidate, ...]:
    """Dealers that sell cars, best first: by the rules `wish` (the customer's), `distance` (from the customer's
    region) and `load` (open leads), in the order of the rule pack; the code of the dealer settles what is left."""

    def keys(dealer: str, distance: int) -> tuple[int, ...]:
        by = {"wish": int(dealer != lead.dealer_wish), "distance": distance, "load": load.get(dealer, 0)}
        return tuple(by[rule] for rule in rules.route_by)

    sellers = sorted(network.sellers(lead.region), key=lambda each: (keys(*each), each[0]))
    return tuple(Candidate(dealer, _reason(lead, dealer, rules.route_by)) for dealer, _ in sellers)


def _reason(lead: Lead, dealer: str, order: Sequence[str]) -> str:
    """The first rule that has something to say about this dealer."""
    says = {"wish": dealer == lead.dealer_wish, "distance": lead.region is not None, "load": True}
    return next((rule for rule in order if says[rule]), "load")


async def candidates(service: Service, lead_id: str) -> tuple[Candidate, ...]:
    return await _candidates(service, (await find(service, lead_id)).state)


async def _candidates(service: Service, lead: State) -> tuple[Candidate, ...]:
    if not isinstance(lead, Lead):
        return ()
    async with acquire(service.pool) as connection:
        load = await lead_lists.load_by_dealer(connection)
    return ranked(lead, service.network, service.network.rules(), load)


async def qualify(
    service: Service, lead_id: str, wanted: QualifyLead, context: CommandContext, note: tuple[str, str] | None
) -> Answer:
    """What headquarters finds hot goes to a dealer in the same transaction."""
    if wanted.grade == "hot" and context.dealer is None:
        wanted = replace(wanted, candidates=await candidates(service, lead_id))
    return await command(service, lead_id, wanted, context, note)


async def route(
    service: Service, lead_id: str, dealer: str | None, accept_by: datetime | None, context: CommandContext
) -> Answer:
    chosen = () if dealer is not None else await candidates(service, lead_id)
    wanted = RouteLead(chosen, service.network.rules(), context.now, dealer, accept_by)
    return await command(service, lead_id, wanted, context)


async def decline(
    service: Service, lead_id: str, reason: str, context: CommandContext, note: tuple[str, str] | None
) -> Answer:
    chosen = await candidates(service, lead_id)
    return await command(
        service, lead_id, DeclineLead(reason, chosen, service.network.rules(), context.now), context, note
    )


async def on_timer(service: Service, timer: Timer, now: datetime) -> None:
    """Something of a lead is due. Raises what `execute` raises, `TimerGone` among it."""
    wanted: Command
    if timer.kind == NEXT_ACTION:
        lead = (await snapshot(service, timer.stream)).state
        unanswered = isinstance(lead, Lead) and lead.routing is not None
        chosen = await _candidates(service, lead) if unanswered else ()
        wanted = NoteOverdue(timer.due, now, service.network.rules(), chosen)
    elif timer.kind == FEEDBACK:
        wanted = NoteFeedbackOverdue(timer.due, now)
    else:
        wanted = NoteProtectionExpired(timer.due, now)
    order: Order[Command] = Order(timer.stream, wanted, fired=timer.fired)
    await execute(service.store, aggregate, order, by_timer(now), apply_views)
