"""Roadbook: identity: written by `make contracts` from contracts/openapi/identity.json."""

from __future__ import annotations


from roadbook_client.identity import models
from roadbook_client.paging import Listing
from roadbook_client.session import Operations, segment


class Identity(Operations):
    """Who a party is, how to reach it, what it agreed to, and which references are one customer."""

    async def register_party_ref(
        self,
        body: models.RegisterRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.RegisterAnswer:
        """Register a party reference.

        For somebody no lead speaks of: a key account, a partner, a spouse. A lead registers its own by itself.

        Refusals: conflict, idempotency_in_flight, precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.RegisterAnswer = await self._command("POST", "/v1/party-refs", key, if_match, json=body)
        return answer

    def list_party_refs(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Listing[models.RefsPage, models.RefListed]:
        """List party references.

        Those you hold; headquarters sees all. Pages stay right while others register.

        Refusals: invalid_request.

        limit: Items per page; 100 if not given.

        cursor: `next_cursor` of the page before.
        """
        return self._list("GET", "/v1/party-refs", cursor=cursor, query={"limit": limit})

    async def read_party_ref(
        self,
        party_ref: str,
    ) -> models.RefShown:
        """Read a party reference.

        `fields` says of each field how many values are known, whether they contradict each other, and when one was
        last verified.

        Refusals: invalid_request.
        """
        answer: models.RefShown = await self._read("GET", f"/v1/party-refs/{segment(party_ref)}")
        return answer

    async def add_contact_point(
        self,
        party_ref: str,
        body: models.AddRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.PointAnswer:
        """Add a contact point.

        The value goes into personal data, under the `key` of the answer.

        Refusals: conflict, idempotency_in_flight, precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.PointAnswer = await self._command(
            "POST", f"/v1/party-refs/{segment(party_ref)}:add-contact-point", key, if_match, json=body
        )
        return answer

    async def verify_contact_point(
        self,
        party_ref: str,
        body: models.VerifyRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Verify a contact point.

        It was reached that way, and it is the party's.

        Refusals: contact_point_retired, conflict, idempotency_in_flight, precondition_failed, invalid_request,
        idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/party-refs/{segment(party_ref)}:verify-contact-point", key, if_match, json=body
        )
        return answer

    async def fail_verification(
        self,
        party_ref: str,
        body: models.FailRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Report a failed verification.

        Nobody there, or somebody else. The point stays, and its field is in conflict.

        Refusals: contact_point_retired, conflict, idempotency_in_flight, precondition_failed, invalid_request,
        idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/party-refs/{segment(party_ref)}:fail-verification", key, if_match, json=body
        )
        return answer

    async def correct_contact_point(
        self,
        party_ref: str,
        body: models.CorrectRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Correct a contact point.

        The value said now is the one that counts; what another service learned under it no longer does.

        Refusals: contact_point_retired, conflict, idempotency_in_flight, precondition_failed, invalid_request,
        idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/party-refs/{segment(party_ref)}:correct-contact-point", key, if_match, json=body
        )
        return answer

    async def retire_contact_point(
        self,
        party_ref: str,
        body: models.RetireRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Retire a contact point.

        Out of use; its value is removed, and its number is never given again.

        Refusals: conflict, idempotency_in_flight, precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/party-refs/{segment(party_ref)}:retire-contact-point", key, if_match, json=body
        )
        return answer

    async def record_profile(
        self,
        party_ref: str,
        body: models.ProfileRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Record profile fields.

        Each with the purpose it is for. That the party would not say is worth recording too.

        Refusals: conflict, idempotency_in_flight, precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/party-refs/{segment(party_ref)}:record-profile", key, if_match, json=body
        )
        return answer

    async def declare_owner_kind(
        self,
        party_ref: str,
        body: models.OwnerKindRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Declare the owner kind.

        Private, government or institution, enterprise; and how it is known.

        Refusals: conflict, idempotency_in_flight, precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/party-refs/{segment(party_ref)}:declare-owner-kind", key, if_match, json=body
        )
        return answer

    async def declare_relationship(
        self,
        party_ref: str,
        body: models.RelateRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Declare a relationship.

        To another reference that you hold. The members of a household stay customers of their own.

        Refusals: relationship_with_itself, conflict, idempotency_in_flight, precondition_failed, invalid_request,
        idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/party-refs/{segment(party_ref)}:declare-relationship", key, if_match, json=body
        )
        return answer

    async def end_relationship(
        self,
        party_ref: str,
        body: models.EndRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """End a relationship.

        It stays in the history.

        Refusals: relationship_with_itself, relationship_unknown, conflict, idempotency_in_flight,
        precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/party-refs/{segment(party_ref)}:end-relationship", key, if_match, json=body
        )
        return answer

    async def read_consents(
        self,
        party_ref: str,
    ) -> models.ConsentsShown:
        """Read a party's consents.

        What another service recorded at capture stands here too. Where nothing was said, nothing is granted.

        Refusals: invalid_request.
        """
        answer: models.ConsentsShown = await self._read("GET", f"/v1/party-refs/{segment(party_ref)}/consents")
        return answer

    async def grant_consent(
        self,
        party_ref: str,
        body: models.GrantRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Record a consent.

        Under a version of the wording. The latest word counts.

        Refusals: conflict, idempotency_in_flight, precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/party-refs/{segment(party_ref)}/consents:grant", key, if_match, json=body
        )
        return answer

    async def withdraw_consent(
        self,
        party_ref: str,
        body: models.WithdrawRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Record a refusal or withdrawal.

        As easy as granting (and also of what was never granted).

        Refusals: conflict, idempotency_in_flight, precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/party-refs/{segment(party_ref)}/consents:withdraw", key, if_match, json=body
        )
        return answer

    async def restrict_processing(
        self,
        party_ref: str,
        body: models.ReasonRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Restrict processing.

        The party's data are kept, and nothing else is done with them until that is lifted.

        Refusals: conflict, idempotency_in_flight, precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/party-refs/{segment(party_ref)}/consents:restrict", key, if_match, json=body
        )
        return answer

    async def lift_restriction(
        self,
        party_ref: str,
        body: models.ReasonRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Lift a restriction.

        Refusals: not_restricted, conflict, idempotency_in_flight, precondition_failed, invalid_request,
        idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/party-refs/{segment(party_ref)}/consents:lift-restriction", key, if_match, json=body
        )
        return answer

    async def link_party_refs(
        self,
        body: models.LinkRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.LinkAnswer:
        """Link two references.

        They are one customer. Nothing is moved, so it can be undone and leaves nothing behind. A pair that was told
        apart may be joined again, by hand only.

        Refusals: cannot_link, conflict, idempotency_in_flight, precondition_failed, invalid_request,
        idempotency_key_reused.
        """
        answer: models.LinkAnswer = await self._command("POST", "/v1/links", key, if_match, json=body)
        return answer

    async def split_party_refs(
        self,
        body: models.SplitRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.SplitAnswer:
        """Split two references.

        Undoes the fewest links without which the two are two customers (`cut`), and tells the two apart for good.

        Refusals: conflict, idempotency_in_flight, precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.SplitAnswer = await self._command("POST", "/v1/links:split", key, if_match, json=body)
        return answer

    async def read_link(
        self,
        link_id: str,
    ) -> models.PairRead:
        """Read a link.

        Linked, proposed or told apart, with the evidence; and all that was said of the pair before.

        Refusals: invalid_request.
        """
        answer: models.PairRead = await self._read("GET", f"/v1/links/{segment(link_id)}")
        return answer

    async def unlink_party_refs(
        self,
        link_id: str,
        *,
        reason: str,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.UnlinkAnswer:
        """Undo a link.

        The world is as if the link had never been. No rule makes it again, not even by way of a third reference.

        Refusals: not_linked, conflict, idempotency_in_flight, precondition_failed, invalid_request,
        idempotency_key_reused.

        reason: Why they are two customers.
        """
        answer: models.UnlinkAnswer = await self._command(
            "DELETE", f"/v1/links/{segment(link_id)}", key, if_match, query={"reason": reason}
        )
        return answer

    async def read_links(
        self,
        party_ref: str,
    ) -> models.LinksShown:
        """Links of a reference.

        Among the references that you hold. Evidence names the rule and the fields it looked at, and no value.

        Refusals: invalid_request.
        """
        answer: models.LinksShown = await self._read("GET", f"/v1/party-refs/{segment(party_ref)}/links")
        return answer

    async def explain_same(
        self,
        party_ref: str,
        other: str,
    ) -> models.WhyShown:
        """Why two references are or are not one customer.

        Over the references that you hold.

        Refusals: invalid_request.
        """
        answer: models.WhyShown = await self._read(
            "GET", f"/v1/party-refs/{segment(party_ref)}/same-as/{segment(other)}"
        )
        return answer

    async def show_cut(
        self,
        party_ref: str,
        other: str,
    ) -> models.CutShown:
        """What a split would undo.

        The fewest links without which the two are two customers. Nothing is done.

        Refusals: invalid_request.
        """
        answer: models.CutShown = await self._read(
            "GET", f"/v1/party-refs/{segment(party_ref)}/split-from/{segment(other)}"
        )
        return answer

    def list_proposals(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Listing[models.ProposalsPage, models.PairShown]:
        """List proposed links.

        With score (0 to 1000) and evidence. What was decided leaves the queue.

        Refusals: invalid_request.

        limit: Items per page; 100 if not given.

        cursor: `next_cursor` of the page before.
        """
        return self._list("GET", "/v1/link-proposals", cursor=cursor, query={"limit": limit})

    async def approve_proposal(
        self,
        link_id: str,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Approve a proposed link.

        They are one customer.

        Refusals: cannot_link, conflict, idempotency_in_flight, precondition_failed, invalid_request,
        idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/link-proposals/{segment(link_id)}:approve", key, if_match
        )
        return answer

    async def reject_proposal(
        self,
        link_id: str,
        body: models.ReasonRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Reject a proposed link.

        They are two, and no rule joins them, not even by way of a third reference.

        Refusals: link_exists, conflict, idempotency_in_flight, precondition_failed, invalid_request,
        idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/link-proposals/{segment(link_id)}:reject", key, if_match, json=body
        )
        return answer
