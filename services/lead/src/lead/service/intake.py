"""ADF intake: a document becomes leads, one command per prospect, on ids that a repeat of the prospect meets again.

Nothing doubles: the document's key gives each prospect a key of its own, and the lead's id is made from dealer and
prospect. What cannot become a lead waits in the quarantine; the document itself is kept until its time is up.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid5

from lead import adf
from lead.domain.lead import Command, Lead
from lead.service.aggregates import apply_views
from lead.service.aggregates.lead import aggregate
from lead.service.leads import Captured, Snapshot, capture_order, enrich_order, snapshot
from lead.service.prospects import SOURCE, intake_row, said_of
from lead.service.running import Service
from lead.service.said import Said
from lead.views import documents
from roadbook.answers import Answer
from roadbook.commands import ATTEMPTS, Order, execute
from roadbook.context import CommandContext, Idempotency
from roadbook.database import acquire
from roadbook.decider import Rejected
from roadbook.errors import Conflict, IdempotencyKeyReused, NotFound, PreconditionFailed

_NAMES = UUID("b4d1a2f0-6f0e-5f62-9d3a-2f6f0c9b1e57")  # ours for ever: ids of documents, leads and parties hang on it


class StillUnreadable(Exception):
    """A replay could not read it either. `reasons` are codes."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__(*reasons)
        self.reasons = tuple(reasons)


@dataclass(frozen=True, slots=True)
class Given:
    """A document as it arrived; `media_type` may carry a charset."""

    content: bytes
    media_type: str


async def take(service: Service, given: Given, context: CommandContext) -> Answer:
    """Raises `adf.Refused` for a document that is refused whole, and what `execute` raises."""
    read = await _read(given, context)
    document = uuid5(_NAMES, f"{context.dealer or ''}/document/{read.digest}")
    answer = Answer(200, {"document": str(document)})
    replayed = await _claim(service, context, answer)
    await _keep(service, given, read, document, context)
    results = [await _take(service, prospect, document, context) for prospect in read.prospects]
    return replace(answer, body={**answer.body, "repairs": read.repairs, "results": results}, replayed=replayed)


async def _read(given: Given, context: CommandContext) -> adf.Intake:
    """In a thread: a document at the limit keeps a core busy for a while."""
    return await asyncio.to_thread(adf.read, given.content, context.now, content_type=given.media_type)


async def _claim(service: Service, context: CommandContext, answer: Answer) -> bool:
    """Binds the key to this body before anything is done. Each prospect's answer is stored under a key of its own."""
    if context.idempotency is None:
        return False
    replay = await service.store.remember(context.idempotency, answer)
    if replay is not None and replay.fingerprint != context.idempotency.fingerprint:
        raise IdempotencyKeyReused
    return replay is not None


async def _keep(service: Service, given: Given, read: adf.Intake, document: UUID, context: CommandContext) -> None:
    async with acquire(service.pool) as connection:
        await documents.keep_document(
            connection,
            documents.Document(
                document=document,
                dealer=context.dealer,
                digest=read.digest,
                media_type=given.media_type,
                content=given.content,
                remainder=read.remainder,
                received=context.now,
                expires_at=context.now + service.retention,
            ),
        )


async def _take(
    service: Service, prospect: adf.Prospect | adf.Unreadable, document: UUID, context: CommandContext
) -> dict[str, Any]:
    if isinstance(prospect, adf.Unreadable):
        return await _quarantine(service, prospect.index, prospect.reason, prospect.fragment, document, context)
    try:
        answer = await _take_readable(service, prospect, document, _own_key(context, prospect.index))
    except Rejected as rejection:
        return await _quarantine(service, prospect.index, rejection.code, None, document, context)
    return dict(answer.body)


def _own_key(context: CommandContext, index: int) -> CommandContext:
    given = context.idempotency
    if given is None:
        return context
    key = hashlib.sha256(given.key + b"/prospect/%d" % index).digest()
    return replace(context, idempotency=Idempotency(key, given.fingerprint))


async def _take_readable(service: Service, prospect: adf.Prospect, document: UUID, context: CommandContext) -> Answer:
    """Captured when its lead is not there, else what it says anew is added."""
    for _ in range(ATTEMPTS):
        lead = await _find(service, prospect, context.dealer)
        order = _order(service, lead, prospect, document, context)
        try:
            return await execute(service.store, aggregate, order, replace(context, if_match=lead.version), apply_views)
        except PreconditionFailed:
            continue  # another copy of the prospect came first
    raise Conflict


async def _find(service: Service, prospect: adf.Prospect, dealer: str | None) -> Snapshot:
    """The prospect's lead. A careless provider numbers every prospect 1: the same identity with other content that is
    no resend is another prospect, so it gets a lead of its own."""
    lead_id = uuid5(_NAMES, f"{dealer or ''}/lead/{prospect.identity()}")
    lead = await snapshot(service, aggregate.stream(str(lead_id)))
    if lead.version and prospect.status != "resend" and prospect.content_digest not in _digests(lead):
        return await snapshot(service, aggregate.stream(str(uuid5(lead_id, prospect.content_digest))))
    return lead


def _intake(lead: Snapshot) -> dict[str, Any] | None:
    return next((row.value for row in lead.personal if row.key == f"{lead.stream}/intake"), None)


def _digests(lead: Snapshot) -> frozenset[str]:
    return frozenset((_intake(lead) or {}).get("digests", ()))


