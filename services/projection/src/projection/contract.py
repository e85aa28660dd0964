"""What others publish, as this service reads it: tolerant, and independent of their code.

A type nobody here knows is kept as unknown; a newer version of a known one is refused, so that its stream parks (T14).
"""

import hashlib
import json
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime

import orjson
from pydantic import TypeAdapter, ValidationError

from projection.domain.facts import Fact
from projection.domain.streams import lead, test_drive
from projection.domain.streams.stream import StreamState
from roadbook.bus import Delivered
from roadbook.codec import Codec, EventType, UnknownType
from roadbook.events import Labels, Recorded
from roadbook.identifiers import check_vin, compact_name_key, normalise_email, parse_phone
from roadbook.wire import parse_rfc3339

LEAD: Codec[lead.Event | test_drive.Event] = Codec(
    "lead",
    (
        EventType(lead.LeadCaptured, "lead_captured"),
        EventType(lead.LeadEnriched, "lead_enriched"),
        EventType(lead.LeadQualified, "lead_qualified"),
        EventType(lead.FollowUpScheduled, "follow_up_scheduled"),
        EventType(lead.FollowUpMissed, "follow_up_missed"),
        EventType(lead.FollowUpCompleted, "follow_up_completed"),
        EventType(lead.LeadRouted, "lead_routed"),
        EventType(lead.LeadAccepted, "lead_accepted"),
        EventType(lead.LeadDeclined, "lead_declined"),
        EventType(lead.LeadStatusReported, "lead_status_reported"),
        EventType(lead.LeadFeedbackOverdue, "lead_feedback_overdue"),
        EventType(lead.LeadProtected, "lead_protected"),
        EventType(lead.LeadProtectionExpired, "lead_protection_expired"),
        EventType(lead.LeadReleasedToPool, "lead_released_to_pool"),
        EventType(lead.LeadReassigned, "lead_reassigned"),
        EventType(lead.CustomerShared, "customer_shared"),
        EventType(lead.ShareRevoked, "share_revoked"),
        EventType(lead.OnlineExperienceRecorded, "online_experience_recorded"),
        EventType(lead.ShowroomVisitRecorded, "showroom_visit_recorded"),
        EventType(lead.LeadScored, "lead_scored"),
        EventType(lead.LeadLost, "lead_lost"),
        EventType(lead.LeadReopened, "lead_reopened"),
        EventType(lead.LeadConverted, "lead_converted"),
        EventType(lead.LeadRecycled, "lead_recycled"),
        EventType(lead.LeadRestored, "lead_restored"),
        EventType(test_drive.TestDriveBooked, "test_drive_booked"),
        EventType(test_drive.TestDriveRescheduled, "test_drive_rescheduled"),
        EventType(test_drive.TestDriveCancelled, "test_drive_cancelled"),
        EventType(test_drive.TestDriveTaken, "test_drive_taken"),
        EventType(test_drive.TestDriveMissed, "test_drive_missed"),
    ),
)

MAX_TEXT = 200  # what an index entry holds without trouble, far more than any id or code of ours
MAX_SEARCH_KEY = 100


class Unstorable(Exception):
    """A header no table can hold. Found before SQL, so that the stream parks and not the worker (T13)."""


# ── Facts ─────────────────────────────────────────────────────────────────────────────────────────────────────
def read(recorded: Recorded) -> Fact:
    """Raises `NewerVersion`, `Malformed` or `Unstorable`; an unknown type gives a fact without an event."""
    for text in (recorded.type, recorded.actor, recorded.correlation, recorded.causation or "", *_labels(recorded)):
        if len(text) > MAX_TEXT or "\x00" in text:
            raise Unstorable
    if len(recorded.stream) > MAX_TEXT or len(recorded.id) > MAX_TEXT:
        raise Unstorable
    try:
        event = LEAD.decode(recorded.type, recorded.data)
    except UnknownType:
        event = None
    if isinstance(event, lead.CustomerShared) and not _indexable(event):
        raise Unstorable
    return Fact(
        id=recorded.id,
        stream=recorded.stream,
        version=recorded.version,
        type=recorded.type,
        time=recorded.time,
        recorded=recorded.recorded,
        party_ref=recorded.labels.party_ref,
        dealer=recorded.labels.dealer,
        event=event,
    )


def read_stored(row: "StoredFact") -> Fact:
    """The same for an event out of our own table."""
    labels = Labels(row.dealer, row.party_ref, None)
    return read(
        Recorded(row.stream, row.version, row.id, row.type, row.time, row.recorded, row.data, "", labels, row.actor, "")
    )


@dataclass(frozen=True, slots=True)
class StoredFact:
    """A row of `facts`, as far as folding and the timeline need it."""

    stream: str
    version: int
    id: str
    type: str
    time: datetime
    recorded: datetime
    data: str
    party_ref: str | None
    dealer: str | None
    actor: str


def known_types() -> list[str]:
    return [LEAD.type_name(each.cls) for each in LEAD.types]


