"""From references to customers: a customer is a connected component of links, as far as the viewer can see them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Link:
    """Two references that are one customer; `smaller` < `larger` as text. `event` is what linked them."""

    smaller: str
    larger: str
    event: str = ""


def customers(visible: Collection[str], links: Iterable[Link]) -> dict[str, str]:
    """Every visible reference -> its customer id, the smallest visible reference of its component.

    A link counts only when both its ends are visible: otherwise two references of one dealer, joined through a third
    that another dealer holds, would tell that the other dealer knows the person. The result does not depend on the
    order of `links`, so taking a link away gives exactly the world in which it never was.
    """
    root = {ref: ref for ref in visible}

    def find(ref: str) -> str:
        while root[ref] != ref:
            root[ref] = root[root[ref]]
            ref = root[ref]
        return ref

    for link in links:
        if link.smaller in root and link.larger in root:
            one, other = sorted((find(link.smaller), find(link.larger)))
            root[other] = one  # the smaller stays root, so a root is always its component's smallest
    return {ref: find(ref) for ref in root}


def component_of(ref: str, visible: Collection[str], links: Iterable[Link]) -> list[str]:
    """The visible references that are one customer with `ref`, sorted; none when `ref` is not visible itself.

    `ref` need not be the customer id: any reference of a component leads to it.
    """
    owner = customers(visible, links)
    return sorted(other for other in owner if ref in owner and owner[other] == owner[ref])


def joined(refs: Collection[str], links: Iterable[Link]) -> dict[str, tuple[str, ...]]:
    """Every reference that links join with the smallest one -> the events that linked them: along a shortest way, of
    several the first in the order of names."""
    sides: dict[str, dict[str, str]] = {ref: {} for ref in refs}
    for link in sorted(links, key=lambda each: (each.smaller, each.larger, each.event)):
        if link.smaller in sides and link.larger in sides:
            sides[link.smaller].setdefault(link.larger, link.event)
            sides[link.larger].setdefault(link.smaller, link.event)
    start = min(refs)
    ways: dict[str, tuple[str, ...]] = {start: ()}
    going = [start]
    for ref in going:  # grows while it is walked
        for other in sorted(sides[ref]):
            if other not in ways:
                ways[other] = (*ways[ref], sides[ref][other])
                going.append(other)
    return {ref: way for ref, way in ways.items() if ref != start}
