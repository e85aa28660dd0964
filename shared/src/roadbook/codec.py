"""Domain events to named JSON and back.

Stored type names are stable strings, never import paths; stored bytes never change. Old versions are lifted by
upcasters that work on the raw JSON when it is read.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, Protocol, TypeVar

import orjson
from pydantic import TypeAdapter, ValidationError

from roadbook.events import NewEvent

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]


class HasTime(Protocol):
    @property
    def at(self) -> datetime: ...


E = TypeVar("E", bound=HasTime)


class UnknownType(Exception):
    """The type name is not in the registry: the event is kept raw and shown as unknown (T14)."""


class NewerVersion(Exception):
    """The name is known, the version is newer than this code: the stream parks until the upgrade (T14)."""


class Malformed(Exception):
    """The data does not fit the type. Carries the type only, never the content."""

    def __init__(self, type_: str) -> None:
        super().__init__(type_)


@dataclass(frozen=True, slots=True)
class EventType(Generic[E]):
    """`upcasters[n]` lifts the JSON of version n to version n + 1."""

    cls: type[E]
    name: str
    version: int = 1
    upcasters: Mapping[int, Upcaster] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if set(self.upcasters) != set(range(1, self.version)):
            raise ValueError(f"{self.name}: an upcaster for each version before {self.version} is needed")


class Codec(Generic[E]):
    """The events of one service: class ↔ `roadbook.<service>.<name>.v<version>` ↔ JSON.

    Reading is tolerant (unknown fields are ignored); `encode` writes fields in their declared order, times as UTC.
    """

    def __init__(self, service: str, types: tuple[EventType[E], ...]) -> None:
        self.service = service
        self.types = types
        self._by_class = {t.cls: (t, TypeAdapter(t.cls)) for t in types}
        self._by_name = {t.name: (t, TypeAdapter(t.cls)) for t in types}
        if len(self._by_name) != len(types) or len(self._by_class) != len(types):
            raise ValueError("an event class and its name are registered once")

    def type_name(self, cls: type[Any]) -> str:
        t = self._by_class[cls][0]
        return f"roadbook.{self.service}.{t.name}.v{t.version}"

    def encode(self, event: E) -> NewEvent:
        _, adapter = self._by_class[type(event)]
        data = adapter.dump_json(event).decode()
        return NewEvent(type=self.type_name(type(event)), time=event.at.astimezone(UTC), data=data)

    def decode(self, type_: str, data: str | bytes) -> E:
        """Raises `UnknownType`, `NewerVersion` or `Malformed`."""
        entry, version = self._find(type_)
        known, adapter = entry
        try:
            if version == known.version:
                return adapter.validate_json(data)
            raw = orjson.loads(data)
            for step in range(version, known.version):
                raw = known.upcasters[step](raw)
            return adapter.validate_json(orjson.dumps(raw))
        except (ValidationError, ValueError, KeyError, TypeError, AttributeError):
            raise Malformed(type_) from None

    def _find(self, type_: str) -> tuple[tuple[EventType[E], TypeAdapter[E]], int]:
        prefix, _, rest = type_.partition(f"roadbook.{self.service}.")
        name, _, digits = rest.rpartition(".v")
        entry = self._by_name.get(name)
        if prefix or entry is None or not digits.isascii() or not digits.isdigit():
            raise UnknownType(type_)
        version = int(digits)
        if version > entry[0].version:
            raise NewerVersion(type_)
        if version < 1:
            raise UnknownType(type_)
        return entry, version

    def schema(self, event_type: EventType[E]) -> dict[str, Any]:
        """JSON Schema 2020-12 of the event's data, as it is written."""
        adapter = self._by_class[event_type.cls][1]
        schema = adapter.json_schema(mode="serialization")
        name = f"{self.service}.{event_type.name}.v{event_type.version}"
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": f"urn:roadbook:schema:{name}",
            **schema,
        }
