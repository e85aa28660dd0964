"""The real lead service, restored from a backup by the steps of docs/how-to/restore-a-service.md."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from harness import Net, check_leads, post_leads, until


async def test_restored_recovered_and_going_on(net: Net) -> None:
    before = await post_leads(net, range(500_000, 500_050))
    service = net.stack.service("lead")
    await asyncio.to_thread(service.terminate)
    # The backup: a copy of the database at this moment.
    net.stack.postgres.psql("CREATE DATABASE lead_backup OWNER lead_owner TEMPLATE lead")
    service.start()
    await asyncio.to_thread(service.wait_ready)
    after = await post_leads(net, range(500_050, 500_100))
    async with net.roadbook() as roadbook:
        for p in before[:10]:
            await roadbook.lead.qualify_lead(p.answer["lead"], {"grade": "hot", "reasons": ["visited"]})

    async def drained() -> bool:
        return await net.backlog() == 0

    await until(drained)
    await asyncio.to_thread(service.terminate)
    net.stack.postgres.psql("DROP DATABASE lead WITH (FORCE)")
    net.stack.postgres.psql("ALTER DATABASE lead_backup RENAME TO lead")
    net.stack.postgres.psql("REVOKE CONNECT ON DATABASE lead FROM PUBLIC")
    net.stack.postgres.psql("GRANT CONNECT ON DATABASE lead TO lead_owner, lead_app")

    def recover() -> str:
        command = [str(Path(sys.executable).with_name("lead")), "recover"]
        owner = net.stack.endpoints["services"]["lead"]["owner_database_url"]
        environment = {**os.environ, **service.environment, "ROADBOOK_LEAD_OWNER_DATABASE_URL": owner}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=True)
        return done.stdout

    said = await asyncio.to_thread(recover)
    assert "110 events" in said, said
    assert "0 events" in await asyncio.to_thread(recover)
    service.start()
    await asyncio.to_thread(service.wait_ready)

    going_on = await post_leads(net, range(500_100, 500_120))
    async with net.roadbook() as roadbook:
        for p in after[:10]:  # what was recovered can be worked on: its next version is the next
            await roadbook.lead.lose_lead(p.answer["lead"], {"reason": "price"}, if_match=p.answer["version"])
    await until(drained)
    changed = {p.answer["stream"] for p in [*before[:10], *after[:10]]}
    order = await check_leads(net, [p for p in [*before, *after, *going_on] if p.answer["stream"] not in changed])
    projection = await net.connect("projection")
    try:
        assert await projection.fetchval("SELECT count(*) FROM held") == 0
    finally:
        await projection.close()
    print(f"\nrestore: 110 events put back from the topic, {order.duplicates} repeats on it, nothing parked")
