"""What each event says of its stream, as a table, and the few lines that carry it out.

A line is an event and what it does, parts between `|`. A part sets members of the stream's entry: `a` as the event has
it, `a=b` from its member b, `a:x` to the word x (`a:` to null); `[]` stands for an empty list where nothing is said,
`?` for no change where nothing is said.
`+list` appends an entry of these members; `~list(keys)` changes the last one that agrees in the keys, if there is one;
`=list(keys)` replaces that one or appends; `?list(keys)` appends unless there is one.
"""

import re
from functools import cache
from typing import Any

Data = dict[str, Any]
WORDS: Data = {"": None, "true": True, "false": False, "1": 1}
TABLE = """
[lead]
lead_captured: captured_at=at status:open binned:false source campaign dealer_wish region vehicles[] budget window
  needs[] contact_points[] fields=personal_fields[] grade: reasons[] first_contact_at: owner: feedback_due: pooled:false
  feedback_missed:false protection: follow_ups[] routings[] removed[] shares[] recycled[]
lead_qualified: grade reasons[]
lead_scored: +scores points parts[] at
online_experience_recorded: +online_experiences model feature seconds site at
showroom_visit_recorded: +showroom_visits purpose persons staff at
lead_status_reported: feedback_due feedback_missed:false | +status_reports status staff at
lead_accepted: owner=staff feedback_due feedback_missed:false
lead_protected: owner=staff pooled:false
lead_protection_expired: protection:
lead_released_to_pool: protection: owner: pooled:true
lead_reassigned: owner=staff pooled:false | +reassigned previous staff reason at
customer_shared: ~shares(dealer ended:) ended:replaced | +shares dealer scope until reason since=at ended:
share_revoked: ~shares(dealer ended:) ended:revoked
lead_lost: status:lost | +lost reason competitor at
lead_converted: status:converted | +converted at
lead_reopened: status:open | +reopened reason at
lead_outcome_recorded: +outcomes opportunity outcome reason at
lead_recycled: binned:true | +recycled reason at restored_at:
lead_restored: binned:false
lead_enriched:
lead_routed:
lead_declined:
lead_feedback_overdue:
follow_up_scheduled: owner=assignee?
follow_up_missed:
follow_up_completed:
[testdrive]
test_drive_booked: booked_at=at model vin staff starts ends report_by state:booked reason: ratings: recommend: closed_at:
test_drive_rescheduled: starts ends report_by
test_drive_cancelled: state:cancelled closed_at=at reason ratings: recommend:
test_drive_missed: state:missed closed_at=at reason: ratings: recommend:
test_drive_taken: state:taken closed_at=at reason: ratings recommend
[partyref *]
party_ref_registered: ?registered(once:) kind source registered_at=at once:
contact_point_added: =verification(key) key kind valid linkable preferred origin source added_at=at state:unverified
  method: reason: state_since=at
contact_point_verified: ~verification(key) state:verified method reason: state_since=at
contact_point_verification_failed: ~verification(key) state:failed method reason state_since=at
contact_point_corrected: ~verification(key) kind valid linkable source origin: state:unverified method: reason: state_since=at
contact_point_retired: ~verification(key) state:retired method: reason state_since=at
party_ref_moved:
profile_recorded: =recorded(name) name purpose refused source at
owner_kind_declared: +owner_kinds owner_kind basis since=at
relationship_declared: =relationships(kind other ended_at:) kind other role since=at ended_at: reason:
relationship_ended: ~relationships(kind other ended_at:) ended_at=at reason
[consent *]
consent_granted: +words purpose channel brand wording state:granted at
consent_withdrawn: +words purpose channel brand wording state=reason at
processing_restricted: ?restrictions(lifted_at:) reason since=at lifted_at: lift_reason:
restriction_lifted: ~restrictions(lifted_at:) lifted_at=at lift_reason=reason
[opportunity]
opportunity_opened: dealer lead source models owner_kind tender staff state:open opened_at=at closed_at: contract:
  reason: competitor:
opportunity_assigned: staff
opportunity_won: state:won closed_at=at contract reason: competitor:
opportunity_lost: state:lost closed_at=at contract: reason competitor
opportunity_reopened: state:open closed_at: contract: reason: competitor:
[quote]
quote_issued: dealer opportunity lines currency total valid_until staff state:issued issued_at=at closed_at: reason:
quote_accepted: state:accepted closed_at=at reason:
quote_expired: state:expired closed_at=at reason:
quote_withdrawn: state:withdrawn closed_at=at reason
[contract]
contract_signed: dealer opportunity quote lines currency total document_version:1 document_hash procurement tender staff
  state:signed signed_at=at amended_at: cancelled_at: reason: deposits[] finance[]
contract_amended: document_version document_hash lines total amended_at=at
contract_cancelled: state:cancelled cancelled_at=at reason
deposit_received: +deposits receipt amount currency at refunded_at:
deposit_refunded: ~deposits(receipt refunded_at:) refunded_at=at
finance_applied: +finance application provider amount currency at state:applied reason: decided_at:
finance_approved: ~finance(application) state:approved reason: decided_at=at
finance_declined: ~finance(application) state:declined reason decided_at=at
[order]
order_placed: dealer contract line model condition price currency staff trade_in vin: state:placed placed_at=at promised
  priority: delivered_at: odometer_km: insurance[]
order_prioritised: priority
order_allocated: vin state:allocated delivered_at: odometer_km:
order_deallocated: vin: state:placed delivered_at: odometer_km:
order_delayed: promised state:delayed delivered_at: odometer_km:
order_cancelled: state:cancelled delivered_at: odometer_km: | +cancellations reason after at
insurance_arranged: +insurance partner kind premium currency expires at
vehicle_delivered: vin state:delivered delivered_at=at odometer_km
[accessorysale]
accessory_sold: dealer order vin items currency total staff sold_at=at returned_at: reason:
accessory_returned: returned_at=at reason
[tradein]
trade_in_appraised: dealer vin model odometer_km amount currency valid_until staff state:appraised appraised_at=at
  agreed_at: received_at: declined_at: reason: order:
trade_in_agreed: amount currency order state:agreed agreed_at=at
trade_in_received: state:received received_at=at odometer_km?
trade_in_declined: state:declined declined_at=at reason
[link *]
link_proposed:
party_refs_linked: linked:true smaller larger
link_rejected: linked:false
party_refs_unlinked: linked:false
[vehicle *]
ownership_transferred:
used_vehicle_sold:
"""
ROWS: dict[str, dict[str, str]] = {}  # kind of stream -> event -> what it does
FIRST: dict[str, str] = {}  # nothing of such a stream counts before this event
for row in TABLE.replace("\n  ", " ").strip().splitlines():
    if row[0] == "[":
        kind, _, free = row.strip("[]").partition(" ")
        ROWS[kind] = {}
    else:
        name, _, text = row.partition(":")
        ROWS[kind][name] = text
        if not free:
            FIRST.setdefault(kind, name)
