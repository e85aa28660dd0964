"""What is published of a customer: each change once, whatever is looked at again."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from projection import contract
from projection.derived import observed, repurchases
from projection.domain.customer import (
    Command,
    CustomerDormant,
    Event,
    Join,
    Observe,
    Period,
    Published,
    RecordJoined,
    RecordParted,
    RecordRestated,
    Repurchase,
    RepurchaseRecognised,
    StageChanged,
    Unknown,
    decider,
)
from projection.domain.facts import Leaf
from projection.domain.record import derive
from projection.domain.rules import RULES
from projection.domain.streams.stream import evolve, initial
from roadbook.testing.spec import Given
from roadbook.testing.spec import given as spec

DAY = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ME, OTHER = "ref-1", "ref-0"


def after(*history: Event) -> Given[Command, Any, Event]:
    return spec(decider, *history)


def says(
    stage: str = "prospect",
    since: datetime | None = DAY,
    dormant: datetime | None = None,
    repurchases: Sequence[Repurchase] = (),
    at: datetime = DAY + HOUR,
) -> Observe:
    asleep = None if dormant is None else Period(dormant, ("lost",))
    return Observe(ME, stage, Period(since, ("made",)), asleep, tuple(repurchases), "record-2", at)


def changed(stage: str, previous: str | None, since: datetime | None = DAY) -> StageChanged:
    return StageChanged(ME, stage, previous, since, ("made",), "record-2", DAY + HOUR)


def restated(as_of: datetime, stage: datetime | None = None, **more: Any) -> RecordRestated:
    causes = more.pop("causes", ("made",))
    dormant, withdrawn = more.get("dormant"), more.get("withdrawn", ())
    return RecordRestated(ME, as_of, stage, dormant, withdrawn, causes, "record-2", DAY + HOUR)


def again(order: str = "order/2", since: datetime = DAY) -> Repurchase:
    return Repurchase(order, "LSVAA49J132047371", since, ("delivered",))


ASLEEP = CustomerDormant(ME, DAY, ("lost",), "record-2", DAY + HOUR)
BOUGHT = RepurchaseRecognised(ME, "order/2", "LSVAA49J132047371", DAY, ("delivered",), "record-2", DAY + HOUR)


# ── Stage ─────────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_first_stage_is_news() -> None:
    after().when(says()).then(changed("prospect", None))


def test_that_nothing_is_known_is_no_news() -> None:
    after().when(says("unknown", None)).then()


def test_what_was_said_is_not_said_again() -> None:
    after(changed("prospect", None)).when(says(at=DAY + 9 * HOUR)).then()


def test_another_stage_names_the_one_before() -> None:
    later = DAY + HOUR
    after(changed("prospect", None)).when(says("hot_prospect", later)).then(changed("hot_prospect", "prospect", later))


def test_back_to_unknown_is_a_change() -> None:
    after(changed("prospect", None)).when(says("unknown", None)).then(changed("unknown", "prospect", None))


def test_a_late_event_that_moves_the_beginning_restates() -> None:
    early = DAY - HOUR
    after(changed("prospect", None)).when(says(since=early)).then(restated(early, early))


def test_a_beginning_that_turns_out_later_restates_too() -> None:
    late = DAY + HOUR
    after(changed("prospect", None)).when(says(since=late)).then(restated(DAY, late))


def test_a_stage_that_began_before_what_was_published_restates_and_changes() -> None:
    early = DAY - HOUR
    after(changed("prospect", None)).when(says("hot_prospect", early)).then(
        restated(early, early), changed("hot_prospect", "prospect", early)
    )


# ── Dormancy ──────────────────────────────────────────────────────────────────────────────────────────────────
def test_dormancy_is_news_once() -> None:
    after(changed("prospect", None)).when(says(dormant=DAY)).then(ASLEEP)
    after(changed("prospect", None), ASLEEP).when(says(dormant=DAY)).then()


def test_waking_is_none_and_the_next_dormancy_is_one_again() -> None:
    after(changed("prospect", None), ASLEEP).when(says()).then()
    later = DAY + HOUR
    after(changed("prospect", None), ASLEEP).when(says(dormant=later)).then(
        CustomerDormant(ME, later, ("lost",), "record-2", DAY + HOUR)
    )


def test_a_dormancy_that_began_earlier_restates() -> None:
    early = DAY - HOUR
    after(changed("prospect", None), ASLEEP).when(says(dormant=early)).then(
        restated(early, dormant=early, causes=("lost",))
    )


# ── Repurchases ───────────────────────────────────────────────────────────────────────────────────────────────
def test_each_repurchase_is_recognised_once() -> None:
    third = again("order/3", DAY + HOUR)
    after(changed("prospect", None), BOUGHT).when(says(repurchases=[again(), third])).then(
        RepurchaseRecognised(ME, "order/3", third.vin, third.since, ("delivered",), "record-2", DAY + HOUR)
    )


def test_one_that_was_none_is_withdrawn_once() -> None:
    taken_back = restated(DAY, withdrawn=("order/2",))
    after(changed("prospect", None), BOUGHT).when(says()).then(taken_back)
    after(changed("prospect", None), BOUGHT, taken_back).when(says()).then()
    after(changed("prospect", None), BOUGHT, taken_back).when(says(repurchases=[again()])).then(BOUGHT)


def test_repurchases_are_what_the_record_calls_so() -> None:
    def purchase(number: int, delivered: datetime | None, *, again: bool) -> dict[str, object]:
        return {
            "stream": f"order/{number}",
            "vin": Leaf(f"VIN{number}", (f"allocated-{number}",)),
            "delivered_at": Leaf(delivered, (f"delivered-{number}",)),
            "repurchase": Leaf(again, ("first", f"delivered-{number}")),
        }

    purchases = [purchase(1, DAY, again=False), purchase(2, DAY + HOUR, again=True), purchase(3, None, again=False)]
    (found,) = repurchases(purchases)
    assert found == Repurchase("order/2", "VIN2", DAY + HOUR, ("first", "delivered-2"))


# ── Joined and parted ─────────────────────────────────────────────────────────────────────────────────────────
def test_an_id_that_leads_elsewhere_says_so_once() -> None:
    joined = RecordJoined(ME, OTHER, DAY + HOUR)
    after(changed("prospect", None)).when(Join(ME, OTHER, DAY + HOUR)).then(joined)
    after(changed("prospect", None), joined).when(Join(ME, OTHER, DAY + 2 * HOUR)).then()
    after(changed("prospect", None), joined).when(Join(ME, "ref-00", DAY + HOUR)).then(
        RecordJoined(ME, "ref-00", DAY + HOUR)
    )


def test_an_id_that_nobody_knows_as_a_record_joins_in_silence() -> None:
    after().when(Join(ME, OTHER, DAY)).then()


def test_parted_it_is_a_record_again_and_tells_only_what_changed() -> None:
    joined = RecordJoined(ME, OTHER, DAY + HOUR)
    parted = RecordParted(ME, DAY + HOUR)
    after(changed("prospect", None), joined).when(says()).then(parted)
    after(changed("prospect", None), joined).when(says("hot_prospect")).then(
        parted, changed("hot_prospect", "prospect")
    )


# ── Properties ────────────────────────────────────────────────────────────────────────────────────────────────
times = st.integers(0, 20).map(lambda hours: DAY + hours * HOUR)
orders = st.lists(st.builds(again, st.sampled_from(["order/2", "order/3", "order/4"]), times), max_size=3)
commands: st.SearchStrategy[Command] = st.one_of(
    st.builds(Join, st.just(ME), st.sampled_from(["ref-0", "ref-00"]), times),
    st.builds(
        says,
        st.sampled_from(["unknown", "prospect", "hot_prospect", "in_purchase"]),
        st.none() | times,
        st.none() | times,
        orders.map(lambda each: list({one.order: one for one in each}.values())),
        times,
    ),
)


@settings(max_examples=200)
@given(st.lists(commands, max_size=12))
def test_saying_it_again_is_never_news(said: list[Command]) -> None:
    """Whatever came before: after a command has been decided, the same command decides nothing."""
    state: Any = Unknown()
    for command in said:
        state = decider.fold(decider.decide(command, state), state)
        assert decider.decide(command, state) == []


@settings(max_examples=150)
@given(st.lists(commands, max_size=8))
def test_what_is_published_is_what_was_said_last(said: list[Command]) -> None:
    state: Any = Unknown()
    for command in said:
        state = decider.fold(decider.decide(command, state), state)
        if isinstance(state, Published):
            match command:
                case Join(into=into):
                    assert state.into == into
                case Observe():
                    assert state.into is None
                    assert (state.stage or "unknown") == command.stage
                    assert {order for order, _ in state.repurchases} == {each.order for each in command.repurchases}


@settings(max_examples=200)
@given(st.lists(commands, max_size=4), st.lists(commands, max_size=4))
def test_evolve_takes_any_event_in_any_state(one: list[Command], other: list[Command]) -> None:
    events: list[Event] = []
    for said in (one, other):
        state: Any = Unknown()
        for command in said:
            decided = list(decider.decide(command, state))
            events += decided
            state = decider.fold(decided, state)
    assert isinstance(decider.fold(reversed(events)), Unknown | Published)


def test_a_record_says_its_stage_and_dormancy(life: Any) -> None:
    lead = life().captured().lost()
    state = initial(lead.stream)
    for event in lead.events:
        state = evolve(state, contract.read(event))
    record, _ = derive([state], [], {}, RULES, DAY)
    said = observed(record, DAY)
    assert (said.customer_id, said.stage, said.began.since) == (lead.party_ref, "prospect", lead.events[0].time)
    assert said.dormant is not None
    assert said.dormant.since == lead.last.time
    assert lead.last.id in said.dormant.causes
