"""Rules over several streams under competition, counted from the events and not from the tables that keep them."""

import asyncio
import random
from collections import Counter
from typing import Any

from lead_api import ok
from sales_api import LAVIDA, PRICE, document, opened, placed, quoted, settled, signed, vin

from roadbook.database import Pool, acquire
from roadbook.store.postgres import read_events
from sales.service.aggregates import decoded
from sales.views import contracts, opportunities, orders, quotes, vehicles


async def rows(pool: Pool, sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
    async with acquire(pool) as connection:
        return [tuple(row) for row in await connection.fetch(sql, *arguments)]


async def told(pool: Pool, name: str) -> int:
    ((count,),) = await rows(pool, "SELECT count(*) FROM events WHERE type = $1", f"roadbook.sales.{name}.v1")
    return int(count)


async def test_fifty_that_want_one_vehicle_are_one(api: Any, sales_pool: Pool) -> None:
    contract = await signed(api, await opened(api), quantity=50)
    ids = [await placed(api, contract) for _ in range(50)]
    answers = await asyncio.gather(*(api.post(f"/v1/orders/{each}:allocate", {"vin": vin(1)}) for each in ids))
    assert Counter(each.status_code for each in answers) == {200: 1, 409: 49}
    assert {each.json()["code"] for each in answers if each.status_code == 409} == {"vehicle_taken"}
    assert await told(sales_pool, "order_allocated") == 1


async def test_vehicles_pass_from_hand_to_hand_and_are_never_in_two(api: Any, sales_pool: Pool) -> None:
    """Who was told that it has a vehicle has it alone, until it lets go."""
    contract = await signed(api, await opened(api), quantity=8)
    ids = [await placed(api, contract) for _ in range(8)]
    chance = random.Random(5)
    held: dict[str, str] = {}

    async def work(order: str) -> int:
        had = 0
        for _ in range(6):
            car = vin(chance.choice((1, 2)))
            answer = await api.post(f"/v1/orders/{order}:allocate", {"vin": car})
            if answer.status_code == 200:
                assert car not in held
                held[car], had = order, had + 1
                await asyncio.sleep(0)  # others' turn
                assert held.pop(car) == order
                ok(await api.post(f"/v1/orders/{order}:deallocate", {"reason": "exchange"}))
        return had

    had = sum(await asyncio.gather(*map(work, ids)))
    assert had == await told(sales_pool, "order_allocated") == await told(sales_pool, "order_deallocated") > 2
    assert await rows(sales_pool, "SELECT * FROM allocated_vins") == []


async def test_a_line_of_five_takes_five(api: Any, sales_pool: Pool) -> None:
    contract = await signed(api, await opened(api), quantity=5)
    body = {"contract": contract, "line": 1}
    answers = await asyncio.gather(*(api.post("/v1/orders", body) for _ in range(20)))
    assert Counter(each.status_code for each in answers) == {201: 5, 409: 15}
    assert {each.json()["code"] for each in answers if each.status_code == 409} == {"contract_line_full"}
    assert await told(sales_pool, "order_placed") == 5


async def test_one_quote_of_many_is_accepted_and_one_contract_stands(api: Any, sales_pool: Pool) -> None:
    opportunity = await opened(api)
    ids = [await quoted(api, opportunity) for _ in range(10)]
    answers = await asyncio.gather(*(api.post(f"/v1/quotes/{each}:accept") for each in ids))
    assert Counter(each.status_code for each in answers) == {200: 1, 409: 9}
    assert await told(sales_pool, "quote_accepted") == 1
    bodies = [
        {"opportunity": opportunity, "lines": [{"model": LAVIDA, "price": PRICE}], "currency": "CNY",
         "document_hash": document(str(number))}
        for number in range(10)
    ]  # fmt: skip
    answers = await asyncio.gather(*(api.post("/v1/contracts", body) for body in bodies))
    assert Counter(each.status_code for each in answers) == {201: 1, 409: 9}
    assert {each.json()["code"] for each in answers if each.status_code == 409} == {"opportunity_has_contract"}
    assert await told(sales_pool, "contract_signed") == 1


async def test_a_quote_is_either_withdrawn_or_signed(api: Any) -> None:
    for _ in range(6):
        opportunity = await opened(api)
        quote = await quoted(api, opportunity)
        ok(await api.post(f"/v1/quotes/{quote}:accept"))
        body = {"opportunity": opportunity, "quote": quote, "lines": [{"model": LAVIDA, "price": PRICE}],
                "currency": "CNY", "document_hash": document(quote)}  # fmt: skip
        answers = await asyncio.gather(
            api.post(f"/v1/quotes/{quote}:withdraw", {"reason": "price"}), api.post("/v1/contracts", body)
        )
        assert sorted(each.status_code // 100 for each in answers) == [2, 4]


async def test_a_contract_is_either_cancelled_or_delivered_under(api: Any, timers: Any) -> None:
    for number in range(6):
        contract = await signed(api, await opened(api))
        order = await placed(api, contract)
        ok(await api.post(f"/v1/orders/{order}:allocate", {"vin": vin(number)}))
        answers = await asyncio.gather(
            api.post(f"/v1/contracts/{contract}:cancel", {"reason": "price"}),
            api.post(f"/v1/orders/{order}:deliver", {}),
        )
        assert sorted(each.status_code for each in answers) == [200, 409]
        await settled(timers)
        ends = (
            ok(await api.get(f"/v1/contracts/{contract}"))["state"],
            ok(await api.get(f"/v1/orders/{order}"))["state"],
        )
        assert ends in (("cancelled", "cancelled"), ("signed", "delivered"))


TABLES = (
    "opportunities",
    "quotes",
    "accepted_quotes",
    "contracts",
    "contract_lines",
    "standing_contracts",
    "orders",
    "allocated_vins",
    "ownerships",
)
APPLY: dict[str, Any] = {
    "opportunity": opportunities.apply,
    "quote": quotes.apply,
    "contract": contracts.apply,
    "order": orders.apply,
    "vehicle": vehicles.apply,
}


async def test_tables_are_the_same_in_whatever_order_the_streams_come_back(
    api: Any, timers: Any, sales_pool: Pool
) -> None:
    """A recovery reads partition by partition: a vehicle's next order may come before the one that let it go."""
    opportunity = await opened(api)
    one, two = await quoted(api, opportunity), await quoted(api, opportunity)
    ok(await api.post(f"/v1/quotes/{one}:accept"))
    ok(await api.post(f"/v1/quotes/{one}:withdraw", {"reason": "price"}))
    ok(await api.post(f"/v1/quotes/{two}:accept"))
    contract = await signed(api, opportunity, quantity=3)
    ids = [await placed(api, contract) for _ in range(3)]
    for order in ids[:2]:
        ok(await api.post(f"/v1/orders/{order}:allocate", {"vin": vin(1)}))
        ok(await api.post(f"/v1/orders/{order}:cancel", {"reason": "price"}))
    ok(await api.post(f"/v1/orders/{ids[2]}:allocate", {"vin": vin(1)}))
    ok(await api.post(f"/v1/orders/{ids[2]}:deliver", {}))
    await settled(timers)
    before = {table: sorted(await rows(sales_pool, f"SELECT * FROM {table}"), key=str) for table in TABLES}
    streams = [name for (name,) in await rows(sales_pool, "SELECT DISTINCT stream FROM events")]
    streams = [name for name in streams if name.partition("/")[0] in APPLY]
    for seed in range(5):
        random.Random(seed).shuffle(streams)
        async with acquire(sales_pool) as connection, connection.transaction():
            for table in TABLES:
                await connection.execute(f"DELETE FROM {table}")
            for stream in streams:
                await APPLY[stream.partition("/")[0]](connection, decoded(await read_events(connection, stream)))
        after = {table: sorted(await rows(sales_pool, f"SELECT * FROM {table}"), key=str) for table in TABLES}
        assert after == before