# Members of values inside events. What is not written there is null, but for these.
SHAPES = {
    "vehicles": "interest model year condition vin odometer odometer_unit",
    "budget": "currency minimum maximum",
    "window": "earliest latest",
    "contact_points": "key kind valid linkable preferred",
    "consents": "purpose channel granted wording brand",
    "needs": "kind value source",
    "parts": "signal points",
    "ratings": "design comfort handling space value",
    "items": "code quantity amount",
}
UNSAID = {"valid": True, "linkable": True, "preferred": False}


def shaped(data: Data) -> Data:
    found = dict(data)
    for member in SHAPES.keys() & data.keys():
        names, value = SHAPES[member].split(), data[member]
        if isinstance(value, list):
            found[member] = [{name: each.get(name, UNSAID.get(name)) for name in names} for each in value]
        elif value is not None:
            found[member] = {name: value.get(name) for name in names}
    return found


@cache
def tokens(text: str) -> list[tuple[str, str, str]]:
    return [re.fullmatch(r"(\w+)([:=]?)(.*)", token).groups() for token in text.split()]  # type: ignore[union-attr]


@cache
def parts(text: str) -> list[tuple[str, str, str, str]]:
    found = [re.fullmatch(r"\s*([+~=?])(\w+)(?:\((.*?)\))? (.*)", part) for part in text.split("|")]
    return [each.groups() if each else ("", "", "", part) for each, part in zip(found, text.split("|"), strict=True)]


def members(text: str, event: Data) -> Data:
    found: Data = {}
    for name, mark, other in tokens(text):
        value = WORDS.get(other, other) if mark == ":" else event.get(other.rstrip("[]?") or name)
        if value is not None or not other.endswith("?"):
            found[name] = list(value or []) if other.endswith("[]") else value
    return found


def carry_out(entry: Data, text: str, event: Data) -> None:
    """What a row of the table says, done to the stream's entry."""
    for sort, section, keys, rest in parts(text):
        new = members(rest, event)
        if not sort:
            entry.update(new)
            continue
        entries, wanted = entry.setdefault(section, []), members(keys or "", event)
        last = next(
            (e for e in reversed(entries) if keys and wanted.items() <= {k: e[k] for k in wanted}.items()), None
        )
        if last is not None and sort in "~=":
            last.update(new)
        elif sort == "+" or (last is None and sort in "=?"):
            entries.append(new)
