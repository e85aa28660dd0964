"""Roadbook: sales: written by `make contracts` from contracts/openapi/sales.json."""

from __future__ import annotations

from typing import Literal

from roadbook_client.paging import Listing
from roadbook_client.sales import models
from roadbook_client.session import Operations, segment


class Sales(Operations):
    """From the opportunity to the delivered vehicle."""

    async def open_opportunity(
        self,
        body: models.OpenRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.OpenAnswer:
        """Open an opportunity.

        Of somebody who came without a lead. From a converted lead one is opened by itself.

        Refusals: tender_without_institution, model_not_eligible, conflict, idempotency_in_flight,
        precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.OpenAnswer = await self._command("POST", "/v1/opportunities", key, if_match, json=body)
        return answer

    def list_opportunities(
        self,
        *,
        state: Literal["open", "won", "lost"] | None = None,
        staff: str | None = None,
        party_ref: str | None = None,
        source: str | None = None,
        dealer: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Listing[models.OpportunitiesPage, models.OpportunityListed]:
        """List opportunities.

        A dealer's opportunities; every condition narrows it. Pages stay right while they change.

        Refusals: invalid_request.

        dealer: For headquarters; a dealer sees its own.

        limit: Items per page; 100 if not given.

        cursor: `next_cursor` of the page before.
        """
        return self._list(
            "GET",
            "/v1/opportunities",
            cursor=cursor,
            query={
                "state": state,
                "staff": staff,
                "party_ref": party_ref,
                "source": source,
                "dealer": dealer,
                "limit": limit,
            },
        )

    async def assign_opportunity(
        self,
        opportunity_id: str,
        body: models.AssignRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Assign an opportunity.

        To somebody of the dealer's staff.

        Refusals: opportunity_closed, conflict, idempotency_in_flight, precondition_failed, invalid_request,
        idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/opportunities/{segment(opportunity_id)}:assign", key, if_match, json=body
        )
        return answer

    async def lose_opportunity(
        self,
        opportunity_id: str,
        body: models.LoseRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Report an opportunity as lost.

        With why, and to which car if it was another.

        Refusals: opportunity_closed, conflict, idempotency_in_flight, precondition_failed, invalid_request,
        idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/opportunities/{segment(opportunity_id)}:lose", key, if_match, json=body
        )
        return answer

    async def reopen_opportunity(
        self,
        opportunity_id: str,
        body: models.ReopenRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Reopen a lost opportunity.

        One that was won opens by itself when its contract or its last order is cancelled.

        Refusals: opportunity_closed, conflict, idempotency_in_flight, precondition_failed, invalid_request,
        idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/opportunities/{segment(opportunity_id)}:reopen", key, if_match, json=body
        )
        return answer

    async def read_opportunity(
        self,
        opportunity_id: str,
    ) -> models.OpportunityShown:
        """Read an opportunity.

        The facts as of the last event.

        Refusals: invalid_request.
        """
        answer: models.OpportunityShown = await self._read("GET", f"/v1/opportunities/{segment(opportunity_id)}")
        return answer

    def list_opportunity_events(
        self,
        opportunity_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Listing[models.EventsPage, models.EventShown]:
        """An opportunity's events.

        Every fact: what, when, by whom, and what caused it.

        Refusals: invalid_request.

        limit: Items per page; 100 if not given.

        cursor: `next_cursor` of the page before.
        """
        return self._list(
            "GET", f"/v1/opportunities/{segment(opportunity_id)}/events", cursor=cursor, query={"limit": limit}
        )
