"""A small sample of `make test-matching`, and what the parts of the matcher say by themselves."""

import pytest
from labelled import references
from measured import measure

from identity.matching import addresses, names
from identity.matching.keys import keys_of, profile
from identity.matching.names import Agreement

SECRET = b"a secret of the tests"


def test_a_sample_of_the_labelled_set() -> None:
    figures = measure(references(1_500, 5))
    assert figures.precision >= 0.995, figures.line()
    assert figures.precision_joined >= 0.995, figures.line()
    assert figures.recall >= 0.85, figures.line()  # the bound of the whole set is 0.9; a small one swings


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("张伟", "Zhang Wei", Agreement.SAME),
        ("张伟", "WEI ZHANG", Agreement.SAME),
        ("张伟", "zhangwei", Agreement.SAME),
        ("张伟", "张 玮", Agreement.SAME),
        ("單曉明", "Shan Xiaoming", Agreement.SAME),
        ("曾洁", "Jie Zeng", Agreement.SAME),
        ("吕静", "Lu Jing", Agreement.SAME),
        ("欧阳娜娜", "Nana Ouyang", Agreement.SAME),
        ("张伟先生", "张伟", Agreement.SAME),
        ("张先生", "张伟", Agreement.PARTIAL),
        ("Mr Zhang", "张伟", Agreement.PARTIAL),
        ("李女士", "张伟", Agreement.DIFFERENT),
        ("Zhagn Wei", "张伟", Agreement.ALIKE),
        ("张小明", "张小红", Agreement.ALIKE),
        ("张伟", "张丽", Agreement.DIFFERENT),
        ("John Smith", "Smith, John", Agreement.SAME),
        ("José Müller", "jose muller", Agreement.SAME),
    ],
)
def test_names(a: str, b: str, expected: Agreement) -> None:
    x, y = names.read(a), names.read(b)
    assert x is not None
    assert y is not None
    assert names.agreement(x, y) == names.agreement(y, x) == expected


def test_addresses_of_one_flat_and_of_neighbours() -> None:
    full = "上海市浦东新区浦东南路100号3栋502室"
    assert addresses.road(full) == addresses.road("浦东南路 100 号") == "浦东南路100"
    assert addresses.alike(full, "浦东南路100号 3-502") >= 0.9
    assert 0.78 <= addresses.alike(full, "浦东南路100号") < 0.93
    assert addresses.alike(full, "上海市浦东新区浦东南路102号3栋502室") <= 0.5
    assert addresses.alike(full, "上海市浦东新区浦东南路100号3栋602室") <= 0.7
    assert addresses.road("100 Pudong Nan Road, Shanghai") == addresses.road("No. 100, Pudong Nan Rd Shanghai")


def test_values_give_keys_and_never_themselves_where_they_must_not() -> None:
    assert keys_of("phone/1", {"raw": "400-820-8888"}, SECRET) == []
    assert keys_of("phone/1", {"raw": "021-61234567"}, SECRET) == [("line", "+862161234567")]
    assert keys_of("phone/1", {"raw": "021-61234567 转 801", "e164": "+862161234567", "extension": "801"}, SECRET) == [
        ("line", "+862161234567;801")
    ]
    assert keys_of("phone/1", {"raw": "13800138000"}, SECRET) == [("line", "+8613800138000")]
    assert keys_of("email/1", {"raw": "info@example.com"}, SECRET) == []
    (hashed, born) = keys_of("id_number", "11010519491231002X", SECRET)
    assert born == ("birth_date", "1949-12-31")
    assert "11010519491231002X" not in hashed[1]
    assert keys_of("id_number", "110105194912310021", SECRET) == []  # its last digit is wrong
    for name, value in (("phone/1", 7), ("address/1", "x"), ("name", None), ("birth_date", "soon"), ("adf", {})):
        assert keys_of(name, value, SECRET) == []


def test_family_and_given_name_make_a_name() -> None:
    said = [("lead/1", "family_name", "张"), ("lead/1", "given_name", "伟"), ("lead/2", "name", "Zhang Wei")]
    assert {name.sounds for name in profile(None, said).names} == {"wei zhang"}
