"""What counts as a breaking change, by table; and what the last commit had, read from real repositories."""

import json
import subprocess
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from dataclasses import field as field_
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from roadbook_cli.contracts import __main__ as tool
from roadbook_cli.contracts import base, breaking, openapi_changes, schema_changes
from roadbook_cli.contracts.schema_changes import Side

E, R, A = Side.EVENT, Side.REQUEST, Side.ANSWER
STRING, NULL = {"type": "string"}, {"type": "null"}
SCHEMA: dict[str, Any] = {
    "$id": "urn:x:thing.v1",
    "$defs": {
        "Car": {"type": "object", "title": "Car", "properties": {"vin": {"type": "string", "maxLength": 17}}},
        "Tree": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Tree"}, "leaf": {"type": "integer"}}},
        "A": {"type": "object", "properties": {"kind": {"const": "a"}, "n": {"type": "integer"}}, "required": ["kind"]},
        "B": {"type": "object", "properties": {"kind": {"const": "b"}, "n": {"type": "integer"}}, "required": ["kind"]},
    },
    "type": "object",
    "properties": {
        "at": {"type": "string", "format": "date-time"},
        "grade": {"enum": ["hot", "cold"]},
        "count": {"type": "integer", "minimum": 1, "maximum": 9},
        "code": {"type": "string", "pattern": "^[a-z]+$", "minLength": 1},
        "note": {"anyOf": [STRING, NULL], "default": None},
        "cars": {"type": "array", "items": {"$ref": "#/$defs/Car"}, "maxItems": 20},
        "tree": {"$ref": "#/$defs/Tree"},
        "what": {"oneOf": [{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/B"}]},
        "old": {"type": "string", "deprecated": True},
        "map": {"type": "object", "additionalProperties": {"type": "integer"}},
    },
    "required": ["at", "grade", "count"],
}
Edit = Callable[[dict[str, Any]], Any]


def put(path: str, value: Any) -> Edit:
    """Sets the member at `path`; `...` removes it."""

    def edit(document: dict[str, Any]) -> None:
        *steps, last = path.split("|")
        for step in steps:
            document = document[int(step) if isinstance(document, list) else step]
        if value is ...:
            del document[last]
        else:
            document[last] = value

    return edit


def field(name: str, schema: Any) -> Edit:
    return put(f"properties|{name}", schema)


ALL = "EVENT REQUEST ANSWER"
# what changes, how, where it is found, for whom it breaks
SCHEMAS: list[tuple[str, Edit, str, str]] = [
    ("an optional field is added", field("more", STRING), "", ""),
    ("a required field is added", lambda s: (field("more", STRING)(s), s["required"].append("more")),
     "/more", "EVENT REQUEST"),
    ("an optional field becomes required", lambda s: s["required"].append("code"), "/code", "EVENT REQUEST"),
    ("a required field becomes optional", lambda s: s["required"].remove("count"), "/count", "EVENT ANSWER"),
    ("a required field is removed", lambda s: (field("grade", ...)(s), s["required"].remove("grade")), "/grade", ALL),
    ("an optional field is removed", field("code", ...), "/code", ALL),
    ("a deprecated field is removed", field("old", ...), "", ""),
    ("a field is renamed", lambda s: s["properties"].update(kode=s["properties"].pop("code")), "/code", ALL),
    ("another type", field("code", {"type": "integer"}), "/code", ALL),
    ("an integer becomes a number", put("properties|count|type", "number"), "/count", "EVENT ANSWER"),
    ("null is possible", field("at", {"anyOf": [SCHEMA["properties"]["at"], NULL]}), "/at", "EVENT ANSWER"),
    ("null is not possible any more", field("note", {**STRING, "default": None}), "/note", "EVENT REQUEST"),
    ("an enum grows", put("properties|grade|enum", ["hot", "warm", "cold"]), "/grade", "EVENT ANSWER"),
    ("an enum shrinks", put("properties|grade|enum", ["hot"]), "/grade", "EVENT REQUEST"),
    ("an enum is ordered anew", put("properties|grade|enum", ["cold", "hot"]), "", ""),
    ("an enum opens", field("grade", {}), "/grade", "EVENT ANSWER"),
    ("text becomes an enum", put("properties|code|enum", ["x"]), "/code", "EVENT REQUEST"),
    ("a format goes", field("at", STRING), "/at", "EVENT ANSWER"),
    ("a format comes", put("properties|code|format", "uuid"), "/code", "EVENT REQUEST"),
    ("another format", put("properties|at|format", "date"), "/at", ALL),
    ("another pattern", put("properties|code|pattern", "^[a-z0-9]+$"), "/code", ALL),
    ("a pattern goes", put("properties|code|pattern", ...), "/code", "EVENT ANSWER"),
    ("a higher minimum", put("properties|count|minimum", 2), "/count", "EVENT REQUEST"),
    ("a lower minimum", put("properties|count|minimum", 0), "/count", "EVENT ANSWER"),
    ("no maximum", put("properties|count|maximum", ...), "/count", "EVENT ANSWER"),
    ("a maximum of items", put("properties|cars|maxItems", 5), "/cars", "EVENT REQUEST"),
    ("a longer text behind a reference", put("$defs|Car|properties|vin|maxLength", 18), "/cars/*/vin", "EVENT ANSWER"),
    ("a reference leads elsewhere", put("properties|cars|items|$ref", "#/$defs/Tree"), "/cars/*/vin", ALL),
    ("a definition is renamed", lambda s: (
        s["$defs"].update(Vehicle=s["$defs"].pop("Car")), put("properties|cars|items|$ref", "#/$defs/Vehicle")(s)
    ), "", ""),
    ("inside a recursive definition", put("$defs|Tree|properties|leaf", STRING), "/tree/leaf", ALL),
    ("one branch of a union", put("$defs|B|properties|n", STRING), "/what/n", ALL),
    ("the union is ordered anew", lambda s: s["properties"]["what"]["oneOf"].reverse(), "", ""),
    ("a branch more", lambda s: s["properties"]["what"]["oneOf"].append({"$ref": "#/$defs/Car"}),
     "/what", "EVENT ANSWER"),
    ("a branch less", lambda s: s["properties"]["what"]["oneOf"].pop(), "/what", "EVENT REQUEST"),
    ("the object closes", put("additionalProperties", False), "", "EVENT REQUEST"),
    ("values of a map", put("properties|map|additionalProperties", STRING), "/map/*", ALL),
    ("the map opens", put("properties|map|additionalProperties", True), "/map/*", "EVENT ANSWER"),
    ("the default changes", put("properties|note|default", "none"), "/note", "EVENT REQUEST"),
    ("a default comes", put("properties|count|default", 1), "", ""),
    ("another title", put("title", "Thing"), "", ""),
    ("other words", put("properties|at|description", "When."), "", ""),
    ("an example", put("properties|at|examples", ["2026-01-01T00:00:00Z"]), "", ""),
    ("another $id", put("$id", "urn:x:thing.v2"), "", ALL),
    ("a rule nobody here knows", put("if", {"required": ["note"]}), "", ALL),
]  # fmt: skip


@pytest.mark.parametrize("side", Side, ids=lambda side: side.name)
@pytest.mark.parametrize(("name", "edit", "where", "breaks_for"), SCHEMAS, ids=[each[0] for each in SCHEMAS])
def test_changes_of_a_schema(name: str, edit: Edit, where: str, breaks_for: str, side: Side) -> None:
    changed = deepcopy(SCHEMA)
    edit(changed)
    found = schema_changes.compare(SCHEMA, changed, side)
    assert bool(found) == (side.name in breaks_for.split()), found
    assert {each.where for each in found} <= {where, "/kode"}


def test_what_is_added_to_a_closed_object_surprises_its_readers() -> None:
    closed = {"type": "object", "properties": {}, "additionalProperties": False}
    more = {**closed, "properties": {"a": STRING}}
    assert [each.where for each in schema_changes.compare(closed, more, A)] == ["/a"]
    assert schema_changes.compare(closed, more, R) == []
    assert [each.what for each in schema_changes.compare({**more, "additionalProperties": True}, closed, R)]


def test_a_deprecated_field_stays_while_readers_may_count_on_it() -> None:
    old = {"type": "object", "properties": {"a": {**STRING, "deprecated": True}}}
    assert schema_changes.compare(old, {"type": "object"}, A) == []
    assert schema_changes.compare({**old, "required": ["a"]}, {"type": "object"}, A)
    assert schema_changes.compare(old, {"type": "object", "additionalProperties": False}, R)


WORDS = st.sampled_from(["string", "integer", "number", "null", "boolean"])
LEAVES = st.fixed_dictionaries({"type": WORDS}, optional={"minimum": st.integers(0, 9), "enum": st.just([1, "a"])})
SOME = st.recursive(
    LEAVES | st.just({}),
    lambda inner: (
        st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=3)})
        | st.fixed_dictionaries(
            {"type": st.just("object"), "properties": st.dictionaries(st.sampled_from("abc"), inner)},
            optional={"required": st.lists(st.sampled_from("abc"), unique=True)},
        )
        | st.fixed_dictionaries({"type": st.just("array"), "items": inner})
    ),
    max_leaves=8,
)


