"""Party references over HTTP: registered, read, and kept in order."""

from datetime import timedelta
from typing import Any

from lead_api import ok, pages, problem

REF = "/v1/party-refs"


async def registered(api: Any) -> str:
    response = await api.post(REF, {"kind": "person", "source": "showroom"})
    assert response.status_code == 201, response.text
    assert response.headers["location"] == f"{REF}/{response.json()['party_ref']}"
    return str(response.json()["party_ref"])


async def test_contact_points_are_added_verified_corrected_and_retired(api: Any) -> None:
    ref = await registered(api)
    added = await api.post(f"{REF}/{ref}:add-contact-point", {"phone": "138 1234 5678", "source": "showroom"})
    assert (added.status_code, added.json()["key"]) == (201, "phone/1")
    again = await api.post(f"{REF}/{ref}:add-contact-point", {"phone": "021-6123 4567 转 801", "source": "showroom"})
    assert again.json()["key"] == "phone/2"
    verify = {"key": "phone/1", "method": "outbound_call", "by": "staff-sh-01-1"}
    ok(await api.post(f"{REF}/{ref}:verify-contact-point", verify))
    fail = {"key": "phone/2", "method": "outbound_call", "reason": "nobody_there"}
    ok(await api.post(f"{REF}/{ref}:fail-verification", fail))
    read = ok(await api.get(f"{REF}/{ref}"))
    first, second = read["contact_points"]
    assert (first["kind"], first["linkable"], first["verified_at"]) == ("mobile", True, "2026-01-05T08:00:00Z")
    assert (second["linkable"], second["failure"]) == (False, "nobody_there")
    assert read["personal"]["phone/1"]["value"]["e164"] == "+8613812345678"
    assert read["personal"]["phone/1"]["verified_at"] == "2026-01-05T08:00:00Z"
    phones = {"field": "phone", "values": 2, "conflict": True, "last_verified_at": "2026-01-05T08:00:00Z"}
    assert read["fields"] == [phones]


async def test_a_corrected_point_has_its_own_value_and_is_verified_anew(api: Any, clock: Any) -> None:
    ref = await registered(api)
    ok(await api.post(f"{REF}/{ref}:add-contact-point", {"email": "a@example.com", "source": "showroom"}))
    ok(await api.post(f"{REF}/{ref}:verify-contact-point", {"key": "email/1", "method": "link"}))
    correct = {"key": "email/1", "email": "b@example.com", "source": "customer"}
    clock.advance(timedelta(seconds=1))
    ok(await api.post(f"{REF}/{ref}:correct-contact-point", correct))
    assert ok(await api.post(f"{REF}/{ref}:correct-contact-point", correct))["events"] == []
    read = ok(await api.get(f"{REF}/{ref}"))
    assert read["contact_points"][0]["verified_at"] is None
    assert read["personal"]["email/1"]["value"]["address"] == "b@example.com"
    wrong = {"key": "email/1", "phone": "138 1234 5678", "source": "customer"}
    problem(await api.post(f"{REF}/{ref}:correct-contact-point", wrong), 422, "invalid_request")
    ok(await api.post(f"{REF}/{ref}:retire-contact-point", {"key": "email/1", "reason": "closed"}))
    assert "email/1" not in ok(await api.get(f"{REF}/{ref}"))["personal"]
    problem(await api.post(f"{REF}/{ref}:correct-contact-point", correct), 409, "contact_point_retired")
    missing = {"key": "email/7", "reason": "closed"}
    problem(await api.post(f"{REF}/{ref}:retire-contact-point", missing), 404, "contact_point_unknown")


