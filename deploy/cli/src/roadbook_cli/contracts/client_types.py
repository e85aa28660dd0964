"""JSON Schemas as Python types."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping
from typing import Any

_BY_TYPE = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
_TIMES = {"date-time": "datetime | str", "date": "date | str"}
Json = Mapping[str, Any]


def hint(schema: Json, *, prefix: str = "", times: bool = False) -> str:
    """The annotation for values that fit. `prefix` goes before the names of models; `times`: dates may be objects.

    Raises ValueError for a schema it has no words for.
    """
    if "$ref" in schema:
        return prefix + str(schema["$ref"]).rpartition("/")[2]
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return _union(hint(each, prefix=prefix, times=times) for each in schema[several])
    if "const" in schema or "enum" in schema:
        values = schema["enum"] if "enum" in schema else [schema["const"]]
        return "Literal[" + ", ".join(_literal(value) for value in values) + "]"
    kind = schema.get("type")
    if kind is None:
        return "Any"
    if kind == "array":
        return f"list[{hint(schema.get('items', {}), prefix=prefix, times=times)}]"
    if kind == "object":
        inner = schema.get("additionalProperties")
        return f"dict[str, {hint(inner, prefix=prefix, times=times) if isinstance(inner, dict) else 'Any'}]"
    if times and schema.get("format") in _TIMES:
        return _TIMES[schema["format"]]
    if not isinstance(kind, str) or kind not in _BY_TYPE:
        raise ValueError(f"no Python type for {dict(schema)}")
    return _BY_TYPE[kind]


def _union(hints: Iterator[str]) -> str:
    """None last, nothing twice."""
    found = dict.fromkeys(hints)
    return "Any" if "Any" in found else " | ".join(sorted(found, key=lambda each: each == "None"))


def _literal(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def models(document: Json) -> str:
    """The module of all schemas that are objects with fields."""
    schemas: Json = document["components"]["schemas"]
    code = "\n\n\n".join(_model(name, schema) for name, schema in schemas.items()) + "\n"
    imports = importing(code, {"typing": ("Any", "Literal", "NotRequired", "TypedDict")})
    return "\n".join(["", "from __future__ import annotations\n", *imports, "\n", code])


def importing(code: str, names: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """The import lines for the names that `code` uses."""
    for module, offered in sorted(names.items()):
        used = [name for name in offered if re.search(rf"\b{name}\b", code)]
        if used:
            yield f"from {module} import {', '.join(used)}"


def _model(name: str, schema: Json) -> str:
    if "properties" not in schema:
        raise ValueError(f"{name} has no fields: no model can be made of it")
    if not name.isidentifier() or "__" in name:
        raise ValueError(f"{name}: two models share a name, so that the document calls them by their modules")
    fields = dict(_fields(schema))
    about = str(schema.get("description", "")).replace("\\", "\\\\").strip()
    if all(field.isidentifier() and not keyword.iskeyword(field) for field in fields):
        lines = [f"class {name}(TypedDict):"]
        if about:
            lines += [f'    """{about}"""'.replace("\n", "\n    "), ""]
        lines += [f"    {field}: {annotation}" for field, annotation in fields.items()]
        return "\n".join(lines)
    # A field whose name Python keeps for itself: such a class can only be made by a call.
    lines = [f"# {line}" for line in about.splitlines()]
    lines += [f"{name} = TypedDict(", f'    "{name}",', "    {"]
    lines += [f'        "{field}": "{annotation}",' for field, annotation in fields.items()]
    return "\n".join([*lines, "    },", ")"])


def _fields(schema: Json) -> Iterator[tuple[str, str]]:
    required = schema.get("required", [])
    for name, inner in schema["properties"].items():
        annotation = _inner(inner)
        yield name, annotation if name in required else f"NotRequired[{annotation}]"


def _inner(schema: Json) -> str:
    if schema.get("type") == "object" and "properties" in schema:
        return "dict[str, Any]"
    if schema.get("type") == "array" and "properties" in schema.get("items", {}):
        return "list[dict[str, Any]]"
    return hint(schema)
