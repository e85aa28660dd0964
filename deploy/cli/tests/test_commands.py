"""The commands as a person types them."""

import json
from pathlib import Path
from typing import Any

import httpx2
import uuid_utils
from aiokafka import AIOKafkaProducer
from joserfc import jwt
from joserfc.jwk import KeySet

from roadbook_cli.processes import wait_until
from roadbook_cli.project import SERVICES
from roadbook_cli.stack import Stack

from .conftest import Roadbook, as_json, command

EACH = ", ".join(sorted(SERVICES))


def test_status_names_every_part(roadbook: Roadbook, whole_stack: Stack) -> None:
    done = roadbook("status", "--json")
    assert done.returncode == 0
    parts = {part["name"]: part for part in as_json(done)}
    assert set(parts) == {"postgres", "kafka-1", *SERVICES}
    assert {part["state"] for part in parts.values()} == {"ready"}
    assert parts["lead"]["pid"] == whole_stack.service("lead").pid
    assert parts["lead"]["address"] in roadbook("status").stdout


def test_status_of_what_is_not_up(tmp_path: Path) -> None:
    done = command(tmp_path)("status", "--json")
    assert (done.returncode, json.loads(done.stdout)) == (3, [])


def test_up_again_and_its_addresses(roadbook: Roadbook, whole_stack: Stack) -> None:
    assert as_json(roadbook("up", "--json")) == whole_stack.endpoints
    shown = roadbook("up").stdout
    for service in whole_stack.endpoints["services"].values():
        for page in ("docs", "metrics", "problems"):
            address = f"{service['url']}/{page}"
            assert address in shown
            assert httpx2.get(address, trust_env=False).status_code == 200


def test_doctor_finds_all_well(roadbook: Roadbook) -> None:
    done = roadbook("doctor", "--json")
    findings = as_json(done)
    assert done.returncode == 0, findings
    assert not [finding for finding in findings if finding["level"] == "fail"]
    assert {"java", "kafka jars", "migrations lead", "topic roadbook.lead.v1"} <= {each["check"] for each in findings}


def test_a_token_opens_the_api_and_production_gets_none(roadbook: Roadbook, whole_stack: Stack) -> None:
    done = roadbook("token", "--dealer", "dealer-sh-01", "--scope", "lead:read,record:read", "--sub", "staff-sh-01-1")
    assert done.returncode == 0, done.stderr
    text = done.stdout.strip()
    keys = KeySet.import_key_set(json.loads(whole_stack.issuer.jwks.read_text()))
    claims = jwt.decode(text, keys).claims
    assert (claims["dealer"], claims["scope"], claims["sub"]) == (
        "dealer-sh-01",
        "lead:read record:read",
        "staff-sh-01-1",
    )
    leads = whole_stack.service("lead").url + "/v1/leads"
    assert httpx2.get(leads, headers={"Authorization": f"Bearer {text}"}, trust_env=False).status_code == 200
    assert httpx2.get(leads, trust_env=False).status_code == 401
    headquarters = jwt.decode(roadbook("token", "--headquarters").stdout.strip(), keys).claims
    assert "dealer" not in headquarters
    assert "network:all" in str(headquarters["scope"]).split()
    refused = roadbook("token", "--headquarters", ROADBOOK_ENVIRONMENT="production")
    assert (refused.returncode, refused.stdout) == (1, "")


def test_what_is_wrong_is_one_line_with_what_to_do(roadbook: Roadbook) -> None:
    for arguments, words in (
        (("token",), "give either --dealer DEALER or --headquarters"),
        (("token", "--headquarters", "--scope", "lead:fly"), "unknown scope lead:fly; there are: lead:read"),
        (("up", "--ports", "lead=99999"), f"give NAME=PORT with NAME one of postgres, kafka, {EACH}"),
        (("up", "--brokers", "3"), "this stack was made with 1 broker(s); `roadbook down --wipe` first"),
        (("logs", "nobody"), "no log of 'nobody'; there are: "),
        (("unpark", "projection", "projection", "lead/x"), "nothing of lead/x is parked for projection"),
        (("skip", "projection", "projection", "lead/x", "1", "--reason", "bad_code"), "is not parked for projection"),
        (("rewind", "nobody", "relay:facts"), f"no database known for 'nobody'; there are: {EACH}"),
    ):
        done = roadbook(*arguments)
        assert done.returncode == 1, arguments
        assert words in done.stderr
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert done.stdout == ""


def test_logs_of_one_and_of_all(roadbook: Roadbook) -> None:
    assert '"service.name":"lead"' in roadbook("logs", "lead", "-n", "3").stdout
    assert {line.split(" | ")[0] for line in roadbook("logs").stdout.splitlines()} >= {"lead", "projection", "postgres"}


def test_lag_and_rewind(roadbook: Roadbook) -> None:
    found = as_json(roadbook("lag", "--json"))
    assert {each["channel"] for each in found["lead"]["outbox"]} == {"facts", "personal"}
    assert {each["topic"] for each in found["projection"]["consumers"]} == {
        "roadbook.lead.v1",
        "roadbook.identity.v1",
        "roadbook.sales.v1",
        "roadbook.personal-data.v1",
    }
    assert all(each["events"] is not None for each in found["projection"]["consumers"])
    assert "facts relay goes back from" in roadbook("rewind", "lead", "relay:facts").stderr


async def test_a_parked_stream_is_listed_tried_again_and_skipped(roadbook: Roadbook, whole_stack: Stack) -> None:
    party, stream = str(uuid_utils.uuid7()), f"lead/{uuid_utils.uuid7()}"
    await _publish(whole_stack.bootstrap, party, stream)  # a version of a known event that nobody can read yet

    def parked() -> list[dict[str, Any]]:
        return [each for each in as_json(roadbook("parked", "--json")) if each["stream"] == stream]

    wait_until(lambda: bool(parked()), 30, "the parked stream")
    (found,) = parked()
    assert (found["service"], found["version"]) == ("projection", 1)
    consumer = found["consumer"]
    assert stream in roadbook("parked").stdout

    assert "1 event(s)" in roadbook("unpark", "projection", consumer, stream).stderr
    wait_until(lambda: bool(parked()) and parked()[0]["reason"] == found["reason"], 30, "the stream parked again")

    refused = roadbook("skip", "projection", consumer, stream, "1", "--reason", "Not A Code")
    assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 1)
    done = roadbook("skip", "projection", consumer, stream, "1", "--reason", "made_by_a_test")
    assert done.returncode == 0, done.stderr
    assert parked() == []


async def _publish(bootstrap: str, party: str, stream: str) -> None:
    now = "2026-01-01T00:00:00.000000Z"
    attributes = {
        "specversion": "1.0", "id": str(uuid_utils.uuid7()), "source": "urn:roadbook:lead",
        "type": "roadbook.lead.lead_qualified.v99", "time": now, "recordedtime": now, "subject": stream,
        "dataschema": "urn:roadbook:schema:lead.lead_qualified.v99", "partitionkey": party, "sequence": "0000000001",
        "correlationid": "x", "actor": "test", "dealer": "dealer-sh-01", "partyref": party,
    }  # fmt: skip
    headers = [("content-type", b"application/json"), *((f"ce_{k}", v.encode()) for k, v in attributes.items())]
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        await producer.send_and_wait("roadbook.lead.v1", b"{}", key=party.encode(), headers=headers)
    finally:
        await producer.stop()
