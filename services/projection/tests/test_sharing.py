"""C05: what is shared becomes visible to the grantee and nothing else does; every read through a share is on record.

A holds the lead, B is the grantee, C nobody.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from projection import service
from projection.api import shown
from roadbook.events import new_id
from roadbook.position import Position, encode
from roadbook_cli.postgres import Database

A, B, C = "dealer-sh-01", "dealer-sh-02", "dealer-sh-03"
VIN = "LSVAA49J132047371"
DAY = timedelta(days=1)


@pytest.fixture
async def lead(world: Any, life: Callable[..., Any]) -> Any:
    """A's lead, and another stream of the same customer at A: a test drive."""
    one = life(dealer=A).captured(vehicles=[{"interest": "sell", "vin": VIN}]).qualified("hot")
    one.scheduled(world.clock.now() + 30 * DAY)
    drive = life(stream=f"testdrive/{new_id()}", party_ref=one.party_ref, dealer=A)
    drive.booked(world.clock.now() + DAY)
    await world.say(one, "name", "张伟")
    await world.say(one, "phone/1", {"raw": "13812345678", "e164": "+8613812345678"})
    await world.say(drive, "comment", "likes red")
    one.drive = drive
    await world.live(one, drive)
    return one


async def told(world: Any, life: Any) -> None:
    await world.live(life)


async def everything(reader: Any, ref: str, life: Any) -> list[Any]:
    """All that a caller can ask about the customer, as bytes; ids of the requests apart."""
    asked = [
        await reader.get(f"/v1/customers/{ref}"),
        await reader.get(f"/v1/customers/{ref}/timeline"),
        await reader.get(f"/v1/customers/{ref}/timeline", stream=life.stream),
        await reader.search({"name": "张"}),
        await reader.search({"phone": "13812345678"}),
        await reader.search({"vin": VIN}),
        await reader.get("/v1/shared-reads", stream=life.stream),
    ]
    return [(answer.status_code, answer.content, answer.headers.get("etag")) for answer in asked]


async def nothing(reader: Any, life: Callable[..., Any]) -> list[Any]:
    """The same of a customer that never was."""
    never = life()
    asked = [
        await reader.get(f"/v1/customers/{never.party_ref}"),
        await reader.get(f"/v1/customers/{never.party_ref}/timeline"),
        await reader.get(f"/v1/customers/{never.party_ref}/timeline", stream=never.stream),
        await reader.search({"name": "nobody"}),
        await reader.search({"phone": "13899999999"}),
        await reader.search({"vin": "LSVAA49J332047372"}),
        await reader.get("/v1/shared-reads", stream=never.stream),
    ]
    return [(answer.status_code, answer.content, answer.headers.get("etag")) for answer in asked]


async def test_a_share_shows_the_grantee_this_stream_alone(world: Any, lead: Any, life: Any, caller: Any) -> None:
    assert await everything(caller(B), lead.party_ref, lead) == await nothing(caller(B), life)
    await told(world, lead.shared(B, world.clock.now() + DAY, "contact"))
    record = await caller(B).record(lead.party_ref)
    shown.RecordShown.model_validate(record)
    assert record["head"]["record_version"] == 4  # not the test drive's
    assert record["head"]["customer_id"] == lead.party_ref
    assert record["journey"]["test_drives"] == []
    assert [held["stream"] for held in record["responsibility"]["current"]] == [lead.stream]
    assert record["identity"]["names"][0]["value"] == "张伟"
    assert record["identity"]["contact_points"][0]["value"]["e164"] == "+8613812345678"
    assert "likes red" not in str(record)
    timeline = await caller(B).timeline(lead.party_ref)
    assert {entry["stream"] for entry in timeline} == {lead.stream}
    assert await caller(B).timeline(lead.party_ref, stream=lead.drive.stream) == []
    assert await caller(B).found(name="张") == await caller(B).found(phone="13812345678") == [lead.party_ref]
    assert await caller(B).found(vin=VIN) == [lead.party_ref]
    assert (await caller(A).record(lead.party_ref))["head"]["record_version"] == 5
    assert await everything(caller(C), lead.party_ref, lead) == await nothing(caller(C), life)