@given(SOME)
def test_nothing_breaks_when_nothing_changes(schema: dict[str, Any]) -> None:
    for side in Side:
        assert schema_changes.compare(schema, deepcopy(schema), side) == []


@given(SOME, SOME)
def test_an_event_breaks_whenever_one_of_its_sides_does(old: dict[str, Any], new: dict[str, Any]) -> None:
    """And any two schemas can be compared."""
    sides = {each.where for side in (R, A) for each in schema_changes.compare(old, new, side)}
    assert sides <= {each.where for each in schema_changes.compare(old, new, E)}


# ── OpenAPI ───────────────────────────────────────────────────────────────────────────────────────────────────
API: dict[str, Any] = {
    "openapi": "3.1.0",
    "paths": {
        "/things": {
            "post": {
                "operationId": "make",
                "security": [{"oidc": ["thing:write"]}],
                "parameters": [
                    {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 100}},
                    {"name": "Key", "in": "header", "required": True, "schema": STRING},
                ],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Make"}}}},
                "responses": {
                    "201": {
                        "description": "Made",
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Made"}}},
                    },
                    "409": {"description": "No"},
                },
            }
        }
    },
    "components": {
        "schemas": {
            "Make": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name"],
                "properties": {"name": {"type": "string", "maxLength": 20}, "size": {"type": "integer"}},
            },
            "Made": {"type": "object", "required": ["id"], "properties": {"id": STRING, "size": {"type": "integer"}}},
        }
    },
}
POST, MAKE, MADE = "paths|/things|post|", "components|schemas|Make|", "components|schemas|Made|"
OPENAPI: list[tuple[str, Edit, str]] = [
    ("the path is removed", put("paths|/things", ...), "POST /things"),
    ("the operation is removed", put("paths|/things", {"get": {}}), "POST /things"),
    ("another path", put("paths|/others", {"get": {"operationId": "others"}}), ""),
    ("another operationId", put(POST + "operationId", "create"), "POST /things operationId"),
    ("another scope", put(POST + "security", [{"oidc": ["thing:admin"]}]), "POST /things scopes"),
    ("no scope", put(POST + "security", ...), "POST /things scopes"),
    ("another summary", put(POST + "summary", "Make a thing"), ""),
    ("a parameter is required", put(POST + "parameters|0|required", True), "POST /things query limit"),
    ("a parameter is free", put(POST + "parameters|1|required", False), ""),
    ("a parameter is narrowed", put(POST + "parameters|0|schema|maximum", 50), "POST /things query limit"),
    ("a parameter is widened", put(POST + "parameters|0|schema|maximum", 200), ""),
    ("a parameter is removed", lambda d: d["paths"]["/things"]["post"]["parameters"].pop(0),
     "POST /things query limit"),
    ("a parameter moves", put(POST + "parameters|0|in", "header"), "POST /things query limit"),
    ("an optional parameter", lambda d: d["paths"]["/things"]["post"]["parameters"].append(
        {"name": "more", "in": "query", "schema": STRING}), ""),
    ("a required parameter", lambda d: d["paths"]["/things"]["post"]["parameters"].append(
        {"name": "more", "in": "query", "required": True, "schema": STRING}), "POST /things query more"),
    ("the body is required", put(POST + "requestBody|required", True), "POST /things request"),
    ("the body is removed", put(POST + "requestBody", ...), "POST /things request"),
    ("another media type", put(POST + "requestBody|content", {"text/csv": {}}),
     "POST /things request application/json"),
    ("a new required request field", lambda d: (
        put(MAKE + "properties|kind", STRING)(d), put(MAKE + "required", ["name", "kind"])(d)
    ), "POST /things request application/json/kind"),
    ("a new request field", put(MAKE + "properties|kind", STRING), ""),
    ("a request field is narrowed", put(MAKE + "properties|name|maxLength", 10),
     "POST /things request application/json/name"),
    ("a request field is widened", put(MAKE + "properties|name|maxLength", 30), ""),
    ("a request field is removed", put(MAKE + "properties|size", ...), "POST /things request application/json/size"),
    ("an answer's field is removed", put(MADE + "properties|size", ...), "POST /things 201 application/json/size"),
    ("an answer's field may lack", put(MADE + "required", []), "POST /things 201 application/json/id"),
    ("an answer's field is new", put(MADE + "properties|more", STRING), ""),
    ("an answer's field may be null", put(MADE + "properties|id", {"anyOf": [STRING, NULL]}),
     "POST /things 201 application/json/id"),
    ("an answer is removed", put(POST + "responses|409", ...), "POST /things 409"),
    ("another success", lambda d: put(POST + "responses|200", d["paths"]["/things"]["post"]["responses"].pop("201"))(d),
     "POST /things 201"),
    ("an answer more", put(POST + "responses|404", {"description": "Gone"}), ""),
]  # fmt: skip


