"""The embedded issuer: an ES256 key of this stack, its JWKS, and tokens signed with it. Never in production."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from roadbook_cli.project import StackError, write_json, write_private

ISSUER = "urn:roadbook:embedded-issuer"
AUDIENCE = "roadbook"
SCOPES = (
    "lead:read",
    "lead:write",
    "lead:intake",
    "sales:read",
    "sales:write",
    "identity:read",
    "identity:write",
    "identity:steward",
    "record:read",
    "network:all",
    "ops:read",
)


@dataclass(frozen=True)
class Issuer:
    """Key and key set under `folder`; created on first use."""

    folder: Path

    @property
    def jwks(self) -> Path:
        return self.folder / "jwks.json"

    def ensure(self) -> Path:
        """Create the key once; returns the path of the public key set."""
        from joserfc.jwk import ECKey  # 0.3 s to load, and most commands sign nothing

        private = self.folder / "key.json"
        if not (private.is_file() and self.jwks.is_file()):
            key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, private=True)
            key.ensure_kid()
            write_private(private, json.dumps(key.as_dict(private=True)))
            write_json(self.jwks, {"keys": [key.as_dict(private=False)]})
        return self.jwks

    def sign(self, *, subject: str, scopes: Sequence[str], dealer: str | None = None, seconds: int = 8 * 3600) -> str:
        """A `typ: at+jwt` access token valid for `seconds`.

        `dealer` None means no dealer claim (headquarters, who also need the scope `network:all`).
        Raises StackError in production, where tokens come from the real issuer.
        """
        if os.environ.get("ROADBOOK_ENVIRONMENT") == "production":
            raise StackError("ROADBOOK_ENVIRONMENT=production: tokens come from your own issuer, none is signed here")
        from joserfc import jwt
        from joserfc.jwk import ECKey

        self.ensure()
        key = ECKey.import_key(json.loads((self.folder / "key.json").read_text(encoding="utf-8")))
        now = int(time.time())
        claims: dict[str, str | int] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + seconds,
            "sub": subject,
            "scope": " ".join(scopes),
        }
        if dealer is not None:
            claims["dealer"] = dealer
        header = {"alg": "ES256", "typ": "at+jwt", "kid": str(key.kid)}
        return jwt.encode(header, claims, key, algorithms=["ES256"])
