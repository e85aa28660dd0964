"""Which field is wrong and why, in words of the schema only.

A location that pydantic reports may hold keys the client chose (an unknown field, the key of a map), and a message may
quote the value. So a pointer is walked through the body with property names of our own models as the only words
allowed, it stops before the first foreign one, and messages come from the table below.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MAX_ERRORS = 50
_CODE = re.compile(r"^[a-z0-9_]{1,64}$")
_RENAMED = {
    "extra_forbidden": "unknown_field",
    "json_invalid": "malformed_json",
    "value_error": "invalid_value",
}
_KNOWN: set[str] = set()

_MESSAGES = {
    "unknown_field": "this object has a field that is not part of the contract",
    "missing": "this field is required",
    "string_type": "must be a string",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must match {pattern}",
    "int_type": "must be an integer",
    "int_from_float": "must be an integer",
    "int_parsing": "must be an integer",
    "bool_type": "must be true or false",
    "list_type": "must be an array",
    "tuple_type": "must be an array",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "dict_type": "must be an object",
    "too_long": "must have at most {max_length} items",
    "too_short": "must have at least {min_length} items",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be one of {expected}",
    "enum": "must be one of {expected}",
    "union_tag_invalid": "the discriminator has no known value",
    "union_tag_not_found": "the discriminator is missing",
    "instant": "must be an RFC 3339 date-time with seconds and an offset",
    "calendar_date": "must be a date YYYY-MM-DD",
    "uuid": "must be a UUID in lower case",
    "unsafe_text": "must hold no control characters",
    "currency": "must be an active ISO 4217 code",
}


def describe(messages: Mapping[str, str]) -> None:
    """Add texts for codes a service raises with `PydanticCustomError`: code -> fixed text, no placeholder."""
    _MESSAGES.update({code: text.replace("{", "{{").replace("}", "}}") for code, text in messages.items()})


@dataclass(frozen=True, slots=True)
class FieldError:
    """`pointer`: JSON Pointer into the body, "" = the whole body; None for a parameter, which has `parameter`."""

    pointer: str | None
    code: str
    detail: str
    parameter: str | None = None

    def as_json(self) -> dict[str, str]:
        where = {"pointer": self.pointer} if self.pointer is not None else {"parameter": self.parameter or ""}
        return {**where, "code": self.code, "detail": self.detail}


def know(schema: object) -> None:
    """Learn the property and parameter names of an OpenAPI document: the only words a pointer may hold."""
    if isinstance(schema, Mapping):
        properties = schema.get("properties")
        if isinstance(properties, Mapping):
            _KNOWN.update(map(str, properties))
        if "in" in schema and isinstance(schema.get("name"), str):
            _KNOWN.add(schema["name"])
        for value in schema.values():
            know(value)
    elif isinstance(schema, list):
        for value in schema:
            know(value)


def field_errors(faults: Iterable[Any], body: object) -> list[FieldError]:
    """At most 50 faults of a pydantic or FastAPI validation error, without anything the client sent."""
    found: list[FieldError] = []
    for fault in faults:
        error = _field_error(fault, body)
        if error not in found:
            found.append(error)
        if len(found) == MAX_ERRORS:
            break
    return found


def _field_error(fault: Mapping[str, Any], body: object) -> FieldError:
    raw = str(fault.get("type", "invalid"))
    code = _RENAMED.get(raw, raw)
    if not _CODE.fullmatch(code):
        code = "invalid_value"
    detail = _detail(code, fault.get("ctx") or {})
    location: Sequence[Any] = fault.get("loc") or ()
    source, rest = (location[0], location[1:]) if location else ("body", ())
    if source == "body":
        return FieldError(_pointer(rest, body, code), code, detail)
    name = str(rest[0]) if rest and rest[0] in _KNOWN else str(source)
    return FieldError(None, code, detail, name)


def _detail(code: str, context: Mapping[str, Any]) -> str:
    try:
        return _MESSAGES.get(code, "is not valid").format_map(context)  # only bounds and choices of our own schema
    except (KeyError, ValueError, IndexError):
        return "is not valid"


def _pointer(location: Sequence[Any], body: object, code: str) -> str:
    """As far as the location follows our schema through the body; names of union branches are no part of it."""
    here, pointer = body, ""
    last = len(location) - 1
    for index, step in enumerate(location):
        if isinstance(step, int) and isinstance(here, list) and 0 <= step < len(here):
            here, pointer = here[step], f"{pointer}/{step}"
        elif isinstance(here, dict) and isinstance(step, str):
            if code == "unknown_field" and index == last:
                break
            if step in _KNOWN and (step in here or index == last):
                here, pointer = here.get(step), f"{pointer}/{step.replace('~', '~0').replace('/', '~1')}"
            elif step in here:
                break  # a key of the client's own choice
    return pointer
