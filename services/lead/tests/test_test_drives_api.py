"""Test drives over HTTP on a real Postgres: no car is booked twice, and the lead is told."""

import asyncio
import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import httpx2
import pytest

from lead.domain import test_drive as td
from lead.domain.lead import Lead
from lead.service import Service, leads, test_drives
from lead.service.aggregates.test_drive import aggregate
from lead.service.timers import on_timer
from lead.settings import SeedNetwork
from roadbook.clock import SimulatedClock
from roadbook.context import CommandContext
from roadbook.database import Pool
from roadbook.decider import Rejected
from roadbook.timers import Timer, TimerWorker

pytestmark = pytest.mark.usefixtures("service")
LAVIDA, TIGUAN = "LSVAA49J6T2900010", "LSVCB45L1T2900011"
OF_SH_02 = "LSVAA49J9T2900020"
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
TEN = datetime(2026, 1, 6, 2, 0, tzinfo=UTC)  # ten o'clock in Shanghai, the day after
ADMITTED = 64  # by the service at once
FORM: dict[str, Any] = {
    "ratings": {"design": 4, "value": 5},
    "recommend": 9,
    "odometer_out": 1204,
    "odometer_in": 1219,
    "comment": "后排空间有点小",
}


@pytest.fixture
async def lead(api: Any, intent: dict[str, Any]) -> str:
    return str((await api.post("/v1/leads", intent)).json()["lead"])


@pytest.fixture
def timers(service: Service, lead_pool: Pool, clock: SimulatedClock) -> TimerWorker:
    async def handle(timer: Timer) -> None:
        await on_timer(service, timer, clock.now())

    return TimerWorker(lead_pool, clock, handle)


def booking(lead: str, starts: datetime = TEN, minutes: int = 30, vin: str = LAVIDA, **more: Any) -> dict[str, Any]:
    return {"lead": lead, "vin": vin, "starts": starts.isoformat(), "minutes": minutes, **more}


def moved(starts: datetime, minutes: int = 30) -> dict[str, Any]:
    return {"starts": starts.isoformat(), "minutes": minutes}


