"""Whatever the order, the doubles and the nonsense: the same facts give the same bytes."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from projection.domain import sharing
from projection.domain.components import Link, component_of, customers
from projection.domain.facts import Fact
from projection.domain.record import canonical, derive, record_hash, why
from projection.domain.rules import RULES
from projection.domain.stage import stage_of
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
needs = st.lists(st.builds(lead.Need, words, words, words), max_size=2).map(tuple)
parts = st.lists(st.builds(lead.ScorePart, words, st.integers(1, 9)), max_size=2).map(tuple)
shares = st.builds(
    lead.CustomerShared, moments, st.sampled_from(DEALERS[1:]), st.sampled_from(["facts", "contact"]), moments
)
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
        region=st.none() | words,
        needs=needs,
    ),
    st.builds(
        lead.LeadEnriched,
        at=moments,
        vehicles=st.none() | vehicles.map(tuple),
        window=st.none() | st.builds(lead.Window),
        contact_points=points.map(tuple),
        removed_contact_points=st.lists(words, max_size=1).map(tuple),
        consents=consents.map(tuple),
        region=st.none() | words,
        needs=needs,
    ),
    st.builds(lead.LeadQualified, moments, st.sampled_from(["hot", "warm"]), st.lists(words, max_size=2).map(tuple)),
    st.builds(lead.FollowUpScheduled, moments, words, moments, st.none() | words),
    st.builds(lead.FollowUpMissed, moments, words),
    st.builds(lead.LeadLost, moments, words, st.none() | words),
    st.builds(lead.LeadReopened, moments, words),
    st.builds(lead.FollowUpCompleted, moments, words, words, st.none() | words),
    st.builds(lead.LeadRouted, moments, st.sampled_from(DEALERS[1:]), words, moments),
    st.builds(lead.LeadAccepted, moments, moments, st.none() | words),
    st.builds(lead.LeadDeclined, moments, words),
    st.builds(lead.LeadStatusReported, moments, words, moments, st.none() | words),
    st.builds(lead.LeadFeedbackOverdue, moments, st.sampled_from(["acceptance", "status"])),
    st.builds(lead.LeadProtected, moments, words, moments),
    st.builds(lead.LeadProtectionExpired, moments),
    st.builds(lead.LeadReleasedToPool, moments, words),
    st.builds(lead.LeadReassigned, moments, words, words, st.none() | words),
    shares,
    st.builds(lead.ShareRevoked, moments, st.sampled_from(DEALERS[1:])),
    st.builds(lead.OnlineExperienceRecorded, moments, words, words, st.integers(0, 99), words),
    st.builds(lead.ShowroomVisitRecorded, moments, words, st.integers(1, 3), st.none() | words),
    st.builds(lead.LeadScored, moments, st.integers(0, 9), parts),
    st.builds(lead.LeadConverted, moments),
    st.builds(lead.LeadRecycled, moments, words),
    st.builds(lead.LeadRestored, moments, words),
    st.none(),
    st.just(object()),
)


follow_ups: st.SearchStrategy[Any] = st.builds(lead.FollowUpScheduled, moments, words, moments) | st.builds(
    lead.FollowUpMissed, moments, words
)


# What may say nothing that is shown any more, once others have spoken: their evidence is the hard one.
registers: st.SearchStrategy[Any] = st.one_of(
    st.builds(lead.LeadProtected, moments, words, moments),
    st.builds(lead.LeadProtectionExpired, moments),
    st.builds(lead.LeadReleasedToPool, moments, words),
    st.builds(lead.FollowUpCompleted, moments, words, words, st.none() | words),
    st.builds(lead.FollowUpMissed, moments, words),
    st.builds(lead.FollowUpScheduled, moments, words, moments, st.none() | words),
    st.builds(lead.LeadAccepted, moments, moments, st.none() | words),
    st.builds(lead.LeadDeclined, moments, words),
    st.builds(lead.LeadFeedbackOverdue, moments, st.sampled_from(["acceptance", "status"])),
    st.builds(lead.LeadStatusReported, moments, words, moments),
)
grades: st.SearchStrategy[Any] = st.one_of(
    st.builds(lead.LeadQualified, moments, st.sampled_from(["hot", "warm"])),
    st.builds(lead.LeadLost, moments, words),
    st.builds(lead.LeadReopened, moments, words),
    st.builds(lead.LeadConverted, moments),
    st.builds(lead.LeadRecycled, moments, words),
    st.builds(lead.LeadRestored, moments, words),
)


@st.composite
def streams(draw: st.DrawFn, proper: bool = False) -> list[list[Fact]]:
    """One to three streams of up to eight events; `proper`, and else often, they begin as they should."""
    told = []
    for number in range(draw(st.integers(1, 3))):
        told_of = draw(st.sampled_from([events, follow_ups | events, registers, grades])) if proper else events
        body = draw(st.lists(told_of, min_size=1, max_size=8))
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


# ── Shares ────────────────────────────────────────────────────────────────────────────────────────────────────
GRANTEE = "dealer-sh-02"
sharing_events: st.SearchStrategy[Any] = st.one_of(
    shares,
    shares,
    st.builds(lead.ShareRevoked, moments, st.sampled_from(DEALERS[1:])),
    st.builds(lead.LeadRouted, moments, st.sampled_from(DEALERS[1:]), words, moments),
    st.builds(lead.LeadDeclined, moments, words),
    st.builds(lead.LeadFeedbackOverdue, moments, st.sampled_from(["acceptance", "status"])),
    st.builds(lead.LeadRecycled, moments, words),
    st.builds(lead.LeadRestored, moments, words),
    st.builds(lead.LeadQualified, moments, words),
    st.builds(lead.LeadLost, moments, words),
)


def ends_shares(fact: Fact, before: Fact) -> bool:
    event = fact.event
    return (
        isinstance(event, lead.LeadRouted | lead.LeadDeclined)
        or (isinstance(event, lead.LeadFeedbackOverdue) and event.awaited == "acceptance")
        or fact.dealer != before.dealer
    )


def shared_by_definition(told: list[Fact], at: datetime) -> str | None:
    """The scope in which the grantee may read the stream through a share, written down as the rule says it: the last
    share with it, unless revoked, unless the lead left its holder after it, while it is not in the bin."""
    bins = [fact.event for fact in told[1:] if isinstance(fact.event, lead.LeadRecycled | lead.LeadRestored)]
    given = [
        (place, fact.event)
        for place, fact in enumerate(told)
        if place and isinstance(fact.event, lead.CustomerShared) and fact.event.dealer == GRANTEE
    ]
    if not given or told[-1].dealer == GRANTEE or (bins and isinstance(bins[-1], lead.LeadRecycled)):
        return None
    place, share = given[-1]
    for number in range(place + 1, len(told)):
        event = told[number].event
        if ends_shares(told[number], told[number - 1]) or event == lead.ShareRevoked(getattr(event, "at", at), GRANTEE):
            return None
    return share.scope if at < share.until else None


@st.composite
def shared_streams(draw: st.DrawFn) -> list[list[Fact]]:
    told = []
    for number in range(draw(st.integers(1, 3))):
        body = [lead.LeadCaptured(at=START, source="web", contact_points=(lead.ContactPoint("phone/1", "mobile"),))]
        body += draw(st.lists(sharing_events, max_size=7))
        dealer = draw(st.sampled_from(DEALERS))
        facts = []
        for version, event in enumerate(body, 1):
            dealer = draw(st.sampled_from([dealer, dealer, dealer, *DEALERS]))
            time = getattr(event, "at", START)
            facts.append(Fact(f"{number}-{version}", f"lead/{number}", version, "t", time, NOW, "ref", dealer, event))
        told.append(facts)
    return told


@settings(max_examples=1000)
@given(shared_streams(), moments)
def test_the_grantee_sees_exactly_what_the_rule_says(told: list[list[Fact]], at: datetime) -> None:
    states = folded([fact for stream in told for fact in stream])
    visible = {state.stream: state for state in sharing.seen(states, GRANTEE, at)}
    readable = sharing.with_person(list(visible.values()), GRANTEE, at)
    for stream in told:
        name, scope = stream[0].stream, shared_by_definition(stream, at)
        own = stream[-1].dealer == GRANTEE
        assert (name in visible) == (own or scope is not None)
        assert (name in readable) == (own or scope == "contact")
        if name in visible:
            body = visible[name].body
            assert body is not None
            assert bool(body.contact_points) == (own or scope == "contact")
    assert sharing.seen(states, None, at) == states


@st.composite
def graded_streams(draw: st.DrawFn) -> list[list[Fact]]:
    told = []
    for number in range(draw(st.integers(1, 3))):
        body = [lead.LeadCaptured(at=draw(moments), source="web"), *draw(st.lists(grades, max_size=6))]
        told.append(
            [
                Fact(f"{number}-{version}", f"lead/{number}", version, "t", event.at, NOW, f"ref-{number}", None, event)
                for version, event in enumerate(body, 1)
            ]
        )
    return told


@settings(max_examples=400)
@given(graded_streams())
def test_the_stage_stays_without_any_event_it_does_not_name(told: list[list[Fact]]) -> None:
    """Each part of it by itself: more than the record asks, where another leaf may name the event."""
    known = [fact for stream in told for fact in stream]
    before = stage_of(folded(known), RULES, NOW)
    for gone in known:
        after = stage_of(folded([fact for fact in known if fact != gone]), RULES, NOW)
        assert gone.id in before.name.events or after.name.value == before.name.value
        assert gone.id in before.since.events or after.since.value == before.since.value
        if before.dormant is not None and gone.id not in before.dormant.events:
            assert after.dormant is not None
            assert after.dormant.value == before.dormant.value


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
