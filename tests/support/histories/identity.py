"""Party references, consent and links in generated histories."""

from histories.values import REASONS, Chance, Machine, Maker, Told, consents

KEYS = ("phone/1", "phone/2", "email/1", "address/1")
SOURCES = ("lead", "steward", "customer")


def registered(h: Chance) -> Told:
    kind = h.one(["person", "person", "organisation"])
    return {"party_ref": h.here.ref, "kind": kind, "dealer": h.here.dealer, "source": h.one(SOURCES)}


def point(h: Chance) -> Told:
    key = h.one(KEYS)
    kind = {"p": "mobile", "e": "email", "a": "address"}[key[0]]
    about = {"valid": h.one([True, True, False]), "linkable": h.one([True, False]), "preferred": h.one([True, False])}
    origin = h.one([None, f"{h.stream_of('lead') or 'lead/none'}/{key}"])
    return {"key": key, "kind": kind, **about, "origin": origin, "source": h.one(SOURCES)}


def profile(h: Chance) -> Told:
    names = h.some(["birth_date", "occupation", "hobby"], 3)
    fields = [{"name": name, "purpose": h.one(["sales", "care"]), "refused": h.one([True, False])} for name in names]
    return {"fields": fields, "source": h.one(SOURCES)}


def consent(h: Chance) -> Told:
    given = (consents(h) or [{"purpose": "marketing", "channel": "phone", "wording": "privacy-1", "brand": None}])[0]
    said = {name: given[name] for name in ("purpose", "channel", "brand", "wording")}
    proof = h.one([None, *(event.id for event in h.events[-3:])])
    return {"party_ref": h.here.ref, **said, "source": h.one(SOURCES), "proof": proof}


def withdrawn(h: Chance) -> Told:
    told = consent(h)
    return {**told, "wording": h.one([None, told["wording"]]), "reason": h.one(["refused", "withdrawn"])}


def pair(h: Chance) -> Told:
    ends = h.here.name.removeprefix("link/").split(":")
    smaller, larger = ends if len(ends) == 2 else sorted((h.refs[0], h.id()))
    return {"smaller": smaller, "larger": larger}


def linked(h: Chance) -> Told:
    evidence = [{"rule": h.one(["same_phone", "same_email"]), "field": h.one(["phone", "email"])}]
    return {**pair(h), "by": h.one(["rule", "steward"]), "evidence": evidence, "matcher": "match-1"}


def proposed(h: Chance) -> Told:
    return {**pair(h), "score": h.chance.randint(0, 1000), "evidence": [], "matcher": "match-1"}


def decided(h: Chance) -> Told:
    return {**pair(h), "by": "steward-1", "reason": h.one(REASONS)}


def other(h: Chance) -> Told:
    return {"kind": h.one(["household", "employer"]), "other": h.one(h.refs)}


EVENTS: dict[str, Maker] = {
    "party_ref_registered": registered,
    "party_ref_moved": lambda h: {"dealer": h.one([*h.dealers, None])},
    "contact_point_added": point,
    "contact_point_verified": lambda h: {"key": h.one(KEYS), "method": "code", "by": h.one([None, "staff-1"])},
    "contact_point_verification_failed": lambda h: {"key": h.one(KEYS), "method": "code", "reason": h.one(REASONS)},
    "contact_point_corrected": lambda h: {
        name: value for name, value in point(h).items() if name not in ("origin", "preferred")
    },
    "contact_point_retired": lambda h: {"key": h.one(KEYS), "reason": h.one(REASONS)},
    "profile_recorded": profile,
    "owner_kind_declared": lambda h: {"owner_kind": h.one(["private", "enterprise"]), "basis": "licence"},
    "relationship_declared": lambda h: {**other(h), "role": h.one([None, "spouse"])},
    "relationship_ended": lambda h: {**other(h), "reason": h.one(REASONS)},
    "consent_granted": consent,
    "consent_withdrawn": withdrawn,
    "processing_restricted": lambda h: {"party_ref": h.here.ref, "reason": h.one(REASONS)},
    "restriction_lifted": lambda h: {"party_ref": h.here.ref, "reason": h.one(REASONS)},
    "link_proposed": proposed,
    "party_refs_linked": linked,
    "link_rejected": decided,
    "party_refs_unlinked": decided,
}

TRANSITIONS: dict[str, Machine] = {
    "partyref": {
        "": {"party_ref_registered": "there"},
        "there": dict.fromkeys([name for name in EVENTS if name.startswith(("contact_", "party_ref_m"))], "there")
        | dict.fromkeys(("profile_recorded", "owner_kind_declared", "relationship_declared"), "there")
        | {"relationship_ended": "there"},
    },
    "consent": {
        "": dict.fromkeys(("consent_granted", "consent_withdrawn", "processing_restricted"), "there"),
        "there": dict.fromkeys(("consent_granted", "consent_withdrawn"), "there") | {"processing_restricted": "held"},
        "held": {"restriction_lifted": "there", "consent_withdrawn": "held"},
    },
    "link": {
        "": {"link_proposed": "proposed", "party_refs_linked": "linked"},
        "proposed": {"party_refs_linked": "linked", "link_rejected": "apart"},
        "linked": {"party_refs_unlinked": "apart"},
        "apart": {"link_proposed": "proposed"},
    },
}
