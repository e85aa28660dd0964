"""The version rule on every interleaving that Hypothesis thinks of, without a database or a bus (T12, T13)."""

from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from roadbook.bus import Delivered
from roadbook.consumer_work import decode_fact
from roadbook.events import Recorded
from roadbook.testing.consumer_rig import an_event
from roadbook.version_rule import RETRY, Arrival, Decision, Held, Rule, StreamView
from roadbook.wire import to_message

STREAMS = ("thing/a", "thing/b", "thing/c")
VERSIONS = 6
EVENTS = {(stream, version): an_event(stream, version) for stream in STREAMS for version in range(1, VERSIONS + 1)}


@dataclass
class World:
    """What a consumer has stored, moved on by decisions."""

    views: dict[str, StreamView] = field(default_factory=lambda: dict.fromkeys(STREAMS, StreamView()))
    states: dict[str, tuple[int, ...]] = field(default_factory=dict)
    ids: dict[tuple[str, int], str] = field(default_factory=dict)
    bad: set[tuple[str, int]] = field(default_factory=set)
    applied: list[tuple[str, int]] = field(default_factory=list)
    offset: int = 0

    def fold(self, state: tuple[int, ...], event: Recorded) -> tuple[int, ...]:
        if (event.stream, event.version) in self.bad:
            raise RuntimeError
        assert state == tuple(range(1, event.version))
        return (*state, event.version)

    def batch(self, events: list[Recorded]) -> Decision[tuple[int, ...]]:
        arrivals = []
        for event in events:
            message = to_message(event)
            record = Delivered("t", 0, self.offset, message.key, message.value, message.headers, 0)
            arrivals.append(Arrival(event, record))
            self.offset += 1
        rule = Rule(self.views, self.ids, self.states, lambda _: (), self.fold, decode_fact)
        decision = rule.decide(arrivals)
        self.write(decision)
        return decision

    def write(self, decision: Decision[tuple[int, ...]]) -> None:
        for event in decision.applied:
            self.applied.append((event.stream, event.version))
            self.ids[event.stream, event.version] = event.id
        self.states.update(decision.states)
        for stream in STREAMS:
            gone = [row.record.offset for row in (*decision.release, *decision.hold)]
            held = [row for row in self.views[stream].held if row.record.offset not in gone]
            held += [row for row in decision.hold if row.stream == stream]
            last = decision.versions.get(stream, (0, self.views[stream].last))[1]
            self.views[stream] = StreamView(last, tuple(held))

    def unpark(self, stream: str) -> None:
        rows: list[Held] = [replace(row, reason=RETRY) if row.reason else row for row in self.views[stream].held]
        self.views[stream] = StreamView(self.views[stream].last, tuple(rows))


places = st.tuples(st.sampled_from(STREAMS), st.integers(1, VERSIONS))


@given(st.lists(st.lists(places, max_size=12), max_size=12))
def test_t12_any_order_with_any_repeats_applies_each_event_once_and_in_order(
    batches: list[list[tuple[str, int]]],
) -> None:
    world = World()
    for batch in batches:
        world.batch([EVENTS[place] for place in batch])
    delivered = {place for batch in batches for place in batch}
    for stream in STREAMS:
        run = 0
        while (stream, run + 1) in delivered:
            run += 1
        assert [version for name, version in world.applied if name == stream] == list(range(1, run + 1))
        held = sorted(row.version for row in world.views[stream].held)
        assert held == sorted(version for name, version in delivered if name == stream and version > run)


@given(st.lists(st.lists(places, max_size=12), max_size=8), st.sets(places, max_size=4))
def test_t13_poison_stops_its_stream_only_and_unparking_makes_up_for_it(
    batches: list[list[tuple[str, int]]], bad: set[tuple[str, int]]
) -> None:
    world = World(bad=bad)
    for batch in batches:
        world.batch([EVENTS[place] for place in batch])
    assert not bad & set(world.applied)
    delivered = {place for batch in batches for place in batch}
    for stream in STREAMS:
        run = 0
        while (stream, run + 1) in delivered and (stream, run + 1) not in bad:
            run += 1
        assert [version for name, version in world.applied if name == stream] == list(range(1, run + 1))
    world.bad = set()
    for stream in STREAMS:
        world.unpark(stream)
    world.batch([])
    world.batch([EVENTS[place] for place in sorted(EVENTS)])
    for stream in STREAMS:
        assert [version for name, version in world.applied if name == stream] == list(range(1, VERSIONS + 1))
        assert world.views[stream] == StreamView(VERSIONS, ())


def test_t13_an_event_that_fails_leaves_the_state_as_it_was() -> None:
    world = World(bad={("thing/a", 3)})
    decision = world.batch([EVENTS["thing/a", version] for version in (1, 2, 3, 4)])
    assert decision.states == {"thing/a": (1, 2)}
    assert decision.versions == {"thing/a": (0, 2)}
    assert [(row.version, row.reason) for row in decision.hold] == [(3, "RuntimeError"), (4, None)]
