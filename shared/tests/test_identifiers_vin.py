"""VINs: shape, check digit by region, look-alikes suggested and never applied."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadbook.identifiers import check_digit, check_vin, make_vin


def judged(raw: str) -> list[tuple[str, str, str | None]]:
    return [(problem.code, problem.severity, problem.suggestion) for problem in check_vin(raw).problems]


@pytest.mark.parametrize(
    "raw", ["1M8GDM9AXKP042788", "1m8gdm9axkp042788", " 1M8-GDM9AX KP042788", "１Ｍ８ＧＤＭ９ＡＸＫＰ０４２７８８"]
)
def test_the_textbook_example_in_every_spelling(raw: str) -> None:
    vin = check_vin(raw)
    assert (vin.value, vin.shape_ok, vin.check_digit_ok, vin.problems) == ("1M8GDM9AXKP042788", True, True, ())
    assert vin.raw == raw


def test_check_digit_is_law_in_north_america_and_china_only() -> None:
    assert judged("1M8GDM9A0KP042788") == [("vin_check_digit", "error", None)]
    assert judged("LFV3A23C0H3000001") == [("vin_check_digit", "error", None)]
    assert judged("WVWZZZ1JZXW000001") == [("vin_check_digit", "warning", None)]
    assert check_vin("WVWZZZ1JZXW000001").value == "WVWZZZ1JZXW000001"


def test_look_alike_letters_are_suggested_never_applied() -> None:
    vin = check_vin("1M8GDM9AXKPO42788")
    assert vin.value is None
    assert [(p.code, p.suggestion) for p in vin.problems] == [("vin_letters_ioq", "1M8GDM9AXKP042788")]
    assert judged("WVWZZZIJZXWOOQOO1") == [("vin_letters_ioq", "error", "WVWZZZ1JZXW000001")]
    assert judged("LFV3A23CIH3000001") == [("vin_letters_ioq", "error", None)]  # the replacement fails its check digit


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("", "vin_length"),
        ("1M8GDM9AXKP04278", "vin_length"),
        ("张先生的车", "vin_length"),
        ("1M8GDM9AXKP04278*", "vin_characters"),
    ],
)
def test_other_shapes(raw: str, code: str) -> None:
    assert [(problem[0], problem[1]) for problem in judged(raw)] == [(code, "error")]
    assert check_vin(raw).value is None


def test_small_maker_and_placeholder() -> None:
    assert check_vin(make_vin("LA9")).small_maker
    assert judged("1" * 17) == [("vin_placeholder", "warning", None)]


@given(st.text("ABCDEFGHJKLMNPRSTUVWXYZ0123456789", min_size=3, max_size=8), st.integers(0, 999_999))
def test_made_vins_are_right_and_one_changed_digit_is_found(prefix: str, serial: int) -> None:
    vin = make_vin(prefix, serial)
    assert check_vin(vin).check_digit_ok
    changed = vin[:-1] + str((int(vin[-1]) + 1) % 10)
    assert check_digit(changed) != vin[8]


@pytest.mark.parametrize("prefix", ["L", "LFVAAAAAA", "LOV"])
def test_make_vin_refuses_what_is_no_prefix(prefix: str) -> None:
    with pytest.raises(ValueError, match="not the parts"):
        make_vin(prefix)


@given(st.text())
def test_never_raises(raw: str) -> None:
    vin = check_vin(raw)
    assert vin.raw == raw
    assert vin.shape_ok == (vin.value is not None)


def test_what_is_no_vin_is_not_in_the_repr() -> None:
    assert "anary" not in repr(check_vin("canary's old car")).lower()