@pytest.mark.parametrize(("name", "edit", "where"), OPENAPI, ids=[each[0] for each in OPENAPI])
def test_changes_of_an_api(name: str, edit: Edit, where: str) -> None:
    changed = deepcopy(API)
    edit(changed)
    assert [each.where for each in openapi_changes.compare(API, changed)] == ([where] if where else [])


# ── The folder ────────────────────────────────────────────────────────────────────────────────────────────────
SAMPLE, EVENT = "events/x/examples/thing.v1.json", "events/x/thing.v1.schema.json"
CHANNELS: dict[str, Any] = {
    "channels": {
        "x": {
            "address": "roadbook.x.v1",
            "messages": {"x.thing.v1": {}},
            "bindings": {"kafka": {"partitions": 12, "topicConfiguration": {"retention.ms": -1}}},
        }
    },
    "operations": {"publish": {"action": "send", "channel": {"$ref": "#/channels/x"}}},
    "components": {"messages": {"x.thing.v1": {"headers": {"type": "object", "properties": {"ce_id": STRING}}}}},
}
FILES = {
    SAMPLE: b'{"at":"2026-01-05T08:00:00Z","grade":"hot","count":1}\n',
    EVENT: json.dumps(SCHEMA).encode(),
    "openapi/x.json": json.dumps(API).encode(),
    "asyncapi/x.yaml": yaml.safe_dump(CHANNELS).encode(),
}


