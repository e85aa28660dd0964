"""The conditions of a command, from headers: who, when, which key, which version."""

import hashlib
import re
import uuid
from typing import Annotated, Any, Literal

import http_sf
import orjson
import uuid_utils
from fastapi import Depends, Header, Security
from fastapi.security import SecurityScopes
from starlette.requests import Request
from starlette.types import Scope

from roadbook import telemetry
from roadbook.clock import Clock
from roadbook.context import CommandContext, Idempotency
from roadbook.errors import IdempotencyKeyMissing, PreconditionFailed
from roadbook.http.auth import BEARER, SCOPE, Caller, identify
from roadbook.http.problems import Problem

KeyMode = Literal["required", "optional"]
_BARE_KEY = re.compile(r"[A-Za-z0-9._~:@/+=-]{1,255}")
_ETAG = re.compile(r'"v(0|[1-9][0-9]{0,9})"')
_ANY_ETAG = re.compile(r'(W/)?"[\x21\x23-\x7e]*"')
# As OpenAPI shows them: a quoted string or a bare word; any one ETag, or `*`.
_KEY_PATTERN = r'^("([ !#-\[\]-~]|\\["\\]){1,255}"|[A-Za-z0-9._~:@/+=-]{1,255})$'
_MATCH_PATTERN = r'^(\*|(W/)?"[!#-~]*")$'
_CORRELATION = re.compile(rb"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def command(*scopes: str, key: KeyMode = "optional") -> Any:
    """`ctx: Annotated[CommandContext, command("lead:write", key="required")]`: authenticates, authorises, and reads
    `Idempotency-Key` (400 if required and missing), `If-Match`, the trace and the clock.
    """
    if not scopes or not all(SCOPE.fullmatch(scope) for scope in scopes):
        raise ValueError("a route needs at least one scope of the form word:word")
    return Security(WITH_KEY if key == "required" else WITHOUT_KEY, scopes=list(scopes))


def _dependency(required: bool) -> Any:
    key_header = Header(
        alias="Idempotency-Key",
        description="A structured-field string, the same for a repeat and for nothing else. An answer is kept 30 days.",
        examples=['"8e03978e-40d5-43dd-bc93-6894a57f9324"'],
        json_schema_extra={"x-required": required, "pattern": _KEY_PATTERN},
    )
    match_header = Header(
        alias="If-Match",
        description='The ETag the command expects (`"v7"`), or `*`. A stale one is refused with 412.',
        examples=['"v7"'],
        json_schema_extra={"x-required": False, "pattern": _MATCH_PATTERN},
    )

    async def command_context(
        request: Request,
        needed: SecurityScopes,
        _: Annotated[None, Depends(BEARER)] = None,
        idempotency_key: Annotated[str | None, key_header] = None,
        if_match: Annotated[str | None, match_header] = None,
    ) -> CommandContext:
        caller = await identify(request, needed.scopes)
        return await _build(request, caller, required)

    return command_context


WITH_KEY = _dependency(required=True)
WITHOUT_KEY = _dependency(required=False)


async def _build(request: Request, caller: Caller, key_required: bool) -> CommandContext:
    key = idempotency_key(request)
    if key is None and key_required:
        raise IdempotencyKeyMissing
    idempotency = None
    if key is not None:
        path = request.scope["path"]
        scoped = orjson.dumps([caller.client, caller.dealer, request.method, path, key])
        fingerprint = hashlib.sha256(await request.body()).digest()
        idempotency = Idempotency(key=hashlib.sha256(scoped).digest(), fingerprint=fingerprint)
    clock: Clock = request.app.state.clock
    return CommandContext(
        actor=caller.sub,
        client=caller.client,
        dealer=caller.dealer,
        now=clock.now(),
        correlation=correlation_of(request.scope),
        causation=None,
        traceparent=telemetry.current_traceparent(),
        idempotency=idempotency,
        if_match=if_match(request),
    )


def idempotency_key(request: Request) -> str | None:
    """The client's key. Quoted as the draft wants it, or bare as many clients send it; anything else is a 400."""
    given = request.headers.getlist("idempotency-key")
    if not given:
        return None
    raw = given[0].strip()
    if len(given) > 1:
        raise Problem("idempotency_key_invalid", "the header is there more than once")
    if not raw.startswith('"'):
        if not _BARE_KEY.fullmatch(raw):
            raise Problem("idempotency_key_invalid")
        return raw
    try:
        parsed = http_sf.parse(raw.encode("latin-1"), tltype="item")
    except (ValueError, UnicodeError):
        raise Problem("idempotency_key_invalid") from None
    value = parsed[0] if isinstance(parsed, tuple) else parsed
    if not isinstance(value, str) or not 1 <= len(value) <= 255:
        raise Problem("idempotency_key_invalid")
    return value


def if_match(request: Request) -> int | None:
    """The version the caller expects; None for no header and for `*` (a command on nothing is a 404 anyway).

    A well-formed ETag that is not ours, or a weak one, matches no version: 412. What is no ETag at all: 400. So is an
    empty header: who sends one lost the ETag on the way, and must not write as if nothing had been expected.
    """
    headers = request.headers.getlist("if-match")
    given = ",".join(headers).strip()
    if not headers or given == "*":
        return None
    ours = _ETAG.fullmatch(given)
    if ours is not None and int(ours[1]) < 2**31:
        return int(ours[1])
    if _ANY_ETAG.fullmatch(given):
        raise PreconditionFailed
    raise Problem("malformed_request", 'If-Match takes one ETag as this service gives it, for example "v7"')


def correlation_of(scope: Scope) -> str:
    """The UUID that binds what one request sets off: the caller's `X-Correlation-Id` if it is one, else a UUIDv7."""
    state = scope.setdefault("state", {})
    known = state.get("correlation")
    if known is None:
        given = [value for name, value in scope["headers"] if name == b"x-correlation-id"]
        valid = len(given) == 1 and _CORRELATION.fullmatch(given[0])
        known = str(uuid.UUID(given[0].decode())) if valid else str(uuid_utils.uuid7())
        state["correlation"] = known
    return str(known)
