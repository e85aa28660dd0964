"""The issuer's public keys: read from a file or fetched, kept, and read again when a token names an unknown one."""

import asyncio
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from roadbook.errors import Unavailable

MIN_REFRESH_SECONDS = 30.0
MAX_AGE_SECONDS = 600.0
MAX_BYTES = 64 * 1024
FETCH_TIMEOUT_SECONDS = 2.0


class KeySource:
    """Keys by `kid`. `location` is a path or an http(s) URL; only EC P-256 signing keys count.

    A forged `kid` costs at most one fetch in 30 s. A fetch that fails keeps the keys that were there.
    """

    def __init__(self, location: str) -> None:
        self._location = location
        self._keys: Mapping[str, ECKey] = {}
        self._tried = -MAX_AGE_SECONDS
        self._loaded = -MAX_AGE_SECONDS
        self._lock = asyncio.Lock()

    async def key(self, kid: str) -> ECKey | None:
        """The key, or None if the issuer has none of that name. Raises `Unavailable` while no key was ever read."""
        known = self._keys.get(kid)
        if known is not None and time.monotonic() - self._loaded < MAX_AGE_SECONDS:
            return known
        await self._refresh()
        if not self._keys:
            raise Unavailable(retry_after=5)
        return self._keys.get(kid)

    async def _refresh(self) -> None:
        async with self._lock:
            now = time.monotonic()
            if now - self._tried < MIN_REFRESH_SECONDS and (self._keys or now - self._tried < 1.0):
                return
            self._tried = now
            try:
                self._keys = _read(await self._load())
            except (OSError, ValueError, AttributeError, httpx2.HTTPError):
                return  # AttributeError: anyio asks a socket for its peer that was reset as it was made
            self._loaded = now

    async def _load(self) -> bytes:
        if not self._location.startswith(("http://", "https://")):
            path = Path(self._location.removeprefix("file://"))
            raw = await asyncio.to_thread(path.read_bytes)
            if len(raw) > MAX_BYTES:
                raise ValueError("key set too large")
            return raw
        timeout = httpx2.Timeout(FETCH_TIMEOUT_SECONDS)
        async with (
            httpx2.AsyncClient(timeout=timeout, follow_redirects=False, trust_env=False) as client,
            client.stream("GET", self._location) as response,
        ):
            if response.status_code != 200:
                raise ValueError("key set not served")
            raw = b""
            async for chunk in response.aiter_bytes():
                raw += chunk
                if len(raw) > MAX_BYTES:
                    raise ValueError("key set too large")
            return raw


def _read(raw: bytes) -> Mapping[str, ECKey]:
    document = json.loads(raw)
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise ValueError("not a key set")
    keys: dict[str, ECKey] = {}
    for entry in entries:
        if isinstance(entry, dict) and _usable(entry):
            try:
                public = {name: entry[name] for name in ("kty", "crv", "x", "y")}
                keys[entry["kid"]] = ECKey.import_key(public)
            except (KeyError, ValueError, TypeError, JoseError):
                continue  # one broken key must not hide the others
    return keys


def _usable(entry: Mapping[str, Any]) -> bool:
    return (
        entry.get("kty") == "EC"
        and entry.get("crv") == "P-256"
        and entry.get("use", "sig") == "sig"
        and entry.get("alg", "ES256") == "ES256"
        and isinstance(entry.get("kid"), str)
    )
