"""The demo against the real services; twice is harmless."""

import hashlib
import re
from pathlib import Path

import httpx2

from roadbook_cli import demo, intents
from roadbook_cli.stack import Stack

from .conftest import Roadbook

NETWORK = Path(__file__).parents[3] / "deploy" / "seed" / "network.v1.json"


def leads(stack: Stack) -> int:
    """All leads there are, counted where they are stored."""
    return int(stack.postgres.psql("SELECT count(*) FROM streams WHERE stream LIKE 'lead/%'", database="lead"))


def test_shows_one_record_and_loads_nothing_twice(roadbook: Roadbook, whole_stack: Stack) -> None:
    before = leads(whole_stack)
    arguments = ("demo", "--seed", "7", "--count", "20")
    done = roadbook(*arguments)
    assert done.returncode == 0, done.stderr
    assert "42/42" in done.stderr
    assert "Lifetime record 终生档案 · John Test01292019" in done.stdout
    assert "Purchase intent captured from adf for hyundai-i30" in done.stdout
    assert "Qualified as hot" in done.stdout
    assert "One customer 一位客户 · 张伟 · Zhang Wei" in done.stdout
    seen = re.findall(r"^(linked by hand|linked|split) +headquarters", done.stdout, re.MULTILINE)
    assert seen == ["linked", "split", "split", "linked by hand"]
    assert leads(whole_stack) == before + 44

    again = roadbook(*arguments)
    assert again.returncode == 0, again.stderr
    assert "were loaded before" in again.stderr
    assert leads(whole_stack) == before + 44

    demo.marker(whole_stack, 7).unlink()  # as after an interruption: the idempotency keys and the commands hold
    assert roadbook(*arguments).returncode == 0
    assert leads(whole_stack) == before + 44

    token = re.search(r"^TOKEN=(\S+)$", done.stdout, re.MULTILINE)
    url = re.search(r"(http://\S+/v1/customers/\S+)$", done.stdout, re.MULTILINE)
    assert token
    assert url
    shown = httpx2.get(url[1], headers={"Authorization": f"Bearer {token[1]}"}, trust_env=False)
    assert shown.status_code == 200


def test_the_same_seed_gives_the_same_intents() -> None:
    one, same, other = (intents.generate(seed, 200, NETWORK) for seed in (1, 1, 2))
    assert one == same
    assert one != other
    assert len({intent.dealer for intent in one}) == 6
    names = [intent.body["person"]["name"] for intent in one]
    assert any(name.isascii() for name in names)
    assert any("一" <= name[0] <= "鿿" for name in names)


def test_the_samples_are_the_papers_own_bytes() -> None:
    digests = {name: hashlib.sha256(document).hexdigest()[:12] for name, document in demo.samples()}
    assert digests == {"01-credit-lead-four-phones.xml": "f345e754864e", "02-minimal-spec-lead.xml": "b518618bce9e"}
