"""The demo's work over HTTP, as any client would do it: ADF samples, 200 purchase intents, one lifetime record."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

import stamina

from roadbook_cli import intents, pilot, project, story
from roadbook_cli.intents import Grade, Intent
from roadbook_cli.issuer import Issuer
from roadbook_cli.project import StackError, read_json, write_json
from roadbook_cli.stack import Stack
from roadbook_client import Problem, Roadbook, Unreachable
from roadbook_client.lead.models import QualifyRequest
from roadbook_client.projection.models import RecordShown, TimelineEntry

ADF_DEALER = "dealer-sh-01"
_SCOPES = (
    *("lead:read", "lead:write", "lead:intake"),
    *("identity:read", "identity:write", "sales:read", "sales:write"),
    "record:read",
)
_HEADQUARTERS = (*_SCOPES, "identity:steward", "network:all")
_CONCURRENT = 16
_PATIENCE_SECONDS = 60
PILOT = 36


@dataclass
class Loaded:
    """What a load left: the leads of the ADF samples (lead id, party reference, position), and how many in all."""

    adf: list[dict[str, str]] = field(default_factory=list)
    leads: int = 0
    seconds: float = 0.0
    before: bool = False


@dataclass(frozen=True)
class Client:
    """Everybody who works in the demo: a typed client for each dealer, and one for headquarters (None).

    `lead`, `projection`: where the services are.
    """

    roadbook: Roadbook
    issuer: Issuer
    lead: str
    projection: str
    callers: dict[str | None, Roadbook] = field(default_factory=dict)

    def of(self, dealer: str | None) -> Roadbook:
        if dealer not in self.callers:
            self.callers[dealer] = self.roadbook.acting_for(lambda: self.token(dealer))
        return self.callers[dealer]

    def token(self, dealer: str | None) -> str:
        scopes = _HEADQUARTERS if dealer is None else _SCOPES
        return self.issuer.sign(subject="demo", scopes=scopes, dealer=dealer)


@asynccontextmanager
async def client(stack: Stack) -> AsyncIterator[Client]:
    services = stack.endpoints["services"]
    stamina.instrumentation.set_on_retry_hooks(())  # a repeat is no news for whoever looks at the demo
    urls = {name: services[name]["url"] for name in ("lead", "identity", "sales", "projection")}
    nobody = "none"  # every call is made for somebody
    async with Roadbook(
        **urls, token=nobody, patience=_PATIENCE_SECONDS, timeout=30, connections=_CONCURRENT
    ) as roadbook:
        yield Client(roadbook, stack.issuer, urls["lead"], urls["projection"])


@contextmanager
def explained() -> Iterator[None]:
    """What a service refused, or that none answers, as the one line the command ends with."""
    try:
        yield
    except Unreachable as error:
        raise StackError(f"{error}; see `roadbook logs`") from error
    except Problem as problem:
        raise StackError(str(problem)) from problem


@contextmanager
def unless_closed() -> Iterator[None]:
    """A lead that is closed already is fine: an interrupted load had come further with it."""
    try:
        yield
    except Problem as problem:
        if problem.code != "lead_closed":
            raise


def samples() -> list[tuple[str, bytes]]:
    """The ADF samples, by name."""
    folder = files("roadbook_cli") / "samples" / "adf"
    return sorted((entry.name, entry.read_bytes()) for entry in folder.iterdir() if entry.name.endswith(".xml"))


def marker(stack: Stack, seed: int) -> Path:
    """Written when a load is complete. Idempotency keys make a repeat harmless while they are kept; this, for ever."""
    return stack.home / f"demo-{seed}.json"


async def told(to: Client, stack: Stack, seed: int) -> story.Story:
    """The story of one customer; a later run of the same seed shows it and changes nothing."""
    done = stack.home / f"demo-story-{seed}.json"
    try:
        heard = await story.tell(to, seed, before=done.exists())
    except TimeoutError:
        raise StackError("the demo's customer is not all there after a minute; see `roadbook lag` and `logs`") from None
    write_json(done, {"party_refs": list(heard.refs)})
    return heard


def pilot_size(count: int) -> int:
    """Leads that headquarters gives to the dealers, beside `count` that they capture themselves."""
    return min(PILOT, count)


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
    with explained():
        for name, document in samples():
            loaded.adf += await _take_adf(to.of(ADF_DEALER), name, document)
            advance()
    gate = asyncio.Semaphore(_CONCURRENT)

    async def one(intent: Intent) -> None:
        async with gate:
            with explained():
                await _take_intent(to.of(intent.dealer), intent, f"demo-{seed}-{intent.number}")
        advance()

    network = project.root() / "deploy" / "seed" / "network.v1.json"
    try:
        async with asyncio.TaskGroup() as group:
            for intent in intents.generate(seed, count, network):
                group.create_task(one(intent))
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None  # the first says it; the others were cancelled or say the same
    with explained():
        await pilot.run(to, seed, pilot_size(count), advance)
    loaded.leads = len(loaded.adf) + count + pilot_size(count)
    loaded.seconds = time.monotonic() - started
    write_json(marker(stack, seed), {"database": database, "adf": loaded.adf, "leads": loaded.leads})
    return loaded


async def _take_adf(to: Roadbook, name: str, document: bytes) -> list[dict[str, str]]:
    """Post one document; the dealer works each lead a little. Returns lead, party reference and position of each."""
    answer = await to.lead.take_adf(document, key=f"demo-adf-{name}")
    taken = []
    for result in answer["results"]:
        lead = result.get("lead")
        if lead is None:
            raise StackError(f"{name}: not taken ({', '.join(result.get('reasons') or [])})")
        position = await _work_adf(to, lead)
        shown = await to.lead.read_lead(lead)
        taken.append({"lead": lead, "party_ref": shown["party_ref"], "position": position})
    return taken


async def _work_adf(to: Roadbook, lead: str) -> str:
    """The position to read at."""
    await _qualify(to, lead, "hot", ["asked_for_call", "budget_known"], "Called back the same day.")
    learned = await to.lead.enrich_lead(lead, {"interest_text": "Would like a test drive on Saturday."})
    return learned["position"]


async def _qualify(to: Roadbook, lead: str, grade: Grade, reasons: list[str], note: str | None = None) -> None:
    """As asked, but no more than warm while nobody can be called: hot needs a contact point that works."""
    body: QualifyRequest = {"grade": grade, "reasons": reasons, "note": note}
    try:
        await to.lead.qualify_lead(lead, body)
    except Problem as problem:
        if problem.code != "profile_incomplete":
            raise
        await to.lead.qualify_lead(lead, {**body, "grade": "warm"})


async def _take_intent(to: Roadbook, intent: Intent, key: str) -> None:
    taken = await to.lead.capture_lead(intent.body, key=key)
    with unless_closed():
        if intent.grade:
            await _qualify(to, taken["lead"], intent.grade, list(intent.reasons))
        if intent.lost:
            await to.lead.lose_lead(taken["lead"], {"reason": intent.lost})


async def record(to: Client, taken: dict[str, str]) -> tuple[RecordShown, list[TimelineEntry]]:
    """The lifetime record and the timeline of one imported lead's customer, waiting until it is all there."""
    read = to.of(ADF_DEALER).projection
    with explained():
        found = await read.read_customer(taken["party_ref"], min=taken["position"])
        return found, [entry async for entry in read.read_timeline(taken["party_ref"])]
