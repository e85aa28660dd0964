"""What the load knows to exist, and how it makes up what does not: dealers, people, cars, ids."""

import random
from collections import deque
from dataclasses import dataclass, field
from typing import Any

DEALERS = tuple(f"dealer-sh-0{n}" for n in range(1, 7))
MODELS = ("volkswagen-lavida", "volkswagen-tiguan", "volkswagen-passat", "volkswagen-polo", "volkswagen-teramont")
DEMONSTRATORS = {
    "dealer-sh-01": "LSVAA49J6T2900010", "dealer-sh-02": "LSVAA49J9T2900020",
}  # fmt: skip
PRICE = 11_990_000
FAMILY = 6
NEVER = "0199aaaa-0000-7000-8000-000000000000"


@dataclass(frozen=True)
class Lead:
    id: str
    ref: str
    dealer: str | None


@dataclass(frozen=True)
class Thing:
    """Something of a dealer's that can be read: for probes."""

    service: str
    path: str
    dealer: str


@dataclass
class Known:
    """Grows while the run goes on."""

    random: random.Random
    leads: list[Lead] = field(default_factory=list)  # in the order they came
    things: deque[Thing] = field(default_factory=lambda: deque(maxlen=3000))
    shared: set[str] = field(default_factory=set)  # ids that another dealer may see by right
    people: int = 0
    cars: int = 0
    phones: list[str] = field(default_factory=list)

    def staff(self, dealer: str, n: int = 1) -> str:
        return f"staff-{dealer.removeprefix('dealer-')}-{n}"

    def person(self, dealer: str | None) -> dict[str, Any]:
        """With a canary in every field; one in ten has the telephone of somebody known, as families have."""
        self.people += 1
        canary = f"CNRY-{(dealer or 'dealer-hq').removeprefix('dealer-')}-{self.people}"
        phone = f"139{self.people + self.random.randrange(9) * 10_000_000:08d}"
        if self.phones and self.random.random() < 0.1:
            phone = self.random.choice(self.phones)
        elif len(self.phones) < 2000:
            self.phones.append(phone)
        return {
            "name": f"测试 {canary}",
            "phones": [{"value": phone, "preferred": True}],
            "emails": [{"value": f"{canary.lower()}@example.com"}],
        }

    def capture(self, dealer: str | None) -> dict[str, Any]:
        body: dict[str, Any] = {
            "source": self.random.choice(("web_form", "showroom", "hotline")),
            "person": self.person(dealer),
            "consents": [{"purpose": "contact", "channel": "phone", "granted": True, "wording": "privacy-2026-01"}],
            "vehicles": [{"interest": "buy", "model": self.random.choice(MODELS), "condition": "new"}],
            "comments": f"CNRY-{(dealer or 'dealer-hq').removeprefix('dealer-')}-{self.people} calls again",
        }
        if dealer is None:
            body["region"] = "sh-pudong"
        return body

    def lead(self, dealer: str | None = None) -> Lead | None:
        """Some lead of the dealer's, of anybody's with None."""
        for _ in range(30):
            if not self.leads:
                return None
            found = self.random.choice(self.leads)
            if dealer is None or found.dealer == dealer:
                return found
        return None

    def pair(self) -> tuple[Lead, Lead] | None:
        """Two leads of one family, which are some that came one after another: joined at random, all would become one
        customer in time, and nobody has hundreds of leads."""
        if len(self.leads) < 2:
            return None
        begin = self.random.randrange(len(self.leads)) // FAMILY * FAMILY
        family = self.leads[begin : begin + FAMILY]
        if len(family) < 2:
            return None
        one, other = self.random.sample(family, 2)
        return (one, other) if one.ref != other.ref else None

    def vin(self) -> str:
        from roadbook.identifiers import make_vin

        self.cars += 1
        return make_vin("LSVAA49J", 100_000 + self.cars)
