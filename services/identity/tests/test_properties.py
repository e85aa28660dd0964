"""What holds whatever is said: repeats say nothing, only `Rejected` is raised, any event folds; the order of consents
is no matter; and no rule ever brings two together that were told apart."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import combinations, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identity.domain import consent, link, party_ref
from identity.domain.components import Pair, component, graph, kept_apart, pair_of, path, smallest_cut
from identity.domain.link import Evidence
from roadbook.decider import Decider, Rejected

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
instants = st.integers(0, 6).map(lambda hours: NOW + timedelta(hours=hours))
words = st.sampled_from(["a", "b"])
refs = st.sampled_from(["r1", "r2", "r3"])
keys = st.sampled_from(["phone/1", "phone/2", "email/1", "address/3"])
evidence = st.lists(st.builds(Evidence, words, words), max_size=2).map(tuple)
fields = st.lists(st.builds(party_ref.ProfileField, words, words, st.booleans()), max_size=3).map(tuple)
brands = st.sampled_from([None, "audi"])


def any_of(*kinds: type[Any], **given_: Any) -> st.SearchStrategy[Any]:
    """Commands or events of these kinds, with values from small sets, so that they meet."""
    base = {"at": instants, "key": keys, "fields": fields, "evidence": evidence, "brand": brands, "party_ref": refs}
    made = []
    for kind in kinds:
        named = {**base, **given_}
        made.append(st.builds(kind, **{n: s for n, s in named.items() if n in kind.__dataclass_fields__}))
    return st.one_of(made)


def kinds(union: Any) -> tuple[type[Any], ...]:
    return tuple(union.__args__)


PARTY = {
    "family": st.sampled_from(["phone", "email"]),
    "origin": st.sampled_from([None, "lead/1/phone/1"]),
    "other": refs,
}
PAIR = {"smaller": st.just("r1"), "larger": st.sampled_from(["r1", "r2"]), "by": st.sampled_from(["rule", "steward"])}
AGGREGATES = [
    (party_ref.decider, any_of(*kinds(party_ref.Command), **PARTY), any_of(*kinds(party_ref.Event), **PARTY)),
    (consent.decider, any_of(*kinds(consent.Command)), any_of(*kinds(consent.Event))),
    (link.decider, any_of(*kinds(link.Command), **PAIR), any_of(*kinds(link.Event), **PAIR)),
]


@pytest.mark.parametrize(("decider", "commands", "events"), AGGREGATES, ids=["party_ref", "consent", "link"])
def test_a_repeat_says_nothing_and_only_rejections_are_raised(
    decider: Decider[Any, Any, Any], commands: st.SearchStrategy[Any], events: st.SearchStrategy[Any]
) -> None:
    @settings(max_examples=60)
    @given(st.lists(commands, max_size=12))
    def decided(told: list[Any]) -> None:
        state = decider.initial
        for command in told:
            try:
                new = decider.decide(command, state)
            except Rejected:
                continue
            state = decider.fold(new, state)
            own = getattr(command, "origin", "x") is None  # a point of our own: its repeat is the idempotency key's
            if not own:
                assert list(decider.decide(command, state)) == []

    @settings(max_examples=60)
    @given(st.lists(events, max_size=12))
    def folded(told: list[Any]) -> None:
        decider.fold(told)

    decided()
    folded()


@settings(max_examples=100)
@given(st.data())
def test_consents_are_the_same_in_whatever_order_they_are_heard(data: st.DataObject) -> None:
    """Words that other services heard, each with a proof."""
    several = any_of(
        consent.GrantConsent, consent.WithdrawConsent, party_ref=st.just("r1"), purpose=st.just("p"),
        channel=words, proof=st.just("e"), reason=st.just("refused"), source=st.just("s"), wording=words,
    )  # fmt: skip
    told = data.draw(st.lists(several, max_size=8))
    shuffled = data.draw(st.permutations(told))

    def outcome(commands: list[Any]) -> dict[Any, Any]:
        state = consent.decider.initial
        for command in commands:
            state = consent.decider.fold(consent.decider.decide(command, state), state)
        return {
            cell: (word.granted, word.at, word.wording if word.granted else None) for cell, word in state.words.items()
        }

    assert outcome(told) == outcome(shuffled)


# ── Components ────────────────────────────────────────────────────────────────────────────────────────────────
NODES = "abcdefg"
pairs = st.sampled_from([pair_of(a, b) for a, b in combinations(NODES, 2)])
edges = st.sets(pairs, max_size=14)


@settings(max_examples=100)
@given(edges, pairs)
def test_a_smallest_cut_cuts_and_none_is_smaller(links: set[Pair], wanted: Pair) -> None:
    a, b = wanted
    cut = smallest_cut(a, b, graph(links))
    assert set(cut) <= links
    assert not path(a, b, graph(links - set(cut)))
    assert bool(cut) == bool(path(a, b, graph(links)))
    if len(cut) > 1:
        for fewer in combinations(sorted(links), len(cut) - 1):
            assert path(a, b, graph(links - set(fewer)))


@settings(max_examples=100)
@given(edges, pairs)
def test_a_path_leads_over_links(links: set[Pair], wanted: Pair) -> None:
    a, b = wanted
    way = path(a, b, graph(links))
    assert (b in component(a, graph(links))) == bool(way)
    assert all(pair_of(x, y) in links for x, y in pairwise(way))


class World:
    """The decisions as the service takes them, without its database."""

    def __init__(self) -> None:
        self.states: dict[Pair, Any] = {}

    def tell(self, command: Any) -> None:
        pair = (command.smaller, command.larger)
        state = self.states.get(pair, link.decider.initial)
        with suppress(Rejected):
            self.states[pair] = link.decider.fold(link.decider.decide(command, state), state)

    @property
    def links(self) -> set[Pair]:
        return {pair for pair, state in self.states.items() if getattr(state, "status", "") == "linked"}

    @property
    def apart(self) -> set[Pair]:
        return {pair for pair, state in self.states.items() if getattr(state, "apart", False)}

    def rule(self, pair: Pair) -> None:
        seen = (Evidence("phone_and_name", "phone"),)
        if kept_apart(*pair, graph(self.links), self.apart) is None:
            self.tell(link.LinkPartyRefs(*pair, "rule", seen, "m", NOW))
        else:
            self.tell(link.ProposeLink(*pair, 700, seen, "m", NOW))

    def steward_links(self, pair: Pair) -> None:
        if kept_apart(*pair, graph(self.links), self.apart - {pair}) is None:
            self.tell(link.LinkPartyRefs(*pair, "steward", (), "m", NOW))

    def steward_rejects(self, pair: Pair) -> None:
        self.tell(link.RejectLink(*pair, "steward", "two", NOW))

    def steward_unlinks(self, pair: Pair) -> None:
        self.tell(link.UnlinkPartyRefs(*pair, "steward", "two", NOW))

    def steward_splits(self, pair: Pair) -> None:
        for each in smallest_cut(*pair, graph(self.links)):
            self.tell(link.UnlinkPartyRefs(*each, "steward", "two", NOW))
        self.tell(link.RejectLink(*pair, "steward", "two", NOW))

    def together(self) -> set[Pair]:
        known = graph(self.links)
        return {pair for pair in self.apart if pair[1] in component(pair[0], known)}


moves = st.tuples(st.sampled_from(["rule"] * 5 + ["links", "rejects", "unlinks", "splits"]), pairs)


@settings(max_examples=300)
@given(st.lists(moves, max_size=30))
def test_no_rule_joins_what_was_told_apart_not_even_over_a_third(told: list[tuple[str, Pair]]) -> None:
    """Seen to fail with `kept_apart` looking at the pair alone, and with it looking at one side's component only."""
    world = World()
    for what, pair in told:
        before = world.together()
        if what == "rule":
            world.rule(pair)
            assert world.together() <= before  # what a rule does brings nobody together
        else:
            getattr(world, f"steward_{what}")(pair)
        if what == "splits":
            assert pair[1] not in component(pair[0], graph(world.links))
            assert pair in world.apart
        if what == "links":
            assert world.together() - {pair} <= before


@settings(max_examples=60)
@given(st.lists(moves, max_size=20), pairs)
def test_a_link_undone_leaves_the_world_as_if_it_had_never_been(told: list[tuple[str, Pair]], pair: Pair) -> None:
    """Components are those of the links that are left: a link moves nothing."""
    world = World()
    for what, each in told:
        (world.rule if what == "rule" else getattr(world, f"steward_{what}"))(each)
    if pair in world.links:
        rest = world.links - {pair}
        world.steward_unlinks(pair)
        assert world.links == rest
