"""Group buys: open, join, leave, close; a dealer's own or the network's."""

from datetime import datetime
from typing import Annotated, Any, Self

import orjson
from fastapi import Body, Path, Query
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from starlette.requests import Request
from starlette.responses import Response

from lead.api import models, shown
from lead.api.parts import Paged, Running, Write, WriteOnce, after, answered, headquarters_only, next_cursor
from lead.domain.group_buy import Price
from lead.service import Service
from lead.service import group_buys as service
from lead.views.group_buys import GroupRow, MemberRow, Wanted
from roadbook.context import CommandContext
from roadbook.http.answers import etag, page_response, respond
from roadbook.http.auth import Caller, requires
from roadbook.http.routes import router
from roadbook.http.types import CURRENCIES, Currency, Instant, StrictModel, Uuid, rfc3339

routes = router("/v1/group-buys", tags=["group-buys"])

Places = Annotated[int, Field(strict=True, ge=1, le=10_000, examples=[50])]
GroupId = Annotated[Uuid, Path(description="The id in the `Location` of the opening.")]


# ── What is asked ─────────────────────────────────────────────────────────────────────────────────────────────
class PriceGiven(StrictModel):
    """Per car, in minor units."""

    currency: Currency
    minor: models.Minor

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.currency not in CURRENCIES:
            raise PydanticCustomError("currency", "must be an active ISO 4217 code")
        return self


class OpenRequest(StrictModel):
    """`threshold`: how many must join for the price to hold; at most `places`."""

    model: models.ModelCode
    price: PriceGiven
    places: Places
    threshold: Places
    closes_at: Instant

    @model_validator(mode="after")
    def _within_places(self) -> Self:
        if self.threshold > self.places:
            raise PydanticCustomError("threshold_order", "the threshold is above the number of places")
        return self


class MemberRequest(StrictModel):
    """A lead you hold."""

    lead: Uuid


# ── What is answered ──────────────────────────────────────────────────────────────────────────────────────────
class OpenAnswer(shown.CommandAnswer):
    group_buy: str


class GroupListed(shown.Shown):
    """`dealer` None: for the whole network. `state`: open, or how it ended (reached, missed, cancelled). `members` is
    only a number: who they are is shown to those who hold their leads."""

    group_buy: str
    dealer: str | None
    model: str
    price: dict[str, Any]
    places: int
    threshold: int
    members: int
    state: str
    opened_at: str
    closes_at: str
    threshold_reached_at: str | None
    closed_at: str | None
    version: int


class MemberShown(shown.Shown):
    lead: str
    party_ref: str
    dealer: str | None
    joined_at: str


class GroupShown(GroupListed):
    """`own_members`: how many of the members are yours; `own` names the first 100 of them."""

    own_members: int
    own: list[MemberShown]


class GroupsPage(shown.PageShown):
    items: list[GroupListed]


class MembersPage(shown.PageShown):
    items: list[MemberShown]


OPEN = {
    "model": "volkswagen-lavida",
    "price": {"currency": "CNY", "minor": 11_990_000},
    "places": 50,
    "threshold": 20,
    "closes_at": "2026-12-31T18:00:00+08:00",
}
MEMBER = {"lead": "0199a3c4-7d2e-7b51-9c3d-2f1e5a6b7c8d"}


# ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────
@routes.post(
    "",
    status_code=201,
    summary="Open a group buy",
    response_model=None,
    responses=answered(OpenAnswer, "Opened", "group_buy_closes_in_the_past", status=201),
)
async def open_group_buy(
    request: Annotated[OpenRequest, Body(openapi_examples=shown.example(OPEN))],
    context: WriteOnce,
    running: Running,
) -> Response:
    """For your own leads; opened by headquarters, for every dealer's. It closes by itself at `closes_at`."""
    model = models.known_model(request.model, running.network, "/model")
    assert model is not None  # the request has one
    answer = await service.open_group(
        running,
        model=model,
        price=Price(request.price.currency, request.price.minor),
        places=request.places,
        threshold=request.threshold,
        closes_at=request.closes_at,
        context=context,
    )
    return respond(answer)


@routes.post(
    "/{group_buy_id}:join",
    summary="Join with a lead",
    response_model=None,
    responses=answered(
        shown.CommandAnswer, "Joined, or in it already", "group_buy_full", "group_buy_closed", "lead_closed"
    ),
)
async def join_group_buy(
    group_buy_id: GroupId,
    request: Annotated[MemberRequest, Body(openapi_examples=shown.example(MEMBER))],
    context: Write,
    running: Running,
) -> Response:
    """One place per party: joining again, with whichever of its leads, changes nothing. The lead is told."""
    return respond(await service.join(running, group_buy_id, request.lead, context))


@routes.post(
    "/{group_buy_id}:leave",
    summary="Leave again",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Left, or not in it", "group_buy_closed"),
)
async def leave_group_buy(
    group_buy_id: GroupId,
    request: Annotated[MemberRequest, Body(openapi_examples=shown.example(MEMBER))],
    context: Write,
    running: Running,
) -> Response:
    """While it is open; the place is free for another."""
    return respond(await service.leave(running, group_buy_id, request.lead, context))


