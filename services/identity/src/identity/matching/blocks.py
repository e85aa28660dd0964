"""Who is compared with whom: only those who share a block, so that the cost grows with the references and not with
their square. A block that many share is no reason to compare; a rarer one of the same pair is."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from identity.matching import addresses
from identity.matching.judge import CROWD, Verdict, judge
from identity.matching.keys import Profile

CAP = 40
"""References of one block that are compared with each other."""
Members = Mapping[str, Collection[str]]


def blocks(profile: Profile) -> list[str]:
    """In no particular order, each once. Personal data, all of it."""
    sounds = {name.sounds for name in profile.names if not name.surname_only}
    roads = {road for road in map(addresses.road, profile.addresses) if road}
    found = {
        *(f"phone:{phone}" for phone in profile.phones),
        *(f"email:{email}" for email in profile.emails),
        *(f"id:{id_}" for id_ in profile.ids),
        *(f"member:{member}" for member in profile.members),
        *(f"vin:{vin}" for vin in profile.vins),
        *(f"birth+road:{birth}|{road}" for birth in profile.births for road in roads),
    }
    for sound in sounds:
        found |= {f"phone+name:{phone}|{sound}" for phone in profile.phones}
        found |= {f"line+name:{line}|{sound}" for line in profile.lines}
        found |= {f"email+name:{email}|{sound}" for email in profile.emails}
        # One digit may be wrong: the other half of the number is right, and so is the year.
        found |= {f"name+head:{sound}|{phone[:8]}" for phone in profile.phones}
        found |= {f"name+tail:{sound}|{phone[-6:]}" for phone in profile.phones}
        found |= {f"name+year:{sound}|{birth[:4]}" for birth in profile.births}
        found |= {f"name+road:{sound}|{road}" for road in roads}
    return sorted(found)


def candidates(ref: str, own: Iterable[str], members: Members) -> list[str]:
    """Those who share a block of `own` that is not too large. `members`: at most CAP + 1 of each block."""
    found: set[str] = set()
    for block in own:
        inside = members.get(block, ())
        if len(inside) <= CAP:
            found.update(inside)
    return sorted(found - {ref})


def matches(
    ref: str, profile: Profile, members: Members, load: Callable[[str], Profile | None]
) -> Iterator[tuple[str, Verdict]]:
    """(other, verdict) of those who may be the same customer as `ref`. `load`: the profile of a reference."""
    for other in candidates(ref, blocks(profile), members):
        theirs = load(other)
        if theirs is None:
            continue
        holders = {profile.dealer, theirs.dealer}

        def crowded(block: str, holders: set[str | None] = holders) -> bool:
            inside = members.get(block, ())
            return len(inside) > CAP or _names(inside, holders, load) > CROWD

        verdict = judge(profile, theirs, crowded)
        if verdict is not None:
            yield other, verdict


def _names(refs: Collection[str], holders: set[str | None], load: Callable[[str], Profile | None]) -> int:
    """How many different names stand on what these references share, among those that `holders` hold."""
    found: set[str] = set()
    for ref in refs:
        profile = load(ref)
        if profile is not None and profile.dealer in holders:
            found.update(name.sounds for name in profile.names)
    return len(found)
