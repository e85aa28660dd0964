"""Who calls: bearer access tokens (RFC 9068) of one issuer, one algorithm, one audience.

A route says what it needs with `caller: Annotated[Caller, requires("lead:write")]`; a route that says nothing keeps
the service from starting (`roadbook.http.app`).
"""

import base64
import binascii
import hashlib
import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeGuard

from fastapi import Depends, Security
from fastapi.openapi.models import OpenIdConnect
from fastapi.security import SecurityScopes
from fastapi.security.base import SecurityBase
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from starlette.requests import Request

from roadbook.http.jwks import KeySource
from roadbook.http.problems import Problem

ALGORITHM: Final = "ES256"
LEEWAY_SECONDS: Final = 30
MAX_TOKEN_BYTES: Final = 8 * 1024
MAX_BELIEVED: Final = 1_000
NETWORK: Final = "network:all"
TOKEN_TYPES: Final = frozenset({"at+jwt", "application/at+jwt"})
# Headers that let the sender choose the key or the rules. `kid` only names one of the keys we pinned.
REFUSED_HEADERS: Final = frozenset({"jku", "jwk", "x5u", "x5c", "crit", "b64", "zip", "enc"})
SUBJECT: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")
DEALER: Final = re.compile(r"[a-z0-9-]{2,32}")
SCOPE: Final = re.compile(r"[a-z][a-z0-9_-]*:[a-z][a-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Caller:
    """`sub` is a staff or client id; `dealer` None with `headquarters` True: the caller may see every dealer's."""

    sub: str
    client: str
    dealer: str | None
    headquarters: bool
    scopes: frozenset[str]

    def may_see(self, dealer: str | None) -> bool:
        """Whether a thing held by `dealer` may be shown to this caller; if not, answer as if it did not exist."""
        return self.headquarters or (self.dealer is not None and self.dealer == dealer)


class InvalidToken(Exception):
    """The token is not to be believed. `reason` is for tests and logs; the client is told nothing of it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True)
class _Believed:
    """What a token says, which `key` has signed; `caller` once it has said so in full."""

    kid: str
    key: ECKey
    claims: dict[str, Any]
    caller: Caller | None = None


class TokenVerifier:
    """Turns a bearer token into a `Caller`. Real time decides, never the simulated clock."""

    def __init__(self, issuer: str, audience: str, keys: KeySource) -> None:
        if not issuer or not audience:
            raise ValueError("an issuer and an audience are required")
        self._issuer = issuer
        self._audience = audience
        self._keys = keys
        self._registry = jws.JWSRegistry(algorithms=[ALGORITHM])
        self._believed: dict[bytes, _Believed] = {}

    async def verify(self, token: str) -> Caller:
        """Raises `InvalidToken`, or `Unavailable` while the issuer's keys cannot be read.

        A client sends one token many times, and to take it apart is most of what looking at it costs: what was found
        good under the very key that the issuer still has is not read again. Keys that are fetched anew are other keys,
        times are looked at in each request, and nobody can fill this who has no good tokens.
        """
        if len(token) > MAX_TOKEN_BYTES or token.count(".") != 2 or not token.isascii():
            raise InvalidToken("shape")
        digest = hashlib.sha256(token.encode()).digest()
        known = self._believed.get(digest)
        kid = _checked_header(token) if known is None else known.kid
        key = await self._keys.key(kid)
        if key is None:
            raise InvalidToken("kid")
        if known is None or known.key is not key:
            known = _Believed(kid, key, self._signed(token, key))
            if len(self._believed) >= MAX_BELIEVED:
                self._believed.pop(next(iter(self._believed)))
            self._believed[digest] = known
        self._check(known.claims, time.time())
        if known.caller is None:
            known.caller = _caller(known.claims)
        return known.caller

    def _signed(self, token: str, key: ECKey) -> dict[str, Any]:
        """The claims, which `key` has signed."""
        try:
            signed = jws.deserialize_compact(token, key, registry=self._registry)
            claims = json.loads(signed.payload or b"")
        except (JoseError, ValueError, TypeError, RecursionError):
            raise InvalidToken("signature") from None
        if not isinstance(claims, dict):
            raise InvalidToken("claims")
        return claims

    def _check(self, claims: Mapping[str, Any], now: float) -> None:
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        exp, iat, nbf = claims.get("exp"), claims.get("iat"), claims.get("nbf", 0)
        if claims.get("iss") != self._issuer:
            raise InvalidToken("iss")
        if self._audience not in audiences:
            raise InvalidToken("aud")
        if not (_is_time(exp) and _is_time(iat) and _is_time(nbf)):
            raise InvalidToken("times")
        if exp <= now - LEEWAY_SECONDS:
            raise InvalidToken("exp")
        if max(iat, nbf) > now + LEEWAY_SECONDS:
            raise InvalidToken("not_yet")


def _is_time(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**40


def _checked_header(token: str) -> str:
    """The `kid`, after the header was read strictly and before any cryptography."""
    part = token.split(".", 1)[0]
    try:
        header = json.loads(base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        raise InvalidToken("header") from None
    if not isinstance(header, dict) or REFUSED_HEADERS & header.keys():
        raise InvalidToken("header")
    kid, kind = header.get("kid"), header.get("typ")
    if header.get("alg") != ALGORITHM or not isinstance(kind, str) or kind.lower() not in TOKEN_TYPES:
        raise InvalidToken("header")
    if not isinstance(kid, str) or not 1 <= len(kid) <= 128:
        raise InvalidToken("kid")
    return kid


def _caller(claims: Mapping[str, Any]) -> Caller:
    subject, scope = claims.get("sub"), claims.get("scope", "")
    client = claims.get("client_id", subject)
    if not isinstance(subject, str) or not SUBJECT.fullmatch(subject):
        raise InvalidToken("sub")
    if not isinstance(client, str) or not SUBJECT.fullmatch(client):
        raise InvalidToken("client_id")
    if not isinstance(scope, str):
        raise InvalidToken("scope")
    dealer = claims.get("dealer")
    if dealer is not None and (not isinstance(dealer, str) or not DEALER.fullmatch(dealer)):
        raise InvalidToken("dealer")
    scopes = frozenset(scope.split())
    return Caller(subject, client, dealer, dealer is None and NETWORK in scopes, scopes)


class _BearerScheme(SecurityBase):
    """Only there to be written into OpenAPI; `create_app` fills in the issuer's discovery URL."""

    def __init__(self) -> None:
        self.model = OpenIdConnect(
            openIdConnectUrl="/.well-known/openid-configuration",
            description="Bearer access token (RFC 9068: `typ: at+jwt`, ES256) of the configured issuer.",
        )
        self.scheme_name = "oidc"

    async def __call__(self) -> None:
        return None


BEARER = _BearerScheme()


async def authenticated(request: Request, needed: SecurityScopes, _: Annotated[None, Depends(BEARER)] = None) -> Caller:
    """The caller, with all scopes the route declares; see `requires`."""
    return await identify(request, needed.scopes)


def requires(*scopes: str) -> Any:
    """`caller: Annotated[Caller, requires("lead:read")]`: 401 without a token, 403 without each of the scopes."""
    if not scopes or not all(SCOPE.fullmatch(scope) for scope in scopes):
        raise ValueError("a route needs at least one scope of the form word:word")
    return Security(authenticated, scopes=list(scopes))


async def identify(request: Request, scopes: Sequence[str]) -> Caller:
    """Authenticate once per request, then authorise. Raises `Problem` 401 or 403, or `Unavailable`."""
    state = request.scope.setdefault("state", {})
    caller = state.get("caller")
    if not isinstance(caller, Caller):
        caller = await _authenticate(request)
        state["caller"] = caller
    if not set(scopes) <= caller.scopes or (caller.dealer is None and not caller.headquarters):
        challenge = f'Bearer error="insufficient_scope", scope="{" ".join(sorted(scopes))}"'
        raise Problem("forbidden", headers={"WWW-Authenticate": challenge})
    return caller


async def _authenticate(request: Request) -> Caller:
    given = request.headers.getlist("authorization")
    if not given:
        raise Problem("authentication_required", headers={"WWW-Authenticate": "Bearer"})
    scheme, _, token = given[0].partition(" ")
    verifier: TokenVerifier = request.app.state.verifier
    try:
        if len(given) > 1 or scheme.lower() != "bearer":
            raise InvalidToken("scheme")
        return await verifier.verify(token.strip())
    except InvalidToken:
        raise Problem("invalid_token", headers={"WWW-Authenticate": 'Bearer error="invalid_token"'}) from None
