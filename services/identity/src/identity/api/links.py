"""Links: what makes one customer of several references, and why. Deciding is the steward's, at headquarters."""

import hashlib
from typing import Annotated, Any

from fastapi import Body, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from identity.api import models, shown
from identity.api.parts import (
    Decide,
    DecideOnce,
    LinkId,
    Reading,
    RefId,
    Running,
    Steward,
    answered,
    moment,
    pair,
    steward_only,
)
from identity.domain.link import Event, LinkProposed, LinkRejected, PartyRefsLinked, PartyRefsUnlinked
from identity.service import links as service
from identity.views.links import PairRow
from roadbook.events import Recorded
from roadbook.http.answers import etag, read_response, respond
from roadbook.http.routes import router
from roadbook.http.types import Uuid, rfc3339

routes = router("/v1/links", tags=["links"])
seen = router("/v1/party-refs/{party_ref}", tags=["links"])


def pair_shown(row: PairRow) -> dict[str, Any]:
    return {
        "link": f"{row.smaller}:{row.larger}",
        "smaller": row.smaller,
        "larger": row.larger,
        "status": row.status,
        "score": row.score,
        "evidence": row.evidence,
        "matcher": row.matcher,
        "by": row.by,
        "reason": row.reason,
        "proposed_at": moment(row.proposed_at),
        "at": rfc3339(row.at),
        "version": row.version,
    }


SAID: dict[type[Event], str] = {
    LinkProposed: "proposed",
    PartyRefsLinked: "linked",
    LinkRejected: "rejected",
    PartyRefsUnlinked: "unlinked",
}


def _word(event: Recorded, told: Event) -> dict[str, Any]:
    evidence = [{"rule": each.rule, "field": each.field} for each in getattr(told, "evidence", ())]
    return {
        "said": SAID[type(told)],
        "event_id": event.id,
        "at": rfc3339(told.at),
        "by": getattr(told, "by", None),
        "actor": event.actor,
        "evidence": evidence,
        "matcher": getattr(told, "matcher", None),
        "score": getattr(told, "score", None),
        "reason": getattr(told, "reason", None),
    }


# ── Deciding ──────────────────────────────────────────────────────────────────────────────────────────────────
@routes.post(
    "",
    status_code=201,
    summary="Link two references",
    response_model=None,
    responses=answered(shown.LinkAnswer, "Linked", "cannot_link", "steward_only", "not_found", status=201),
)
async def link_party_refs(
    request: Annotated[models.LinkRequest, Body(openapi_examples=shown.example(shown.LINK))],
    context: DecideOnce,
    running: Running,
) -> Response:
    """They are one customer. Nothing is moved, so it can be undone and leaves nothing behind. A pair that was told
    apart may be joined again, by hand only."""
    steward_only(context.dealer)
    return respond(await service.link(running, request.pair(), context))


@routes.post(
    ":split",
    summary="Split two references",
    response_model=None,
    responses=answered(shown.SplitAnswer, "Split", "steward_only", "not_found"),
)
async def split_party_refs(
    request: Annotated[models.SplitRequest, Body(openapi_examples=shown.example(shown.SPLIT))],
    context: Decide,
    running: Running,
) -> Response:
    """Undoes the fewest links without which the two are two customers (`cut`), and tells the two apart for good."""
    steward_only(context.dealer)
    return respond(await service.split(running, request.pair(), request.reason, context))


@routes.get(
    "/{link_id}",
    summary="Read a link",
    response_model=None,
    responses=answered(shown.PairRead, "How the pair stands, and how it came to that", "steward_only"),
)
async def read_link(request: Request, link_id: LinkId, caller: Steward, running: Running) -> Response:
    """Linked, proposed or told apart, with the evidence; and all that was said of the pair before."""
    steward_only(caller.dealer)
    row = await service.read(running, pair(link_id))
    said = [_word(event, told) for event, told in await service.history(running, pair(link_id))]
    return read_response(request, {**pair_shown(row), "history": said}, etag(row.version))


@routes.delete(
    "/{link_id}",
    summary="Undo a link",
    response_model=None,
    responses=answered(shown.UnlinkAnswer, "Unlinked", "not_linked", "steward_only"),
)
async def unlink_party_refs(
    link_id: LinkId,
    context: Decide,
    running: Running,
    reason: Annotated[models.Word, Query(description="Why they are two customers.", examples=["different_people"])],
) -> Response:
    """The world is as if the link had never been. No rule makes it again, not even by way of a third reference."""
    steward_only(context.dealer)
    return respond(await service.unlink(running, pair(link_id), reason, context))


# ── Seeing ────────────────────────────────────────────────────────────────────────────────────────────────────
@seen.get(
    "/links",
    summary="Links of a reference",
    response_model=None,
    responses=answered(shown.LinksShown, "Every link of the customer, with its evidence"),
)
async def read_links(party_ref: RefId, request: Request, caller: Reading, running: Running) -> Response:
    """Among the references that you hold. Evidence names the rule and the fields it looked at, and no value."""
    rows = await service.of_ref(running, party_ref, caller.dealer)
    body = {"party_ref": party_ref, "links": [pair_shown(row) for row in rows]}
    return read_response(request, body, _tag(rows))


@seen.get(
    "/same-as/{other}",
    summary="Why two references are or are not one customer",
    response_model=None,
    responses=answered(shown.WhyShown, "The links from one to the other, or the word that tells them apart"),
)
async def explain_same(
    party_ref: RefId,
    other: Annotated[Uuid, Path(description="Another party reference.")],
    caller: Reading,
    running: Running,
    request: Request,
) -> Response:
    """Over the references that you hold."""
    found = await service.why(running, party_ref, other, caller.dealer)
    apart = found.apart
    body = {
        "same": bool(found.refs),
        "path": list(found.refs),
        "links": [pair_shown(row) for row in found.links],
        "apart": (
            None
            if apart is None
            else {"link": f"{apart.smaller}:{apart.larger}", "reason": apart.reason, "at": rfc3339(apart.at)}
        ),
    }
    return read_response(request, body, _tag([*found.links, *([apart] if apart else [])]))


@seen.get(
    "/split-from/{other}",
    summary="What a split would undo",
    response_model=None,
    responses=answered(shown.CutShown, "The links to be undone; none: they are two customers", "steward_only"),
)
async def show_cut(
    party_ref: RefId,
    other: Annotated[Uuid, Path(description="Another party reference.")],
    caller: Steward,
    running: Running,
    request: Request,
) -> Response:
    """The fewest links without which the two are two customers. Nothing is done."""
    steward_only(caller.dealer)
    rows = await service.cut(running, party_ref, other)
    return read_response(request, {"cut": [pair_shown(row) for row in rows]}, _tag(rows))


def _tag(rows: list[PairRow]) -> str:
    """Of just what is shown: it tells nothing of links that are not."""
    text = ",".join(f"{row.smaller}:{row.larger}:{row.version}" for row in rows)
    return f'W/"{hashlib.sha256(text.encode()).hexdigest()[:16]}"'
