"""References with the truth beside them: who is the same person. Shares no code and no table with the rules.

People have families (one phone, one address), employers (one switchboard), sellers who type in their own number, common
names; their references are written in Chinese or in Latin letters, in either order, with slips, old phones and old
addresses. Every number of chance comes from the seed.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

# (surname, sound, weight): the weights are roughly those of the country.
SURNAMES = [
    ("王", "Wang", 72), ("李", "Li", 71), ("张", "Zhang", 68), ("刘", "Liu", 54), ("陈", "Chen", 45),
    ("杨", "Yang", 31), ("黄", "Huang", 22), ("赵", "Zhao", 21), ("吴", "Wu", 20), ("周", "Zhou", 19),
    ("徐", "Xu", 15), ("孙", "Sun", 15), ("马", "Ma", 13), ("朱", "Zhu", 13), ("胡", "Hu", 12),
    ("郭", "Guo", 12), ("何", "He", 11), ("林", "Lin", 11), ("高", "Gao", 10), ("罗", "Luo", 10),
    ("郑", "Zheng", 9), ("梁", "Liang", 9), ("谢", "Xie", 8), ("宋", "Song", 8), ("唐", "Tang", 7),
    ("许", "Xu", 7), ("邓", "Deng", 6), ("冯", "Feng", 6), ("韩", "Han", 6), ("曹", "Cao", 6),
    ("曾", "Zeng", 5), ("彭", "Peng", 5), ("萧", "Xiao", 5), ("蔡", "Cai", 5), ("潘", "Pan", 4),
    ("田", "Tian", 4), ("董", "Dong", 4), ("袁", "Yuan", 4), ("于", "Yu", 4), ("余", "Yu", 4),
    ("叶", "Ye", 4), ("蒋", "Jiang", 4), ("杜", "Du", 3), ("苏", "Su", 3), ("魏", "Wei", 3),
    ("程", "Cheng", 3), ("吕", "Lü", 3), ("丁", "Ding", 3), ("沈", "Shen", 3), ("任", "Ren", 2),
    ("姚", "Yao", 2), ("卢", "Lu", 2), ("单", "Shan", 1), ("欧阳", "Ouyang", 1),
]  # fmt: skip
GIVEN = {
    "wei": "伟玮维威", "fang": "芳方", "na": "娜", "min": "敏民", "jing": "静晶菁", "li": "丽莉立", "qiang": "强",
    "lei": "磊蕾", "jun": "军俊君", "yang": "洋阳", "yong": "勇永", "yan": "艳燕妍", "jie": "杰洁", "juan": "娟",
    "tao": "涛", "ming": "明铭", "chao": "超", "xiu": "秀", "xia": "霞", "ping": "平萍", "gang": "刚", "gui": "桂贵",
    "ying": "英颖莹", "hua": "华", "hui": "慧辉", "xin": "鑫欣新", "bo": "波博", "bin": "斌彬", "yu": "宇玉雨",
    "hao": "浩皓", "kai": "凯", "jian": "建健", "xiao": "晓小", "dong": "东冬", "ting": "婷", "xue": "雪",
    "lin": "琳林", "feng": "峰凤锋", "long": "龙", "peng": "鹏", "rui": "瑞睿", "chen": "晨辰", "zi": "子梓",
    "han": "涵晗",
    "yi": "怡一逸", "xuan": "轩萱", "tian": "天", "meng": "梦萌", "jia": "佳嘉家", "qi": "琪琦", "fei": "飞",
    "shan": "珊",
}  # fmt: skip
CITIES = ["上海市", "杭州市", "南京市", "苏州市", "宁波市", "无锡市", "合肥市", "武汉市"]
DISTRICTS = ["东城区", "西湖区", "高新区", "开发区", "江宁区", "新城区"]
ROADS = [
    a + b for a in "中人解建长浦延淮复南北东西和文学光兴胜新" for b in ("山路", "民路", "放路", "设路", "安街", "阳路")
]
DEALERS = [f"dealer-{n:02d}" for n in range(40)]


@dataclass
class Person:
    id: int
    surname: tuple[str, str]
    given: list[tuple[str, str]]  # (character, sound)
    born: date
    phone: str
    email: str | None
    home: tuple[str, ...]
    old_phone: str | None = None
    old_home: tuple[str, ...] | None = None
    family_phone: str | None = None
    office: str | None = None
    document: str = ""
    member: str | None = None


@dataclass(frozen=True)
class Reference:
    """`values`: field -> value as another service would publish it."""

    id: str
    person: int
    dealer: str
    values: dict[str, Any] = field(repr=False)


def references(size: int, seed: int = 1) -> list[Reference]:
    """About two references to a person, in no order."""
    chance = random.Random(seed)
    made = list(_all(size, chance))[:size]
    chance.shuffle(made)
    return made


def _all(size: int, chance: random.Random) -> Iterator[Reference]:
    count, number = 0, 0
    former: list[Person] = []
    offices = [f"021-6{chance.randrange(10**6, 10**7)}" for _ in range(max(1, size // 400))]
    sellers = [_mobile(chance) for _ in range(max(1, size // 500))]
    while count < size:
        family = _family(chance, number, offices)
        if former and chance.random() < 0.05:
            _namesake(family[0], chance.choice(former[-200:]), chance)
        former.append(family[0])
        for person in family:
            number = person.id + 1
            home = chance.choice(DEALERS)
            for _ in range(chance.choices((1, 2, 3, 4), (35, 35, 20, 10))[0]):
                dealer = home if chance.random() < 0.6 else chance.choice(DEALERS)
                yield Reference(f"{chance.getrandbits(64):016x}", person.id, dealer, _written(person, chance, sellers))
                count += 1


# ── People ────────────────────────────────────────────────────────────────────────────────────────────────────
def _family(chance: random.Random, first: int, offices: list[str]) -> list[Person]:
    home = _home(chance)
    members = []
    surname = _surname(chance)
    for place in range(chance.choices((1, 2, 3), (55, 30, 15))[0]):
        own = _surname(chance) if place == 1 else surname  # a wife keeps hers, a child has the father's
        born = date(1960, 1, 1) + timedelta(days=chance.randrange(365 * (25 if place < 2 else 45)))
        sounds = chance.choices(list(GIVEN), k=1 if chance.random() < 0.35 else 2)
        given = [(chance.choice(GIVEN[sound]), sound) for sound in sounds]
        person = Person(first + place, own, given, born, _mobile(chance), None, home)
        latin = "".join(s for _, s in given)
        if chance.random() < 0.6:
            domain = chance.choice(("qq.com", "163.com", "mail.cn"))
            person.email = f"{own[1].lower()}.{latin}{chance.randrange(10**5)}@{domain}"
        person.old_phone = _mobile(chance) if chance.random() < 0.2 else None
        person.old_home = _home(chance) if chance.random() < 0.15 else None
        person.office = chance.choice(offices) if chance.random() < 0.15 else None
        person.member = f"M{first + place:08d}" if chance.random() < 0.2 else None
        person.document = _document(chance, born)
        members.append(person)
    for person in members[1:]:
        person.family_phone = members[0].phone
    return members


def _namesake(person: Person, other: Person, chance: random.Random) -> None:
    """Another of the same name: at the same employer, in the same house, or born on the same day."""
    person.surname, person.given = other.surname, list(other.given)
    match chance.randrange(3):
        case 0:
            person.office = other.office = person.office or other.office
        case 1:
            person.home = (*other.home[:4], *person.home[4:])
        case _:
            person.born, person.document = other.born, _document(chance, other.born)


def _surname(chance: random.Random) -> tuple[str, str]:
    found = chance.choices(SURNAMES, [weight for _, _, weight in SURNAMES])[0]
    return found[0], found[1]


def _mobile(chance: random.Random) -> str:
    return f"1{chance.choice(('38', '39', '50', '86', '77', '59', '35'))}{chance.randrange(10**8):08d}"


def _home(chance: random.Random) -> tuple[str, ...]:
    return (
        chance.choice(CITIES), chance.choice(DISTRICTS), chance.choice(ROADS), str(chance.randrange(1, 900)),
        str(chance.randrange(1, 30)), f"{chance.randrange(1, 25)}0{chance.randrange(1, 5)}",
    )  # fmt: skip


def _document(chance: random.Random, born: date) -> str:
    head = f"310{chance.randrange(100, 120)}{born:%Y%m%d}{chance.randrange(1000):03d}"
    weights = [2 ** (17 - place) % 11 for place in range(17)]
    rest = sum(int(digit) * weight for digit, weight in zip(head, weights, strict=True)) % 11
    return head + "10X98765432"[rest]


# ── What was written down ─────────────────────────────────────────────────────────────────────────────────────
def _written(person: Person, chance: random.Random, sellers: list[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    name = _name(person, chance)
    if name is not None:
        values["name"] = name
    phone = _phone(person, chance, sellers)
    if phone is not None:
        values["phone/1"] = {"raw": phone}
        if chance.random() < 0.05 and person.family_phone:
            values["phone/2"] = {"raw": person.family_phone}
    if person.email and (chance.random() < 0.45 or phone is None):
        values["email/1"] = {"raw": person.email.upper() if chance.random() < 0.1 else person.email}
    if chance.random() < (0.4 if phone else 0.8):
        values["birth_date"] = _born(person, chance)
    if chance.random() < (0.35 if phone else 0.7):
        values["address/1"] = _address(person, chance)
    if chance.random() < 0.06:
        values["id_number"] = person.document
    if person.member and chance.random() < 0.3:
        values["member_number"] = person.member
    return values


def _name(person: Person, chance: random.Random) -> str | None:
    han = person.surname[0] + "".join(char for char, _ in person.given)
    last, first = person.surname[1].replace("ü", "u"), "".join(sound for _, sound in person.given).capitalize()
    kind = chance.random()
    if kind < 0.02:
        return None
    if kind < 0.06:
        return person.surname[0] + chance.choice(("先生", "女士"))
    if kind < 0.13:
        return f"{last} {first}"
    if kind < 0.17:
        return f"{first} {last}"
    if kind < 0.19:
        return f"{last.upper()} {first.upper()}"
    if kind < 0.20:
        return f"{last}{first}".lower()
    if kind < 0.22:
        return f"{last} " + " ".join(sound.capitalize() for _, sound in person.given)
    if kind < 0.24:
        return _slip(f"{last} {first}", chance)
    if kind < 0.27:  # the input method's other character
        at = chance.randrange(len(person.given))
        others = [chance.choice(GIVEN[sound]) if n == at else char for n, (char, sound) in enumerate(person.given)]
        return person.surname[0] + "".join(others)
    if kind < 0.29:
        return f"{person.surname[0]} {han[len(person.surname[0]) :]}"
    return han


def _slip(text: str, chance: random.Random) -> str:
    at = chance.randrange(1, len(text) - 1)
    how = chance.random()
    if how < 0.4:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text[:at] + text[at + 1 :] if how < 0.7 else text[:at] + text[at] + text[at:]


def _phone(person: Person, chance: random.Random, sellers: list[str]) -> str | None:
    kind = chance.random()
    if kind < 0.03:
        return None
    if kind < 0.05:
        return chance.choice(sellers)
    if kind < 0.055:
        return f"400-820-{chance.randrange(10):04d}"
    if kind < 0.09 and person.office:
        return person.office + (f" 转 {chance.randrange(100, 999)}" if chance.random() < 0.3 else "")
    if kind < 0.13 and person.family_phone:
        return person.family_phone
    if kind < 0.22 and person.old_phone:
        return person.old_phone
    number = person.phone
    how = chance.random()
    if how < 0.2:
        return f"{number[:3]} {number[3:7]} {number[7:]}"
    if how < 0.3:
        return f"+86 {number[:3]}-{number[3:7]}-{number[7:]}"
    if how < 0.31:  # a digit wrong
        return number[:-1] + str((int(number[-1]) + chance.randrange(1, 9)) % 10)
    return number


def _born(person: Person, chance: random.Random) -> str:
    born = person.born
    if chance.random() < 0.03:
        if born.day <= 12:
            return f"{born.year}-{born.day:02d}-{born.month:02d}"
        return (born + timedelta(days=1)).isoformat()
    return born.isoformat()


def _address(person: Person, chance: random.Random) -> dict[str, Any]:
    home = person.old_home if person.old_home and chance.random() < 0.4 else person.home
    city, district, road, number, building, room = home
    how = chance.random()
    if how < 0.5:
        return {"lines": [f"{district}{road}{number}号{building}栋{room}室"], "city": city}
    if how < 0.7:
        return {"lines": [f"{road}{number}号 {building}-{room}"], "city": city}
    if how < 0.9:
        return {"lines": [f"{city}{district}{road} {number} 号", f"{building}幢{room}"]}
    return {"lines": [f"{road}{number}号"], "city": city}
