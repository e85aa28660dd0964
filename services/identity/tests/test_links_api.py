"""Links over HTTP: by rule and by the steward, proposed, approved, rejected, undone and split."""

import uuid
from typing import Any

from lead_api import ok, pages, problem

NAME, PHONE = "张伟", "138 1234 5678"


async def links(api: Any, ref: str) -> list[str]:
    return [each["link"] for each in ok(await api.get(f"/v1/party-refs/{ref}/links"))["links"]]


def link_id(*refs: str) -> str:
    return ":".join(sorted(refs))


async def test_two_spellings_of_one_customer_are_linked_with_evidence(world: Any, hq: Any) -> None:
    a, _ = await world.lead(name=NAME, phone=PHONE)
    b, _ = await world.lead(dealer="dealer-sh-02", name="Zhang Wei", phone="+86 138-1234-5678")
    await world.match()
    (found,) = ok(await hq.get(f"/v1/party-refs/{a}/links"))["links"]
    assert (found["link"], found["status"], found["by"]) == (link_id(a, b), "linked", "rule")
    assert found["evidence"] == [
        {"rule": "phone_and_name", "field": "phone"}, {"rule": "phone_and_name", "field": "name"}
    ]  # fmt: skip
    assert "138" not in str(found)
    assert "张" not in str(found)
    why = ok(await hq.get(f"/v1/party-refs/{a}/same-as/{b}"))
    assert (why["same"], why["path"], why["apart"]) == (True, [a, b], None)
    assert await world.types(f"link/{link_id(a, b)}") == ["party_refs_linked"]
    await world.pool.execute("INSERT INTO match_dirty (party_ref) VALUES ($1)", a)
    await world.match()
    assert await world.types(f"link/{link_id(a, b)}") == ["party_refs_linked"]


async def test_a_family_on_one_phone_is_not_one_customer(world: Any, hq: Any) -> None:
    refs = [(await world.lead(name=name, phone=PHONE))[0] for name in (NAME, "李娜", "张小明")]
    office = [(await world.lead(name=name, phone="400-820-8888"))[0] for name in ("王芳", "王芳")]
    desk = [(await world.lead(name=name, phone="021-61234567"))[0] for name in ("陈静", "陈静")]
    await world.match()
    for ref in (*refs, *office, *desk):
        assert await links(hq, ref) == []
    queue = ok(await hq.get("/v1/link-proposals"))["items"]
    assert [each["link"] for each in queue] == [link_id(*desk)]


async def test_a_phone_with_many_names_on_it_is_nobodys(world: Any, hq: Any) -> None:
    crowd = [(await world.lead(name=name, phone=PHONE))[0] for name in ("李娜", "王芳", "刘洋", "陈静", "张伟")]
    other, _ = await world.lead(name=NAME, phone=PHONE)
    await world.match()
    assert await links(hq, crowd[-1]) == []
    queue = ok(await hq.get("/v1/link-proposals"))["items"]
    assert [each["link"] for each in queue] == [link_id(crowd[-1], other)]


async def test_the_queue_is_approved_and_rejected(world: Any, hq: Any) -> None:
    pairs = []
    for number in range(3):
        said = {"birth_date": f"198{number}-04-03", "name": NAME}
        pairs.append([(await world.lead(**said))[0] for _ in range(2)])
    await world.match()
    queue = await pages(hq, "/v1/link-proposals")
    assert sorted(each["link"] for each in queue) == sorted(link_id(*pair) for pair in pairs)
    assert {each["score"] for each in queue} == {650}
    yes, no, _ = (f"/v1/link-proposals/{link_id(*pair)}" for pair in pairs)
    ok(await hq.post(f"{yes}:approve"))
    assert ok(await hq.post(f"{yes}:approve"))["events"] == []
    ok(await hq.post(f"{no}:reject", {"reason": "father_and_son"}))
    assert len(await pages(hq, "/v1/link-proposals")) == 1
    problem(await hq.post(f"{yes}:reject", {"reason": "late"}), 409, "link_exists")
    assert await links(hq, pairs[0][0]) == [link_id(*pairs[0])]
    why = ok(await hq.get(f"/v1/party-refs/{pairs[1][0]}/same-as/{pairs[1][1]}"))
    assert (why["same"], why["apart"]["reason"]) == (False, "father_and_son")
    problem(
        await hq.post(f"/v1/link-proposals/{link_id(str(uuid.uuid4()), str(uuid.uuid4()))}:approve"), 404, "not_found"
    )


