"""A next action that passes its due time undone is recorded, once, by the timer and by nobody else."""

from datetime import timedelta
from typing import Any

import pytest

from lead.main import Wakes, workers
from lead.service import Service
from lead.service.timers import on_timer
from lead.settings import Settings
from roadbook.clock import SimulatedClock
from roadbook.database import Pool
from roadbook.timers import Timer, TimerWorker

DAY = timedelta(days=1)


@pytest.fixture
async def lead(api: Any, intent: dict[str, Any]) -> str:
    return str((await api.post("/v1/leads", intent)).headers["location"])


async def missed(api: Any, lead: str) -> list[dict[str, Any]]:
    items = (await api.get(lead + "/events")).json()["items"]
    return [event for event in items if event["type"] == "roadbook.lead.follow_up_missed.v1"]


async def test_an_undone_action_is_missed_at_its_due_time(
    api: Any, lead: str, timers: TimerWorker, clock: SimulatedClock, lead_pool: Pool
) -> None:
    clock.advance(DAY - timedelta(seconds=1))
    assert await timers.step() == 0
    clock.advance(timedelta(hours=7))
    assert await timers.step() == 1
    (event,) = await missed(api, lead)
    assert event["time"] == "2026-01-06T08:00:00Z"
    assert event["recorded"] == "2026-01-06T14:59:59Z"
    assert event["actor"] == "system:timer"
    assert (await api.get(lead)).json()["overdue"] is True
    assert await lead_pool.fetchval("SELECT overdue FROM leads") is True
    assert await lead_pool.fetchval("SELECT count(*) FROM timers") == 0
    assert await timers.step() == 0


async def test_an_action_that_was_moved_fires_at_its_new_time_only(
    api: Any, lead: str, timers: TimerWorker, clock: SimulatedClock
) -> None:
    body = {"next_action": {"kind": "call", "due": "2026-01-09T08:00:00Z"}}
    await api.post(f"{lead}:schedule-follow-up", body)
    clock.advance(DAY)
    assert await timers.step() == 0
    assert await missed(api, lead) == []
    clock.advance(3 * DAY)
    assert await timers.step() == 1
    (event,) = await missed(api, lead)
    assert (event["data"]["kind"], event["time"]) == ("call", "2026-01-09T08:00:00Z")


async def test_an_action_that_is_moved_while_its_timer_runs_is_not_missed(
    service: Service, api: Any, lead: str, clock: SimulatedClock, lead_pool: Pool
) -> None:
    """The timer was claimed, then the action moved, then the timer's command ran."""
    clock.advance(DAY)

    async def late(timer: Timer) -> None:
        body = {"next_action": {"kind": "call", "due": "2026-01-09T08:00:00Z"}}
        assert (await api.post(f"{lead}:schedule-follow-up", body)).status_code == 200
        await on_timer(service, timer, clock.now())

    assert await TimerWorker(lead_pool, clock, late).step() == 1
    assert await missed(api, lead) == []
    assert str(await lead_pool.fetchval("SELECT due FROM timers")) == "2026-01-09 08:00:00+00:00"


async def test_a_lost_lead_waits_for_nothing(
    api: Any, lead: str, timers: TimerWorker, clock: SimulatedClock, lead_pool: Pool
) -> None:
    await api.post(f"{lead}:lose", {"reason": "no_answer"})
    assert await lead_pool.fetchval("SELECT count(*) FROM timers") == 0
    clock.advance(5 * DAY)
    assert await timers.step() == 0
    await api.post(f"{lead}:reopen", {"reason": "called_again"})
    clock.advance(DAY)
    assert await timers.step() == 1
    assert len(await missed(api, lead)) == 1


async def test_a_new_action_after_a_missed_one_can_be_missed_too(
    api: Any, lead: str, timers: TimerWorker, clock: SimulatedClock
) -> None:
    clock.advance(DAY)
    await timers.step()
    due = {"kind": "call", "due": "2026-01-08T08:00:00Z"}
    await api.post(f"{lead}:schedule-follow-up", {"next_action": due})
    assert (await api.get(lead)).json()["overdue"] is False
    clock.advance(5 * DAY)
    await timers.step()
    assert [event["data"]["kind"] for event in await missed(api, lead)] == ["first_contact", "call"]


async def test_two_workers_at_once_record_it_once(
    service: Service, api: Any, lead: str, clock: SimulatedClock, lead_pool: Pool
) -> None:
    clock.advance(DAY)
    stream = "lead/" + lead.rpartition("/")[2]
    twice: list[Timer] = []

    async def both(timer: Timer) -> None:
        twice.append(timer)
        await on_timer(service, timer, clock.now())
        await on_timer(service, timer, clock.now())

    await TimerWorker(lead_pool, clock, both).step()
    assert [timer.stream for timer in twice] == [stream]
    assert len(await missed(api, lead)) == 1


def test_the_process_runs_every_worker(service: Service, clock: SimulatedClock) -> None:
    """What is missing here would be found only in production."""
    settings = Settings.for_service("lead", {"ROADBOOK_KAFKA_BOOTSTRAP": "127.0.0.1:1"})
    names = set(workers(settings, service, clock, Wakes()))
    assert names == {"sequencer", "personal-sequencer", "relay", "personal-relay", "timers", "purge", "outcome"}
