"""The events of a service for people: a page beside /docs, its AsyncAPI document and the schemas it points to.

All of it is served by the service itself and is text: the page needs no script.
"""

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from html import escape
from typing import Any, Final

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from roadbook.http import asyncapi, pages
from roadbook.messages import Messages

Endpoint = Callable[[Request], Awaitable[Response]]
_CACHED: Final = {"Cache-Control": "public, max-age=300"}
_STYLE: Final = (
    "body{max-width:64rem}h2{margin-top:3rem;font-size:1.3rem}h3{margin:0 0 .2rem;font-size:1.05rem}"
    "article{border:1px solid #d8d8d8;border-radius:.5rem;padding:1rem 1.2rem;margin:1rem 0;scroll-margin-top:1rem}"
    "article p{margin:.3rem 0}table{border-collapse:collapse;width:100%;font-size:.9rem}"
    "td,th{border-bottom:1px solid #e8e8e8;vertical-align:top}th{color:#555;font-weight:600}"
    "pre{background:#f6f6f6;padding:.8rem;border-radius:.4rem;overflow:auto;font-size:.85rem;line-height:1.4}"
    "pre code{background:none;padding:0}summary{cursor:pointer;color:#0b57a4;margin:.6rem 0 .3rem}"
    ".facts{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem;margin:.6rem 0;font-size:.9rem}"
    ".facts dt{color:#555}.facts dd{margin:0;overflow-wrap:anywhere}.must{color:#8a3b00}"
    "td:first-child code{white-space:nowrap}.fields td:first-child{width:16rem}.fields td:nth-child(2){width:4rem}"
    "nav ul{columns:18rem;padding-left:1.2rem}code{overflow-wrap:anywhere}"
)


def routes(messages: Messages, *, title: str, version: str) -> dict[str, Endpoint]:
    """Path -> endpoint. The document is made when it is first asked for."""
    made: list[tuple[bytes, Response]] = []

    def ready() -> tuple[bytes, Response]:
        if not made:
            described = asyncapi.document(messages, title=title, version=version, schemas="events")
            page = pages.html(described["info"]["title"], "".join(_page(described, messages)), _STYLE)
            made.append((orjson.dumps(described), page))
        return made[0]

    async def asyncapi_json(_: Request) -> Response:
        return Response(ready()[0], headers=_CACHED, media_type="application/json")

    async def asyncapi_page(_: Request) -> Response:
        return ready()[1]

    async def event_schema(request: Request) -> Response:
        """Only files that the document names are served."""
        name = "{owner}/{file}".format_map(request.path_params)
        named = {each["payload"]["$ref"] for each in orjson.loads(ready()[0])["components"]["messages"].values()}
        path = messages.folder / "events" / name
        if f"events/{name}" not in named or not path.is_file():
            raise HTTPException(404)
        return FileResponse(path, media_type="application/schema+json", headers=_CACHED)

    return {
        "/asyncapi": asyncapi_page,
        "/asyncapi.json": asyncapi_json,
        "/events/{owner}/{file}": event_schema,
    }


# ── The page ──────────────────────────────────────────────────────────────────────────────────────────────────
def _page(document: Mapping[str, Any], messages: Messages) -> Iterator[str]:
    info, kinds = document["info"], document["components"]["messages"]
    yield f"<h1>{escape(info['title'])}</h1><p>{_prose(info['description'])}</p>"
    yield '<p><a href="asyncapi.json">AsyncAPI 3.1 document</a> · <a href="docs">HTTP API</a> · '
    yield '<a href="problems">Problems</a></p><nav>'
    for slug, channel in document["channels"].items():
        yield f'<p><a href="#{escape(slug)}"><code>{escape(channel["address"])}</code></a></p><ul>'
        yield from (
            f'<li><a href="#{escape(key)}">{escape(kinds[key]["title"])}</a></li>' for key in channel["messages"]
        )
        yield "</ul>"
    yield "</nav>"
    for slug, channel in document["channels"].items():
        yield from _channel(slug, channel, document["operations"])
        keys = list(channel["messages"])
        yield from _headers(kinds[keys[0]])
        for key in keys:
            yield from _message(key, kinds[key], channel["address"], messages)


def _channel(slug: str, channel: Mapping[str, Any], operations: Mapping[str, Any]) -> Iterator[str]:
    kafka = channel["bindings"]["kafka"]
    here = [each for each in operations.values() if each["channel"]["$ref"] == f"#/channels/{slug}"]
    groups = [each["bindings"]["kafka"]["groupId"]["enum"][0] for each in here if each["action"] == "receive"]
    configuration = ", ".join(
        f"{name}={','.join(value) if isinstance(value, list) else value}"
        for name, value in kafka["topicConfiguration"].items()
    )
    yield f'<h2 id="{escape(slug)}">Topic <code>{escape(channel["address"])}</code></h2>'
    yield f"<p>{_prose(channel['description'])}</p>"
    yield _facts(
        ("this service", " and ".join(sorted({"writes" if each["action"] == "send" else "reads" for each in here}))),
        *(("consumer group", f"<code>{escape(group)}</code>") for group in groups),
        ("partitions", f"{kafka['partitions']}, on {kafka['replicas']} brokers in production"),
        ("configuration", f"<code>{escape(configuration)}</code>"),
    )


