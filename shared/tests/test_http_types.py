"""Field types take what a contract means and nothing that merely looks like it."""

from datetime import UTC, date, datetime
from typing import Annotated, Any

import pytest
from pydantic import TypeAdapter, ValidationError

from roadbook.http.types import Code, Count, Date, DealerId, Instant, Money, StrictModel, Text, Uuid, rfc3339


class Everything(StrictModel):
    at: Instant | None = None
    day: Date | None = None
    code: Code | None = None
    id: Uuid | None = None
    dealer: DealerId | None = None
    count: Count | None = None
    note: Annotated[str, Text(5)] | None = None
    price: Money | None = None


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-01T08:00:00+08:00", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2026-01-01t00:00:00z", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2026-01-01T00:00:00.5Z", datetime(2026, 1, 1, microsecond=500_000, tzinfo=UTC)),
        ("2026-01-01T00:00:00.123456999Z", datetime(2026, 1, 1, microsecond=123_456, tzinfo=UTC)),
        ("2026-01-01T00:00:00-00:30", datetime(2026, 1, 1, 0, 30, tzinfo=UTC)),
    ],
)
def test_instants_become_utc(text: str, moment: datetime) -> None:
    found = TypeAdapter(Instant).validate_python(text)
    assert found == moment
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("at", "2026-01-01 00:00:00Z"),
        ("at", "2026-01-01T00:00:60Z"),
        ("at", "2026-01-01T24:00:00Z"),
        ("at", "2026-02-30T00:00:00Z"),
        ("at", "2026-01-01T00:00:00+24:00"),
        ("at", "0001-01-01T00:00:00+08:00"),
        ("at", "9999-12-31T23:59:59-08:00"),
        ("at", "２０２６-01-01T00:00:00Z"),
        ("at", "2026-01-01T00:00:00Z\n"),
        ("day", "2026-1-1"),
        ("day", "2026-02-30"),
        ("day", "2026-01-01T00:00:00Z"),
        ("day", 0),
        ("code", "Test"),
        ("code", ""),
        ("code", "a" * 65),
        ("code", "a\n"),
        ("id", "0199A3C4-7D2E-7B51-9C3D-2F1E5A6B7C8D"),
        ("id", "0199a3c47d2e7b519c3d2f1e5a6b7c8d"),
        ("dealer", "a"),
        ("dealer", "Händler"),
        ("count", -1),
        ("count", True),
        ("count", 1.0),
        ("count", "1"),
        ("count", 10**30),
        ("note", "123456"),
        ("note", ""),
        ("note", "a\x00"),
        ("note", "a\x1b"),
        ("note", "\ud800"),
        ("note", 1),
        ("price", {"minor": 10**16, "currency": "CNY"}),
        ("price", {"minor": 1, "currency": "cny"}),
        ("price", {"minor": 1, "currency": "XXX"}),
        ("price", {"minor": 1.0, "currency": "CNY"}),
    ],
)
def test_refused(field: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        Everything.model_validate({field: value})


def test_accepted() -> None:
    found = Everything.model_validate(
        {
            "day": "2026-02-28",
            "code": "test_drive",
            "id": "0199a3c4-7d2e-7b51-9c3d-2f1e5a6b7c8d",
            "dealer": "sh-001",
            "count": 3,
            "note": "李\n👨‍👩",
            "price": {"minor": -1, "currency": "CNY"},
        }
    )
    assert found.day == date(2026, 2, 28)
    assert found.price == Money(minor=-1, currency="CNY")


def test_times_are_written_in_utc() -> None:
    assert rfc3339(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00Z"
    model = Everything(at=datetime(2026, 1, 1, 0, 0, 0, 5, tzinfo=UTC))
    assert '"at":"2026-01-01T00:00:00.000005Z"' in model.model_dump_json()
