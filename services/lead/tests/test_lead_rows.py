"""The tables beside a lead say what its state says, whatever happened to it, and a replay makes them anew."""

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from lead_api import DEALERS

from lead.domain import lead as domain
from lead.service import Service, apply_views
from lead.service.aggregates.lead import aggregate
from lead.service.leads import by_timer
from roadbook.commands import Order, execute
from roadbook.database import Pool
from roadbook.decider import Rejected
from roadbook.errors import NotFound
from roadbook.events import Recorded, new_id
from roadbook.store.postgres import read_events

START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
RULES = domain.Rules(
    version="test",
    first_contact=DAY,
    feedback=DAY,
    protection=DAY,
    required_conversion=("model",),
    score=(domain.ScoreRule("model", 10), domain.ScoreRule("showroom_visit", 15), domain.ScoreRule("test_drive", 20)),
    route_by=("load",),
)
STAFF = ("staff-a", "staff-b", None)
MODELS = ("volkswagen-lavida", "volkswagen-polo", None)
TABLES = {"leads": "lead_id", "protections": "party_ref", "shares": "lead_id, dealer"}


def command(rng: random.Random, lead: domain.Lead, now: datetime) -> domain.Command:
    """Any command, sensible or not."""
    action, held = lead.next_action, lead.protection
    staff, dealer = rng.choice(STAFF), rng.choice(DEALERS[:3])
    somebody = staff or "staff-a"
    planned = domain.NextAction("call", now + rng.randrange(1, 60) * HOUR, staff)
    maybe = rng.choice((None, planned))
    candidates = tuple(domain.Candidate(each, "load") for each in rng.sample(DEALERS[:3], 3))
    cars = tuple(domain.VehicleInterest("buy", rng.choice(MODELS)) for _ in range(rng.randrange(3)))
    choices: list[Callable[[], domain.Command]] = [
        lambda: domain.EnrichLead(now, cars, region=rng.choice((None, "sh-pudong", "sh-centre")), rules=RULES),
        lambda: domain.QualifyLead(rng.choice(("hot", "warm", "cold")), (), RULES, now, candidates),
        lambda: domain.ScheduleFollowUp(planned, now),
        lambda: domain.NoteOverdue(action.due if action else now, now, RULES, candidates),
        lambda: domain.CompleteFollowUp("reached", staff, maybe, RULES, now),
        lambda: domain.RouteLead(candidates, RULES, now, rng.choice((None, dealer))),
        lambda: domain.AcceptLead(staff, RULES, now),
        lambda: domain.DeclineLead("no_capacity", candidates, RULES, now),
        lambda: domain.ReportLeadStatus("contacted", staff, RULES, now),
        lambda: domain.NoteFeedbackOverdue(lead.feedback_due or now, now),
        lambda: domain.ProtectLead(somebody, RULES, now),
        lambda: domain.NoteProtectionExpired(held.until if held else now, now),
        lambda: domain.ReleaseLead("holiday", now),
        lambda: domain.ClaimLead(somebody, now),
        lambda: domain.ReassignLead(lead.owner, somebody, "left", now),
        lambda: domain.ShareCustomer(dealer, rng.choice(("facts", "contact")), now + 3 * DAY, "help", now),
        lambda: domain.RevokeShare(dealer, now),
        lambda: domain.RecordExperience("volkswagen-polo", "view", 3, "site", RULES, now, now),
        lambda: domain.RecordVisit("look", 1, staff, RULES, now, now),
        lambda: domain.NoteSignal("test_drive", RULES, now),
        lambda: domain.ScoreLead(RULES, now),
        lambda: domain.RecordOutcome(rng.choice(("o1", "o2")), rng.choice(("won", "lost")), None, RULES, now),
        lambda: domain.ConvertLead(RULES, now),
        lambda: domain.RecycleLead("duplicate", now),
        lambda: domain.RestoreLead("mistake", maybe, RULES, now),
        lambda: domain.LoseLead("no_answer", now),
        lambda: domain.ReopenLead("called", maybe, RULES, now),
    ]
    if lead.routing is not None and rng.random() < 0.5:
        return choices[rng.choice((3, 6, 6, 7))]()  # an answer, or none in time
    # The ends come less often, and what they end comes back soon.
    weights = [1.0] * (len(choices) - 5) + [0.4, 0.4, 3.0, 0.4, 3.0]
    weights[10] = weights[11] = 2.0
    return rng.choices(choices, weights)[0]()


