"""What callers do wrong (F37-F41): too much, malformed, all at once, one key for several things, another's token."""

import asyncio
import json
from urllib.parse import urlsplit

from run.client import Command
from run.context import Bite, Context
from run.known import DEALERS, NEVER, PRICE
from run.load import after

CAP = 256 * 1024
_ROUTES = (("lead", "/v1/leads"), ("sales", "/v1/opportunities"), ("identity", "/v1/party-refs"))


async def huge(ctx: Context) -> Bite:
    """One byte over the cap, ten times, a thousand times the cap: refused before it is parsed (F37)."""
    refused, sent = 0, 0
    for service, path in _ROUTES:
        for size in (CAP + 1, 10 * CAP, 1000 * CAP):
            sent += 1
            refused += await _pushed(ctx, service, path, size) == 413
    return Bite(refused == sent, {"sent": sent, "refused_413": refused})


async def _pushed(ctx: Context, service: str, path: str, size: int) -> int:
    """The status that comes while we are still sending."""
    address = urlsplit(ctx.stand.urls()[service])
    try:
        async with asyncio.timeout(10):
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
            head = [
                f"POST {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {ctx.client.token(None)}",
                "Content-Type: application/json", f"Content-Length: {size}", "Idempotency-Key: big", "", "",
            ]  # fmt: skip
            writer.write("\r\n".join(head).encode())
            line = asyncio.ensure_future(reader.readline())
            left = size
            while left > 0 and not line.done():
                writer.write(b" " * min(left, 65_536))
                left -= 65_536
                await asyncio.wait({line}, timeout=0.02)
            status = int((await line).split()[1])
            writer.transport.abort()
            return status
    except (OSError, TimeoutError, IndexError, ValueError):
        return 0


def _corpus() -> list[bytes]:
    deep = [b"[" * n + b"]" * n for n in (33, 900, 100_000)]
    return [
        *deep, b"{", b"", b"null", b"[]", b'"x"', b"{'source':'web'}", b'{"source":"web",}', b"\xff\xfe{\x00}\x00",
        b'\xef\xbb\xbf{"source":"web"}', '{"source":"web"}'.encode("utf-16"), b'{"source":"\xff"}',
        b'{"source":"web","source":"web"}', b'{"source":"web\\u0000"}', b'{"source":"\\ud800"}', b'{"\\ud800":1}',
        b'{"budget":{"currency":"CNY","minimum":NaN}}', b'{"budget":{"currency":"CNY","minimum":Infinity}}',
        b'{"budget":{"currency":"CNY","minimum":1e999}}', b'{"budget":{"currency":"CNY","minimum":9223372036854775808}}',  # noqa: E501
        b'{"budget":{"currency":"CNY","minimum":' + b"9" * 5000 + b"}}", b'{"source":"web","unknown":1}',
        b'{"source":true}', b"1" * 5000,
    ]  # fmt: skip


async def malformed(ctx: Context) -> Bite:
    """Refused with a 4xx, never a 5xx, and nothing comes of it (F38)."""
    answers = []
    for service, path in _ROUTES:
        for body in _corpus():
            said = await ctx.client.tell(Command(service, path, "malformed", None, content=body))
            answers.append(0 if said is None else said.status)
    wrong = [f"{status} to a malformed request" for status in answers if status not in (400, 413, 422)]
    return Bite(len(answers) > len(wrong), {"sent": len(answers), "refused": len(answers) - len(wrong)}, wrong)


