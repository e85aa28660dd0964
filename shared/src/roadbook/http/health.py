"""Whether the process lives, has started, and may be sent requests; and what it counts."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import Response

from roadbook.logs import get_logger

Check = Callable[[], Awaitable[Mapping[str, Any]]]
CHECK_SECONDS: Final = 3.0
_log = get_logger("roadbook.health")


@dataclass(slots=True)
class Health:
    """`started` turns True once; `draining` turns True when the process was told to end."""

    checks: Mapping[str, Check]
    started: bool = False
    draining: bool = False

    async def livez(self, _: Request) -> Response:
        """No dependency is asked: a database that is away is no reason to kill the process."""
        return _json({"status": "ok"}, 200)

    async def startupz(self, _: Request) -> Response:
        return _json({"status": "ok" if self.started else "starting"}, 200 if self.started else 503)

    async def readyz(self, _: Request) -> Response:
        """One entry per check. 503 while draining, before the start, or if any check fails or takes over 3 s."""
        names = list(self.checks)
        outcomes = await asyncio.gather(*(self._ask(name) for name in names))
        checks = dict(zip(names, outcomes, strict=True))
        ready = self.started and not self.draining and all(each["ok"] for each in outcomes)
        status = "draining" if self.draining else "ok" if ready else "unavailable"
        return _json({"status": status, "checks": checks}, 200 if ready else 503)

    async def _ask(self, name: str) -> dict[str, Any]:
        """A failed check tells the type of its error only: messages of drivers hold hosts, users and values."""
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                found = await self.checks[name]()
        except Exception as error:
            _log.warning("check_failed", name=name, error_type=type(error).__qualname__)
            return {"ok": False, "error": type(error).__qualname__}
        return {"ok": True, **found}


async def metrics(request: Request) -> Response:
    """Prometheus text, or OpenMetrics if asked for."""
    # Never the client's own header: prometheus-client fails on a version it cannot parse.
    wants_open = "application/openmetrics-text" in request.headers.get("accept", "")
    encode, media_type = choose_encoder("application/openmetrics-text; version=1.0.0" if wants_open else "")
    return Response(encode(REGISTRY), media_type=media_type)


def _json(body: Mapping[str, Any], status: int) -> Response:
    return Response(orjson.dumps(body), status, {"Cache-Control": "no-store"}, "application/json")
