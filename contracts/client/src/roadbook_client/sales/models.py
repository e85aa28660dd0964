"""Roadbook: sales: written by `make contracts` from contracts/openapi/sales.json."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class AssignRequest(TypedDict):
    staff: str


class CommandAnswer(TypedDict):
    """`events` are ids, empty when nothing was new; `position` is for `?min=` of the record."""

    stream: str
    version: int
    events: list[str]
    position: str


class EventShown(TypedDict):
    """`causation` is the id of the event that caused it, if one did."""

    id: str
    type: str
    version: int
    time: str
    recorded: str
    actor: str
    correlation: str
    causation: str | None
    data: dict[str, Any]


class EventsPage(TypedDict):
    next_cursor: str | None
    has_more: bool
    items: list[EventShown]


class LoseRequest(TypedDict):
    """`competitor`: the model that was bought instead."""

    reason: str
    competitor: NotRequired[str | None]


class OpenAnswer(TypedDict):
    stream: str
    version: int
    events: list[str]
    position: str
    opportunity: str
    party_ref: str


class OpenRequest(TypedDict):
    """Without `party_ref` a new one is made. `tender`: the number of a call for tenders, of an institution. `dealer` is
    for headquarters to name."""

    party_ref: NotRequired[str | None]
    source: str
    models: list[str]
    staff: NotRequired[str | None]
    owner_kind: NotRequired[Literal["private", "government_institution", "enterprise"]]
    tender: NotRequired[str | None]
    dealer: NotRequired[str | None]


class OpportunitiesPage(TypedDict):
    next_cursor: str | None
    has_more: bool
    items: list[OpportunityListed]


class OpportunityListed(TypedDict):
    opportunity: str
    party_ref: str
    dealer: str
    lead: str | None
    source: str
    models: list[str]
    staff: str | None
    owner_kind: str
    tender: str | None
    state: str
    reason: str | None
    opened_at: str
    closed_at: str | None
    version: int


class OpportunityShown(TypedDict):
    """`contract` is the one it was won by. `closed_at`: when it was won or lost."""

    opportunity: str
    party_ref: str
    dealer: str
    lead: str | None
    source: str
    models: list[str]
    staff: str | None
    owner_kind: str
    tender: str | None
    state: str
    reason: str | None
    opened_at: str
    closed_at: str | None
    version: int
    stream: str
    rules: str
    contract: str | None
    competitor: str | None


class Problem(TypedDict):
    """A problem (RFC 9457). It never repeats what was sent."""

    type: str
    title: str
    status: int
    code: str
    detail: NotRequired[str]
    instance: NotRequired[str]
    trace_id: NotRequired[str]
    retryable: NotRequired[bool]
    errors: NotRequired[list[dict[str, Any]]]


class ReopenRequest(TypedDict):
    reason: str