async def test_facts_alone_show_nothing_of_the_person(world: Any, lead: Any, caller: Any) -> None:
    await told(world, lead.shared(B, world.clock.now() + DAY, "facts"))
    answer = await caller(B).get(f"/v1/customers/{lead.party_ref}")
    assert answer.json()["identity"] == {"names": [], "contact_points": [], "addresses": [], "more": []}
    assert "张伟" not in answer.text
    assert "phone" not in answer.text
    before = answer.headers["etag"]
    await world.say(lead, "name", "张伟伟")
    await world.settle()
    assert (await caller(B).get(f"/v1/customers/{lead.party_ref}")).headers["etag"] == before
    assert await caller(B).found(name="张") == await caller(B).found(phone="13812345678") == []
    (item,) = (await caller(B).search({"vin": VIN})).json()["items"]
    assert (item["customer_id"], item["names"]) == (lead.party_ref, [])
    await told(world, lead.shared(B, world.clock.now() + DAY, "contact"))
    assert await caller(B).found(name="张") == [lead.party_ref]
    await told(world, lead.shared(B, world.clock.now() + DAY, "facts"))
    assert await caller(B).found(name="张") == []


async def test_a_share_ends_with_its_time_though_nobody_says_so(world: Any, lead: Any, life: Any, caller: Any) -> None:
    until = world.clock.now() + DAY
    await told(world, lead.shared(B, until, "contact"))
    world.clock.move_to(until - timedelta(microseconds=1))
    assert await caller(B).found(name="张") == [lead.party_ref]
    world.clock.move_to(until)
    assert await everything(caller(B), lead.party_ref, lead) == await nothing(caller(B), life)  # before any composer
    rows = "SELECT count(*) FROM summaries s JOIN search_keys k USING (scope) WHERE scope = $1"
    assert await world.pool.fetchval(rows, B) > 0
    await world.settle()
    assert await world.pool.fetchval(rows, B) == 0  # time alone woke it
    assert await everything(caller(B), lead.party_ref, lead) == await nothing(caller(B), life)


@pytest.mark.parametrize("end", ["revoked", "routed", "declined", "recycled", "moved"])
async def test_a_share_ends_at_once_by_what_ends_it(world: Any, lead: Any, life: Any, caller: Any, end: str) -> None:
    await told(world, lead.shared(B, world.clock.now() + DAY, "contact"))
    assert (await caller(B).get(f"/v1/customers/{lead.party_ref}")).status_code == 200
    match end:
        case "revoked":
            lead.revoked(B)
        case "routed":
            lead.routed(C)
        case "declined":
            lead.declined()
        case "recycled":
            lead.recycled()
        case _:
            lead.dealer = C
            lead.qualified("warm")
    await world.publish(lead.last)
    await world.consumed()
    assert await everything(caller(B), lead.party_ref, lead) == await nothing(caller(B), life)  # before any composer
    await world.settle()
    assert await everything(caller(B), lead.party_ref, lead) == await nothing(caller(B), life)
    assert await world.pool.fetchval("SELECT count(*) FROM search_keys WHERE scope = $1", B) == 0
    if end == "recycled":
        await told(world, lead.restored())
        assert await caller(B).found(name="张") == [lead.party_ref]


async def test_the_grantee_names_the_customer_by_what_it_sees(world: Any, life: Any, caller: Any) -> None:
    """Its own reference and the shared one are one customer while both are visible; a third one stays unknown."""
    third, shared, own = sorted((life(dealer=d) for d in (A, A, B)), key=lambda each: each.party_ref)
    third.dealer, shared.dealer, own.dealer = A, A, B
    for each in (third, shared, own):
        each.captured()
    await world.live(third, shared, own)
    for one, other in ((third, shared), (shared, own), (third, own)):
        await world.link(one.party_ref, other.party_ref)
    await world.settle()
    alone = await caller(B).get(f"/v1/customers/{own.party_ref}")
    assert alone.json()["head"]["party_refs"] == [own.party_ref]
    until = world.clock.now() + DAY
    await told(world, shared.shared(B, until))
    both = (await caller(B).record(own.party_ref))["head"]
    assert (both["customer_id"], both["party_refs"]) == (shared.party_ref, [shared.party_ref, own.party_ref])
    assert (await caller(B).get(f"/v1/customers/{third.party_ref}")).status_code == 404
    await told(world, shared.revoked(B))
    again = await caller(B).get(f"/v1/customers/{own.party_ref}")
    assert again.content == alone.content
    assert again.headers["etag"] == alone.headers["etag"]


async def test_min_waits_for_what_is_shared_and_for_nothing_else(world: Any, lead: Any, caller: Any) -> None:
    named = await world.say(lead, "name", "张伟")
    drive = encode(Position(((lead.drive.stream, 1),)))
    personal = encode(Position((), (named,)))
    path = f"/v1/customers/{lead.party_ref}"
    await told(world, lead.shared(B, world.clock.now() + DAY, "facts"))
    assert (await caller(B).get(path, min=lead.token)).status_code == 200
    assert (await caller(B).get(path, min=drive)).status_code == 503
    assert (await caller(B).get(path, min=personal)).status_code == 503  # facts alone
    await told(world, lead.shared(B, world.clock.now() + DAY, "contact"))
    assert (await caller(B).get(path, min=personal)).status_code == 200
    assert (await caller(C).get(path, min=lead.token)).status_code == 503


