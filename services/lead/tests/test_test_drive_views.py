"""The read tables of test drives and group buys: the same rows whatever the order of events, and indexes that serve."""

import json
import random
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lead.domain import test_drive as td
from lead.domain.test_drive import GRAIN, Event, Ratings
from lead.service import AGGREGATES, Service, apply_views
from lead.service.aggregates.test_drive import aggregate as drives_aggregate
from lead.views import group_buys, test_drives
from roadbook.database import Pool
from roadbook.events import Labels, Recorded, new_id
from roadbook.testing.plans import nodes

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
CAR = "LSVAA49J6T2900010"
TABLES = ("test_drives", "test_drive_slots", "group_buys", "group_buy_members")


# ── Putting back ──────────────────────────────────────────────────────────────────────────────────────────────
class Drive:
    """A stream of one car, by five minutes from `NOW`."""

    def __init__(self) -> None:
        self.stream, self.told = f"testdrive/{new_id()}", list[Event]()

    def say(self, event: Event) -> "Drive":
        self.told.append(event)
        return self

    def recorded(self) -> list[Recorded]:
        events = []
        for version, event in enumerate(self.told, start=1):
            new = drives_aggregate.codec.encode(event)
            events.append(
                Recorded(self.stream, version, new.id, new.type, new.time, NOW, new.data, "p", Labels(), "a", "c")
            )
        return events


def booked(first: int, end: int) -> Drive:
    span = (NOW + first * GRAIN, NOW + end * GRAIN, NOW + end * GRAIN)
    lead = new_id()
    return Drive().say(td.TestDriveBooked(lead, "p", CAR, "volkswagen-lavida", "dealer-sh-01", *span, None, "1", NOW))


def moved(drive: Drive, first: int, end: int) -> Drive:
    return drive.say(td.TestDriveRescheduled(NOW + first * GRAIN, NOW + end * GRAIN, NOW + end * GRAIN, "1", NOW))


def a_history(seed: int) -> list[Drive]:
    """Drives of one car as a service could have told them: of those that stood at any moment no two ever overlapped."""
    dice = random.Random(seed)
    held: dict[int, Drive] = {}
    drives: list[Drive] = []

    def free(span: range, but: Drive | None = None) -> bool:
        return all(held.get(grain) in (None, but) for grain in span)

    def let_go(drive: Drive) -> None:
        for grain in [grain for grain, by in held.items() if by is drive]:
            del held[grain]

    for _ in range(60):
        first = dice.randrange(20)
        span = range(first, first + dice.randrange(1, 6))
        standing = sorted({drive.stream: drive for drive in held.values()}.items())
        drive = dice.choice(standing)[1] if standing and dice.random() < 0.6 else None
        if drive is None:
            if free(span):
                drives.append(booked(span.start, span.stop))
                held |= dict.fromkeys(span, drives[-1])
            continue
        if isinstance(drive.told[-1], td.TestDriveTaken):
            continue
        match dice.randrange(4):
            case 0 if free(span, drive):
                let_go(moved(drive, span.start, span.stop))
                held |= dict.fromkeys(span, drive)
            case 1:
                let_go(drive.say(td.TestDriveCancelled("x", NOW)))
            case 2:
                let_go(drive.say(td.TestDriveMissed(NOW)))
            case 3 if dice.random() < 0.2:
                drive.say(td.TestDriveTaken(Ratings(), None, None, None, NOW))
    return drives


def standing(drives: Sequence[Drive]) -> dict[datetime, uuid.UUID]:
    """Which drive holds which five minutes, told by the events alone."""
    slots = {}
    for drive in drives:
        state = drives_aggregate.decider.fold(drive.told)
        assert isinstance(state, td.TestDrive)
        at = state.starts
        while state.status in ("booked", "taken") and at < state.ends:
            assert at not in slots  # the history is one that can be
            slots[at] = uuid.UUID(drive.stream.partition("/")[2])
            at += GRAIN
    return slots


def interleaved(drives: Sequence[Drive], dice: random.Random) -> list[Recorded]:
    """Every order of the streams among each other may come; inside a stream the versions stay in order."""
    waiting = [drive.recorded() for drive in drives]
    events = []
    while waiting:
        stream = dice.choice(waiting)
        events.append(stream.pop(0))
        waiting = [rest for rest in waiting if rest]
    return events


