"""Whether two references are one customer: by a rule, perhaps (then a score), or no.

A rule looks at these two only, and never at one identifier alone: a phone is a family's, a mailbox an office's. A
number on which many names stand is nobody's; names are counted among the references that the holders of the two hold,
so that nothing another dealer knows decides about what a dealer sees.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from identity.matching import addresses, names
from identity.matching.keys import Profile
from identity.matching.names import Agreement

VERSION = "2026-1"
PROPOSE = 500
CROWD = 3
"""More different names than these on one number or mailbox, and it identifies nobody."""
SAME_ADDRESS, NEAR_ADDRESS = 0.93, 0.78


@dataclass(frozen=True, slots=True)
class Verdict:
    """`rule` None: only a score. `fields`: what was looked at and spoke for it."""

    rule: str | None
    score: int
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """What two profiles have in common. `birth`, `id_`: None where one does not say."""

    name: Agreement
    phone: frozenset[str]
    phone_near: bool
    line: bool
    email: frozenset[str]
    birth: bool | None
    birth_near: bool
    address: float
    id_: bool | None
    member: bool
    vin: bool
    crowded: Callable[[str], bool] = field(repr=False)

    @property
    def contradicted(self) -> bool:
        return self.birth is False or self.id_ is False


def compare(a: Profile, b: Profile, crowded: Callable[[str], bool]) -> Compared:
    births = None if not a.births or not b.births else bool(a.births & b.births)
    return Compared(
        name=names.best(a.names, b.names),
        phone=a.phones & b.phones,
        phone_near=any(_digit(x, y) for x in a.phones for y in b.phones),
        line=bool(a.lines & b.lines),
        email=a.emails & b.emails,
        birth=births,
        birth_near=births is False and any(_slip(x, y) for x in a.births for y in b.births),
        address=max((addresses.alike(x, y) for x in a.addresses for y in b.addresses), default=0.0),
        id_=None if not a.ids or not b.ids else bool(a.ids & b.ids),
        member=bool(a.members & b.members),
        vin=bool(a.vins & b.vins),
        crowded=crowded,
    )


def judge(a: Profile, b: Profile, crowded: Callable[[str], bool]) -> Verdict | None:
    """None: nothing speaks for it. `crowded(block)`: whether many names stand on `phone:…` or `email:…`."""
    both = compare(a, b, crowded)
    score, fields = _score(both)
    rule = _rule(both)
    if rule is not None:
        return Verdict(rule[0], max(score, PROPOSE), rule[1])
    return Verdict(None, score, fields) if score >= PROPOSE else None


def _rule(both: Compared) -> tuple[str, tuple[str, ...]] | None:
    """The first that fits, the strongest first."""
    if both.contradicted:
        return None
    same = both.name == Agreement.SAME
    if both.id_ and both.name != Agreement.DIFFERENT:
        return "id_and_name", ("id_number", "name")
    if both.member and same:
        return "member_and_name", ("member_number", "name")
    phone = any(not both.crowded(f"phone:{each}") for each in both.phone)
    email = any(not both.crowded(f"email:{each}") for each in both.email)
    if phone and same:
        return "phone_and_name", ("phone", "name")
    if email and same:
        return "email_and_name", ("email", "name")
    if phone and email and both.name != Agreement.DIFFERENT:
        return "phone_and_email", ("phone", "email")
    if both.vin and same:
        return "vin_and_name", ("vin", "name")
    if same and both.birth and both.address >= SAME_ADDRESS:
        return "name_birth_and_address", ("name", "birth_date", "address")
    return None


_NAME_POINTS = {
    Agreement.SAME: 400, Agreement.ALIKE: 250, Agreement.PARTIAL: 150, Agreement.UNKNOWN: 150, Agreement.DIFFERENT: -300
}  # fmt: skip


def _score(both: Compared) -> tuple[int, tuple[str, ...]]:
    """0 to 1000, and the fields that spoke for it. A field that one of them does not say speaks neither way."""
    phone = 350 if any(not both.crowded(f"phone:{each}") for each in both.phone) else 100
    email = 350 if any(not both.crowded(f"email:{each}") for each in both.email) else 100
    near = 200 if both.address >= SAME_ADDRESS else 130 if both.address >= NEAR_ADDRESS else 0
    parts = (
        ("name", _NAME_POINTS[both.name]),
        ("phone", phone if both.phone else 150 if both.line or both.phone_near else 0),
        ("email", email if both.email else 0),
        ("birth_date", 250 if both.birth else 120 if both.birth_near else -300 if both.birth is False else 0),
        ("address", near),
        ("id_number", 600 if both.id_ else -700 if both.id_ is False else 0),
        ("member_number", 400 if both.member else 0),
        ("vin", 250 if both.vin else 0),
    )
    unknown = both.name == Agreement.UNKNOWN
    fields = tuple(name for name, points in parts if points > 0 and not (name == "name" and unknown))
    return max(0, min(1000, sum(points for _, points in parts))), fields


def _slip(x: str, y: str) -> bool:
    """Day and month changed places, or one digit is another."""
    if x[:4] == y[:4] and (x[5:7], x[8:10]) == (y[8:10], y[5:7]):
        return True
    return _digit(x, y)


def _digit(x: str, y: str) -> bool:
    """One digit is another."""
    return len(x) == len(y) and sum(p != q for p, q in zip(x, y, strict=True)) == 1
