"""Two JSON Schemas compared rule by rule: which changes break somebody, and where.

Who is hurt depends on the side. A `REQUEST` is written by others: what was accepted must stay accepted. An `ANSWER` is
read by others: nothing may appear that they were told would not. An `EVENT` is both, for the topic keeps for ever what
was written under the old schema, and old readers get what is written under the new one. Adding an optional field is
always allowed, since readers are tolerant; descriptions, titles and examples may change freely.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

Schema = Mapping[str, Any]
ANY: Schema = {}
KINDS = ("null", "boolean", "integer", "number", "string", "array", "object")
LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains")
UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains")
SHAPES = ("format", "pattern", "multipleOf", "uniqueItems", "contentEncoding", "contentMediaType")
# Words that say nothing about what fits; `default` is looked at by itself.
ANNOTATIONS = frozenset(
    {"title", "description", "examples", "example", "deprecated", "readOnly", "writeOnly", "$comment", "$schema"}
    | {"$defs", "definitions", "components", "default", "discriminator", "externalDocs", "xml"}
)
STRUCTURE = frozenset(
    {"type", "anyOf", "oneOf", "allOf", "$ref", "enum", "const", "properties", "required", "additionalProperties"}
    | {"items", "prefixItems", "$id", *LOWER, *UPPER, *SHAPES}
)


class Side(Enum):
    """`accepts`: what fitted must still fit. `emits`: what fits now must have fitted."""

    REQUEST = (True, False)
    ANSWER = (False, True)
    EVENT = (True, True)

    @property
    def accepts(self) -> bool:
        return self.value[0]

    @property
    def emits(self) -> bool:
        return self.value[1]


@dataclass(frozen=True, slots=True, order=True)
class Break:
    """`where`: a JSON Pointer into the values described (`/vehicles/*/vin`), "" = the whole."""

    where: str
    what: str

    def under(self, prefix: str) -> Break:
        return Break(prefix + self.where, self.what)


def compare(old: Any, new: Any, side: Side) -> list[Break]:
    """Breaking changes from schema document `old` to `new`, each document with its own `$defs`."""
    return compare_in(old, new, old, new, side)


def compare_in(old: Any, new: Any, old_root: Any, new_root: Any, side: Side) -> list[Break]:
    """The same for schemas inside larger documents, which their references are looked up in."""
    return sorted(set(_Comparison(old_root, new_root, side).schemas(old, new, "")))


@dataclass(slots=True)
class _Comparison:
    old_root: Any
    new_root: Any
    side: Side
    met: set[tuple[str, str]] = field(default_factory=set)

    def schemas(self, old: Any, new: Any, at: str) -> Iterator[Break]:
        old, new = _plain(old), _plain(new)
        references = (str(old.get("$ref", "")), str(new.get("$ref", "")))
        if all(references):
            if references in self.met:
                return  # a recursive schema
            self.met.add(references)
        if old.get("$id") != new.get("$id") and at == "":
            yield Break(at, "$id changed")
        if self.side.accepts and "default" in old and old["default"] != new.get("default", ...):
            yield Break(at, "default changed")
        yield from self._branches(_branches(old, self.old_root), _branches(new, self.new_root), at)
        if all(references):
            self.met.discard(references)

    # ── Unions ────────────────────────────────────────────────────────────────────────────────────────────────
    def _branches(self, old: list[Schema], new: list[Schema], at: str) -> Iterator[Break]:
        """Each old branch is held against the new one that is most like it."""
        left = list(new)
        for branch in sorted(old, key=lambda each: not any(_named(each) == _named(n) for n in new)):
            match = self._most_alike(branch, left, at)
            if match is None:
                if self.side.accepts and not _open(new):
                    yield Break(at, f"{_word(branch)} is no longer allowed")
                continue
            left.remove(match)
            yield from self._one(branch, match, at)
        if self.side.emits and not _open(old):
            for branch in left:
                yield Break(at, f"{_word(branch)} is now possible")

    def _most_alike(self, branch: Schema, left: list[Schema], at: str) -> Schema | None:
        fitting = [each for each in left if _alike(branch, each)]
        if len(fitting) < 2:
            return fitting[0] if fitting else None
        return min(fitting, key=lambda each: (_named(each) != _named(branch), len(list(self._one(branch, each, at)))))

    # ── One kind of value ─────────────────────────────────────────────────────────────────────────────────────
    def _one(self, old: Schema, new: Schema, at: str) -> Iterator[Break]:
        yield from self._kind(old, new, at)
        yield from self._values(old, new, at)
        for word in (*LOWER, *UPPER):
            yield from self._bound(word, old.get(word), new.get(word), at)
        for word in SHAPES:
            yield from self._shape(word, old.get(word), new.get(word), at)
        for word in sorted((old.keys() | new.keys()) - STRUCTURE - ANNOTATIONS):
            if not word.startswith("x-") and old.get(word) != new.get(word):
                yield Break(at, f"{word} changed")
        yield from self._items(old, new, at)
        yield from self._fields(old, new, at)

    def _kind(self, old: Schema, new: Schema, at: str) -> Iterator[Break]:
        """`integer` is a `number`, and everything is anything: wider or narrower, not another type."""
        before, after = old.get("type"), new.get("type")
        if before == after:
            return
        wider = after is None or (before, after) == ("integer", "number")
        if self.side.emits if wider else self.side.accepts:
            yield Break(at, f"type {before or 'anything'} became {after or 'anything'}")

    def _values(self, old: Schema, new: Schema, at: str) -> Iterator[Break]:
        before, after = _choices(old), _choices(new)
        if before == after:
            return
        if before is None or after is None:
            if self.side.accepts and before is None:
                yield Break(at, "only some values are allowed now")
            if self.side.emits and after is None:
                yield Break(at, "any value is possible now")
            return
        if self.side.accepts and before - after:
            yield Break(at, f"values no longer allowed: {', '.join(sorted(before - after))}")
        if self.side.emits and after - before:
            yield Break(at, f"new values: {', '.join(sorted(after - before))}")

    def _bound(self, word: str, old: Any, new: Any, at: str) -> Iterator[Break]:
        if old == new:
            return
        tighter = old is None or (new is not None and (new > old if word in LOWER else new < old))
        if self.side.accepts if tighter else self.side.emits:
            yield Break(at, f"{word} {_shown(old)} became {_shown(new)}")

    def _shape(self, word: str, old: Any, new: Any, at: str) -> Iterator[Break]:
        """Whether a changed pattern allows more or less is not ours to find out: it breaks either way."""
        if old == new or (not old and not new):
            return
        added, dropped = not old, not new
        if (added and not self.side.accepts) or (dropped and not self.side.emits):
            return
        yield Break(at, f"{word} {_shown(old)} became {_shown(new)}")

    def _items(self, old: Schema, new: Schema, at: str) -> Iterator[Break]:
        if "items" in old or "items" in new:
            yield from self.schemas(old.get("items", ANY), new.get("items", ANY), f"{at}/*")
        before, after = old.get("prefixItems", []), new.get("prefixItems", [])
        for index in range(max(len(before), len(after))):
            first = before[index] if index < len(before) else old.get("items", ANY)
            second = after[index] if index < len(after) else new.get("items", ANY)
            yield from self.schemas(first, second, f"{at}/{index}")

    def _fields(self, old: Schema, new: Schema, at: str) -> Iterator[Break]:
        before, after = old.get("properties", {}), new.get("properties", {})
        needed, needs = set(old.get("required", ())), set(new.get("required", ()))
        for name in before:
            here = f"{at}/{_escaped(name)}"
            if name in after:
                yield from self.schemas(before[name], after[name], here)
            elif not self._may_go(_plain(before[name]), name in needed, new):
                yield Break(here, "was removed")
        for name in sorted(needs - needed if self.side.accepts else ()):
            yield Break(f"{at}/{_escaped(name)}", "is required now")
        for name in sorted(needed - needs if self.side.emits else ()):
            if name in after:
                yield Break(f"{at}/{_escaped(name)}", "may be missing now")
        yield from self._further(old, new, at)

    def _may_go(self, field_: Schema, required: bool, new: Schema) -> bool:
        """After its time as deprecated an optional field may be dropped, where readers do not refuse it."""
        return bool(field_.get("deprecated")) and not required and new.get("additionalProperties", True) is not False

    def _further(self, old: Schema, new: Schema, at: str) -> Iterator[Break]:
        """Fields beyond those named: open (absent), closed (false) or of one schema (a map)."""
        before, after = old.get("additionalProperties", True), new.get("additionalProperties", True)
        if self.side.emits and before is False:
            for name in sorted(new.get("properties", {}).keys() - old.get("properties", {}).keys()):
                yield Break(f"{at}/{_escaped(name)}", "was added to a closed object")
        if before == after:
            return
        if before is False or after is False:
            if self.side.accepts and after is False:
                yield Break(at, "further fields are no longer allowed")
            if self.side.emits and before is False:
                yield Break(at, "further fields are possible now")
            return
        yield from self.schemas(before, after, f"{at}/*")


# ── Normal form ───────────────────────────────────────────────────────────────────────────────────────────────
def _plain(schema: Any) -> Schema:
    """`true` is `{}`; `false` fits nothing."""
    if schema is True:
        return ANY
    return {"not": {}} if schema is False else dict(schema)


def resolve(schema: Any, root: Any) -> Schema:
    """Follows `$ref` inside `root`; what stands beside it is added."""
    found = _plain(schema)
    while "$ref" in found:
        reference, beside = found["$ref"], {word: value for word, value in found.items() if word != "$ref"}
        target = root
        for step in reference.removeprefix("#/").split("/"):
            target = target[step.replace("~1", "/").replace("~0", "~")]
        found = {**_plain(target), **beside, "title": reference.rpartition("/")[2]}
    return found


def _branches(schema: Schema, root: Any) -> list[Schema]:
    """Alternatives of one type each: `anyOf`, `oneOf` and lists of types unfolded, `allOf` merged."""
    here = resolve(schema, root)
    for word in ("anyOf", "oneOf"):
        if word in here:
            beside = {name: value for name, value in here.items() if name not in (word, "title", "description")}
            return [{**beside, **branch} for each in here[word] for branch in _branches(_plain(each), root)]
    if "allOf" in here:
        merged: dict[str, Any] = {name: value for name, value in here.items() if name != "allOf"}
        for each in here["allOf"]:
            _merge(merged, resolve(each, root))
        return _branches(merged, root)
    kinds = here.get("type")
    if isinstance(kinds, list):
        return [{**here, "type": kind} for kind in kinds]
    return [here]


def _merge(into: dict[str, Any], more: Schema) -> None:
    for word, value in more.items():
        if word == "properties":
            into[word] = {**into.get(word, {}), **value}
        elif word == "required":
            into[word] = [*into.get(word, []), *value]
        else:
            into.setdefault(word, value)


def _open(branches: list[Schema]) -> bool:
    """Whether anything fits one of them."""
    return any(not branch.keys() - ANNOTATIONS for branch in branches)


def _alike(old: Schema, new: Schema) -> bool:
    """Whether one may have become the other."""
    before, after = old.get("type"), new.get("type")
    if before == after or before is None or after is None:
        return True
    return {before, after} == {"integer", "number"}


def _named(schema: Schema) -> Any:
    """What tells the branches of a union apart: the tag, else the name."""
    tags = [(name, inner["const"]) for name, inner in schema.get("properties", {}).items() if "const" in inner]
    return schema.get("type"), tuple(sorted(map(str, tags))) or schema.get("title"), str(_choices(schema))


def _choices(schema: Schema) -> set[str] | None:
    if "const" in schema:
        return {_shown(schema["const"])}
    return {_shown(value) for value in schema["enum"]} if "enum" in schema else None


def _word(schema: Schema) -> str:
    kind = str(schema.get("type", "anything"))
    return f"{schema['title']} ({kind})" if kind == "object" and "title" in schema else kind


def _shown(value: Any) -> str:
    return "nothing" if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
