"""Party references: register, read, and keep what is known of them in order."""

from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import Body
from starlette.requests import Request
from starlette.responses import Response

from identity.api import models, shown
from identity.api.parts import (
    Paged,
    Reading,
    RefId,
    Running,
    Write,
    WriteOnce,
    after,
    answered,
    moment,
    next_cursor,
)
from identity.domain import party_ref as domain
from identity.service import party_refs as service
from identity.views.party_refs import RefRow
from roadbook.http.answers import etag, page_response, respond
from roadbook.http.routes import router
from roadbook.http.types import rfc3339

routes = router("/v1/party-refs", tags=["party-refs"])
work = router("/v1/party-refs", tags=["contact-points"])
_SINGLE = ("name", "birth_date")


# ── Registering and reading ───────────────────────────────────────────────────────────────────────────────────
@routes.post(
    "",
    status_code=201,
    summary="Register a party reference",
    response_model=None,
    responses=answered(shown.RegisterAnswer, "Registered", status=201),
)
async def register_party_ref(
    request: Annotated[models.RegisterRequest, Body(openapi_examples=shown.example(shown.REGISTER))],
    context: WriteOnce,
    running: Running,
) -> Response:
    """For somebody no lead speaks of: a key account, a partner, a spouse. A lead registers its own by itself."""
    return respond(await service.register(running, request.kind, request.source, context))


@routes.get(
    "",
    summary="List party references",
    response_model=None,
    responses={200: {"model": shown.RefsPage, "description": "The last registered first"}},
)
async def list_party_refs(request: Request, caller: Reading, running: Running, page: Paged) -> Response:
    """Those you hold; headquarters sees all. Pages stay right while others register."""
    bound = {"list": "party_refs", "dealer": caller.dealer}
    opened = after(request, page, bound)
    start = None if opened is None else (datetime.fromisoformat(opened[0]), str(opened[1]))
    rows = await service.listed(running, caller.dealer, start, page.size + 1)
    cursor = next_cursor(request, page, bound, [[rfc3339(row.registered_at), row.party_ref] for row in rows])
    return page_response(request, [_listed(row) for row in rows[: page.size]], cursor)


def _listed(row: RefRow) -> dict[str, Any]:
    return {
        "party_ref": row.party_ref,
        "kind": row.kind,
        "dealer": row.dealer,
        "source": row.source,
        "registered_at": rfc3339(row.registered_at),
        "version": row.version,
    }


@routes.get(
    "/{party_ref}",
    summary="Read a party reference",
    response_model=None,
    responses={200: {"model": shown.RefShown, "description": "What is known of it, with its personal data"}},
)
async def read_party_ref(party_ref: RefId, caller: Reading, running: Running) -> Response:
    """`fields` says of each field how many values are known, whether they contradict each other, and when one was
    last verified."""
    read = await service.read(running, party_ref, caller.dealer)
    # No 304: a corrected value changes this answer without a new version.
    headers = {"ETag": etag(read.version), "Cache-Control": "private, no-store", "Vary": "Authorization"}
    return Response(orjson.dumps(_shown(read)), 200, headers, "application/json")


def _shown(read: service.Read) -> dict[str, Any]:
    ref, stream = read.state, f"partyref/{read.state.party_ref}"
    points = {key: point for key, point in ref.points.items() if read.shows(point)}
    return {
        "party_ref": ref.party_ref,
        "stream": stream,
        "kind": ref.kind,
        "dealer": ref.dealer,
        "source": ref.source,
        "registered_at": rfc3339(ref.registered_at),
        "version": read.version,
        "owner_kind": ref.owner_kind,
        "basis": ref.basis,
        "contact_points": [_point(key, point) for key, point in points.items()],
        "profile": [
            {"name": each.name, "purpose": each.purpose, "refused": each.refused} for each in ref.profile.values()
        ],
        "relationships": [
            {"kind": kind, "other": other, "role": it.role, "since": rfc3339(it.since), "ended": moment(it.ended)}
            for (kind, other), it in ref.relationships.items()
        ],
        "fields": [*_families(points), *_singles(read)],
        "personal": {
            row.key.removeprefix(stream + "/"): {
                "value": row.value,
                "source": row.source,
                "version": row.version,
                "recorded_at": rfc3339(row.recorded_at),
                "verified_at": moment(row.verified_at),
            }
            for row in read.personal
            if row.value is not None
        },
    }


def _point(key: str, point: domain.Point) -> dict[str, Any]:
    return {
        "key": key,
        "kind": point.kind,
        "valid": point.valid,
        "linkable": point.linkable,
        "preferred": point.preferred,
        "origin": point.origin,
        "source": point.source,
        "at": rfc3339(point.at),
        "verified_at": moment(point.verified_at),
        "method": point.method,
        "failed_at": moment(point.failed_at),
        "failure": point.failure,
        "retired_at": moment(point.retired_at),
    }


def _families(points: dict[str, domain.Point]) -> list[dict[str, Any]]:
    """Of contact points: in conflict is one whose last verification failed, or that was never right."""
    found = []
    for family in ("phone", "email", "address"):
        own = [p for key, p in points.items() if key.partition("/")[0] == family and p.retired_at is None]
        verified = [p.verified_at for p in own if p.verified_at is not None]
        doubted = any(not p.valid or _failed(p) for p in own)
        if own:
            found.append(_field(family, len(own), doubted, max(verified, default=None)))
    return found


def _failed(point: domain.Point) -> bool:
    """Since it was verified last, if it ever was."""
    return point.failed_at is not None and (point.verified_at is None or point.failed_at > point.verified_at)