# ── The audit ─────────────────────────────────────────────────────────────────────────────────────────────────
async def reads(reader: Any, stream: str, **params: Any) -> list[dict[str, Any]]:
    answer = await reader.get("/v1/shared-reads", stream=stream, **params)
    assert answer.status_code == 200, answer.text
    shown.SharedReadsPage.model_validate(answer.json())
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_every_read_through_a_share_is_on_record_for_who_gave_it(
    world: Any, lead: Any, life: Any, caller: Any, headquarters: Any
) -> None:
    await told(world, lead.shared(B, world.clock.now() + DAY, "contact"))
    assert await reads(caller(A), lead.stream) == []
    correlation = new_id()
    tag = (await caller(B).get(f"/v1/customers/{lead.party_ref}", {"X-Correlation-Id": correlation})).headers["etag"]
    await caller(B).get(f"/v1/customers/{lead.party_ref}", {"If-None-Match": tag})  # 304 tells something, too
    await caller(B).get(f"/v1/customers/{lead.party_ref}/timeline")
    await caller(B).search({"name": "张"})
    await caller(A).record(lead.party_ref)  # its own, and headquarters', are no reads through a share
    await headquarters.record(lead.party_ref)
    found = await reads(caller(A), lead.stream)
    assert [entry["route"] for entry in found] == [
        "read_customer", "read_customer", "read_timeline", "search_customers",
    ]  # fmt: skip
    assert {(entry["dealer"], entry["scope"], entry["stream"]) for entry in found} == {(B, "contact", lead.stream)}
    assert found[0]["correlation"] == correlation
    assert await reads(headquarters, lead.stream) == found
    first = await caller(A).get("/v1/shared-reads", stream=lead.stream, limit=3)
    rest = await reads(caller(A), lead.stream, cursor=first.json()["next_cursor"])
    assert first.json()["items"] + rest == found
    assert await everything(caller(C), lead.party_ref, lead) == await nothing(caller(C), life)
    assert (await caller(B).get("/v1/shared-reads", stream=lead.stream)).status_code == 404
    await told(world, lead.routed(C))
    assert (await caller(A).get("/v1/shared-reads", stream=lead.stream)).status_code == 404
    assert await reads(caller(C), lead.stream) == found


async def test_without_its_audit_nothing_is_answered(
    world: Any, lead: Any, caller: Any, projection_database: Database
) -> None:
    await told(world, lead.shared(B, world.clock.now() + DAY, "contact"))
    owner = await asyncpg.connect(projection_database.owner_url)
    try:
        await owner.execute("REVOKE INSERT ON shared_reads FROM roadbook_app")
        for answer in (
            await caller(B).get(f"/v1/customers/{lead.party_ref}"),
            await caller(B).get(f"/v1/customers/{lead.party_ref}/timeline"),
            await caller(B).search({"name": "张"}),
        ):
            assert answer.status_code == 500
            assert "张" not in answer.text
        assert (await caller(A).get(f"/v1/customers/{lead.party_ref}")).status_code == 200
    finally:
        await owner.close()


async def test_the_audit_can_only_grow(world: Any) -> None:
    for statement in ("UPDATE shared_reads SET actor = 'x'", "DELETE FROM shared_reads", "TRUNCATE shared_reads"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await world.pool.execute(statement)


# ── The index ─────────────────────────────────────────────────────────────────────────────────────────────────
async def test_grants_are_made_again_by_a_refold(world: Any, lead: Any) -> None:
    """A share that older code could not read is given once its stream was folded again."""
    await told(world, lead.shared(B, world.clock.now() + DAY, "contact").shared(C, world.clock.now() + DAY))
    query = "SELECT dealer, scope FROM stream_grants ORDER BY dealer"
    before = await world.pool.fetch(query)
    assert [tuple(row) for row in before] == [(B, "contact"), (C, "facts")]
    await world.pool.execute("DELETE FROM stream_grants WHERE dealer = $1", B)
    await world.pool.execute("INSERT INTO stream_grants VALUES ($1, 'dealer-sh-09', 'facts', now())", lead.stream)
    await world.pool.execute("UPDATE stream_states SET fold = 1 WHERE stream = $1", lead.stream)
    assert await service.refold(world.pool) == 1
    assert await world.pool.fetch(query) == before
