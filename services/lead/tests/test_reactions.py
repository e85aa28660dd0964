"""What lead does about sales' events: a converted lead learns what became of its opportunity, once (T15)."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from lead_api import captured, events, names, ok

from lead import reactions
from lead.service import Service
from roadbook.clock import SimulatedClock
from roadbook.database import Pool
from roadbook.events import Recorded
from roadbook.reactions import Reactions
from roadbook.testing.consumer_rig import PARTITIONS, Rig, an_event
from roadbook.testing.memory_bus import MemoryBroker, MemoryPublisher, MemorySubscription
from roadbook.testing.rigs import postgres_rig
from roadbook.wire import rfc3339

OPPORTUNITY = "opportunity/0199a3c4-9d10-7e55-b1c2-6f7a8b9c0d1e"


@pytest.fixture
async def lead(api: Any, intent: dict[str, Any]) -> str:
    path = await captured(api, intent)
    ok(await api.post(f"{path}:convert", {}))
    return path


@pytest.fixture
def rig(lead_pool: Pool) -> Rig:
    broker = MemoryBroker()
    broker.create_topic(reactions.TOPIC, PARTITIONS)
    return postgres_rig(lead_pool, reactions.TOPIC, MemoryPublisher(broker), lambda: MemorySubscription(broker))


def told(version: int, what: str, clock: SimulatedClock, **data: Any) -> Recorded:
    event = an_event(OPPORTUNITY, version)
    body = json.dumps({**data, "at": rfc3339(clock.now())})
    return replace(
        event, type=f"roadbook.sales.opportunity_{what}.v1", data=body, time=clock.now(), recorded=clock.now()
    )


async def heard(rig: Rig, service: Service, clock: SimulatedClock, *published: Recorded) -> None:
    work = Reactions(reactions.outcome(service, clock))
    async with rig.running(rig.consumer(None, work=work)):  # type: ignore[arg-type]  # the work is given
        await rig.publish(published)
        await rig.until_read()


async def test_a_lost_opportunity_reopens_its_lead_once(
    api: Any, lead: str, rig: Rig, service: Service, clock: SimulatedClock
) -> None:
    clock.advance(timedelta(days=2))
    opened = told(1, "opened", clock, lead=f"lead/{lead.rpartition('/')[2]}")
    lost = told(2, "lost", clock, lead=f"lead/{lead.rpartition('/')[2]}", reason="finance", competitor=None)
    await heard(rig, service, clock, opened, lost, opened, lost)
    assert (await names(api, lead))[-3:] == ["lead_outcome_recorded", "lead_reopened", "follow_up_scheduled"]
    recorded = (await events(api, lead))[-3]
    assert recorded["data"] == {
        "opportunity": OPPORTUNITY, "outcome": "lost", "reason": "finance", "at": "2026-01-07T08:00:00Z"
    }  # fmt: skip
    assert (recorded["causation"], recorded["actor"]) == (lost.id, "system:lead_learns_outcome")
    assert ok(await api.get(lead))["status"] == "open"


async def test_what_was_won_stays_converted_and_what_has_no_lead_of_ours_is_passed_over(
    api: Any, lead: str, rig: Rig, service: Service, clock: SimulatedClock, lead_pool: Pool
) -> None:
    id_ = lead.rpartition("/")[2]
    won = told(1, "won", clock, lead=f"lead/{id_}", contract="contract/1")
    without = told(2, "lost", clock, lead=None, reason="price", competitor=None)
    foreign = told(3, "lost", clock, lead="lead/00000000-0000-7000-8000-000000000000", reason="price")
    await heard(rig, service, clock, won, without, foreign)
    assert (await names(api, lead))[-2:] == ["lead_converted", "lead_outcome_recorded"]
    assert ok(await api.get(lead))["status"] == "converted"
    outcomes = await lead_pool.fetch("SELECT version, outcome FROM reaction_outcomes ORDER BY version")
    assert [tuple(row) for row in outcomes] == [(1, "done"), (2, "done"), (3, "lead_unknown")]
