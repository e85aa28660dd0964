"""Given what happened to an opportunity or a quote, when this is asked, then that."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from roadbook.testing.spec import given
from sales.domain import opportunity as o
from sales.domain import quote as q
from sales.domain.rules import SalesRules

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
LATER, DAY = NOW + timedelta(hours=3), timedelta(days=1)
RULES = SalesRules("2026-2", 14 * DAY, {"core_customer": 100}, frozenset({"lavida"}))

# ── Opportunities ─────────────────────────────────────────────────────────────────────────────────────────────
OPEN = o.OpenOpportunity("p-1", "d-1", "lead/1", "web_form", ("lavida",), "s-1", "private", None, RULES, NOW)
OPENED = o.OpportunityOpened(
    "p-1", "d-1", "lead/1", "web_form", ("lavida",), "s-1", "private", None, "2026-2", NOW
)  # fmt: skip
WON, LOST = o.OpportunityWon("contract/1", NOW, "lead/1"), o.OpportunityLost("price", "qin", NOW, "lead/1")


def test_an_opportunity_is_opened_once() -> None:
    given(o.decider).when(OPEN).then(OPENED)
    given(o.decider, OPENED).when(replace(OPEN, at=LATER, staff=None)).then_nothing()
    given(o.decider, OPENED).when(replace(OPEN, party_ref="p-2")).rejected("opportunity_exists")
    given(o.decider).when(o.AssignOpportunity("s-2", NOW)).rejected("opportunity_unknown")


def test_a_tender_is_of_an_institution_and_of_eligible_models() -> None:
    tender = replace(OPEN, tender="t-1")
    given(o.decider).when(tender).rejected("tender_without_institution")
    public = replace(tender, owner_kind="government_institution")
    given(o.decider).when(public).then(replace(OPENED, tender="t-1", owner_kind="government_institution"))
    given(o.decider).when(replace(public, models=("lavida", "tiguan"))).rejected("model_not_eligible")


def test_it_is_assigned_while_it_is_open() -> None:
    given(o.decider, OPENED).when(o.AssignOpportunity("s-2", NOW)).then(o.OpportunityAssigned("s-2", NOW))
    given(o.decider, OPENED).when(o.AssignOpportunity("s-1", NOW)).then_nothing()
    given(o.decider, OPENED, LOST).when(o.AssignOpportunity("s-2", NOW)).rejected("opportunity_closed")


def test_it_is_won_by_a_contract_even_after_it_was_lost() -> None:
    win = o.WinOpportunity("contract/1", NOW)
    given(o.decider, OPENED).when(win).then(WON)
    given(o.decider, OPENED, LOST).when(win).then(WON)
    given(o.decider, OPENED, WON).when(win).then_nothing()
    given(o.decider, OPENED, WON).when(replace(win, contract="contract/2")).then_nothing()


def test_it_is_lost_once() -> None:
    lose = o.LoseOpportunity("price", "qin", NOW)
    given(o.decider, OPENED).when(lose).then(LOST)
    given(o.decider, OPENED, LOST).when(replace(lose, at=LATER)).then_nothing()
    given(o.decider, OPENED, LOST).when(replace(lose, reason="finance")).rejected("opportunity_closed")
    given(o.decider, OPENED, WON).when(lose).rejected("opportunity_closed")


def test_it_is_reopened_by_hand_when_lost_and_by_its_contract_when_won() -> None:
    by_hand, fell = o.ReopenOpportunity("back", None, NOW), o.ReopenOpportunity("order_cancelled", "contract/1", NOW)
    given(o.decider, OPENED, LOST).when(by_hand).then(o.OpportunityReopened("back", NOW))
    given(o.decider, OPENED, WON).when(by_hand).rejected("opportunity_closed")
    given(o.decider, OPENED, WON).when(fell).then(o.OpportunityReopened("order_cancelled", NOW))
    given(o.decider, OPENED, WON).when(replace(fell, contract="contract/2")).then_nothing()
    given(o.decider, OPENED).when(fell).then_nothing()
    given(o.decider, OPENED, LOST).when(fell).then_nothing()  # lost since, for a reason of its own


# ── Quotes ────────────────────────────────────────────────────────────────────────────────────────────────────
LINES = (q.QuoteLine("vehicle", "lavida", 1, 100), q.QuoteLine("discount", "spring", 1, -10))
ISSUE = q.IssueQuote("p-1", "d-1", "opportunity/1", True, LINES, "CNY", None, "s-1", RULES, NOW)
UNTIL = NOW + 14 * DAY
ISSUED = q.QuoteIssued("p-1", "d-1", "opportunity/1", LINES, "CNY", 90, UNTIL, "s-1", "2026-2", NOW)
ACCEPTED, WITHDRAWN, EXPIRED = q.QuoteAccepted(LATER), q.QuoteWithdrawn("price", LATER), q.QuoteExpired(UNTIL)


def test_a_quote_says_its_sum_and_until_when_it_stands() -> None:
    given(q.decider).when(ISSUE).then(ISSUED)
    given(q.decider).when(replace(ISSUE, valid_until=LATER)).then(replace(ISSUED, valid_until=LATER))
    given(q.decider, ISSUED).when(replace(ISSUE, at=LATER)).then_nothing()
    given(q.decider, ISSUED).when(replace(ISSUE, lines=LINES[:1])).rejected("quote_exists")


def test_what_is_no_quote() -> None:
    given(q.decider).when(replace(ISSUE, opportunity_open=False)).rejected("opportunity_closed")
    given(q.decider).when(replace(ISSUE, lines=LINES[1:])).rejected("quote_without_vehicle")
    given(q.decider).when(replace(ISSUE, valid_until=NOW)).rejected("quote_in_the_past")
    raised = (LINES[0], replace(LINES[1], amount=10))
    given(q.decider).when(replace(ISSUE, lines=raised)).rejected("quote_amounts")
    given(q.decider).when(replace(ISSUE, lines=(LINES[0], replace(LINES[1], amount=-101)))).rejected("quote_amounts")


def test_it_is_accepted_before_its_time_is_over_whether_the_timer_came_or_not() -> None:
    given(q.decider, ISSUED).when(q.AcceptQuote(UNTIL - timedelta(microseconds=1))).then(
        q.QuoteAccepted(UNTIL - timedelta(microseconds=1))
    )
    given(q.decider, ISSUED).when(q.AcceptQuote(UNTIL)).rejected("quote_expired")
    given(q.decider, ISSUED, EXPIRED).when(q.AcceptQuote(LATER)).rejected("quote_expired")
    given(q.decider, ISSUED, ACCEPTED).when(q.AcceptQuote(UNTIL + DAY)).then_nothing()
    given(q.decider, ISSUED, WITHDRAWN).when(q.AcceptQuote(LATER)).rejected("quote_closed")


def test_the_timer_lets_it_expire_at_its_time_however_late_it_comes() -> None:
    given(q.decider, ISSUED).when(q.NoteExpired(UNTIL, UNTIL + DAY)).then(EXPIRED)
    given(q.decider, ISSUED).when(q.NoteExpired(UNTIL, UNTIL - DAY)).then_nothing()
    given(q.decider, ISSUED, ACCEPTED).when(q.NoteExpired(UNTIL, UNTIL + DAY)).then_nothing()
    given(q.decider, ISSUED, EXPIRED).when(q.NoteExpired(UNTIL, UNTIL + DAY)).then_nothing()


def test_it_is_withdrawn_accepted_or_not() -> None:
    withdraw = q.WithdrawQuote("price", LATER)
    given(q.decider, ISSUED).when(withdraw).then(WITHDRAWN)
    given(q.decider, ISSUED, ACCEPTED).when(withdraw).then(WITHDRAWN)
    given(q.decider, ISSUED, WITHDRAWN).when(replace(withdraw, at=UNTIL)).then_nothing()
    given(q.decider, ISSUED, WITHDRAWN).when(replace(withdraw, reason="model")).rejected("quote_closed")
    given(q.decider, ISSUED, EXPIRED).when(withdraw).rejected("quote_expired")
    given(q.decider).when(withdraw).rejected("quote_unknown")
