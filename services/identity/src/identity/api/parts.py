"""What the routes of this service share."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Path
from starlette.requests import Request

from identity.api.problems import PROBLEMS
from identity.domain.components import Pair
from identity.service import Service
from roadbook.context import CommandContext
from roadbook.http.answers import Page, open_cursor, page, sign_cursor
from roadbook.http.auth import Caller, requires
from roadbook.http.catalogue import answering
from roadbook.http.context import command
from roadbook.http.problems import Problem
from roadbook.http.types import Uuid, rfc3339

_HALF = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


async def running(request: Request) -> Service:
    service: Service = request.app.state.identity
    return service


Running = Annotated[Service, Depends(running)]
RefId = Annotated[Uuid, Path(description="A party reference.")]
LinkId = Annotated[
    str,
    Path(
        pattern=f"^{_HALF}:{_HALF}$",
        description="`<smaller>:<larger>`, two party references in the order of their text.",
        examples=["0199a3c4-7d2e-7b51-9c3d-2f1e5a6b7c8d:0199a3c4-ee05-7154-ac6d-5f4e3d2c1b0a"],
    ),
]
Paged = Annotated[Page, Depends(page)]
Reading = Annotated[Caller, requires("identity:read")]
Write = Annotated[CommandContext, command("identity:write")]
WriteOnce = Annotated[CommandContext, command("identity:write", key="required")]
Steward = Annotated[Caller, requires("identity:steward")]
Decide = Annotated[CommandContext, command("identity:steward")]
DecideOnce = Annotated[CommandContext, command("identity:steward", key="required")]
answered = answering(PROBLEMS)


def steward_only(dealer: str | None) -> None:
    """A dealer's token does not become the steward's by a scope. Asked first, so that a dealer learns nothing else."""
    if dealer is not None:
        raise Problem("steward_only")


def pair(link_id: str) -> Pair:
    smaller, _, larger = link_id.partition(":")
    return smaller, larger


# ── Cursors ───────────────────────────────────────────────────────────────────────────────────────────────────
def secret(request: Request) -> str:
    value: str = request.app.state.settings.cursor_secret.get_secret_value()
    return value


def after(request: Request, page: Page, bound: dict[str, Any]) -> list[Any] | None:
    return None if page.cursor is None else open_cursor(secret(request), page.cursor, bound)


def next_cursor(request: Request, page: Page, bound: dict[str, Any], keys: list[list[Any]]) -> str | None:
    """From one key more than the page shows: if it is there, there is a next page after the last shown."""
    return sign_cursor(secret(request), keys[page.size - 1], bound) if len(keys) > page.size else None


def moment(value: datetime | None) -> str | None:
    return None if value is None else rfc3339(value)