def _message(key: str, kind: Mapping[str, Any], topic: str, messages: Messages) -> Iterator[str]:
    schema = _schema(messages, kind["payload"]["$ref"])
    yield f'<article id="{escape(key)}"><h3>{escape(kind["title"])}</h3>'
    yield f"<p><code>{escape(kind['name'])}</code></p>"
    if "description" in schema:
        yield f"<p>{_prose(schema['description'])}</p>"
    subject = kind["headers"]["properties"].get("ce_subject", {}).get("pattern", "")
    stream = subject.removeprefix("^").removesuffix("/.+$")
    yield _facts(
        ("owner", f"<code>{escape(key.partition('.')[0])}</code>"),
        ("topic", f"<code>{escape(topic)}</code>"),
        *([("stream", f"<code>{escape(stream)}/&lt;id&gt;</code>")] if stream.isidentifier() else []),
        ("key", _prose(kind["bindings"]["kafka"]["key"]["description"])),
        (
            "schema",
            f'<a href="{escape(kind["payload"]["$ref"])}"><code>{escape(schema.get("$id", "unknown"))}</code></a>',
        ),
    )
    yield from _fields(schema, schema, kind["title"])
    for name, inner in schema.get("$defs", {}).items():
        yield from _fields(inner, schema, name)
    for index, example in enumerate(kind.get("examples", ())):
        shown = json.dumps(example["payload"], ensure_ascii=False, indent=2)
        yield f"<details{'' if index else ' open'}><summary>Example <code>{escape(example['name'])}</code></summary>"
        yield f"<pre><code>{escape(shown)}</code></pre></details>"
    yield "</article>"


def _schema(messages: Messages, reference: str) -> Mapping[str, Any]:
    path = messages.folder / reference
    loaded: Mapping[str, Any] = orjson.loads(path.read_bytes()) if path.is_file() else {}
    return loaded


def _headers(kind: Mapping[str, Any]) -> Iterator[str]:
    headers = kind["headers"]
    example = (kind.get("examples") or [{"headers": {}}])[0]["headers"]
    rows = [
        (name, name in headers["required"], _prose(schema.get("description", "")), str(example.get(name, "")))
        for name, schema in headers["properties"].items()
    ]
    yield f"<details><summary>Headers of every message</summary><p>{_prose(headers['description'])}</p>"
    yield "<table><tr><th>Header</th><th></th><th>Meaning</th><th>Example</th></tr>"
    for name, must, words, value in rows:
        shown = f"<code>{escape(value)}</code>" if value else ""
        yield f"<tr><td><code>{escape(name)}</code></td><td>{_must(must)}</td><td>{words}</td><td>{shown}</td></tr>"
    yield "</table></details>"


def _fields(schema: Mapping[str, Any], root: Mapping[str, Any], name: str) -> Iterator[str]:
    properties = schema.get("properties")
    if not properties:
        return
    if schema is not root:
        yield f"<details><summary>{escape(name)}</summary>"
        if "description" in schema:
            yield f"<p>{_prose(schema['description'])}</p>"
    explained = any("description" in inner for inner in properties.values())
    yield '<table class="fields"><tr><th>Field</th><th></th><th>Type</th>' + "<th>Meaning</th>" * explained + "</tr>"
    for field, inner in properties.items():
        must = field in schema.get("required", ())
        yield f"<tr><td><code>{escape(field)}</code></td><td>{_must(must)}</td><td>{escape(_type(inner))}</td>"
        yield f"<td>{_prose(inner.get('description', ''))}</td>" * explained + "</tr>"
    yield "</table>" + ("</details>" if schema is not root else "")


def _type(schema: Mapping[str, Any]) -> str:
    """A schema in a few words: `string (date-time)`, `list of Vehicle`, `Budget or null`."""
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(_type(each) for each in schema[several])
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "const" in schema or "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema.get("enum", [schema.get("const")]))
    kind = schema.get("type", "anything")
    if kind == "array":
        return "list of " + _type(schema.get("items", {}))
    if isinstance(kind, list):
        return " or ".join(kind)
    return f"{kind} ({schema['format']})" if "format" in schema else str(kind)


def _must(required: bool) -> str:
    return '<span class="must">always</span>' if required else ""


def _facts(*pairs: Sequence[str]) -> str:
    """Names and values; the values are escaped already."""
    return '<dl class="facts">' + "".join(f"<dt>{escape(k)}</dt><dd>{v}</dd>" for k, v in pairs) + "</dl>"


def _prose(text: str) -> str:
    """What stands between backticks becomes code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts))
