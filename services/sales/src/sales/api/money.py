"""The money around a contract: deposits and finance."""

from typing import Annotated, Any

from fastapi import Body
from pydantic import Field
from starlette.responses import Response

from roadbook.http.answers import respond
from roadbook.http.routes import router
from roadbook.http.types import MAX_MINOR, StrictModel
from sales.api import shown, words
from sales.api.contracts import Id
from sales.api.parts import Running, Write, answered
from sales.domain import contract as domain
from sales.service.commands import command

routes = router("/v1/contracts", tags=["contracts"])

Amount = Annotated[int, Field(strict=True, ge=1, le=MAX_MINOR, examples=[500_000])]


class DepositRequest(StrictModel):
    """`receipt` is its number: the same again is the same deposit."""

    receipt: words.Number
    amount: Amount
    currency: words.KnownCurrency


class ApplyForFinanceRequest(StrictModel):
    """`application`: the number under which the provider knows it."""

    application: words.Number
    provider: words.Word
    amount: Amount
    currency: words.KnownCurrency


class ApproveFinanceRequest(StrictModel):
    application: words.Number


class DeclineFinanceRequest(StrictModel):
    application: words.Number
    reason: words.Word


DEPOSIT = {"receipt": "rc-2026-0042", "amount": 500_000, "currency": "CNY"}
APPLY = {"application": "fa-2026-0007", "provider": "bank_one", "amount": 6_000_000, "currency": "CNY"}


async def _said(running: Any, contract: str, order: Any, context: Any) -> Response:
    return respond(await command(running, f"contract/{contract}", order, context))


@routes.post(
    "/{contract_id}:receive-deposit",
    summary="Record a deposit",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Received", "receipt_exists", "contract_cancelled", "currency_differs"),
)
async def receive_deposit(
    contract_id: Id,
    request: Annotated[DepositRequest, Body(openapi_examples=shown.example(DEPOSIT))],
    context: Write,
    running: Running,
) -> Response:
    """Under the number of its receipt."""
    order = domain.ReceiveDeposit(request.receipt, request.amount, request.currency, context.now)
    return await _said(running, contract_id, order, context)


@routes.post(
    "/{contract_id}:refund-deposit",
    summary="Record that a deposit was given back",
    response_model=None,
    responses=answered(
        shown.CommandAnswer,
        "Refunded",
        "receipt_unknown",
        "receipt_refunded",
        "refund_exceeds_deposit",
        "currency_differs",
    ),
)
async def refund_deposit(
    contract_id: Id,
    request: Annotated[DepositRequest, Body(openapi_examples=shown.example(DEPOSIT))],
    context: Write,
    running: Running,
) -> Response:
    """All of it or a part, once, under the receipt by which it came; of a cancelled contract too."""
    order = domain.RefundDeposit(request.receipt, request.amount, request.currency, context.now)
    return await _said(running, contract_id, order, context)


@routes.post(
    "/{contract_id}:apply-for-finance",
    summary="Record an application for finance",
    response_model=None,
    responses=answered(
        shown.CommandAnswer,
        "Applied",
        "finance_application_exists",
        "finance_exceeds_total",
        "contract_cancelled",
        "currency_differs",
    ),
)
async def apply_for_finance(
    contract_id: Id,
    request: Annotated[ApplyForFinanceRequest, Body(openapi_examples=shown.example(APPLY))],
    context: Write,
    running: Running,
) -> Response:
    """At a provider, for at most what the contract is worth."""
    order = domain.ApplyForFinance(request.application, request.provider, request.amount, request.currency, context.now)
    return await _said(running, contract_id, order, context)


@routes.post(
    "/{contract_id}:approve-finance",
    summary="Record that finance was approved",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Approved", "finance_application_unknown", "finance_decided"),
)
async def approve_finance(
    contract_id: Id,
    request: Annotated[ApproveFinanceRequest, Body(openapi_examples=shown.example({"application": "fa-2026-0007"}))],
    context: Write,
    running: Running,
) -> Response:
    """By the provider."""
    return await _said(running, contract_id, domain.ApproveFinance(request.application, context.now), context)


@routes.post(
    "/{contract_id}:decline-finance",
    summary="Record that finance was declined",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Declined", "finance_application_unknown", "finance_decided"),
)
async def decline_finance(
    contract_id: Id,
    request: Annotated[
        DeclineFinanceRequest, Body(openapi_examples=shown.example({"application": "fa-2026-0007", "reason": "credit"}))
    ],
    context: Write,
    running: Running,
) -> Response:
    """By the provider. Another application may follow; if none does, the contract is cancelled by hand."""
    order = domain.DeclineFinance(request.application, request.reason, context.now)
    return await _said(running, contract_id, order, context)
