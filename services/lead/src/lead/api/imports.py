"""Lists of leads: import, what became of each row, and the rejected rows to correct and send again."""

from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Path, Query
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from lead.api import import_shown as shown
from lead.api import models
from lead.api.parts import Paged, Running, answered, secret
from lead.service import Service, cells, imports
from lead.service.import_files import MAX_SENT, REASONS, Fault
from lead.service.import_rows import Reason, Unfit, columns, given_back
from lead.service.leads import Captured
from lead.service.said import Said
from lead.settings import Network
from lead.views.imports import Import, RowResult
from roadbook.context import CommandContext
from roadbook.http.answers import open_cursor, page_response, read_response, respond, sign_cursor
from roadbook.http.auth import Caller, requires
from roadbook.http.body import parse_json
from roadbook.http.context import command
from roadbook.http.pointers import field_errors
from roadbook.http.problems import Problem, problem_type
from roadbook.http.routes import router
from roadbook.http.stream import BodyStream, stream
from roadbook.http.types import Text, Uuid, rfc3339

routes = router("/v1", tags=["imports"])

NDJSON, CSV = "application/x-ndjson", "text/csv"
COLUMNS = columns(frozenset(models.CaptureRequest.model_fields))
_PAGE: Final = 500
ImportId = Annotated[Uuid, Path(description="The `import` of the answer to the list.")]
Intake = Annotated[Caller, requires("lead:intake")]


# ── The body of a single capture, once more ───────────────────────────────────────────────────────────────────
_row_id: TypeAdapter[str] = TypeAdapter(Annotated[str, Text(200)])


class CaptureForm:
    """Rows through the same model and the same code as `POST /v1/leads`."""

    fields = frozenset(models.CaptureRequest.model_fields)

    def __init__(self, network: Network) -> None:
        self._network = network

    def parse(self, text: str) -> Any:
        try:
            return parse_json(text.encode())
        except Problem as problem:
            raise Unfit([Reason("", problem.code, problem.detail or "")]) from None

    def row_id(self, value: Mapping[str, Any]) -> str:
        if "row_id" not in value:
            raise Unfit([Reason("/row_id", "missing", "this field is required")])
        try:
            return _row_id.validate_python(value["row_id"], strict=True)
        except ValidationError as error:
            raise _unfit(error, value, "row_id") from None

    def read(self, value: Mapping[str, Any], context: CommandContext) -> tuple[Said, Captured]:
        try:
            return models.capture(models.CaptureRequest.model_validate(value), self._network, context)
        except ValidationError as error:
            raise _unfit(error, value) from None
        except Problem as problem:
            raise Unfit([Reason(e.pointer or "", e.code, e.detail) for e in problem.errors]) from None

    def rejected(self, code: str) -> Reason:
        kind = problem_type(code)
        return Reason("", code, kind.explanation or kind.title)


def _unfit(error: ValidationError, value: Mapping[str, Any], *prefix: str) -> Unfit:
    faults = error.errors(include_url=False, include_input=False)
    located = [{**fault, "loc": ("body", *prefix, *fault["loc"])} for fault in faults]
    return Unfit([Reason(e.pointer or "", e.code, e.detail) for e in field_errors(located, dict(value))])


# ── Import ────────────────────────────────────────────────────────────────────────────────────────────────────
def _content(description: str, example: str) -> dict[str, Any]:
    return {"schema": {"type": "string", "description": description}, "example": example}


_BODY = {
    "required": True,
    "content": {
        NDJSON: _content(
            "One JSON object a line: the body of `POST /v1/leads` and a `row_id` of 1 to 200 characters.", shown.NDJSON
        ),
        CSV: _content(f"With a header of any of these columns, `row_id` among them: {', '.join(COLUMNS)}.", shown.CSV),
    },
}


@routes.post(
    "/leads:import",
    summary="Import a list of leads",
    response_model=None,
    openapi_extra={"requestBody": _BODY},
    responses=answered(
        shown.ImportAnswer, "Every row has a result", "import_refused", "import_too_large", "import_too_slow"
    ),
)
async def import_leads(
    request: Request,
    body: Annotated[BodyStream, stream(NDJSON, CSV, limit=MAX_SENT)],
    context: Annotated[CommandContext, command("lead:intake")],
    running: Running,
    source: Annotated[models.Source, Query(description="Of the list; of every row that names none.")],
    dry_run: Annotated[bool, Query(description="Say what would happen, and change nothing.")] = False,
) -> Response:
    """NDJSON or CSV (UTF-8, with a header), also with `Content-Encoding: gzip`; up to a million rows, 64 KiB each. The
    events are those of single captures. A row is known by list and row id: the same file sent again, whole or after it
    broke off, doubles nothing. Rejected rows are given back with their reasons, to be corrected and sent again."""
    sent = imports.Sent(
        next=lambda: _next(body),
        gzip=body.encoding == "gzip",
        format="csv" if body.media_type == CSV else "ndjson",
        source=source,
        dry_run=dry_run,
    )
    try:
        answer = await imports.take(running, sent, CaptureForm(running.network), context, request.app.state.clock)
    except imports.Broken as broken:
        raise _problem(broken) from None
    return respond(answer)


