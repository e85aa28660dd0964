"""The list of leads as a file for a spreadsheet."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from starlette.responses import Response, StreamingResponse

from lead.api.parts import Running
from lead.api.reading import Reading, Wanted, own
from lead.service import Service, cells, export
from lead.views.lead_lists import LeadFilter, LeadRow
from roadbook.http.routes import router
from roadbook.http.types import rfc3339

routes = router("/v1", tags=["leads"])

_COLUMNS: Final = tuple(field.name for field in fields(LeadRow))
_PEOPLE: Final = ("name", "phone", "email")
_EXAMPLE: Final = ",".join((*_COLUMNS, *_PEOPLE)) + "\r\n"


@routes.get(
    "/leads:export",
    summary="Export leads",
    response_model=None,
    responses={
        200: {
            "description": "CSV with a header, newest first",
            "content": {"text/csv": {"schema": {"type": "string"}, "example": _EXAMPLE}},
        }
    },
)
async def export_leads(caller: Reading, running: Running, asked: Wanted) -> Response:
    """What the list shows under the same conditions, all of it. Name, phone and e-mail of the leads you hold yourself,
    of no others. A cell that a spreadsheet would take for a formula has an apostrophe in front."""
    headers = {
        "Content-Disposition": 'attachment; filename="leads.csv"',
        "Cache-Control": "private, no-store",
        "Vary": "Authorization",
    }
    return StreamingResponse(_lines(running, own(asked, caller), caller.dealer), 200, headers, "text/csv")


async def _lines(running: Service, wanted: LeadFilter | None, dealer: str | None) -> AsyncIterator[bytes]:
    yield cells.row([*_COLUMNS, *_PEOPLE])
    if wanted is None:
        return
    async for page in export.pages(running, wanted, dealer):
        yield b"".join(_line(row, people) for row, people in page)


def _line(row: LeadRow, people: Mapping[str, Any]) -> bytes:
    phone, email = people.get("phone/1", {}), people.get("email/1", {})
    return cells.row(
        [
            *(_text(getattr(row, column)) for column in _COLUMNS),
            people.get("name") or "",
            phone.get("e164") or phone.get("raw") or "",
            email.get("address") or email.get("raw") or "",
        ]
    )


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return rfc3339(value)
    return " ".join(value) if isinstance(value, tuple) else str(value)
