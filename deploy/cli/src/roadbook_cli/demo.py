"""The demo's work over HTTP, as any client would do it: ADF samples, 200 purchase intents, one lifetime record."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx2

from roadbook_cli import intents, project
from roadbook_cli.intents import Intent
from roadbook_cli.issuer import Issuer
from roadbook_cli.project import StackError, read_json, write_json
from roadbook_cli.stack import Stack

ADF_DEALER = "dealer-sh-01"
_DEALER_SCOPES = ("lead:read", "lead:write", "lead:intake", "record:read")
_CONCURRENT = 16
_PATIENCE_SECONDS = 60
_AGAIN = (429, 502, 503, 504)


@dataclass
class Loaded:
    """What a load left: the leads of the ADF samples (lead id, party reference, position), and how many in all."""

    adf: list[dict[str, str]] = field(default_factory=list)
    leads: int = 0
    seconds: float = 0.0
    before: bool = False


@dataclass(frozen=True)
class Client:
    """HTTP to the services, with tokens by dealer. Retries what says that it may be retried."""

    http: httpx2.AsyncClient
    issuer: Issuer
    lead: str
    projection: str
    tokens: dict[str, str]

    def token(self, dealer: str) -> str:
        if dealer not in self.tokens:
            self.tokens[dealer] = self.issuer.sign(subject="demo", scopes=_DEALER_SCOPES, dealer=dealer)
        return self.tokens[dealer]

    async def call(self, method: str, url: str, dealer: str, **request: Any) -> Any:
        """The JSON of the answer; StackError with the problem's words when it is none of 2xx.

        A lead that is closed already is fine: an interrupted load had come further with it.
        """
        headers = {"Authorization": f"Bearer {self.token(dealer)}", **request.pop("headers", {})}
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                answer = await self.http.request(method, url, headers=headers, **request)
            except httpx2.TransportError as error:
                raise StackError(f"{url} does not answer ({type(error).__name__}); see `roadbook logs`") from error
            if answer.status_code not in _AGAIN or time.monotonic() > deadline:
                break
            await asyncio.sleep(min(1.0, float(answer.headers.get("Retry-After", "1"))))
        if not answer.is_success:
            problem = answer.json() if "json" in answer.headers.get("content-type", "") else {}
            if str(problem.get("type", "")).endswith("/problems/lead_closed"):
                return {}
            words = problem.get("detail") or problem.get("title") or answer.reason_phrase
            raise StackError(f"{method} {url}: {answer.status_code} {words}")
        return answer.json()


@asynccontextmanager
async def client(stack: Stack) -> AsyncIterator[Client]:
    services = stack.endpoints["services"]
    limits = httpx2.Limits(max_connections=_CONCURRENT, max_keepalive_connections=_CONCURRENT)
    # trust_env: a proxy of the machine has no business between us and our own loopback services
    async with httpx2.AsyncClient(timeout=30, limits=limits, trust_env=False) as http:
        yield Client(http, stack.issuer, services["lead"]["url"], services["projection"]["url"], {})


def samples() -> list[tuple[str, bytes]]:
    """The ADF samples, by name."""
    folder = files("roadbook_cli") / "samples" / "adf"
    return sorted((entry.name, entry.read_bytes()) for entry in folder.iterdir() if entry.name.endswith(".xml"))


def marker(stack: Stack, seed: int) -> Path:
    """Written when a load is complete. Idempotency keys make a repeat harmless while they are kept; this, for ever."""
    return stack.home / f"demo-{seed}.json"


async def load(to: Client, stack: Stack, seed: int, count: int, advance: Callable[[], None]) -> Loaded:
    """Load everything once; `advance` is called after every document and intent."""
    # Same home, other database (given by environment): load that one, too.
    url = stack.endpoints["services"]["lead"]["database_url"]
    database = "embedded" if stack.endpoints["postgres"] else url.rpartition("@")[2].partition("?")[0]
    done = read_json(marker(stack, seed))
    if done and done["database"] == database:
        return Loaded(done["adf"], done["leads"], before=True)
    started = time.monotonic()
    loaded = Loaded()
    for name, document in samples():
        loaded.adf += await _take_adf(to, name, document)
        advance()
    gate = asyncio.Semaphore(_CONCURRENT)

    async def one(intent: Intent) -> None:
        async with gate:
            await _take_intent(to, intent, seed)
        advance()

    network = project.root() / "deploy" / "seed" / "network.v1.json"
    try:
        async with asyncio.TaskGroup() as group:
            for intent in intents.generate(seed, count, network):
                group.create_task(one(intent))
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None  # the first says it; the others were cancelled or say the same
    loaded.leads = len(loaded.adf) + count
    loaded.seconds = time.monotonic() - started
    write_json(marker(stack, seed), {"database": database, "adf": loaded.adf, "leads": loaded.leads})
    return loaded


async def _take_adf(to: Client, name: str, document: bytes) -> list[dict[str, str]]:
    """Post one document; the dealer works each lead a little. Returns lead, party reference and position of each."""
    headers = {"Content-Type": "application/xml", "Idempotency-Key": f'"demo-adf-{name}"'}
    answer = await to.call("POST", f"{to.lead}/v1/adf", ADF_DEALER, content=document, headers=headers)
    taken = []
    for result in answer["results"]:
        if "lead" not in result:
            raise StackError(f"{name}: not taken ({', '.join(result.get('reasons') or [])})")
        lead = f"{to.lead}/v1/leads/{result['lead']}"
        graded = {"grade": "hot", "reasons": ["asked_for_call", "budget_known"], "note": "Called back the same day."}
        await to.call("POST", f"{lead}:qualify", ADF_DEALER, json=graded)
        more = {"interest_text": "Would like a test drive on Saturday."}
        learned = await to.call("POST", f"{lead}:enrich", ADF_DEALER, json=more)
        shown = await to.call("GET", lead, ADF_DEALER)
        taken.append({"lead": result["lead"], "party_ref": shown["party_ref"], "position": learned["position"]})
    return taken


async def _take_intent(to: Client, intent: Intent, seed: int) -> None:
    headers = {"Idempotency-Key": f'"demo-{seed}-{intent.number}"'}
    taken = await to.call("POST", f"{to.lead}/v1/leads", intent.dealer, json=intent.body, headers=headers)
    lead = f"{to.lead}/v1/leads/{taken['lead']}"
    if intent.grade:
        body = {"grade": intent.grade, "reasons": list(intent.reasons)}
        await to.call("POST", f"{lead}:qualify", intent.dealer, json=body)
    if intent.lost:
        await to.call("POST", f"{lead}:lose", intent.dealer, json={"reason": intent.lost})


async def record(to: Client, taken: dict[str, str]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The lifetime record and the timeline of one imported lead's customer, waiting until it is all there."""
    url = f"{to.projection}/v1/customers/{taken['party_ref']}"
    found = await to.call("GET", url, ADF_DEALER, params={"min": taken["position"]})
    timeline = await to.call("GET", f"{url}/timeline", ADF_DEALER)
    return found, timeline["items"]
