"""Why the record says what it says."""

from typing import Annotated, Any

from pydantic import Field

from projection.api.shown.base import Shown, Stream
from roadbook.http.types import Instant


class EventShown(Shown):
    """One of the events without which it would not be so."""

    event_id: str
    type: Annotated[str, Field(examples=["roadbook.sales.order_placed.v1"])]
    stream: Stream
    version: Annotated[int, Field(examples=[1])]
    occurred_at: Instant
    recorded_at: Instant
    summary: str


class RuleShown(Shown):
    """What it was judged by: a part of the record, in this version of the rules."""

    name: Annotated[str, Field(examples=["stage"])]
    version: Annotated[str, Field(examples=["record-4"])]


class PersonalShown(Shown):
    """A personal value is no fact: it says where it comes from."""

    source: str | None
    version: Annotated[int | None, Field(examples=[7])]
    recorded_at: Instant | None
    verified_at: Instant | None


class WhyShown(Shown):
    """`events` are as few as make the value; none for a personal value, which has `personal` instead."""

    path: Annotated[str, Field(examples=["/purchases/0/price"])]
    value: Any
    events: list[EventShown]
    rule: RuleShown
    personal: PersonalShown | None
