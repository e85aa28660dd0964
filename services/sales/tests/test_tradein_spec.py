"""The trade-in, told as given / when / then."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from roadbook.testing.spec import given
from sales.domain.tradein import (
    AgreeTradeIn,
    AppraiseTradeIn,
    Command,
    DeclineTradeIn,
    Offer,
    ReceiveTradeIn,
    TradeIn,
    TradeInAgreed,
    TradeInAppraised,
    TradeInDeclined,
    TradeInReceived,
    decider,
)

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
UNTIL, SECOND = NOW + timedelta(days=7), timedelta(seconds=1)
VIN, ORDER = "LSVAA49J6T2900010", "order/0199a3c4-7d2e-7b51-9c3d-2f1e5a6b7c8d"
OFFER = Offer(6_000_000, "CNY")
APPRAISE = AppraiseTradeIn("party-1", "d1", VIN, "volkswagen-polo", 81_200, OFFER, UNTIL, "staff-1", NOW)
APPRAISED = TradeInAppraised("party-1", "d1", VIN, "volkswagen-polo", 81_200, 6_000_000, "CNY", UNTIL, "staff-1", NOW)
AGREED = TradeInAgreed(6_000_000, "CNY", ORDER, NOW)
RECEIVED = TradeInReceived(81_450, NOW)
DECLINED = TradeInDeclined("price", NOW)


def test_an_appraisal_is_made_once() -> None:
    given(decider).when(APPRAISE).then(APPRAISED)
    given(decider, APPRAISED).when(replace(APPRAISE, at=NOW + SECOND)).then_nothing()
    given(decider, APPRAISED).when(replace(APPRAISE, offer=Offer(1, "CNY"))).rejected("trade_in_exists")
    given(decider).when(replace(APPRAISE, valid_until=NOW)).rejected("appraisal_in_the_past")


def test_it_is_agreed_as_appraised_or_for_another_amount_with_the_new_order() -> None:
    given(decider, APPRAISED).when(AgreeTradeIn(None, ORDER, NOW)).then(AGREED)
    given(decider, APPRAISED).when(AgreeTradeIn(None, None, NOW)).then(replace(AGREED, order=None))
    given(decider, APPRAISED).when(AgreeTradeIn(Offer(6_200_000, "CNY"), ORDER, NOW)).then(
        replace(AGREED, amount=6_200_000)
    )


def test_the_appraisal_holds_to_its_last_moment_and_no_longer() -> None:
    given(decider, APPRAISED).when(AgreeTradeIn(None, ORDER, UNTIL)).then(replace(AGREED, at=UNTIL))
    given(decider, APPRAISED).when(AgreeTradeIn(None, ORDER, UNTIL + SECOND)).rejected("appraisal_expired")


def test_the_order_may_be_named_later_and_the_amount_not() -> None:
    """What was agreed in time stays agreed; another amount would need another appraisal."""
    first, late = replace(AGREED, order=None), UNTIL + SECOND
    given(decider, APPRAISED, first).when(AgreeTradeIn(None, ORDER, late)).then(replace(AGREED, at=late))
    given(decider, APPRAISED, AGREED).when(AgreeTradeIn(None, None, late)).then_nothing()
    given(decider, APPRAISED, AGREED).when(AgreeTradeIn(None, ORDER, late)).then_nothing()
    given(decider, APPRAISED, AGREED).when(AgreeTradeIn(Offer(1, "CNY"), ORDER, late)).rejected("appraisal_expired")


def test_only_what_is_agreed_is_received() -> None:
    given(decider, APPRAISED, AGREED).when(ReceiveTradeIn(81_450, NOW)).then(RECEIVED)
    given(decider, APPRAISED, AGREED, RECEIVED).when(ReceiveTradeIn(81_450, NOW + SECOND)).then_nothing()
    given(decider, APPRAISED, AGREED, RECEIVED).when(ReceiveTradeIn(81_451, NOW)).rejected("trade_in_closed")
    given(decider, APPRAISED).when(ReceiveTradeIn(None, NOW)).rejected("trade_in_not_agreed")
    given(decider, APPRAISED, AGREED).when(ReceiveTradeIn(81_199, NOW)).rejected("odometer_backwards")
    given(decider, APPRAISED, AGREED).when(ReceiveTradeIn(None, NOW)).then(TradeInReceived(None, NOW))


def test_it_is_declined_until_it_is_handed_over() -> None:
    decline = DeclineTradeIn("price", NOW)
    given(decider, APPRAISED).when(decline).then(DECLINED)
    given(decider, APPRAISED, AGREED).when(decline).then(DECLINED)
    given(decider, APPRAISED, DECLINED).when(replace(decline, at=NOW + SECOND)).then_nothing()
    given(decider, APPRAISED, DECLINED).when(DeclineTradeIn("sold", NOW)).rejected("trade_in_closed")
    given(decider, APPRAISED, AGREED, RECEIVED).when(decline).rejected("trade_in_closed")
    given(decider, APPRAISED, AGREED, DECLINED).when(AgreeTradeIn(None, ORDER, NOW)).rejected("trade_in_closed")
    given(decider, APPRAISED, AGREED, DECLINED).when(ReceiveTradeIn(None, NOW)).rejected("trade_in_closed")


@pytest.mark.parametrize(
    "command", [AgreeTradeIn(None, None, NOW), ReceiveTradeIn(None, NOW), DeclineTradeIn("x", NOW)]
)
def test_nothing_is_done_to_what_never_was(command: Command) -> None:
    given(decider).when(command).rejected("trade_in_unknown")


def test_the_state_says_what_was_agreed_last() -> None:
    state = given(decider, APPRAISED, replace(AGREED, order=None), replace(AGREED, amount=5), RECEIVED).state()
    assert isinstance(state, TradeIn)
    assert (state.status, state.agreed, state.order, state.received_km) == ("received", Offer(5, "CNY"), ORDER, 81_450)
