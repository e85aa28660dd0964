"""Lists, page by page, while the service goes on working."""

import asyncio
from datetime import datetime

import pytest

from roadbook_client import Roadbook

from .conftest import Line, intent

BEFORE = 250


async def test_everything_that_was_there_comes_once_while_more_comes(roadbook: Roadbook, line: Line) -> None:
    gate = asyncio.Semaphore(8)

    async def capture(n: int) -> str:
        async with gate:
            return (await roadbook.lead.capture_lead(intent(n)))["lead"]

    before = set(await asyncio.gather(*(capture(n) for n in range(BEFORE))))
    later: list[str] = []
    seen: list[str] = []
    async for lead in roadbook.lead.list_leads(limit=50):
        if len(seen) % 25 == 0:
            later.append(await capture(BEFORE + len(seen)))
        seen.append(lead["lead"])
    assert len(later) >= BEFORE // 25
    assert len(seen) == len(set(seen))
    assert before <= set(seen) <= before | set(later)


async def test_one_page_and_on_from_where_it_ended(roadbook: Roadbook, line: Line) -> None:
    leads = [(await roadbook.lead.capture_lead(intent(n)))["lead"] for n in range(5)]
    listing = roadbook.lead.list_leads(limit=2, source="web")
    asked = len(line.requests)
    page = await listing
    assert page["has_more"]
    assert len(page["items"]) == 2
    rest = roadbook.lead.list_leads(limit=2, source="web", cursor=page["next_cursor"])
    pages = [each async for each in rest.pages()]
    assert [len(each["items"]) for each in pages] == [2, 1]
    assert {item["lead"] for each in [page, *pages] for item in each["items"]} == set(leads)
    assert len(line.requests) == asked + 3
    assert {request.url.params["source"] for request in line.requests[asked:]} == {"web"}
    assert len([lead async for lead in listing]) == 5, "a listing can be used again"


async def test_conditions_are_sent_as_the_service_reads_them(roadbook: Roadbook, line: Line) -> None:
    await roadbook.lead.list_leads(overdue=False, state="open")
    assert dict(line.requests[-1].url.params) == {"overdue": "false", "state": "open"}
    await roadbook.lead.lead_figures(since=datetime.fromisoformat("2026-01-05T08:00:00+08:00"))
    assert line.requests[-1].url.params["since"] == "2026-01-05T08:00:00+08:00"
    with pytest.raises(ValueError, match="offset"):
        await roadbook.lead.lead_figures(since=datetime(2026, 1, 5))  # noqa: DTZ001 - that is the point
