"""What the customer allowed, out of what every service was told."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from projection.domain.facts import Leaf
from projection.domain.streams.stream import StreamState


@dataclass(frozen=True, slots=True)
class Word:
    """`state`: granted, refused or withdrawn."""

    at: datetime
    stream: str
    index: int
    key: tuple[str, str, str]
    brand: str | None
    state: str
    wording: str | None
    event: str


def consents(streams: Sequence[StreamState]) -> list[object]:
    """Per purpose, channel and brand the latest word, and since when it stands without interruption."""
    said = sorted(
        (word for state in streams for word in _words(state)), key=lambda each: (each.at, each.stream, each.index)
    )
    told: dict[tuple[str, str, str], list[Word]] = {}
    for word in said:
        told.setdefault(word.key, []).append(word)
    return [_consent(told[key]) for key in sorted(told)]


def _words(state: StreamState) -> Iterator[Word]:
    if state.body is not None:
        for index, given in enumerate(state.body.consents):
            c = given.consent
            key = (c.purpose, c.channel, c.brand or "")
            word = "granted" if c.granted else "refused"
            yield Word(given.at, state.stream, index, key, c.brand, word, c.wording, given.event)
    if state.consent is not None:
        for index, said in enumerate(state.consent.said):
            key = (said.purpose, said.channel, said.brand or "")
            yield Word(said.at, state.stream, index, key, said.brand, said.state, said.wording, said.event)


def _consent(words: Sequence[Word]) -> dict[str, object]:
    """A wording that was not told anew is the one that was told before."""
    last = words[-1]
    first = len(words) - 1
    while first and words[first - 1].state == last.state:
        first -= 1
    began = [words[first].event]
    if first > 1 and words[first - 2].state == last.state:  # but for one other word it would have begun before
        began.insert(0, words[first - 1].event)
    worded = next((word for word in reversed(words) if word.wording is not None), None)
    return {
        "purpose": last.key[0],
        "channel": last.key[1],
        "brand": last.brand or None,
        "state": Leaf(last.state, (last.event,)),
        "since": Leaf(words[first].at, tuple(dict.fromkeys(began))),
        "wording": Leaf("", (last.event,)) if worded is None else Leaf(worded.wording or "", (worded.event,)),
    }


def restrictions(streams: Sequence[StreamState]) -> list[object]:
    """When nothing but storing was allowed."""
    found: list[object] = []
    for state in streams:
        for each in state.consent.restrictions if state.consent is not None else ():
            by = (each.event,)
            lifted = each.lifted.events or by
            found.append(
                {
                    "stream": state.stream,
                    "reason": Leaf(each.reason, by),
                    "since": Leaf(each.since, by),
                    "lifted_at": Leaf(each.lifted.value, lifted),
                    "lift_reason": Leaf(each.lift_reason, lifted),
                }
            )
    return found
