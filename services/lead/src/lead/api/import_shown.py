"""What the import answers, as OpenAPI describes it, and the examples of its bodies."""

from typing import Final

from pydantic import Field

from lead.api.shown import PageShown, Shown


class ImportAnswer(Shown):
    """`rows` = `created` + `known` + `rejected`; of a dry run, what they would be. The last two are paths."""

    import_: str = Field(alias="import")
    state: str
    dry_run: bool
    rows: int
    created: int
    known: int
    rejected: int
    results: str
    rejects: str


class FaultShown(Shown):
    reason: str
    row: int | None


class ImportShown(ImportAnswer):
    """`state`: running, done, failed (see `fault`) or interrupted. Gone after `expires_at`."""

    source: str
    format: str
    fault: FaultShown | None
    started: str
    updated: str
    expires_at: str


class ReasonShown(Shown):
    """`pointer` into the body of a capture; of a CSV row, `column` too."""

    pointer: str
    column: str | None = None
    code: str
    detail: str


class ResultShown(Shown):
    """`row` counts from 1; `result` is created, known or rejected."""

    row: int
    row_id: str | None
    result: str
    lead: str | None
    reasons: list[ReasonShown]


class ResultsPage(PageShown):
    items: list[ResultShown]


NDJSON: Final = (
    '{"row_id":"fair-17","source":"fair","person":{"name":"张伟","phones":[{"value":"138 1234 5678"}]}}\n'
    '{"row_id":"fair-18","source":"fair","person":{"emails":[{"value":"li.na@example.com"}]}}\n'
)
CSV: Final = (
    "row_id,name,phone,email,model,interest,comments\r\n"
    "fair-17,张伟,138 1234 5678,,volkswagen-lavida,buy,周末联系\r\n"
    "fair-18,,,li.na@example.com,,,\r\n"
)
REJECTS_NDJSON: Final = (
    '{"row_id":"fair-19","source":"fair","person":{"name":"王芳"},"dealer_wish":"dealer-xx-01",'
    '"_reasons":[{"pointer":"/dealer_wish","code":"unknown_dealer","detail":"must be a dealer of the network"}]}\n'
)
REJECTS_CSV: Final = (
    "row_id,name,dealer_wish,_reasons\r\nfair-19,王芳,dealer-xx-01,dealer_wish: must be a dealer of the network\r\n"
)
