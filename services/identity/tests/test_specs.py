"""Party references, consents and links, told as given / when / then."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from identity.domain import consent, link, party_ref
from identity.domain.link import Evidence
from identity.domain.party_ref import ProfileField
from roadbook.testing.spec import given

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
REF, OTHER = "0199a3c4-7d2e-7b51-9c3d-2f1e5a6b7c8d", "0199a3c4-ee05-7154-ac6d-5f4e3d2c1b0a"
ref = party_ref.decider
REGISTERED = party_ref.PartyRefRegistered(REF, "person", "d1", "visit", NOW)
ADD = party_ref.AddContactPoint("phone", "mobile", True, True, True, "lead/1/phone/1", "visit", NOW)
ADDED = party_ref.ContactPointAdded("phone/1", "mobile", True, True, True, "lead/1/phone/1", "visit", NOW)


# ── Party references ──────────────────────────────────────────────────────────────────────────────────────────
def test_a_reference_is_registered_once_and_moves_with_its_holder() -> None:
    given(ref).when(party_ref.RegisterPartyRef(REF, "person", "d1", "visit", NOW)).then(REGISTERED)
    given(ref, REGISTERED).when(party_ref.RegisterPartyRef(REF, "person", "d2", "x", LATER)).then_nothing()
    given(ref, REGISTERED).when(party_ref.MovePartyRef("d1", LATER)).then_nothing()
    given(ref, REGISTERED).when(party_ref.MovePartyRef(None, LATER)).then(party_ref.PartyRefMoved(None, LATER))
    given(ref).when(party_ref.MovePartyRef("d1", NOW)).rejected("party_ref_not_registered")
    given(ref).when(ADD).rejected("party_ref_not_registered")


def test_contact_points_are_numbered_and_an_origin_is_adopted_once() -> None:
    given(ref, REGISTERED).when(ADD).then(ADDED)
    given(ref, REGISTERED, ADDED).when(replace(ADD, at=LATER)).then_nothing()
    own = replace(ADD, origin=None, preferred=False)
    given(ref, REGISTERED, ADDED).when(own).then(replace(ADDED, key="phone/2", origin=None, preferred=False))
    retired = party_ref.ContactPointRetired("phone/1", "gone", LATER)
    given(ref, REGISTERED, ADDED, retired).when(ADD).then_nothing()  # what is retired stays so
    given(ref, REGISTERED, ADDED, retired).when(own).then(replace(ADDED, key="phone/2", origin=None, preferred=False))


def test_the_last_preferred_point_of_a_family_is_the_preferred_one() -> None:
    second = replace(ADDED, key="phone/2", origin="lead/2/phone/1")
    state = given(ref, REGISTERED, ADDED, second).state()
    assert isinstance(state, party_ref.PartyRef)
    assert [point.preferred for point in state.points.values()] == [False, True]


def test_a_point_is_verified_again_only_later_and_a_correction_ends_it() -> None:
    verify = party_ref.VerifyContactPoint("phone/1", "call", None, LATER)
    verified = party_ref.ContactPointVerified("phone/1", "call", None, LATER)
    given(ref, REGISTERED, ADDED).when(verify).then(verified)
    given(ref, REGISTERED, ADDED, verified).when(verify).then_nothing()
    correct = party_ref.CorrectContactPoint("phone/1", "mobile", True, True, "customer", LATER)
    corrected = party_ref.ContactPointCorrected("phone/1", "mobile", True, True, "customer", LATER)
    given(ref, REGISTERED, ADDED, verified).when(correct).then(corrected)
    given(ref, REGISTERED, ADDED, corrected).when(correct).then_nothing()
    given(ref, REGISTERED, ADDED, corrected).when(replace(correct, same=True)).then_nothing()
    state = given(ref, REGISTERED, ADDED, verified, corrected).state()
    assert isinstance(state, party_ref.PartyRef)
    assert (state.points["phone/1"].verified_at, state.points["phone/1"].origin) == (None, None)
    fail = party_ref.FailVerification("phone/1", "call", "nobody", LATER)
    failed = party_ref.ContactPointVerificationFailed("phone/1", "call", "nobody", LATER)
    given(ref, REGISTERED, ADDED).when(fail).then(failed)
    given(ref, REGISTERED, ADDED, failed).when(fail).then_nothing()
    given(ref, REGISTERED).when(verify).rejected("contact_point_unknown")
    retired = party_ref.ContactPointRetired("phone/1", "gone", LATER)
    given(ref, REGISTERED, ADDED, retired).when(verify).rejected("contact_point_retired")
    given(ref, REGISTERED, ADDED).when(party_ref.RetireContactPoint("phone/1", "gone", LATER)).then(retired)
    given(ref, REGISTERED, ADDED, retired).when(party_ref.RetireContactPoint("phone/1", "x", NOW)).then_nothing()


def test_a_refusal_is_a_value_of_the_profile() -> None:
    income, age = ProfileField("income", "financing", refused=True), ProfileField("age", "advice")
    recorded = party_ref.ProfileRecorded((income, age), "visit", NOW)
    given(ref, REGISTERED).when(party_ref.RecordProfile((income, age), "visit", NOW)).then(recorded)
    given(ref, REGISTERED, recorded).when(party_ref.RecordProfile((age,), "visit", LATER)).then_nothing()
    told = ProfileField("income", "financing")
    after = party_ref.ProfileRecorded((told,), "call", LATER)
    given(ref, REGISTERED, recorded).when(party_ref.RecordProfile((told, age), "call", LATER)).then(after)


def test_owner_kind_and_relationships() -> None:
    declare = party_ref.DeclareOwnerKind("enterprise", "licence", NOW)
    declared = party_ref.OwnerKindDeclared("enterprise", "licence", NOW)
    given(ref, REGISTERED).when(declare).then(declared)
    given(ref, REGISTERED, declared).when(replace(declare, at=LATER)).then_nothing()
    relate = party_ref.DeclareRelationship("household", OTHER, "spouse", NOW)
    related = party_ref.RelationshipDeclared("household", OTHER, "spouse", NOW)
    given(ref, REGISTERED).when(relate).then(related)
    given(ref, REGISTERED, related).when(relate).then_nothing()
    end = party_ref.EndRelationship("household", OTHER, "divorced", LATER)
    ended = party_ref.RelationshipEnded("household", OTHER, "divorced", LATER)
    given(ref, REGISTERED, related).when(end).then(ended)
    given(ref, REGISTERED, related, ended).when(end).then_nothing()
    given(ref, REGISTERED, related, ended).when(relate).then(related)
    given(ref, REGISTERED).when(end).rejected("relationship_unknown")
    given(ref, REGISTERED).when(replace(relate, other=REF)).rejected("relationship_with_itself")


# ── Consents ──────────────────────────────────────────────────────────────────────────────────────────────────
GRANT = consent.GrantConsent(REF, "marketing", "phone", None, "w1", "visit", None, NOW)
GRANTED = consent.ConsentGranted(REF, "marketing", "phone", None, "w1", "visit", None, NOW)
WITHDRAW = consent.WithdrawConsent(REF, "marketing", "phone", None, None, "withdrawn", "call", None, LATER)
WITHDRAWN = consent.ConsentWithdrawn(REF, "marketing", "phone", None, None, "withdrawn", "call", None, LATER)


def test_the_latest_word_of_a_cell_counts() -> None:
    words = consent.decider
    given(words).when(GRANT).then(GRANTED)
    given(words, GRANTED).when(replace(GRANT, at=LATER)).then_nothing()
    given(words, GRANTED).when(WITHDRAW).then(WITHDRAWN)
    given(words, GRANTED, WITHDRAWN).when(WITHDRAW).then_nothing()
    given(words, WITHDRAWN).when(GRANT).then_nothing()  # an older word that comes late
    given(words, WITHDRAWN).when(replace(GRANT, at=LATER)).then_nothing()  # of one moment the refusal counts
    given(words, GRANTED).when(replace(WITHDRAW, at=NOW)).then(replace(WITHDRAWN, at=NOW))
    given(words, WITHDRAWN).when(replace(GRANT, brand="audi")).then(replace(GRANTED, brand="audi"))
    given(words).when(WITHDRAW).then(WITHDRAWN)
    renewed = replace(GRANTED, wording="w2", at=LATER)
    given(words, GRANTED).when(replace(GRANT, wording="w2", at=LATER)).then(renewed)
    proven = replace(GRANTED, proof="e1", at=LATER)
    given(words, GRANTED).when(replace(GRANT, proof="e1", at=LATER)).then(proven)
    given(words, proven).when(replace(GRANT, proof="e1", at=LATER)).then_nothing()


def test_processing_is_restricted_until_that_is_lifted() -> None:
    words = consent.decider
    restricted = consent.ProcessingRestricted(REF, "contested", NOW)
    lifted = consent.RestrictionLifted(REF, "confirmed", LATER)
    given(words).when(consent.RestrictProcessing(REF, "contested", NOW)).then(restricted)
    given(words, restricted).when(consent.RestrictProcessing(REF, "again", LATER)).then_nothing()
    given(words, restricted).when(consent.LiftRestriction(REF, "confirmed", LATER)).then(lifted)
    given(words, restricted, lifted).when(consent.LiftRestriction(REF, "confirmed", LATER)).then_nothing()
    given(words).when(consent.LiftRestriction(REF, "confirmed", LATER)).rejected("not_restricted")


# ── Links ─────────────────────────────────────────────────────────────────────────────────────────────────────
SEEN, MORE = (Evidence("scored", "name"),), (Evidence("scored", "name"), Evidence("scored", "email"))
PROPOSE = link.ProposeLink(REF, OTHER, 700, SEEN, "m1", NOW)
PROPOSED = link.LinkProposed(REF, OTHER, 700, SEEN, "m1", NOW)
RULE = link.LinkPartyRefs(REF, OTHER, "rule", MORE, "m1", NOW)
LINKED = link.PartyRefsLinked(REF, OTHER, "rule", MORE, "m1", NOW)
REJECT = link.RejectLink(REF, OTHER, "steward", "two", LATER)
REJECTED = link.LinkRejected(REF, OTHER, "steward", "two", LATER)
UNLINK = link.UnlinkPartyRefs(REF, OTHER, "steward", "two", LATER)
UNLINKED = link.PartyRefsUnlinked(REF, OTHER, "steward", "two", LATER)


def test_a_proposal_is_answered_once() -> None:
    pair = link.decider
    given(pair).when(PROPOSE).then(PROPOSED)
    given(pair, PROPOSED).when(replace(PROPOSE, at=LATER)).then_nothing()
    given(pair, PROPOSED).when(RULE).then(LINKED)
    given(pair, PROPOSED).when(REJECT).then(REJECTED)
    given(pair, LINKED).when(PROPOSE).then_nothing()
    given(pair, LINKED).when(RULE).then_nothing()
    given(pair, LINKED).when(REJECT).rejected("link_exists")


def test_what_was_told_apart_is_joined_by_a_steward_only() -> None:
    pair = link.decider
    by_hand, linked_by_hand = replace(RULE, by="steward"), replace(LINKED, by="steward")
    for apart in (REJECTED, UNLINKED):
        history = (PROPOSED, LINKED, apart) if apart is UNLINKED else (PROPOSED, apart)
        given(pair, *history).when(RULE).rejected("cannot_link")
        given(pair, *history).when(PROPOSE).then_nothing()  # decided with that in view
        given(pair, *history).when(REJECT).then_nothing()
        given(pair, *history).when(UNLINK).then_nothing()
        given(pair, *history).when(by_hand).then(linked_by_hand)
    given(pair, PROPOSED, REJECTED).when(replace(PROPOSE, evidence=MORE)).then(replace(PROPOSED, evidence=MORE))
    asked = replace(PROPOSED, evidence=MORE)
    given(pair, PROPOSED, REJECTED, asked).when(RULE).rejected("cannot_link")  # asked again is not answered
    given(pair, LINKED).when(UNLINK).then(UNLINKED)
    given(pair, LINKED, UNLINKED, linked_by_hand).when(UNLINK).then(UNLINKED)
    given(pair).when(UNLINK).rejected("not_linked")
    given(pair, PROPOSED).when(UNLINK).rejected("not_linked")
    given(pair).when(REJECT).then(REJECTED)
    given(pair).when(replace(PROPOSE, larger=REF)).rejected("link_with_itself")
