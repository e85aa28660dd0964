"""What the sales service answers, as OpenAPI describes it."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from roadbook.http.examples import by_name
from sales.api.samples import HASH, ID, SAMPLES

OPPORTUNITY = f"opportunity/{ID}"
VIN: str = SAMPLES["vin"]
__all__ = ["HASH", "ID"]


class Shown(BaseModel):
    """A description only: answers are written as they are stored, never through a model. Readers must expect more."""

    model_config = ConfigDict(extra="allow", json_schema_extra=by_name(SAMPLES))


class CommandAnswer(Shown):
    """`events` are ids, empty when nothing was new; `position` is for `?min=` of the record."""

    stream: str
    version: int
    events: list[str]
    position: str


class EventShown(Shown):
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


class PageShown(Shown):
    next_cursor: str | None
    has_more: bool


class EventsPage(PageShown):
    items: list[EventShown]


def example(value: Any, summary: str = "Example") -> dict[str, Any]:
    return {"example": {"summary": summary, "value": value}}
