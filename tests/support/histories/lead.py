"""Leads and test drives in generated histories: what their events hold, and which may follow which."""

from histories.values import (
    MODELS,
    OTHERS,
    REASONS,
    STAFF,
    Chance,
    Machine,
    Maker,
    Told,
    budget,
    consents,
    needs,
    points,
    staff,
    vehicles,
    window,
)


def learned(h: Chance) -> Told:
    return {
        "vehicles": vehicles(h),
        "budget": budget(h),
        "window": window(h),
        "contact_points": points(h),
        "consents": consents(h),
        "personal_fields": h.some(["name", "family_name", "comments"], 2),
        "region": h.one([None, "sh-pudong", "sh-putuo"]),
        "needs": needs(h),
    }


def captured(h: Chance) -> Told:
    about = {"party_ref": h.here.ref, "dealer": h.here.dealer, "dealer_wish": h.one([None, *OTHERS])}
    return {
        **about,
        "source": h.one(["web", "walk_in"]),
        "rules": "2026-1",
        "campaign": h.one([None, "spring"]),
        **learned(h),
    }


def enriched(h: Chance) -> Told:
    gone = h.some(["phone/1", "phone/2", "email/1"], 2)
    told = {**learned(h), "removed_contact_points": gone}
    return {**told, "vehicles": told["vehicles"] or h.one([None, []])}


def slot(h: Chance) -> Told:
    return {"starts": h.moment(), "ends": h.moment(), "report_by": h.moment(), "rules": "2026-2"}


def ratings(h: Chance) -> Told:
    return {item: h.one([None, 1, 5]) for item in ("design", "comfort", "handling", "space", "value")}


def parts(h: Chance) -> list[Told]:
    return [{"signal": signal, "points": h.chance.randint(1, 9)} for signal in h.some(["visit", "web"], 2)]


def awaited(h: Chance) -> str:
    """A valid dealer owes an answer until it gave one, then words."""
    if not h.wild:
        return "acceptance" if h.here.state == "open_" else "status"
    return str(h.one(["acceptance", "status"]))


EVENTS: dict[str, Maker] = {
    "lead_captured": captured,
    "lead_enriched": enriched,
    "lead_qualified": lambda h: {"grade": h.one(["hot", "warm", "cold"]), "reasons": h.some(REASONS, 2)},
    "follow_up_scheduled": lambda h: {"kind": h.one(["call", "visit"]), "due": h.moment(), "assignee": staff(h)},
    "follow_up_missed": lambda h: {"kind": "call"},
    "follow_up_completed": lambda h: {"kind": "call", "outcome": h.one(["reached", "voicemail"]), "staff": staff(h)},
    "lead_routed": lambda h: {"dealer": h.one(OTHERS), "by": h.one(["hand", "region"]), "accept_by": h.moment()},
    "lead_accepted": lambda h: {"staff": staff(h), "feedback_due": h.moment()},
    "lead_declined": lambda h: {"reason": h.one(REASONS)},
    "lead_status_reported": lambda h: {
        "status": h.one(["contacted", "visit"]), "feedback_due": h.moment(), "staff": staff(h),
    },
    "lead_feedback_overdue": lambda h: {"awaited": awaited(h)},
    "lead_protected": lambda h: {"staff": h.one(STAFF), "until": h.moment()},
    "lead_protection_expired": lambda h: {},
    "lead_released_to_pool": lambda h: {"reason": h.one(REASONS)},
    "lead_reassigned": lambda h: {"staff": h.one(STAFF), "reason": h.one(REASONS), "previous": staff(h)},
    "customer_shared": lambda h: {
        "dealer": h.one(OTHERS), "scope": h.one(["facts", "contact"]), "until": h.moment(h.one([60, 600])),
        "reason": h.one([None, "service"]),
    },
    "share_revoked": lambda h: {"dealer": h.one(OTHERS)},
    "online_experience_recorded": lambda h: {
        "model": h.one(MODELS), "feature": h.one(["ar", "config"]), "seconds": h.chance.randint(1, 99), "site": "site-1"
    },
    "showroom_visit_recorded": lambda h: {
        "purpose": h.one(["look", "buy"]), "persons": h.chance.randint(1, 3), "staff": staff(h),
    },
    "lead_scored": lambda h: {"points": h.chance.randint(0, 9), "parts": parts(h)},
    "lead_lost": lambda h: {"reason": h.one(REASONS), "competitor": h.one([None, "brand-x"])},
    "lead_reopened": lambda h: {"reason": h.one(REASONS)},
    "lead_converted": lambda h: {},
    "lead_outcome_recorded": lambda h: {
        "opportunity": h.stream_of("opportunity") or "opportunity/none", "outcome": h.one(["won", "lost"]),
        "reason": h.one([None, *REASONS]),
    },
    "lead_recycled": lambda h: {"reason": h.one(REASONS)},
    "lead_restored": lambda h: {"reason": h.one(REASONS)},
    "test_drive_booked": lambda h: {
        "party_ref": h.here.ref, "dealer": h.here.dealer, "vin": h.one(h.vins), "model": h.one([None, *MODELS]),
        "staff": staff(h), **slot(h),
    },
    "test_drive_rescheduled": slot,
    "test_drive_cancelled": lambda h: {"reason": h.one(REASONS)},
    "test_drive_missed": lambda h: {},
    "test_drive_taken": lambda h: {
        "ratings": ratings(h), "recommend": h.one([None, 9]), "odometer_out": 10, "odometer_in": 25,
    },
}  # fmt: skip


# ── What may follow what ──────────────────────────────────────────────────────────────────────────────────────
_WORK = (
    "lead_enriched", "lead_qualified", "follow_up_scheduled", "follow_up_completed", "lead_status_reported",
    "lead_protected", "lead_protection_expired", "lead_released_to_pool", "lead_reassigned", "customer_shared",
    "share_revoked", "online_experience_recorded", "showroom_visit_recorded", "lead_scored", "follow_up_missed",
    "lead_feedback_overdue",
)  # fmt: skip
_ENDS = {"lead_lost": "lost", "lead_converted": "converted", "lead_recycled": "bin"}
_DRIVE = {"test_drive_rescheduled": "booked"} | {
    f"test_drive_{end}": "over" for end in ("cancelled", "missed", "taken")
}

TRANSITIONS: dict[str, Machine] = {
    "lead": {
        "": {"lead_captured": "open"},
        "open": {**dict.fromkeys(_WORK, "open"), "lead_routed": "routed", **_ENDS},
        "routed": {
            **dict.fromkeys(("lead_enriched", "lead_scored", "follow_up_completed"), "routed"),
            "lead_accepted": "open",
            "lead_declined": "open",
            "lead_routed": "routed",
            **_ENDS,
        },
        "lost": {"lead_reopened": "open", "lead_recycled": "bin"},
        "converted": {"lead_outcome_recorded": "converted", "lead_reopened": "open", "lead_recycled": "bin"},
        "bin": {"lead_restored": "open", "lead_scored": "bin"},
    },
    "testdrive": {"": {"test_drive_booked": "booked"}, "booked": _DRIVE, "over": {"test_drive_taken": "over"}},
}
