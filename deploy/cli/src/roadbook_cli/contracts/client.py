"""The generated part of the Python client: from an OpenAPI document to typed operations. ADR 0008 says why it is ours.

A schema becomes a `TypedDict`: what is sent and answered stays plain JSON under its own names, fields that this
version of the client does not know included. An operation becomes a method named by its operationId.
"""

from __future__ import annotations

import keyword
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from roadbook_cli.contracts.client_types import hint, importing, models

FOLDER = "client/src/roadbook_client"
JSON = "application/json"
# Conditions of a command, which every operation that has them takes the same way; and STAR's names for ours.
_CONDITIONS = ("Idempotency-Key", "If-Match")
_ALIASES = ("pageSize", "pageCursor")
_WIDTH = 120
Json = Mapping[str, Any]


def files(name: str, document: Json) -> dict[str, bytes]:
    """Path below contracts/ -> content: the package of one service."""
    package = f"{FOLDER}/{name}"
    head = f'"""{document["info"]["title"]}: written by `make contracts` from contracts/openapi/{name}.json."""\n'
    written = {
        "__init__.py": head,
        "models.py": head + models(document),
        "operations.py": head + _operations(name, document),
    }
    return {f"{package}/{file}": text.encode() for file, text in written.items()}


def _operations(name: str, document: Json) -> str:
    methods = [
        "\n".join(_method(Operation.read(method, path, operation, document)))
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]
    about = f'class {name.capitalize()}(Operations):\n    """{document["info"]["description"]}"""\n\n'
    code = about + "\n\n".join(methods) + "\n"
    standard = importing(code, {"datetime": ("date", "datetime"), "typing": ("Any", "Literal")})
    ours = importing(
        code,
        {
            f"roadbook_client.{name}": ("models",),
            "roadbook_client.paging": ("Listing",),
            "roadbook_client.session": (
                "Content", "Operations", "Position", "content_headers", "position", "segment",
            ),
        },
    )  # fmt: skip
    return "\n".join(["", "from __future__ import annotations\n", *standard, "", *ours, "\n", code])


# ── What an operation is ──────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Parameter:
    """`wire` is its name in the request, `name` the one in Python."""

    wire: str
    name: str
    place: str
    type: str
    required: bool
    default: Any
    about: str

    @classmethod
    def read(cls, given: Json) -> Parameter:
        schema, wire = given["schema"], given["name"]
        required = bool(given.get("required"))
        kind = "Position" if wire == "min" else hint(schema, times=True)
        kind = kind.removesuffix(" | None")
        name = wire.replace("-", "_")
        name = f"{name}_" if keyword.iskeyword(name) else name
        return cls(wire, name, given["in"], kind, required, schema.get("default"), given.get("description", ""))

    @property
    def declared(self) -> str:
        if self.required:
            return f"{self.name}: {self.type}"
        return f"{self.name}: {self.type} | None = None"


@dataclass(frozen=True, slots=True)
class Operation:
    """`body` and `answer` are hints; None where there is no JSON. `media`: the types of a body that is none."""

    name: str
    method: str
    path: str
    parameters: tuple[Parameter, ...]
    command: bool
    body: str | None
    body_required: bool
    media: tuple[str, ...]
    answer: str | None
    answer_media: tuple[str, ...]
    item: str | None
    text: str

    @classmethod
    def read(cls, method: str, path: str, given: Json, document: Json) -> Operation:
        parameters = [each for each in given.get("parameters", []) if each["name"] not in _ALIASES]
        body = given.get("requestBody", {})
        content = body.get("content", {})
        answers = _answers(given)
        schema = answers.get(JSON, {}).get("schema")
        return cls(
            given["operationId"],
            method.upper(),
            path,
            tuple(Parameter.read(each) for each in parameters if each["name"] not in _CONDITIONS),
            any(each["name"] == "Idempotency-Key" for each in parameters),
            hint(content[JSON]["schema"], prefix="models.") if JSON in content else None,
            bool(body.get("required")),
            tuple(content) if JSON not in content else (),
            None if schema is None else hint(schema, prefix="models."),
            tuple(kind for kind in answers if kind != JSON),
            _item(schema, document) if any(each["name"] == "cursor" for each in parameters) else None,
            _text(given),
        )

    def of(self, place: str) -> list[Parameter]:
        return [each for each in self.parameters if each.place == place]


def _answers(operation: Json) -> Json:
    """The media types of the one answer of success. Raises ValueError for an operation with more."""
    good = [answer for status, answer in operation["responses"].items() if status[0] == "2"]
    if len(good) != 1:
        raise ValueError(f"{operation['operationId']}: {len(good)} answers of success, the client can type only one")
    found: Json = good[0].get("content", {})
    return found


def _item(page: Json | None, document: Json) -> str:
    schema = document["components"]["schemas"][str((page or {}).get("$ref", "")).rpartition("/")[2]]
    return hint(schema["properties"]["items"]["items"], prefix="models.")


def _text(operation: Json) -> str:
    summary, more = operation["summary"].rstrip("."), operation.get("description", "")
    codes = [
        code
        for status, answer in operation["responses"].items()
        if status in ("409", "412", "422", "429")
        for code in answer["content"]["application/problem+json"].get("examples", {})
    ]
    refusals = f"Refusals: {', '.join(dict.fromkeys(codes))}." if codes else ""
    return "\n\n".join(filter(None, [f"{summary}.", more, refusals]))


