"""All documents of all services, made from the code: no server, no database, nothing of the machine."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import yaml  # type: ignore[import-untyped]

from roadbook.http import asyncapi
from roadbook.messages import schemas, topics
from roadbook_cli.contracts import client
from roadbook_cli.project import SERVICES

_STYLE = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
ISSUER = "https://issuer.roadbook.example"


class Incomplete(Exception):
    """The code names something the contracts folder has not; the message says what to add."""


class _Plain(yaml.SafeDumper):  # type: ignore[misc]
    """Without anchors: a reader should not have to look things up."""

    def ignore_aliases(self, _: Any) -> bool:
        return True


def surface(name: str) -> Any:
    """The application of a service with nothing behind it, at a neutral address."""
    definition = importlib.import_module(f"{name}.main").DEFINITION
    settings = definition.settings(
        service=name,
        base_url=f"https://{name}.roadbook.example",
        oidc_issuer=ISSUER,
        oidc_audience="roadbook",
        oidc_jwks=f"{ISSUER}/jwks.json",
    )
    return definition.surface(settings)


def generated(folder: Path, services: tuple[str, ...] = SERVICES) -> dict[str, bytes]:
    """Path below `folder` -> content. Golden samples are read from `folder`. Raises `Incomplete`."""
    made: dict[str, bytes] = {}
    lacking: list[str] = []
    for name in services:
        app = surface(name)
        api = _sorted(app.openapi())
        made[f"openapi/{name}.json"] = orjson.dumps(api, option=_STYLE)
        made |= client.files(name, api)
        document = asyncapi.document(app.state.messages, title=app.title, version=app.version)
        made[f"asyncapi/{name}.yaml"] = yaml.dump(
            document, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120
        ).encode()
        made |= {f"events/{file}": content for file, content in schemas(app.state.messages).items()}
        lacking += _without_sample(document)
    if lacking:
        raise Incomplete("\n".join(sorted(set(lacking))))
    for name in services:
        for _, kinds in topics(surface(name).state.messages):
            for kind in kinds:
                if f"events/{kind.schema_file}" not in made and not (folder / "events" / kind.schema_file).is_file():
                    raise Incomplete(f"{name} reads {kind.owner}.{kind.name}, which nobody publishes")
    return made


def _without_sample(document: dict[str, Any]) -> Iterator[str]:
    for key, message in document["components"]["messages"].items():
        if "examples" not in message:
            owner, _, name = key.partition(".")
            yield f"contracts/events/{owner}/examples/{name}.json is missing: every event has a golden sample"


def _sorted(document: dict[str, Any]) -> dict[str, Any]:
    """Routes stay in the order of the code; components have none of their own."""
    components = {kind: dict(sorted(found.items())) for kind, found in document.get("components", {}).items()}
    return {**document, "components": components}
