"""What a table cannot say of a lead: the next action, the answer a dealer owes, the protection, and what ends them."""

# fmt: off
from datetime import UTC, datetime
from typing import Any

from checker.table import Data

OUTCOMES = {"accepted": "done", "declined": "done", "overdue": "missed", "replaced": "replaced", "dropped": "dropped"}


def pending(lead: Data) -> Data | None:
    last = lead["follow_ups"][-1] if lead["follow_ups"] else None
    return last if last and not last["over"] and last["outcome"] in ("planned", "missed") else None


def consequences(lead: Data, name: str, e: Data) -> None:
    """Before the table is carried out."""
    at, action, held = e["at"], pending(lead), lead["protection"]
    worked = name in ("follow_up_completed", "lead_status_reported", "showroom_visit_recorded")
    if worked and held and at < held["until"] and e.get("staff") in (None, held["staff"]):  # keeps it as long again
        latest = datetime.max.replace(tzinfo=UTC)
        held["until"] = max(held["until"], at + held["period"] if held["period"] <= latest - at else latest)
    if name == "follow_up_completed":
        end_action(lead, at, "done", e["outcome"], e.get("staff"))
        lead["first_contact_at"] = lead["first_contact_at"] or at
    elif name == "follow_up_missed":
        end_action(lead, at, "missed")
    elif name == "follow_up_scheduled":
        plan(lead, e["kind"], e["due"], e.get("assignee"), at)
        lead["owner"] = e.get("assignee") or lead["owner"]
    elif name == "lead_enriched":
        enrich(lead, e)
    elif name == "lead_accepted":
        answer(lead, at, "accepted", e.get("staff"))
    elif name == "lead_declined":
        leave(lead, at, "declined", e["reason"])
    elif name == "lead_feedback_overdue":
        if e["awaited"] == "acceptance":
            leave(lead, at, "overdue")
        lead["feedback_missed"] = lead["feedback_due"] is not None
    elif name == "lead_routed":
        leave(lead, at, "replaced")
        routing = {"dealer": e["dealer"], "by": e["by"], "at": at, "accept_by": e["accept_by"], "state": "waiting"}
        planned = plan(lead, "accept", e["accept_by"], None, at)
        lead["routings"].append({**routing, "answered_at": None, "staff": None, "reason": None, "action": planned})
    elif name == "lead_protected":
        lead["protection"] = {"staff": e["staff"], "until": e["until"], "period": e["until"] - at}
    elif name in ("lead_released_to_pool", "lead_reassigned"):
        (action or {}).update(assignee=e.get("staff"))
        (held or {}).update(staff=e.get("staff"))
    elif name in ("lead_lost", "lead_converted", "lead_recycled"):
        answer(lead, at, "dropped")
        end_action(lead, at, "dropped")
        (pending(lead) or {}).update(over=True)
        lead.update(protection=None, feedback_due=None, feedback_missed=False, pooled=False)
    elif name == "lead_restored" and lead["binned"]:
        lead["recycled"][-1]["restored_at"] = at


def plan(lead: Data, kind: str, due: datetime, assignee: str | None, at: datetime) -> Data:
    end_action(lead, at, "replaced")
    action: Data = {"kind": kind, "due": due, "assignee": assignee, "scheduled_at": at, "outcome": "planned"}
    action |= {"closed_at": None, "result": None, "staff": None, "over": False}
    lead["follow_ups"].append(action)
    return action


def end_action(lead: Data, at: datetime, outcome: str, result: str | None = None, staff: str | None = None) -> None:
    """Something may come of a missed one, too; nothing else ends it."""
    action = pending(lead)
    if action and (outcome == "done" or action["outcome"] == "planned"):
        action.update(outcome=outcome, closed_at=at, result=result, staff=staff)


def answer(lead: Data, at: datetime, state: str, staff: str | None = None, reason: str | None = None) -> None:
    last = lead["routings"][-1] if lead["routings"] else None
    if last and last["state"] == "waiting":
        last.update(state=state, answered_at=at, staff=staff, reason=reason)
        if pending(lead) is last["action"]:
            done = OUTCOMES[state] == "done"
            end_action(lead, at, OUTCOMES[state], state if done else None, staff if done else None)


def leave(lead: Data, at: datetime, state: str, reason: str | None = None) -> None:
    answer(lead, at, state, reason=reason)
    end_shares(lead)
    lead.update(protection=None, owner=None, feedback_due=None, feedback_missed=False, pooled=False)


def end_shares(lead: Data) -> None:
    for share in lead["shares"]:
        share["ended"] = share["ended"] or "left"


def enrich(lead: Data, e: Data) -> None:
    """Null means unchanged; what is told anew replaces what has the same key."""
    points, needs = e.get("contact_points", []), e.get("needs", [])
    anew, kinds = {each["key"] for each in points}, {each["kind"] for each in needs}
    gone = {each["key"] for each in lead["contact_points"]} & set(e.get("removed_contact_points", [])) - anew
    lead["removed"] = [key for key in lead["removed"] if key not in anew] + sorted(gone)
    lead["contact_points"] = [each for each in lead["contact_points"] if each["key"] not in anew | gone] + points
    lead["needs"] = [each for each in lead["needs"] if each["kind"] not in kinds] + needs
    changed: dict[str, Any] = {
        key: e[key] for key in ("vehicles", "budget", "window", "region") if e.get(key) is not None
    }
    lead.update(changed, fields=lead["fields"] + e.get("personal_fields", []))
