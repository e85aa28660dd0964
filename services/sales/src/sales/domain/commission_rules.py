"""How much commission a sale earns, and for whom: a rule is chosen, the amount made, and shared without a rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

WHOLE = 10_000
"""Basis points of the whole."""

Sale = Literal["new", "used", "accessory"]
Part = Literal["consultant", "manager"]


@dataclass(frozen=True, slots=True)
class Share:
    """What of the commission goes to whom, in basis points."""

    part: Part
    bp: int


@dataclass(frozen=True, slots=True)
class CommissionRule:
    """`rate_bp` of the price, in basis points; only for `models`, if any are named. The shares sum to the whole and
    name everybody once; a `ValueError` otherwise."""

    name: str
    sale: Sale
    rate_bp: int
    split: tuple[Share, ...]
    models: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if sum(share.bp for share in self.split) != WHOLE or any(share.bp <= 0 for share in self.split):
            raise ValueError("split")
        if len({share.part for share in self.split}) != len(self.split) or not 0 <= self.rate_bp <= WHOLE:
            raise ValueError("rule")


@dataclass(frozen=True, slots=True)
class CommissionRules:
    """The first rule that fits counts: what is for some models stands before what is for all."""

    version: str
    rules: tuple[CommissionRule, ...]

    def rule(self, sale: Sale, model: str | None) -> CommissionRule | None:
        fitting = (each for each in self.rules if each.sale == sale and (not each.models or model in each.models))
        return next(fitting, None)


@dataclass(frozen=True, slots=True)
class Portion:
    """`share_bp` of a commission: `amount` in minor units."""

    staff: str
    share_bp: int
    amount: int


def earned(rule: CommissionRule, price: int) -> int:
    """In minor units of the price, half a unit upwards."""
    return (max(price, 0) * rule.rate_bp + WHOLE // 2) // WHOLE


def split(amount: int, shares: Sequence[int]) -> list[int]:
    """The parts of `amount` (not negative) by basis points that sum to the whole: each is the exact share rounded down
    or up, and they sum to `amount`. The largest remainders are rounded up; of equal ones the first."""
    parts = [amount * bp // WHOLE for bp in shares]
    by_remainder = sorted(range(len(shares)), key=lambda n: (-(amount * shares[n] % WHOLE), n))
    for n in by_remainder[: amount - sum(parts)]:
        parts[n] += 1
    return parts


def portions(rule: CommissionRule, amount: int, people: Mapping[Part, str | None]) -> list[Portion]:
    """Who gets what. The share of a part that nobody plays goes to the others' first; who plays two parts gets both in
    one. Empty when there is nobody. A share that rounds to nothing is not told."""
    known = [people.get(share.part) for share in rule.split]
    heir = next((staff for staff in (*known, *people.values()) if staff is not None), None)
    if heir is None:
        return []
    held: dict[str, int] = {}
    for staff, share in zip(known, rule.split, strict=True):
        held[staff or heir] = held.get(staff or heir, 0) + share.bp
    parts = split(amount, list(held.values()))
    return [Portion(staff, bp, part) for (staff, bp), part in zip(held.items(), parts, strict=True) if part]
