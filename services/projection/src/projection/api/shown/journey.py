"""The journey as the record shows it."""

from typing import Annotated

from pydantic import Field

from projection.api.shown.base import Shown, Stream
from projection.api.shown.sections import ScoreShown
from roadbook.http.types import Instant


class FollowUpShown(Shown):
    stream: Stream
    kind: Annotated[str, Field(examples=["call"])]
    due: Instant
    scheduled_at: Instant
    outcome: Annotated[str, Field(description="planned, missed, done, replaced or dropped")]
    result: Annotated[str | None, Field(description="What came of it", examples=["reached"])]
    staff: str | None
    closed_at: Instant | None
    late: Annotated[bool, Field(description="Done after it was due", examples=[False])]


class ReportShown(Shown):
    stream: Stream
    status: Annotated[str, Field(examples=["negotiating"])]
    staff: str | None
    at: Instant


class ScoredShown(ScoreShown):
    stream: Stream


class ExperienceShown(Shown):
    stream: Stream
    model: str
    feature: Annotated[str, Field(examples=["interior_360"])]
    seconds: Annotated[int, Field(examples=[95])]
    site: Annotated[str, Field(examples=["lavida_site"])]
    at: Instant


class VisitShown(Shown):
    stream: Stream
    purpose: Annotated[str, Field(examples=["look_around"])]
    persons: int
    staff: str | None
    at: Instant


class RatingsShown(Shown):
    """1 (poor) to 5 (very good)."""

    design: int | None
    comfort: int | None
    handling: int | None
    space: int | None
    value: Annotated[int | None, Field(examples=[4])]


class TestDriveShown(Shown):
    """`recommend`: 0 (never) to 10 (certainly)."""

    stream: Stream
    model: str | None
    vin: Annotated[str, Field(examples=["LSVAA49J132047371"])]
    staff: str | None
    booked_at: Instant
    starts: Instant
    ends: Instant
    state: Annotated[str, Field(description="booked, taken, missed or cancelled", examples=["taken"])]
    closed_at: Instant | None
    reason: Annotated[str | None, Field(description="Why it was cancelled", examples=[None])]
    ratings: RatingsShown | None
    recommend: Annotated[int | None, Field(examples=[9])]


class LossShown(Shown):
    stream: Stream
    reason: str
    competitor: str | None
    at: Instant


class ReopeningShown(Shown):
    stream: Stream
    reason: str
    at: Instant


class ConversionShown(Shown):
    stream: Stream
    at: Instant


class OutcomeShown(Shown):
    """What became of the opportunity that the lead was converted into."""

    stream: Stream
    opportunity: Annotated[str, Field(examples=["opportunity/0199a3c4-8f10-7c66-8d21-5b0e9a3c1f42"])]
    outcome: Annotated[str, Field(description="won or lost", examples=["won"])]
    reason: str | None
    at: Instant


class RecyclingShown(Shown):
    stream: Stream
    reason: Annotated[str, Field(examples=["duplicate"])]
    at: Instant
    restored_at: Instant | None


class Journey(Shown):
    follow_ups: list[FollowUpShown]
    status_reports: list[ReportShown]
    scores: list[ScoredShown]
    online_experiences: list[ExperienceShown]
    showroom_visits: list[VisitShown]
    test_drives: list[TestDriveShown]
    lost: list[LossShown]
    reopened: list[ReopeningShown]
    converted: list[ConversionShown]
    outcomes: list[OutcomeShown]
    recycled: list[RecyclingShown]
