"""What another dealer may read of a customer (C05)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from lead.domain.lead import (
    CustomerShared,
    FollowUpScheduled,
    Lead,
    LeadCaptured,
    LeadLost,
    LeadRecycled,
    LeadRestored,
    LeadRouted,
    RevokeShare,
    Rules,
    Share,
    ShareCustomer,
    ShareRevoked,
    decider,
)
from roadbook.testing.spec import given

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
UNTIL = NOW + 9 * DAY
RULES = Rules("2026-2", DAY)
CAPTURED = LeadCaptured("party-1", "web_form", "d1", None, (), None, None, (), (), "2026-2", NOW)
OPEN = (CAPTURED, FollowUpScheduled("first_contact", NOW + DAY, None, NOW))
SHARE = ShareCustomer("d2", "facts", UNTIL, "help", NOW)
SHARED = CustomerShared("d2", "facts", UNTIL, "help", NOW)


def shown(dealer: str, at: datetime, *history: object) -> Share | None:
    state = decider.fold(history)  # type: ignore[arg-type]
    assert isinstance(state, Lead)
    return state.shared_with(dealer, at)


def test_c05_a_customer_is_shared_in_a_scope_until_a_time() -> None:
    given(decider, *OPEN).when(SHARE).then(SHARED)
    assert shown("d2", NOW, *OPEN, SHARED) == Share("d2", "facts", UNTIL)
    assert shown("d2", UNTIL - SECOND, *OPEN, SHARED) is not None
    assert shown("d2", UNTIL, *OPEN, SHARED) is None
    assert shown("d3", NOW, *OPEN, SHARED) is None
    assert shown("d2", NOW, *OPEN) is None


def test_c05_the_same_share_again_says_nothing_another_takes_its_place() -> None:
    given(decider, *OPEN, SHARED).when(SHARE).then_nothing()
    wider = CustomerShared("d2", "contact", UNTIL + DAY, "help", NOW)
    given(decider, *OPEN, SHARED).when(replace(SHARE, scope="contact", until=UNTIL + DAY)).then(wider)
    given(decider, *OPEN, SHARED).when(replace(SHARE, until=UNTIL - DAY)).then(replace(SHARED, until=UNTIL - DAY))
    assert shown("d2", UNTIL, *OPEN, SHARED, wider) == Share("d2", "contact", UNTIL + DAY)
    assert shown("d2", UNTIL - DAY, *OPEN, SHARED, replace(SHARED, until=UNTIL - DAY)) is None


def test_c05_several_dealers_may_see_it_each_by_its_own_share() -> None:
    third = CustomerShared("d3", "contact", NOW + DAY, "help", NOW)
    history = (*OPEN, SHARED, third)
    assert shown("d2", NOW, *history) == Share("d2", "facts", UNTIL)
    assert shown("d3", NOW, *history) == Share("d3", "contact", NOW + DAY)
    given(decider, *history).when(RevokeShare("d3", NOW)).then(ShareRevoked("d3", NOW))
    assert shown("d2", NOW, *history, ShareRevoked("d3", NOW)) is not None
    assert shown("d3", NOW, *history, ShareRevoked("d3", NOW)) is None


def test_c05_a_share_is_revoked_once_in_any_status_of_the_lead() -> None:
    revoke, revoked = RevokeShare("d2", NOW), ShareRevoked("d2", NOW)
    given(decider, *OPEN, SHARED).when(revoke).then(revoked)
    given(decider, *OPEN, SHARED, LeadLost("no_answer", None, NOW)).when(revoke).then(revoked)
    given(decider, *OPEN, SHARED, revoked).when(revoke).then_nothing()
    given(decider, *OPEN).when(revoke).then_nothing()


def test_c05_what_cannot_be_shared() -> None:
    given(decider, *OPEN).when(replace(SHARE, dealer="d1")).rejected("share_with_holder")
    given(decider, *OPEN).when(replace(SHARE, until=NOW)).rejected("share_in_the_past")
    given(decider, replace(CAPTURED, dealer=None), OPEN[1]).when(SHARE).rejected("lead_without_dealer")
    given(decider, *OPEN, LeadLost("no_answer", None, NOW)).when(SHARE).rejected("lead_closed")


def test_c05_shares_end_with_the_holder() -> None:
    """Also one with the dealer that holds it now."""
    moved = (*OPEN, SHARED, replace(SHARED, dealer="d3"), LeadRouted("d2", "hand", UNTIL, "2026-2", NOW))
    assert shown("d2", NOW, *moved) is None
    assert shown("d3", NOW, *moved) is None


def test_c05_a_lost_lead_stays_shared_one_in_the_recycle_bin_is_shown_to_nobody() -> None:
    """C07: taken out of the bin, it is as it was."""
    recycled = LeadRecycled("duplicate", NOW)
    assert shown("d2", NOW, *OPEN, SHARED, LeadLost("no_answer", None, NOW)) is not None
    assert shown("d2", NOW, *OPEN, SHARED, recycled) is None
    assert shown("d2", NOW, *OPEN, SHARED, recycled, LeadRestored("mistake", NOW)) is not None
    assert shown("d2", UNTIL, *OPEN, SHARED, recycled, LeadRestored("mistake", NOW)) is None
