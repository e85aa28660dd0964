"""Two OpenAPI documents compared: what a client of the old one would trip over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from roadbook_cli.contracts.schema_changes import ANY, Break, Side, compare_in, resolve

METHODS = ("get", "put", "post", "delete", "patch", "head", "options")
Document = Mapping[str, Any]


def compare(old: Document, new: Document) -> list[Break]:
    """`where` begins with the operation: `POST /v1/leads request application/json/vehicles/*/vin`."""
    return list(_operations(old, new))


def operations(document: Document) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """(path, method, operation), the path's own parameters included."""
    for path, item in document.get("paths", {}).items():
        for method in METHODS:
            if method in item:
                shared = item.get("parameters", [])
                yield path, method, {**item[method], "parameters": [*shared, *item[method].get("parameters", [])]}


def _operations(old: Document, new: Document) -> Iterator[Break]:
    after = {(path, method): operation for path, method, operation in operations(new)}
    for path, method, operation in operations(old):
        name = f"{method.upper()} {path}"
        if path not in new.get("paths", {}):
            yield Break(name, "the path was removed")
        elif (path, method) not in after:
            yield Break(name, "the operation was removed")
        else:
            for each in _operation(operation, after[path, method], old, new):
                yield each.under(name + " ")


def _operation(old: Document, new: Document, old_root: Document, new_root: Document) -> Iterator[Break]:
    if old.get("operationId") != new.get("operationId"):
        yield Break("operationId", f"{old.get('operationId')} became {new.get('operationId')}")
    if _scopes(old) != _scopes(new):
        yield Break("scopes", f"{_scopes(old)} became {_scopes(new)}")
    yield from _parameters(old, new, old_root, new_root)
    yield from _request(old.get("requestBody"), new.get("requestBody"), old_root, new_root)
    yield from _answers(old.get("responses", {}), new.get("responses", {}), old_root, new_root)


def _scopes(operation: Document) -> list[list[str]]:
    """Alternatives, each with what it needs."""
    return sorted(
        sorted(f"{scheme}:{scope}" for scheme, scopes in each.items() for scope in scopes or [""])
        for each in operation.get("security", [])
    )


# ── What is sent to us ────────────────────────────────────────────────────────────────────────────────────────
def _parameters(old: Document, new: Document, old_root: Document, new_root: Document) -> Iterator[Break]:
    before, after = _by_name(old, old_root), _by_name(new, new_root)
    for place, name in before:
        where = f"{place} {name}"
        if (place, name) not in after:
            yield Break(where, "the parameter was removed")
            continue
        first, second = before[place, name], after[place, name]
        if second.get("required") and not first.get("required"):
            yield Break(where, "is required now")
        for each in _compared(first, second, old_root, new_root, Side.REQUEST):
            yield each.under(where)
    for (place, name), parameter in after.items():
        if (place, name) not in before and parameter.get("required"):
            yield Break(f"{place} {name}", "a required parameter was added")


def _by_name(operation: Document, root: Document) -> dict[tuple[str, str], Document]:
    found = (resolve(each, root) for each in operation.get("parameters", []))
    return {(each["in"], each["name"]): each for each in found}


def _request(old: Document | None, new: Document | None, old_root: Document, new_root: Document) -> Iterator[Break]:
    if new is None:
        if old is not None:
            yield Break("request", "the body was removed")
        return
    if new.get("required") and not (old or {}).get("required"):
        yield Break("request", "the body is required now")
    yield from _contents("request", old or {}, new, old_root, new_root, Side.REQUEST)


# ── What we answer ────────────────────────────────────────────────────────────────────────────────────────────
def _answers(old: Document, new: Document, old_root: Document, new_root: Document) -> Iterator[Break]:
    for status in old:
        if status not in new:
            yield Break(status, "the answer was removed")
            continue
        before, after = resolve(old[status], old_root), resolve(new[status], new_root)
        yield from _contents(status, before, after, old_root, new_root, Side.ANSWER)
        for name in sorted(before.get("headers", {}).keys() - after.get("headers", {}).keys()):
            yield Break(f"{status} header {name}", "was removed")


def _contents(
    where: str, old: Document, new: Document, old_root: Document, new_root: Document, side: Side
) -> Iterator[Break]:
    before, after = old.get("content", {}), new.get("content", {})
    for kind in before:
        if kind not in after:
            yield Break(f"{where} {kind}", "the media type was removed")
            continue
        for each in _compared(before[kind], after[kind], old_root, new_root, side):
            yield each.under(f"{where} {kind}")


def _compared(old: Document, new: Document, old_root: Document, new_root: Document, side: Side) -> list[Break]:
    return compare_in(old.get("schema", ANY), new.get("schema", ANY), old_root, new_root, side)
