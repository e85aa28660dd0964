"""Commission accounts: statements with their receipts, and settling a month."""

from typing import Annotated, Any

from fastapi import Body, Path
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from roadbook.events import Recorded
from roadbook.http.answers import etag, open_cursor, page_response, read_response, respond, sign_cursor
from roadbook.http.routes import router
from roadbook.http.types import StrictModel, rfc3339
from sales.api import shown, words
from sales.api.parts import DealerQuery, Paged, Reading, Running, WriteOnce, answered, holder, secret
from sales.domain.commission import CommissionSettled, Entry, Figures
from sales.service import commissions as service
from sales.views.commissions import AccountKey

routes = router("/v1/commissions", tags=["commissions"])

Staff = Annotated[words.StaffId, Path()]
PeriodPath = Annotated[words.Period, Path(description="A month.")]


# ── What is asked ─────────────────────────────────────────────────────────────────────────────────────────────
class SettleRequest(StrictModel):
    period: words.Period


# ── What is answered ──────────────────────────────────────────────────────────────────────────────────────────
class AccountListed(shown.Shown):
    """In minor units: what was ever earned, taken back and paid; `open` is the rest."""

    staff: str
    dealer: str
    currency: str
    accrued: int
    reversed: int
    settled: int
    open: int


class AccountsPage(shown.PageShown):
    items: list[AccountListed]


class FiguresShown(shown.Shown):
    """In minor units: `net` is `accrued` less `reversed`; `settled` of it is paid, `open` is not."""

    currency: str
    accrued: int
    reversed: int
    net: int
    settled: int
    open: int


class EntryShown(shown.Shown):
    """`kind` is `accrued` or `reversed`; reversed, the `amount` is below zero and takes the entry `of` back.
    `earned_by` is the stream of the sale, `receipt` the event that says the entry, `cause` the delivery, sale, return
    or cancellation it follows from."""

    entry: str
    kind: str
    amount: int
    currency: str
    earned_by: str
    dealer: str
    share_bp: int
    rule: str
    rules: str
    of: str | None
    reason: str | None
    at: str
    settlement: str | None
    receipt: str
    cause: str | None


class SettlementShown(shown.Shown):
    settlement: str
    entries: Annotated[list[str], Field(examples=[["0b6f1f5e-50a5-5a2e-9f54-0d2f8a7b6c11"]])]
    amount: int
    currency: str
    at: str
    receipt: str


class StatementShown(shown.Shown):
    """The `entries` whose time is from `since` to before `until` are the receipts of the figures: they add up to them.
    The `settlements` are those of the month, whatever the time of their entries."""

    staff: str
    period: str
    since: str
    until: Annotated[str, Field(examples=["2026-01-31T16:00:00Z"])]
    version: int
    figures: list[FiguresShown]
    entries: list[EntryShown]
    settlements: list[SettlementShown]


# ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────
@routes.post(
    "/{staff_id}:settle",
    summary="Settle a month's commission",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Settled, or nothing was open", "period_not_over"),
)
async def settle_commission(
    staff_id: Staff,
    request: Annotated[SettleRequest, Body(openapi_examples=shown.example({"period": "2025-12"}))],
    context: WriteOnce,
    running: Running,
) -> Response:
    """All that is open of the time before the end of the month, a settlement for each currency. What was paid and came
    back since is taken off."""
    return respond(await service.settle(running, staff_id, request.period, context))


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────
@routes.get(
    "",
    summary="List commission accounts",
    response_model=None,
    responses={200: {"model": AccountsPage, "description": "By dealer, staff and currency"}},
)
async def list_commission_accounts(
    request: Request, caller: Reading, running: Running, page: Paged, dealer: DealerQuery = None
) -> Response:
    """The figures of each account since its beginning."""
    whose, allowed = holder(caller, dealer)
    if not allowed:
        return page_response(request, [], None)
    bound = {"list": "commissions", "dealer": whose}
    after: AccountKey | None = None
    if page.cursor is not None:
        dealer_, staff, currency = open_cursor(secret(request), page.cursor, bound)
        after = (dealer_, staff, currency)
    rows = await service.accounts(running, whose, after, page.size + 1)
    cursor = None
    if len(rows) > page.size:
        last = rows[page.size - 1]
        cursor = sign_cursor(secret(request), [last.dealer, last.staff, last.currency], bound)
    shown_rows = [
        {
            "staff": row.staff,
            "dealer": row.dealer,
            "currency": row.currency,
            "accrued": row.accrued,
            "reversed": row.reversed,
            "settled": row.settled,
            "open": row.accrued - row.reversed - row.settled,
        }
        for row in rows[: page.size]
    ]
    return page_response(request, shown_rows, cursor)


@routes.get(
    "/{staff_id}/statements/{period}",
    summary="Read a commission statement",
    response_model=None,
    responses={200: {"model": StatementShown, "description": "The month with its receipts"}},
)
async def read_commission_statement(
    request: Request, staff_id: Staff, period: PeriodPath, caller: Reading, running: Running
) -> Response:
    """One of the staff's month: add the receipts, get the figures. A dealer sees what was earned with it."""
    found = await service.of_month(running, staff_id, period, caller.dealer)
    statement, receipts = found.statement, found.receipts
    body = {
        "staff": staff_id,
        "period": period,
        "since": rfc3339(found.first),
        "until": rfc3339(found.end),
        "version": found.version,
        "figures": [_figures(each) for each in statement.figures],
        "entries": [_entry(each, receipts[each.entry]) for each in statement.entries],
        "settlements": [_settlement(each, receipts[each.settlement]) for each in statement.settlements],
    }
    return read_response(request, body, etag(found.version))


def _figures(f: Figures) -> dict[str, Any]:
    return {
        "currency": f.currency,
        "accrued": f.accrued,
        "reversed": f.reversed,
        "net": f.net,
        "settled": f.settled,
        "open": f.open,
    }


def _entry(entry: Entry, receipt: Recorded) -> dict[str, Any]:
    return {
        "entry": entry.entry,
        "kind": entry.kind,
        "amount": entry.amount,
        "currency": entry.currency,
        "earned_by": entry.order,
        "dealer": entry.dealer,
        "share_bp": entry.share_bp,
        "rule": entry.rule,
        "rules": entry.rules,
        "of": entry.of,
        "reason": entry.reason,
        "at": rfc3339(entry.at),
        "settlement": entry.settlement,
        "receipt": receipt.id,
        "cause": receipt.causation,
    }


def _settlement(settled: CommissionSettled, receipt: Recorded) -> dict[str, Any]:
    return {
        "settlement": settled.settlement,
        "entries": list(settled.entries),
        "amount": settled.amount,
        "currency": settled.currency,
        "at": rfc3339(settled.at),
        "receipt": receipt.id,
    }
