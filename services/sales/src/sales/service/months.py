"""Months, as the dealers' clock has them."""

from datetime import UTC, datetime, tzinfo


def span(period: str, zone: tzinfo) -> tuple[datetime, datetime]:
    """From the first moment of `2026-01`, to before the next month's."""
    year, month = int(period[:4]), int(period[5:])
    following = (year + 1, 1) if month == 12 else (year, month + 1)
    first, end = (datetime(y, m, 1, tzinfo=zone) for y, m in ((year, month), following))
    return first.astimezone(UTC), end.astimezone(UTC)


def period_of(moment: datetime, zone: tzinfo) -> str:
    return moment.astimezone(zone).isoformat()[:7]
