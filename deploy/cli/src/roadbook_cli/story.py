"""The demo's one customer: in as two leads at two dealers under two spellings, linked by rule, sold to, told apart by
the steward and joined again. Every step has a key of its own: a run that was interrupted goes on.
"""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

from roadbook.identifiers import make_vin
from roadbook_cli.pilot import salesperson
from roadbook_client import Problem, Roadbook
from roadbook_client.identity.models import PairShown
from roadbook_client.lead.models import CaptureRequest
from roadbook_client.projection.models import RecordShown

SELLER, NEIGHBOUR = "dealer-sh-01", "dealer-sh-03"
MODEL, PRICE = "volkswagen-lavida", 12_990_000  # in fen
SECONDS = 60.0

T = TypeVar("T")


class Callers(Protocol):
    def of(self, dealer: str | None) -> Roadbook:
        """Somebody of the dealer; None: headquarters."""
        ...


@dataclass(frozen=True)
class Seen:
    """The same customer as headquarters and each of the two dealers sees it."""

    headquarters: list[RecordShown]
    seller: RecordShown
    neighbour: RecordShown


@dataclass(frozen=True)
class Story:
    """`link` is what made them one customer; `joined` the records then, `split` after the steward's split (None: that
    was done by an earlier run), `now` the record as it is."""

    refs: tuple[str, str]
    link: PairShown
    vin: str
    joined: Seen
    split: Seen | None
    now: RecordShown


async def tell(to: Callers, seed: int, *, before: bool) -> Story:
    """`before`: it was told whole already, and is only shown. Raises `Problem`, `Unreachable`, or `TimeoutError` when
    something does not come about within a minute."""
    phone = f"136{hashlib.sha256(str(seed).encode()).digest()[0]:03d}{seed % 100_000:05d}"
    first = await _captured(to, seed, SELLER, _intent("张伟", phone, "web_form"))
    second = await _captured(to, seed, NEIGHBOUR, _intent("Zhang Wei", f"+86 {phone}", "showroom"))
    link = await _until(lambda: _linked(to, first, second))
    vin = await _sold(to, seed, first)
    joined = await _until(lambda: _seen(to, first, second, customers=1))
    if before:
        return Story((first, second), link, vin, joined, None, joined.headquarters[0])
    await to.of(None).identity.split_party_refs({"party_refs": [first, second], "reason": "different_people"})
    split = await _until(lambda: _seen(to, first, second, customers=2))
    # Not the step's own key: whoever runs it again wants them joined at the end, whatever an earlier run had come to.
    await to.of(None).identity.link_party_refs({"party_refs": [first, second]}, key=f"story-{uuid.uuid4()}")
    again = await _until(lambda: _seen(to, first, second, customers=1))
    return Story((first, second), link, vin, joined, split, again.headquarters[0])


def _intent(name: str, phone: str, source: str) -> CaptureRequest:
    return {
        "source": source,
        "person": {"name": name, "phones": [{"value": phone, "preferred": True}]},
        "consents": [{"purpose": "contact", "channel": "phone", "granted": True, "wording": "privacy-2026-01"}],
        "vehicles": [{"interest": "buy", "model": MODEL, "condition": "new"}],
    }


async def _captured(to: Callers, seed: int, dealer: str, body: CaptureRequest) -> str:
    """The party reference of the lead."""
    taken = await to.of(dealer).lead.capture_lead(body, key=f"story-{seed}-{dealer}")
    if dealer == SELLER:
        await to.of(dealer).lead.convert_lead(taken["lead"], {}, key=f"story-{seed}-convert")
    return taken["party_ref"]


async def _linked(to: Callers, first: str, second: str) -> PairShown | None:
    try:
        links = (await to.of(None).identity.read_links(first))["links"]
    except Problem as problem:
        if problem.code != "not_found":
            raise
        return None  # identity has not heard of it yet
    return next(
        (link for link in links if second in (link["smaller"], link["larger"]) and link["status"] == "linked"), None
    )


async def _sold(to: Callers, seed: int, party_ref: str) -> str:
    """From the opportunity that the converted lead became to the car at its owner's; the VIN."""
    sales, staff, key = to.of(SELLER).sales, salesperson(SELLER), f"story-{seed}"

    async def opened() -> str | None:
        async for each in sales.list_opportunities(party_ref=party_ref):
            return each["opportunity"]
        return None

    opportunity = await _until(opened)
    quote = await sales.issue_quote(
        {
            "opportunity": opportunity,
            "lines": [
                {"kind": "vehicle", "code": MODEL, "amount": PRICE},
                {"kind": "discount", "code": "autumn-2026", "amount": -500_000},
            ],
            "currency": "CNY",
        },
        key=f"{key}-quote",
    )
    await sales.accept_quote(quote["quote"], key=f"{key}-accept")
    contract = await sales.sign_contract(
        {
            "opportunity": opportunity,
            "quote": quote["quote"],
            "lines": [{"model": MODEL, "price": PRICE - 500_000}],
            "currency": "CNY",
            "document_hash": hashlib.sha256(key.encode()).hexdigest(),
            "staff": staff,
        },
        key=f"{key}-contract",
    )
    order = (await sales.place_order({"contract": contract["contract"], "line": 1}, key=f"{key}-order"))["order"]
    vin = make_vin("LSVAA49J", 500_000 + seed % 400_000)
    await sales.allocate_vehicle(order, {"vin": vin}, key=f"{key}-allocate")
    expires = (datetime.now(UTC) + timedelta(days=365)).date().isoformat()
    await sales.arrange_insurance(
        order,
        {"partner": "picc", "kind": "compulsory", "premium": 95_000, "currency": "CNY", "expires": expires},
        key=f"{key}-insurance",
    )
    await sales.deliver_vehicle(order, {"odometer_km": 12}, key=f"{key}-deliver")
    return vin


async def _seen(to: Callers, first: str, second: str, customers: int) -> Seen | None:
    """None until the purchase is in the record, and headquarters sees so many customers."""
    one, other = [await to.of(None).projection.read_customer(ref) for ref in (first, second)]
    found = {each["head"]["customer_id"]: each for each in (one, other)}
    if len(found) != customers or {len(each["head"]["party_refs"]) for each in (one, other)} != {2 // customers}:
        return None  # the link, or its end, has reached one of the two reads
    if not any(sale["delivered_at"] for sale in one["purchases"]):
        return None
    seller = await to.of(SELLER).projection.read_customer(first)
    neighbour = await to.of(NEIGHBOUR).projection.read_customer(second)
    return Seen([found[ref] for ref in sorted(found)], seller, neighbour)


async def _until(look: Callable[[], Awaitable[T | None]]) -> T:
    async with asyncio.timeout(SECONDS):
        while (found := await look()) is None:  # noqa: ASYNC110  # other processes bring it about
            await asyncio.sleep(0.1)
    return found
