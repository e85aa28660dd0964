"""The body of a captured lead, as a client sends it and as the bare server's model reads it."""

from typing import Any

from pydantic import BaseModel, ConfigDict


def lead(number: int) -> dict[str, Any]:
    """Another customer for each number."""
    return {
        "source": "web",
        "person": {
            "name": f"测试 {number}",
            "phones": [{"value": f"139{number % 10**8:08d}"}],
            "emails": [{"value": f"person{number}@example.com"}],
        },
        "vehicles": [{"interest": "buy", "model": "volkswagen-lavida"}],
        "comments": f"comment {number}",
    }


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Value(Strict):
    value: str


class Person(Strict):
    name: str
    phones: list[Value]
    emails: list[Value]


class Vehicle(Strict):
    interest: str
    model: str


class BareLead(Strict):
    source: str
    person: Person
    vehicles: list[Vehicle]
    comments: str