def channels(edit: Edit) -> bytes:
    changed = deepcopy(CHANNELS)
    edit(changed)
    return yaml.safe_dump(changed).encode()


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        (SAMPLE, None, "never deleted"),
        (SAMPLE, b"{}", "never edited"),
        (EVENT, None, "the event type was removed"),
        (EVENT, json.dumps({**SCHEMA, "required": ["grade", "count"]}).encode(), "/at: may be missing now"),
        ("events/x/examples/thing.v1.two.json", b'{"at":1,"grade":"hot","count":1}', "/at: does not fit"),
        ("events/x/examples/thing.v1.three.json", FILES[SAMPLE], ""),
        ("events/x/examples/other.v1.json", b"{}", ""),
        ("openapi/x.json", None, "the service's API was removed"),
        ("openapi/x.json", json.dumps({**API, "paths": {}}).encode(), "POST /things: the path was removed"),
        ("asyncapi/x.yaml", None, "the service's events were removed"),
        ("asyncapi/x.yaml", channels(put("channels|x|address", "y")), "roadbook.x.v1: the topic was removed"),
        ("asyncapi/x.yaml", channels(put("channels|x|messages", {})), "x.thing.v1: the message was removed"),
        ("asyncapi/x.yaml", channels(put("channels|x|bindings|kafka|partitions", 24)), "partitions: changed"),
        (
            "asyncapi/x.yaml",
            channels(put("components|messages|x.thing.v1|headers|properties|ce_id", ...)),
            "x.thing.v1 headers/ce_id: was removed",
        ),
    ],
)
def test_changes_of_the_folder(file: str, content: bytes | None, said: str) -> None:
    new = {**FILES, file: content}
    found = breaking.breaks(FILES, {name: each for name, each in new.items() if each is not None})
    assert (len(found), *(file in line for line in found)) == ((1, True) if said else (0,)), found
    assert all(said in line for line in found)