async def live(service: Service, rng: random.Random, steps: int) -> tuple[list[str], datetime]:
    """Eight leads of three parties through `steps` random commands each on the real store."""
    parties = [new_id() for _ in range(3)]
    streams = {aggregate.stream(new_id()): parties[n % 3] for n in range(8)}
    now = START
    for stream, party in streams.items():
        capture = domain.CaptureLead(
            party, "visit", rng.choice([*DEALERS[:3], None]), None, (), None,
            domain.Window(date(2026, 1, 1), None), (), (), None, RULES, now, now, campaign="spring",
        )  # fmt: skip
        order: Order[domain.Command] = Order(stream, capture, creates=True)
        await execute(service.store, aggregate, order, by_timer(now), apply_views)
    for _ in range(steps):
        for stream in rng.sample(sorted(streams), len(streams)):
            now += rng.choices((timedelta(minutes=1), timedelta(minutes=10), 3 * HOUR), (8, 3, 0.5))[0]
            lead = aggregate.fold((await service.store.load(stream)).events)
            assert isinstance(lead, domain.Lead)
            order = Order(stream, command(rng, lead, now))
            try:
                await execute(service.store, aggregate, order, by_timer(now), apply_views)
            except (Rejected, NotFound):
                continue
    return sorted(streams), now


def row_of(lead: domain.Lead, recorded: Sequence[Recorded], told: Sequence[domain.Event]) -> Mapping[str, Any]:
    """The row as the state says it; what the state does not keep, as the last event that speaks of it says."""
    action, first, last = lead.next_action, recorded[0], recorded[-1]
    return {
        "lead_id": UUID(last.stream.partition("/")[2]),
        "party_ref": lead.party_ref,
        "dealer": lead.dealer,
        "state": lead.status,
        "grade": lead.grade,
        "source": lead.source,
        "models": list(dict.fromkeys(car.model for car in lead.vehicles if car.model)),
        "next_action_kind": action and action.kind,
        "next_action_due": action and action.due,
        "next_action_assignee": action and action.assignee,
        "overdue": lead.overdue,
        "captured_at": first.time,
        "received_at": first.recorded,
        "updated_at": last.recorded,
        "version": last.version,
        "region": lead.region,
        "campaign": lead.campaign,
        "state_before": lead.before if any(isinstance(each, domain.LeadRecycled) for each in told) else None,
        "owner": lead.owner,
        "accept_by": lead.routing and lead.routing.accept_by,
        "feedback_overdue": _last_word(told, _feedback_overdue, False),
        "pooled": lead.pooled,
        "score": None if lead.score is None else sum(part.points for part in lead.score),
        "first_contact_at": lead.first_contact_at,
        "closed_at": _last_word(told, _closed_at, None),
    }


def _last_word(told: Sequence[domain.Event], says: Callable[[domain.Event], Any], value: Any) -> Any:
    for event in told:
        said = says(event)
        value = value if said == "nothing" else said
    return value


def _feedback_overdue(event: domain.Event) -> Any:
    match event:
        case domain.LeadFeedbackOverdue(awaited=awaited):
            return awaited == "status"
        case domain.LeadStatusReported() | domain.LeadRouted() | domain.LeadDeclined():
            return False
    return "nothing"


def _closed_at(event: domain.Event) -> Any:
    match event:
        case domain.LeadLost(at=at) | domain.LeadConverted(at=at):
            return at
        case domain.LeadReopened():
            return None
    return "nothing"


async def table(connection: Any, name: str) -> list[dict[str, Any]]:
    return [dict(row) for row in await connection.fetch(f"SELECT * FROM {name} ORDER BY {TABLES[name]}")]


async def histories(pool: Pool, streams: Sequence[str]) -> dict[str, Sequence[Recorded]]:
    async with pool.acquire() as connection:
        return {stream: await read_events(connection, stream) for stream in streams}