_TOO_LARGE = frozenset({"content_too_large", "too_large", "line_too_long", "too_many_rows", "too_many_columns"})


async def _next(body: BodyStream) -> bytes:
    try:
        return await body.next()
    except Problem as problem:
        raise Fault(problem.code) from None


def _problem(broken: imports.Broken) -> Problem:
    fault = broken.fault
    if fault is None:
        return Problem("unavailable", headers={"Retry-After": "5"}, extra={"import": broken.import_id})
    where = {"import": broken.import_id, "row": fault.row, "reason": fault.code}
    if fault.column is not None:
        where["column"] = fault.column
    elif fault.code == "row_id_missing":
        where["column"] = "row_id"
    if fault.code == "request_timeout":
        return Problem("import_too_slow", extra=where)
    return Problem("import_too_large" if fault.code in _TOO_LARGE else "import_refused", extra=where)


# ── Looking back ──────────────────────────────────────────────────────────────────────────────────────────────
async def _found(request: Request, import_id: str, caller: Caller, running: Service) -> Import:
    return await imports.found(running, UUID(import_id), caller.dealer, request.app.state.clock.now())


@routes.get(
    "/imports/{import_id}",
    summary="Read an import",
    response_model=None,
    responses=answered(shown.ImportShown, "What became of it, and where it failed"),
)
async def read_import(request: Request, import_id: ImportId, caller: Intake, running: Running) -> Response:
    """One that has not moved for a minute counts as interrupted: its process is gone, or the rest never came."""
    done = await _found(request, import_id, caller, running)
    body = {
        **imports.shown(done),
        "source": done.source,
        "format": done.format,
        "fault": {"reason": done.fault, "row": done.fault_row} if done.fault else None,
        "started": rfc3339(done.started),
        "updated": rfc3339(done.updated),
        "expires_at": rfc3339(done.expires_at),
    }
    return read_response(request, body, f'W/"{done.rows}-{done.state}-{done.updated.timestamp():.6f}"')


@routes.get(
    "/imports/{import_id}/results",
    summary="List the results of an import",
    response_model=None,
    responses=answered(shown.ResultsPage, "In the order of the file"),
)
async def list_import_results(
    request: Request, import_id: ImportId, caller: Intake, running: Running, page: Paged
) -> Response:
    """A result per row: `created` or `known` with the lead, or `rejected` with reasons."""
    await _found(request, import_id, caller, running)
    bound = {"list": "import", "import": import_id, "dealer": caller.dealer}
    after = open_cursor(secret(request), page.cursor, bound)[0] if page.cursor is not None else 0
    rows = await imports.results(running, UUID(import_id), after, page.size + 1)
    more = len(rows) > page.size
    cursor = sign_cursor(secret(request), [rows[page.size - 1].number], bound) if more else None
    return page_response(request, [_result(row) for row in rows[: page.size]], cursor)


def _result(row: RowResult) -> dict[str, Any]:
    return {
        "row": row.number,
        "row_id": row.row_id,
        "result": "created" if row.result == "would_create" else row.result,
        "lead": str(row.lead_id) if row.lead_id is not None and row.result != "would_create" else None,
        "reasons": row.reasons,
    }


@routes.get(
    "/imports/{import_id}/rejects",
    summary="Fetch the rejected rows",
    response_model=None,
    responses={
        200: {
            "description": "A file in the format of the list; `_reasons` says why",
            "content": {
                kind: {"schema": {"type": "string"}, "example": example}
                for kind, example in ((NDJSON, shown.REJECTS_NDJSON), (CSV, shown.REJECTS_CSV))
            },
        }
    },
)
async def read_import_rejects(request: Request, import_id: ImportId, caller: Intake, running: Running) -> Response:
    """The rejected rows as they came, with `_reasons` as the last column or member, which an import ignores: correct
    the file and send it as it is. In CSV, cells that a spreadsheet would take for formulas have an apostrophe in front,
    which an import takes away again."""
    done = await _found(request, import_id, caller, running)
    kind, suffix = (CSV, "csv") if done.format == "csv" else (NDJSON, "ndjson")
    headers = {
        "Content-Disposition": f'attachment; filename="rejects-{done.import_id}.{suffix}"',
        "Cache-Control": "private, no-store",
        "Vary": "Authorization",
    }
    return StreamingResponse(_rejects(running, done), 200, headers, kind)


async def _rejects(running: Service, done: Import) -> AsyncIterator[bytes]:
    names = list(done.columns or []) if done.format == "csv" else None
    if names is not None:
        yield cells.row([*(names or ["row_id"]), REASONS])
    after = 0
    while rows := await imports.results(running, done.import_id, after, _PAGE, rejected=True):
        yield b"".join(given_back(row.text or "", row.reasons, names) for row in rows)
        after = rows[-1].number
