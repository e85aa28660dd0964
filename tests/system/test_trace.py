"""One trace leads from the HTTP command through the store and Kafka to the record."""

import asyncio
import json
from pathlib import Path
from typing import Any

from harness import Net, post_lead, until


def spans(net: Net) -> list[dict[str, Any]]:
    found = []
    for path in Path(net.stack.home).glob("spans*.jsonl"):
        found += [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]
    return found


async def test_one_trace_from_the_command_to_the_record(net: Net) -> None:
    posted = await post_lead(net, 50)
    async with net.roadbook() as roadbook:
        await roadbook.projection.read_customer(posted.answer["party_ref"], min=posted.answer)
        events = [event async for event in roadbook.lead.list_lead_events(posted.answer["lead"])]
    connection = await net.connect("lead")
    try:
        parent = await connection.fetchval(
            "SELECT traceparent FROM events WHERE stream = $1 AND version = 1", posted.answer["stream"]
        )
    finally:
        await connection.close()
    assert events[0]["id"] == posted.answer["events"][0]
    trace = parent.split("-")[1]

    def services_of_the_trace() -> set[tuple[str, str]]:
        seen = set()
        for span in spans(net):
            linked = [span["trace_id"], *(link["trace_id"] for link in span.get("links", ()))]
            if trace in linked:
                seen.add((span["service"], span["kind"]))
        return seen

    wanted = {("lead", "server"), ("lead", "producer"), ("projection", "consumer")}

    async def complete() -> bool:
        return wanted <= await asyncio.to_thread(services_of_the_trace)

    await until(complete, 20)
