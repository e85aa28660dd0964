"""The contracts of two moments compared: what may not be changed any more."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import yaml  # type: ignore[import-untyped]
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from roadbook_cli.contracts import openapi_changes, schema_changes
from roadbook_cli.contracts.schema_changes import Break, Side

Files = Mapping[str, bytes]  # path below contracts/ -> content


def breaks(old: Files, new: Files) -> list[str]:
    """One line for each breaking change: file, place, what it is. `new` has the golden samples too."""
    found = [*_samples(old, new), *_events(old, new), *_openapi(old, new), *_asyncapi(old, new)]
    return [f"{file}: {each.where or 'the whole'}: {each.what}" for file, each in found]


def _samples(old: Files, new: Files) -> Iterator[tuple[str, Break]]:
    for file in sorted(old):
        if "/examples/" not in file:
            continue
        if file not in new:
            yield file, Break("", "a golden sample is never deleted")
        elif new[file] != old[file]:
            yield file, Break("", "a golden sample is never edited: add another one")


def _events(old: Files, new: Files) -> Iterator[tuple[str, Break]]:
    for file in sorted(old):
        if not file.startswith("events/") or not file.endswith(".schema.json"):
            continue
        if file not in new:
            yield file, Break("", "the event type was removed; what was published stays on the topic")
            continue
        before = json.loads(old[file])
        for each in schema_changes.compare(before, json.loads(new[file]), Side.EVENT):
            yield file, each
        yield from _new_samples(file, before, old, new)


def _new_samples(file: str, schema: Any, old: Files, new: Files) -> Iterator[tuple[str, Break]]:
    """Readers of the old schema get the new samples."""
    folder, _, name = file.removesuffix(".schema.json").rpartition("/")
    for sample in sorted(new):
        if sample.startswith(f"{folder}/examples/{name}.") and sample not in old:
            for fault in Draft202012Validator(schema).iter_errors(json.loads(new[sample])):
                yield sample, Break(f"/{'/'.join(map(str, fault.path))}", "does not fit the published schema")


def _openapi(old: Files, new: Files) -> Iterator[tuple[str, Break]]:
    for file in sorted(old):
        if file.startswith("openapi/"):
            if file not in new:
                yield file, Break("", "the service's API was removed")
                continue
            for each in openapi_changes.compare(json.loads(old[file]), json.loads(new[file])):
                yield file, each


# ── AsyncAPI: what is sent. What a service reads is its own affair ────────────────────────────────────────────
def _asyncapi(old: Files, new: Files) -> Iterator[tuple[str, Break]]:
    for file in sorted(old):
        if file.startswith("asyncapi/"):
            if file not in new:
                yield file, Break("", "the service's events were removed")
                continue
            for each in _channels(yaml.safe_load(old[file]), yaml.safe_load(new[file])):
                yield file, each


def _channels(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Break]:
    sent = {each["channel"]["$ref"] for each in old["operations"].values() if each["action"] == "send"}
    after = {channel["address"]: channel for channel in new["channels"].values()}
    for name, channel in old["channels"].items():
        if f"#/channels/{name}" not in sent:
            continue
        address = channel["address"]
        if address not in after:
            yield Break(address, "the topic was removed")
            continue
        for word in ("partitions", "topicConfiguration"):
            first, second = (each["bindings"]["kafka"][word] for each in (channel, after[address]))
            if first != second:
                yield Break(f"{address} {word}", "changed")
        for key in channel["messages"]:
            if key not in after[address]["messages"]:
                yield Break(f"{address} {key}", "the message was removed")
                continue
            first, second = (each["components"]["messages"][key] for each in (old, new))
            for fault in schema_changes.compare(first["headers"], second["headers"], Side.EVENT):
                yield fault.under(f"{address} {key} headers")
