"""Who stands still with events waiting: a worker that hangs loses nothing, and shows nothing new either."""

from collections.abc import Mapping
from dataclasses import dataclass, field

STANDING = 50.0  # seconds; a worker's own watchdog ends it after 60, and a restart takes some more


@dataclass
class Still:
    """`longest`: by consumer the seconds for which nothing moved while something waited."""

    longest: dict[str, float] = field(default_factory=dict)
    _excused: float = 0.0  # seconds
    _away: float | None = None  # since when what everybody stands on is taken away
    _moved: dict[str, tuple[int, float]] = field(default_factory=dict)

    def see(self, at: float, behind: Mapping[str, int], places: Mapping[str, int]) -> None:
        """`places`: the sum of a consumer's offsets."""
        at = self._clock(at)
        for consumer, place in places.items():
            known, since = self._moved.get(consumer, (-1, at))
            if known != place or not behind[consumer]:
                since = at
            self._moved[consumer] = (place, since)
            self.longest[consumer] = max(self.longest.get(consumer, 0.0), at - since)

    def away(self, at: float) -> None:
        """From now on a fault takes the network, Kafka or Postgres away: that time does not count. The clock stands
        still instead of beginning anew, for who hangs after one fault hangs through the next."""
        self._away = at

    def back(self, at: float) -> None:
        if self._away is not None:
            self._excused, self._away = self._excused + at - self._away, None

    def _clock(self, at: float) -> float:
        return (at if self._away is None else self._away) - self._excused

    def told(self) -> str:
        worst = sorted(self.longest.items(), key=lambda each: -each[1])[:4]
        return ", ".join(f"{consumer} {seconds:.1f} s" for consumer, seconds in worst)

    def wrong(self) -> list[str]:
        return [
            f"{consumer} stood still for {seconds:.0f} s with events waiting"
            for consumer, seconds in sorted(self.longest.items())
            if seconds >= STANDING
        ]
