"""Phones in the forms people write them. The raw text is always kept, and nothing raises."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadbook.identifiers import parse_phone, split_phones

FORMS = [  # raw, e164, extension, kind, linkable
    ("13912345678", "+8613912345678", None, "mobile", True),
    ("+86 139-1234-5678", "+8613912345678", None, "mobile", True),
    ("8613912345678", "+8613912345678", None, "mobile", True),
    ("138-0013-8002", "+8613800138002", None, "mobile", True),
    ("手机13912345678", "+8613912345678", None, "mobile", True),
    ("13912345678（微信同号）", "+8613912345678", None, "mobile", True),
    ("13912345678 李先生", "+8613912345678", None, "mobile", True),
    ("(021) 6123-4567", "+862161234567", None, "fixed", True),
    ("+86(0)21 6123 4567", "+862161234567", None, "fixed", True),
    ("0086-21-61234567", "+862161234567", None, "fixed", True),
    ("０２１－６１２３４５６７转８０１", "+862161234567", "801", "fixed", False),
    ("021－61234567（转801）", "+862161234567", "801", "fixed", False),
    ("021-61234567转接801", "+862161234567", "801", "fixed", False),
    ("电话：021-61234567 分机 12", "+862161234567", "12", "fixed", False),
    ("021-61234567分机号：12", "+862161234567", "12", "fixed", False),
    ("021-61234567#12", "+862161234567", "12", "fixed", False),
    ("021-61234567 ext. 12", "+862161234567", "12", "fixed", False),
    ("021-61234567 EXT12", "+862161234567", "12", "fixed", False),
    ("021-61234567x12", "+862161234567", "12", "fixed", False),
    ("021-61234567-801", "+862161234567", "801", "fixed", False),
    ("021-6123-4567-801", "+862161234567", "801", "fixed", False),
    ("400-820-1234", "+864008201234", None, "service", False),
    ("4008201234转5", "+864008201234", "5", "service", False),
    ("400-820-1234-5", "+864008201234", "5", "service", False),
    ("800-820-1111", "+868008201111", None, "service", False),
    ("95566", None, None, "service", False),
    ("12345", None, None, "service", False),
    ("+852 2123 4567", "+85221234567", None, "fixed", True),
    ("+1 604 555 1234", "+16045551234", None, "other", True),
    ("2161234567", "+862161234567", None, "fixed", False),  # area code without its 0: maybe not ours
    ("393-999-3922", None, None, "unknown", False),  # North American, would pass for Puyang
    ("61234567", None, None, "unknown", False),
    ("1234567890", None, None, "unknown", False),
    ("13800138000", "+8613800138000", None, "mobile", False),
    ("13988888888", "+8613988888888", None, "mobile", False),
    ("转801", None, None, "unknown", False),
    ("", None, None, "unknown", False),
]


@pytest.mark.parametrize(("raw", "e164", "extension", "kind", "linkable"), FORMS)
def test_forms(raw: str, e164: str | None, extension: str | None, kind: str, linkable: bool) -> None:
    phone = parse_phone(raw)
    assert (phone.e164, phone.extension, phone.kind, phone.linkable) == (e164, extension, kind, linkable)
    assert phone.raw == raw
    assert phone.valid == (e164 is not None)


def test_another_region() -> None:
    assert parse_phone("604-555-1234", "CA").e164 == "+16045551234"


@pytest.mark.parametrize(
    ("raw", "parts"),
    [
        ("13912345678、13812345678；021-61234567转12 或 0512-61234567", 4),
        ("13912345678/13812345678", 2),
        ("13912345678,13812345678", 2),
        ("13912345678 13812345679", 2),
        ("139 1234 5678", 1),
        ("021-61234567/8", 1),
        ("13912345678, 转12", 1),
        ("  ", 0),
        ("/".join(["13912345678"] * 21), 1),
    ],
)
def test_split(raw: str, parts: int) -> None:
    assert len(split_phones(raw)) == parts


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True))
def test_eleven_digits_are_read_as_the_general_way_reads_them(digits: str) -> None:
    plain = parse_phone(digits)
    assert plain == replace(parse_phone(f"{digits} "), raw=digits)
    if plain.valid:
        assert plain == replace(parse_phone(f"+86 {digits}"), raw=digits)


def test_no_number_in_the_repr() -> None:
    assert "1391234" not in repr(parse_phone("13912345678"))


@given(st.text() | st.text("0123456789+-()转分机ext.#/ ０１", max_size=300), st.sampled_from(["CN", "CA", "XX", ""]))
def test_never_raises(raw: str, region: str) -> None:
    phone = parse_phone(raw, region)
    assert phone.raw == raw
    assert phone.valid == (phone.e164 is not None)
    assert phone.e164 is None or (phone.e164[0] == "+" and len(phone.e164) <= 16)
    assert not phone.linkable or phone.valid
    assert all(part.strip() for part in split_phones(raw))
