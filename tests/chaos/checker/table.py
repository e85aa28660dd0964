"""The table of events (`events.txt`, which says how it is read), and the few lines that carry it out."""

# fmt: off
import re
from functools import cache
from pathlib import Path
from typing import Any

Data = dict[str, Any]
WORDS: Data = {"": None, "true": True, "false": False, "1": 1}
ROWS: dict[str, dict[str, str]] = {}  # kind of stream -> event -> what it does
FIRST: dict[str, str] = {}  # nothing of such a stream counts before this event
for line in Path(__file__).with_name("events.txt").read_text(encoding="utf-8").splitlines():
    if line[0] == "[":
        kind, _, star = line.strip("[]").partition(" ")
        ROWS[kind] = {}
    elif line[0] != "#":
        event, _, row = line.partition(":")
        ROWS[kind][event] = row
        if not star:
            FIRST.setdefault(kind, event)
# Members of values inside events. What is not written there is null, but for these.
SHAPES = {
    "vehicles": "interest model year condition vin odometer odometer_unit", "budget": "currency minimum maximum",
    "window": "earliest latest", "contact_points": "key kind valid linkable preferred", "needs": "kind value source",
    "consents": "purpose channel granted wording brand", "parts": "signal points", "items": "code quantity amount",
    "ratings": "design comfort handling space value",
}
UNSAID = {"valid": True, "linkable": True, "preferred": False}


def shaped(data: Data) -> Data:
    def shape(value: Any, names: list[str]) -> Any:
        if isinstance(value, list):
            return [shape(each, names) for each in value]
        return value and {name: value.get(name, UNSAID.get(name)) for name in names}

    return data | {member: shape(data[member], SHAPES[member].split()) for member in SHAPES.keys() & data.keys()}


@cache
def tokens(text: str) -> list[tuple[str, ...]]:
    return [found.groups() for token in text.split() if (found := re.fullmatch(r"(\w+)([:=]?)(.*)", token))]


@cache
def parts(text: str) -> list[tuple[str, ...]]:
    found = [(re.fullmatch(r"\s*([+~=?])(\w+)(?:\((.*?)\))? (.*)", part), part) for part in text.split("|")]
    return [match.groups("") if match else ("", "", "", part) for match, part in found]


def members(text: str, event: Data) -> Data:
    found: Data = {}
    for name, mark, other in tokens(text):
        value = WORDS.get(other, other) if mark == ":" else event.get(other.rstrip("[]?") or name)
        if value is not None or not other.endswith("?"):
            found[name] = list(value or []) if other.endswith("[]") else value
    return found


def carry_out(entry: Data, row: str, event: Data) -> None:
    """What a row of the table says, done to the stream's entry."""
    for sort, section, keys, rest in parts(row):
        new, wanted = members(rest, event), members(keys, event)
        if not sort:
            entry.update(new)
            continue
        entries = entry.setdefault(section, [])
        agreed = [each for each in entries if keys and all(each[key] == value for key, value in wanted.items())]
        if agreed and sort in "~=":
            agreed[-1].update(new)
        elif sort == "+" or (not agreed and sort in "=?"):
            entries.append(new)