async def rush(ctx: Context) -> Bite:
    """A group buy of 30 places, and 120 customers who want one at the same moment (F39)."""
    places, rushing, dealer = 30, 120, ctx.random.choice(list(DEALERS))
    body = {"model": "volkswagen-lavida", "price": {"currency": "CNY", "minor": PRICE}, "places": places,
            "threshold": 1, "closes_at": after(20)}  # fmt: skip
    opened = await ctx.client.tell(Command("lead", "/v1/group-buys", "open_group_buy", None, body))
    if opened is None or not opened.ok:
        return Bite(False, {"opened": opened.body if opened else None})
    buy = opened.body["group_buy"]

    async def joins(lead: str) -> int:
        path = f"/v1/group-buys/{buy}:join"
        said = await ctx.client.tell(Command("lead", path, "join_group_buy", dealer, {"lead": lead}))
        return said.status if said else 0

    leads = [each for each in [await _new(ctx, dealer) for _ in range(rushing)] if each]
    statuses = await asyncio.gather(*(joins(lead) for lead in leads))
    accepted = sum(status < 300 for status in statuses)
    conflicts = sum(each.problem == "conflict" for each in ctx.answers())
    wrong = [] if accepted == min(places, len(leads)) else [f"{accepted} accepted for {places} places"]
    proof = {"rushed": len(leads), "accepted": accepted, "refused": len(leads) - accepted, "conflicts": conflicts}
    return Bite(len(leads) > places, proof, wrong)


async def _new(ctx: Context, dealer: str) -> str | None:
    """An id of a lead that joins nothing else."""
    command = Command("lead", "/v1/leads", "capture_lead", dealer, ctx.load.known.capture(dealer))
    said = await ctx.client.tell(command)
    return str(said.body["lead"]) if said and said.ok else None


async def same_key(ctx: Context) -> Bite:
    """Another body under the same key is refused; the same key of another dealer is another key (F40)."""
    wrong, tried = [], 20
    for number in range(tried):
        one, other = ctx.random.sample(list(DEALERS), 2)
        key = f"chaos-same-{number}-{ctx.random.getrandbits(48):x}"
        body, second = ctx.load.known.capture(one), ctx.load.known.capture(one)
        commands = [
            (Command("lead", "/v1/leads", "capture_lead", one, body, key=key), 201),
            (Command("lead", "/v1/leads", "capture_lead", one, second, key=key), 422),
            (Command("lead", "/v1/leads", "capture_lead", other, body, key=key), 201),
            (Command("lead", "/v1/leads", "capture_lead", one, body, key=key), 201),  # the first answer again
        ]
        said = [await ctx.client.tell(command) for command, _ in commands]
        statuses = [each.status if each else 0 for each in said]
        if statuses != [status for _, status in commands]:
            wrong.append(f"one key: {statuses}")
        elif json.dumps(said[0] and said[0].body) != json.dumps(said[3] and said[3].body):
            wrong.append("a repeat was answered differently")
    return Bite(True, {"keys": tried, "requests": 4 * tried}, wrong)


async def foreign(ctx: Context) -> Bite:
    """Others' ids answer as ids that never were (F41)."""
    before = dict(ctx.client.probes)
    things = [each for each in ctx.load.known.things if not any(id_ in each.path for id_ in ctx.load.known.shared)]
    for thing in ctx.random.sample(things, min(80, len(things))):
        dealer = ctx.random.choice([each for each in DEALERS if each != thing.dealer])
        for path, never in readings(thing.path):
            await ctx.client.probe(dealer, thing.service, path, never)
    sent, leaks = (ctx.client.probes[name] - before[name] for name in ("sent", "leaks"))
    return Bite(sent > 0, {"probes": sent, "leaks": leaks}, [f"{leaks} leaks"] if leaks else [])


def readings(path: str) -> list[tuple[str, str]]:
    """What can be read of a thing, each beside the same of an id that never was."""
    base, _, _ = path.rpartition("/")
    more = {
        "/v1/leads": ["/events"], "/v1/customers": ["/timeline"], "/v1/party-refs": ["/links", "/consents"],
        "/v1/opportunities": ["/events"], "/v1/orders": ["/events", "/timeline"],
    }.get(base, [])  # fmt: skip
    return [(path + each, f"{base}/{NEVER}{each}") for each in ["", *more]]
