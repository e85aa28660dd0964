"""The generated part of the typed client: what becomes of a document, and which documents are refused."""

import re
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from roadbook_cli.contracts import client, client_types
from roadbook_cli.contracts.base import on_disk
from roadbook_cli.contracts.generate import generated

CONTRACTS = Path(__file__).parents[3] / "contracts"
JSON = "application/json"
DOCUMENT: dict[str, Any] = {
    "info": {"title": "Things", "description": "Things of all kinds."},
    "paths": {
        "/v1/things/{thing_id}:move": {
            "post": {
                "operationId": "move_thing",
                "summary": "Move a thing",
                "parameters": [
                    {"name": "thing_id", "in": "path", "required": True, "schema": {"type": "string"}},
                    {"name": "from", "in": "query", "schema": {"type": "string", "format": "date-time"}},
                    {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string"}},
                ],
                "requestBody": {
                    "required": True, "content": {JSON: {"schema": {"$ref": "#/components/schemas/MoveRequest"}}},
                },
                "responses": {
                    "200": {"content": {JSON: {"schema": {"$ref": "#/components/schemas/Moved"}}}},
                    "409": {"content": {"application/problem+json": {"examples": {"too_heavy": {}}}}},
                },
            }
        },
        "/v1/things": {
            "get": {
                "operationId": "list_things",
                "summary": "List things",
                "parameters": [
                    {"name": "cursor", "in": "query", "schema": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
                    {"name": "pageCursor", "in": "query", "schema": {"type": "string"}},
                    {"name": "kind", "in": "query", "schema": {"enum": ["big", "small"], "type": "string"}},
                ],
                "responses": {"200": {"content": {JSON: {"schema": {"$ref": "#/components/schemas/ThingsPage"}}}}},
            }
        },
    },
    "components": {
        "schemas": {
            "MoveRequest": {"properties": {"to": {"type": "string"}, "by": {"type": "integer"}}, "required": ["to"]},
            "Moved": {"properties": {"from": {"type": "string"}}, "required": ["from"]},
            "ThingsPage": {
                "properties": {"items": {"type": "array", "items": {"$ref": "#/components/schemas/Moved"}}},
                "required": ["items"],
            },
        }
    },
}  # fmt: skip


def written(document: dict[str, Any]) -> dict[str, str]:
    found = client.files("things", document)
    return {file.rpartition("/")[2]: content.decode() for file, content in found.items()}


def test_a_document_becomes_typed_methods() -> None:
    files = written(DOCUMENT)
    operations = files["operations.py"]
    assert (
        "    async def move_thing(\n        self,\n        thing_id: str,\n        body: models.MoveRequest,\n"
        in operations
    )
    assert "        from_: datetime | str | None = None,\n        key: str | None = None,\n" in operations
    assert (
        '"POST", f"/v1/things/{segment(thing_id)}:move", key, if_match, query={"from": from_}, json=body' in operations
    )
    assert "Refusals: too_heavy." in operations
    assert "    ) -> Listing[models.ThingsPage, models.Moved]:" in operations
    assert 'kind: Literal["big", "small"] | None = None' in operations
    assert "pageCursor" not in operations
    assert "class MoveRequest(TypedDict):\n    to: str\n    by: NotRequired[int]\n" in files["models.py"]
    assert 'Moved = TypedDict(\n    "Moved",\n    {\n        "from": "str",\n    },\n)' in files["models.py"]


def put(document: dict[str, Any], *path: str, value: Any) -> dict[str, Any]:
    changed = deepcopy(document)
    place: Any = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return changed


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("components", "schemas", "a__b__MoveRequest"), {"properties": {}}, "two models share a name"),
        (("components", "schemas", "Empty"), {"type": "object"}, "no model can be made of it"),
        (("components", "schemas", "Moved", "properties", "x"), {"type": "file"}, "no Python type"),
        (("paths", "/v1/things", "get", "responses", "202"), {}, "2 answers of success"),
    ],
)
def test_what_cannot_be_typed_well_is_refused(path: tuple[str, ...], value: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        written(put(DOCUMENT, *path, value=value))


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, "int | None"),
        ({"anyOf": [{"$ref": "#/components/schemas/A"}, {"type": "null"}]}, "models.A | None"),
        ({"type": "array", "items": {"type": "array", "items": {"type": "number"}}}, "list[list[float]]"),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "dict[str, int]"),
        ({"type": "object", "additionalProperties": True}, "dict[str, Any]"),
        ({"const": "lead"}, 'Literal["lead"]'),
        ({"anyOf": [{}, {"type": "null"}]}, "Any"),
        ({"type": "string", "format": "date"}, "str"),
    ],
)
def test_schemas_have_types(schema: dict[str, Any], expected: str) -> None:
    assert client_types.hint(schema, prefix="models.") == expected


def test_the_committed_client_is_what_the_code_says() -> None:
    made = {file: text for file, text in generated(CONTRACTS).items() if file.startswith("client/")}
    present = on_disk(CONTRACTS)
    assert len(made) == 3 * len(list((CONTRACTS / "openapi").glob("*.json")))
    changed = [file for file, text in made.items() if present.get(file) != text]
    assert not changed, "run `make contracts`"


def test_a_wrong_field_does_not_type_check(tmp_path: Path) -> None:
    """What the types are for; and that what is generated is right in mypy's eyes."""
    (example,) = re.findall(r"```python\n(.*?)```", (CONTRACTS / "client" / "README.md").read_text("utf-8"), re.DOTALL)
    (tmp_path / "example.py").write_text(example, encoding="utf-8")
    calls = {
        'await to.lead.capture_lead({"source": "web"})': "",
        'await to.lead.capture_lead({"sauce": "web"})': "typeddict",
        'await to.lead.qualify_lead("x", {"grade": "boiling", "reasons": []})': "typeddict-item",
        '(await to.lead.read_lead("x"))["no_such_field"]': "typeddict-item",
        '[each["dealer"] async for each in to.lead.list_leads(state="open")]': "",
        'await to.lead.list_leads(state="melted")': "arg-type",
    }
    lines = ["from roadbook_client import Roadbook", "async def use(to: Roadbook) -> None:"]
    module = tmp_path / "use.py"
    module.write_text("\n".join([*lines, *(f"    {call}" for call in calls)]) + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--cache-dir", str(tmp_path)]
    command += [str(module), str(tmp_path / "example.py")]
    root = CONTRACTS.parent
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=250, check=False)
    faults = [line for line in done.stdout.splitlines() if ": error:" in line]
    for number, (call, expected) in enumerate(calls.items(), start=3):
        here = [line for line in faults if line.startswith(f"{module}:{number}:")]
        assert all(expected in line for line in here), here
        assert bool(here) == bool(expected), (call, done.stdout)
    assert len(faults) == 5, done.stdout
