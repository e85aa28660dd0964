"""Reading leads: as the one that holds them, or through a share, which is written down before it is answered (C05)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from pydantic import TypeAdapter

from lead.domain.lead import (
    CustomerShared,
    Lead,
    LeadAccepted,
    LeadDeclined,
    LeadFeedbackOverdue,
    LeadProtected,
    LeadProtectionExpired,
    LeadReassigned,
    LeadReleasedToPool,
    LeadRouted,
    Share,
    ShareRevoked,
    State,
)
from lead.domain.lead.profile import completeness, known, missing
from lead.service.aggregates.lead import aggregate
from lead.service.leads import Snapshot, may_see, snapshot
from lead.service.running import Service
from lead.views import holding, lead_lists
from lead.views.lead_lists import LeadFilter, LeadKey, LeadRow
from roadbook.database import acquire
from roadbook.errors import NotFound
from roadbook.events import Recorded

_lead: TypeAdapter[Lead] = TypeAdapter(Lead)

# Of no use to a reader: what decisions need to remember.
_INTERNAL = ("personal_fields", "last_done", "before", "accepted_by", "signals", "outcome")
_OF_OTHERS = ("tried", "shares", "protection", "contact_points")  # not for whom it is only shown to
# The same in the history: events that name a dealer beside the holder, those that name who works it, and what of the
# others says how the customer can be reached.
_OF_DEALERS = (LeadRouted, LeadAccepted, LeadDeclined, LeadFeedbackOverdue, CustomerShared, ShareRevoked)
_OF_STAFF = (LeadProtected, LeadProtectionExpired, LeadReassigned, LeadReleasedToPool)
_OF_CONTACT = frozenset({"contact_points", "removed_contact_points", "personal_fields"})


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads, when, and by which operation: what the audit of a shared read keeps. `dealer` None: headquarters."""

    dealer: str | None
    actor: str
    what: str
    correlation: str
    now: datetime


async def _visible(service: Service, lead_id: str, reader: Reader) -> tuple[Snapshot, Lead, Share | None]:
    """The lead, its state, and the share through which it is seen. Raises `NotFound`."""
    lead = await snapshot(service, aggregate.stream(lead_id))
    if not isinstance(lead.state, Lead):
        raise NotFound
    if may_see(lead, reader.dealer):
        return lead, lead.state, None
    share = lead.state.shared_with(str(reader.dealer), reader.now)
    if share is None:
        raise NotFound
    await _note(service, [(UUID(lead_id), share.scope)], reader)
    return lead, lead.state, share


async def _note(service: Service, shown: Sequence[tuple[UUID, str]], reader: Reader) -> None:
    async with acquire(service.pool) as connection:
        await holding.note_read(
            connection,
            [lead_id for lead_id, _ in shown],
            str(reader.dealer),
            reader.actor,
            reader.what,
            [scope for _, scope in shown],
            reader.correlation,
            reader.now,
        )


async def read(service: Service, lead_id: str, reader: Reader) -> tuple[dict[str, Any], int]:
    """(the lead as JSON, its version). Through a share of `facts` there are no personal data. Raises `NotFound`."""
    lead, state, share = await _visible(service, lead_id, reader)
    facts = _lead.dump_python(state, mode="json", exclude=set(_INTERNAL))
    if share is not None:
        facts = {name: value for name, value in facts.items() if name not in _OF_OTHERS}
    if reader.dealer is not None:
        facts.pop("tried", None)  # which dealers had it before is for headquarters
    shown = {
        "lead": lead_id,
        "stream": lead.stream,
        "version": lead.version,
        **facts,
        "responsible": state.owner or (service.network.manager(state.dealer) if state.dealer else None),
        "score": _score(state),
        "profile": _profile(service, state),
        "shared": None if share is None else {"scope": share.scope, "until": share.until},
    }
    if share is None or share.scope == "contact":
        shown |= {
            "contact_points": _lead.dump_python(state, mode="json", include={"contact_points"})["contact_points"],
            "personal": _personal(lead),
        }
    return shown, lead.version


def _score(lead: Lead) -> dict[str, Any] | None:
    if lead.score is None:
        return None
    parts = [{"signal": part.signal, "points": part.points} for part in lead.score]
    return {"points": sum(part.points for part in lead.score), "parts": parts}


