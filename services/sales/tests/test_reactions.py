"""A converted lead opens an opportunity, once, with what was heard of the lead before (T15)."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lead_api import ok
from sales_leads import DEALER, NOW, PARTY, converted, told

from roadbook.codec import Codec
from roadbook.database import Pool, acquire
from roadbook.events import Recorded
from roadbook.reactions import Reactions, derived_id
from sales.contract import lead as contract
from sales.domain.heard import Heard, Interest, LeadCaptured, LeadEnriched, LeadReleasedToPool, hear
from sales.reactions import from_lead
from sales.service import Service

EXAMPLES = Path(__file__).parents[3] / "contracts" / "events" / "lead" / "examples"


async def react(service: Service, pool: Pool, clock: Any, events: Sequence[Recorded]) -> None:
    """As the consumer's transaction does it."""
    async with acquire(pool) as connection, connection.transaction():
        await Reactions(from_lead(service, clock)).act_on(connection, events)


@pytest.fixture
def lead() -> str:
    return f"lead/{uuid.uuid4()}"


async def test_a_converted_lead_opens_an_opportunity(
    api: Any, service: Service, sales_pool: Pool, clock: Any, lead: str
) -> None:
    events = converted(lead)
    await react(service, sales_pool, clock, events)
    found = ok(await api.get(f"/v1/opportunities/{derived_id(events[-1], 'opportunity')}"))
    assert (found["lead"], found["party_ref"], found["dealer"]) == (lead, PARTY, DEALER)
    assert (found["source"], found["staff"]) == ("web_form", "staff-sh-01-2")
    assert found["models"] == ["volkswagen-lavida", "volkswagen-tiguan"]
    (opened,) = ok(await api.get(f"/v1/opportunities/{found['opportunity']}/events"))["items"]
    assert (opened["causation"], opened["correlation"]) == (events[-1].id, events[-1].correlation)
    assert opened["time"] == "2026-01-05T08:04:00Z"
    # Whose lead it was may name the party anew.
    again = {"source": "showroom", "models": ["volkswagen-lavida"], "party_ref": PARTY}
    assert (await api.post("/v1/opportunities", again)).status_code == 201


async def test_read_again_it_is_opened_once(
    api: Any, service: Service, sales_pool: Pool, clock: Any, lead: str
) -> None:
    events = converted(lead)
    await react(service, sales_pool, clock, events)
    await react(service, sales_pool, clock, events)
    async with acquire(sales_pool) as connection:
        await connection.execute("UPDATE leads_heard SET models = '{}'")  # and what is older changes nothing
    await react(service, sales_pool, clock, events[:2])
    assert len(ok(await api.get("/v1/opportunities"))["items"]) == 1


async def test_without_a_dealer_nothing_is_opened_and_that_is_known(
    api: Any, service: Service, sales_pool: Pool, clock: Any, lead: str
) -> None:
    await react(service, sales_pool, clock, [told(lead, 1, "lead_converted", dealer=None, rules="1")])
    async with acquire(sales_pool) as connection:
        outcomes = await connection.fetch("SELECT reaction, outcome FROM reaction_outcomes")
    assert [tuple(row) for row in outcomes] == [("opportunity_from_lead", "lead_without_dealer")]


async def test_who_does_not_work_there_does_not_work_it(
    api: Any, service: Service, sales_pool: Pool, clock: Any, lead: str
) -> None:
    events = converted(lead)
    events[1] = told(lead, 2, "lead_protected", staff="staff-sh-02-1", until="2026-02-01T00:00:00Z", rules="1")
    await react(service, sales_pool, clock, events)
    assert ok(await api.get("/v1/opportunities"))["items"][0]["staff"] is None


async def test_what_cannot_be_read_stops_nothing(service: Service, sales_pool: Pool, clock: Any, lead: str) -> None:
    events = converted(lead)
    events[0] = replace(events[0], data='{"source": 5}')
    await react(service, sales_pool, clock, [*events[:3], replace(events[3], type="roadbook.lead.lead_converted.v9")])
    async with acquire(sales_pool) as connection:
        assert await connection.fetchval("SELECT count(*) FROM events") == 0
        row = await connection.fetchrow("SELECT version, models FROM leads_heard")
    assert tuple(row) == (2, [])


def test_what_is_heard_follows_the_lead() -> None:
    one, two = Interest("buy", "lavida"), Interest("lease", "tiguan")
    lead = hear(Heard("lead/1"), LeadCaptured("visit", NOW, (one, Interest("sell", "golf"), Interest("buy", None))))
    assert (lead.source, lead.models) == ("visit", ("lavida",))
    assert hear(lead, LeadEnriched(NOW)) == lead
    assert hear(lead, LeadEnriched(NOW, (two, one, two))).models == ("tiguan", "lavida")
    assert hear(replace(lead, staff="s-1"), LeadReleasedToPool(NOW)).staff is None


@pytest.mark.parametrize("event_type", contract.codec.types, ids=lambda each: each.name)
def test_every_published_sample_of_what_is_heard_reads(event_type: Any) -> None:
    codec: Codec[Any] = contract.codec
    samples = sorted(EXAMPLES.glob(f"{event_type.name}.v1*.json"))
    assert samples
    for sample in samples:
        assert isinstance(codec.decode(f"roadbook.lead.{event_type.name}.v1", sample.read_text()), event_type.cls)
