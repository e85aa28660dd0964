"""What a relay asks in each of its steps uses indexes, however young the store and whatever its statistics say."""

import asyncpg
import pytest

from roadbook import personal_relay, relay
from roadbook.testing.plans import explain

FILL = """
INSERT INTO streams SELECT 'lead/' || s, 1, 'k', now() FROM generate_series(1, 3000) s;
INSERT INTO events (stream, version, position, id, type, time, recorded, data, actor, correlation)
SELECT 'lead/' || s, 1, s, gen_random_uuid(), 't', now(), now(), '{}', 'a', 'c' FROM generate_series(1, 3000) s;
INSERT INTO personal_data (party_ref, key, value, version, source, recorded_at)
SELECT 'ref-' || s, 'lead/1/name', '"x"', s, 's', now() FROM generate_series(1, 3000) s;
INSERT INTO outbox_log SELECT channel, s, s FROM generate_series(1, 3000) s, unnest(ARRAY['facts', 'personal']) channel;
UPDATE relay_cursor SET next = 2998;
"""


@pytest.mark.parametrize("analyzed", [False, True])
@pytest.mark.parametrize("query", [relay._READ, personal_relay._READ], ids=["facts", "personal"])
async def test_a_step_reads_what_it_publishes(owner_connection: asyncpg.Connection, query: str, analyzed: bool) -> None:
    await owner_connection.execute(FILL + ("ANALYZE" if analyzed else ""))
    read = {
        node["Relation Name"]: node["Actual Loops"] * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0))
        for node in await explain(owner_connection, query, relay.CHUNK, analyze=True)
        if "Relation Name" in node
    }
    assert {"relay_cursor", "outbox_log"} < set(read)
    assert max(read.values()) <= 3
