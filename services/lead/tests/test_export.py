"""The list of leads as CSV: the list's own conditions, all pages, formulas harmless, people of one's own leads only."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest

from lead.service import export


async def table(api: Any, **params: Any) -> list[dict[str, str]]:
    answer = await api.get("/v1/leads:export", **params)
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


async def capture(api: Any, name: str, **changes: Any) -> str:
    body = {"source": "web", "person": {"name": name, "phones": [{"value": "138 1234 5678"}],
                                        "emails": [{"value": "a@example.com"}]}, **changes}  # fmt: skip
    answer = await api.post("/v1/leads", body)
    assert answer.status_code == 201
    return str(answer.json()["lead"])


async def test_what_the_list_shows_is_exported(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "PAGE", 3)
    for n in range(10):
        lead = await capture(api, f"Li {n}", occurred_at=f"2026-01-0{1 + n % 3}T00:00:00Z", source=f"web{n % 2}")
        if n % 3 == 0:
            await api.post(f"/v1/leads/{lead}:qualify", {"grade": "warm", "reasons": ["x"]})
    for params in ({}, {"grade": "warm"}, {"source": "web1"}, {"state": "lost"}):
        listed = (await api.get("/v1/leads", **params)).json()["items"]
        rows = await table(api, **params)
        assert [row["lead_id"] for row in rows] == [lead["lead"] for lead in listed]
        assert [row["captured_at"] for row in rows] == [lead["captured_at"] for lead in listed]
    assert (rows, len(await table(api))) == ([], 10)


async def test_formulas_are_harmless_and_phones_are_text(api: Any) -> None:
    await capture(api, '=HYPERLINK("http://x","y")')
    (row,) = await table(api)
    assert row["name"] == '\'=HYPERLINK("http://x","y")'
    assert row["phone"] == "'+8613812345678"
    assert row["email"] == "a@example.com"
    assert row["overdue"] == "false"
    assert row["grade"] == ""


async def test_people_are_shown_to_the_dealer_of_the_lead_only(api: Any, caller: Callable[..., Any]) -> None:
    await capture(api, "Li")
    other, headquarters = caller("dealer-sh-02"), caller(None, headquarters=True)
    await capture(other, "Wang")
    await capture(headquarters, "Zhang")
    assert [row["name"] for row in await table(api)] == ["Li"]
    assert [row["name"] for row in await table(other)] == ["Wang"]
    assert await table(api, dealer="dealer-sh-02") == []
    everything = {row["dealer"]: (row["name"], row["phone"], row["email"]) for row in await table(headquarters)}
    assert everything == {
        "": ("Zhang", "'+8613812345678", "a@example.com"),
        "dealer-sh-01": ("", "", ""),
        "dealer-sh-02": ("", "", ""),
    }


async def test_its_headers_and_its_scope(api: Any, caller: Callable[..., Any]) -> None:
    answer = await api.get("/v1/leads:export")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="leads.csv"'
    assert "no-store" in answer.headers["cache-control"]
    assert (await caller(scopes=["lead:write"]).get("/v1/leads:export")).status_code == 403
    assert (await api.get("/v1/leads:export", unknown="1")).status_code == 422
