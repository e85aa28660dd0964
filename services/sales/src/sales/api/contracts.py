"""Contracts: sign, amend, cancel; deposits and finance are in `money`."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import Body, Path, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from roadbook.http.answers import respond
from roadbook.http.routes import router
from roadbook.http.types import StrictModel, Uuid
from sales.api import shown, words
from sales.api.parts import (
    DealerQuery,
    Paged,
    Reading,
    Running,
    Write,
    WriteOnce,
    answered,
    events_of,
    list_of,
    named,
    one,
)
from sales.domain import contract as domain
from sales.service import Service
from sales.service import contracts as service
from sales.service.commands import command
from sales.views.contracts import LISTING

routes = router("/v1/contracts", tags=["contracts"])

Id = Annotated[Uuid, Path(description="The id in the `Location` of the signing.")]
Line = Annotated[int, Field(strict=True, ge=1, le=10_000, examples=[1])]
State = Literal["signed", "cancelled"]
Hash = Annotated[str, Field(strict=True, pattern=r"^[0-9a-f]{64}$", examples=[shown.HASH])]


# ── What is asked ─────────────────────────────────────────────────────────────────────────────────────────────
class ContractLineRequest(StrictModel):
    """`quantity` vehicles at `price` each, in minor units."""

    model: words.ModelCode
    quantity: words.Quantity = 1
    price: words.Minor


class AmendedLine(ContractLineRequest):
    """`line` names one that is there; without it the line is new and gets the next number."""

    line: Line | None = None


class SignRequest(StrictModel):
    """`document_hash`: SHA-256 of the signed document, hex. `tender`: the number of the call, exactly when
    `procurement` is `tender`."""

    opportunity: Uuid
    quote: Uuid | None = None
    lines: list[ContractLineRequest] = Field(min_length=1, max_length=50)
    currency: words.KnownCurrency
    document_hash: Hash
    procurement: Literal["retail", "tender", "enterprise"] = "retail"
    tender: words.Number | None = None
    staff: words.StaffId | None = None


class AmendRequest(StrictModel):
    """`lines` are all of them as they are from now on."""

    document_hash: Hash
    lines: list[AmendedLine] = Field(min_length=1, max_length=50)
    reason: words.Word


class CancelContractRequest(StrictModel):
    reason: words.Word


# ── What is answered ──────────────────────────────────────────────────────────────────────────────────────────
class SignAnswer(shown.CommandAnswer):
    contract: str


class ContractListed(shown.Shown):
    contract: str
    party_ref: str
    dealer: str
    opportunity: str | None = Field(examples=[shown.OPPORTUNITY])
    quote: str | None = Field(examples=[f"quote/{shown.ID}"])
    currency: str
    total: int
    procurement: str
    tender: str | None
    staff: str | None
    state: str = Field(examples=["signed"])
    reason: str | None
    document_version: int
    signed_at: str
    cancelled_at: str | None
    version: int


class ContractListItem(ContractListed):
    vehicles: int


class ContractLineShown(shown.Shown):
    line: int
    model: str
    quantity: int
    price: int


class DepositShown(shown.Shown):
    """`refunded` is what was given back of it."""

    receipt: str
    amount: int
    received_at: str
    refunded: int | None


class ApplicationShown(shown.Shown):
    application: str
    provider: str
    amount: int
    status: str = Field(examples=["applied"])
    reason: str | None


class ContractShown(ContractListed):
    stream: str = Field(examples=[f"contract/{shown.ID}"])
    document_hash: str
    lines: list[ContractLineShown]
    deposits: list[DepositShown]
    finance: list[ApplicationShown]


class ContractsPage(shown.PageShown):
    items: list[ContractListItem]


SIGN = {
    "opportunity": shown.ID,
    "lines": [{"model": "volkswagen-lavida", "quantity": 1, "price": 11_690_000}],
    "currency": "CNY",
    "document_hash": shown.HASH,
}
AMEND = {
    "document_hash": shown.HASH[::-1],
    "lines": [{"line": 1, "model": "volkswagen-lavida", "quantity": 2, "price": 11_490_000}],
    "reason": "second_car",
}


# ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────
@routes.post(
    "",
    summary="Sign a contract",
    status_code=201,
    response_model=None,
    responses=answered(
        SignAnswer,
        "Signed",
        "opportunity_closed",
        "opportunity_has_contract",
        "quote_not_accepted",
        "tender_number",
        "model_not_eligible",
        "not_found",
        status=201,
    ),
)
async def sign_contract(
    request: Annotated[SignRequest, Body(openapi_examples=shown.example(SIGN))], context: WriteOnce, running: Running
) -> Response:
    """For an open opportunity, on a quote of it that was accepted if one is named. The opportunity is won by it."""
    lines = _lines(running, request.lines)
    signing = service.Signing(
        lines, request.currency, request.document_hash, request.opportunity, request.quote, request.procurement,
        request.tender, request.staff,
    )  # fmt: skip
    with named():
        return respond(await service.sign(running, signing, context))


def _lines(running: Service, lines: Sequence[ContractLineRequest]) -> tuple[domain.Wanted, ...]:
    wanted: list[Any] = []
    for place, each in enumerate(lines):
        words.known_model(running.network, each.model, f"/lines/{place}/model")
        number = each.line if isinstance(each, AmendedLine) else None
        wanted.append(domain.Wanted(each.model, each.quantity, each.price, number))
    return tuple(wanted)


@routes.post(
    "/{contract_id}:amend",
    summary="Amend a contract",
    response_model=None,
    responses=answered(
        shown.CommandAnswer,
        "Amended",
        "contract_cancelled",
        "contract_lines",
        "contract_line_unknown",
        "contract_line_ordered",
        "document_unchanged",
        "model_not_eligible",
    ),
)
async def amend_contract(
    contract_id: Id,
    request: Annotated[AmendRequest, Body(openapi_examples=shown.example(AMEND))],
    context: Write,
    running: Running,
) -> Response:
    """A new version of the document. A line keeps at least as many vehicles as orders stand on it."""
    lines = _lines(running, request.lines)
    return respond(await service.amend(running, contract_id, request.document_hash, lines, request.reason, context))


@routes.post(
    "/{contract_id}:cancel",
    summary="Cancel a contract",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Cancelled", "contract_delivered"),
)
async def cancel_contract(
    contract_id: Id,
    request: Annotated[CancelContractRequest, Body(openapi_examples=shown.example({"reason": "finance_declined"}))],
    context: Write,
    running: Running,
) -> Response:
    """Its orders go with it, their vehicles are free again, and the opportunity is open again. Not once a vehicle was
    delivered under it."""
    order = domain.CancelContract(request.reason, context.now)
    return respond(await command(running, f"contract/{contract_id}", order, context))


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────
@routes.get(
    "",
    summary="List contracts",
    response_model=None,
    responses={200: {"model": ContractsPage, "description": "Newest first"}},
)
async def list_contracts(
    request: Request,
    caller: Reading,
    running: Running,
    page: Paged,
    state: Annotated[State | None, Query()] = None,
    staff: Annotated[words.StaffId | None, Query()] = None,
    tender: Annotated[words.Number | None, Query()] = None,
    opportunity: Annotated[Uuid | None, Query()] = None,
    dealer: DealerQuery = None,
) -> Response:
    """A dealer's contracts; every condition narrows it."""
    of = None if opportunity is None else f"opportunity/{opportunity}"
    wanted = {"state": state, "staff": staff, "tender": tender, "opportunity": of, "dealer": dealer}
    return await list_of(request, running, caller, page, LISTING, wanted)


@routes.get(
    "/{contract_id}",
    summary="Read a contract",
    response_model=None,
    responses={200: {"model": ContractShown, "description": "The contract"}},
)
async def read_contract(request: Request, contract_id: Id, caller: Reading, running: Running) -> Response:
    """The facts as of the last event."""
    return await one(request, running, caller, "contract", contract_id, hidden=("highest_line",))


@routes.get(
    "/{contract_id}/events",
    summary="A contract's events",
    response_model=None,
    responses={200: {"model": shown.EventsPage, "description": "In stream order"}},
)
async def list_contract_events(
    request: Request, contract_id: Id, caller: Reading, running: Running, page: Paged
) -> Response:
    """Every fact: what, when, by whom, and what caused it. Each version of the document is one."""
    return await events_of(request, running, caller, f"contract/{contract_id}", page)
