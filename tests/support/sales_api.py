"""What the tests of sales' core share: a deal over HTTP, step by step."""

import hashlib
from typing import Any

from lead_api import ok

from roadbook.identifiers.vin import check_vin
from roadbook.timers import TimerWorker

LAVIDA, TIGUAN, PASSAT = "volkswagen-lavida", "volkswagen-tiguan", "volkswagen-passat"
SELLER, OTHER_SELLER = "staff-sh-01-1", "staff-sh-01-2"
PRICE = 11_690_000


def document(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def vin(number: int) -> str:
    """A VIN with a right check digit, another one for each number."""
    for digit in "0123456789X":
        made = f"LSVAA49J{digit}T29{number:05}"
        if not any(problem.severity == "error" for problem in check_vin(made).problems):
            return made
    raise ValueError(number)


def id_of(answer: Any) -> str:
    assert answer.status_code == 201, answer.text
    return str(answer.headers["location"].rpartition("/")[2])


async def opened(api: Any, **changes: Any) -> str:
    """The id of a new opportunity."""
    body = {"source": "showroom", "models": [LAVIDA], "staff": SELLER, **changes}
    return id_of(await api.post("/v1/opportunities", body))


async def quoted(api: Any, opportunity: str, amount: int = PRICE, **changes: Any) -> str:
    lines = [{"kind": "vehicle", "code": LAVIDA, "quantity": 1, "amount": amount}]
    body = {"opportunity": opportunity, "lines": lines, "currency": "CNY", **changes}
    return id_of(await api.post("/v1/quotes", body))


async def signed(api: Any, opportunity: str, quantity: int = 1, **changes: Any) -> str:
    body = {
        "opportunity": opportunity,
        "lines": [{"model": LAVIDA, "quantity": quantity, "price": PRICE}],
        "currency": "CNY",
        "document_hash": document(opportunity),
        **changes,
    }
    return id_of(await api.post("/v1/contracts", body))


async def placed(api: Any, contract: str, **changes: Any) -> str:
    return id_of(await api.post("/v1/orders", {"contract": contract, "line": 1, **changes}))


async def bought(api: Any, number: int, **changes: Any) -> str:
    """The id of an order, delivered with the VIN of that number."""
    order = await placed(api, await signed(api, await opened(api, **changes)))
    ok(await api.post(f"/v1/orders/{order}:allocate", {"vin": vin(number)}))
    ok(await api.post(f"/v1/orders/{order}:deliver", {"odometer_km": 12}))
    return order


async def settled(timers: TimerWorker) -> None:
    """Everything that is due was done, and what came of it."""
    while await timers.step():
        continue


async def state(api: Any, path: str) -> str:
    return str(ok(await api.get(path))["state"])


async def names(api: Any, path: str) -> list[str]:
    """The names of a thing's events, in order."""
    return [each["type"].split(".")[2] for each in ok(await api.get(path + "/events", limit=200))["items"]]
