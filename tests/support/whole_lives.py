"""Whole lives for property tests: streams of every kind, of several references, linked and parted."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from projection.domain import ownership
from projection.domain.components import Link, component_of
from projection.domain.facts import Fact
from projection.domain.record import Record, derive
from projection.domain.rules import RULES
from projection.domain.streams import (
    accessorysale,
    consent,
    contract,
    lead,
    link,
    opportunity,
    order,
    partyref,
    quote,
    test_drive,
    tradein,
    vehicle,
)
from projection.domain.streams.stream import StreamState, evolve, initial

START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = START + timedelta(days=200)
REFS = ("ref-0", "ref-1", "ref-2")
DEALERS = (None, "dealer-sh-01", "dealer-sh-02")
VINS = ("VIN0", "VIN1")

moments = st.integers(0, 150 * 24).map(lambda hours: START + timedelta(hours=hours))
words = st.sampled_from(["a", "b", "c"])
amounts = st.integers(1, 9)
refs = st.sampled_from(REFS)
keys = st.sampled_from(["phone/1", "phone/2"])
yuan = st.just("CNY")
vins = st.sampled_from(VINS)
causes = st.sampled_from(["delivery", "used_sale", "trade_in"])
sorts = st.sampled_from(["vehicle", "discount"])
days = moments.map(lambda moment: moment.date())
lines = st.lists(st.builds(quote.QuoteLine, sorts, words, amounts, amounts), max_size=2)
positions = st.lists(st.builds(contract.ContractLine, amounts, words, amounts, amounts), max_size=2)


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


def of(*names: str) -> st.SearchStrategy[str]:
    return st.sampled_from([f"{name}/{number}" for name in names for number in range(3)])


leads: st.SearchStrategy[Any] = st.one_of(
    st.builds(lead.FollowUpScheduled, moments, words, moments, maybe(words)),
    st.builds(lead.FollowUpMissed, moments, words),
    st.builds(lead.FollowUpCompleted, moments, words, words, maybe(words)),
    st.builds(lead.LeadRouted, moments, words, words, moments),
    st.builds(lead.LeadAccepted, moments, moments, maybe(words)),
    st.builds(lead.LeadDeclined, moments, words),
    st.builds(lead.LeadStatusReported, moments, words, moments, maybe(words)),
    st.builds(lead.LeadFeedbackOverdue, moments, st.sampled_from(["acceptance", "status"])),
    st.builds(lead.LeadProtected, moments, words, moments),
    st.builds(lead.LeadProtectionExpired, moments),
    st.builds(lead.LeadReleasedToPool, moments, words),
    st.builds(lead.LeadReassigned, moments, words, words),
    st.builds(lead.CustomerShared, moments, words, st.sampled_from(["facts", "contact"]), moments),
    st.builds(lead.ShareRevoked, moments, words),
    st.builds(lead.LeadQualified, moments, st.sampled_from(["hot", "warm"])),
    st.builds(lead.LeadLost, moments, words),
    st.builds(lead.LeadReopened, moments, words),
    st.builds(lead.LeadConverted, moments),
    st.builds(lead.LeadOutcomeRecorded, moments, of("opportunity"), words),
    st.builds(lead.LeadRecycled, moments, words),
    st.builds(lead.LeadRestored, moments, words),
    st.builds(lead.LeadEnriched, moments, consents=st.lists(
        st.builds(lead.Consent, words, st.just("phone"), st.booleans(), words), max_size=1).map(tuple)),
)  # fmt: skip
parties: st.SearchStrategy[Any] = st.one_of(
    st.builds(partyref.PartyRefMoved, moments, words),
    st.builds(partyref.ContactPointAdded, moments, keys, words, origin=maybe(of("lead").map(lambda s: s + "/phone/1"))),
    st.builds(partyref.ContactPointVerified, moments, keys, words),
    st.builds(partyref.ContactPointVerificationFailed, moments, keys, words, words),
    st.builds(partyref.ContactPointCorrected, moments, keys, words),
    st.builds(partyref.ContactPointRetired, moments, keys, words),
    st.builds(partyref.ProfileRecorded, moments, st.lists(
        st.builds(partyref.ProfileField, words, words, st.booleans()), max_size=2).map(tuple), words),
    st.builds(partyref.OwnerKindDeclared, moments, words, words),
    st.builds(partyref.RelationshipDeclared, moments, words, words, maybe(words)),
    st.builds(partyref.RelationshipEnded, moments, words, words, words),
)  # fmt: skip
consents: st.SearchStrategy[Any] = st.one_of(
    st.builds(consent.ConsentGranted, moments, words, st.just("phone"), wording=maybe(words)),
    st.builds(consent.ConsentWithdrawn, moments, words, st.just("phone"), wording=maybe(words),
              reason=st.sampled_from(["refused", "withdrawn"])),
    st.builds(consent.ProcessingRestricted, moments, words),
    st.builds(consent.RestrictionLifted, moments, words),
)  # fmt: skip
opportunities: st.SearchStrategy[Any] = st.one_of(
    st.builds(opportunity.OpportunityAssigned, moments, words),
    st.builds(opportunity.OpportunityWon, moments, of("contract")),
    st.builds(opportunity.OpportunityLost, moments, words, maybe(words)),
    st.builds(opportunity.OpportunityReopened, moments, words),
)
quotes: st.SearchStrategy[Any] = st.one_of(
    st.builds(quote.QuoteAccepted, moments),
    st.builds(quote.QuoteExpired, moments),
    st.builds(quote.QuoteWithdrawn, moments, words),
)
contracts: st.SearchStrategy[Any] = st.one_of(
    st.builds(contract.ContractAmended, moments, amounts, words, amounts, positions.map(tuple), words),
    st.builds(contract.ContractCancelled, moments, words),
    st.builds(contract.DepositReceived, moments, words, amounts, yuan),
    st.builds(contract.DepositRefunded, moments, words),
    st.builds(contract.FinanceApplied, moments, words, amounts, yuan, words),
    st.builds(contract.FinanceApproved, moments, words),
    st.builds(contract.FinanceDeclined, moments, words, words),
)
orders: st.SearchStrategy[Any] = st.one_of(
    st.builds(order.OrderPrioritised, moments, amounts, words),
    st.builds(order.OrderAllocated, moments, vins),
    st.builds(order.OrderDeallocated, moments, vins, words),
    st.builds(order.OrderDelayed, moments, maybe(days), words),
    st.builds(order.OrderCancelled, moments, words, words),
    st.builds(order.InsuranceArranged, moments, amounts, yuan, words, words, maybe(days)),
    st.builds(order.VehicleDelivered, moments, vins, maybe(amounts)),
    st.builds(order.VehicleDelivered, moments, vins, maybe(amounts)),
)
trade_ins: st.SearchStrategy[Any] = st.one_of(
    st.builds(tradein.TradeInAgreed, moments, amounts, yuan, maybe(of("order"))),
    st.builds(tradein.TradeInReceived, moments, maybe(amounts)),
    st.builds(tradein.TradeInDeclined, moments, words),
    st.builds(tradein.TradeInAppraised, moments, vins, amounts, yuan, moments, model=maybe(words)),
)  # fmt: skip
vehicles: st.SearchStrategy[Any] = st.one_of(
    st.builds(vehicle.OwnershipTransferred, moments, causes, maybe(refs),
              maybe(of("order"))),
    st.builds(vehicle.UsedVehicleSold, moments, amounts, yuan, maybe(refs), words),
)  # fmt: skip
drives: st.SearchStrategy[Any] = st.one_of(
    st.builds(test_drive.TestDriveTaken, moments), st.builds(test_drive.TestDriveCancelled, moments, words)
)
# kind -> how such a stream begins, and what follows
KINDS: dict[str, tuple[st.SearchStrategy[Any], st.SearchStrategy[Any]]] = {
    "lead": (st.builds(lead.LeadCaptured, at=moments, source=words), leads),
    "partyref": (st.builds(partyref.PartyRefRegistered, moments, words), parties),
    "consent": (consents, consents),
    "opportunity": (st.builds(opportunity.OpportunityOpened, moments, lead=maybe(of("lead"))), opportunities),
    "quote": (st.builds(quote.QuoteIssued, moments, yuan, amounts, moments, lines=lines.map(tuple)), quotes),
    "contract": (st.builds(contract.ContractSigned, moments, yuan, amounts, words, quote=maybe(of("quote")),
                           lines=positions.map(tuple)), contracts),
    "order": (st.builds(order.OrderPlaced, moments, amounts, yuan, contract=of("contract"), model=maybe(words),
                        trade_in=maybe(of("tradein"))), orders),
    "accessorysale": (st.builds(accessorysale.AccessorySold, moments, yuan, amounts, order=maybe(of("order"))),
                      st.builds(accessorysale.AccessoryReturned, moments, words)),
    "tradein": (st.builds(tradein.TradeInAppraised, moments, vins, amounts, yuan, moments,
                          model=maybe(words)), trade_ins),
    "testdrive": (st.builds(test_drive.TestDriveBooked, moments, vins, moments, moments, moments), drives),
}  # fmt: skip
LINKS = (link.PartyRefsLinked, link.PartyRefsLinked, link.PartyRefsUnlinked, link.LinkRejected, link.LinkProposed)


def facts(stream: str, body: list[Any], draw: st.DrawFn, party_ref: str | None, dealer: str | None) -> list[Fact]:
    return [
        Fact(
            id=f"{stream}-{version}",
            stream=stream,
            version=version,
            type="roadbook.any.x.v1",
            time=event.at,
            recorded=draw(moments),
            party_ref=getattr(event, "party_ref", None) if stream.startswith("vehicle/") else party_ref,
            dealer=dealer,
            event=event,
        )
        for version, event in enumerate(body, 1)
    ]


@st.composite
def lives(draw: st.DrawFn, most: int = 6) -> list[list[Fact]]:
    """Streams, each in the order of its versions."""
    told: list[list[Fact]] = []
    for kind, number in sorted(
        draw(st.sets(st.tuples(st.sampled_from(sorted(KINDS)), st.integers(0, 2)), max_size=most))
    ):
        first, following = KINDS[kind]
        body = [draw(first), *draw(st.lists(following, max_size=4))]
        told.append(facts(f"{kind}/{number}", body, draw, draw(refs), draw(st.sampled_from(DEALERS))))
    for vin in draw(st.sets(vins)):
        body = draw(st.lists(vehicles, min_size=1, max_size=4))
        ordered = sorted(body, key=lambda event: event.at)  # a transfer is after the one before it
        told.append(facts(f"vehicle/{vin}", ordered, draw, None, draw(st.sampled_from(DEALERS))))
    for smaller, larger in draw(st.sets(st.sampled_from([("ref-0", "ref-1"), ("ref-1", "ref-2"), ("ref-0", "ref-2")]))):
        said = draw(st.lists(st.tuples(st.sampled_from(LINKS), moments), min_size=1, max_size=4))
        body = [kind(at, smaller, larger) for kind, at in said]
        told.append(facts(f"link/{smaller}:{larger}", body, draw, None, None))
    return told


def folded(every: list[Fact]) -> list[StreamState]:
    states: dict[str, StreamState] = {}
    for fact in every:
        states[fact.stream] = evolve(states.get(fact.stream, initial(fact.stream)), fact)
    return list(states.values())


def world(every: list[Fact]) -> tuple[list[StreamState], list[Link]]:
    """As the tables and the service make it: streams of parties, slices of vehicles, links."""
    states = folded(every)
    own = [state for state in states if state.party_ref is not None]
    for state in states:
        if state.vehicle is not None:
            slices = [ownership.slice_of(state, owner) for owner in vehicle.owners(state.vehicle)]
            own += [each for each in slices if each is not None]
    known = [state.link for state in states if state.link is not None and state.link.linked.value]
    return own, [Link(each.smaller, each.larger, each.linked.events[0]) for each in known]


def seen_of(ref: str, every: list[Fact]) -> tuple[list[StreamState], list[Link]]:
    """What is one customer with `ref`."""
    states, links = world(every)
    refs = component_of(ref, {state.party_ref for state in states if state.party_ref is not None}, links)
    return [state for state in states if state.party_ref in refs], links


def record_of(ref: str, every: list[Fact], at: datetime = NOW) -> Record | None:
    """None when there is nothing of it."""
    own, links = seen_of(ref, every)
    return derive(own, links, {}, RULES, at)[0] if own else None
