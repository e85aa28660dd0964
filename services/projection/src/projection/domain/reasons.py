"""Why the record says what it says: one value of it, and what made it."""

from dataclasses import dataclass

from projection.domain.facts import Leaf, evidence
from projection.domain.record import Record, explained, values


@dataclass(frozen=True, slots=True)
class Personal:
    """Of which personal value it is: outside the facts, so that no event made it."""

    stream: str
    field: str


@dataclass(frozen=True, slots=True)
class Answer:
    """`value` as JSON; `events` made it, in the order in which they are named; `rule` is what it was judged by."""

    value: object
    events: tuple[str, ...]
    rule: str
    personal: Personal | None = None


class NoSuchPath(Exception):
    """The record has nothing there."""


def tokens(pointer: str) -> list[str]:
    """RFC 6901. Raises `NoSuchPath` for what is no JSON Pointer."""
    if pointer and not pointer.startswith("/"):
        raise NoSuchPath
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def why(record: Record, pointer: str) -> Answer:
    """`pointer` into the record as it is shown. Of a part of it, all that made what is in there."""
    path = tokens(pointer)
    if path and path[0] == "identity":
        return _personal(record, path)
    tree: object = explained(record) if _of_stage(path) else record.facts
    for place, token in enumerate(path):
        tree = _step(tree, token)
        if isinstance(tree, Leaf):
            value = values(tree)
            for deeper in path[place + 1 :]:
                value = _step(value, deeper)
            return Answer(value, tree.events, _rule(path))
    events = tuple(dict.fromkeys(event for ids in evidence(tree).values() for event in ids))
    return Answer(values(tree), events, _rule(path))


def _of_stage(path: list[str]) -> bool:
    """Whether the stage is in there: no other value is worth its trial."""
    return not path or (path[0] == "head" and (len(path) == 1 or path[1] in ("stage", "stage_since", "overlays")))


def _step(tree: object, token: str) -> object:
    if isinstance(tree, dict) and token in tree:
        return tree[token]
    if isinstance(tree, list | tuple) and token.isascii() and token.isdigit() and str(int(token)) == token:
        place = int(token)
        if place < len(tree):
            return tree[place]
    raise NoSuchPath


def _personal(record: Record, path: list[str]) -> Answer:
    tree: object = {"identity": record.identity}
    leaf: Personal | None = None
    for token in path:
        tree = _step(tree, token)
        if isinstance(tree, dict) and "field" in tree and "stream" in tree:
            leaf = Personal(tree["stream"], tree["field"])
    return Answer(tree, (), _rule(path), leaf)


def _rule(path: list[str]) -> str:
    """The part of the record that decides: a section, or a figure of the head."""
    if not path:
        return "record"
    return path[1] if path[0] == "head" and len(path) > 1 else path[0]
