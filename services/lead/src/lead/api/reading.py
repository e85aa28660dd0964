"""Reading leads: one, its events, lists, hand-over, what others share, figures."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import Depends, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from lead.api import models, shown
from lead.api.days import wrong_parameter
from lead.api.parts import LeadId, Paged, Running, after, event_shown, json, next_cursor, reader, secret
from lead.service import reading as service
from lead.views.lead_lists import LeadFilter, LeadRow
from roadbook.http.answers import etag, open_cursor, page_response, sign_cursor
from roadbook.http.auth import Caller, requires
from roadbook.http.routes import router
from roadbook.http.types import Date, Instant, rfc3339

routes = router("/v1", tags=["leads"])

Reading = Annotated[Caller, requires("lead:read")]
DealerQuery = Annotated[models.DealerCode | None, Query(description="For headquarters; a dealer sees its own.")]


async def wanted(
    request: Request,
    state: Annotated[Literal["open", "lost", "recycled", "converted"] | None, Query()] = None,
    grade: Annotated[models.Grade | None, Query()] = None,
    dealer: DealerQuery = None,
    source: Annotated[models.Source | None, Query()] = None,
    owner: Annotated[models.StaffId | None, Query(description="Who works it.")] = None,
    campaign: Annotated[models.Word | None, Query()] = None,
    region: Annotated[models.RegionCode | None, Query()] = None,
    overdue: Annotated[bool | None, Query(description="Whether the next action is overdue.")] = None,
    pool: Annotated[bool | None, Query(description="Whether it is in the pool.")] = None,
    unrouted: Annotated[bool | None, Query(description="Whether no dealer holds it; for headquarters.")] = None,
    unanswered: Annotated[bool | None, Query(description="Whether its dealer has yet to accept it.")] = None,
    feedback_overdue: Annotated[bool | None, Query(description="Whether its dealer owes a word on its status.")] = None,
    due_on: Annotated[
        Date | None, Query(description="Whose next action is due on this day, in the dealers' time.")
    ] = None,
) -> LeadFilter:
    """What of the list is asked for; whose it is, is for the caller's token to say."""
    since = until = None
    if due_on is not None:
        since, until = day(request, due_on)
    return LeadFilter(
        dealer=dealer,
        state=state,
        grade=grade,
        source=source,
        owner=owner,
        campaign=campaign,
        region=region,
        overdue=overdue,
        pooled=pool,
        unrouted=unrouted,
        unanswered=unanswered,
        feedback_overdue=feedback_overdue,
        due_from=since,
        due_until=until,
    )


def day(request: Request, on: date) -> tuple[datetime, datetime]:
    if not 1900 <= on.year <= 9000:
        raise wrong_parameter("due_on", "calendar_date", "must be a day of our time")
    zone = request.app.state.lead.network.time_zone
    return (
        datetime.combine(on, time(), zone),
        datetime.combine(on + timedelta(days=1), time(), zone),
    )


Wanted = Annotated[LeadFilter, Depends(wanted)]


def own(asked: LeadFilter, caller: Caller) -> LeadFilter | None:
    """The filter as the caller may use it; None: nothing to see, as of a dealer that has none."""
    if caller.headquarters:
        return asked
    if asked.dealer is not None and not caller.may_see(asked.dealer):
        return None
    return LeadFilter(**{**asdict(asked), "dealer": caller.dealer})


@routes.get(
    "/leads",
    summary="List leads",
    response_model=None,
    responses={200: {"model": shown.LeadsPage, "description": "Newest first"}},
)
async def list_leads(request: Request, caller: Reading, running: Running, page: Paged, asked: Wanted) -> Response:
    """A dealer's leads, newest intent first; every condition narrows it. Pages stay right while leads change."""
    chosen = own(asked, caller)
    if chosen is None:
        return page_response(request, [], None)
    bound = {"list": "leads", **_plain(chosen)}
    rows = await service.listed(running, chosen, after(request, page, bound), page.size + 1)
    cursor = next_cursor(request, page, bound, [(row.captured_at, row.lead_id) for row in rows])
    return page_response(request, [listed(row) for row in rows[: page.size]], cursor)


def _plain(chosen: LeadFilter) -> dict[str, Any]:
    return {name: rfc3339(value) if isinstance(value, datetime) else value for name, value in asdict(chosen).items()}


def listed(row: LeadRow) -> dict[str, Any]:
    action = None
    if row.next_action_due is not None:
        action = {
            "kind": row.next_action_kind,
            "due": rfc3339(row.next_action_due),
            "assignee": row.next_action_assignee,
        }
    values = {name: _json(value) for name, value in asdict(row).items() if not name.startswith("next_action")}
    return {"lead": values.pop("lead_id"), **values, "next_action": action}


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return rfc3339(value)
    return str(value) if isinstance(value, UUID) else value


@routes.get(
    "/leads/{lead_id}",
    summary="Read a lead",
    response_model=None,
    responses={200: {"model": shown.LeadShown, "description": "The lead with its personal data"}},
)
async def read_lead(request: Request, lead_id: LeadId, caller: Reading, running: Running) -> Response:
    """The facts as of the last event, and the personal data that came with this lead. A lead that is shared with you
    shows what its share says, and that you have read it is written down."""
    lead, version = await service.read(running, lead_id, reader(request, caller, "read_lead"))
    # No 304: a corrected name changes this answer without a new version.
    headers = {"ETag": etag(version), "Cache-Control": "private, no-store", "Vary": "Authorization"}
    return Response(orjson.dumps(lead, option=orjson.OPT_UTC_Z), 200, headers, "application/json")