@routes.post(
    "/{group_buy_id}:close",
    summary="Close before its time",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Closed", "group_buy_closed", "headquarters_only"),
)
async def close_group_buy(group_buy_id: GroupId, context: Write, running: Running) -> Response:
    """With the outcome as it stands: reached or missed. By who opened it; the network's is headquarters' to close."""
    return await _close(running, group_buy_id, False, context)


@routes.post(
    "/{group_buy_id}:cancel",
    summary="Call a group buy off",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Cancelled", "group_buy_closed", "headquarters_only"),
)
async def cancel_group_buy(group_buy_id: GroupId, context: Write, running: Running) -> Response:
    """Whatever was reached. By who opened it; the network's is headquarters' to call off."""
    return await _close(running, group_buy_id, True, context)


async def _close(running: Service, group_buy_id: str, cancel: bool, context: CommandContext) -> Response:
    if await service.is_networks(running, group_buy_id, context.dealer):
        headquarters_only(context.dealer)
    return respond(await service.close(running, group_buy_id, cancel, context))


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────
@routes.get(
    "",
    summary="List group buys",
    response_model=None,
    responses={200: {"model": GroupsPage, "description": "The last opened first"}},
)
async def list_group_buys(
    request: Request,
    caller: Annotated[Caller, requires("lead:read")],
    running: Running,
    page: Paged,
    open_only: Annotated[bool, Query(alias="open", description="Only those that can still be joined.")] = False,
    model: Annotated[models.ModelCode | None, Query()] = None,
    dealer: Annotated[models.DealerCode | None, Query(description="Only those of one dealer.")] = None,
) -> Response:
    """Your own and the network's. Pages stay right while others join."""
    now: datetime = request.app.state.clock.now()
    if dealer is not None and not caller.may_see(dealer):
        return page_response(request, [], None)  # as of a dealer that has none
    wanted = Wanted(caller.dealer, dealer, model, now if open_only else None)
    bound = {"list": "group_buys", "caller": caller.dealer, "dealer": dealer, "model": model, "open": open_only}
    rows = await service.listed(running, wanted, after(request, page, bound), page.size + 1)
    cursor = next_cursor(request, page, bound, [(row.opened_at, row.group_buy) for row in rows])
    return page_response(request, [_listed(row, now) for row in rows[: page.size]], cursor)


def _listed(row: GroupRow, now: datetime) -> dict[str, Any]:
    outcome = row.outcome
    if outcome is None and row.closes_at <= now:  # its timer is on the way
        outcome = "reached" if row.members >= row.threshold else "missed"
    return {
        "group_buy": str(row.group_buy),
        "dealer": row.dealer,
        "model": row.model,
        "price": {"currency": row.currency, "minor": row.price},
        "places": row.places,
        "threshold": row.threshold,
        "members": row.members,
        "state": outcome or "open",
        "opened_at": rfc3339(row.opened_at),
        "closes_at": rfc3339(row.closes_at),
        "threshold_reached_at": rfc3339(row.reached_at) if row.reached_at else None,
        "closed_at": rfc3339(row.closed_at) if row.closed_at else None,
        "version": row.version,
    }


@routes.get(
    "/{group_buy_id}",
    summary="Read a group buy",
    response_model=None,
    responses={200: {"model": GroupShown, "description": "The group buy, and your members"}},
)
async def read_group_buy(
    request: Request, group_buy_id: GroupId, caller: Annotated[Caller, requires("lead:read")], running: Running
) -> Response:
    """How many have joined, and which of your leads. Of others' members only the number is told."""
    group, count, own = await service.read(running, group_buy_id, caller.dealer)
    body = {**_listed(group, request.app.state.clock.now()), "own_members": count, "own": [_member(row) for row in own]}
    # No 304: whose a member is changes with its lead, without a new version here.
    headers = {"ETag": etag(group.version), "Cache-Control": "private, no-store", "Vary": "Authorization"}
    return Response(orjson.dumps(body), 200, headers, "application/json")


@routes.get(
    "/{group_buy_id}/members",
    summary="List your members of a group buy",
    response_model=None,
    responses={200: {"model": MembersPage, "description": "In the order they joined"}},
)
async def list_group_buy_members(
    request: Request,
    group_buy_id: GroupId,
    caller: Annotated[Caller, requires("lead:read")],
    running: Running,
    page: Paged,
) -> Response:
    """Those whose leads you hold; headquarters sees all."""
    bound = {"list": "group_buy_members", "group_buy": group_buy_id, "dealer": caller.dealer}
    rows = await service.members(running, group_buy_id, caller.dealer, after(request, page, bound), page.size + 1)
    cursor = next_cursor(request, page, bound, [(row.joined_at, row.lead) for row in rows])
    return page_response(request, [_member(row) for row in rows[: page.size]], cursor)


def _member(row: MemberRow) -> dict[str, Any]:
    return {
        "lead": str(row.lead),
        "party_ref": row.party_ref,
        "dealer": row.dealer,
        "joined_at": rfc3339(row.joined_at),
    }
