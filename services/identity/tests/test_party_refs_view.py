"""The read tables of party references: many events at once leave what one after another leaves."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from identity.domain import party_ref as domain
from identity.views import party_refs
from roadbook.database import Pool
from roadbook.events import Labels, Recorded, new_id

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
REFS = ("ref-b", "ref-a", "ref-c")
Told = Sequence[tuple[Recorded, domain.Event]]


def recorded(ref: str, version: int) -> Recorded:
    return Recorded(f"partyref/{ref}", version, new_id(), "t", NOW, NOW, "{}", ref, Labels(), "staff-1", new_id())


def registered(ref: str, dealer: str | None) -> domain.PartyRefRegistered:
    return domain.PartyRefRegistered(ref, "person", dealer, "visit", NOW + timedelta(minutes=REFS.index(ref)))


def added(key: str, origin: str | None) -> domain.ContactPointAdded:
    return domain.ContactPointAdded(key, "mobile", True, True, False, origin, "visit", NOW)


def drawn_event(draw: random.Random, ref: str, version: int, points: list[str]) -> domain.Event:
    """The first registers; `points` are those there are, and grow."""
    if version == 1:
        return registered(ref, draw.choice(["d-1", None]))
    what = draw.randrange(5)
    if what == 0:
        return domain.PartyRefMoved(draw.choice(["d-1", "d-2", None]), NOW)
    if what == 1 and points:
        return domain.ContactPointRetired(draw.choice(points), "removed", NOW)
    if what == 2 and points:
        return domain.ContactPointCorrected(draw.choice(points), "mobile", True, True, "visit", NOW)
    if what == 3:
        return domain.OwnerKindDeclared("private", "said", NOW)
    points.append(f"phone/{len(points) + 1}")
    return added(points[-1], draw.choice([f"lead/1/{points[-1]}", None]))


def history(seed: int) -> Told:
    """Events of three references, mixed."""
    draw = random.Random(seed)
    versions, points = dict.fromkeys(REFS, 0), {ref: list[str]() for ref in REFS}
    told: list[tuple[Recorded, domain.Event]] = []
    for _ in range(25):
        ref = draw.choice(REFS)
        versions[ref] += 1
        told.append((recorded(ref, versions[ref]), drawn_event(draw, ref, versions[ref], points[ref])))
    return told


async def tables(connection: Any) -> list[Any]:
    found = [
        await connection.fetch("SELECT * FROM party_refs ORDER BY party_ref"),
        await connection.fetch("SELECT * FROM adopted ORDER BY party_ref, key"),
        await connection.fetch("SELECT DISTINCT party_ref FROM match_dirty ORDER BY party_ref"),
    ]
    return [[tuple(row) for row in rows] for rows in found]


async def left_by(pool: Pool, *parts: Told) -> list[Any]:
    """What the tables hold after these, each part at once."""
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        for part in parts:
            await party_refs.apply(connection, part)
        found = await tables(connection)
        await transaction.rollback()
    return found


async def test_at_once_in_parts_or_one_by_one_it_is_the_same(pool: Pool) -> None:
    for told in map(history, range(20)):
        one_by_one = await left_by(pool, *([each] for each in told))
        assert await left_by(pool, told) == one_by_one
        assert await left_by(pool, told[:9], told[9:16], told[16:]) == one_by_one
        assert await left_by(pool, told, told) == one_by_one  # as a recovery that begins anew


async def test_what_one_batch_leaves(pool: Pool) -> None:
    events: list[domain.Event] = [
        registered("ref-a", "d-1"),
        added("phone/1", "lead/1/phone/1"),
        added("phone/2", None),
        domain.PartyRefMoved("d-2", NOW),
        added("phone/3", "lead/1/phone/3"),
        domain.ContactPointRetired("phone/1", "removed", NOW),
        domain.PartyRefMoved(None, NOW),
        domain.OwnerKindDeclared("private", "said", NOW),
    ]
    refs, adopted, dirty = await left_by(pool, [(recorded("ref-a", n), each) for n, each in enumerate(events, start=1)])
    assert refs == [("ref-a", "person", None, "visit", NOW + timedelta(minutes=1), 8)]
    assert adopted == [
        ("ref-a", "phone/1", "lead/1/phone/1", True),
        ("ref-a", "phone/3", "lead/1/phone/3", False),
    ]
    assert dirty == [("ref-a",)]
    assert await left_by(pool, []) == [[], [], []]
