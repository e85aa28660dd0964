"""Consents: what a party agreed to, per purpose, channel and brand; and the restriction of processing."""

from typing import Annotated, Any

from fastapi import Body
from starlette.requests import Request
from starlette.responses import Response

from identity.api import models, shown
from identity.api.parts import Reading, RefId, Running, Write, answered
from identity.domain import consent as domain
from identity.service import consents as service
from roadbook.http.answers import etag, read_response, respond
from roadbook.http.routes import router
from roadbook.http.types import rfc3339

routes = router("/v1/party-refs/{party_ref}/consents", tags=["consents"])


@routes.get(
    "",
    summary="Read a party's consents",
    response_model=None,
    responses=answered(shown.ConsentsShown, "The last word per purpose, channel and brand"),
)
async def read_consents(request: Request, party_ref: RefId, caller: Reading, running: Running) -> Response:
    """What another service recorded at capture stands here too. Where nothing was said, nothing is granted."""
    state, version = await service.read(running, party_ref, caller.dealer)
    body: dict[str, Any] = {
        "party_ref": party_ref,
        "version": version,
        "consents": [
            {
                "purpose": purpose,
                "channel": channel,
                "brand": brand,
                "granted": word.granted,
                "wording": word.wording,
                "reason": word.reason,
                "source": word.source,
                "proof": word.proof,
                "at": rfc3339(word.at),
            }
            for (purpose, channel, brand), word in sorted(state.words.items(), key=lambda each: str(each[0]))
        ],
        "restricted": (
            None if state.restricted is None else {"reason": state.restricted[0], "since": rfc3339(state.restricted[1])}
        ),
    }
    return read_response(request, body, etag(version))


@routes.post(
    ":grant",
    summary="Record a consent",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Recorded"),
)
async def grant_consent(
    party_ref: RefId,
    request: Annotated[models.GrantRequest, Body(openapi_examples=shown.example(shown.GRANT))],
    context: Write,
    running: Running,
) -> Response:
    """Under a version of the wording. The latest word counts."""
    wanted = domain.GrantConsent(
        party_ref, request.purpose, request.channel, request.brand, request.wording, request.source, None, context.now
    )
    return respond(await service.command(running, wanted, context))


@routes.post(
    ":withdraw",
    summary="Record a refusal or withdrawal",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Recorded"),
)
async def withdraw_consent(
    party_ref: RefId,
    request: Annotated[models.WithdrawRequest, Body(openapi_examples=shown.example(shown.WITHDRAW))],
    context: Write,
    running: Running,
) -> Response:
    """As easy as granting (and also of what was never granted)."""
    wanted = domain.WithdrawConsent(
        party_ref, request.purpose, request.channel, request.brand, request.wording, request.reason, request.source,
        None, context.now,
    )  # fmt: skip
    return respond(await service.command(running, wanted, context))


@routes.post(
    ":restrict",
    summary="Restrict processing",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Restricted"),
)
async def restrict_processing(
    party_ref: RefId,
    request: Annotated[models.ReasonRequest, Body(openapi_examples=shown.example(shown.RESTRICT))],
    context: Write,
    running: Running,
) -> Response:
    """The party's data are kept, and nothing else is done with them until that is lifted."""
    return respond(
        await service.command(running, domain.RestrictProcessing(party_ref, request.reason, context.now), context)
    )


@routes.post(
    ":lift-restriction",
    summary="Lift a restriction",
    response_model=None,
    responses=answered(shown.CommandAnswer, "Lifted", "not_restricted"),
)
async def lift_restriction(
    party_ref: RefId,
    request: Annotated[models.ReasonRequest, Body(openapi_examples=shown.example(shown.LIFT))],
    context: Write,
    running: Running,
) -> Response:
    return respond(
        await service.command(running, domain.LiftRestriction(party_ref, request.reason, context.now), context)
    )
