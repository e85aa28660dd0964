"""A small stack with something of everything in it. After the last test it must be as sound as before the first."""

import asyncio
import json
import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from harness import DEALER, SERVICES, Net, until

from roadbook_cli import pilot, story
from roadbook_cli.stack import Stack
from roadbook_client import Roadbook

Ids = dict[str, list[str]]
LEADS = 2 * len(pilot.STORIES)


@pytest.fixture(scope="session")
def fresh_seed() -> int:
    """FUZZ_SEED repeats a run."""
    return int(os.environ.get("FUZZ_SEED") or random.SystemRandom().randrange(2**32))


@pytest.fixture(scope="session")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    home = tmp_path_factory.mktemp("fuzz") / "home"
    stack = Stack(home)
    try:
        stack.up()
        net = Net(stack)
        pids = {service: stack.service(service).pid for service in SERVICES}
        yield net
        assert {service: stack.service(service).pid for service in SERVICES} == pids, "a service died"
        asyncio.run(sound(net))
        for service in SERVICES:
            assert said_wrong(stack.service(service).log) == []
    finally:
        stack.down(wipe=True)


async def sound(net: Net) -> None:
    """Every event reaches Kafka and the record, and no stream is parked anywhere."""

    async def drained() -> bool:
        return await net.backlog() == 0

    await until(drained, 120)
    for service in SERVICES:
        assert net.stack.service(service).ready()
        connection = await net.connect(service)
        assert [tuple(row) for row in await connection.fetch("SELECT consumer, stream, reason FROM held")] == []
        await connection.close()
    last = await _last_captured(net)
    async with net.roadbook(None) as roadbook:  # whose record is complete when the topic was read so far
        await roadbook.projection.read_customer(last["party_ref"], min=last)


async def _last_captured(net: Net) -> Any:
    body = {"source": "web", "person": {"name": "最后一位", "phones": [{"value": "13900000000"}]}}
    async with net.roadbook() as roadbook:
        return await roadbook.lead.capture_lead(body, key="fuzz-last")  # type: ignore[arg-type]


def said_wrong(log: Path) -> list[str]:
    """Lines that a sound service does not write: unforeseen exceptions, errors, tracebacks."""
    wrong = []
    for line in log.read_text(encoding="utf-8").splitlines():
        try:
            severity = str(json.loads(line).get("severity"))
        except (ValueError, AttributeError):
            severity = "ERROR"  # a service writes nothing but lines of JSON
        if severity in ("ERROR", "CRITICAL") or '"internal_error"' in line or '"handler_outlived' in line:
            wrong.append(line[:500])
    return wrong


class Staff:
    """For the pilot: somebody of each dealer."""

    def __init__(self, net: Net) -> None:
        self._net = net
        self._made: dict[str | None, Roadbook] = {}

    def of(self, dealer: str | None) -> Roadbook:
        if dealer not in self._made:
            self._made[dealer] = self._net.roadbook(dealer)
        return self._made[dealer]

    async def close(self) -> None:
        for roadbook in self._made.values():
            await roadbook.aclose()


@pytest.fixture(scope="session")
def real(net: Net) -> Ids:
    """Ids that exist, by the names that path parameters and fields have."""
    return asyncio.run(_filled(net))


async def _filled(net: Net) -> Ids:
    staff = Staff(net)
    try:
        await pilot.run(staff, 1, LEADS, lambda: None)
        told = await story.tell(staff, 1, before=False)
        return {**await _more(staff.of(DEALER), staff.of(None)), **await _sold(staff.of(DEALER), told)}
    finally:
        await staff.close()


async def _more(dealer: Roadbook, office: Roadbook) -> Ids:
    """What the pilot has not: a drive, a group buy, a campaign, an import with a row to correct, a quarantine."""
    lead = dealer.lead
    listed = [each async for each in lead.list_leads()]
    leads = [each["lead"] for each in sorted(listed, key=lambda each: each["state"] != "open")]
    parties = [(await lead.read_lead(each))["party_ref"] for each in leads]
    day = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()
    drives = [
        await lead.book_test_drive(
            {"lead": leads[0], "vin": "LSVAA49J6T2900010", "starts": f"{day}T0{hour}:00:00Z", "minutes": 30}
        )
        for hour in (2, 3)
    ]
    buy = await office.lead.open_group_buy(
        {
            "model": "volkswagen-lavida",
            "price": {"currency": "CNY", "minor": 11990000},
            "places": 5,
            "threshold": 2,
            "closes_at": f"{day}T10:00:00Z",
        }
    )
    await office.lead.launch_campaign(
        {
            "code": "spring",
            "regions": ["sh-pudong"],
            "channels": ["tv"],
            "starts": "2026-01-01",
            "ends": "2036-01-01",
        }
    )
    await lead.report_showroom_day({"date": "2026-01-05", "visitors": 9, "enquiries": 4})
    person = '{"name": "甲", "phones": [{"value": "13700000000"}]}'
    rows = f'{{"row_id": "1", "person": {person}}}\n{{"row_id": "2", "person": {{}}}}\n'.encode()
    imported = await lead.import_leads(rows, source="motor_show")
    adf = b'<?xml version="1.0"?><?adf version="1.0"?><adf><prospect><customer/></prospect></adf>'
    waiting = [(await lead.take_adf(adf, key=f"fuzz-{n}"))["results"][0].get("quarantine") for n in range(2)]
    return {
        "lead_id": leads[:8],
        "lead": leads[:8],
        "customer_id": parties[:8],
        "party_ref": parties[:8],
        "test_drive_id": [each["test_drive"] for each in drives],
        "group_buy_id": [buy["group_buy"]],
        "import_id": [imported["import"]],
        "quarantine_id": [each for each in waiting if each],
        "code": ["spring"],
        "staff_id": ["staff-sh-01-1", "staff-sh-01-2"],
        "dealer": [DEALER],
        "day": ["2026-01-05"],
    }


async def _sold(dealer: Roadbook, told: story.Story) -> Ids:
    """What the story left in sales and identity, and what it has not: a trade-in, accessories."""
    sales = dealer.sales
    offer = {"minor": 3_000_000, "currency": "CNY"}
    until_ = (datetime.now(UTC) + timedelta(days=9)).isoformat()
    old = await sales.appraise_trade_in(
        {"vin": "LSVAA49J6T2900010", "offer": offer, "valid_until": until_, "party_ref": told.refs[0]},  # type: ignore[typeddict-item]
        key="fuzz-old",
    )
    (order,) = [each async for each in sales.list_orders()]
    mats = await sales.sell_accessories(
        {"items": [{"code": "mats", "amount": 20_000}], "currency": "CNY", "order": order["order"]}, key="fuzz-mats"
    )
    return {
        "opportunity_id": [each["opportunity"] async for each in sales.list_opportunities()][:4],
        "quote_id": [each["quote"] async for each in sales.list_quotes()],
        "contract_id": [each["contract"] async for each in sales.list_contracts()],
        "order_id": [order["order"]],
        "trade_in_id": [old["trade_in"]],
        "accessory_sale_id": [mats["accessory_sale"]],
        "vin": [told.vin, "LSVAA49J6T2900010"],
        "period": [datetime.now(UTC).strftime("%Y-%m")],
        "link_id": [told.link["link"]],
        "other": [told.refs[1]],
    }