async def test_profile_owner_kind_and_relationships(api: Any) -> None:
    ref, spouse = await registered(api), await registered(api)
    fields = [
        {"name": "birth_date", "purpose": "identification", "value": "1985-04-03"},
        {"name": "income_band", "purpose": "financing", "refused": True},
    ]
    ok(await api.post(f"{REF}/{ref}:record-profile", {"source": "showroom", "fields": fields}))
    ok(await api.post(f"{REF}/{ref}:declare-owner-kind", {"owner_kind": "private", "basis": "asked"}))
    relate = {"kind": "household", "other": spouse, "role": "spouse"}
    ok(await api.post(f"{REF}/{ref}:declare-relationship", relate))
    assert ok(await api.post(f"{REF}/{ref}:declare-relationship", relate))["events"] == []
    read = ok(await api.get(f"{REF}/{ref}"))
    assert [(each["name"], each["refused"]) for each in read["profile"]] == [
        ("birth_date", False),
        ("income_band", True),
    ]
    assert read["personal"] == {"birth_date": read["personal"]["birth_date"]}
    assert (read["owner_kind"], read["relationships"][0]["role"]) == ("private", "spouse")
    end = {"kind": "household", "other": spouse, "reason": "moved_out"}
    ok(await api.post(f"{REF}/{ref}:end-relationship", end))
    assert ok(await api.get(f"{REF}/{ref}"))["relationships"][0]["ended"] == "2026-01-05T08:00:00Z"
    itself = {"kind": "social", "other": ref}
    problem(await api.post(f"{REF}/{ref}:declare-relationship", itself), 409, "relationship_with_itself")
    never = {"kind": "employer", "other": spouse, "reason": "left"}
    problem(await api.post(f"{REF}/{ref}:end-relationship", never), 409, "relationship_unknown")
    bad = {"source": "showroom", "fields": [{"name": "birth_date", "purpose": "x", "value": "1985"}]}
    problem(await api.post(f"{REF}/{ref}:record-profile", bad), 422, "invalid_request")


async def test_lists_have_pages_and_versions_are_guarded(api: Any, hq: Any, caller: Any) -> None:
    refs = [await registered(api) for _ in range(5)]
    other = await registered(caller("dealer-sh-02"))
    assert sorted(row["party_ref"] for row in await pages(api, REF)) == sorted(refs)
    assert sorted(row["party_ref"] for row in await pages(hq, REF)) == sorted([*refs, other])
    kind = {"owner_kind": "enterprise", "basis": "licence"}
    problem(await api.post(f"{REF}/{refs[0]}:declare-owner-kind", kind, match='"v7"'), 412, "precondition_failed")
    ok(await api.post(f"{REF}/{refs[0]}:declare-owner-kind", kind, match='"v1"'))
    body = {"phone": "13912345678", "source": "showroom"}
    first = await api.post(f"{REF}/{refs[0]}:add-contact-point", body, key="one")
    repeat = await api.post(f"{REF}/{refs[0]}:add-contact-point", body, key="one")
    assert (repeat.headers["idempotency-replayed"], repeat.content) == ("true", first.content)
    without = await api.post(f"{REF}/{refs[0]}:add-contact-point", body, key=None)
    problem(without, 400, "idempotency_key_missing")


async def test_consents_per_purpose_channel_and_brand(api: Any, clock: Any) -> None:
    ref = await registered(api)
    path = f"{REF}/{ref}/consents"
    assert ok(await api.get(path))["consents"] == []
    grant = {"purpose": "marketing", "channel": "phone", "wording": "privacy-2026-01", "source": "call"}
    ok(await api.post(f"{path}:grant", grant))
    assert ok(await api.post(f"{path}:grant", grant))["events"] == []
    ok(await api.post(f"{path}:grant", {**grant, "brand": "audi"}))
    ok(await api.post(f"{path}:withdraw", {"purpose": "marketing", "channel": "phone", "source": "call"}))
    shown = {(each["channel"], each["brand"]): each["granted"] for each in ok(await api.get(path))["consents"]}
    assert shown == {("phone", None): False, ("phone", "audi"): True}
    ok(await api.post(f"{path}:restrict", {"reason": "accuracy_contested"}))
    assert ok(await api.get(path))["restricted"]["reason"] == "accuracy_contested"
    ok(await api.post(f"{path}:lift-restriction", {"reason": "accuracy_confirmed"}))
    assert ok(await api.get(path))["restricted"] is None
    other = await registered(api)
    lift = {"reason": "by_mistake"}
    problem(await api.post(f"{REF}/{other}/consents:lift-restriction", lift), 409, "not_restricted")
