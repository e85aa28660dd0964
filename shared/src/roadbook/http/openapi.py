"""The OpenAPI 3.1 document, completed: problems on every operation, the issuer, required headers, stable ids."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from roadbook.http.examples import complete_answers
from roadbook.http.problems import MEDIA_TYPE, problem_type

METHODS: Final = ("get", "put", "post", "delete", "patch", "head", "options")
_REFERENCE: Final = {"$ref": "#/components/schemas/Problem"}
_ALWAYS: Final = (
    "authentication_required",
    "forbidden",
    "headers_too_large",
    "internal_error",
    "malformed_request",
    "unavailable",
)
_WITH_KEY: Final = (
    "idempotency_key_missing",
    "idempotency_key_invalid",
    "idempotency_key_reused",
    "idempotency_in_flight",
)
_WITH_BODY: Final = ("malformed_json", "request_timeout", "content_too_large", "unsupported_media_type")

PROBLEM_SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "description": "A problem (RFC 9457). It never repeats what was sent.",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "A page that explains the problem."},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "code": {"type": "string", "pattern": "^[a-z][a-z0-9_]{1,63}$"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "format": "uri", "description": "The correlation id of this request."},
        "trace_id": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        "retryable": {"type": "boolean", "description": "Whether the same request may succeed later."},
        "errors": {
            "type": "array",
            "maxItems": 50,
            "items": {
                "type": "object",
                "required": ["code", "detail"],
                "properties": {
                    "pointer": {"type": "string", "description": "JSON Pointer into the body."},
                    "parameter": {"type": "string", "description": "A path, query or header parameter."},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}


def complete(document: dict[str, Any], base_url: str, issuer: str) -> dict[str, Any]:
    """Works in place on what FastAPI generated, and returns it. Raises ValueError for an operationId used twice."""
    document["servers"] = [{"url": base_url}]
    document["info"]["license"] = {"name": "Apache License 2.0", "identifier": "Apache-2.0"}
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = dict(PROBLEM_SCHEMA)
    scheme = document["components"].get("securitySchemes", {}).get("oidc")
    if scheme is not None and issuer.startswith("http"):
        scheme["openIdConnectUrl"] = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    seen: set[str] = set()
    for operation in _operations(document):
        identifier = operation.get("operationId", "")
        if identifier in seen:
            raise ValueError(f"operationId {identifier!r} is used twice")
        seen.add(identifier)
        _complete_operation(operation, base_url)
        complete_answers(operation, schemas)
    return document


def _operations(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for item in document.get("paths", {}).values():
        for method in METHODS:
            if method in item:
                item[method]["x-method"] = method
                yield item[method]


def _complete_operation(operation: dict[str, Any], base_url: str) -> None:
    method = operation.pop("x-method")
    responses: dict[str, Any] = operation.setdefault("responses", {})
    if "HTTPValidationError" in str(responses.get("422")):
        del responses["422"]
    codes = list(_ALWAYS)
    parameters = operation.get("parameters", [])
    for parameter in parameters:
        parameter["schema"] = _on_the_wire(parameter.get("schema", {}))
        required = parameter["schema"].pop("x-required", None)
        if required:
            parameter["required"] = True
    names = {parameter["name"] for parameter in parameters}
    if parameters or "requestBody" in operation:
        codes.append("invalid_request")
    if any(parameter.get("in") == "path" for parameter in parameters):
        codes.append("not_found")
    if "requestBody" in operation:
        codes.extend(_WITH_BODY)
    if method != "get":
        codes.append("conflict")
    if "Idempotency-Key" in names:
        codes.extend(_WITH_KEY)
    if "If-Match" in names:
        codes.append("precondition_failed")
    if "cursor" in names:
        codes.append("cursor_invalid")
    for code in codes:
        kind = problem_type(code)
        _add(responses, str(kind.status), code, base_url)
    for status, response in responses.items():
        if status[0] in "45":
            content = response.setdefault("content", {MEDIA_TYPE: {"schema": dict(_REFERENCE)}})
            _name_problems(response, content.get(MEDIA_TYPE, {}).get("examples", {}), base_url)
    operation["responses"] = dict(sorted(responses.items()))


def _on_the_wire(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter may be left out, but there is no null in a URL or a header: `?limit=null` is the word."""
    given = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    if len(given) != 1:
        return schema
    return {**given[0], **{name: value for name, value in schema.items() if name != "anyOf"}}


def _name_problems(response: dict[str, Any], examples: Mapping[str, Any], base_url: str) -> None:
    """The description lists the problems that share the response; their types are absolute."""
    for example in examples.values():
        path = str(example["value"]["type"]).rpartition("/problems/")[2]
        example["value"] = {**example["value"], "type": f"{base_url}/problems/{path}"}
    if examples:
        response["description"] = " · ".join(each.get("summary", code) for code, each in examples.items())


def _add(responses: dict[str, Any], status: str, code: str, base_url: str) -> None:
    """Problems of one status share a response: its examples list them."""
    kind = problem_type(code)
    response = responses.setdefault(status, {"description": kind.title})
    content = response.setdefault("content", {})
    media = content.setdefault(MEDIA_TYPE, {"schema": dict(_REFERENCE)})
    media.setdefault("schema", dict(_REFERENCE))
    example = {
        "type": f"{base_url}/problems/{code}",
        "title": kind.title,
        "status": kind.status,
        "code": code,
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
    }
    media.setdefault("examples", {}).setdefault(code, {"summary": kind.title, "value": example})