def _indexable(share: lead.CustomerShared) -> bool:
    """A share is a row of its own table, too."""
    texts = (share.dealer, share.scope)
    return all(len(text) <= MAX_TEXT and "\x00" not in text for text in texts) and share.until.tzinfo is not None


def _labels(recorded: Recorded) -> list[str]:
    labels = recorded.labels
    return [text for text in (labels.dealer, labels.party_ref, labels.vin) if text is not None]


# ── States ────────────────────────────────────────────────────────────────────────────────────────────────────
_STATE = TypeAdapter(StreamState)


def dump_state(state: StreamState) -> str:
    """Without what is as it is from the beginning: most of a state is."""
    return _STATE.dump_json(state, exclude_defaults=True).decode()


def load_state(text: str) -> StreamState | None:
    """None for a state of another shape than today's: the facts have everything, it is folded again."""
    try:
        return _STATE.validate_json(text)
    except ValidationError:
        return None


def state_shape() -> str:
    """A digest of what a stored state looks like: a change of it needs a higher number in `FOLDS` (a test says so)."""
    return hashlib.sha256(json.dumps(_STATE.json_schema(), sort_keys=True).encode()).hexdigest()[:16]


# ── Personal data ─────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class PersonalRow:
    """A message of the personal-data topic. `value` is JSON text, None for a tombstone."""

    party_ref: str
    service: str
    key: str
    version: int
    value: str | None = field(repr=False)
    source: str | None
    recorded_at: datetime | None
    verified_at: datetime | None

    @property
    def stream(self) -> str:
        return "/".join(self.key.split("/")[:2])


def read_personal(record: Delivered) -> PersonalRow:
    """Raises for anything that is no such message; exceptions carry nothing of it."""
    try:
        return _personal(record)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        raise Unstorable from None


def _personal(record: Delivered) -> PersonalRow:
    key = (record.key or b"").decode()
    party_ref, service, name = key.split("/", 2)
    if not (party_ref and service and name) or len(key) > MAX_TEXT or "\x00" in key:
        raise Unstorable
    if record.value is None:
        version = int(dict(record.headers)["sequence"])
        row = PersonalRow(party_ref, service, name, version, None, None, None, None)
    else:
        body = orjson.loads(record.value)
        verified = body.get("verified_at")
        value = body["value"]
        row = PersonalRow(
            party_ref,
            service,
            name,
            int(body["version"]),
            None if value is None else orjson.dumps(value).decode(),
            str(body["source"])[:MAX_TEXT].replace("\x00", ""),
            parse_rfc3339(body["recorded_at"]),
            None if verified is None else parse_rfc3339(verified),
        )
    if not 0 < row.version < 2**63:
        raise Unstorable
    return row


# ── Search keys: the same spelling for what is stored and what is asked ───────────────────────────────────────
@dataclass(frozen=True, slots=True, order=True)
class SearchKey:
    """`kind`: phone, email, name or vin. Personal data (the VIN apart): erasable rows, never a log or a URL."""

    kind: str
    key: str = field(repr=False)


def phone_key(raw: str) -> SearchKey | None:
    """E.164 where the number can be read, else its digits, so that it is found as it was written down."""
    phone = parse_phone(raw)
    if phone.e164 is not None:
        return SearchKey("phone", phone.e164)
    digits = re.sub(r"[^0-9]", "", unicodedata.normalize("NFKC", raw))
    return SearchKey("phone", digits[:MAX_SEARCH_KEY]) if len(digits) >= 5 else None


def email_key(raw: str) -> SearchKey | None:
    key = normalise_email(raw).key
    return SearchKey("email", key[:254]) if key else None


def name_key(raw: str) -> SearchKey | None:
    key = compact_name_key(raw)[:MAX_SEARCH_KEY]
    return SearchKey("name", key) if key else None


def vin_key(raw: str) -> SearchKey | None:
    vin = check_vin(raw).value
    return SearchKey("vin", vin) if vin else None


def personal_keys(name: str, value: object) -> list[SearchKey]:
    """The keys of one personal value; `name` is its field: `name`, `phone/1`, `email/2` …"""
    root = name.partition("/")[0]
    if root in ("name", "family_name", "given_name") and isinstance(value, str):
        found = [name_key(value)]
    elif root == "vin" and isinstance(value, str):
        found = [vin_key(value)]
    elif root == "phone":
        found = [phone_key(text) for text in _texts(value, "e164", "raw")]
    elif root == "email":
        found = [email_key(text) for text in _texts(value, "address", "raw")]
    else:
        found = []
    return sorted({key for key in found if key is not None})


def _texts(value: object, *names: str) -> list[str]:
    """The first of these members that is a text, or the value itself if it is one."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for text in (value.get(name) for name in names) if isinstance(text, str)][:1]
    return []


def full_names(values: dict[str, str]) -> list[SearchKey]:
    """Family and given name in both orders: people type either."""
    family, given = values.get("family_name", ""), values.get("given_name", "")
    keys = (name_key(family + given), name_key(given + family)) if family and given else ()
    return [key for key in keys if key is not None]