# ── What it looks like in Python ──────────────────────────────────────────────────────────────────────────────
def _method(operation: Operation) -> Iterator[str]:
    listing = operation.item is not None
    yield f"    {'' if listing else 'async '}def {operation.name}("
    yield from (f"        {line}" for line in _signature(operation))
    yield f"    ) -> {_returns(operation)}:"
    yield from _docstring(operation)
    if listing:
        yield from _call("return self._list", operation)
    elif operation.answer is None:
        yield from _call("reply = await self.send", operation)
        yield "        return reply.content"
    else:
        call = "_command" if operation.command else "_read"
        yield from _call(f"answer: {operation.answer} = await self.{call}", operation)
        yield "        return answer"


def _signature(operation: Operation) -> Iterator[str]:
    for declared in _declared(operation):
        yield f"{declared},"


def _declared(operation: Operation) -> Iterator[str]:
    yield "self"
    yield from (each.declared for each in operation.of("path"))
    if operation.body is not None:
        yield f"body: {operation.body}" + ("" if operation.body_required else " | None = None")
    if operation.media:
        yield "content: Content" + ("" if operation.body_required else " | None = None")
    query = sorted(operation.of("query"), key=lambda each: not each.required)
    if query or operation.command or operation.media or len(operation.answer_media) > 1:
        yield "*"
    if operation.media:
        yield from _chosen("media_type", operation.media)
        yield "encoding: str | None = None"
    if operation.answer is None and len(operation.answer_media) > 1:
        yield from _chosen("accept", operation.answer_media)
    yield from (each.declared for each in query)
    if operation.command:
        yield "key: str | None = None"
        yield "if_match: int | str | None = None"


def _chosen(name: str, words: tuple[str, ...]) -> Iterator[str]:
    """A parameter that is one of `words`, the first if not given."""
    inner = ", ".join(f'"{word}"' for word in words)
    line = f'{name}: Literal[{inner}] = "{words[0]}"'
    fits = len(f"        {line},") <= _WIDTH
    yield line if fits else f'{name}: Literal[\n            {inner}\n        ] = "{words[0]}"'


def _returns(operation: Operation) -> str:
    if operation.item is not None:
        return f"Listing[{operation.answer}, {operation.item}]"
    return operation.answer or "bytes"


def _call(start: str, operation: Operation) -> Iterator[str]:
    """On one line where it fits, else as our formatter would write it."""
    arguments = list(_arguments(operation))
    line = ", ".join(arguments)
    if len(f"        {start}({line})") <= _WIDTH:
        yield f"        {start}({line})"
        return
    yield f"        {start}("
    if len(f"            {line}") <= _WIDTH:
        yield f"            {line}"
    else:
        yield from (part for argument in arguments for part in _argument(argument))
    yield "        )"


def _argument(argument: str) -> Iterator[str]:
    """A mapping that is too long gets a line for each entry; no entry of ours holds a comma and a blank."""
    if len(f"            {argument},") <= _WIDTH:
        yield f"            {argument},"
        return
    opening, _, entries = argument.partition("{")
    yield f"            {opening}{{"
    yield from (f"                {entry}," for entry in entries.removesuffix("}").split(", "))
    yield "            },"


def _arguments(operation: Operation) -> Iterator[str]:
    yield f'"{operation.method}"'
    path = operation.path
    for each in operation.of("path"):
        path = path.replace(f"{{{each.wire}}}", f"{{segment({each.name})}}")
    yield f'f"{path}"' if path != operation.path else f'"{path}"'
    if operation.command:
        yield from ("key", "if_match")
    if operation.item is not None:
        yield "cursor=cursor"
    query = [each for each in operation.of("query") if not (operation.item and each.wire == "cursor")]
    if query or operation.item:
        pairs = (f'"{each.wire}": {_sent(each)}' for each in query)
        yield f"query={{{', '.join(pairs)}}}"
    if operation.body is not None:
        yield "json=body"
    if operation.media:
        yield "content=content"
        yield "headers=content_headers(media_type, encoding)"
    if operation.answer is None:
        accept = "accept" if len(operation.answer_media) > 1 else f'"{operation.answer_media[0]}"'
        yield f'headers={{"Accept": {accept}}}'


def _sent(parameter: Parameter) -> str:
    return f"position({parameter.name})" if parameter.type == "Position" else parameter.name


def _docstring(operation: Operation) -> Iterator[str]:
    about = [f"{each.name}: {each.about}" for each in operation.parameters if each.about and each.place == "query"]
    paragraphs = [*operation.text.split("\n\n"), *about]
    lines = [
        line
        for number, paragraph in enumerate(paragraphs)
        for line in (["", *_wrapped(paragraph)] if number else _wrapped(paragraph))
    ]
    if len(lines) == 1:
        yield f'        """{lines[0]}"""'
        return
    yield f'        """{lines[0]}'
    yield from (f"        {line}" if line else "" for line in lines[1:])
    yield '        """'


def _wrapped(paragraph: str) -> list[str]:
    plain = paragraph.replace("\\", "\\\\").replace('"""', "'''")
    return textwrap.wrap(plain, _WIDTH - 12, break_long_words=False, break_on_hyphens=False) or [""]
