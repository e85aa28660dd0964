"""Events on the wire: CloudEvents headers, byte-stable, and a reader that rubbish cannot break."""

import contextlib
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadbook.bus import Delivered, Message
from roadbook.events import Labels, Recorded
from roadbook.wire import Undecodable, from_message, rfc3339, to_message

AT = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
EVENT = Recorded(
    stream="lead/0199",
    version=7,
    id="0199-e",
    type="roadbook.lead.lead_qualified.v1",
    time=AT,
    recorded=AT.replace(second=1),
    data='{"grade":"hot","text":"中文"}',
    key="party-1",
    labels=Labels("dealer-sh-01", "party-1", "LSVAA4187E2184841"),
    actor="staff-1",
    correlation="c-1",
    causation="e-0",
    traceparent="00-aa-bb-01",
)


def delivered(message: Message, **changes: Any) -> Delivered:
    fields: dict[str, Any] = {"key": message.key, "value": message.value, "headers": message.headers, **changes}
    return Delivered(topic="t", partition=0, offset=0, timestamp=0, **fields)


def test_the_headers_are_cloudevents_binary_mode() -> None:
    message = to_message(EVENT)
    assert {name: raw.decode() for name, raw in message.headers} == {
        "content-type": "application/json",
        "ce_specversion": "1.0",
        "ce_id": "0199-e",
        "ce_source": "urn:roadbook:lead",
        "ce_type": "roadbook.lead.lead_qualified.v1",
        "ce_time": "2026-01-05T08:00:00.000000Z",
        "ce_subject": "lead/0199",
        "ce_dataschema": "urn:roadbook:schema:lead.lead_qualified.v1",
        "ce_partitionkey": "party-1",
        "ce_sequence": "0000000007",
        "ce_recordedtime": "2026-01-05T08:00:01.000000Z",
        "ce_correlationid": "c-1",
        "ce_causationid": "e-0",
        "ce_traceparent": "00-aa-bb-01",
        "ce_actor": "staff-1",
        "ce_dealer": "dealer-sh-01",
        "ce_partyref": "party-1",
        "ce_vin": "LSVAA4187E2184841",
    }
    assert (message.key, message.value) == (b"party-1", EVENT.data.encode())


def test_what_is_sent_is_read() -> None:
    assert from_message(delivered(to_message(EVENT))) == EVENT


def without(name: str) -> tuple[tuple[str, bytes], ...]:
    return tuple(header for header in to_message(EVENT).headers if header[0] != name)


@pytest.mark.parametrize("value", [None, b""])
def test_an_empty_value_is_never_a_fact(value: bytes | None) -> None:
    with pytest.raises(Undecodable, match="empty_value"):
        from_message(delivered(to_message(EVENT), value=value))


@pytest.mark.parametrize("name", ["id", "type", "time", "subject", "sequence", "recordedtime", "specversion"])
def test_a_missing_header_is_undecodable(name: str) -> None:
    with pytest.raises(Undecodable, match="invalid_headers"):
        from_message(delivered(to_message(EVENT), headers=without(f"ce_{name}")))


@pytest.mark.parametrize(
    ("name", "raw", "code"),
    [
        ("sequence", b"0000000000", "invalid_headers"),
        ("sequence", b"x", "invalid_headers"),
        ("sequence", b"9" * 5000, "invalid_headers"),
        ("time", b"2026-01-05T08:00:00", "invalid_headers"),
        ("subject", b"\xff", "invalid_utf8"),
        ("subject", b"", "invalid_headers"),
        ("subject", b"a\x00b", "invalid_headers"),
        ("specversion", b"2.0", "invalid_headers"),
    ],
)
def test_a_wrong_header_is_undecodable(name: str, raw: bytes, code: str) -> None:
    headers = (*without(f"ce_{name}"), (f"ce_{name}", raw))
    with pytest.raises(Undecodable, match=code):
        from_message(delivered(to_message(EVENT), headers=headers))


@given(
    st.one_of(st.none(), st.binary()),
    st.one_of(st.none(), st.binary()),
    st.lists(st.tuples(st.sampled_from([h[0] for h in to_message(EVENT).headers]), st.binary())),
)
def test_rubbish_is_undecodable_and_nothing_else(
    key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]
) -> None:
    with contextlib.suppress(Undecodable):
        from_message(Delivered("t", 0, 0, key, value, tuple(headers), 0))


def test_times_have_one_width_so_that_text_order_is_time_order() -> None:
    assert rfc3339(AT) < rfc3339(AT.replace(microsecond=1)) < rfc3339(AT.replace(second=1))
    assert len({len(rfc3339(AT.replace(microsecond=n))) for n in (0, 1, 100, 999999)}) == 1
