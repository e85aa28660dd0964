"""What is asked at each acceptance and each signature uses its indexes, also under a generic plan."""

import uuid
from typing import Any

import pytest

from roadbook.database import Pool
from roadbook.testing.plans import explain
from sales.views import contracts, quotes

ONE = uuid.UUID(int=7)
FILL = """
INSERT INTO accepted_quotes SELECT 'opportunity/' || s, gen_random_uuid() FROM generate_series(1, 5000) s;
INSERT INTO standing_contracts SELECT 'opportunity/' || s, gen_random_uuid() FROM generate_series(1, 5000) s
"""
HOT: dict[str, tuple[str, list[Any]]] = {
    "the accepted quote": (quotes._IS_THE_ACCEPTED, [ONE]),
    "let go of a quote": (quotes._LET_GO, [ONE]),
    "the contract that stands": (contracts._STANDS, [ONE]),
    "let go of a contract": (contracts._LET_GO, [ONE]),
}


@pytest.mark.parametrize("name", HOT)
async def test_no_hot_query_reads_a_whole_table(sales_pool: Pool, name: str) -> None:
    query, arguments = HOT[name]
    async with sales_pool.acquire() as connection:
        await connection.execute(FILL)
        await connection.execute("SET plan_cache_mode = force_generic_plan")
        found = await explain(connection, query, *arguments)
    assert [node["Relation Name"] for node in found if node["Node Type"] == "Seq Scan"] == []