@pytest.mark.parametrize("seed", range(2))
async def test_the_tables_say_what_the_states_say(service: Service, lead_pool: Pool, seed: int) -> None:
    streams, now = await live(service, random.Random(seed), 120)
    found = await histories(lead_pool, streams)
    expected, shares, protected = [], [], {}
    seen: set[type[domain.Event]] = set()
    for events in found.values():
        told = [aggregate.codec.decode(event.type, event.data) for event in events]
        lead = aggregate.decider.fold(told)
        assert isinstance(lead, domain.Lead)
        seen |= {type(event) for event in told}
        row = row_of(lead, events, told)
        expected.append(row)
        shares += [
            {"lead_id": row["lead_id"], "dealer": share.dealer, "scope": share.scope, "until": share.until}
            for share in lead.shares
        ]
        held = lead.protection
        if held is not None and held.until > now:
            assert lead.party_ref not in protected, "two protect one customer"
            protected[lead.party_ref] = {
                "party_ref": lead.party_ref, "lead_id": row["lead_id"], "dealer": lead.dealer, "staff": held.staff,
                "until": held.until, "period": held.period,
            }  # fmt: skip
    rows = await table(lead_pool, "leads")
    wrong = [
        (row["lead_id"], name, row[name], should[name])
        for row, should in zip(rows, sorted(expected, key=lambda row: row["lead_id"]), strict=True)
        for name in row
        if row[name] != should[name]
    ]
    assert not wrong
    assert await table(lead_pool, "shares") == sorted(shares, key=lambda row: (row["lead_id"], row["dealer"]))
    alive = {row["party_ref"]: row for row in await table(lead_pool, "protections") if row["until"] > now}
    assert alive == protected
    never = set(domain.Event.__args__) - seen
    assert len(never) <= 2, {kind.__name__ for kind in never}


@pytest.mark.parametrize("seed", range(2))
async def test_a_replay_makes_the_same_tables(service: Service, lead_pool: Pool, seed: int) -> None:
    """All events in one apply, or in batches, as a partition holds them: in order for each party, not between them."""
    rng = random.Random(seed)
    streams, _ = await live(service, rng, 40)
    before = {name: await table(lead_pool, name) for name in TABLES}
    events = [event for each in (await histories(lead_pool, streams)).values() for event in each]
    order = {str(row["id"]): row["position"] for row in await lead_pool.fetch("SELECT id, position FROM events")}
    parties: dict[str, list[Recorded]] = {}
    for event in sorted(events, key=lambda event: order[event.id]):
        parties.setdefault(event.key, []).append(event)
    queues = list(parties.values())
    mixed: list[Recorded] = []
    while queues:
        queue = rng.choice(queues)
        mixed.append(queue.pop(0))
        queues = [each for each in queues if each]
    for size in (len(mixed), 7, 1):
        async with lead_pool.acquire() as connection, connection.transaction():
            for name in TABLES:
                await connection.execute(f"CREATE TEMP TABLE {name} (LIKE public.{name} INCLUDING ALL) ON COMMIT DROP")
            for start in range(0, len(mixed), size):
                await apply_views(connection, mixed[start : start + size])
            assert {name: await table(connection, name) for name in TABLES} == before


async def test_a_protection_may_come_back_before_the_release_that_it_waited_for(
    service: Service, lead_pool: Pool
) -> None:
    """Positions are drawn before the tables are written: of two leads the later may have the earlier one."""
    party, now = new_id(), START
    here, there = aggregate.stream(new_id()), aggregate.stream(new_id())
    capture = domain.CaptureLead(
        party, "visit", DEALERS[0], None, (), None, None, (), (), None, RULES, now, now
    )  # fmt: skip
    protect = domain.ProtectLead("staff-a", RULES, now)
    orders: list[Order[domain.Command]] = [
        Order(here, capture, creates=True), Order(there, capture, creates=True), Order(here, protect),
        Order(here, domain.ReleaseLead("holiday", now)), Order(there, protect),
        Order(there, domain.CompleteFollowUp("reached", "staff-a", None, RULES, now + HOUR)),
    ]  # fmt: skip
    for order in orders:
        await execute(service.store, aggregate, order, by_timer(now), apply_views)
    before = {name: await table(lead_pool, name) for name in TABLES}
    assert [str(row["lead_id"]) for row in before["protections"]] == [there.partition("/")[2]]
    events = await histories(lead_pool, [here, there])
    (release,) = (event for event in events[here] if event.type.endswith("lead_released_to_pool.v1"))
    earlier = [event for event in events[here] if event is not release]
    async with lead_pool.acquire() as connection, connection.transaction():
        for name in TABLES:
            await connection.execute(f"CREATE TEMP TABLE {name} (LIKE public.{name} INCLUDING ALL) ON COMMIT DROP")
        await apply_views(connection, [*earlier, *events[there], release])
        assert {name: await table(connection, name) for name in TABLES} == before


def test_every_column_and_every_event_is_thought_of() -> None:
    """`row_of` and `command` cover what there is: a new event or command has to be added to both."""
    rng, lead = random.Random(0), domain.Lead(
        "open", "p", None, "visit", START, (), None, None, (), (), ()
    )  # fmt: skip
    made = {type(command(rng, lead, START)) for _ in range(2_000)}
    assert made == set(domain.Command.__args__) - {domain.CaptureLead}
