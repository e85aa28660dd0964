"""Examples of answers, put together from the examples of their fields."""

from collections.abc import Callable, Mapping
from typing import Any, Final

_BY_FORMAT: Final[Mapping[str, str]] = {
    "date-time": "2026-01-05T08:00:00Z",
    "date": "2026-01-05",
    "uuid": "0199a3c4-7d2e-7b51-9c3d-2f1e5a6b7c8d",
}
_BY_TYPE: Final[Mapping[str, Any]] = {"boolean": True, "null": None, "integer": 1, "number": 1}

_PYTHON: Final[Mapping[str, Any]] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "null": type(None),
    "array": list,
    "object": dict,
}


class Lacking(Exception):
    """Fields whose example nobody can guess, as JSON pointers."""

    def __init__(self, pointers: list[str]) -> None:
        super().__init__(", ".join(pointers))
        self.pointers = pointers


def example_of(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:
    """A value that fits `schema`. `schemas`: what `$ref` leads to, by name. Raises `Lacking`."""
    lacking: list[str] = []
    value = _value(schema, schemas, "", lacking)
    if lacking:
        raise Lacking(lacking)
    return value


def _value(schema: Mapping[str, Any], schemas: Mapping[str, Any], pointer: str, lacking: list[str]) -> Any:
    for given in ("examples", "example", "const", "enum"):
        if given in schema:
            return schema[given][0] if given in ("examples", "enum") else schema[given]
    if "$ref" in schema:
        return _value(schemas[schema["$ref"].rpartition("/")[2]], schemas, pointer, lacking)
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            chosen = next((each for each in schema[several] if each.get("type") != "null"), schema[several][0])
            return _value(chosen, schemas, pointer, lacking)
    kind = str(schema.get("type"))
    if kind == "object" and "properties" in schema:
        return {
            name: _value(inner, schemas, f"{pointer}/{name}", lacking) for name, inner in schema["properties"].items()
        }
    if kind == "array":
        return [_value(schema.get("items", {}), schemas, f"{pointer}/0", lacking)]
    if kind in _BY_TYPE:
        return schema.get("minimum", _BY_TYPE[kind])
    written = str(schema.get("format"))
    if kind == "string" and written in _BY_FORMAT:
        return _BY_FORMAT[written]
    lacking.append(pointer)
    return None


def by_name(known: Mapping[str, Any]) -> Callable[[dict[str, Any]], None]:
    """For `json_schema_extra` of a base model: fields of these names get these examples, in all models under it. One
    word means one thing, so that one table serves a whole service."""

    def add(schema: dict[str, Any]) -> None:
        for name, field in schema.get("properties", {}).items():
            given = {"example", "examples", "const", "enum"} & field.keys()
            if name in known and not given and _fits(known[name], field):
                field["examples"] = [known[name]]

    return add


def _fits(value: Any, field: Mapping[str, Any]) -> bool:
    """Roughly: one name may be a number in a list and an object by itself. What does not fit is left alone."""
    for several in ("anyOf", "oneOf"):
        if several in field:
            return any(_fits(value, each) for each in field[several])
    if "$ref" in field:
        return False  # a model has fields of its own, and they have names
    kind = _PYTHON.get(str(field.get("type")), object)
    if isinstance(value, bool) and field.get("type") != "boolean":
        return False
    return isinstance(value, kind) and not (isinstance(value, list) and value and not _fits(value[0], field["items"]))


def complete_answers(operation: dict[str, Any], schemas: Mapping[str, Any]) -> None:
    """An example for every JSON answer of success that has none, where one can be made."""
    for status, response in operation.get("responses", {}).items():
        media = response.get("content", {}).get("application/json") if status[0] == "2" else None
        if media and "schema" in media and not {"example", "examples"} & media.keys():
            try:
                media["example"] = example_of(media["schema"], schemas)
            except Lacking:
                continue  # tests/contracts names what lacks