async def test_what_was_rejected_or_unlinked_never_joins_again_by_rule(world: Any, hq: Any) -> None:
    a, _ = await world.lead(name=NAME, phone=PHONE)
    b, _ = await world.lead(name=NAME, phone=PHONE)
    await world.match()
    undone = await hq.delete(f"/v1/links/{link_id(a, b)}", reason="different_people")
    assert ok(undone)["still_joined"] is False
    # A third reference would join the two: of its two links one is made, the other is a question.
    c, _ = await world.lead(name=NAME, phone=PHONE)
    await world.match()
    assert sorted(await links(hq, a) + await links(hq, b)) in ([link_id(a, c)], [link_id(b, c)])
    proposed = {each["link"] for each in ok(await hq.get("/v1/link-proposals"))["items"]}
    assert proposed < {link_id(a, b), link_id(a, c), link_id(b, c)}
    assert ok(await hq.get(f"/v1/party-refs/{a}/same-as/{b}"))["same"] is False
    for each in proposed - {link_id(a, b)}:
        problem(await hq.post(f"/v1/link-proposals/{each}:approve"), 409, "cannot_link")
    # The steward may change a mind about the pair itself.
    made = await hq.post("/v1/links", {"party_refs": [b, a]})
    assert (made.status_code, made.json()["link"]) == (201, link_id(a, b))
    assert ok(await hq.get(f"/v1/party-refs/{a}/same-as/{b}"))["same"] is True
    # What the rule saw is still to be read, whatever was said since.
    words = ok(await hq.get(f"/v1/links/{link_id(a, b)}"))["history"]
    assert [each["said"] for each in words if each["said"] != "proposed"] == ["linked", "unlinked", "linked"]
    assert [each["by"] for each in words if each["said"] != "proposed"] == ["rule", "steward", "steward"]
    assert {each["field"] for each in words[0]["evidence"]} == {"name", "phone"}
    assert words[1]["reason"] == "different_people"


async def test_a_split_shows_and_makes_the_cut_it_needs(world: Any, hq: Any) -> None:
    """a – b – c, and a second way a – d – c."""
    a, b, c, d = [(await world.lead())[0] for _ in range(4)]
    for pair in ((a, b), (b, c), (a, d), (d, c)):
        ok(await hq.post("/v1/links", {"party_refs": list(pair)}))
    shown = [each["link"] for each in ok(await hq.get(f"/v1/party-refs/{a}/split-from/{c}"))["cut"]]
    assert len(shown) == 2
    body = {"party_refs": [a, c], "reason": "different_people"}
    done = ok(await hq.post("/v1/links:split", body, key="split"))
    assert sorted(done["cut"]) == sorted(shown)
    repeat = await hq.post("/v1/links:split", body, key="split")
    assert (repeat.json(), repeat.headers["idempotency-replayed"]) == (done, "true")
    why = ok(await hq.get(f"/v1/party-refs/{a}/same-as/{c}"))
    assert (why["same"], why["apart"]["reason"]) == (False, "different_people")
    assert ok(await hq.post("/v1/links:split", body))["cut"] == []


async def test_a_link_by_hand_brings_no_other_pair_together(world: Any, hq: Any) -> None:
    """e – f, e – g; f and g are split, which undoes one of the two: making it again would join f and g."""
    e, f, g = [(await world.lead())[0] for _ in range(3)]
    for pair in ((e, f), (e, g)):
        ok(await hq.post("/v1/links", {"party_refs": list(pair)}))
    (gone,) = ok(await hq.post("/v1/links:split", {"party_refs": [f, g], "reason": "two"}))["cut"]
    problem(await hq.post("/v1/links", {"party_refs": gone.split(":")}), 409, "cannot_link")
    repeat = await hq.post("/v1/links", {"party_refs": gone.split(":")}, key="again")
    problem(repeat, 409, "cannot_link")
    problem(await hq.post("/v1/links", {"party_refs": gone.split(":")}, key="again"), 409, "cannot_link")


async def test_undoing_says_what_still_joins(world: Any, hq: Any) -> None:
    a, b, c = [(await world.lead())[0] for _ in range(3)]
    for pair in ((a, b), (b, c), (a, c)):
        ok(await hq.post("/v1/links", {"party_refs": list(pair)}))
    assert ok(await hq.delete(f"/v1/links/{link_id(a, c)}", reason="x"))["still_joined"] is True
    assert ok(await hq.delete(f"/v1/links/{link_id(a, c)}", reason="x"))["events"] == []
    never = link_id(str(uuid.uuid4()), a)
    problem(await hq.delete(f"/v1/links/{never}", reason="x"), 404, "not_found")
    problem(await hq.post("/v1/links", {"party_refs": [a, str(uuid.uuid4())]}), 404, "not_found")
    problem(await hq.post("/v1/links", {"party_refs": [a, a]}), 422, "invalid_request")
    assert ok(await hq.get(f"/v1/links/{link_id(a, c)}"))["status"] == "distinct"


async def test_a_corrected_or_removed_value_no_longer_counts(world: Any, hq: Any, api: Any) -> None:
    a, _ = await world.lead(name=NAME, phone=PHONE)
    correct = {"key": "phone/1", "phone": "139 0000 1111", "source": "customer"}
    ok(await api.post(f"/v1/party-refs/{a}:correct-contact-point", correct))
    await world.lead(name=NAME, phone=PHONE)
    await world.match()
    assert await links(hq, a) == []
    c, other = await world.lead(name=NAME, email="zhang.wei@example.com")
    await world.learn(c, f"{other}/email/1", None)
    d, _ = await world.lead(name=NAME, email="zhang.wei@example.com")
    await world.match()
    assert await links(hq, c) == await links(hq, d) == []
    await world.learn(c, f"{other}/email/1", {"raw": "zhang.wei@example.com"}, version=1)  # an older one comes late
    await world.match()
    assert await links(hq, c) == []
