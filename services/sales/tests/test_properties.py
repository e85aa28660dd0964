"""What holds for every history: a repeated command says nothing, `decide` raises only `Rejected`, `evolve` takes
anything, owners' intervals never overlap."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from roadbook.decider import Decider, Rejected
from sales.domain import contract as c
from sales.domain import opportunity as o
from sales.domain import order as r
from sales.domain import quote as q
from sales.domain import vehicle as v
from sales.domain.rules import SalesRules

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
RULES = SalesRules("2026-2", timedelta(days=14), {"core": 100, "repurchase": 60}, frozenset({"lavida", "passat"}))
WORDS = ("price", "finance")
times = st.integers(0, 40).map(lambda days: NOW + timedelta(days=days))
days = st.integers(-5, 60).map(lambda n: NOW.date() + timedelta(days=n))
amounts = st.integers(0, 3)
words = st.sampled_from(WORDS)
staff = st.sampled_from(("s-1", "s-2", None))
models = st.sampled_from(("lavida", "passat", "tiguan"))
vins = st.sampled_from(("LSVAA49J6T2900010", "LSVAA49J9T2900020"))
tenders = st.sampled_from((None, "t-1"))
rules = st.just(RULES)


# ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────
opportunity_commands = st.one_of(
    st.builds(
        o.OpenOpportunity, st.sampled_from(("p-1", "p-2")), st.just("d-1"), st.sampled_from((None, "lead/1")),
        st.just("visit"), st.lists(models, max_size=2).map(tuple), staff,
        st.sampled_from(("private", "enterprise")), tenders, rules, times,
    ),
    st.builds(o.AssignOpportunity, st.sampled_from(("s-1", "s-2")), times),
    st.builds(o.WinOpportunity, st.sampled_from(("contract/1", "contract/2")), times),
    st.builds(o.LoseOpportunity, words, st.sampled_from((None, "qin")), times),
    st.builds(o.ReopenOpportunity, words, st.sampled_from((None, "contract/1", "contract/2")), times),
)  # fmt: skip
lines = st.builds(q.QuoteLine, st.sampled_from(("vehicle", "discount")), models, st.just(1), st.integers(-2, 5))
quote_commands = st.one_of(
    st.builds(
        q.IssueQuote, st.just("p-1"), st.just("d-1"), st.just("opportunity/1"), st.booleans(),
        st.lists(lines, max_size=3).map(tuple), st.just("CNY"), st.none() | times, staff, rules, times,
    ),
    st.builds(q.AcceptQuote, times),
    st.builds(q.WithdrawQuote, words, times),
    st.builds(q.NoteExpired, times, times),
)  # fmt: skip
wanted = st.lists(
    st.builds(c.Wanted, models, st.integers(1, 3), amounts, st.none() | st.integers(1, 3)), min_size=1, max_size=3
)
documents = st.sampled_from(("a" * 64, "b" * 64, "c" * 64))
receipts = st.sampled_from(("n-1", "n-2"))
currencies = st.sampled_from(("CNY", "CNY", "CNY", "EUR"))
contract_commands = st.one_of(
    st.builds(
        c.SignContract, st.just("p-1"), st.just("d-1"), st.just("opportunity/1"), st.booleans(), st.none(),
        st.just(True), st.lists(st.builds(c.Wanted, models, st.integers(1, 3), amounts), min_size=1).map(tuple),
        st.just("CNY"), documents, st.sampled_from(("retail", "tender")), tenders, staff, rules, times,
    ),
    st.builds(c.AmendContract, documents, wanted.map(tuple), words, rules, times),
    st.builds(c.CancelContract, words, times),
    st.builds(c.ReceiveDeposit, receipts, amounts, currencies, times),
    st.builds(c.RefundDeposit, receipts, amounts, currencies, times),
    st.builds(c.ApplyForFinance, receipts, words, amounts, currencies, times),
    st.builds(c.ApproveFinance, receipts, times),
    st.builds(c.DeclineFinance, receipts, words, times),
)  # fmt: skip
order_commands = st.one_of(
    st.builds(
        r.PlaceOrder, st.just("p-1"), st.just("d-1"), st.just("contract/1"), st.booleans(), st.integers(1, 2), models,
        st.just("new"), amounts, st.just("CNY"), st.none(), staff, st.none() | days, rules, times,
    ),
    st.builds(r.PrioritiseOrder, st.sampled_from(("core", "repurchase", "friend")), staff, rules, times),
    st.builds(r.AllocateVehicle, vins, times),
    st.builds(r.DeallocateVehicle, words, times),
    st.builds(r.DelayOrder, days, words, times),
    st.builds(r.CancelOrder, words, times),
    st.builds(r.ArrangeInsurance, words, words, amounts, st.just("CNY"), days, times),
    st.builds(r.DeliverVehicle, st.none(), staff, times),
)  # fmt: skip
dealers = st.sampled_from(("d-1", "d-2"))
owners = st.sampled_from(("p-1", "p-2"))
causes = st.sampled_from(("delivery", "trade_in", "private", "correction"))
sources = st.sampled_from((None, "order/1", "tradein/1"))
VIN = st.just("LSVAA49J6T2900010")
vehicle_commands = st.one_of(
    st.builds(v.TransferOwnership, VIN, st.none() | owners, dealers, causes, sources, st.none(), times),
    st.builds(v.SellUsedVehicle, VIN, owners, dealers, amounts, st.just("CNY"), staff, st.none(), times),
)
ALL: list[tuple[Decider[Any, Any, Any], st.SearchStrategy[Any]]] = [
    (o.decider, opportunity_commands),
    (q.decider, quote_commands),
    (c.decider, contract_commands),
    (r.decider, order_commands),
    (v.decider, vehicle_commands),
]
EVERYBODY = st.sampled_from(range(len(ALL))).flatmap(
    lambda n: st.tuples(st.just(ALL[n][0]), st.lists(ALL[n][1], max_size=12))
)


# ── Properties ────────────────────────────────────────────────────────────────────────────────────────────────
@settings(max_examples=500)
@given(EVERYBODY)
def test_a_repeated_command_says_nothing_and_a_refusal_is_a_rejection(
    run: tuple[Decider[Any, Any, Any], list[Any]],
) -> None:
    decider, commands = run
    state = decider.initial
    for command in commands:
        try:
            events = decider.decide(command, state)
        except Rejected:
            continue
        for event in events:
            state = decider.evolve(state, event)
        assert decider.decide(command, state) == []


@settings(max_examples=120)
@given(st.data())
def test_evolve_takes_whatever_comes_in_whatever_order(data: st.DataObject) -> None:
    """Events of many histories, shuffled together."""
    decider, commands = ALL[data.draw(st.integers(0, len(ALL) - 1))]
    events = []
    for _ in range(2):
        state = decider.initial
        for command in data.draw(st.lists(commands, max_size=10)):
            try:
                decided = decider.decide(command, state)
            except Rejected:
                continue
            events += decided
            for event in decided:
                state = decider.evolve(state, event)
    decider.fold(data.draw(st.permutations(events)))


@settings(max_examples=150)
@given(st.lists(vehicle_commands, max_size=15))
def test_owners_of_a_vehicle_follow_each_other(commands: list[v.Command]) -> None:
    """Each interval begins after the one before, and a used sale is directly followed by its transfer."""
    events: list[v.Event] = []
    for command in commands:
        try:
            events += v.decide(command, v.decider.fold(events))
        except Rejected:
            continue
    starts = [event.at for event in events if isinstance(event, v.OwnershipTransferred)]
    assert all(one < two for one, two in pairwise(starts))
    for place, event in enumerate(events):
        if isinstance(event, v.UsedVehicleSold):
            after = events[place + 1]
            assert isinstance(after, v.OwnershipTransferred)
            assert (after.cause, after.party_ref, after.at) == ("used_sale", event.party_ref, event.at)


@settings(max_examples=150)
@given(st.lists(contract_commands, max_size=15))
def test_money_of_a_contract_adds_up(commands: list[c.Command]) -> None:
    """No more is given back than came, the total is that of the lines, and versions of the document are dense."""
    state: c.State = c.Unknown()
    versions = []
    for command in commands:
        try:
            events = c.decide(command, state)
        except Rejected:
            continue
        for event in events:
            state = c.evolve(state, event)
            if isinstance(event, c.ContractSigned):
                versions.append(1)
            if isinstance(event, c.ContractAmended):
                versions.append(event.document_version)
    if isinstance(state, c.Contract):
        assert state.total == sum(line.quantity * line.price for line in state.lines)
        assert all((each.refunded or 0) <= each.amount for each in state.deposits)
        assert len({each.receipt for each in state.deposits}) == len(state.deposits)
        assert versions == list(range(1, state.document_version + 1))
        assert max(line.line for line in state.lines) <= state.highest_line


@settings(max_examples=150)
@given(st.lists(order_commands, max_size=15))
def test_a_vehicle_is_in_hand_from_its_allocation_to_its_release(commands: list[r.Command]) -> None:
    """What says that a vehicle is free names the one that was held, and nothing is delivered that was not held."""
    state: r.State = r.Unknown()
    held: str | None = None
    promised: list[date] = []
    for command in commands:
        try:
            events = r.decide(command, state)
        except Rejected:
            continue
        for event in events:
            state = r.evolve(state, event)
            match event:
                case r.OrderAllocated(vin=vin):
                    assert held is None
                    held = vin
                case r.OrderDeallocated(vin=vin) | r.OrderCancelled(vin=vin):
                    assert vin == held
                    held = None
                case r.VehicleDelivered(vin=vin):
                    assert vin == held
                case r.OrderDelayed(promised=day):
                    promised.append(day)
    assert promised == sorted(set(promised))
