"""The demo's pilot: six dealers get leads from headquarters and do with them what dealers do.

Every step has a key of its own, so that a load that was interrupted goes on where it stopped. Which dealer gets a lead
is for the rule to say: each step asks headquarters who holds it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Protocol

from roadbook_cli.intents import Grade
from roadbook_client import Problem, Roadbook
from roadbook_client.lead.models import (
    CaptureRequest,
    CompleteRequest,
    ExperienceRequest,
    LeadShown,
    LoseRequest,
    ScheduleRequest,
    ShareRequest,
)
from roadbook_client.lead.operations import Lead as LeadOperations

_REGIONS = ("sh-pudong", "sh-minhang", "sh-putuo", "sh-jiading", "sh-baoshan", "sh-songjiang", "sh-centre", "sh-qingpu")
_MODELS = ("volkswagen-lavida", "volkswagen-tiguan", "volkswagen-passat", "volkswagen-polo", "volkswagen-teramont")
_SOURCES = ("web", "social:weibo", "social:wechat", "hotline", "motor_show")
_NAMES = ("王海", "李思远", "张雨桐", "刘洋", "陈静", "杨帆", "黄志强", "赵敏", "吴迪", "周晓明", "孙丽", "朱琳")
_SECONDS_TO_MISS = 2.0  # of a deadline that is meant to be missed
_CONCURRENT = 12


class Callers(Protocol):
    def of(self, dealer: str | None) -> Roadbook:
        """Somebody of the dealer; None: headquarters."""
        ...


@dataclass(frozen=True)
class Lead:
    """One lead of the pilot on its way. `key` makes each of its steps happen once, however often it is sent."""

    to: Callers
    id: str
    key: str

    def at(self, dealer: str | None) -> LeadOperations:
        return self.to.of(dealer).lead

    async def holder(self) -> str:
        """The dealer that holds it now."""
        return str((await self.at(None).read_lead(self.id))["dealer"])

    async def unanswered(self) -> bool:
        """Whether its dealer has yet to accept it; not on a run that goes on where another stopped."""
        return (await self.at(None).read_lead(self.id))["routing"] is not None

    async def lapsed(self) -> bool:
        """Whether a dealer let its time go by; by what is written, for who holds it now may be the next one already."""
        return any(["lead_feedback_overdue" in each["type"] async for each in self.at(None).list_lead_events(self.id)])

    async def until(self, condition: Callable[[LeadShown], bool]) -> None:
        """Until headquarters sees it so: something that time and a timer bring about."""
        while not condition(await self.at(None).read_lead(self.id)):  # noqa: ASYNC110  # another process does it
            await asyncio.sleep(0.1)


def salesperson(dealer: str, n: int = 1) -> str:
    return f"staff-{dealer.removeprefix('dealer-')}-{n}"


def body(random: Random, number: int) -> CaptureRequest:
    """A capture by headquarters."""
    made: CaptureRequest = {
        "source": random.choice(_SOURCES),
        "region": random.choice(_REGIONS),
        "campaign": "autumn_2026",
        "person": {
            "name": random.choice(_NAMES),
            "phones": [{"value": f"139{random.randrange(10**8):08d}", "preferred": True}],
        },
        "consents": [{"purpose": "contact", "channel": "phone", "granted": True, "wording": "privacy-2026-01"}],
        "vehicles": [{"interest": "buy", "model": random.choice(_MODELS), "condition": "new"}],
        "needs": [{"kind": "use", "value": random.choice(("commute", "family", "business")), "source": "site_survey"}],
        "comments": f"Pilot {number}",
    }
    if random.random() < 0.3:
        made["dealer_wish"] = f"dealer-sh-0{random.randrange(1, 7)}"
    return made


async def run(to: Callers, seed: int, count: int, advance: Callable[[], None]) -> None:
    """`count` leads through the pilot; `advance` is called after each."""
    random = Random(f"pilot-{seed}")
    bodies = [body(random, number) for number in range(count)]
    gate = asyncio.Semaphore(_CONCURRENT)

    async def one(number: int) -> None:
        async with gate:
            key = f"pilot-{seed}-{number}"
            taken = await to.of(None).lead.capture_lead(bodies[number], key=key)
            await STORIES[number % len(STORIES)](Lead(to, taken["lead"], key))
        advance()

    async with asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(one(number))


# ── What becomes of a lead ────────────────────────────────────────────────────────────────────────────────────
async def _accepted(lead: Lead, grade: Grade = "hot") -> str:
    """Found hot by headquarters, it is at a dealer at once; the dealer accepts and calls. Its dealer."""
    await lead.at(None).qualify_lead(lead.id, {"grade": grade, "reasons": ["asked_for_call"]}, key=lead.key)
    if grade != "hot":
        await lead.at(None).route_lead(lead.id, {}, key=lead.key)
    return await _worked(lead)


async def _worked(lead: Lead) -> str:
    dealer = await lead.holder()
    staff = salesperson(dealer)
    await lead.at(dealer).accept_lead(lead.id, {"staff": staff}, key=lead.key)
    done: CompleteRequest = {"outcome": "reached", "staff": staff}
    await lead.at(dealer).complete_follow_up(lead.id, done, key=lead.key)
    return dealer


async def _sold(lead: Lead) -> None:
    dealer = await _accepted(lead)
    staff, here = salesperson(dealer), lead.at(dealer)
    await here.record_visit(lead.id, {"purpose": "look_around", "persons": 2, "staff": staff}, key=lead.key)
    await here.protect_lead(lead.id, {"staff": staff}, key=lead.key)
    await here.report_lead_status(lead.id, {"status": "negotiating", "staff": staff}, key=lead.key)
    await here.convert_lead(lead.id, {}, key=lead.key)


async def _declined(lead: Lead) -> None:
    await lead.at(None).qualify_lead(lead.id, {"grade": "hot", "reasons": ["budget_confirmed"]}, key=lead.key)
    if await lead.unanswered():
        await lead.at(await lead.holder()).decline_lead(lead.id, {"reason": "no_capacity"}, key=lead.key)
    await _worked(lead)


async def _let_lapse(lead: Lead) -> None:
    """Its first dealer does not answer in time: a timer takes it to the next one."""
    await lead.at(None).qualify_lead(lead.id, {"grade": "warm", "reasons": ["comparing"]}, key=lead.key)
    with _unless_done_before():
        await lead.at(None).route_lead(lead.id, {"accept_by": _soon()}, key=lead.key)
    while not await lead.lapsed():  # noqa: ASYNC110  # a timer brings it about
        await asyncio.sleep(0.1)
    await _worked(lead)


@contextmanager
def _unless_done_before() -> Iterator[None]:
    """For a step whose times are those of its first run: the same key with another body says that it was taken then."""
    try:
        yield
    except Problem as problem:
        if problem.code != "idempotency_key_reused":
            raise


def _soon() -> str:
    return (datetime.now(UTC) + timedelta(seconds=_SECONDS_TO_MISS)).isoformat()


async def _missed(lead: Lead) -> None:
    """A promised call is not made: the next action is overdue."""
    dealer = await _accepted(lead)
    call: ScheduleRequest = {"next_action": {"kind": "call_back", "due": _soon()}}
    with _unless_done_before():
        await lead.at(dealer).schedule_follow_up(lead.id, call, key=lead.key)
    await lead.until(lambda shown: shown["overdue"])


async def _shared(lead: Lead) -> None:
    """A neighbour has the car for a test drive, and may see this customer for a month."""
    dealer = await _accepted(lead)
    neighbour = "dealer-sh-02" if dealer != "dealer-sh-02" else "dealer-sh-01"
    until = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    shared: ShareRequest = {"dealer": neighbour, "scope": "contact", "until": until, "reason": "test_drive_there"}
    with _unless_done_before():
        await lead.at(dealer).share_customer(lead.id, shared, key=lead.key)
    await lead.at(neighbour).read_lead(lead.id)


async def _recycled(lead: Lead) -> None:
    await lead.at(None).recycle_lead(lead.id, {"reason": "test_entry"}, key=lead.key)


async def _restored(lead: Lead) -> None:
    await lead.at(None).recycle_lead(lead.id, {"reason": "duplicate"}, key=lead.key)
    await lead.at(None).restore_lead(lead.id, {"reason": "by_mistake"}, key=lead.key)
    await _accepted(lead, "warm")


async def _lost(lead: Lead) -> None:
    dealer = await _accepted(lead, "warm")
    lost: LoseRequest = {"reason": "bought_elsewhere", "competitor": "toyota-corolla"}
    await lead.at(dealer).lose_lead(lead.id, lost, key=lead.key)


async def _released(lead: Lead) -> None:
    dealer = await _accepted(lead)
    await lead.at(dealer).release_lead(lead.id, {"reason": "staff_overloaded"}, key=lead.key)


async def _waiting(lead: Lead) -> None:
    """At a dealer that has not answered yet."""
    await lead.at(None).qualify_lead(lead.id, {"grade": "hot", "reasons": ["asked_for_call"]}, key=lead.key)


async def _nurtured(lead: Lead) -> None:
    """Headquarters looks after it until it is hot."""
    tried: ExperienceRequest = {
        "model": "volkswagen-tiguan",
        "feature": "interior_360",
        "seconds": 140,
        "site": "tiguan_site",
    }
    await lead.at(None).record_experience(lead.id, tried, key=lead.key)


STORIES: tuple[Callable[[Lead], Awaitable[None]], ...] = (
    _sold,
    _declined,
    _let_lapse,
    _missed,
    _shared,
    _recycled,
    _restored,
    _lost,
    _released,
    _waiting,
    _nurtured,
    _sold,
)
"""In turn; twelve leads make one of each, and two buyers."""