def _profile(service: Service, lead: Lead) -> dict[str, Any]:
    """M05: how complete it is, and what is still needed for what."""
    rules = service.network.rules()
    return {
        "percent": completeness(lead, rules),
        "known": sorted(known(lead) & set(rules.complete)),
        "missing": list(missing(lead, rules.complete)),
        "missing_for_hot": list(missing(lead, rules.required_hot)),
        "missing_for_conversion": list(missing(lead, rules.required_conversion)),
    }


def _personal(lead: Snapshot) -> dict[str, Any]:
    return {
        row.key.removeprefix(lead.stream + "/"): {
            "value": row.value,
            "source": row.source,
            "version": row.version,
            "recorded_at": row.recorded_at,
            "verified_at": row.verified_at,
        }
        for row in lead.personal
        if row.value is not None
    }


async def history(
    service: Service, lead_id: str, reader: Reader, after: int, limit: int
) -> tuple[list[Recorded], int | None]:
    """(what the reader is told of the `limit` events after version `after`, the version to go on from if there are
    more). Raises `NotFound`."""
    lead, _, share = await _visible(service, lead_id, reader)
    end = after + limit
    told = [event for event in lead.events[after:end] if _told(event, reader, share)]
    if share is not None and share.scope == "facts":
        told = [_without_contact(event) for event in told]
    return told, end if end < lead.version else None


def _told(event: Recorded, reader: Reader, share: Share | None) -> bool:
    """To its holder all but who else had it or was shown it before; through a share what happened to the customer."""
    if reader.dealer is None:
        return True
    fact = aggregate.codec.decode(event.type, event.data)
    if share is not None:
        return not isinstance(fact, (*_OF_DEALERS, *_OF_STAFF))
    return not isinstance(fact, _OF_DEALERS) or reader.dealer in (fact.dealer, event.labels.dealer)


def _without_contact(event: Recorded) -> Recorded:
    facts = orjson.loads(event.data)
    kept = {name: value for name, value in facts.items() if name not in _OF_CONTACT}
    return event if len(kept) == len(facts) else replace(event, data=orjson.dumps(kept).decode())


async def missing_for(service: Service, lead_id: str, required: Sequence[str]) -> list[str]:
    """What the profile lacks; for a problem that has just been refused for it."""
    state: State = (await snapshot(service, aggregate.stream(lead_id))).state
    return list(missing(state, required)) if isinstance(state, Lead) else []


async def listed(service: Service, wanted: LeadFilter, after: LeadKey | None, limit: int) -> list[LeadRow]:
    async with acquire(service.pool) as connection:
        return await lead_lists.leads(connection, wanted, after, limit)


async def hand_over(
    service: Service, staff: str, dealer: str | None, after: LeadKey | None, limit: int
) -> list[tuple[LeadRow, datetime | None]]:
    async with acquire(service.pool) as connection:
        return await lead_lists.hand_over(connection, staff, dealer, after, limit)


@dataclass(frozen=True, slots=True)
class SharedLead:
    row: LeadRow
    scope: str
    until: datetime


async def shared_leads(
    service: Service, reader: Reader, after: UUID | None, size: int
) -> tuple[list[SharedLead], bool]:
    """(what other dealers show this one, whether there is more); written down for each that is listed."""
    async with acquire(service.pool) as connection:
        shares = await holding.shared_with(connection, str(reader.dealer), reader.now, after, size + 1)
        rows = {row.lead_id: row for row in await lead_lists.by_id(connection, [share[0] for share in shares[:size]])}
    found = [SharedLead(rows[id_], scope, until) for id_, scope, until in shares[:size]]
    if found:
        await _note(service, [(each.row.lead_id, each.scope) for each in found], reader)
    return found, len(shares) > size


async def share_reads(
    service: Service, lead_id: str, dealer: str | None, before: int | None, limit: int
) -> list[holding.ShareRead]:
    """Who has read it through a share: for its holder and headquarters. Raises `NotFound`."""
    lead = await snapshot(service, aggregate.stream(lead_id))
    if not may_see(lead, dealer):
        raise NotFound
    async with acquire(service.pool) as connection:
        return await holding.share_reads(connection, UUID(lead_id), before, limit)


async def figures(
    service: Service, dealer: str | None, since: datetime | None, until: datetime | None
) -> dict[str, Any]:
    async with acquire(service.pool) as connection:
        return await lead_lists.figures(connection, dealer, since, until)
