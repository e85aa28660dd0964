"""Stored answers go when their time is up."""

import asyncio
from typing import Any

from lead_api import ok
from sales_api import LAVIDA

from roadbook.database import Pool, acquire
from sales.main import purge

BODY = {"source": "showroom", "models": [LAVIDA]}


async def test_an_answer_is_kept_for_its_time_and_no_longer(api: Any, sales_pool: Pool) -> None:
    await api.post("/v1/opportunities", BODY, key="old")
    async with acquire(sales_pool) as connection:
        await connection.execute("UPDATE idempotency SET created = created - interval '31 days'")
    ok(await api.post("/v1/opportunities", BODY, key="new"))
    stop = asyncio.Event()
    await asyncio.wait_for(purge(sales_pool, stop, stop.set), 10)
    assert (await api.post("/v1/opportunities", BODY, key="new")).headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in (await api.post("/v1/opportunities", BODY, key="old")).headers
