"""A small application without a domain, on which the edge is tested."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import httpx2
import pytest
from fastapi import Body, Depends, FastAPI
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from roadbook.answers import Answer
from roadbook.context import CommandContext
from roadbook.decider import Rejected
from roadbook.http import answers
from roadbook.http.app import create_app
from roadbook.http.auth import Caller, requires
from roadbook.http.context import command
from roadbook.http.problems import ProblemType
from roadbook.http.routes import router
from roadbook.http.types import Code, Date, Instant, Money, StrictModel, Text, Uuid
from roadbook.settings import Settings
from roadbook.testing.http import Signer

THING = "0199a3c4-7d2e-7b51-9c3d-2f1e5a6b7c8d"
GOOD: dict[str, Any] = {"at": "2026-01-01T08:00:00+08:00", "person": {"name": "Li"}}


class Person(StrictModel):
    name: Annotated[str, Text(50)]
    born: Date | None = None


class Thing(StrictModel):
    at: Instant
    person: Person
    price: Money | None = None
    tags: Annotated[list[Code], Field(max_length=3, default_factory=list)]
    counts: Annotated[dict[str, Annotated[int, Field(ge=0, le=9)]], Field(default_factory=dict)]
    ratio: Annotated[float, Field(ge=0, le=1)] = 0.5


class Sample:
    """The application, and what its handlers were given."""

    def __init__(self, settings: Settings, signer: Signer) -> None:
        self.settings = settings
        self.signer = signer
        self.contexts: list[CommandContext] = []
        self.raises: Exception | None = None
        self.hold: asyncio.Event | None = None
        self.finished = 0
        self.app: FastAPI = create_app(
            settings=settings,
            name="sample",
            title="Sample",
            routers=[self._router()],
            problems=[ProblemType("thing_closed", 409, "Thing closed", "It is closed.", "Open it.", False)],
            tags=[{"name": "things", "description": "Things."}],
        )

    def client(self) -> httpx2.AsyncClient:
        transport = httpx2.ASGITransport(app=self.app)
        return httpx2.AsyncClient(transport=transport, base_url="http://sample.test")

    def _router(self) -> Any:
        things = router("/v1", ["things"])

        async def meet(ctx: CommandContext) -> None:
            self.contexts.append(ctx)
            if self.raises is not None:
                raise self.raises
            if self.hold is not None:
                await self.hold.wait()
            self.finished += 1

        @things.post("/things", status_code=201)
        async def make_thing(
            body: Thing, ctx: Annotated[CommandContext, command("thing:write", key="required")]
        ) -> Response:
            await meet(ctx)
            return answers.respond(Answer(201, {"id": THING}, 1, f"/v1/things/{THING}"))

        @things.post("/things/{thing}/close")
        async def close_thing(thing: Uuid, ctx: Annotated[CommandContext, command("thing:write")]) -> Response:
            await meet(ctx)
            raise Rejected("thing_closed")

        @things.post("/things/{thing}:reopen")
        async def reopen_thing(thing: Uuid, ctx: Annotated[CommandContext, command("thing:write")]) -> Response:
            await meet(ctx)
            return answers.respond(Answer(200, {"id": thing}, 2))

        @things.post("/imports", max_body_size=1024 * 1024)
        async def import_things(
            body: Annotated[bytes, Body(media_type="application/xml")],
            ctx: Annotated[CommandContext, command("thing:write", key="required")],
        ) -> Response:
            await meet(ctx)
            return answers.respond(Answer(202, {"bytes": len(body)}))

        @things.get("/things")
        async def list_things(
            request: Request,
            caller: Annotated[Caller, requires("thing:read")],
            page: Annotated[answers.Page, Depends(answers.page)],
        ) -> Response:
            secret, bound = "s" * 32, {"dealer": caller.dealer}
            start = 0 if page.cursor is None else answers.open_cursor(secret, page.cursor, bound)[0]
            items = list(range(start, min(start + page.size, 250)))
            more = start + page.size < 250
            cursor = answers.sign_cursor(secret, [start + page.size], bound) if more else None
            return answers.page_response(request, items, cursor)

        @things.get("/things/{thing}")
        async def read_thing(
            thing: Uuid, request: Request, caller: Annotated[Caller, requires("thing:read")]
        ) -> Response:
            if self.raises is not None:
                raise self.raises
            return answers.read_response(request, {"id": thing}, answers.etag(7))

        return things


@pytest.fixture(scope="session")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return Signer(tmp_path_factory.mktemp("signer"))


@pytest.fixture
def sample(signer: Signer) -> Sample:
    return Sample(Settings.for_service("sample", signer.environment()), signer)


@pytest.fixture
async def client(sample: Sample) -> AsyncIterator[httpx2.AsyncClient]:
    async with sample.client() as made:
        yield made


@pytest.fixture
def spans_file(tmp_path: Path) -> Path:
    return tmp_path / "spans.jsonl"
