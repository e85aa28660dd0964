"""Helpers for tests of an HTTP application: tokens that can be wrong in every way, and a real server on loopback."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import ECKey

from roadbook.clock import Clock
from roadbook.http.auth import TokenVerifier
from roadbook.http.jwks import KeySource
from roadbook.http.routes import Admission
from roadbook.http.server import bind, make_server
from roadbook.settings import Settings

ISSUER = "https://issuer.test"
AUDIENCE = "roadbook-test"


class Signer:
    """An issuer with one ES256 key, whose public half is in `jwks`."""

    def __init__(self, folder: Path) -> None:
        self.key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, private=True)
        self.key.ensure_kid()
        self.jwks = folder / "jwks.json"
        self.jwks.write_text(json.dumps({"keys": [self.key.as_dict(private=False)]}))

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Good claims of a dealer's member of staff; a change to None removes the claim."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + 300,
            "sub": "staff-1",
            "scope": "thing:read thing:write",
            "dealer": "dealer-1",
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, header: Mapping[str, Any] | None = None, **changes: Any) -> str:
        full = {"alg": "ES256", "typ": "at+jwt", "kid": str(self.key.kid), **(header or {})}
        return jwt.encode(full, self.claims(**changes), self.key, algorithms=["ES256"])

    def bearer(self, **changes: Any) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(**changes)}"}

    def environment(self) -> dict[str, str]:
        return {
            "ROADBOOK_OIDC_ISSUER": ISSUER,
            "ROADBOOK_OIDC_AUDIENCE": AUDIENCE,
            "ROADBOOK_OIDC_JWKS": str(self.jwks),
        }


def renewed(app: FastAPI, clock: Clock) -> FastAPI:
    """An application that was built for another test, which is a second's work, as new: nothing at work in it, no key
    read, this clock. What the service put on `app.state` itself is for the caller to renew."""
    state = app.state
    settings: Settings = state.settings
    state.clock, state.admission = clock, Admission(settings.max_in_flight)
    state.verifier = TokenVerifier(settings.oidc_issuer, settings.oidc_audience, KeySource(settings.oidc_jwks))
    return app


@asynccontextmanager
async def serving(app: Any, settings: Settings, **overrides: Any) -> AsyncIterator[tuple[str, int]]:
    """`app` on a real socket: host and port. `overrides` as in `roadbook.http.server.make_server`."""
    listener = bind(settings.model_copy(update={"port": 0}))
    host, port = listener.getsockname()[:2]
    server = make_server(app, settings, **overrides)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started and not task.done():
            await asyncio.wait({task}, timeout=0.005)
        yield str(host), int(port)
    finally:
        server.should_exit = True
        await task