def problem(response: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    body: dict[str, Any] = response.json()
    assert body["code"] == code
    return body


async def booked(api: Any, *args: Any, **options: Any) -> str:
    """The path of a drive that was booked."""
    response = await api.post("/v1/test-drives", booking(*args, **options))
    assert response.status_code == 201, response.text
    return str(response.headers["location"])


async def told(service: Service, path: str) -> list[str]:
    events = (await service.store.load("testdrive/" + path.rpartition("/")[2])).events
    return [event.type.split(".")[2] for event in events]


async def signals(service: Service, lead: str) -> list[str]:
    state = (await leads.snapshot(service, f"lead/{lead}")).state
    assert isinstance(state, Lead)
    return [signal for signal in state.signals if signal == "test_drive"]


# ── Book ──────────────────────────────────────────────────────────────────────────────────────────────────────
async def test_a_drive_is_booked_for_a_lead_in_a_car_of_its_dealer(api: Any, lead: str, lead_pool: Pool) -> None:
    response = await api.post("/v1/test-drives", booking(lead, staff="staff-sh-01-1"))
    assert response.status_code == 201, response.text
    body = response.json()
    assert response.headers["location"] == f"/v1/test-drives/{body['test_drive']}"
    assert body["stream"] == f"testdrive/{body['test_drive']}"
    shown = (await api.get(response.headers["location"])).json()
    party_ref = (await api.get(f"/v1/leads/{lead}")).json()["party_ref"]
    assert shown == {
        "test_drive": body["test_drive"],
        "stream": body["stream"],
        "version": 1,
        "state": "booked",
        "lead": lead,
        "party_ref": party_ref,
        "vin": LAVIDA,
        "model": "volkswagen-lavida",
        "dealer": "dealer-sh-01",
        "staff": "staff-sh-01-1",
        "starts": "2026-01-06T02:00:00Z",
        "ends": "2026-01-06T02:30:00Z",
        "report_by": "2026-01-06T03:30:00Z",
        "rules": "2026-2",
        "booked_at": "2026-01-05T08:00:00Z",
        "closed_at": None,
        "reason": None,
        "feedback": None,
        "comment": None,
    }
    event = await lead_pool.fetchrow(
        "SELECT * FROM events JOIN streams USING (stream) WHERE stream = $1", body["stream"]
    )
    assert event is not None
    assert (event["key"], event["dealer"], event["party_ref"], event["vin"]) == (
        party_ref, "dealer-sh-01", party_ref, LAVIDA,
    )  # fmt: skip


MISFITS: list[tuple[dict[str, Any], str, str]] = [
    ({"starts": "2026-01-06T10:05:00+08:00"}, "/starts", "off_slot"),
    ({"minutes": 20}, "/minutes", "not_whole_slots"),
    ({"minutes": 195}, "/minutes", "too_long"),
    ({"vin": OF_SH_02}, "/vin", "unknown_demonstrator"),
    ({"vin": "LSVAA49J132047371"}, "/vin", "unknown_demonstrator"),
    ({"staff": "staff-sh-02-1"}, "/staff", "unknown_staff"),
]


@pytest.mark.parametrize(("change", "pointer", "code"), MISFITS, ids=[code for _, _, code in MISFITS])
async def test_what_does_not_fit_is_refused_with_its_place(
    api: Any, lead: str, change: dict[str, Any], pointer: str, code: str
) -> None:
    refused = problem(await api.post("/v1/test-drives", {**booking(lead), **change}), 422, "invalid_request")
    assert [(error["pointer"], error["code"]) for error in refused["errors"]] == [(pointer, code)]


async def test_a_drive_that_is_moved_must_fit_too(api: Any, lead: str) -> None:
    path = await booked(api, lead)
    for body in (moved(TEN + 5 * MINUTE), moved(TEN, 20), moved(TEN, 195)):
        problem(await api.post(f"{path}:reschedule", body), 422, "invalid_request")


async def test_headquarters_books_in_a_car_of_the_leads_dealer(
    caller: Callable[..., Any], api: Any, lead: str, intent: dict[str, Any]
) -> None:
    hq = caller(None, headquarters=True)
    path = await booked(hq, lead)
    assert (await api.get(path)).json()["dealer"] == "dealer-sh-01"
    refused = await hq.post("/v1/test-drives", booking(lead, vin=OF_SH_02))
    assert problem(refused, 422, "invalid_request")["errors"][0]["code"] == "unknown_demonstrator"


async def test_a_closed_lead_takes_no_drive_and_the_booking_stays_what_it_was(api: Any, lead: str) -> None:
    first = await api.post("/v1/test-drives", booking(lead), key="first")
    await api.post(f"/v1/leads/{lead}:lose", {"reason": "no_answer"})
    problem(await api.post("/v1/test-drives", booking(lead, TEN + HOUR), key="second"), 409, "lead_closed")
    again = await api.post("/v1/test-drives", booking(lead), key="first")
    assert (again.status_code, again.content) == (201, first.content)


async def test_a_booking_needs_a_key_and_a_repeat_makes_no_second(api: Any, lead: str, lead_pool: Pool) -> None:
    problem(await api.post("/v1/test-drives", booking(lead), key=None), 400, "idempotency_key_missing")
    answers = await asyncio.gather(*(api.post("/v1/test-drives", booking(lead), key="once") for _ in range(5)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"idempotency_in_flight"}
    assert await lead_pool.fetchval("SELECT count(*) FROM test_drives") == 1


async def test_the_slot_that_has_begun_can_be_booked_and_no_earlier_one(
    api: Any, lead: str, clock: SimulatedClock
) -> None:
    clock.advance(TEN + 14 * MINUTE - clock.now())
    await booked(api, lead)
    refused = await api.post("/v1/test-drives", booking(lead, TEN - 15 * MINUTE, 15))
    problem(refused, 409, "test_drive_in_the_past")


# ── A car cannot be booked twice ──────────────────────────────────────────────────────────────────────────────
async def test_a_taken_car_is_refused_and_stays_refused_under_its_key(api: Any, lead: str) -> None:
    path = await booked(api, lead)
    for starts, minutes in ((TEN, 30), (TEN - 15 * MINUTE, 30), (TEN + 15 * MINUTE, 60), (TEN - HOUR, 180)):
        refused = await api.post("/v1/test-drives", booking(lead, starts, minutes), key=f"{starts}{minutes}")
        assert "calendar" in (await api.client.get("/problems/car_booked")).text
        problem(refused, 409, "car_booked")
    await booked(api, lead, TEN + 30 * MINUTE)
    await booked(api, lead, TEN - 30 * MINUTE)
    await booked(api, lead, vin=TIGUAN)
    await api.post(f"{path}:cancel", {"reason": "customer_asked"})
    problem(await api.post("/v1/test-drives", booking(lead), key=f"{TEN}30"), 409, "car_booked")
    await booked(api, lead)


@pytest.mark.parametrize("verb", ["cancel", "miss", "reschedule"])
async def test_a_car_is_free_again(api: Any, lead: str, verb: str) -> None:
    path = await booked(api, lead)
    body = {"cancel": {"reason": "customer_asked"}, "reschedule": moved(TEN + HOUR)}.get(verb)
    assert (await api.post(f"{path}:{verb}", body)).status_code == 200
    await booked(api, lead)


async def test_a_drive_that_was_taken_keeps_its_time(api: Any, lead: str, clock: SimulatedClock) -> None:
    path = await booked(api, lead, TEN, 60)
    clock.advance(TEN + 5 * MINUTE - clock.now())
    assert (await api.post(f"{path}:complete", FORM)).status_code == 200
    problem(await api.post("/v1/test-drives", booking(lead, TEN + 30 * MINUTE)), 409, "car_booked")


async def test_a_drive_moves_over_its_own_time_and_not_over_anothers(api: Any, lead: str) -> None:
    path, other = await booked(api, lead), await booked(api, lead, TEN + HOUR)
    assert (await api.post(f"{path}:reschedule", moved(TEN + 15 * MINUTE, 45))).status_code == 200
    await booked(api, lead, TEN, 15)
    problem(await api.post(f"{path}:reschedule", moved(TEN + 45 * MINUTE, 30)), 409, "car_booked")
    shown = (await api.get(path)).json()
    assert (shown["starts"], shown["ends"]) == ("2026-01-06T02:15:00Z", "2026-01-06T03:00:00Z")
    problem(await api.post("/v1/test-drives", booking(lead, TEN + 15 * MINUTE, 15)), 409, "car_booked")
    assert (await api.get(other)).json()["version"] == 1


async def test_bookings_under_another_rule_pack_meet_those_before_it(
    api: Any, lead: str, service: Service, network: SeedNetwork, clock: SimulatedClock
) -> None:
    """Ten minutes instead of fifteen: the slots begin elsewhere, the car is the same."""
    await booked(api, lead, TEN, 15)
    pack = td.TestDriveRules("next", 10 * MINUTE, HOUR, HOUR)
    later = replace(service, network=replace(network, drives=pack))
    context = CommandContext("staff-1", "c", "dealer-sh-01", clock.now(), str(uuid.uuid4()))

    async def book(starts: datetime) -> Any:
        wish = test_drives.Booking(lead, LAVIDA, starts, starts + 10 * MINUTE)
        return await test_drives.book(later, wish, context)

    for starts in (TEN, TEN + 10 * MINUTE):
        with pytest.raises(Rejected, match="car_booked"):
            await book(starts)
    assert (await book(TEN + 20 * MINUTE)).status == 201
    problem(await api.post("/v1/test-drives", booking(lead, TEN + 15 * MINUTE, 15)), 409, "car_booked")


async def until_definite(api: Any, path: str, body: Any, line: asyncio.Semaphore) -> httpx2.Response:
    """A client as it should be: what may be repeated is repeated under its key until the answer is definite. `line`
    stands for the time it would wait when the service says that it is overloaded."""
    key = str(uuid.uuid4())
    while True:
        async with line:
            response: httpx2.Response = await api.post(path, body, key=key)
        if response.status_code < 500 and not response.json().get("retryable"):
            return response


async def spans(service: Service, lead_pool: Pool) -> list[tuple[datetime, datetime]]:
    """When the car is taken, told by the events alone."""
    rows = await lead_pool.fetch("SELECT stream FROM streams WHERE stream LIKE 'testdrive/%'")
    states = [aggregate.fold((await service.store.load(row["stream"])).events) for row in rows]
    drives = [state for state in states if isinstance(state, td.TestDrive)]
    return sorted((drive.starts, drive.ends) for drive in drives if drive.status in ("booked", "taken"))


def overlaps(spans: list[tuple[datetime, datetime]]) -> bool:
    return any(later[0] < earlier[1] for earlier, later in pairwise(spans))


async def test_200_bookings_at_once_leave_no_overlap_and_refuse_nobody_in_vain(
    api: Any, lead: str, service: Service, lead_pool: Pool
) -> None:
    seeded = random.Random(4)
    wishes = [(TEN + seeded.randrange(32) * 15 * MINUTE, seeded.choice([15, 30, 45, 60, 90])) for _ in range(200)]
    line = asyncio.Semaphore(ADMITTED)
    answers = await asyncio.gather(
        *(until_definite(api, "/v1/test-drives", booking(lead, *wish), line) for wish in wishes)
    )
    taken = await spans(service, lead_pool)
    assert not overlaps(taken)
    assert len(taken) == [answer.status_code for answer in answers].count(201)
    for (starts, minutes), answer in zip(wishes, answers, strict=True):
        ends = starts + minutes * MINUTE
        if answer.status_code == 201:
            assert (starts, ends) in taken
        else:
            problem(answer, 409, "car_booked")
            assert any(s < ends and starts < e for s, e in taken)


async def test_as_many_are_booked_at_once_as_fit(api: Any, lead: str, service: Service, lead_pool: Pool) -> None:
    wishes = [TEN + n * 30 * MINUTE for n in range(20)] * 10
    random.Random(4).shuffle(wishes)
    line = asyncio.Semaphore(ADMITTED)
    answers = await asyncio.gather(*(until_definite(api, "/v1/test-drives", booking(lead, w), line) for w in wishes))
    assert sorted(answer.status_code for answer in answers) == [201] * 20 + [409] * 180
    assert [starts for starts, _ in await spans(service, lead_pool)] == sorted(set(wishes))


async def test_drives_that_are_moved_at_once_never_meet(api: Any, lead: str, service: Service, lead_pool: Pool) -> None:
    """Some swap places: neither may wait for the other, nor stand where the other still is."""
    paths = [await booked(api, lead, TEN + n * 30 * MINUTE) for n in range(8)]
    seeded, line = random.Random(4), asyncio.Semaphore(ADMITTED)

    async def wander(path: str) -> None:
        for _ in range(6):
            to = moved(TEN + seeded.randrange(40) * 15 * MINUTE, seeded.choice([15, 30, 45]))
            answer = await until_definite(api, f"{path}:reschedule", to, line)
            assert answer.status_code == 200 or problem(answer, 409, "car_booked")

    await asyncio.gather(*(wander(path) for path in paths))
    taken = await spans(service, lead_pool)
    assert len(taken) == 8
    assert not overlaps(taken)
    slots = await lead_pool.fetchval("SELECT count(*) FROM test_drive_slots")
    assert slots == sum((ends - starts) // td.GRAIN for starts, ends in taken)


# ── What came of it ───────────────────────────────────────────────────────────────────────────────────────────
async def test_a_drive_that_was_taken_keeps_the_form_and_the_comment_as_personal_data(
    api: Any, lead: str, service: Service, clock: SimulatedClock
) -> None:
    path = await booked(api, lead)
    problem(await api.post(f"{path}:complete", FORM), 409, "test_drive_not_begun")
    clock.advance(TEN + 30 * MINUTE - clock.now())
    answer = await api.post(f"{path}:complete", FORM)
    assert answer.status_code == 200, answer.text
    shown = (await api.get(path)).json()
    assert (shown["state"], shown["closed_at"], shown["comment"]) == ("taken", "2026-01-06T02:30:00Z", FORM["comment"])
    assert shown["feedback"] == {
        "ratings": {"design": 4, "comfort": None, "handling": None, "space": None, "value": 5},
        "recommend": 9,
        "odometer_out": 1204,
        "odometer_in": 1219,
    }
    events = (await service.store.load(shown["stream"])).events
    assert not any("后排" in event.data for event in events)
    again = await api.post(f"{path}:complete", FORM)
    assert (again.status_code, again.json()["events"]) == (200, [])
    problem(await api.post(f"{path}:complete", {"recommend": 1}), 409, "test_drive_closed")
    problem(await api.post(f"{path}:cancel", {"reason": "x"}), 409, "test_drive_closed")


async def test_a_comment_is_found_only_where_personal_data_lives(
    api: Any, lead: str, clock: SimulatedClock, owner_connection: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    path, canary = await booked(api, lead), "CANARY7f3e9c1a"
    clock.advance(TEN - clock.now())
    answers = [
        await api.post(f"{path}:complete", {**FORM, "comment": canary}),
        await api.post(f"{path}:complete", {**FORM, "comment": canary, "recommend": 1}),
        await api.post(f"{path}:cancel", {"reason": canary}),
        await api.post("/v1/test-drives", {**booking(lead), "staff": canary, "vin": canary}),
    ]
    assert [answer.status_code for answer in answers] == [200, 409, 422, 422]
    assert not any(canary in answer.text for answer in answers)
    assert canary not in "".join(capsys.readouterr())
    tables = await owner_connection.fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = $1::regnamespace", "public"
    )
    holding = [
        table["relname"]
        for table in tables
        if await owner_connection.fetchval(
            f"SELECT EXISTS (SELECT 1 FROM {table['relname']} t WHERE position($1 IN t::text) > 0)", canary
        )
    ]
    assert holding == ["personal_data"]


async def test_a_form_that_cannot_be_is_refused(api: Any, lead: str) -> None:
    path = await booked(api, lead)
    for body in (
        {"ratings": {"design": 6}}, {"ratings": {"design": 0}}, {"ratings": {"smell": 3}}, {"recommend": 11},
        {"odometer_out": 1219, "odometer_in": 1204},
    ):  # fmt: skip
        problem(await api.post(f"{path}:complete", body), 422, "invalid_request")


async def test_a_drive_of_which_nothing_is_said_is_missed_at_its_due_time_and_its_car_is_free(
    api: Any, lead: str, service: Service, timers: TimerWorker, clock: SimulatedClock, lead_pool: Pool
) -> None:
    path = await booked(api, lead)
    clock.advance(TEN + 90 * MINUTE - timedelta(seconds=1) - clock.now())
    await timers.step()
    assert await told(service, path) == ["test_drive_booked"]
    clock.advance(5 * HOUR)
    problem(await api.post(f"{path}:complete", FORM), 409, "test_drive_closed")  # before the timer came
    await timers.step()
    shown = (await api.get(path)).json()
    assert (shown["state"], shown["closed_at"]) == ("missed", "2026-01-06T03:30:00Z")
    assert await lead_pool.fetchval("SELECT count(*) FROM test_drive_slots") == 0
    assert await lead_pool.fetchval("SELECT count(*) FROM timers WHERE stream LIKE 'testdrive/%'") == 0
    assert await signals(service, lead) == []


async def test_a_drive_that_was_moved_is_missed_at_its_new_time(
    api: Any, lead: str, service: Service, timers: TimerWorker, clock: SimulatedClock
) -> None:
    path = await booked(api, lead)
    await api.post(f"{path}:reschedule", moved(TEN + HOUR))
    clock.advance(TEN + 90 * MINUTE - clock.now())
    await timers.step()
    assert await told(service, path) == ["test_drive_booked", "test_drive_rescheduled"]
    clock.advance(HOUR)
    await timers.step()
    assert (await api.get(path)).json()["closed_at"] == "2026-01-06T04:30:00Z"


async def test_the_lead_is_told_of_a_drive_that_was_taken(
    api: Any, lead: str, service: Service, timers: TimerWorker, clock: SimulatedClock, lead_pool: Pool
) -> None:
    path = await booked(api, lead)
    clock.advance(TEN - clock.now())
    taken = (await api.post(f"{path}:complete", FORM)).json()["events"]
    await timers.step()
    assert await signals(service, lead) == ["test_drive"]
    assert await lead_pool.fetchval("SELECT count(*) FROM timers WHERE kind = 'tell_lead'") == 0
    last = (await service.store.load(f"lead/{lead}")).events[-1]
    assert (last.actor, last.causation) == ("system:timer", taken[0])


async def test_what_ends_between_the_two_commands_loses_nothing_and_tells_nothing_twice(
    api: Any, lead: str, service: Service, clock: SimulatedClock, lead_pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lead was told and the process died before the timer was removed; then two workers have it at once."""
    path = await booked(api, lead)
    clock.advance(TEN - clock.now())
    await api.post(f"{path}:complete", FORM)
    seen: list[Timer] = []

    async def dying(timer: Timer) -> None:
        seen.append(timer)
        with monkeypatch.context() as patched:
            patched.setattr("roadbook.timers.done", die)
            await on_timer(service, timer, clock.now())

    async def die(*_: Any) -> None:
        raise RuntimeError("killed here")

    await TimerWorker(lead_pool, clock, dying).step()
    assert [timer.kind for timer in seen if timer.stream.startswith("testdrive/")] == ["tell_lead"]
    assert await signals(service, lead) == ["test_drive"]
    version = len((await service.store.load(f"lead/{lead}")).events)
    (tell,) = (timer for timer in seen if timer.kind == "tell_lead")
    assert await lead_pool.fetchval("SELECT due FROM timers WHERE id = $1", tell.id) == tell.due
    await asyncio.gather(*(on_timer(service, tell, clock.now()) for _ in range(2)))
    assert await lead_pool.fetchval("SELECT count(*) FROM timers WHERE id = $1", tell.id) == 0
    assert len((await service.store.load(f"lead/{lead}")).events) == version


async def test_a_lead_that_was_lost_meanwhile_is_no_trouble(
    api: Any, lead: str, service: Service, timers: TimerWorker, clock: SimulatedClock, lead_pool: Pool
) -> None:
    path = await booked(api, lead)
    await api.post(f"/v1/leads/{lead}:lose", {"reason": "no_answer"})
    clock.advance(TEN - clock.now())
    await api.post(f"{path}:complete", FORM)
    await timers.step()
    assert await lead_pool.fetchval("SELECT count(*) FROM timers WHERE stream LIKE 'testdrive/%'") == 0


async def test_the_examples_of_the_description_are_accepted(
    http: httpx2.AsyncClient, api: Any, lead: str, clock: SimulatedClock
) -> None:
    document = (await http.get("/openapi.json")).json()

    def example(path: str) -> Any:
        content = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        return content["examples"]["example"]["value"]

    book = {**example("/v1/test-drives"), "lead": lead}
    path, other = [
        (await api.post("/v1/test-drives", {**book, **more})).headers["location"] for more in ({}, {"vin": TIGUAN})
    ]
    for verb, target in (("reschedule", path), ("cancel", other), ("complete", path)):
        if verb == "complete":
            starts = datetime.fromisoformat((await api.get(path)).json()["starts"])
            clock.advance(starts - clock.now())
        answer = await api.post(f"{target}:{verb}", example(f"/v1/test-drives/{{test_drive_id}}:{verb}"))
        assert (answer.status_code, len(answer.json()["events"])) == (200, 1), answer.text


# ── Access ────────────────────────────────────────────────────────────────────────────────────────────────────
def requests_on(path: str, lead: str, vin: str) -> Iterator[tuple[str, str, Any]]:
    yield "GET", path, None
    yield "GET", f"/v1/demonstrators/{vin}/calendar", None
    yield "POST", "/v1/test-drives", booking(lead, TEN + 3 * HOUR)
    yield "POST", f"{path}:reschedule", moved(TEN + 4 * HOUR)
    yield "POST", f"{path}:cancel", {"reason": "x"}
    yield "POST", f"{path}:complete", FORM
    yield "POST", f"{path}:complete", {}
    yield "POST", f"{path}:miss", None


async def test_anothers_lead_drive_or_car_answers_as_one_that_never_was(
    caller: Callable[..., Any], api: Any, lead: str
) -> None:
    path, other = await booked(api, lead), caller("dealer-sh-02")
    never = requests_on(f"/v1/test-drives/{uuid.uuid4()}", str(uuid.uuid4()), "LSVAA49J132047371")
    for (method, there, body), (_, gone, nothing) in zip(requests_on(path, lead, LAVIDA), never, strict=True):
        answers = [
            await (other.get(p) if method == "GET" else other.post(p, b)) for p, b in ((there, body), (gone, nothing))
        ]
        assert [answer.status_code for answer in answers] == [404, 404], there
        assert answers[0].content == answers[1].content
    assert (await api.get(path)).json()["version"] == 1


async def test_a_scope_opens_only_its_routes(caller: Callable[..., Any], api: Any, lead: str) -> None:
    path = await booked(api, lead)
    reader, writer = caller(scopes=["lead:read"]), caller(scopes=["lead:write"])
    for method, target, body in requests_on(path, lead, LAVIDA):
        wrong, right = (writer, reader) if method == "GET" else (reader, writer)
        answer = await (wrong.get(target) if method == "GET" else wrong.post(target, body))
        problem(answer, 403, "forbidden")
        answer = await (right.get(target) if method == "GET" else right.post(target, body))
        assert answer.status_code != 403


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture
async def some(
    caller: Callable[..., Any], intent: dict[str, Any], clock: SimulatedClock
) -> tuple[list[str], list[str]]:
    """(ids of three drives of dealer 1, their leads), the last booked first; dealer 2 has one as well."""
    api, other = caller(), caller("dealer-sh-02")
    leads = [(await api.post("/v1/leads", intent)).json()["lead"] for _ in range(3)]
    night = datetime(2026, 1, 6, 16, 0, tzinfo=UTC)  # midnight in Shanghai: the 7th begins
    paths = []
    for lead, starts, vin in zip(leads, (TEN, night - 15 * MINUTE, night), (LAVIDA, TIGUAN, LAVIDA), strict=True):
        paths.append(await booked(api, lead, starts, 15, vin))
        clock.advance(MINUTE)
    theirs = (await other.post("/v1/leads", intent)).json()["lead"]
    await booked(other, theirs, vin=OF_SH_02)
    return [path.rpartition("/")[2] for path in reversed(paths)], leads[::-1]


async def test_lists_are_by_dealer_car_day_state_and_lead(
    caller: Callable[..., Any], some: tuple[list[str], list[str]]
) -> None:
    api, hq, (ids, leads) = caller(), caller(None, headquarters=True), some

    async def listed(client: Any, **query: Any) -> list[str]:
        return [item["test_drive"] for item in (await client.get("/v1/test-drives", **query)).json()["items"]]

    assert await listed(api) == ids
    assert await listed(api, vin=LAVIDA) == [ids[0], ids[2]]
    assert await listed(api, day="2026-01-06") == [ids[1], ids[2]]
    assert await listed(api, day="2026-01-07") == [ids[0]]
    assert await listed(api, lead=leads[1]) == [ids[1]]
    await api.post(f"/v1/test-drives/{ids[0]}:cancel", {"reason": "x"})
    assert await listed(api, state="cancelled") == [ids[0]]
    assert await listed(api, state="booked", vin=LAVIDA) == [ids[2]]
    assert await listed(api, dealer="dealer-sh-02") == []
    assert len(await listed(caller("dealer-sh-02"))) == 1
    assert len(await listed(hq)) == 4
    assert await listed(hq, dealer="dealer-sh-01") == ids
    problem(await api.get("/v1/test-drives", day="0001-01-01"), 422, "invalid_request")


async def test_pages_stay_right_while_drives_are_moved(api: Any, some: tuple[list[str], list[str]]) -> None:
    ids, _ = some
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await api.get("/v1/test-drives", limit=1, **cursor)).json()
        seen += [item["test_drive"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
        await api.post(f"/v1/test-drives/{seen[-1]}:reschedule", moved(TEN + (3 + len(seen)) * HOUR))
    assert seen == ids
    problem(await api.get("/v1/test-drives", state="booked", **cursor), 400, "cursor_invalid")


async def test_the_calendar_shows_what_is_free_taken_and_past(
    caller: Callable[..., Any], api: Any, lead: str, clock: SimulatedClock
) -> None:
    path = await booked(api, lead, TEN, 45)
    clock.advance(TEN + 70 * MINUTE - clock.now())
    shown = (await api.get(f"/v1/demonstrators/{LAVIDA}/calendar", date="2026-01-06")).json()
    assert (shown["model"], shown["date"], shown["slot_minutes"]) == ("volkswagen-lavida", "2026-01-06", 15)
    slots = shown["slots"]
    assert len(slots) == 96
    assert (slots[0]["starts"], slots[-1]["ends"]) == ("2026-01-05T16:00:00Z", "2026-01-06T16:00:00Z")
    taken = [slot for slot in slots if slot["state"] == "taken"]
    assert [slot["starts"][11:16] for slot in taken] == ["02:00", "02:15", "02:30"]
    assert {slot["test_drive"] for slot in taken} == {path.rpartition("/")[2]}
    assert [slot["state"] for slot in slots[43:46]] == ["past", "free", "free"]  # 11:10 in Shanghai
    assert (await api.get(f"/v1/demonstrators/{LAVIDA}/calendar")).json() == shown  # today
    other = (await api.get(f"/v1/demonstrators/{TIGUAN}/calendar")).json()["slots"]
    assert {slot["state"] for slot in other} == {"past", "free"}
    hq = caller(None, headquarters=True)
    assert (await hq.get(f"/v1/demonstrators/{LAVIDA}/calendar")).json() == shown
    problem(await api.get(f"/v1/demonstrators/{OF_SH_02}/calendar"), 404, "not_found")
    problem(await api.get(f"/v1/demonstrators/{LAVIDA}/calendar", date="9999-12-31"), 422, "invalid_request")
