"""Roadbook: lead: written by `make contracts` from contracts/openapi/lead.json."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from roadbook_client.lead import models
from roadbook_client.paging import Listing
from roadbook_client.session import Content, Operations, content_headers, segment


class Lead(Operations):
    """Purchase intents, from the first sign to conversion or loss."""

    async def capture_lead(
        self,
        body: models.CaptureRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CaptureAnswer:
        """Capture a purchase intent.

        Who wants what, from whom and when. Without `next_action`, the first contact is due by the rules.

        Refusals: follow_up_in_the_past, lead_exists, consent_required, conflict, idempotency_in_flight,
        precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.CaptureAnswer = await self._command("POST", "/v1/leads", key, if_match, json=body)
        return answer

    def list_leads(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        state: Literal["open", "lost", "recycled", "converted"] | None = None,
        grade: Literal["hot", "warm", "cold"] | None = None,
        dealer: str | None = None,
        source: str | None = None,
        owner: str | None = None,
        campaign: str | None = None,
        region: str | None = None,
        overdue: bool | None = None,
        pool: bool | None = None,
        unrouted: bool | None = None,
        unanswered: bool | None = None,
        feedback_overdue: bool | None = None,
        due_on: date | str | None = None,
    ) -> Listing[models.LeadsPage, models.LeadListed]:
        """List leads.

        A dealer's leads, newest intent first; every condition narrows it. Pages stay right while leads change.

        Refusals: invalid_request.

        limit: Items per page; 100 if not given.

        cursor: `next_cursor` of the page before.

        dealer: For headquarters; a dealer sees its own.

        owner: Who works it.

        overdue: Whether the next action is overdue.

        pool: Whether it is in the pool.

        unrouted: Whether no dealer holds it; for headquarters.

        unanswered: Whether its dealer has yet to accept it.

        feedback_overdue: Whether its dealer owes a word on its status.

        due_on: Whose next action is due on this day, in the dealers' time.
        """
        return self._list(
            "GET",
            "/v1/leads",
            cursor=cursor,
            query={
                "limit": limit,
                "state": state,
                "grade": grade,
                "dealer": dealer,
                "source": source,
                "owner": owner,
                "campaign": campaign,
                "region": region,
                "overdue": overdue,
                "pool": pool,
                "unrouted": unrouted,
                "unanswered": unanswered,
                "feedback_overdue": feedback_overdue,
                "due_on": due_on,
            },
        )

    async def enrich_lead(
        self,
        lead_id: str,
        body: models.EnrichRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.EnrichAnswer:
        """Add what was learned.

        Contact points are added or recognised; `vehicles`, `budget` and `window` replace what was there.

        Refusals: lead_closed, conflict, idempotency_in_flight, precondition_failed, invalid_request,
        idempotency_key_reused.
        """
        answer: models.EnrichAnswer = await self._command(
            "POST", f"/v1/leads/{segment(lead_id)}:enrich", key, if_match, json=body
        )
        return answer

    async def qualify_lead(
        self,
        lead_id: str,
        body: models.QualifyRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Grade a lead.

        Hot, warm or cold, with reasons. What headquarters finds hot and no dealer holds goes to a dealer at once.

        Refusals: lead_closed, profile_incomplete, conflict, idempotency_in_flight, precondition_failed,
        invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/leads/{segment(lead_id)}:qualify", key, if_match, json=body
        )
        return answer

    async def schedule_follow_up(
        self,
        lead_id: str,
        body: models.ScheduleRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Set the next action.

        Replaces the next action. One that passes its due time undone is recorded as missed.

        Refusals: lead_closed, follow_up_in_the_past, acceptance_pending, customer_protected, conflict,
        idempotency_in_flight, precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/leads/{segment(lead_id)}:schedule-follow-up", key, if_match, json=body
        )
        return answer

    async def lose_lead(
        self,
        lead_id: str,
        body: models.LoseRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Close a lead as lost.

        Nothing is deleted: the lead can be reopened.

        Refusals: lead_closed, acceptance_pending, conflict, idempotency_in_flight, precondition_failed,
        invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/leads/{segment(lead_id)}:lose", key, if_match, json=body
        )
        return answer

    async def reopen_lead(
        self,
        lead_id: str,
        body: models.ReopenRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Reopen a lost lead.

        Like a capture, it sets a next action: the one given, else a first contact by the rules.

        Refusals: follow_up_in_the_past, lead_closed, conflict, idempotency_in_flight, precondition_failed,
        invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/leads/{segment(lead_id)}:reopen", key, if_match, json=body
        )
        return answer

    async def complete_follow_up(
        self,
        lead_id: str,
        body: models.CompleteRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Complete the next action.

        What came of it, and what comes next; without `next_action` the rules set one. The first is the first
        contact.

        Refusals: lead_closed, follow_up_in_the_past, acceptance_pending, customer_protected, conflict,
        idempotency_in_flight, precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/leads/{segment(lead_id)}:complete-follow-up", key, if_match, json=body
        )
        return answer

    async def convert_lead(
        self,
        lead_id: str,
        body: models.ConvertRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Close a lead as converted.

        The customer buys: sales go on with it. The profile must hold what the rules ask for.

        Refusals: lead_closed, acceptance_pending, profile_incomplete, conflict, idempotency_in_flight,
        precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/leads/{segment(lead_id)}:convert", key, if_match, json=body
        )
        return answer

    async def recycle_lead(
        self,
        lead_id: str,
        body: models.ReasonRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Put a lead into the recycle bin.

        Nothing is deleted: restored, it has the same history. Erasing a person's data is another thing.

        Refusals: lead_closed, conflict, idempotency_in_flight, precondition_failed, invalid_request,
        idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/leads/{segment(lead_id)}:recycle", key, if_match, json=body
        )
        return answer

    async def restore_lead(
        self,
        lead_id: str,
        body: models.ReopenRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Take a lead out of the recycle bin.

        Open or lost, as it was; an open one gets a next action. Who had not answered yet gets the time anew.

        Refusals: follow_up_in_the_past, conflict, idempotency_in_flight, precondition_failed, invalid_request,
        idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/leads/{segment(lead_id)}:restore", key, if_match, json=body
        )
        return answer

    async def route_lead(
        self,
        lead_id: str,
        body: models.RouteRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Give a lead to a dealer.

        For headquarters. By the rule: the dealer wished for, then the nearest, then the one with fewest open leads,
        and none that had it; or by hand. The dealer has to answer in time, else the next one gets it.

        Refusals: lead_closed, no_dealer_left, accept_by_in_the_past, conflict, idempotency_in_flight,
        precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/leads/{segment(lead_id)}:route", key, if_match, json=body
        )
        return answer

    async def accept_lead(
        self,
        lead_id: str,
        body: models.AcceptRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Accept a routed lead.

        The dealer works it from now on, and owes a word on its status in time.

        Refusals: lead_closed, nothing_to_accept, acceptance_overdue, conflict, idempotency_in_flight,
        precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/leads/{segment(lead_id)}:accept", key, if_match, json=body
        )
        return answer

    async def decline_lead(
        self,
        lead_id: str,
        body: models.ReasonRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Decline a routed lead.

        It goes to the next dealer, and this one no longer sees it.

        Refusals: lead_closed, nothing_to_accept, conflict, idempotency_in_flight, precondition_failed,
        invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/leads/{segment(lead_id)}:decline", key, if_match, json=body
        )
        return answer

    async def report_lead_status(
        self,
        lead_id: str,
        body: models.StatusRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Report how it stands.

        The dealer's word to headquarters; the time to the next one begins anew.

        Refusals: lead_closed, acceptance_pending, lead_without_dealer, conflict, idempotency_in_flight,
        precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/leads/{segment(lead_id)}:report-status", key, if_match, json=body
        )
        return answer

    async def protect_lead(
        self,
        lead_id: str,
        body: models.StaffRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Protect a customer.

        For a number of days after each activity nobody else may work the customer. A customer has one protector.

        Refusals: lead_closed, customer_protected, not_in_pool, acceptance_pending, lead_without_dealer, conflict,
        idempotency_in_flight, precondition_failed, invalid_request, idempotency_key_reused, asked_too_often.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/leads/{segment(lead_id)}:protect", key, if_match, json=body
        )
        return answer

    async def release_lead(
        self,
        lead_id: str,
        body: models.ReasonRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Release a lead into the pool.

        Anybody at the dealer may claim it. A protection that ran out does the same.

        Refusals: lead_closed, acceptance_pending, lead_without_dealer, conflict, idempotency_in_flight,
        precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/leads/{segment(lead_id)}:release", key, if_match, json=body
        )
        return answer

    async def claim_lead(
        self,
        lead_id: str,
        body: models.StaffRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Take a lead out of the pool.

        Of several who claim it, one gets it.

        Refusals: lead_closed, not_in_pool, acceptance_pending, conflict, idempotency_in_flight,
        precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/leads/{segment(lead_id)}:claim", key, if_match, json=body
        )
        return answer

    async def assign_lead(
        self,
        lead_id: str,
        body: models.AssignRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Give a lead to a member of staff.

        The next action and a protection go with it.

        Refusals: lead_closed, acceptance_pending, conflict, idempotency_in_flight, precondition_failed,
        invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/leads/{segment(lead_id)}:assign", key, if_match, json=body
        )
        return answer

    async def reassign_leads(
        self,
        body: models.ReassignRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.ReassignAnswer:
        """Move a leaver's leads.

        All leads that somebody owns or is to act on next, up to 500 at once; none is orphaned: what `to` cannot
        take goes to the dealer's manager. Send it again while `left` is not 0.

        Refusals: no_successor, conflict, idempotency_in_flight, precondition_failed, invalid_request,
        idempotency_key_reused.
        """
        answer: models.ReassignAnswer = await self._command("POST", "/v1/leads:reassign", key, if_match, json=body)
        return answer

    async def share_customer(
        self,
        lead_id: str,
        body: models.ShareRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Share a customer with another dealer.

        This lead becomes readable to that dealer until the end date: its facts, or its personal data too. Every
        reading is written down. To read is all it may.

        Refusals: lead_closed, share_with_holder, share_in_the_past, lead_without_dealer, acceptance_pending,
        conflict, idempotency_in_flight, precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/leads/{segment(lead_id)}:share", key, if_match, json=body
        )
        return answer

    async def revoke_share(
        self,
        lead_id: str,
        body: models.RevokeRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """End a share.

        The dealer no longer sees it.

        Refusals: lead_closed, conflict, idempotency_in_flight, precondition_failed, invalid_request,
        idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/leads/{segment(lead_id)}:revoke-share", key, if_match, json=body
        )
        return answer

    async def record_visit(
        self,
        lead_id: str,
        body: models.VisitRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Record a showroom visit.

        It counts for the score.

        Refusals: lead_closed, conflict, idempotency_in_flight, precondition_failed, invalid_request,
        idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/leads/{segment(lead_id)}:record-visit", key, if_match, json=body
        )
        return answer

    async def record_experience(
        self,
        lead_id: str,
        body: models.ExperienceRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Record an online experience.

        What of a car was tried on a site. It counts for the score.

        Refusals: lead_closed, conflict, idempotency_in_flight, precondition_failed, invalid_request,
        idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/leads/{segment(lead_id)}:record-experience", key, if_match, json=body
        )
        return answer

    async def score_lead(
        self,
        lead_id: str,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Score a lead.

        By what is known of it now. Every sign of interest scores it anew by itself.

        Refusals: lead_closed, conflict, idempotency_in_flight, precondition_failed, invalid_request,
        idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command("POST", f"/v1/leads/{segment(lead_id)}:score", key, if_match)
        return answer

    async def read_lead(
        self,
        lead_id: str,
    ) -> models.LeadShown:
        """Read a lead.

        The facts as of the last event, and the personal data that came with this lead. A lead that is shared with
        you shows what its share says, and that you have read it is written down.

        Refusals: invalid_request.
        """
        answer: models.LeadShown = await self._read("GET", f"/v1/leads/{segment(lead_id)}")
        return answer

    def list_lead_events(
        self,
        lead_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Listing[models.EventsPage, models.EventShown]:
        """A lead's events.

        Every fact of the lead: what, when, by whom, and what caused it. No personal data. Which other dealers had
        it before is for headquarters; through a share there is nothing of who holds and works it.

        Refusals: invalid_request.

        limit: Items per page; 100 if not given.

        cursor: `next_cursor` of the page before.
        """
        return self._list("GET", f"/v1/leads/{segment(lead_id)}/events", cursor=cursor, query={"limit": limit})

    def list_hand_over(
        self,
        staff_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Listing[models.HandOverPage, models.HandOverItem]:
        """What a member of staff would leave behind.

        Open leads that the person works or is to act on next, with the next action and how long they are protected.

        Refusals: invalid_request.

        limit: Items per page; 100 if not given.

        cursor: `next_cursor` of the page before.
        """
        return self._list("GET", f"/v1/hand-over/{segment(staff_id)}", cursor=cursor, query={"limit": limit})

    def list_shared_leads(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Listing[models.SharedPage, models.SharedItem]:
        """Leads that others share with you.

        For a dealer. That they were listed is written down for each.

        Refusals: invalid_request.

        limit: Items per page; 100 if not given.

        cursor: `next_cursor` of the page before.
        """
        return self._list("GET", "/v1/shared-leads", cursor=cursor, query={"limit": limit})

    def list_share_reads(
        self,
        lead_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Listing[models.ShareReadsPage, models.ShareReadShown]:
        """Who read a shared lead.

        For the dealer that holds it, and headquarters.

        Refusals: invalid_request.

        limit: Items per page; 100 if not given.

        cursor: `next_cursor` of the page before.
        """
        return self._list("GET", f"/v1/leads/{segment(lead_id)}/share-reads", cursor=cursor, query={"limit": limit})

    async def lead_figures(
        self,
        *,
        dealer: str | None = None,
        since: datetime | str | None = None,
        until: datetime | str | None = None,
    ) -> models.FiguresShown:
        """Leads in figures.

        By state, grade, source and dealer; overdue, conversion, and the median time to the first contact.

        Refusals: invalid_request.

        dealer: For headquarters; a dealer sees its own.

        since: Captured at this time or later.

        until: Captured before this time.
        """
        answer: models.FiguresShown = await self._read(
            "GET", "/v1/lead-figures", query={"dealer": dealer, "since": since, "until": until}
        )
        return answer

    async def import_leads(
        self,
        content: Content,
        *,
        media_type: Literal["application/x-ndjson", "text/csv"] = "application/x-ndjson",
        encoding: str | None = None,
        source: str,
        dry_run: bool | None = None,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.ImportAnswer:
        """Import a list of leads.

        NDJSON or CSV (UTF-8, with a header), also with `Content-Encoding: gzip`; up to a million rows, 64 KiB each.
        The events are those of single captures. A row is known by list and row id: the same file sent again, whole
        or after it broke off, doubles nothing. Rejected rows are given back with their reasons, to be corrected and
        sent again.

        Refusals: conflict, idempotency_in_flight, precondition_failed, invalid_request, idempotency_key_reused.

        source: Of the list; of every row that names none.

        dry_run: Say what would happen, and change nothing.
        """
        answer: models.ImportAnswer = await self._command(
            "POST",
            "/v1/leads:import",
            key,
            if_match,
            query={"source": source, "dry_run": dry_run},
            content=content,
            headers=content_headers(media_type, encoding),
        )
        return answer

    async def read_import(
        self,
        import_id: str,
    ) -> models.ImportShown:
        """Read an import.

        One that has not moved for a minute counts as interrupted: its process is gone, or the rest never came.

        Refusals: invalid_request.
        """
        answer: models.ImportShown = await self._read("GET", f"/v1/imports/{segment(import_id)}")
        return answer

    def list_import_results(
        self,
        import_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Listing[models.ResultsPage, models.ResultShown]:
        """List the results of an import.

        A result per row: `created` or `known` with the lead, or `rejected` with reasons.

        Refusals: invalid_request.

        limit: Items per page; 100 if not given.

        cursor: `next_cursor` of the page before.
        """
        return self._list("GET", f"/v1/imports/{segment(import_id)}/results", cursor=cursor, query={"limit": limit})

    async def read_import_rejects(
        self,
        import_id: str,
        *,
        accept: Literal["application/x-ndjson", "text/csv"] = "application/x-ndjson",
    ) -> bytes:
        """Fetch the rejected rows.

        The rejected rows as they came, with `_reasons` as the last column or member, which an import ignores:
        correct the file and send it as it is. In CSV, cells that a spreadsheet would take for formulas have an
        apostrophe in front, which an import takes away again.

        Refusals: invalid_request.
        """
        reply = await self.send("GET", f"/v1/imports/{segment(import_id)}/rejects", headers={"Accept": accept})
        return reply.content

    async def export_leads(
        self,
        *,
        state: Literal["open", "lost", "recycled", "converted"] | None = None,
        grade: Literal["hot", "warm", "cold"] | None = None,
        dealer: str | None = None,
        source: str | None = None,
        owner: str | None = None,
        campaign: str | None = None,
        region: str | None = None,
        overdue: bool | None = None,
        pool: bool | None = None,
        unrouted: bool | None = None,
        unanswered: bool | None = None,
        feedback_overdue: bool | None = None,
        due_on: date | str | None = None,
    ) -> bytes:
        """Export leads.

        What the list shows under the same conditions, all of it. Name, phone and e-mail of the leads you hold
        yourself, of no others. A cell that a spreadsheet would take for a formula has an apostrophe in front.

        Refusals: invalid_request.

        dealer: For headquarters; a dealer sees its own.

        owner: Who works it.

        overdue: Whether the next action is overdue.

        pool: Whether it is in the pool.

        unrouted: Whether no dealer holds it; for headquarters.

        unanswered: Whether its dealer has yet to accept it.

        feedback_overdue: Whether its dealer owes a word on its status.

        due_on: Whose next action is due on this day, in the dealers' time.
        """
        reply = await self.send(
            "GET",
            "/v1/leads:export",
            query={
                "state": state,
                "grade": grade,
                "dealer": dealer,
                "source": source,
                "owner": owner,
                "campaign": campaign,
                "region": region,
                "overdue": overdue,
                "pool": pool,
                "unrouted": unrouted,
                "unanswered": unanswered,
                "feedback_overdue": feedback_overdue,
                "due_on": due_on,
            },
            headers={"Accept": "text/csv"},
        )
        return reply.content

    async def take_adf(
        self,
        content: Content,
        *,
        media_type: Literal[
            "application/xml", "text/xml", "application/x-adf+xml", "text/plain", "text/html", "message/rfc822"
        ] = "application/xml",
        encoding: str | None = None,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.IntakeAnswer:
        """Take an ADF document.

        Up to 100 prospects, each its own lead. A resend adds what is new and doubles nothing; what cannot be read
        waits in the quarantine. The document itself is kept until its time is up.

        Refusals: conflict, idempotency_in_flight, precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.IntakeAnswer = await self._command(
            "POST", "/v1/adf", key, if_match, content=content, headers=content_headers(media_type, encoding)
        )
        return answer

    def list_quarantine(
        self,
        *,
        state: Literal["open", "replayed", "discarded"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Listing[models.QuarantinePage, models.QuarantineListed]:
        """List the quarantine.

        What could not become a lead, and why.

        Refusals: invalid_request.

        limit: Items per page; 100 if not given.

        cursor: `next_cursor` of the page before.
        """
        return self._list("GET", "/v1/adf/quarantine", cursor=cursor, query={"state": state, "limit": limit})

    async def read_quarantined(
        self,
        quarantine_id: str,
    ) -> models.QuarantineShown:
        """Read a quarantined prospect.

        Refusals: invalid_request.
        """
        answer: models.QuarantineShown = await self._read("GET", f"/v1/adf/quarantine/{segment(quarantine_id)}")
        return answer

    async def replay_quarantined(
        self,
        quarantine_id: str,
        content: Content | None = None,
        *,
        media_type: Literal[
            "application/xml", "text/xml", "application/x-adf+xml", "text/plain", "text/html", "message/rfc822"
        ] = "application/xml",
        encoding: str | None = None,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.QuarantineAnswer:
        """Read a quarantined prospect again.

        With a corrected document as the body, that is read instead.

        Refusals: quarantine_closed, adf_still_unreadable, lead_closed, conflict, idempotency_in_flight,
        precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.QuarantineAnswer = await self._command(
            "POST",
            f"/v1/adf/quarantine/{segment(quarantine_id)}:replay",
            key,
            if_match,
            content=content,
            headers=content_headers(media_type, encoding),
        )
        return answer

    async def discard_quarantined(
        self,
        quarantine_id: str,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.QuarantineAnswer:
        """Discard a quarantined prospect.

        It leaves the list of what waits; its text is kept until its time is up.

        Refusals: quarantine_closed, conflict, idempotency_in_flight, precondition_failed, invalid_request,
        idempotency_key_reused.
        """
        answer: models.QuarantineAnswer = await self._command(
            "POST", f"/v1/adf/quarantine/{segment(quarantine_id)}:discard", key, if_match
        )
        return answer

    async def launch_campaign(
        self,
        body: models.LaunchRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.LaunchAnswer:
        """Launch a campaign.

        For headquarters. The same campaign again changes nothing. It closes by itself when its last day is over;
        one that is launched when that has passed is closed at once, and still takes results.

        Refusals: campaign_exists, conflict, idempotency_in_flight, precondition_failed, invalid_request,
        idempotency_key_reused.
        """
        answer: models.LaunchAnswer = await self._command("POST", "/v1/campaigns", key, if_match, json=body)
        return answer

    def list_campaigns(
        self,
        *,
        region: str | None = None,
        model: str | None = None,
        open: bool | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Listing[models.CampaignsPage, models.CampaignShown]:
        """List campaigns.

        What runs or ran where, for which models. Everybody sees every campaign.

        Refusals: invalid_request.

        model: Those for every model are shown too.

        limit: Items per page; 100 if not given.

        cursor: `next_cursor` of the page before.
        """
        return self._list(
            "GET",
            "/v1/campaigns",
            cursor=cursor,
            query={"region": region, "model": model, "open": open, "limit": limit},
        )

    async def close_campaign(
        self,
        code: str,
        body: models.CloseRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Close a campaign.

        For headquarters, before the last day is over. Results are still taken.

        Refusals: conflict, idempotency_in_flight, precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/campaigns/{segment(code)}:close", key, if_match, json=body
        )
        return answer

    async def report_campaign_result(
        self,
        code: str,
        body: models.ResultRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Report what came of a campaign.

        A dealer counts its own showroom, headquarters what nobody but it can count in a region: the two are added
        up. The same period again replaces its numbers; other periods must not overlap it.

        Refusals: region_not_in_campaign, before_campaign, period_overlaps, conflict, idempotency_in_flight,
        precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/campaigns/{segment(code)}/results", key, if_match, json=body
        )
        return answer

    async def read_campaign_results(
        self,
        code: str,
    ) -> models.ResultsShown:
        """What a campaign brought.

        Leads captured with its code, and what was reported of it. A dealer sees every region's sums, except one
        that would tell it another dealer's number, and of the dealers itself only; headquarters sees all.

        Refusals: invalid_request.
        """
        answer: models.ResultsShown = await self._read("GET", f"/v1/campaigns/{segment(code)}/results")
        return answer

    async def read_campaign(
        self,
        code: str,
    ) -> models.CampaignShown:
        """Read a campaign.

        Its plan, and whether it is over.

        Refusals: invalid_request.
        """
        answer: models.CampaignShown = await self._read("GET", f"/v1/campaigns/{segment(code)}")
        return answer

    async def rank_campaigns(
        self,
        *,
        region: str | None = None,
        model: str | None = None,
        limit: int | None = None,
    ) -> models.RankingShown:
        """Which campaigns work in a region.

        What each campaign cost and brought there: cheapest lead first, then those without a known cost, most leads
        first. It looks at the region's 200 campaigns that started last.

        Refusals: invalid_request.

        region: A dealer's own if not given.

        model: Campaigns for this model or for every model.
        """
        answer: models.RankingShown = await self._read(
            "GET", "/v1/campaign-results", query={"region": region, "model": model, "limit": limit}
        )
        return answer

    async def report_showroom_day(
        self,
        body: models.ShowroomDayRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Report a day of a showroom.

        How many came and how many asked. Other numbers for a day that was reported need a `reason`; both facts
        stay. Headquarters names the dealer.

        Refusals: conflict, idempotency_in_flight, precondition_failed, reason_required, invalid_request,
        idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command("POST", "/v1/showroom-days", key, if_match, json=body)
        return answer

    def list_showroom_days(
        self,
        *,
        from_: date | str | None = None,
        to: date | str | None = None,
        dealer: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Listing[models.ShowroomDaysPage, models.ShowroomDayShown]:
        """List showroom days.

        The numbers in force, and how often a day was restated.

        Refusals: invalid_request.

        from_: First day.

        to: Last day; it belongs to the list.

        dealer: For headquarters; a dealer sees its own.

        limit: Items per page; 100 if not given.

        cursor: `next_cursor` of the page before.
        """
        return self._list(
            "GET", "/v1/showroom-days", cursor=cursor, query={"from": from_, "to": to, "dealer": dealer, "limit": limit}
        )

    async def read_showroom_day(
        self,
        dealer: str,
        day: date | str,
    ) -> models.ShowroomDayShown:
        """Read a showroom day.

        What counts for the day now.

        Refusals: invalid_request.
        """
        answer: models.ShowroomDayShown = await self._read("GET", f"/v1/showroom-days/{segment(dealer)}/{segment(day)}")
        return answer

    async def list_showroom_day_events(
        self,
        dealer: str,
        day: date | str,
    ) -> models.EventsPage:
        """A showroom day's events.

        Every report of the day, with who restated it and why. All on one page.

        Refusals: invalid_request.
        """
        answer: models.EventsPage = await self._read(
            "GET", f"/v1/showroom-days/{segment(dealer)}/{segment(day)}/events"
        )
        return answer

    async def record_media_spend(
        self,
        body: models.SpendRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Record what was spent on a medium.

        For headquarters: one amount for a region, day, medium and campaign. Another amount replaces it.

        Refusals: conflict, idempotency_in_flight, precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command("POST", "/v1/media-spend", key, if_match, json=body)
        return answer

    def list_media_spend(
        self,
        *,
        region: str | None = None,
        campaign: str | None = None,
        from_: date | str | None = None,
        to: date | str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Listing[models.SpendPage, models.SpendShown]:
        """List media spend.

        The amounts in force, and how often one was corrected. Everybody sees what headquarters spends.

        Refusals: invalid_request.

        from_: First day.

        to: Last day; it belongs to the list.

        limit: Items per page; 100 if not given.

        cursor: `next_cursor` of the page before.
        """
        return self._list(
            "GET",
            "/v1/media-spend",
            cursor=cursor,
            query={"region": region, "campaign": campaign, "from": from_, "to": to, "limit": limit},
        )

    def read_media_effect(
        self,
        *,
        from_: date | str,
        to: date | str,
        region: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Listing[models.EffectPage, models.EffectShown]:
        """Spend beside what came of it.

        What was spent by medium, who came to the showrooms, who asked, and how many leads were captured.
        Headquarters sees every dealer's traffic; a dealer sees the spend and its own. Days without any of it have
        no row.

        Refusals: invalid_request.

        from_: First day.

        to: Last day; at most 92 days in all.

        limit: Items per page; 100 if not given.

        cursor: `next_cursor` of the page before.
        """
        return self._list(
            "GET", "/v1/media-effect", cursor=cursor, query={"from": from_, "to": to, "region": region, "limit": limit}
        )

    async def book_test_drive(
        self,
        body: models.BookRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.BookAnswer:
        """Book a test drive.

        For a lead you hold, in a demonstrator car of yours. A car cannot be booked twice.

        Refusals: car_booked, lead_closed, test_drive_in_the_past, conflict, idempotency_in_flight,
        precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.BookAnswer = await self._command("POST", "/v1/test-drives", key, if_match, json=body)
        return answer

    def list_test_drives(
        self,
        *,
        dealer: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        vin: str | None = None,
        lead: str | None = None,
        state: Literal["booked", "taken", "missed", "cancelled"] | None = None,
        day: date | str | None = None,
    ) -> Listing[models.DrivesPage, models.DriveListed]:
        """List test drives.

        A dealer's drives by car, lead, state and day. Pages stay right while drives are moved.

        Refusals: invalid_request.

        dealer: For headquarters; a dealer sees its own.

        limit: Items per page; 100 if not given.

        cursor: `next_cursor` of the page before.

        day: On which the drive starts, by the dealers' clock.
        """
        return self._list(
            "GET",
            "/v1/test-drives",
            cursor=cursor,
            query={"dealer": dealer, "limit": limit, "vin": vin, "lead": lead, "state": state, "day": day},
        )

    async def reschedule_test_drive(
        self,
        test_drive_id: str,
        body: models.RescheduleRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Move a test drive.

        In the same car; its old time is free again.

        Refusals: car_booked, test_drive_closed, test_drive_in_the_past, conflict, idempotency_in_flight,
        precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/test-drives/{segment(test_drive_id)}:reschedule", key, if_match, json=body
        )
        return answer

    async def cancel_test_drive(
        self,
        test_drive_id: str,
        body: models.CancelRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Cancel a test drive.

        The car is free again.

        Refusals: test_drive_closed, conflict, idempotency_in_flight, precondition_failed, invalid_request,
        idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/test-drives/{segment(test_drive_id)}:cancel", key, if_match, json=body
        )
        return answer

    async def complete_test_drive(
        self,
        test_drive_id: str,
        body: models.CompleteDriveRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Report a test drive as taken.

        With the feedback form. The lead is told, and its score may change. The comment is personal data.

        Refusals: test_drive_closed, test_drive_not_begun, conflict, idempotency_in_flight, precondition_failed,
        invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/test-drives/{segment(test_drive_id)}:complete", key, if_match, json=body
        )
        return answer

    async def miss_test_drive(
        self,
        test_drive_id: str,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Report a test drive as missed.

        The party rang off late or did not come. Without a word, that is recorded some time after the drive's end.

        Refusals: test_drive_closed, conflict, idempotency_in_flight, precondition_failed, invalid_request,
        idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/test-drives/{segment(test_drive_id)}:miss", key, if_match
        )
        return answer

    async def read_test_drive(
        self,
        test_drive_id: str,
    ) -> models.DriveShown:
        """Read a test drive.

        The facts as of the last event, and the comment, which is personal data.

        Refusals: invalid_request.
        """
        answer: models.DriveShown = await self._read("GET", f"/v1/test-drives/{segment(test_drive_id)}")
        return answer

    async def read_calendar(
        self,
        vin: str,
        *,
        date: date | str | None = None,
    ) -> models.CalendarShown:
        """What is free of a demonstrator car.

        A drive may start on any free slot and take as many as are free after it.

        Refusals: invalid_request.

        date: Today, if not given, by the dealers' clock.
        """
        answer: models.CalendarShown = await self._read(
            "GET", f"/v1/demonstrators/{segment(vin)}/calendar", query={"date": date}
        )
        return answer

    async def open_group_buy(
        self,
        body: models.OpenRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.OpenAnswer:
        """Open a group buy.

        For your own leads; opened by headquarters, for every dealer's. It closes by itself at `closes_at`.

        Refusals: group_buy_closes_in_the_past, conflict, idempotency_in_flight, precondition_failed,
        invalid_request, idempotency_key_reused.
        """
        answer: models.OpenAnswer = await self._command("POST", "/v1/group-buys", key, if_match, json=body)
        return answer

    def list_group_buys(
        self,
        *,
        open: bool | None = None,
        model: str | None = None,
        dealer: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Listing[models.GroupsPage, models.GroupListed]:
        """List group buys.

        Your own and the network's. Pages stay right while others join.

        Refusals: invalid_request.

        open: Only those that can still be joined.

        dealer: Only those of one dealer.

        limit: Items per page; 100 if not given.

        cursor: `next_cursor` of the page before.
        """
        return self._list(
            "GET",
            "/v1/group-buys",
            cursor=cursor,
            query={"open": open, "model": model, "dealer": dealer, "limit": limit},
        )

    async def join_group_buy(
        self,
        group_buy_id: str,
        body: models.MemberRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Join with a lead.

        One place per party: joining again, with whichever of its leads, changes nothing. The lead is told.

        Refusals: group_buy_full, group_buy_closed, lead_closed, conflict, idempotency_in_flight,
        precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/group-buys/{segment(group_buy_id)}:join", key, if_match, json=body
        )
        return answer

    async def leave_group_buy(
        self,
        group_buy_id: str,
        body: models.MemberRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Leave again.

        While it is open; the place is free for another.

        Refusals: group_buy_closed, conflict, idempotency_in_flight, precondition_failed, invalid_request,
        idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/group-buys/{segment(group_buy_id)}:leave", key, if_match, json=body
        )
        return answer

    async def close_group_buy(
        self,
        group_buy_id: str,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Close before its time.

        With the outcome as it stands: reached or missed. By who opened it; the network's is headquarters' to close.

        Refusals: group_buy_closed, conflict, idempotency_in_flight, precondition_failed, invalid_request,
        idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/group-buys/{segment(group_buy_id)}:close", key, if_match
        )
        return answer

    async def cancel_group_buy(
        self,
        group_buy_id: str,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Call a group buy off.

        Whatever was reached. By who opened it; the network's is headquarters' to call off.

        Refusals: group_buy_closed, conflict, idempotency_in_flight, precondition_failed, invalid_request,
        idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/group-buys/{segment(group_buy_id)}:cancel", key, if_match
        )
        return answer

    async def read_group_buy(
        self,
        group_buy_id: str,
    ) -> models.GroupShown:
        """Read a group buy.

        How many have joined, and which of your leads. Of others' members only the number is told.

        Refusals: invalid_request.
        """
        answer: models.GroupShown = await self._read("GET", f"/v1/group-buys/{segment(group_buy_id)}")
        return answer

    def list_group_buy_members(
        self,
        group_buy_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Listing[models.MembersPage, models.MemberShown]:
        """List your members of a group buy.

        Those whose leads you hold; headquarters sees all.

        Refusals: invalid_request.

        limit: Items per page; 100 if not given.

        cursor: `next_cursor` of the page before.
        """
        return self._list(
            "GET", f"/v1/group-buys/{segment(group_buy_id)}/members", cursor=cursor, query={"limit": limit}
        )