@routes.get(
    "/leads/{lead_id}/events",
    summary="A lead's events",
    response_model=None,
    responses={200: {"model": shown.EventsPage, "description": "In stream order"}},
)
async def list_lead_events(
    request: Request, lead_id: LeadId, caller: Reading, running: Running, page: Paged
) -> Response:
    """Every fact of the lead: what, when, by whom, and what caused it. No personal data. Which other dealers had it
    before is for headquarters; through a share there is nothing of who holds and works it."""
    bound = {"list": "events", "lead": lead_id, "dealer": caller.dealer}
    start = 0
    if page.cursor is not None:
        (start,) = open_cursor(secret(request), page.cursor, bound)
    who = reader(request, caller, "list_lead_events")
    events, end = await service.history(running, lead_id, who, start, page.size)
    cursor = sign_cursor(secret(request), [end], bound) if end is not None else None
    return page_response(request, [event_shown(event) for event in events], cursor)


# ── Hand-over and shares ──────────────────────────────────────────────────────────────────────────────────────
@routes.get(
    "/hand-over/{staff_id}",
    summary="What a member of staff would leave behind",
    response_model=None,
    responses={200: {"model": shown.HandOverPage, "description": "Open leads, newest first"}},
)
async def list_hand_over(
    request: Request,
    staff_id: Annotated[models.StaffId, Path(description="Whose leads.")],
    caller: Reading,
    running: Running,
    page: Paged,
) -> Response:
    """Open leads that the person works or is to act on next, with the next action and how long they are protected."""
    bound = {"list": "hand_over", "staff": staff_id, "dealer": caller.dealer}
    rows = await service.hand_over(running, staff_id, caller.dealer, after(request, page, bound), page.size + 1)
    cursor = next_cursor(request, page, bound, [(row.captured_at, row.lead_id) for row, _ in rows])
    items = [{**listed(row), "protected_until": until and rfc3339(until)} for row, until in rows[: page.size]]
    return page_response(request, items, cursor)


@routes.get(
    "/shared-leads",
    summary="Leads that others share with you",
    response_model=None,
    responses={200: {"model": shown.SharedPage, "description": "By id"}},
)
async def list_shared_leads(request: Request, caller: Reading, running: Running, page: Paged) -> Response:
    """For a dealer. That they were listed is written down for each."""
    if caller.dealer is None:
        return page_response(request, [], None)  # headquarters sees all anyway
    bound = {"list": "shared_leads", "dealer": caller.dealer}
    start = None
    if page.cursor is not None:
        start = UUID(open_cursor(secret(request), page.cursor, bound)[0])
    who = reader(request, caller, "list_shared_leads")
    found, more = await service.shared_leads(running, who, start, page.size)
    cursor = sign_cursor(secret(request), [str(found[-1].row.lead_id)], bound) if more else None
    items = [{**listed(each.row), "shared": {"scope": each.scope, "until": rfc3339(each.until)}} for each in found]
    return page_response(request, items, cursor)


@routes.get(
    "/leads/{lead_id}/share-reads",
    summary="Who read a shared lead",
    response_model=None,
    responses={200: {"model": shown.ShareReadsPage, "description": "Newest first"}},
)
async def list_share_reads(
    request: Request, lead_id: LeadId, caller: Reading, running: Running, page: Paged
) -> Response:
    """For the dealer that holds it, and headquarters."""
    bound = {"list": "share_reads", "lead": lead_id, "dealer": caller.dealer}
    before = None
    if page.cursor is not None:
        (before,) = open_cursor(secret(request), page.cursor, bound)
    rows = await service.share_reads(running, lead_id, caller.dealer, before, page.size + 1)
    more = len(rows) > page.size
    cursor = sign_cursor(secret(request), [rows[page.size - 1].no], bound) if more else None
    items = [{**asdict(row), "at": rfc3339(row.at)} for row in rows[: page.size]]
    for item in items:
        del item["no"]
    return page_response(request, items, cursor)


# ── Figures ───────────────────────────────────────────────────────────────────────────────────────────────────
@routes.get(
    "/lead-figures",
    summary="Leads in figures",
    response_model=None,
    responses={200: {"model": shown.FiguresShown, "description": "Counted now"}},
)
async def lead_figures(
    caller: Reading,
    running: Running,
    dealer: DealerQuery = None,
    since: Annotated[Instant | None, Query(description="Captured at this time or later.")] = None,
    until: Annotated[Instant | None, Query(description="Captured before this time.")] = None,
) -> Response:
    """By state, grade, source and dealer; overdue, conversion, and the median time to the first contact."""
    holder = dealer if caller.headquarters else caller.dealer
    if dealer is not None and not caller.may_see(dealer):
        holder = ""  # as of a dealer that has none
    return json(_figures(await service.figures(running, holder, since, until)))


def _figures(row: Mapping[str, Any]) -> dict[str, Any]:
    counted = {name: orjson.loads(value) if isinstance(value, str) else value for name, value in row.items()}
    states = counted["by_state"]
    converted, alive = states.get("converted", 0), counted["leads"] - states.get("recycled", 0)
    percent = round(100 * converted / alive, 1) if alive else None
    return {**counted, "converted": converted, "conversion_percent": percent}
