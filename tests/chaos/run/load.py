"""The load: many small stories over all services, paced to a rate, each step an operation of the ledger."""

import asyncio
import hashlib
import json
import random
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from run.client import Client, Command, Said
from run.known import DEALERS, DEMONSTRATORS, MODELS, PRICE, Known, Lead, Thing

EASE = 1500  # events
SLOT = timedelta(minutes=30)  # of a demonstrator's calendar
TRICKLE = 4.0  # seconds that a caller who eases waits at most: a fault must meet some load


def after(days: float = 0, seconds: float = 0) -> str:
    return (datetime.now(UTC) + timedelta(days=days, seconds=seconds)).isoformat(timespec="seconds")


class Load:
    """`rate` is commands a second at most; `callers` how many stories are told at once. `lag`: how many events wait to
    be read; above `EASE` the load eases to a trickle, or a slow machine would still be reading an hour later."""

    def __init__(self, client: Client, seed: int, rate: float, lag: Callable[[], int], callers: int = 32) -> None:
        self.client, self.rate, self.callers, self.lag = client, rate, callers, lag
        self.eased = 0.0  # seconds of callers
        self.known = Known(random.Random(f"load-{seed}"))
        self.random = random.Random(f"stories-{seed}")
        self.ending = asyncio.Event()
        self._next = time.monotonic()
        self._stories: list[tuple[int, Callable[[], Awaitable[None]]]] = [
            (30, self.worked), (14, self.routed), (22, self.sold), (26, self.linked), (10, self.party),
            (4, self.stewarded), (3, self.listed), (5, self.driven), (4, self.traded),
        ]  # fmt: skip

    async def run(self) -> None:
        """Until `ending` is set, then until every story's last operation is definite."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self.callers):
                group.create_task(self._caller())

    async def _caller(self) -> None:
        weights = [weight for weight, _ in self._stories]
        while not self.ending.is_set():
            ((_, story),) = self.random.choices(self._stories, weights)
            try:
                await story()
            except Over:
                continue

    async def tell(self, service: str, path: str, kind: str, dealer: str | None, body: Any = None, **more: Any) -> Said:
        """One paced operation; raises `Over` when the run ends before it began."""
        wait = self._next - time.monotonic()
        self._next = max(self._next, time.monotonic() - 0.25) + 1 / self.rate
        if wait > 0:
            await asyncio.sleep(wait)
        patience = time.monotonic() + TRICKLE
        while self.lag() > EASE and time.monotonic() < patience and not self.ending.is_set():
            self.eased += 0.2
            await asyncio.sleep(0.2)
        if self.ending.is_set():
            raise Over
        said = await self.client.tell(Command(service, path, kind, dealer, body, **more))
        if said is None:
            raise Over
        return said

    # ── Leads ───────────────────────────────────────────────────────────────────────────────────────────────────
    async def captured(self, dealer: str | None) -> Lead | None:
        said = await self.tell("lead", "/v1/leads", "capture_lead", dealer, self.known.capture(dealer))
        if not said.ok:
            return None
        lead = Lead(said.body["lead"], said.body["party_ref"], dealer)
        self.known.leads.append(lead)
        if dealer:
            self.known.things.append(Thing("lead", f"/v1/leads/{lead.id}", dealer))
            self.known.things.append(Thing("projection", f"/v1/customers/{lead.ref}", dealer))
        return lead

    async def on_lead(self, lead: Lead, verb: str, body: dict[str, Any], dealer: str | None) -> Said:
        return await self.tell("lead", f"/v1/leads/{lead.id}:{verb}", f"lead_{verb}", dealer, body)

    async def worked(self) -> None:
        """A dealer's own lead, worked until it is lost or converted."""
        dealer = self.random.choice(DEALERS)
        staff = self.known.staff(dealer)
        lead = await self.captured(dealer)
        if lead is None:
            return
        steps: list[tuple[str, dict[str, Any]]] = [
            ("enrich", {"vehicles": [{"interest": "buy", "model": self.random.choice(MODELS)}]}),
            ("qualify", {"grade": self.random.choice(["hot", "warm", "cold"]), "reasons": ["comparing"]}),
        ]
        later: list[tuple[str, dict[str, Any]]] = [
            ("record-visit", {"purpose": "look_around", "persons": 2, "staff": staff}),
            ("protect", {"staff": staff}),
            ("report-status", {"status": "negotiating", "staff": staff}),
        ]
        for verb, body in steps:
            await self.on_lead(lead, verb, body, dealer)
        await self._followed_up(lead, dealer, staff)
        for verb, body in later[: self.random.randrange(len(later) + 1)]:
            await self.on_lead(lead, verb, body, dealer)
        await self._ended(lead, dealer)

    async def _followed_up(self, lead: Lead, dealer: str, staff: str) -> None:
        """Called again and again, as a lead is: its stream grows long. One in five is forgotten in the end."""
        for _ in range(self.random.randrange(1, 8)):
            call = {"kind": "call", "due": after(2), "assignee": staff}
            await self.on_lead(lead, "schedule-follow-up", {"next_action": call}, dealer)
            await self.on_lead(lead, "complete-follow-up", {"outcome": "reached", "staff": staff}, dealer)
        if self.random.random() < 0.2:  # a timer's work: it will be missed
            call = {"kind": "call", "due": after(seconds=4)}
            await self.on_lead(lead, "schedule-follow-up", {"next_action": call}, dealer)

    async def _ended(self, lead: Lead, dealer: str) -> None:
        chance = self.random.random()
        if chance < 0.3:
            await self.on_lead(lead, "convert", {}, dealer)  # sales opens an opportunity of its own accord
        elif chance < 0.45:
            await self.on_lead(lead, "lose", {"reason": "bought_elsewhere"}, dealer)
            await self.on_lead(lead, "reopen", {"reason": "called_again"}, dealer)
        elif chance < 0.7:
            other = self.random.choice([each for each in DEALERS if each != dealer])
            self.known.shared |= {lead.id, lead.ref}
            scope = "facts" if chance < 0.65 else "contact"
            share = {"dealer": other, "scope": scope, "until": after(30), "reason": "test_drive_there"}
            if (await self.on_lead(lead, "share", share, dealer)).ok and chance < 0.5:
                await self.on_lead(lead, "revoke-share", {"dealer": other}, dealer)

    async def routed(self) -> None:
        """Headquarters' lead, which a dealer gets by rule and accepts or declines."""
        lead = await self.captured(None)
        if lead is None:
            return
        await self.on_lead(lead, "qualify", {"grade": "hot", "reasons": ["asked_for_call"]}, None)
        shown = await self.client.get("lead", f"/v1/leads/{lead.id}", None)
        dealer = shown.json().get("dealer") if shown is not None and shown.status == 200 else None
        if dealer is None:
            return
        if self.random.random() < 0.2:
            await self.on_lead(lead, "decline", {"reason": "no_capacity"}, dealer)
            return
        staff = self.known.staff(dealer)
        await self.on_lead(lead, "accept", {"staff": staff}, dealer)
        await self.on_lead(lead, "complete-follow-up", {"outcome": "reached"}, dealer)
        await self._followed_up(lead, dealer, staff)

    async def listed(self) -> None:
        """A list of leads, sent twice: the second time changes nothing."""
        dealer = self.random.choice(DEALERS)
        number, size = self.random.getrandbits(40), self.random.randrange(10, 31)
        rows = [{"row_id": f"{number:x}-{n}", **self.known.capture(dealer)} for n in range(size)]
        content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
        for _ in range(2):
            await self.tell("lead", "/v1/leads:import", "import_leads", dealer, content=content,
                            content_type="application/x-ndjson", params={"source": "fair"})  # fmt: skip

    async def driven(self) -> None:
        dealer = self.random.choice(list(DEMONSTRATORS))
        lead = self.known.lead(dealer) or await self.captured(dealer)
        if lead is None:
            return
        tomorrow = (datetime.now(UTC) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        starts = tomorrow + SLOT * self.random.randrange(20 * 48)
        body = {"lead": lead.id, "vin": DEMONSTRATORS[dealer], "starts": starts.isoformat(), "minutes": 30,
                "staff": self.known.staff(dealer)}  # fmt: skip
        said = await self.tell("lead", "/v1/test-drives", "book_test_drive", dealer, body)
        if said.ok:
            drive = said.body["test_drive"]
            self.known.things.append(Thing("lead", f"/v1/test-drives/{drive}", dealer))
            await self.tell("lead", f"/v1/test-drives/{drive}:cancel", "cancel_test_drive", dealer,
                            {"reason": "customer_asked"})  # fmt: skip

    # ── Sales ───────────────────────────────────────────────────────────────────────────────────────────────────
    async def sold(self) -> None:
        """From opportunity to delivered vehicle, for somebody known or somebody new."""
        dealer = self.random.choice(DEALERS)
        somebody, staff = self.known.lead(dealer), self.known.staff(dealer)
        body = {"source": "showroom", "models": [MODELS[0]], "staff": staff}
        if somebody and self.random.random() < 0.7:
            body["party_ref"] = somebody.ref
        opened = await self.tell("sales", "/v1/opportunities", "open_opportunity", dealer, body)
        if not opened.ok:
            return
        opportunity = opened.body["opportunity"]
        self.known.things.append(Thing("sales", f"/v1/opportunities/{opportunity}", dealer))
        if self.random.random() < 0.15:
            await self.tell(
                "sales", f"/v1/opportunities/{opportunity}:lose", "lose_opportunity", dealer, {"reason": "finance"}
            )
            return
        quote = {"opportunity": opportunity, "currency": "CNY", "lines": [
            {"kind": "vehicle", "code": MODELS[0], "quantity": 1, "amount": PRICE},
            {"kind": "discount", "code": "spring", "amount": -300_000}]}  # fmt: skip
        issued = await self.tell("sales", "/v1/quotes", "issue_quote", dealer, quote)
        if issued.ok:
            await self.tell("sales", f"/v1/quotes/{issued.body['quote']}:accept", "accept_quote", dealer)
        contract = await self.contracted(dealer, opportunity)
        if contract is not None:
            await self.ordered(dealer, contract)

    async def contracted(self, dealer: str, opportunity: str, quantity: int = 1) -> str | None:
        body = {"opportunity": opportunity, "lines": [{"model": MODELS[0], "quantity": quantity, "price": PRICE}],
                "currency": "CNY", "document_hash": hashlib.sha256(opportunity.encode()).hexdigest()}  # fmt: skip
        signed = await self.tell("sales", "/v1/contracts", "sign_contract", dealer, body)
        if not signed.ok:
            return None
        contract = str(signed.body["contract"])
        await self.tell("sales", f"/v1/contracts/{contract}:receive-deposit", "receive_deposit", dealer,
                        {"receipt": f"rc-{contract[:8]}", "amount": 500_000, "currency": "CNY"})  # fmt: skip
        return contract

    async def ordered(self, dealer: str, contract: str) -> None:
        placed = await self.tell("sales", "/v1/orders", "place_order", dealer, {"contract": contract, "line": 1})
        if not placed.ok:
            return
        order = f"/v1/orders/{placed.body['order']}"
        self.known.things.append(Thing("sales", order, dealer))
        await self.tell("sales", f"{order}:allocate", "allocate_vehicle", dealer, {"vin": self.known.vin()})
        if self.random.random() < 0.8:
            await self.tell("sales", f"{order}:deliver", "deliver_vehicle", dealer, {"odometer_km": 12})
        else:
            await self.tell("sales", f"{order}:cancel", "cancel_order", dealer, {"reason": "customer_withdrew"})

    async def traded(self) -> None:
        dealer = self.random.choice(DEALERS)
        somebody = self.known.lead(dealer)
        body: dict[str, Any] = {
            "vin": self.known.vin(), "model": "volkswagen-polo", "odometer_km": 81_200,
            "offer": {"minor": 6_000_000, "currency": "CNY"}, "valid_until": after(20),
        }  # fmt: skip
        if somebody:
            body["party_ref"] = somebody.ref
        await self.tell("sales", "/v1/trade-ins", "appraise_trade_in", dealer, body)
        items = [{"code": "floor_mats", "quantity": 2, "amount": 59_900}]
        await self.tell("sales", "/v1/accessory-sales", "sell_accessories", dealer, {"items": items, "currency": "CNY"})

    # ── Identity ────────────────────────────────────────────────────────────────────────────────────────────────
    async def linked(self) -> None:
        """Headquarters joins two references, parts them, tells them apart, joins them again."""
        found = self.known.pair()
        if found is None:
            await self.worked()
            return
        pair = sorted(each.ref for each in found)
        link = f"/v1/links/{pair[0]}:{pair[1]}"
        chance = self.random.random()
        await self.tell("identity", "/v1/links", "link_party_refs", None, {"party_refs": pair})
        if chance < 0.5:
            await self.tell("identity", link, "unlink_party_refs", None, method="DELETE",
                            params={"reason": "different_people"})  # fmt: skip
        elif chance < 0.7:
            await self.tell("identity", "/v1/links:split", "split_party_refs", None,
                            {"party_refs": pair, "reason": "different_people"})  # fmt: skip
        if chance < 0.2:
            await self.tell("identity", "/v1/links", "link_party_refs", None, {"party_refs": pair})

    async def stewarded(self) -> None:
        """Headquarters decides on one of the pairs that look like one customer, as those with one telephone do."""
        shown = await self.client.get("identity", "/v1/link-proposals", None)
        queue = shown.json()["items"] if shown is not None and shown.status == 200 else []
        if not queue:
            await self.worked()
            return
        proposal = f"/v1/link-proposals/{self.random.choice(queue)['link']}"
        if self.random.random() < 0.5:
            await self.tell("identity", f"{proposal}:approve", "approve_proposal", None)
        else:
            await self.tell("identity", f"{proposal}:reject", "reject_proposal", None, {"reason": "father_and_son"})

    async def party(self) -> None:
        """What a dealer writes down of somebody."""
        dealer = self.random.choice(DEALERS)
        lead = self.known.lead(dealer)
        if lead is None:
            await self.worked()
            return
        ref = f"/v1/party-refs/{lead.ref}"
        self.known.things.append(Thing("identity", ref, dealer))
        word = {"purpose": "marketing", "channel": "phone", "brand": "volkswagen", "source": "call"}
        steps: list[tuple[str, dict[str, Any]]] = [
            ("/consents:grant", {**word, "wording": "privacy-2026-01"}), ("/consents:withdraw", word),
            (":add-contact-point", {"phone": f"137{self.random.randrange(10**8):08d}", "source": "showroom"}),
            (":declare-owner-kind", {"owner_kind": "enterprise", "basis": "business_licence"}),
            (":record-profile", {"source": "showroom", "fields": [
                {"name": "income_band", "purpose": "financing", "refused": True}]}),
        ]  # fmt: skip
        for path, body in self.random.sample(steps, 2):
            await self.tell("identity", ref + path, path.strip("/:").replace(":", "_"), dealer, body)


class Over(Exception):
    """The run ends, or an operation was given up: the story stops here."""
