"""Given what happened to a contract, when this is asked, then that."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from roadbook.testing.spec import given
from sales.domain.contract import (
    AmendContract,
    ApplyForFinance,
    ApproveFinance,
    CancelContract,
    ContractAmended,
    ContractCancelled,
    ContractLine,
    ContractSigned,
    DeclineFinance,
    DepositReceived,
    DepositRefunded,
    FinanceApplied,
    FinanceApproved,
    FinanceDeclined,
    ReceiveDeposit,
    RefundDeposit,
    SignContract,
    Wanted,
    decider,
)
from sales.domain.rules import SalesRules

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=3)
RULES = SalesRules("2026-2", timedelta(days=14), {}, frozenset({"lavida"}))
A, B = "a" * 64, "b" * 64
WANTED = (Wanted("lavida", 2, 100),)
LINES = (ContractLine(1, "lavida", 2, 100),)
SIGN = SignContract(
    "p-1", "d-1", "opportunity/1", True, "quote/1", True, WANTED, "CNY", A, "retail", None, "s-1", RULES, NOW
)
SIGNED = ContractSigned("p-1", "d-1", "opportunity/1", "quote/1", LINES, "CNY", 200, A, "retail", None, "s-1", NOW)
CANCELLED = ContractCancelled("price", LATER)
AMEND = AmendContract(B, (Wanted("lavida", 3, 90, 1), Wanted("passat", 1, 500)), "more", RULES, LATER)
AMENDED = ContractAmended(
    2, B, (ContractLine(1, "lavida", 3, 90), ContractLine(2, "passat", 1, 500)), 770, "more", LATER
)


def test_a_contract_is_signed_once() -> None:
    given(decider).when(SIGN).then(SIGNED)
    given(decider, SIGNED).when(replace(SIGN, at=LATER)).then_nothing()
    given(decider, SIGNED).when(replace(SIGN, document_hash=B)).rejected("contract_exists")
    given(decider).when(replace(SIGN, opportunity_open=False)).rejected("opportunity_closed")
    given(decider).when(replace(SIGN, quote_accepted=False)).rejected("quote_not_accepted")
    given(decider).when(CancelContract("price", NOW)).rejected("contract_unknown")


def test_a_tender_has_a_number_and_eligible_models() -> None:
    given(decider).when(replace(SIGN, procurement="tender")).rejected("tender_number")
    given(decider).when(replace(SIGN, tender="t-1")).rejected("tender_number")
    tender = replace(SIGN, procurement="tender", tender="t-1")
    given(decider).when(tender).then(replace(SIGNED, procurement="tender", tender="t-1"))
    given(decider).when(replace(tender, lines=(Wanted("tiguan", 1, 1),))).rejected("model_not_eligible")
    signed = replace(SIGNED, procurement="tender", tender="t-1")
    given(decider, signed).when(AMEND).rejected("model_not_eligible")


def test_a_line_keeps_its_number_and_none_is_given_twice() -> None:
    given(decider, SIGNED).when(AMEND).then(AMENDED)
    fewer = replace(AMEND, document_hash="c" * 64, lines=(Wanted("lavida", 3, 90, 1),))
    without = ContractAmended(3, "c" * 64, AMENDED.lines[:1], 270, "more", LATER)
    given(decider, SIGNED, AMENDED).when(fewer).then(without)
    again = replace(AMEND, document_hash="d" * 64)
    lines = (AMENDED.lines[0], ContractLine(3, "passat", 1, 500))
    given(decider, SIGNED, AMENDED, without).when(again).then(replace(AMENDED, document_version=4,
                                                                      document_hash="d" * 64, lines=lines))  # fmt: skip
    given(decider, SIGNED).when(replace(AMEND, lines=(Wanted("lavida", 1, 1, 9),))).rejected("contract_line_unknown")
    given(decider, SIGNED).when(replace(AMEND, lines=(WANTED[0], Wanted("x", 1, 1, 2)))).rejected("contract_lines")


def test_another_text_is_another_document() -> None:
    given(decider, SIGNED, AMENDED).when(AMEND).then_nothing()
    given(decider, SIGNED, AMENDED).when(replace(AMEND, lines=WANTED)).rejected("document_unchanged")
    given(decider, SIGNED, CANCELLED).when(AMEND).rejected("contract_cancelled")


def test_it_is_cancelled_once() -> None:
    given(decider, SIGNED).when(CancelContract("price", LATER)).then(CANCELLED)
    given(decider, SIGNED, CANCELLED).when(CancelContract("finance", LATER)).then_nothing()


def test_a_deposit_comes_and_goes_under_its_receipt() -> None:
    receive, refund = ReceiveDeposit("r-1", 50, "CNY", NOW), RefundDeposit("r-1", 40, "CNY", LATER)
    received, refunded = DepositReceived("r-1", 50, "CNY", NOW), DepositRefunded("r-1", 40, "CNY", LATER)
    given(decider, SIGNED).when(receive).then(received)
    given(decider, SIGNED, received).when(receive).then_nothing()
    given(decider, SIGNED, received).when(replace(receive, amount=51)).rejected("receipt_exists")
    given(decider, SIGNED).when(replace(receive, currency="EUR")).rejected("currency_differs")
    given(decider, SIGNED, CANCELLED).when(receive).rejected("contract_cancelled")
    given(decider, SIGNED).when(refund).rejected("receipt_unknown")
    given(decider, SIGNED, received).when(replace(refund, amount=51)).rejected("refund_exceeds_deposit")
    given(decider, SIGNED, received, CANCELLED).when(refund).then(refunded)
    given(decider, SIGNED, received, refunded).when(refund).then_nothing()
    given(decider, SIGNED, received, refunded).when(replace(refund, amount=1)).rejected("receipt_refunded")


def test_finance_is_applied_for_and_decided_once() -> None:
    apply = ApplyForFinance("f-1", "bank", 150, "CNY", NOW)
    applied = FinanceApplied("f-1", "bank", 150, "CNY", NOW)
    approved, declined = FinanceApproved("f-1", LATER), FinanceDeclined("f-1", "credit", LATER)
    given(decider, SIGNED).when(apply).then(applied)
    given(decider, SIGNED, applied).when(apply).then_nothing()
    given(decider, SIGNED, applied).when(replace(apply, provider="other")).rejected("finance_application_exists")
    given(decider, SIGNED).when(replace(apply, amount=201)).rejected("finance_exceeds_total")
    given(decider, SIGNED, applied).when(ApproveFinance("f-1", LATER)).then(approved)
    given(decider, SIGNED, applied).when(DeclineFinance("f-1", "credit", LATER)).then(declined)
    given(decider, SIGNED, applied, approved).when(ApproveFinance("f-1", LATER)).then_nothing()
    given(decider, SIGNED, applied, declined).when(ApproveFinance("f-1", LATER)).rejected("finance_decided")
    given(decider, SIGNED).when(ApproveFinance("f-1", LATER)).rejected("finance_application_unknown")