# ── The last commit ───────────────────────────────────────────────────────────────────────────────────────────
def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def commit(folder: Path, **files: bytes) -> None:
    for name, content in files.items():
        (folder / "contracts" / "events").mkdir(parents=True, exist_ok=True)
        (folder / "contracts" / "events" / name).write_bytes(content)
    git(folder, "add", "--all")
    git(folder, "commit", "--allow-empty", "-m", "x")


def test_the_base_is_the_last_commit_that_has_other_contracts(tmp_path: Path) -> None:
    assert base.find(tmp_path, {"events/a": b"1"}) == base.Base("no git history here: nothing to compare with")
    git(tmp_path, "init")
    assert base.find(tmp_path, {}).files is None
    commit(tmp_path)
    assert base.find(tmp_path, {"events/a": b"1"}).said.startswith("the last commit has no contracts")
    commit(tmp_path, a=b"1")
    assert base.find(tmp_path, {"events/a": b"2"}).files == {"events/a": b"1"}
    assert base.find(tmp_path, {"events/a": b"1"}).said.startswith("the commit before the last has no contracts")
    commit(tmp_path, a=b"2")
    assert base.find(tmp_path, {"events/a": b"2"}).files == {"events/a": b"1"}, "right after a commit, and in CI"
    assert base.find(tmp_path, {"events/a": b"3"}).files == {"events/a": b"2"}
    beside = {"events/a": b"2", "client/made.pyc": b"x"}
    assert base.find(tmp_path, beside).files == {"events/a": b"1"}, "what is no contract does not count"


def test_a_shallow_clone_compares_nothing_and_says_so(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    git(first, "init")
    commit(first, a=b"1")
    commit(first, a=b"2")
    git(tmp_path, "clone", "--depth", "1", f"file://{first}", str(second))
    found = base.find(second, {"events/a": b"2"})
    assert found.files is None
    assert "shallow" in found.said
    assert base.find(second, {"events/a": b"3"}).files == {"events/a": b"2"}


# ── The command ───────────────────────────────────────────────────────────────────────────────────────────────
@dataclass
class Project:
    """A project whose code says what `made` holds."""

    root: Path
    made: dict[str, bytes] = field_(default_factory=lambda: {k: v for k, v in FILES.items() if k != SAMPLE})

    def run(self, *arguments: str) -> int:
        return tool.main(list(arguments), self.root, lambda _: dict(self.made))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    git(tmp_path, "init")
    (tmp_path / "contracts" / "events" / "x" / "examples").mkdir(parents=True)
    (tmp_path / "contracts" / SAMPLE).write_bytes(FILES[SAMPLE])
    return Project(tmp_path)


def test_it_writes_checks_and_refuses(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert project.run("--check") == 1
    assert "contracts/openapi/x.json: new" in capsys.readouterr().err
    assert project.run() == 0
    assert project.run("--check") == 0
    commit(project.root)
    assert project.run("--check") == 0
    capsys.readouterr()

    project.made[EVENT] = json.dumps({**SCHEMA, "required": ["at", "grade"]}).encode()
    for arguments in ((), ("--check",)):
        assert project.run(*arguments) == 1
        assert f"breaking change: {EVENT}: /count: may be missing now" in capsys.readouterr().err
    assert (project.root / "contracts" / EVENT).read_bytes() == FILES[EVENT], "nothing was written"

    (project.root / "contracts" / EVENT).write_bytes(project.made[EVENT])
    commit(project.root)
    assert project.run("--check") == 1, "committed all the same: found in CI"
    assert project.run("--what") == 2


def test_older_versions_and_notes_stay_and_leftovers_go(project: Project) -> None:
    contracts = project.root / "contracts"
    project.made["events/x/thing.v2.schema.json"] = project.made.pop(EVENT)
    for name in (EVENT, "events/x/gone.v1.schema.json", "notes.md"):
        (contracts / name).write_bytes(FILES[EVENT])
    assert project.run() == 0
    assert (contracts / EVENT).is_file()
    assert (contracts / "notes.md").is_file()
    assert not (contracts / "events/x/gone.v1.schema.json").exists()
