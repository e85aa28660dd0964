"""The first steps of the README and the snippets of the guides, run as they are printed, one after the other."""

import asyncio
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import DEALER, OTHER_DEALER, Net, lead_body, until

from roadbook_cli import demo
from roadbook_cli.stack import Stack

ROOT = Path(__file__).parents[2]


def snippets(page: str, heading: str = "") -> list[str]:
    """The shell blocks of a page, or of what stands below one heading up to the next of its level."""
    text = (ROOT / page).read_text(encoding="utf-8")
    if heading:
        section = re.search(rf"^{re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
        assert section, f"{page} has no {heading}"
        text = section[1]
    return re.findall(r"```sh\n(.*?)```", text, re.DOTALL)


async def printed(steps: list[str], environment: dict[str, str]) -> list[str]:
    """What each step prints, all of them run in one shell."""
    script = "\n".join(f"printf '\\n### {number}\\n'\n{step}" for number, step in enumerate(steps))
    return re.split(r"^### \d+\n", await bash(script, environment), flags=re.MULTILINE)[1:]


def at_home(snippet: str, home: Path) -> str:
    """The demo's home is `.roadbook`; a test's stack lives somewhere else."""
    assert ".roadbook/endpoints.json" in snippet
    return snippet.replace(".roadbook/endpoints.json", str(home / "endpoints.json"))


async def bash(script: str, environment: dict[str, str]) -> str:
    """Runs with the clients' environment: no proxy between us and loopback. Fails the test when a command fails."""
    done = await asyncio.to_thread(
        subprocess.run,
        ["bash", "-euo", "pipefail", "-c", script],
        env={**os.environ, "NO_PROXY": "*", **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
async def told(net: Net) -> Net:
    """The demo's one customer is there."""
    async with demo.client(net.stack) as to:
        await demo.told(to, net.stack, seed=1)
    return net


async def test_the_first_steps_of_the_readme(told: Net) -> None:
    net = told
    setting, *steps = snippets("README.md", "## First steps")
    assert all(f"{name}=" in setting for name in ("LEAD", "RECORD", "TOKEN", "OTHER", "HEADQUARTERS"))
    addresses = {
        "LEAD": net.url("lead"),
        "RECORD": net.url("projection"),
        "TOKEN": net.token(DEALER),
        "OTHER": net.token(OTHER_DEALER),
        "HEADQUARTERS": net.token(None),
    }
    capture, record, again, foreign, search, moments, why = await printed(steps, addresses)

    answer = json.loads(capture)
    assert answer["version"] == len(answer["events"]) == 2
    shown = json.loads(record)
    assert shown["head"]["customer_id"] == answer["party_ref"]
    assert shown["head"]["completeness"]["percent"] == 37
    assert shown["identity"]["names"][0]["value"] == "张伟"
    phone = shown["identity"]["contact_points"][0]["value"]
    assert (phone["e164"], phone["extension"]) == ("+862161234567", "801")
    assert shown["intent"]["open_leads"][0]["next_action"]["kind"] == "first_contact"
    assert again.strip() == "the same bytes"
    assert json.loads(foreign)["code"] == "not_found"
    found = json.loads(search)["items"]
    assert answer["party_ref"] in {customer["customer_id"] for customer in found}
    assert [line.split()[0] for line in moments.split("\n") if line] == ["owner_new", "in_purchase"]
    assert json.loads(why)["value"] == 12_490_000


@pytest.fixture
def restarted(net: Net) -> Iterator[Net]:
    """Whatever a test kills of the net, the next one finds it up."""
    yield net
    service = net.stack.service("projection")
    service.start()
    service.wait_ready()


async def test_the_tutorial(restarted: Net) -> None:
    net = restarted
    setting, *steps = snippets("docs/tutorial.md")
    home = {"ROADBOOK_HOME": str(net.stack.home)}
    caught_up = """until curl -fsS -o /dev/null "$RECORD/v1/customers/$CUSTOMER?min=$(field position)" \\
      -H "Authorization: Bearer $TOKEN"; do sleep 0.2; done"""  # a reader that got a 503 asks again
    steps = [at_home(setting, net.stack.home)] + [
        step.replace("\ntimeline", f"\n{caught_up}\ntimeline") for step in steps
    ]
    _, command, tables, topic, record, timeline, killed, qualified, resumed, repeated, *story = await printed(
        steps, home
    )

    answer = json.loads(command)
    assert "roadbook.lead.follow_up_scheduled.v1" in tables
    assert "想周六试驾" in tables
    assert [line.split()[1] for line in topic.split("\n") if line] == ["0000000001", "0000000002"]
    assert json.loads(record)["head"]["customer_id"] == answer["party_ref"]
    assert of_the_lead(timeline) == ["1", "2"]
    assert killed.strip() == ""
    assert json.loads(qualified.split("\n")[0])["version"] == 3
    assert re.search(r"projection +projection +roadbook.lead.v1 +all +\d+ +\d", qualified)
    assert of_the_lead(resumed) == ["1", "2", "3"]
    assert of_the_lead(repeated) == ["1", "2", "3"]

    _, _, link, sale, seen, split, before, why = story
    assert '"rule":"phone_and_name"' in link
    assert json.loads(sale)["version"] == 3
    whole, seller, neighbour, nobody = [line for line in seen.split("\n") if line]
    assert re.fullmatch(r"2 refs \d+ events 1 bought owner_new 张伟/Zhang Wei", whole)
    assert re.fullmatch(r"1 refs \d+ events 1 bought owner_new 张伟", seller)
    assert re.fullmatch(r"1 refs \d+ events 0 bought prospect Zhang Wei", neighbour)
    assert nobody == "not_found"
    cut, parted, joined = [line for line in split.split("\n") if line]
    assert len(json.loads(cut)["cut"]) == 1
    assert (parted[:6], joined[:6]) == ("1 refs", "2 refs")
    assert re.fullmatch(r"2 refs \d+ events 0 bought in_purchase 张伟/Zhang Wei", before.strip())
    price, discount = [json.loads(line) for line in why.split("\n") if line]
    assert (price["value"], discount["value"], len(discount["events"])) == (12_490_000, -500_000, 2)


def of_the_lead(timeline: str) -> list[str]:
    """The versions in its lines; what identity said of the person stands among them."""
    lines = [line for line in timeline.split("\n") if re.match(r"\d  ", line)]
    return [line[0] for line in lines if "by  system:identity" not in line]


async def test_customers_are_linked_and_split(net: Net) -> None:
    setting, *steps = snippets("docs/how-to/link-and-split-customers.md")
    steps = [at_home(setting, net.stack.home), *steps]
    _, _, queue, answered, apart, cut, split = await printed(steps, {"ROADBOOK_HOME": str(net.stack.home)})

    assert len([line for line in queue.split("\n") if line.startswith("600 ")]) >= 2
    assert [json.loads(line)["version"] for line in answered.split("\n") if line] == [2, 2]
    assert json.loads(apart)["apart"]["reason"] == "different_people"
    assert [link["by"] for link in json.loads(cut)["cut"]] == ["steward"]
    assert [json.loads(cut)["cut"][0]["link"]] == json.loads(split)["cut"]


async def test_the_past_is_read(told: Net) -> None:
    setting, *steps = snippets("docs/how-to/read-the-past.md")
    steps = [at_home(setting, told.stack.home), *steps]
    _, vehicle, as_of, known_at, why = await printed(steps, {"ROADBOOK_HOME": str(told.stack.home)})

    assert len(json.loads(vehicle)["owners"]) == 1
    assert [line.split()[0] for line in as_of.split("\n") if line] == ["owner_new", "in_purchase", "not_found"]
    assert known_at.startswith("in_purchase")
    assert [json.loads(line)["value"] for line in why.split("\n") if line] == [12_490_000, "in_purchase"]


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Net]:
    """A stack of its own: events of an invented stream do not belong on a topic that other tests check whole."""
    stack = Stack(tmp_path / "home")
    try:
        stack.up()
        yield Net(stack)
    finally:
        stack.down(wipe=True)


async def test_a_stream_is_parked_tried_again_and_skipped(own: Net) -> None:
    async with own.client("lead") as lead:
        posted = (await lead.post("/v1/leads", json=lead_body(1), headers={"Idempotency-Key": "parked"})).json()
        await lead.post(f"/v1/leads/{posted['lead']}:qualify", json={"grade": "hot", "reasons": []})

    async def all_applied() -> bool:  # three events of the lead, three of the party ref that identity makes of it
        return await own.metric("projection", "consumer_applied_total", consumer="projection") >= 6

    await until(all_applied)
    setting, make, *steps = snippets("docs/how-to/replay-a-parked-stream.md")
    wait = "until .venv/bin/roadbook parked --json | grep -q newer_version; do sleep 0.1; done\n"
    steps = [at_home(setting, own.stack.home), make + wait, *steps]
    environment = {"ROADBOOK_HOME": str(own.stack.home), "COLUMNS": "160"}
    _, _, parked, before, unparked, _, after = await printed(steps, environment)

    assert re.search(r"lead/\S+ +2 +newer_version +1 +roadbook.lead.v1/", parked)
    assert [line.split()[0] for line in before.split("\n") if line] == ["1"]
    assert unparked.strip() == ""  # what it did is a note, on stderr
    assert [line.split()[0] for line in after.split("\n") if line] == ["1", "3"]
