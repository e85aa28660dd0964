"""Kept ADF documents and the quarantine of what could not become a lead: personal data with a time to live."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import orjson

from roadbook.database import Connection

EntryKey = tuple[datetime, UUID]
"""Where a page of the quarantine ends: (received, id)."""


# ── Kept documents ────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Document:
    """A document as it came. `remainder` is the text outside its prospects: (path, text)."""

    document: UUID
    dealer: str | None
    digest: str
    media_type: str
    content: bytes = field(repr=False)
    remainder: Sequence[tuple[str, str]] = field(repr=False)
    received: datetime
    expires_at: datetime


async def keep_document(connection: Connection, document: Document) -> None:
    """The same document again lives on until the later expiry."""
    await connection.execute(
        """
        INSERT INTO adf_documents (document, dealer, digest, media_type, content, remainder, received, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (document) DO UPDATE SET expires_at = greatest(adf_documents.expires_at, excluded.expires_at)
        """,
        document.document, document.dealer, document.digest, document.media_type, document.content,
        orjson.dumps(document.remainder).decode(), document.received, document.expires_at,
    )  # fmt: skip


async def document_content(connection: Connection, document: UUID) -> tuple[bytes, str] | None:
    """(content, media type)."""
    row = await connection.fetchrow("SELECT content, media_type FROM adf_documents WHERE document = $1", document)
    return None if row is None else (row["content"], row["media_type"])


# ── Quarantine ────────────────────────────────────────────────────────────────────────────────────────────────
QuarantineState = Literal["open", "replayed", "discarded"]


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A prospect that could not become a lead. `fragment` None: it is the prospect at `place` of the document."""

    id: UUID
    dealer: str | None
    document: UUID
    place: int
    reasons: tuple[str, ...]
    fragment: str | None = field(repr=False)
    state: str
    received: datetime
    expires_at: datetime


async def quarantine(connection: Connection, entries: Sequence[Quarantined]) -> None:
    """A prospect that already waits, or was dealt with, stays as it is."""
    await connection.executemany(
        """
        INSERT INTO adf_quarantine (id, dealer, document, place, reasons, fragment, state, received, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (id) DO UPDATE SET expires_at = greatest(adf_quarantine.expires_at, excluded.expires_at)
        """,
        [
            (e.id, e.dealer, e.document, e.place, list(e.reasons), e.fragment, e.state, e.received, e.expires_at)
            for e in sorted(entries, key=lambda entry: entry.id)
        ],
    )


async def quarantined(connection: Connection, id_: UUID, dealer: str | None) -> Quarantined | None:
    """`dealer` None sees all; another dealer's entry is None, as one that never was."""
    row = await connection.fetchrow(
        "SELECT * FROM adf_quarantine WHERE id = $1 AND ($2::text IS NULL OR dealer = $2)", id_, dealer
    )
    return None if row is None else _quarantined(row)


async def quarantine_page(
    connection: Connection, *, dealer: str | None, state: str, after: EntryKey | None, limit: int
) -> list[Quarantined]:
    """Newest first, without fragments."""
    arguments: list[Any] = [limit, state]
    conditions = ["state = $2"]
    if dealer is not None:
        arguments.append(dealer)
        conditions.append(f"dealer = ${len(arguments)}")
    if after is not None:
        arguments += after
        conditions.append(f"(received, id) < (${len(arguments) - 1}, ${len(arguments)})")
    rows = await connection.fetch(
        "SELECT id, dealer, document, place, reasons, NULL AS fragment, state, received, expires_at "
        f"FROM adf_quarantine WHERE {' AND '.join(conditions)} ORDER BY received DESC, id DESC LIMIT $1",
        *arguments,
    )
    return [_quarantined(row) for row in rows]


def _quarantined(row: Any) -> Quarantined:
    return Quarantined(**{**dict(row), "reasons": tuple(row["reasons"])})


async def close_quarantined(connection: Connection, id_: UUID, state: QuarantineState) -> bool:
    """False when it was closed before."""
    status = await connection.execute(
        "UPDATE adf_quarantine SET state = $2 WHERE id = $1 AND state = 'open'", id_, state
    )
    return status == "UPDATE 1"


async def purge(connection: Connection, now: datetime) -> int:
    """Deletes documents and quarantined prospects whose time is up; how many rows."""
    return int(
        await connection.fetchval(
            """
            WITH documents AS (DELETE FROM adf_documents WHERE expires_at <= $1 RETURNING 1),
                 waiting AS (DELETE FROM adf_quarantine WHERE expires_at <= $1 RETURNING 1)
            SELECT (SELECT count(*) FROM documents) + (SELECT count(*) FROM waiting)
            """,
            now,
        )
    )
