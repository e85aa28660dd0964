"""Whatever the order, the doubles and the nonsense: the same facts give the same bytes."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from projection.domain.components import Link, component_of, customers
from projection.domain.facts import Fact
from projection.domain.record import canonical, derive, record_hash, why
from projection.domain.rules import RULES
from projection.domain.streams import lead
from projection.domain.streams.stream import StreamState, evolve, initial

START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = START + timedelta(days=20)
DEALERS = (None, "dealer-sh-01", "dealer-sh-02")

moments = st.integers(0, 30 * 24).map(lambda hours: START + timedelta(hours=hours))
words = st.sampled_from(["a", "b", "c"])
vehicles = st.lists(st.builds(lead.VehicleInterest, words, st.none() | words, vin=st.none() | words), max_size=2)
consents = st.lists(st.builds(lead.Consent, words, words, st.booleans(), words, st.none() | words), max_size=2)
points = st.lists(st.builds(lead.ContactPoint, words, words, st.booleans(), st.booleans()), max_size=2)
events: st.SearchStrategy[Any] = st.one_of(
    st.builds(
        lead.LeadCaptured,
        at=moments,
        source=words,
        vehicles=vehicles.map(tuple),
        budget=st.none() | st.builds(lead.Budget, words),
        contact_points=points.map(tuple),
        consents=consents.map(tuple),
        personal_fields=st.lists(st.sampled_from(["name", "comments"]), max_size=2).map(tuple),
    ),
    st.builds(
        lead.LeadEnriched,
        at=moments,
        vehicles=st.none() | vehicles.map(tuple),
        window=st.none() | st.builds(lead.Window),
        contact_points=points.map(tuple),
        removed_contact_points=st.lists(words, max_size=1).map(tuple),
        consents=consents.map(tuple),
    ),
    st.builds(lead.LeadQualified, moments, st.sampled_from(["hot", "warm"]), st.lists(words, max_size=2).map(tuple)),
    st.builds(lead.FollowUpScheduled, moments, words, moments, st.none() | words),
    st.builds(lead.FollowUpMissed, moments, words),
    st.builds(lead.LeadLost, moments, words, st.none() | words),
    st.builds(lead.LeadReopened, moments, words),
    st.none(),
    st.just(object()),
)


follow_ups: st.SearchStrategy[Any] = st.builds(lead.FollowUpScheduled, moments, words, moments) | st.builds(
    lead.FollowUpMissed, moments, words
)


@st.composite
def streams(draw: st.DrawFn, proper: bool = False) -> list[list[Fact]]:
    """One to three streams of up to eight events; `proper`, and else often, they begin as they should."""
    told = []
    for number in range(draw(st.integers(1, 3))):
        body = draw(st.lists(follow_ups | events if proper else events, min_size=1, max_size=8))
        if proper or draw(st.booleans()):
            body[0] = lead.LeadCaptured(at=draw(moments), source="web")
        told.append(
            [
                Fact(
                    id=f"{number}-{version}",
                    stream=f"lead/{number}",
                    version=version,
                    type="roadbook.lead.x.v1",
                    time=getattr(event, "at", START),
                    recorded=NOW,
                    party_ref=f"ref-{number}",
                    dealer=draw(st.sampled_from(DEALERS)),
                    event=event,
                )
                for version, event in enumerate(body, 1)
            ]
        )
    return told


def interleaved(told: list[list[Fact]], seed: int) -> list[Fact]:
    """Any order across streams, with doubles; inside a stream the first occurrences stay in order."""
    chance = random.Random(seed)
    left = [list(stream) for stream in told]
    out: list[Fact] = []
    while any(left):
        stream = chance.choice([each for each in left if each])
        out.append(stream.pop(0))
        if chance.random() < 0.3:
            out.append(chance.choice(out))
    return out


def folded(facts: list[Fact]) -> list[StreamState]:
    states: dict[str, StreamState] = {}
    for fact in facts:
        states[fact.stream] = evolve(states.get(fact.stream, initial(fact.stream)), fact)
    return list(states.values())


@settings(max_examples=300)
@given(streams(), st.integers(), st.integers())
def test_every_interleaving_with_doubles_gives_the_same_bytes(told: list[list[Fact]], one: int, other: int) -> None:
    links = [Link("ref-0", "ref-1"), Link("ref-1", "ref-2")]
    first, change = derive(folded(interleaved(told, one)), links, {}, RULES, NOW)
    second, change_again = derive(reversed(folded(interleaved(told, other))), reversed(links), {}, RULES, NOW)
    assert canonical(first.facts) == canonical(second.facts)
    assert record_hash(first.facts) == record_hash(second.facts)
    assert why(first) == why(second)
    assert change == change_again


@settings(max_examples=300)
@given(st.lists(events, max_size=12), st.permutations(range(12)))
def test_evolve_accepts_anything_in_any_order(body: list[Any], order: list[int]) -> None:
    state = initial("lead/1")
    for place in order:
        if place < len(body):
            event = body[place]
            at = getattr(event, "at", START)
            fact = Fact(str(place), "lead/1", state.version + 1, "t", at, NOW, "ref", None, event)
            state = evolve(state, fact)
    derive([state], (), {}, RULES, NOW) if state.party_ref else None


@settings(max_examples=500)
@given(streams(proper=True), st.data())
def test_an_event_no_leaf_names_can_be_taken_away(told: list[list[Fact]], data: st.DataObject) -> None:
    """The evidence is complete: without an event that no leaf names, only what counts events changes."""
    known = [fact for stream in told for fact in stream if fact.event is not None]
    if not known:
        return
    before, _ = derive(folded([fact for stream in told for fact in stream]), (), {}, RULES, NOW)
    named = {event for ids in why(before).values() for event in ids}
    silent = [fact for fact in known if fact.id not in named and len(told[int(fact.stream[5:])]) > 1]
    if not silent:
        return
    gone = data.draw(st.sampled_from(silent))
    left = [fact for stream in told for fact in stream if fact != gone]
    after, _ = derive(folded(left), (), {}, RULES, NOW)
    for made in (before, after):
        head = made.facts["head"]
        assert isinstance(head, dict)
        del head["record_version"]
    assert canonical(before.facts) == canonical(after.facts)


references = st.sampled_from([f"r{number}" for number in range(8)])
pairs = st.tuples(references, references).filter(lambda pair: pair[0] < pair[1]).map(lambda pair: Link(*pair))


@settings(max_examples=300)
@given(st.sets(references, min_size=1), st.lists(pairs, max_size=10), st.integers())
def test_components_do_not_depend_on_order_and_see_only_what_is_visible(
    visible: set[str], links: list[Link], seed: int
) -> None:
    shuffled = list(links)
    random.Random(seed).shuffle(shuffled)
    owner = customers(visible, links)
    assert owner == customers(visible, [*shuffled, *links])
    assert owner == customers(visible, [link for link in links if {link.smaller, link.larger} <= visible])
    for ref in visible:
        together = component_of(ref, visible, links)
        assert ref in together
        assert owner[ref] == min(together)
        assert all(component_of(other, visible, links) == together for other in together)
