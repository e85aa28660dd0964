"""Lists that run by days: their cursors, and the questions every one of them takes."""

from datetime import date
from typing import Annotated, Any

from fastapi import Query
from starlette.requests import Request

from lead.api.market_models import Day
from lead.api.parts import secret
from roadbook.http.answers import Page, open_cursor, sign_cursor
from roadbook.http.pointers import FieldError
from roadbook.http.problems import Problem

From = Annotated[Day | None, Query(alias="from", description="First day.")]
To = Annotated[Day | None, Query(alias="to", description="Last day; it belongs to the list.")]

DayKey = tuple[date, str]
"""Where a page ends: the day, and what tells entries of a day apart."""


def after(request: Request, page: Page, bound: dict[str, Any]) -> DayKey | None:
    if page.cursor is None:
        return None
    day, name = open_cursor(secret(request), page.cursor, bound)
    return date.fromisoformat(day), name


def next_cursor(request: Request, page: Page, bound: dict[str, Any], keys: list[DayKey]) -> str | None:
    """From one key more than the page shows: if it is there, there is a next page after the last shown."""
    if len(keys) <= page.size:
        return None
    day, name = keys[page.size - 1]
    return sign_cursor(secret(request), [day.isoformat(), name], bound)


def wrong_parameter(parameter: str, code: str, detail: str) -> Problem:
    return Problem("invalid_request", errors=[FieldError(None, code, detail, parameter)])


def iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
