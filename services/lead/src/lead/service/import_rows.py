"""Rows of a list: what each says, whose lead it is, and how a rejected one is given back.

A row of NDJSON is the body of a capture with a `row_id`; a row of CSV is the same, flat, by the table below. What a row
means is decided by the code of the single capture, which the edge passes in as a `Form`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import orjson
from uuid_utils import UUID, uuid5

from lead.service import cells
from lead.service.import_files import REASONS, RawRow
from lead.service.leads import Captured
from lead.service.said import Said
from roadbook.context import CommandContext

_NAMES = UUID("5c1f0d0e-8a55-5d0b-9d8e-41f1f3c1a7d2")  # ours for ever: ids of leads and parties hang on it
LINE: Final = "_line"  # holds the text of a rejected line that is no JSON object
_MAX_REASONS: Final = 10
_NO_OBJECT: Final = frozenset({"malformed_json", "model_type"})


@dataclass(frozen=True, slots=True)
class Reason:
    """Where in the row (a JSON Pointer into the capture, "" = all of it), what, in words of our own."""

    pointer: str
    code: str
    detail: str


class Unfit(Exception):
    """What a row says cannot be taken."""

    def __init__(self, reasons: Sequence[Reason]) -> None:
        super().__init__(*(reason.code for reason in reasons))
        self.reasons = tuple(reasons[:_MAX_REASONS])


class Form(Protocol):
    """The body of a single capture, as the edge reads it. Everything here is called in a thread."""

    @property
    def fields(self) -> frozenset[str]: ...

    def parse(self, text: str) -> Any:
        """JSON, strictly. Raises `Unfit`."""
        ...

    def row_id(self, value: Mapping[str, Any]) -> str:
        """Raises `Unfit`."""
        ...

    def read(self, value: Mapping[str, Any], context: CommandContext) -> tuple[Said, Captured]:
        """Raises `Unfit`."""
        ...

    def rejected(self, code: str) -> Reason:
        """The words for a refusal of the domain."""
        ...


@dataclass(frozen=True, slots=True)
class Row:
    """`text` is the row as it is kept if it is rejected; `value` None: it could not be read as far as its id."""

    number: int
    text: str = field(repr=False)
    value: Mapping[str, Any] | None = field(default=None, repr=False)
    row_id: str | None = field(default=None, repr=False)
    lead_id: str = ""
    reasons: Sequence[Reason] = ()

    @property
    def party_ref(self) -> str:
        return str(uuid5(UUID(self.lead_id), "party"))


def lead_id(dealer: str | None, source: str, row_id: str) -> str:
    """The same row of the same list meets its lead again. A row id may be personal: nothing else is made of it."""
    return str(uuid5(_NAMES, f"{dealer or ''}/list/{source}/{row_id}"))


# ── CSV ───────────────────────────────────────────────────────────────────────────────────────────────────────
def _text(cell: str) -> Any:
    return cell


def _integer(cell: str) -> Any:
    digits = cell.removeprefix("-")
    return int(cell) if digits.isascii() and digits.isdigit() and len(digits) < 19 else cell


def _boolean(cell: str) -> Any:
    return {"true": True, "false": False}.get(cell.lower(), cell)


_PATHS: Final[Mapping[str, tuple[str, Callable[[str], Any]]]] = {
    "row_id": ("row_id", _text),
    "occurred_at": ("occurred_at", _text),
    "source": ("source", _text),
    "party_ref": ("party_ref", _text),
    "name": ("person/name", _text),
    "family_name": ("person/family_name", _text),
    "given_name": ("person/given_name", _text),
    "birth_date": ("person/birth_date", _text),
    "phone": ("person/phones/0/value", _text),
    "phone_2": ("person/phones/1/value", _text),
    "email": ("person/emails/0/value", _text),
    "address": ("person/addresses/0/lines/0", _text),
    "address_2": ("person/addresses/0/lines/1", _text),
    "city": ("person/addresses/0/city", _text),
    "province": ("person/addresses/0/region", _text),
    "postal_code": ("person/addresses/0/postal_code", _text),
    "country": ("person/addresses/0/country", _text),
    "interest": ("vehicles/0/interest", _text),
    "model": ("vehicles/0/model", _text),
    "year": ("vehicles/0/year", _integer),
    "condition": ("vehicles/0/condition", _text),
    "vin": ("vehicles/0/vin", _text),
    "budget_currency": ("budget/currency", _text),
    "budget_minimum": ("budget/minimum", _integer),
    "budget_maximum": ("budget/maximum", _integer),
    "window_earliest": ("window/earliest", _text),
    "window_latest": ("window/latest", _text),
    "campaign": ("campaign", _text),
    "dealer_wish": ("dealer_wish", _text),
    "region": ("region", _text),
    "interest_text": ("interest_text", _text),
    "comments": ("comments", _text),
    "consent_purpose": ("consents/0/purpose", _text),
    "consent_channel": ("consents/0/channel", _text),
    "consent_granted": ("consents/0/granted", _boolean),
    "consent_wording": ("consents/0/wording", _text),
    "next_action_kind": ("next_action/kind", _text),
    "next_action_due": ("next_action/due", _text),
    "next_action_assignee": ("next_action/assignee", _text),
}
_STEPS = {
    column: (tuple(int(step) if step.isdigit() else step for step in path.split("/")), read)
    for column, (path, read) in _PATHS.items()
}


def columns(fields: frozenset[str]) -> Sequence[str]:
    """The columns of a CSV file, of those parts that a capture has."""
    return [column for column, (steps, _) in _STEPS.items() if steps[0] in fields or column == "row_id"]


def nested(names: Sequence[str], row: Sequence[str]) -> tuple[dict[str, Any], dict[str, str]]:
    """(the row as the body of a capture, the column of each pointer into it). An empty cell says nothing."""
    value: dict[str, Any] = {}
    where: dict[str, str] = {}
    given = dict(zip(names, row, strict=True))
    for column, (steps, read) in _STEPS.items():  # in our order: the first phone comes before the second
        if cell := given.get(column):
            where[_put(value, steps, read(cell))] = column
    return value, where


def _put(value: dict[str, Any], steps: Sequence[str | int], leaf: Any) -> str:
    """A place in an array may move up: of two phones the first may be missing."""
    here: Any = value
    pointer = ""
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        new: Any = leaf if following is None else [] if isinstance(following, int) else {}
        if isinstance(step, int):
            step = min(step, len(here))
            if step == len(here):
                here.append(new)
        else:
            here.setdefault(step, new)
        here, pointer = here[step], f"{pointer}/{step}"
    return pointer


def column_of(pointer: str, where: Mapping[str, str]) -> str | None:
    """The column of a fault; the first one below it if it is about several."""
    return where.get(pointer) or next((c for p, c in where.items() if pointer and p.startswith(pointer + "/")), None)


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class List:
    """What is the same for all rows; `columns` None: NDJSON."""

    dealer: str | None
    source: str
    columns: Sequence[str] | None


def recognise(raw: RawRow, list_: List, form: Form) -> Row:
    """The row with its id, or with the reasons why it has none."""
    text = orjson.dumps(raw.cells).decode() if list_.columns is not None else _unwrapped(raw.cells[0])
    try:
        if list_.columns is not None:
            if len(raw.cells) != len(list_.columns):
                raise Unfit([Reason("", "cells", f"has {len(raw.cells)} cells, the header {len(list_.columns)}")])
            value, _ = nested(list_.columns, raw.cells)
        else:
            value = form.parse(text)
            if not isinstance(value, dict):
                raise Unfit([Reason("", "model_type", "must be an object")])
            if value.pop(REASONS, None) is not None:
                text = _without_reasons(text, value)
        row_id = form.row_id(value)
    except Unfit as unfit:
        return Row(raw.number, text, reasons=unfit.reasons)
    del value["row_id"]
    value.setdefault("source", list_.source)
    return Row(raw.number, text, value, row_id, lead_id(list_.dealer, list_.source, row_id))


def _unwrapped(text: str) -> str:
    """The line itself, of one that an earlier rejection had to wrap up."""
    if LINE not in text:
        return text
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    wrapped = isinstance(value, dict) and value.keys() <= {LINE, REASONS} and isinstance(value.get(LINE), str)
    return str(value[LINE]) if wrapped else text


def _without_reasons(text: str, value: Mapping[str, Any]) -> str:
    """We put `_reasons` last: cut off there, the rest is what it was, byte for byte."""
    before = text[: text.rfind(f',"{REASONS}":')] + "}"
    try:
        if orjson.loads(before) == value:
            return before
    except orjson.JSONDecodeError:
        pass
    return json.dumps(value, ensure_ascii=False)


# ── Giving back ───────────────────────────────────────────────────────────────────────────────────────────────
def reasons_shown(reasons: Sequence[Reason], row: Row, list_: List) -> list[dict[str, str]]:
    """As JSON; of a CSV row with the column."""
    where: Mapping[str, str] = {}
    if list_.columns is not None:
        given = orjson.loads(row.text)
        if len(given) == len(list_.columns):
            where = nested(list_.columns, given)[1]
    shown = []
    for reason in reasons:
        column = column_of(reason.pointer, where)
        if column is None and list_.columns is not None and reason.code == "missing":
            column = next((c for c, (path, _) in _PATHS.items() if f"/{path}" == reason.pointer), None)
        more = {"column": column} if column else {}
        shown.append({"pointer": reason.pointer, **more, "code": reason.code, "detail": reason.detail})
    return shown


def given_back(text: str, reasons: Sequence[Mapping[str, str]], names: Sequence[str] | None) -> bytes:
    """A rejected row in the format it came in, with its reasons; ends with a line feed."""
    if names is None:
        told = orjson.dumps(list(reasons)).decode()
        if any(reason["pointer"] == "" and reason["code"] in _NO_OBJECT for reason in reasons):
            text = orjson.dumps({LINE: text}).decode()
        comma = "," if text[1:-1].strip() else ""
        return f'{text[:-1].rstrip()}{comma}"{REASONS}":{told}}}\n'.encode()
    row = orjson.loads(text)
    told = "; ".join(f"{r.get('column') or r['pointer'] or 'row'}: {r['code']} ({r['detail']})" for r in reasons)
    filled = [*row[: len(names)], *[""] * (len(names) - len(row))]
    return cells.row([*filled, told, *row[len(names) :]])
