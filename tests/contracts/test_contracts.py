"""The published contracts are what the code says, complete, and what is really sent and answered."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
import yaml
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from roadbook.codec import Codec
from roadbook.events import Labels, Recorded
from roadbook.http.asyncapi import document
from roadbook.http.examples import Lacking, example_of
from roadbook.http.problems import registered
from roadbook.messages import EVENT_HEADERS, PERSONAL_HEADERS, PERSONAL_MESSAGES, samples, topics
from roadbook.personal_relay import personal_message
from roadbook.wire import to_message
from roadbook_cli.contracts import __main__ as tool
from roadbook_cli.contracts.generate import generated, surface
from roadbook_cli.contracts.openapi_changes import operations
from roadbook_cli.kafka import PARTITIONS, TOPICS
from roadbook_cli.project import SERVICES

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "contracts"
APPS = {name: surface(name) for name in SERVICES}
OPERATIONS = [
    pytest.param(APPS[name].openapi(), operation, id=f"{name} {method.upper()} {path}")
    for name in SERVICES
    for path, method, operation in operations(APPS[name].openapi())
]
CODECS: list[tuple[str, Codec[Any]]] = [
    (name, codec) for name in SERVICES for codec in APPS[name].state.messages.sends.values()
]
ASYNCAPI = {name: document(app.state.messages, title=app.title, version=app.version) for name, app in APPS.items()}


# ── What is published is what the code says ───────────────────────────────────────────────────────────────────
def test_the_folder_is_as_the_code_says_and_breaks_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    code = tool.main(["--check"], ROOT)
    assert code == 0, capsys.readouterr().err


def test_nothing_of_the_machine_gets_in(monkeypatch: pytest.MonkeyPatch) -> None:
    before = generated(FOLDER)
    for field in ("BASE_URL", "HOST", "PORT", "LEAD_PORT", "OIDC_ISSUER", "OIDC_JWKS", "LOG_LEVEL", "ENVIRONMENT"):
        monkeypatch.setenv(f"ROADBOOK_{field}", "canary.test")
    after = generated(FOLDER)
    assert after == before
    here = str(ROOT).encode()
    for file, content in after.items():
        assert not re.search(rb"canary|127\.0\.0\.1|localhost", content), file
        assert here not in content, file


# ── OpenAPI ───────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("name", SERVICES)
def test_the_document_is_openapi_3_1(name: str) -> None:
    validate(APPS[name].openapi())


@pytest.mark.parametrize(("api", "operation"), OPERATIONS)
def test_every_operation_is_complete(api: dict[str, Any], operation: dict[str, Any]) -> None:
    told = lacks(api, operation)
    if told:
        pytest.fail("\n".join(told), pytrace=False)


def lacks(api: dict[str, Any], operation: dict[str, Any]) -> list[str]:
    """In words, with what to do."""
    schemas = api["components"]["schemas"]
    told = [f"no {word}" for word in ("operationId", "summary", "tags") if not operation.get(word)]
    scopes = [scope for each in operation.get("security", []) for scope in each.get("oidc", [])]
    if not scopes:
        told.append('no scope: use command("…") or requires("…")')
    described = {tag["name"] for tag in api.get("tags", [])}
    told += [
        f"tag {tag!r} has no description: add it to `tags` in main.py"
        for tag in operation["tags"]
        if tag not in described
    ]
    body = operation.get("requestBody", {}).get("content", {})
    if body and not any(shown(media) for media in body.values()):
        told.append("the request has no example: Body(openapi_examples=shown.example(shown.…))")
    told += [f"request: {fault}" for media in body.values() for fault in unfit(media, schemas)]
    successes = {status: answer for status, answer in operation["responses"].items() if status[0] == "2"}
    if not successes:
        told.append("no answer of success: responses=answered(shown.…, …)")
    for status, answer in successes.items():
        for kind, media in answer.get("content", {}).items():
            told += [f"{status}: {fault}" for fault in [*_no_example(kind, media, schemas), *unfit(media, schemas)]]
        if not answer.get("content") and status != "204":
            told.append(f"{status} has no content: responses=answered(shown.…, …)")
    return told + list(_problems(operation))


def _no_example(kind: str, media: dict[str, Any], schemas: dict[str, Any]) -> Iterator[str]:
    if shown(media):
        return
    try:
        example_of(media.get("schema", {}), schemas)
        yield f"{kind} has no example"
    except Lacking as lacking:
        for pointer in lacking.pointers:
            yield f"{kind}{pointer} has no example: add its name to SAMPLES in shown.py, or Field(examples=[…])"


def _problems(operation: dict[str, Any]) -> Iterator[str]:
    """Each error names its problem types, and each of them has a page that helps."""
    for status in ("401", "403", "500", "503"):
        if status not in operation["responses"]:
            yield f"no {status}"
    for status, answer in operation["responses"].items():
        if status[0] in "45":
            codes = answer.get("content", {}).get("application/problem+json", {}).get("examples", {})
            if not codes:
                yield f'{status} names no problem type: answered(…, "<code>") and a ProblemType in problems.py'
            for code, example in codes.items():
                kind = registered().get(code)
                if kind is None or not (kind.explanation and kind.what_to_do):
                    yield f"{status} {code}: no registered ProblemType with an explanation and what to do"
                elif str(kind.status) != status or not example["value"]["type"].startswith("https://"):
                    yield f"{status} {code}: another status or no absolute type"


def shown(media: dict[str, Any]) -> list[Any]:
    values = [each["value"] for each in media.get("examples", {}).values()]
    return values + ([media["example"]] if "example" in media else [])


def unfit(media: dict[str, Any], schemas: dict[str, Any]) -> list[str]:
    """Faults of examples, by pointer."""
    schema = media.get("schema", {})
    if schema.get("format") == "binary":
        return []
    validator = Draft202012Validator({**schema, "components": {"schemas": schemas}})
    return [
        f"the example does not fit at /{'/'.join(map(str, fault.path))}: {fault.message}"
        for value in shown(media)
        for fault in validator.iter_errors(value)
    ]


def test_what_lacks_is_named() -> None:
    api = {"components": {"schemas": {"S": {"type": "object", "properties": {"a": {"type": "string"}}}}}}
    answer = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/S"}}}}
    bare = {
        "tags": ["x"],
        "requestBody": {"content": {"application/json": {}}},
        "responses": {"200": answer, "409": {}},
    }
    told = "\n".join(lacks(api, bare))
    for word in ("operationId", "summary", "scope", "tag 'x'", "request has no", "/a has no example", "409 names no"):
        assert word in told, word


# ── AsyncAPI and events ───────────────────────────────────────────────────────────────────────────────────────
def test_every_sample_ever_published_is_read_by_the_newest_code() -> None:
    """And loses nothing: what is written back has every member, with fields that came later added."""
    seen = 0
    for service, codec in CODECS:
        for each in codec.types:
            for path in (FOLDER / "events" / service / "examples").glob(f"{each.name}.v*.json"):
                version, data = path.name.split(".")[1], path.read_text()
                event = codec.decode(f"roadbook.{service}.{each.name}.{version}", data)
                written = codec.encode(event)
                assert codec.decode(written.type, written.data) == event, path.name
                if version == f"v{each.version}":
                    assert orjson.loads(data).items() <= orjson.loads(written.data).items(), path.name
                seen += 1
    published = (FOLDER / "events" / name / "examples" for name in dict(CODECS))
    assert seen == sum(len(list(folder.iterdir())) for folder in published), "a sample of a type that no code knows"


@pytest.mark.parametrize("name", SERVICES)
def test_examples_fit_their_schemas_and_headers(name: str) -> None:
    for key, message in ASYNCAPI[name]["components"]["messages"].items():
        schema = orjson.loads((FOLDER / "asyncapi" / message["payload"]["$ref"]).read_bytes())
        Draft202012Validator.check_schema(schema)
        assert message["examples"], key
        for example in message["examples"]:
            Draft202012Validator(schema).validate(example["payload"])
            Draft202012Validator(message["headers"]).validate(example["headers"])


@pytest.mark.parametrize("name", SERVICES)
def test_the_published_document_reads_back(name: str) -> None:
    assert yaml.safe_load((FOLDER / "asyncapi" / f"{name}.yaml").read_text()) == ASYNCAPI[name]


def test_a_service_says_what_it_writes_and_reads() -> None:
    told = {
        name: [
            (each["action"], ASYNCAPI[name]["channels"][each["channel"]["$ref"].rpartition("/")[2]]["address"])
            for each in ASYNCAPI[name]["operations"].values()
        ]
        for name in SERVICES
    }
    assert told["lead"] == [
        ("send", "roadbook.lead.v1"),
        ("send", "roadbook.personal-data.v1"),
        ("receive", "roadbook.sales.v1"),
    ]
    facts = ("roadbook.lead.v1", "roadbook.identity.v1", "roadbook.sales.v1")
    assert told["projection"] == [
        ("send", "roadbook.derived.v1"),
        *(("receive", topic) for topic in facts),
        ("receive", "roadbook.personal-data.v1"),
    ]
    operations = ASYNCAPI["projection"]["operations"].values()
    reads = [each["bindings"]["kafka"]["groupId"]["enum"] for each in operations if each["action"] == "receive"]
    assert reads == [*[["roadbook.projection"]] * len(facts), ["roadbook.projection-personal"]]


def test_the_topics_are_made_as_they_are_described() -> None:
    for name in SERVICES:
        for channel in ASYNCAPI[name]["channels"].values():
            kafka = channel["bindings"]["kafka"]
            assert kafka["partitions"] == PARTITIONS
            described = {
                word: ",".join(value) if isinstance(value, list) else str(value)
                for word, value in kafka["topicConfiguration"].items()
            }
            assert TOPICS[channel["address"]].items() <= described.items(), channel["address"]


def test_the_headers_described_are_those_sent() -> None:
    moment = datetime(2026, 1, 5, tzinfo=UTC)
    event = Recorded(
        stream="thing/1", version=1, id="i", type="roadbook.x.thing_done.v1", time=moment, recorded=moment, data="{}",
        key="k", labels=Labels("d", "p", "v"), actor="a", correlation="c", causation="e", traceparent="t",
    )  # fmt: skip
    sent = [name for name, _ in to_message(event).headers]
    assert sorted(sent) == sorted(EVENT_HEADERS["properties"])
    bare = Recorded(**{
        **{name: getattr(event, name) for name in Recorded.__slots__},
        "labels": Labels(), "causation": None, "traceparent": None,
    })  # fmt: skip
    assert sorted(name for name, _ in to_message(bare).headers) == sorted(EVENT_HEADERS["required"])


def test_personal_values_are_sent_as_described() -> None:
    moment = datetime(2026, 1, 5, tzinfo=UTC)
    row: dict[str, Any] = {
        "party_ref": "p", "key": "thing/1/name", "value": '"x"', "source": "api", "recorded_at": moment,
        "verified_at": None, "version": 7,
    }  # fmt: skip
    for kind, changes in zip(PERSONAL_MESSAGES, ({}, {"value": None}), strict=True):
        schema = orjson.loads((FOLDER / "events" / kind.schema_file).read_bytes())
        message = personal_message({**row, **changes}, "lead")
        Draft202012Validator(schema).validate(None if message.value is None else orjson.loads(message.value))
        headers = {name: value.decode() for name, value in message.headers}
        Draft202012Validator(dict(PERSONAL_HEADERS)).validate(headers)
        assert headers.keys() == PERSONAL_HEADERS["properties"].keys()
        assert samples(FOLDER, kind)


# ── Served ────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("name", SERVICES)
async def test_the_page_shows_every_message_and_needs_nothing_from_elsewhere(name: str) -> None:
    app = APPS[name]
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://x") as client:
        page = await client.get("/asyncapi")
        served = (await client.get("/asyncapi.json")).json()
        assert page.status_code == 200
        assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
        assert "<script" not in page.text
        for link in re.findall(r'(?:src|href)="([^"#]+)"', page.text):
            assert "//" not in link
            assert (await client.get(f"/{link}")).status_code == 200, link
        for topic, kinds in topics(app.state.messages):
            for kind in kinds:
                for word in (
                    topic,
                    kind.title,
                    kind.type or kind.name,
                    f"urn:roadbook:schema:{kind.owner}.{kind.name}",
                ):
                    assert word in page.text, word
        for message in served["components"]["messages"].values():
            schema = await client.get("/" + message["payload"]["$ref"])
            assert schema.content == (FOLDER / message["payload"]["$ref"]).read_bytes()
        for other in ("/events/lead/examples", "/events/lead/nothing.json", "/events/..%2f/lead.yaml"):
            assert (await client.get(other)).status_code == 404
        links = (await client.get("/.well-known/api-catalog")).json()["linkset"][0]
        assert [each["href"].rpartition("/")[2] for each in links["service-desc"]] == ["openapi.json", "asyncapi.json"]