def _order(
    service: Service, lead: Snapshot, prospect: adf.Prospect, document: UUID, context: CommandContext
) -> Order[Command]:
    said = said_of(prospect, service.network)
    lead_id = lead.stream.partition("/")[2]
    row = intake_row(str(document), prospect.content_digest, _intake(lead))
    if isinstance(lead.state, Lead):
        result = "known"
        # What was read before says nothing new; its document may differ in what is around the prospect.
        known = prospect.content_digest in _digests(lead)
        said = Said(warnings=said.warnings) if known else replace(said, texts={**said.texts, "intake": row})
        order = enrich_order(lead, said, service.network.rules(), context.now, SOURCE)
    else:
        result = "captured"
        captured = Captured(SOURCE, prospect.request_date or context.now, dealer_wish=_wish(service, prospect))
        said = replace(said, texts={**said.texts, "intake": row})
        party_ref = str(uuid5(UUID(lead_id), "party"))
        order = capture_order(service, lead_id, party_ref, said, captured, context)
    extra = {"place": prospect.index, "result": result, "lead": lead_id, **(order.extra or {})}
    return replace(order, extra=extra)


def _wish(service: Service, prospect: adf.Prospect) -> str | None:
    """The vendor is the dealer addressed; only one of our codes is a fact."""
    ids = prospect.vendor.ids if prospect.vendor else ()
    return next((each.value for each in ids if service.network.is_dealer(each.value)), None)


# ── Quarantine ────────────────────────────────────────────────────────────────────────────────────────────────
async def _quarantine(
    service: Service, place: int, reason: str, fragment: str | None, document: UUID, context: CommandContext
) -> dict[str, Any]:
    entry = documents.Quarantined(
        id=uuid5(document, str(place)),
        dealer=context.dealer,
        document=document,
        place=place,
        reasons=(reason,),
        fragment=fragment,
        state="open",
        received=context.now,
        expires_at=context.now + service.retention,
    )
    async with acquire(service.pool) as connection:
        await documents.quarantine(connection, [entry])
    return {"place": place, "result": "quarantined", "quarantine": str(entry.id), "reasons": [reason]}


async def quarantined(service: Service, id_: UUID, dealer: str | None) -> tuple[documents.Quarantined, Given | None]:
    """The entry and what waits in it: its fragment, else the whole document while that is kept. Raises `NotFound`."""
    async with acquire(service.pool) as connection:
        entry = await documents.quarantined(connection, id_, dealer)
        if entry is None:
            raise NotFound
        if entry.fragment is not None:
            return entry, Given(entry.fragment.encode("utf-8", "replace"), "application/xml; charset=utf-8")
        kept = await documents.document_content(connection, entry.document)
    return entry, Given(*kept) if kept is not None else None


async def waiting(
    service: Service, *, dealer: str | None, state: str, after: documents.EntryKey | None, limit: int
) -> list[documents.Quarantined]:
    async with acquire(service.pool) as connection:
        return await documents.quarantine_page(connection, dealer=dealer, state=state, after=after, limit=limit)


async def replay(service: Service, id_: UUID, corrected: Given | None, context: CommandContext) -> Answer:
    """Reads a quarantined prospect again, or its corrected text. Raises `Rejected("quarantine_closed")`,
    `StillUnreadable`, `adf.Refused`, `NotFound`, and what `execute` raises."""
    entry, kept = await quarantined(service, id_, context.dealer)
    given = corrected or kept
    answer = Answer(200, {"quarantine": str(id_), "state": "replayed"})
    repeated = await _seen(service, context)
    if entry.state != "open" and not repeated:
        raise Rejected("quarantine_closed")
    if given is None:
        raise StillUnreadable(["document_gone"])
    context = replace(context, dealer=entry.dealer)  # headquarters replays for the dealer it was meant for
    read = await _read(given, replace(context, now=entry.received))
    chosen = [p for p in read.prospects if corrected or entry.fragment is not None or p.index == entry.place]
    unreadable = [prospect.reason for prospect in chosen if isinstance(prospect, adf.Unreadable)]
    if unreadable or not chosen:
        raise StillUnreadable(unreadable or ["no_prospect"])
    if corrected is not None:
        document = uuid5(_NAMES, f"{context.dealer or ''}/document/{read.digest}")
        await _keep(service, given, read, document, context)
    readable = [prospect for prospect in chosen if isinstance(prospect, adf.Prospect)]
    results = [
        dict((await _take_readable(service, p, entry.document, _own_key(context, p.index))).body) for p in readable
    ]
    await _claim(service, context, answer)
    async with acquire(service.pool) as connection:
        await documents.close_quarantined(connection, id_, "replayed")
    return replace(answer, body={**answer.body, "results": results}, replayed=repeated)


async def _seen(service: Service, context: CommandContext) -> bool:
    """Whether this very request was carried out before; a closed entry answers a repeat as it did then."""
    if context.idempotency is None:
        return False
    loaded = await service.store.load("", idempotency=context.idempotency)
    if loaded.replay is not None and loaded.replay.fingerprint != context.idempotency.fingerprint:
        raise IdempotencyKeyReused
    return loaded.replay is not None


async def discard(service: Service, id_: UUID, context: CommandContext) -> Answer:
    """Repeating it is harmless. Raises `NotFound`, `Rejected("quarantine_closed")` for a replayed one."""
    entry, _ = await quarantined(service, id_, context.dealer)
    async with acquire(service.pool) as connection:
        closed = entry.state == "discarded" or await documents.close_quarantined(connection, id_, "discarded")
    if not closed:
        raise Rejected("quarantine_closed")
    return Answer(200, {"quarantine": str(id_), "state": "discarded"})
