"""A lead and a test drive: one method per event, values only."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

Data = dict[str, Any]
# Members of values inside events, with what stands for a member that was not written.
VEHICLE = dict.fromkeys(("interest", "model", "year", "condition", "vin", "odometer", "odometer_unit"))
BUDGET = dict.fromkeys(("currency", "minimum", "maximum"))
WINDOW = dict.fromkeys(("earliest", "latest"))
POINT = {"key": None, "kind": None, "valid": True, "linkable": True, "preferred": False}
CONSENT = dict.fromkeys(("purpose", "channel", "granted", "wording", "brand"))
NEED = dict.fromkeys(("kind", "value", "source"))
PART = dict.fromkeys(("signal", "points"))
RATINGS = dict.fromkeys(("design", "comfort", "handling", "space", "value"))
TOLD = ("status_reports", "scores", "online_experiences", "showroom_visits", "lost", "reopened", "converted")
OUTCOMES = {"accepted": "done", "declined": "done", "overdue": "missed", "replaced": "replaced", "dropped": "dropped"}


def shaped(shape: Mapping[str, Any], value: Data | None) -> Data | None:
    return None if value is None else {key: value.get(key, default) for key, default in shape.items()}


def all_shaped(shape: Mapping[str, Any], values: list[Data] | None) -> list[Data]:
    return [{key: value.get(key, default) for key, default in shape.items()} for value in values or []]


def picked(e: Data, *names: str) -> Data:
    return {name: e.get(name) for name in names}


class Lead:
    """`take` gives it an event. Nothing counts before it was captured, and nothing captures it twice."""

    captured: datetime | None = None

    def take(self, name: str, e: Data) -> None:
        if (self.captured is None) == (name == "lead_captured"):
            getattr(self, name, lambda _: None)(e)

    # ── the intent
    def lead_captured(self, e: Data) -> None:
        self.captured, self.status, self.binned = e["at"], "open", False
        self.about = picked(e, "source", "campaign", "dealer_wish", "region")
        self.vehicles = all_shaped(VEHICLE, e.get("vehicles"))
        self.budget, self.window = shaped(BUDGET, e.get("budget")), shaped(WINDOW, e.get("window"))
        self.needs, self.points = all_shaped(NEED, e.get("needs")), all_shaped(POINT, e.get("contact_points"))
        self.consents = [(e["at"], each) for each in all_shaped(CONSENT, e.get("consents"))]
        self.fields = set(e.get("personal_fields", []))
        self.grade: str | None = None
        self.reasons: list[str] = []
        self.first_contact = self.owner = self.feedback_due = self.protection = None
        self.feedback_missed = self.pooled = False
        self.removed: list[str] = []
        self.follow_ups: list[Data] = []
        self.routings: list[Data] = []
        self.reassigned: list[Data] = []
        self.shares: list[Data] = []
        self.recycled: list[Data] = []
        self.told: dict[str, list[Data]] = {section: [] for section in TOLD}
        self.marks: list[tuple[datetime, str, Any]] = [(e["at"], "status", "open")]

    def lead_enriched(self, e: Data) -> None:
        anew, kinds = {each["key"] for each in e.get("contact_points", [])}, {each["kind"] for each in e.get("needs", [])}
        gone = {each["key"] for each in self.points} & set(e.get("removed_contact_points", [])) - anew
        self.removed = [key for key in self.removed if key not in anew] + sorted(gone)
        self.points = [each for each in self.points if each["key"] not in anew | gone]
        self.points += all_shaped(POINT, e.get("contact_points"))
        self.needs = [each for each in self.needs if each["kind"] not in kinds] + all_shaped(NEED, e.get("needs"))
        if e.get("vehicles") is not None:
            self.vehicles = all_shaped(VEHICLE, e["vehicles"])
        self.budget = shaped(BUDGET, e.get("budget")) or self.budget
        self.window = shaped(WINDOW, e.get("window")) or self.window
        if e.get("region") is not None:
            self.about["region"] = e["region"]
        self.fields |= set(e.get("personal_fields", []))
        self.consents += [(e["at"], each) for each in all_shaped(CONSENT, e.get("consents"))]

    def lead_qualified(self, e: Data) -> None:
        self.grade, self.reasons = e["grade"], list(e.get("reasons", []))
        self.marks.append((e["at"], "grade", e["grade"]))

    def lead_scored(self, e: Data) -> None:
        entry = {"points": e["points"], "parts": all_shaped(PART, e.get("parts")), "at": e["at"]}
        self.told["scores"].append(entry)

    def online_experience_recorded(self, e: Data) -> None:
        self.told["online_experiences"].append(picked(e, "model", "feature", "seconds", "site", "at"))

    def showroom_visit_recorded(self, e: Data) -> None:
        self._worked(e)
        self.told["showroom_visits"].append(picked(e, "purpose", "persons", "staff", "at"))

    # ── work
    def pending(self) -> Data | None:
        last = self.follow_ups[-1] if self.follow_ups else None
        return last if last and not last["over"] and last["outcome"] in ("planned", "missed") else None

    def follow_up_scheduled(self, e: Data) -> None:
        self._plan(e["kind"], e["due"], e.get("assignee"), e["at"])
        self.owner = e.get("assignee") or self.owner

    def follow_up_missed(self, e: Data) -> None:
        self._end_planned("missed", e["at"])

    def follow_up_completed(self, e: Data) -> None:
        self._worked(e)
        self._done(e["at"], e["outcome"], e.get("staff"))
        self.first_contact = self.first_contact or e["at"]

    def lead_status_reported(self, e: Data) -> None:
        self._worked(e)
        self.told["status_reports"].append(picked(e, "status", "staff", "at"))
        self.feedback_due, self.feedback_missed = e["feedback_due"], False

    def _plan(self, kind: str, due: datetime, assignee: str | None, at: datetime) -> Data:
        self._end_planned("replaced", at)
        action = {"kind": kind, "due": due, "assignee": assignee, "scheduled_at": at, "outcome": "planned"}
        self.follow_ups.append({**action, "closed_at": None, "result": None, "staff": None, "over": False})
        return self.follow_ups[-1]

    def _end_planned(self, outcome: str, at: datetime) -> None:
        if self.follow_ups and self.follow_ups[-1]["outcome"] == "planned":
            self.follow_ups[-1].update(outcome=outcome, closed_at=at)

    def _done(self, at: datetime, result: str, staff: str | None) -> None:
        action = self.pending()
        if action is not None:
            action.update(outcome="done", closed_at=at, result=result, staff=staff)

    def _worked(self, e: Data) -> None:
        """Who works a customer keeps its protection for as long again."""
        held = self.protection
        if held and e["at"] < held["until"] and e.get("staff") in (None, held["staff"]):
            latest = datetime.max.replace(tzinfo=UTC)
            anew = e["at"] + held["period"] if held["period"] <= latest - e["at"] else latest
            held["until"] = max(held["until"], anew)

    # ── routing
    def lead_routed(self, e: Data) -> None:
        self._answer("replaced", e["at"])
        self._leave()
        action = self._plan("accept", e["accept_by"], None, e["at"])
        routing = {**picked(e, "dealer", "by", "at", "accept_by"), "state": "waiting", "action": action}
        self.routings.append({**routing, "answered_at": None, "staff": None, "reason": None})

    def lead_accepted(self, e: Data) -> None:
        self._answer("accepted", e["at"], e.get("staff"))
        self.owner, self.feedback_due, self.feedback_missed = e.get("staff"), e["feedback_due"], False

    def lead_declined(self, e: Data) -> None:
        self._answer("declined", e["at"], reason=e["reason"])
        self._leave()

    def lead_feedback_overdue(self, e: Data) -> None:
        if e["awaited"] == "acceptance":
            self._answer("overdue", e["at"])
            self._leave()
        else:
            self.feedback_missed = self.feedback_due is not None

    def _answer(self, state: str, at: datetime, staff: str | None = None, reason: str | None = None) -> None:
        last = self.routings[-1] if self.routings else None
        if last is None or last["state"] != "waiting":
            return
        last.update(state=state, answered_at=at, staff=staff, reason=reason)
        if self.pending() is last["action"]:
            if OUTCOMES[state] == "done":
                self._done(at, state, staff)
            else:
                self._end_planned(OUTCOMES[state], at)

    def _leave(self) -> None:
        self.moved()
        self.protection = self.owner = self.feedback_due = None
        self.feedback_missed = self.pooled = False

    # ── who works it, who sees it
    def lead_protected(self, e: Data) -> None:
        self.protection = {"staff": e["staff"], "until": e["until"], "period": e["until"] - e["at"]}
        self.owner, self.pooled = e["staff"], False

    def lead_protection_expired(self, e: Data) -> None:
        self.protection = None

    def lead_released_to_pool(self, e: Data) -> None:
        self.protection, self.owner, self.pooled = None, None, True
        self._assign(None)

    def lead_reassigned(self, e: Data) -> None:
        self._assign(e["staff"])
        if self.protection:
            self.protection["staff"] = e["staff"]
        self.owner, self.pooled = e["staff"], False
        self.reassigned.append(picked(e, "previous", "staff", "reason", "at"))

    def _assign(self, staff: str | None) -> None:
        action = self.pending()
        if action is not None:
            action["assignee"] = staff

    def customer_shared(self, e: Data) -> None:
        self._end_shares("replaced", e["dealer"])
        self.shares.append({**picked(e, "dealer", "scope", "until", "reason"), "since": e["at"], "ended": None})

    def share_revoked(self, e: Data) -> None:
        self._end_shares("revoked", e["dealer"])

    def moved(self) -> None:
        """It left its holder."""
        if self.captured is not None:
            self._end_shares("left", None)

    def _end_shares(self, how: str, dealer: str | None) -> None:
        for share in self.shares:
            if share["ended"] is None and dealer in (None, share["dealer"]):
                share["ended"] = how

    # ── ends
    def lead_lost(self, e: Data) -> None:
        self._close(e, "status", "lost")
        self.status = "lost"
        self.told["lost"].append(picked(e, "reason", "competitor", "at"))

    def lead_converted(self, e: Data) -> None:
        self._close(e, "status", "converted")
        self.status = "converted"
        self.told["converted"].append(picked(e, "at"))

    def lead_recycled(self, e: Data) -> None:
        self._close(e, "bin", True)
        self.binned = True
        self.recycled.append({**picked(e, "reason", "at"), "restored_at": None})

    def lead_reopened(self, e: Data) -> None:
        self.status = "open"
        self.marks.append((e["at"], "status", "open"))
        self.told["reopened"].append(picked(e, "reason", "at"))

    def lead_restored(self, e: Data) -> None:
        self.marks.append((e["at"], "bin", False))
        if self.binned:
            self.binned = False
            self.recycled[-1]["restored_at"] = e["at"]

    def _close(self, e: Data, dimension: str, value: Any) -> None:
        self.marks.append((e["at"], dimension, value))
        self._answer("dropped", e["at"])
        self._end_planned("dropped", e["at"])
        action = self.pending()
        if action is not None:
            action["over"] = True
        self.protection = self.feedback_due = None
        self.feedback_missed = self.pooled = False


class Drive:
    """A test drive. What ends it can be corrected by a later word."""

    booked: datetime | None = None

    def take(self, name: str, e: Data) -> None:
        if (self.booked is None) == (name == "test_drive_booked"):
            getattr(self, name, lambda _: None)(e)

    def moved(self) -> None:
        """Nothing of it depends on its holder."""

    def test_drive_booked(self, e: Data) -> None:
        self.booked, self.about = e["at"], picked(e, "model", "vin", "staff")
        self._end("booked", {}, None)
        self.slot = picked(e, "starts", "ends", "report_by")

    def test_drive_rescheduled(self, e: Data) -> None:
        self.slot = picked(e, "starts", "ends", "report_by")

    def test_drive_cancelled(self, e: Data) -> None:
        self._end("cancelled", {"reason": e["reason"]}, e["at"])

    def test_drive_missed(self, e: Data) -> None:
        self._end("missed", {}, e["at"])

    def test_drive_taken(self, e: Data) -> None:
        ratings = shaped(RATINGS, e.get("ratings") or {})
        self._end("taken", {"ratings": ratings, "recommend": e.get("recommend")}, e["at"])

    def _end(self, state: str, about: Data, at: datetime | None) -> None:
        self.status = state
        self.ended = {**dict.fromkeys(("reason", "ratings", "recommend")), **about, "closed_at": at}