def _singles(read: service.Read) -> list[dict[str, Any]]:
    """What a party has one of. Two writings of one name are no conflict."""
    return [
        _field(name, len(read.known[name]), service.contradict(name, read.known[name]), None)
        for name in _SINGLE
        if read.known.get(name)
    ]


def _field(name: str, values: int, conflict: bool, verified: datetime | None) -> dict[str, Any]:
    return {"field": name, "values": values, "conflict": conflict, "last_verified_at": moment(verified)}


# ── What is known of it ───────────────────────────────────────────────────────────────────────────────────────
@work.post(
    "/{party_ref}:add-contact-point",
    status_code=201,
    summary="Add a contact point",
    response_model=None,
    responses=answered(shown.PointAnswer, "Added", status=201),
)
async def add_contact_point(
    party_ref: RefId,
    request: Annotated[models.AddRequest, Body(openapi_examples=shown.example(shown.ADD))],
    context: WriteOnce,
    running: Running,
) -> Response:
    """The value goes into personal data, under the `key` of the answer."""
    return respond(
        await service.add_contact_point(running, party_ref, request.said(), request.preferred, request.source, context)
    )


@work.post(
    "/{party_ref}:verify-contact-point",
    summary="Verify a contact point",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Verified", "contact_point_unknown", "contact_point_retired"),
)
async def verify_contact_point(
    party_ref: RefId,
    request: Annotated[models.VerifyRequest, Body(openapi_examples=shown.example(shown.VERIFY))],
    context: Write,
    running: Running,
) -> Response:
    """It was reached that way, and it is the party's."""
    wanted = domain.VerifyContactPoint(request.key, request.method, request.by, context.now)
    return respond(await service.verify_contact_point(running, party_ref, wanted, context))


@work.post(
    "/{party_ref}:fail-verification",
    summary="Report a failed verification",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Noted", "contact_point_unknown", "contact_point_retired"),
)
async def fail_verification(
    party_ref: RefId,
    request: Annotated[models.FailRequest, Body(openapi_examples=shown.example(shown.FAIL))],
    context: Write,
    running: Running,
) -> Response:
    """Nobody there, or somebody else. The point stays, and its field is in conflict."""
    wanted = domain.FailVerification(request.key, request.method, request.reason, context.now)
    return respond(await service.command(running, party_ref, wanted, context))


@work.post(
    "/{party_ref}:correct-contact-point",
    summary="Correct a contact point",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Corrected", "contact_point_unknown", "contact_point_retired"),
)
async def correct_contact_point(
    party_ref: RefId,
    request: Annotated[models.CorrectRequest, Body(openapi_examples=shown.example(shown.CORRECT))],
    context: Write,
    running: Running,
) -> Response:
    """The value said now is the one that counts; what another service learned under it no longer does."""
    return respond(
        await service.correct_contact_point(running, party_ref, request.key, request.said(), request.source, context)
    )


@work.post(
    "/{party_ref}:retire-contact-point",
    summary="Retire a contact point",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Retired", "contact_point_unknown"),
)
async def retire_contact_point(
    party_ref: RefId,
    request: Annotated[models.RetireRequest, Body(openapi_examples=shown.example(shown.RETIRE))],
    context: Write,
    running: Running,
) -> Response:
    """Out of use; its value is removed, and its number is never given again."""
    wanted = domain.RetireContactPoint(request.key, request.reason, context.now)
    return respond(await service.retire_contact_point(running, party_ref, wanted, context))


@work.post(
    "/{party_ref}:record-profile",
    summary="Record profile fields",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Recorded"),
)
async def record_profile(
    party_ref: RefId,
    request: Annotated[models.ProfileRequest, Body(openapi_examples=shown.example(shown.PROFILE))],
    context: Write,
    running: Running,
) -> Response:
    """Each with the purpose it is for. That the party would not say is worth recording too."""
    fields = tuple(domain.ProfileField(each.name, each.purpose, each.refused) for each in request.fields)
    wanted = domain.RecordProfile(fields, request.source, context.now)
    return respond(await service.record_profile(running, party_ref, wanted, request.values(), context))


@work.post(
    "/{party_ref}:declare-owner-kind",
    summary="Declare the owner kind",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Declared"),
)
async def declare_owner_kind(
    party_ref: RefId,
    request: Annotated[models.OwnerKindRequest, Body(openapi_examples=shown.example(shown.OWNER_KIND))],
    context: Write,
    running: Running,
) -> Response:
    """Private, government or institution, enterprise; and how it is known."""
    wanted = domain.DeclareOwnerKind(request.owner_kind, request.basis, context.now)
    return respond(await service.command(running, party_ref, wanted, context))


@work.post(
    "/{party_ref}:declare-relationship",
    summary="Declare a relationship",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Declared", "relationship_with_itself"),
)
async def declare_relationship(
    party_ref: RefId,
    request: Annotated[models.RelateRequest, Body(openapi_examples=shown.example(shown.RELATE))],
    context: Write,
    running: Running,
) -> Response:
    """To another reference that you hold. The members of a household stay customers of their own."""
    wanted = domain.DeclareRelationship(request.kind, request.other, request.role, context.now)
    return respond(await service.relate(running, party_ref, wanted, context))


@work.post(
    "/{party_ref}:end-relationship",
    summary="End a relationship",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Ended", "relationship_with_itself", "relationship_unknown"),
)
async def end_relationship(
    party_ref: RefId,
    request: Annotated[models.EndRequest, Body(openapi_examples=shown.example(shown.END))],
    context: Write,
    running: Running,
) -> Response:
    """It stays in the history."""
    wanted = domain.EndRelationship(request.kind, request.other, request.reason, context.now)
    return respond(await service.relate(running, party_ref, wanted, context))