@pytest.mark.parametrize("seed", range(12))
async def test_events_put_back_in_any_order_end_in_the_same_slots(lead_pool: Pool, seed: int) -> None:
    drives, dice = a_history(seed), random.Random(seed)
    events = interleaved(drives, dice)
    async with lead_pool.acquire() as connection:
        while events:
            batch = dice.choice([1, 2, 5, 500])
            async with connection.transaction():
                await apply_views(connection, events[:batch])
            events = events[batch:]
        found = await test_drives.taken(connection, CAR, NOW - timedelta(days=1), NOW + timedelta(days=1))
    assert found == standing(drives)


async def test_the_histories_are_such_that_order_matters(lead_pool: Pool) -> None:
    """Of some streams the later is told before the earlier has let go: else the test above would show nothing."""
    met = 0
    for seed in range(12):
        claimed: dict[int, set[str]] = {}
        for drive in a_history(seed):
            for event in drive.told:
                if isinstance(event, td.TestDriveBooked | td.TestDriveRescheduled):
                    for grain in range((event.starts - NOW) // GRAIN, (event.ends - NOW) // GRAIN):
                        claimed.setdefault(grain, set()).add(drive.stream)
        met += sum(len(streams) > 1 for streams in claimed.values())
    assert met > 100


async def test_who_comes_second_among_live_commands_does_not_hold_all(lead_pool: Pool) -> None:
    first, second, third = booked(0, 4), booked(3, 5), booked(4, 5)
    async with lead_pool.acquire() as connection:
        for drive, holds in ((first, True), (second, False), (third, False)):
            await apply_views(connection, drive.recorded())
            assert await test_drives.holds_all(connection, uuid.UUID(drive.stream.partition("/")[2])) is holds


async def test_the_tables_are_a_fold_of_the_events(
    caller: Callable[..., Any], intent: dict[str, Any], service: Service, lead_pool: Pool, clock: Any
) -> None:
    """Built anew from all streams, the last first, they are the same row by row; so are the timers."""
    api = caller()
    lead, other = [(await api.post("/v1/leads", intent)).json()["lead"] for _ in range(2)]
    drives = []
    for n in range(4):
        body = {"lead": lead, "vin": CAR, "starts": (NOW + n * timedelta(minutes=30)).isoformat(), "minutes": 30}
        drives.append((await api.post("/v1/test-drives", body)).headers["location"])
    await api.post(f"{drives[0]}:complete", {"recommend": 9})
    await api.post(f"{drives[1]}:cancel", {"reason": "x"})
    await api.post(f"{drives[2]}:reschedule", {"starts": (NOW + timedelta(minutes=30)).isoformat(), "minutes": 60})
    offer = {"model": "volkswagen-lavida", "price": {"currency": "CNY", "minor": 1}, "places": 2, "threshold": 1,
             "closes_at": "2026-02-01T08:00:00Z"}  # fmt: skip
    groups = [(await api.post("/v1/group-buys", offer)).headers["location"] for _ in range(2)]
    for each in (lead, other):
        await api.post(f"{groups[0]}:join", {"lead": each})
    await api.post(f"{groups[0]}:leave", {"lead": lead})
    await api.post(f"{groups[1]}:cancel")

    streams = [row["stream"] for row in await lead_pool.fetch("SELECT stream FROM streams ORDER BY stream DESC")]
    histories = {s: (await service.store.load(s)).events for s in streams if not s.startswith("lead/")}
    assert len(histories) == 6
    async with lead_pool.acquire() as connection, connection.transaction():
        before = {table: await connection.fetch(f"SELECT * FROM {table} ORDER BY 1, 2") for table in TABLES}
        for table in TABLES:
            await connection.execute(f"CREATE TEMP TABLE {table} (LIKE public.{table} INCLUDING ALL) ON COMMIT DROP")
        await apply_views(connection, [event for events in histories.values() for event in events])
        for table in TABLES:
            assert before[table]
            assert await connection.fetch(f"SELECT * FROM {table} ORDER BY 1, 2") == before[table], table
    wanted = {
        f"{stream}/{timer.kind}": timer.due
        for stream, events in histories.items()
        for aggregate in [AGGREGATES[stream.partition("/")[0]]]
        for timer in aggregate.timers(aggregate.fold(events))
        if timer.due is not None
    }
    set_now = await lead_pool.fetch(
        "SELECT id, due FROM timers WHERE stream NOT LIKE 'lead/%' AND kind NOT LIKE $1", "%/%"
    )
    assert {row["id"]: row["due"] for row in set_now} == {k: v for k, v in wanted.items() if "tell_lead/" not in k}


# ── Indexes ───────────────────────────────────────────────────────────────────────────────────────────────────


async def plan_of(pool: Pool, statement: str, arguments: Sequence[Any]) -> list[dict[str, Any]]:
    return nodes(json.loads(await pool.fetchval("EXPLAIN (FORMAT JSON) " + statement, *arguments))[0]["Plan"])


async def fill_drives(owner: Any, count: int) -> None:
    await owner.execute(
        """
        INSERT INTO test_drives (test_drive, lead, party_ref, dealer, vin, model, state, starts, ends, booked_at,
                                 version)
        SELECT gen_random_uuid(), gen_random_uuid(), 'p', 'dealer-' || n % 50, 'vin-' || n % 100, 'm', 'booked',
               $2::timestamptz + n * interval '15 minutes', $2::timestamptz + (n + 2) * interval '15 minutes',
               $2::timestamptz - n * interval '1 minute', 1
        FROM generate_series(1, $1) AS n
        """,
        count,
        NOW,
    )
    await owner.execute(
        "INSERT INTO test_drive_slots SELECT vin, slot, test_drive FROM test_drives,"
        " generate_series(starts, ends - interval '1 second', interval '5 minutes') AS slot"
    )
    await owner.execute("ANALYZE test_drives, test_drive_slots")


@pytest.mark.parametrize(
    ("wanted", "index", "sorted_by_index"),
    [
        (test_drives.Wanted(dealer="dealer-7"), "test_drives_by_dealer", True),
        (test_drives.Wanted(), "test_drives_by_time", True),
        (
            test_drives.Wanted(dealer="dealer-7", starts=(NOW + timedelta(days=40), NOW + timedelta(days=41))),
            "test_drives_by_dealer_day",
            False,
        ),
        (test_drives.Wanted(lead=uuid.uuid4()), "test_drives_by_lead", False),
        (test_drives.Wanted(dealer="dealer-7", vin="vin-7"), "test_drives_by_car", False),
    ],
)
async def test_a_page_of_drives_is_read_from_its_index(
    lead_pool: Pool, owner_connection: Any, wanted: test_drives.Wanted, index: str, sorted_by_index: bool
) -> None:
    await fill_drives(owner_connection, 20_000)
    for after in (None, (NOW - timedelta(minutes=10_000), uuid.UUID(int=0))):
        found = await plan_of(lead_pool, *test_drives.drives_query(wanted, after, 11))
        assert index in {node.get("Index Name") for node in found}
        assert "Seq Scan" not in {node["Node Type"] for node in found}
        assert not sorted_by_index or "Sort" not in {node["Node Type"] for node in found}


async def test_what_a_command_asks_of_the_slots_is_answered_by_indexes(lead_pool: Pool, owner_connection: Any) -> None:
    await fill_drives(owner_connection, 20_000)
    drive = uuid.uuid4()
    slots = [NOW + timedelta(days=40) + n * GRAIN for n in range(12)]
    for statement, arguments in (
        (test_drives._TAKE, [drive]),
        (test_drives._LET_GO, [drive]),
        (test_drives._HAND_ON, ["vin-7", slots]),
        (test_drives._HOLDS_ALL, [drive]),
        (test_drives._TAKEN, ["vin-7", NOW, NOW + timedelta(days=1)]),
    ):
        found = await plan_of(lead_pool, statement, arguments)
        assert "Seq Scan" not in {node["Node Type"] for node in found}, statement


@pytest.mark.parametrize("seen_by", ["dealer-7", None])
async def test_a_page_of_group_buys_is_read_from_its_indexes(
    lead_pool: Pool, owner_connection: Any, seen_by: str | None
) -> None:
    await owner_connection.execute(
        """
        INSERT INTO group_buys (group_buy, dealer, model, currency, price, places, threshold, closes_at, opened_at,
                                members, version)
        SELECT gen_random_uuid(), CASE WHEN n % 10 = 0 THEN NULL ELSE 'dealer-' || n % 50 END, 'm', 'CNY', 1, 50, 20,
               $1::timestamptz + interval '1 day', $1::timestamptz - n * interval '1 minute', 0, 1
        FROM generate_series(1, 20000) AS n
        """,
        NOW,
    )
    await owner_connection.execute("ANALYZE group_buys")
    for after in (None, (NOW - timedelta(minutes=10_000), uuid.UUID(int=0))):
        wanted = group_buys.Wanted(seen_by, open_at=NOW)
        found = await plan_of(lead_pool, *group_buys.groups_query(wanted, after, 11))
        kinds = {node["Node Type"] for node in found}
        assert "Seq Scan" not in kinds
        assert seen_by or "Sort" not in kinds  # a dealer's two pages are merged
