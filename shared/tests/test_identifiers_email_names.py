"""E-mail addresses and name keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadbook.identifiers import compact_name_key, name_key, normalise_email


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (" Li.Wei@Example.COM ", "Li.Wei@example.com"),
        ("ｌｉ＠ｅｘａｍｐｌｅ．ｃｎ", "li@example.cn"),
        ("mailto:li@example.cn", "li@example.cn"),
        ("Li Wei <li@example.cn>", "li@example.cn"),
        ("li@example.cn;", "li@example.cn"),
        ("李@例子.中国", "李@xn--fsqu00a.xn--fiqs8s"),
        ("li@例子。中国", "li@xn--fsqu00a.xn--fiqs8s"),
        ("li\u200b@example.cn", "li@example.cn"),
        ("li@example", None),
        ("li@@example.cn", None),
        ("li wei@example.cn", None),
        (".li@example.cn", None),
        ("li..wei@example.cn", None),
        ("li@-example.cn", None),
        ("li@exa_mple.cn", None),
        ("@example.cn", None),
        ("无", None),
        ("", None),
        ("a@" + "b" * 250 + ".cn", None),
    ],
)
def test_email(raw: str, value: str | None) -> None:
    email = normalise_email(raw)
    assert email.value == value
    assert email.key == (value.lower() if value else None)
    assert email.valid == (value is not None)
    assert email.raw == raw
    assert "li" not in repr(email).replace("valid", "")


@given(st.text() | st.emails() | st.text("aB.@-。Ａ<>", max_size=30))
def test_email_never_raises_and_is_stable(raw: str) -> None:
    email = normalise_email(raw)
    if email.value is not None:
        assert normalise_email(email.value).value == email.value


@pytest.mark.parametrize(
    ("raw", "key", "compact"),
    [
        ("  ＬＩ   Wei\n", "li wei", "liwei"),
        ("李 伟", "李 伟", "李伟"),
        ("李　伟", "李 伟", "李伟"),
        ("阿里木•买买提", "阿里木·买买提", "阿里木买买提"),
        ("Straße", "strasse", "strasse"),
        ("\u200b", "", ""),
    ],
)
def test_names(raw: str, key: str, compact: str) -> None:
    assert (name_key(raw), compact_name_key(raw)) == (key, compact)


@given(st.text())
def test_name_keys_never_raise_and_are_stable(raw: str) -> None:
    assert name_key(name_key(raw)) == name_key(raw)
    assert " " not in compact_name_key(raw)
