"""What links make of references: components, paths, and the smallest cut between two of them.

A customer is a connected component. Pure, and in the order of the references: the same links give the same answers.
"""

import itertools
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping

Pair = tuple[str, str]
Graph = Mapping[str, Collection[str]]
Ways = Callable[[str], Collection[str]]


def pair_of(a: str, b: str) -> Pair:
    return (a, b) if a < b else (b, a)


def graph(links: Iterable[Pair]) -> dict[str, list[str]]:
    found: dict[str, set[str]] = {}
    for a, b in links:
        found.setdefault(a, set()).add(b)
        found.setdefault(b, set()).add(a)
    return {ref: sorted(others) for ref, others in found.items()}


def component(start: str, links: Graph) -> set[str]:
    seen, todo = {start}, [start]
    while todo:
        new = [other for other in links.get(todo.pop(), ()) if other not in seen]
        seen.update(new)
        todo += new
    return seen


def path(a: str, b: str, links: Graph) -> list[str]:
    """The shortest way from `a` to `b`, both ends included; empty when there is none."""
    return _walk(a, b, lambda ref: links.get(ref, ()))


def kept_apart(a: str, b: str, links: Graph, apart: Collection[Pair]) -> Pair | None:
    """The first cannot-link pair that a link of `a` and `b` would bring into one component; None: it may be made.

    A pair that is in one component already is not brought together by this link, unless it is the pair itself.
    """
    if pair_of(a, b) in apart:
        return pair_of(a, b)
    left = component(a, links)
    if b in left:
        return None
    right = component(b, links)
    crossing = ((x, y) for x, y in apart if (x in left and y in right) or (x in right and y in left))
    return min(crossing, default=None)


def smallest_cut(a: str, b: str, links: Graph) -> list[Pair]:
    """The fewest links without which `a` and `b` are two customers; empty when they are already.

    Every link can carry one unit of flow; when no more fits through, the links out of what `a` still reaches are a
    smallest cut (Ford and Fulkerson).
    """
    if a == b:
        return []
    carried: set[tuple[str, str]] = set()  # directed: one unit goes from the first to the second

    def open_ways(ref: str) -> list[str]:
        return [other for other in links.get(ref, ()) if (ref, other) not in carried]

    while way := _walk(a, b, open_ways):
        for here, there in itertools.pairwise(way):
            if (there, here) in carried:
                carried.discard((there, here))
            else:
                carried.add((here, there))
    near = set(_reach(a, open_ways))
    return sorted(pair_of(x, y) for x in near for y in links.get(x, ()) if y not in near)


def _reach(start: str, ways: Ways) -> dict[str, str | None]:
    """Everything reached from `start`, with where it was reached from."""
    came: dict[str, str | None] = {start: None}
    todo = deque([start])
    while todo:
        here = todo.popleft()
        for there in ways(here):
            if there not in came:
                came[there] = here
                todo.append(there)
    return came


def _walk(a: str, b: str, ways: Ways) -> list[str]:
    came = _reach(a, ways)
    if b not in came:
        return []
    back: list[str] = []
    here: str | None = b
    while here is not None:
        back.append(here)
        here = came[here]
    return back[::-1]
