"""Roadbook: sales: written by `make contracts` from contracts/openapi/sales.json."""

from __future__ import annotations

from datetime import date, datetime
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

    async def issue_quote(
        self,
        body: models.QuoteRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.QuoteAnswer:
        """Issue a quote.

        For an open opportunity. The total is the sum of the lines.

        Refusals: opportunity_closed, quote_without_vehicle, quote_amounts, quote_in_the_past, conflict,
        idempotency_in_flight, precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.QuoteAnswer = await self._command("POST", "/v1/quotes", key, if_match, json=body)
        return answer

    def list_quotes(
        self,
        *,
        state: Literal["issued", "accepted", "expired", "withdrawn"] | None = None,
        staff: str | None = None,
        opportunity: str | None = None,
        dealer: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Listing[models.QuotesPage, models.QuoteListItem]:
        """List quotes.

        A dealer's quotes; every condition narrows it.

        Refusals: invalid_request.

        dealer: For headquarters; a dealer sees its own.

        limit: Items per page; 100 if not given.

        cursor: `next_cursor` of the page before.
        """
        return self._list(
            "GET",
            "/v1/quotes",
            cursor=cursor,
            query={"state": state, "staff": staff, "opportunity": opportunity, "dealer": dealer, "limit": limit},
        )

    async def accept_quote(
        self,
        quote_id: str,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Accept a quote.

        The party takes it. An opportunity has one accepted quote: withdraw that one first.

        Refusals: quote_expired, quote_closed, opportunity_has_quote, conflict, idempotency_in_flight,
        precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/quotes/{segment(quote_id)}:accept", key, if_match
        )
        return answer

    async def withdraw_quote(
        self,
        quote_id: str,
        body: models.WithdrawRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Withdraw a quote.

        An accepted one too, unless a contract stands on it.

        Refusals: quote_expired, quote_closed, quote_signed, conflict, idempotency_in_flight, precondition_failed,
        invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/quotes/{segment(quote_id)}:withdraw", key, if_match, json=body
        )
        return answer

    async def read_quote(
        self,
        quote_id: str,
    ) -> models.QuoteShown:
        """Read a quote.

        The facts as of the last event.

        Refusals: invalid_request.
        """
        answer: models.QuoteShown = await self._read("GET", f"/v1/quotes/{segment(quote_id)}")
        return answer

    def list_quote_events(
        self,
        quote_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Listing[models.EventsPage, models.EventShown]:
        """A quote's events.

        Every fact: what, when, by whom, and what caused it.

        Refusals: invalid_request.

        limit: Items per page; 100 if not given.

        cursor: `next_cursor` of the page before.
        """
        return self._list("GET", f"/v1/quotes/{segment(quote_id)}/events", cursor=cursor, query={"limit": limit})

    async def sign_contract(
        self,
        body: models.SignRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.SignAnswer:
        """Sign a contract.

        For an open opportunity, on a quote of it that was accepted if one is named. The opportunity is won by it.

        Refusals: opportunity_closed, opportunity_has_contract, quote_not_accepted, tender_number,
        model_not_eligible, conflict, idempotency_in_flight, precondition_failed, invalid_request,
        idempotency_key_reused.
        """
        answer: models.SignAnswer = await self._command("POST", "/v1/contracts", key, if_match, json=body)
        return answer

    def list_contracts(
        self,
        *,
        state: Literal["signed", "cancelled"] | None = None,
        staff: str | None = None,
        tender: str | None = None,
        opportunity: str | None = None,
        dealer: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Listing[models.ContractsPage, models.ContractListItem]:
        """List contracts.

        A dealer's contracts; every condition narrows it.

        Refusals: invalid_request.

        dealer: For headquarters; a dealer sees its own.

        limit: Items per page; 100 if not given.

        cursor: `next_cursor` of the page before.
        """
        return self._list(
            "GET",
            "/v1/contracts",
            cursor=cursor,
            query={
                "state": state,
                "staff": staff,
                "tender": tender,
                "opportunity": opportunity,
                "dealer": dealer,
                "limit": limit,
            },
        )

    async def amend_contract(
        self,
        contract_id: str,
        body: models.AmendRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Amend a contract.

        A new version of the document. A line keeps at least as many vehicles as orders stand on it.

        Refusals: contract_cancelled, contract_lines, contract_line_unknown, contract_line_ordered,
        document_unchanged, model_not_eligible, conflict, idempotency_in_flight, precondition_failed,
        invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/contracts/{segment(contract_id)}:amend", key, if_match, json=body
        )
        return answer

    async def cancel_contract(
        self,
        contract_id: str,
        body: models.CancelContractRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Cancel a contract.

        Its orders go with it, their vehicles are free again, and the opportunity is open again. Not once a vehicle
        was delivered under it.

        Refusals: contract_delivered, conflict, idempotency_in_flight, precondition_failed, invalid_request,
        idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/contracts/{segment(contract_id)}:cancel", key, if_match, json=body
        )
        return answer

    async def read_contract(
        self,
        contract_id: str,
    ) -> models.ContractShown:
        """Read a contract.

        The facts as of the last event.

        Refusals: invalid_request.
        """
        answer: models.ContractShown = await self._read("GET", f"/v1/contracts/{segment(contract_id)}")
        return answer

    def list_contract_events(
        self,
        contract_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Listing[models.EventsPage, models.EventShown]:
        """A contract's events.

        Every fact: what, when, by whom, and what caused it. Each version of the document is one.

        Refusals: invalid_request.

        limit: Items per page; 100 if not given.

        cursor: `next_cursor` of the page before.
        """
        return self._list("GET", f"/v1/contracts/{segment(contract_id)}/events", cursor=cursor, query={"limit": limit})

    async def receive_deposit(
        self,
        contract_id: str,
        body: models.DepositRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Record a deposit.

        Under the number of its receipt.

        Refusals: receipt_exists, contract_cancelled, currency_differs, conflict, idempotency_in_flight,
        precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/contracts/{segment(contract_id)}:receive-deposit", key, if_match, json=body
        )
        return answer

    async def refund_deposit(
        self,
        contract_id: str,
        body: models.DepositRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Record that a deposit was given back.

        All of it or a part, once, under the receipt by which it came; of a cancelled contract too.

        Refusals: receipt_unknown, receipt_refunded, refund_exceeds_deposit, currency_differs, conflict,
        idempotency_in_flight, precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/contracts/{segment(contract_id)}:refund-deposit", key, if_match, json=body
        )
        return answer

    async def apply_for_finance(
        self,
        contract_id: str,
        body: models.ApplyForFinanceRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Record an application for finance.

        At a provider, for at most what the contract is worth.

        Refusals: finance_application_exists, finance_exceeds_total, contract_cancelled, currency_differs, conflict,
        idempotency_in_flight, precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/contracts/{segment(contract_id)}:apply-for-finance", key, if_match, json=body
        )
        return answer

    async def approve_finance(
        self,
        contract_id: str,
        body: models.ApproveFinanceRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Record that finance was approved.

        By the provider.

        Refusals: finance_application_unknown, finance_decided, conflict, idempotency_in_flight,
        precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/contracts/{segment(contract_id)}:approve-finance", key, if_match, json=body
        )
        return answer

    async def decline_finance(
        self,
        contract_id: str,
        body: models.DeclineFinanceRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Record that finance was declined.

        By the provider. Another application may follow; if none does, the contract is cancelled by hand.

        Refusals: finance_application_unknown, finance_decided, conflict, idempotency_in_flight,
        precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/contracts/{segment(contract_id)}:decline-finance", key, if_match, json=body
        )
        return answer

    async def place_order(
        self,
        body: models.PlaceRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.PlaceAnswer:
        """Place an order.

        On a line of a contract, which takes as many orders as it has vehicles.

        Refusals: contract_cancelled, contract_line_full, promised_in_the_past, conflict, idempotency_in_flight,
        precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.PlaceAnswer = await self._command("POST", "/v1/orders", key, if_match, json=body)
        return answer

    def list_orders(
        self,
        *,
        state: Literal["placed", "allocated", "delayed", "cancelled", "delivered"] | None = None,
        staff: str | None = None,
        model: str | None = None,
        vin: str | None = None,
        contract: str | None = None,
        dealer: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Listing[models.OrdersPage, models.OrderListed]:
        """List orders.

        A dealer's orders; every condition narrows it.

        Refusals: invalid_request.

        dealer: For headquarters; a dealer sees its own.

        limit: Items per page; 100 if not given.

        cursor: `next_cursor` of the page before.
        """
        return self._list(
            "GET",
            "/v1/orders",
            cursor=cursor,
            query={
                "state": state,
                "staff": staff,
                "model": model,
                "vin": vin,
                "contract": contract,
                "dealer": dealer,
                "limit": limit,
            },
        )

    async def prioritise_order(
        self,
        order_id: str,
        body: models.PrioritiseRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Prefer an order in the allocation.

        For a reason of the rules. Who did it and why stays with the order for ever.

        Refusals: order_closed, priority_reason_unknown, conflict, idempotency_in_flight, precondition_failed,
        invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/orders/{segment(order_id)}:prioritise", key, if_match, json=body
        )
        return answer

    async def delay_order(
        self,
        order_id: str,
        body: models.DelayRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Promise a later day.

        Than the one that was promised.

        Refusals: order_closed, delay_not_later, conflict, idempotency_in_flight, precondition_failed,
        invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/orders/{segment(order_id)}:delay", key, if_match, json=body
        )
        return answer

    async def cancel_order(
        self,
        order_id: str,
        body: models.CancelOrderRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Cancel an order.

        Until it is delivered. Its vehicle is free again, its line takes another order, and when it was the last one
        under its contract the opportunity is open again.

        Refusals: order_closed, conflict, idempotency_in_flight, precondition_failed, invalid_request,
        idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/orders/{segment(order_id)}:cancel", key, if_match, json=body
        )
        return answer

    async def arrange_insurance(
        self,
        order_id: str,
        body: models.InsureRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Record an insurance arranged through a partner.

        Before the delivery or after it; a renewal is another one.

        Refusals: order_closed, insurance_over, conflict, idempotency_in_flight, precondition_failed,
        invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/orders/{segment(order_id)}:arrange-insurance", key, if_match, json=body
        )
        return answer

    async def read_order(
        self,
        order_id: str,
    ) -> models.OrderShown:
        """Read an order.

        The facts as of the last event.

        Refusals: invalid_request.
        """
        answer: models.OrderShown = await self._read("GET", f"/v1/orders/{segment(order_id)}")
        return answer

    def list_order_events(
        self,
        order_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Listing[models.EventsPage, models.EventShown]:
        """An order's events.

        Every fact: what, when, by whom, and what caused it. Why an order was preferred is among them.

        Refusals: invalid_request.

        limit: Items per page; 100 if not given.

        cursor: `next_cursor` of the page before.
        """
        return self._list("GET", f"/v1/orders/{segment(order_id)}/events", cursor=cursor, query={"limit": limit})

    async def read_order_timeline(
        self,
        order_id: str,
    ) -> models.TimelineShown:
        """How an order comes along.

        From the signature to the delivery, without what is the dealer's own: who did it, priorities, reasons.

        Refusals: invalid_request.
        """
        answer: models.TimelineShown = await self._read("GET", f"/v1/orders/{segment(order_id)}/timeline")
        return answer

    async def allocate_vehicle(
        self,
        order_id: str,
        body: models.AllocateRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Give an order its vehicle.

        A vehicle is one order's, until that one gives it back or the vehicle comes back to a dealer's stock.

        Refusals: order_closed, order_has_vehicle, vehicle_taken, conflict, idempotency_in_flight,
        precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/orders/{segment(order_id)}:allocate", key, if_match, json=body
        )
        return answer

    async def deallocate_vehicle(
        self,
        order_id: str,
        body: models.DeallocateRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Take an order's vehicle away.

        The order waits for another one.

        Refusals: order_closed, conflict, idempotency_in_flight, precondition_failed, invalid_request,
        idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/orders/{segment(order_id)}:deallocate", key, if_match, json=body
        )
        return answer

    async def deliver_vehicle(
        self,
        order_id: str,
        body: models.DeliverRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Hand the vehicle over.

        The party owns it from now on.

        Refusals: order_closed, order_without_vehicle, contract_cancelled, conflict, idempotency_in_flight,
        precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/orders/{segment(order_id)}:deliver", key, if_match, json=body
        )
        return answer

    def list_allocation_queue(
        self,
        *,
        model: str | None = None,
        dealer: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Listing[models.OrdersPage, models.OrderListed]:
        """Who waits for a vehicle.

        Orders without a vehicle: by priority, then by age.

        Refusals: invalid_request.

        dealer: For headquarters; a dealer sees its own.

        limit: Items per page; 100 if not given.

        cursor: `next_cursor` of the page before.
        """
        return self._list(
            "GET", "/v1/allocation-queue", cursor=cursor, query={"model": model, "dealer": dealer, "limit": limit}
        )

    async def sell_used_vehicle(
        self,
        vin: str,
        body: models.SellUsedRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.TransferAnswer:
        """Sell a used vehicle.

        Out of the dealer's stock, without contract and order. The buyer owns it from now on.

        Refusals: vehicle_not_in_stock, ownership_not_later, conflict, idempotency_in_flight, precondition_failed,
        invalid_request, idempotency_key_reused.
        """
        answer: models.TransferAnswer = await self._command(
            "POST", f"/v1/vehicles/{segment(vin)}:sell-used", key, if_match, json=body
        )
        return answer

    async def record_transfer(
        self,
        vin: str,
        body: models.TransferRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.TransferAnswer:
        """Record that a vehicle changed hands.

        Between people, without the dealer selling it; or a correction of who owns it.

        Refusals: ownership_not_later, conflict, idempotency_in_flight, precondition_failed, invalid_request,
        idempotency_key_reused.
        """
        answer: models.TransferAnswer = await self._command(
            "POST", f"/v1/vehicles/{segment(vin)}:record-transfer", key, if_match, json=body
        )
        return answer

    async def read_vehicle(
        self,
        vin: str,
    ) -> models.VehicleShown:
        """Read who owned a vehicle.

        Owners in time, by their references. A dealer sees those to whom the vehicle came by its own doing, as if
        there were no others.

        Refusals: invalid_request.
        """
        answer: models.VehicleShown = await self._read("GET", f"/v1/vehicles/{segment(vin)}")
        return answer

    async def appraise_trade_in(
        self,
        body: models.AppraiseRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.AppraiseAnswer:
        """Appraise a vehicle for a trade-in.

        What the old vehicle is worth to the dealer, and until when that holds. Another appraisal is another
        trade-in.

        Refusals: appraisal_in_the_past, conflict, idempotency_in_flight, precondition_failed, invalid_request,
        idempotency_key_reused.
        """
        answer: models.AppraiseAnswer = await self._command("POST", "/v1/trade-ins", key, if_match, json=body)
        return answer

    def list_trade_ins(
        self,
        *,
        state: Literal["appraised", "agreed", "received", "declined"] | None = None,
        vin: str | None = None,
        party_ref: str | None = None,
        order: str | None = None,
        dealer: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Listing[models.TradeInsPage, models.TradeInListed]:
        """List trade-ins.

        A dealer's trade-ins: which old vehicle went towards which order. Pages stay right while they change.

        Refusals: invalid_request.

        order: The id of the new vehicle's order.

        dealer: For headquarters; a dealer sees its own.

        limit: Items per page; 100 if not given.

        cursor: `next_cursor` of the page before.
        """
        return self._list(
            "GET",
            "/v1/trade-ins",
            cursor=cursor,
            query={
                "state": state,
                "vin": vin,
                "party_ref": party_ref,
                "order": order,
                "dealer": dealer,
                "limit": limit,
            },
        )

    async def agree_trade_in(
        self,
        trade_in_id: str,
        body: models.AgreeRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Agree on a trade-in.

        For an amount, while the appraisal holds; the order of the new vehicle may be named, or named anew, until
        the old one is handed over.

        Refusals: appraisal_expired, trade_in_closed, conflict, idempotency_in_flight, precondition_failed,
        invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/trade-ins/{segment(trade_in_id)}:agree", key, if_match, json=body
        )
        return answer

    async def receive_trade_in(
        self,
        trade_in_id: str,
        body: models.ReceiveRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Receive the old vehicle.

        It stands at the dealer: from now on it is the dealer's, and the vehicle's owners in time say so.

        Refusals: trade_in_not_agreed, trade_in_closed, odometer_backwards, conflict, idempotency_in_flight,
        precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/trade-ins/{segment(trade_in_id)}:receive", key, if_match, json=body
        )
        return answer

    async def decline_trade_in(
        self,
        trade_in_id: str,
        body: models.DeclineRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Decline a trade-in.

        By either side, until the vehicle is handed over.

        Refusals: trade_in_closed, conflict, idempotency_in_flight, precondition_failed, invalid_request,
        idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/trade-ins/{segment(trade_in_id)}:decline", key, if_match, json=body
        )
        return answer

    async def read_trade_in(
        self,
        trade_in_id: str,
    ) -> models.TradeInShown:
        """Read a trade-in.

        The facts as of the last event.

        Refusals: invalid_request.
        """
        answer: models.TradeInShown = await self._read("GET", f"/v1/trade-ins/{segment(trade_in_id)}")
        return answer

    def list_trade_in_events(
        self,
        trade_in_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Listing[models.EventsPage, models.EventShown]:
        """A trade-in's events.

        Every fact: what, when, by whom, and what caused it.

        Refusals: invalid_request.

        limit: Items per page; 100 if not given.

        cursor: `next_cursor` of the page before.
        """
        return self._list("GET", f"/v1/trade-ins/{segment(trade_in_id)}/events", cursor=cursor, query={"limit": limit})

    async def sell_accessories(
        self,
        body: models.SellRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.SellAnswer:
        """Sell accessories.

        With a vehicle's order, or on their own. The commission follows.

        Refusals: conflict, idempotency_in_flight, precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.SellAnswer = await self._command("POST", "/v1/accessory-sales", key, if_match, json=body)
        return answer

    def list_accessory_sales(
        self,
        *,
        state: Literal["sold", "returned"] | None = None,
        vin: str | None = None,
        party_ref: str | None = None,
        order: str | None = None,
        staff: str | None = None,
        dealer: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Listing[models.AccessorySalesPage, models.AccessorySaleListed]:
        """List accessory sales.

        A dealer's sales; every condition narrows it. Pages stay right while they change.

        Refusals: invalid_request.

        order: The id of the vehicle's order.

        dealer: For headquarters; a dealer sees its own.

        limit: Items per page; 100 if not given.

        cursor: `next_cursor` of the page before.
        """
        return self._list(
            "GET",
            "/v1/accessory-sales",
            cursor=cursor,
            query={
                "state": state,
                "vin": vin,
                "party_ref": party_ref,
                "order": order,
                "staff": staff,
                "dealer": dealer,
                "limit": limit,
            },
        )

    async def return_accessories(
        self,
        accessory_sale_id: str,
        body: models.ReturnRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Take accessories back.

        All of the sale: what is kept is sold again. The commission is taken back.

        Refusals: conflict, idempotency_in_flight, precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/accessory-sales/{segment(accessory_sale_id)}:return", key, if_match, json=body
        )
        return answer

    async def read_accessory_sale(
        self,
        accessory_sale_id: str,
    ) -> models.AccessorySaleShown:
        """Read an accessory sale.

        The facts as of the last event.

        Refusals: invalid_request.
        """
        answer: models.AccessorySaleShown = await self._read("GET", f"/v1/accessory-sales/{segment(accessory_sale_id)}")
        return answer

    def list_accessory_sale_events(
        self,
        accessory_sale_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Listing[models.EventsPage, models.EventShown]:
        """An accessory sale's events.

        Every fact: what, when, by whom, and what caused it.

        Refusals: invalid_request.

        limit: Items per page; 100 if not given.

        cursor: `next_cursor` of the page before.
        """
        return self._list(
            "GET", f"/v1/accessory-sales/{segment(accessory_sale_id)}/events", cursor=cursor, query={"limit": limit}
        )

    async def settle_commission(
        self,
        staff_id: str,
        body: models.SettleRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Settle a month's commission.

        All that is open of the time before the end of the month, a settlement for each currency. What was paid and
        came back since is taken off.

        Refusals: period_not_over, conflict, idempotency_in_flight, precondition_failed, invalid_request,
        idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command(
            "POST", f"/v1/commissions/{segment(staff_id)}:settle", key, if_match, json=body
        )
        return answer

    def list_commission_accounts(
        self,
        *,
        dealer: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Listing[models.AccountsPage, models.AccountListed]:
        """List commission accounts.

        The figures of each account since its beginning.

        Refusals: invalid_request.

        dealer: For headquarters; a dealer sees its own.

        limit: Items per page; 100 if not given.

        cursor: `next_cursor` of the page before.
        """
        return self._list("GET", "/v1/commissions", cursor=cursor, query={"dealer": dealer, "limit": limit})

    async def read_commission_statement(
        self,
        staff_id: str,
        period: str,
    ) -> models.StatementShown:
        """Read a commission statement.

        One of the staff's month: add the receipts, get the figures. A dealer sees what was earned with it.

        Refusals: invalid_request.
        """
        answer: models.StatementShown = await self._read(
            "GET", f"/v1/commissions/{segment(staff_id)}/statements/{segment(period)}"
        )
        return answer

    async def set_sales_target(
        self,
        body: models.TargetRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Set a sales target.

        For a month of the dealer, or of one of its staff. Another target replaces the one before.

        Refusals: conflict, idempotency_in_flight, precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command("POST", "/v1/sales-targets", key, if_match, json=body)
        return answer

    async def read_sales_targets(
        self,
        dealer: str,
        period: str,
    ) -> models.TargetsShown:
        """Read sales targets and what was reached of them.

        The dealer's and each of its staff's, beside what was delivered in the month by now.

        Refusals: invalid_request.
        """
        answer: models.TargetsShown = await self._read("GET", f"/v1/sales-targets/{segment(dealer)}/{segment(period)}")
        return answer

    async def read_pipeline(
        self,
        *,
        as_of: datetime | str | None = None,
        period: str | None = None,
        dealer: str | None = None,
    ) -> models.PipelineShown:
        """The weighted pipeline.

        Each vehicle that is on its way to a delivery, once, where it is furthest, by the weight of its stage. With
        a month: what is expected in it, and what was delivered in it in full, which is its forecast.

        Refusals: invalid_request.

        as_of: As of then, by business time; now, if not given.

        period: A month.

        dealer: For headquarters; a dealer sees its own.
        """
        answer: models.PipelineShown = await self._read(
            "GET", "/v1/pipeline", query={"as_of": as_of, "period": period, "dealer": dealer}
        )
        return answer

    async def publish_forecast(
        self,
        body: models.PublishRequest,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
    ) -> models.CommandAnswer:
        """Publish a forecast.

        Of a dealer's month: its weighted pipeline as of a moment. It stays, to be measured against what came.

        Refusals: conflict, idempotency_in_flight, precondition_failed, invalid_request, idempotency_key_reused.
        """
        answer: models.CommandAnswer = await self._command("POST", "/v1/forecasts", key, if_match, json=body)
        return answer

    def list_forecasts(
        self,
        *,
        period: str | None = None,
        dealer: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Listing[models.ForecastsPage, models.ForecastListed]:
        """List published forecasts.

        What was submitted, by dealer and month.

        Refusals: invalid_request.

        period: A month.

        dealer: For headquarters; a dealer sees its own.

        limit: Items per page; 100 if not given.

        cursor: `next_cursor` of the page before.
        """
        return self._list(
            "GET", "/v1/forecasts", cursor=cursor, query={"period": period, "dealer": dealer, "limit": limit}
        )

    async def read_back_test(
        self,
        dealer: str,
        period: str,
    ) -> models.BackTestShown:
        """How right the forecasts of a month were.

        `final` when the month is over; before that it is measured against what was delivered by now.

        Refusals: invalid_request.
        """
        answer: models.BackTestShown = await self._read(
            "GET", f"/v1/forecasts/{segment(dealer)}/{segment(period)}/back-test"
        )
        return answer

    def list_sales_reports(
        self,
        period: str,
        *,
        dealer: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Listing[models.ReportsPage, models.ReportShown]:
        """The channel report of a month.

        What each dealer submitted (target, forecasts) and did: deliveries, and what came of each source.
        Headquarters also sees who submitted nothing; a dealer sees itself.

        Refusals: invalid_request.

        dealer: For headquarters; a dealer sees its own.

        limit: Items per page; 100 if not given.

        cursor: `next_cursor` of the page before.
        """
        return self._list(
            "GET", f"/v1/sales-reports/{segment(period)}", cursor=cursor, query={"dealer": dealer, "limit": limit}
        )

    async def read_staff_sales(
        self,
        staff_id: str,
        *,
        from_: date | str,
        to: date | str,
    ) -> models.StaffSalesShown:
        """What a person sold.

        Exactly: every vehicle that was handed over in the time, and the sums of these.

        Refusals: invalid_request.

        from_: First day, by the dealers' clock.

        to: Last day; it belongs to it.
        """
        answer: models.StaffSalesShown = await self._read(
            "GET", f"/v1/staff/{segment(staff_id)}/sales", query={"from": from_, "to": to}
        )
        return answer

    def list_staff_customers(
        self,
        staff_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Listing[models.CustomersPage, models.CustomerListed]:
        """A person's customers.

        Whom the person sold to or means to. Who they are is in the record.

        Refusals: invalid_request.

        limit: Items per page; 100 if not given.

        cursor: `next_cursor` of the page before.
        """
        return self._list("GET", f"/v1/staff/{segment(staff_id)}/customers", cursor=cursor, query={"limit": limit})

    async def read_attach_rate(
        self,
        *,
        from_: date | str,
        to: date | str,
        dealer: str | None = None,
    ) -> models.AttachShown:
        """What was sold along with vehicles.

        Of the vehicles delivered in the time: how many with insurance, accessories, a trade-in, and how many were
        not the party's first from us.

        Refusals: invalid_request.

        dealer: For headquarters; a dealer sees its own.

        from_: First day, by the dealers' clock.

        to: Last day; it belongs to it.
        """
        answer: models.AttachShown = await self._read(
            "GET", "/v1/attach-rate", query={"dealer": dealer, "from": from_, "to": to}
        )
        return answer

    def list_insurance_expiries(
        self,
        *,
        from_: date | str,
        to: date | str,
        dealer: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Listing[models.ExpiringPage, models.ExpiringListed]:
        """Insurances that end.

        On these days: whom to remind.

        Refusals: invalid_request.

        dealer: For headquarters; a dealer sees its own.

        limit: Items per page; 100 if not given.

        cursor: `next_cursor` of the page before.

        from_: First day, by the dealers' clock.

        to: Last day; it belongs to it.
        """
        return self._list(
            "GET",
            "/v1/insurance-expiries",
            cursor=cursor,
            query={"dealer": dealer, "limit": limit, "from": from_, "to": to},
        )
