"""The judge names what is wrong with a run: a clean folder has nothing, each doctored one its anomaly and no other."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from checker.judge import judge, main, topics_of
from checker.oracles.folder import Stored, Stores
from checker.oracles.published import partition_of as our_partition_of
from checker.oracles.stored import _of_its_moment
from confluent_kafka import Producer
from told_run import PARTITIONS, ToldRun, told_run

from roadbook.kafka import partition_of
from roadbook.kafka.admin import FACT_TOPIC_CONFIG, TopicSpec, create_topics

STORES = [f"stores/{service}.jsonl" for service in ("identity", "lead", "projection", "sales")]
LATER = "2027-01-01T00:00:00.000000Z"
Doctor = Callable[[ToldRun], object]
DOCTORED: dict[str, tuple[set[str], Doctor]] = {}


def doctored(*names: str) -> Callable[[Doctor], Doctor]:
    """All anomalies that the judge must name, and no others."""

    def note(doctor: Doctor) -> Doctor:
        DOCTORED[doctor.__name__] = ({*names}, doctor)
        return doctor

    return note


# ── (a)
@doctored("lost", "hole", "invented")
def an_acknowledged_event_is_not_stored(run: ToldRun) -> None:
    event = run.followed()
    run.store_of(event).remove(event)


@doctored("lost")
def the_last_event_of_an_answer_is_nowhere(run: ToldRun) -> None:
    _, answer = run.op_of(run.stored("lead_captured"))
    answer["answer"]["events"].append("0199ffff-0000-7000-8000-000000000000")
    answer["answer"]["version"] += 1
    row = next(r for r in run.files["stores/lead.idempotency.jsonl"] if r["key"] == answer["op"])
    row["answer"]["body"] = answer["answer"]


@doctored("hash_mismatch")
def an_answer_names_another_version(run: ToldRun) -> None:
    run.op_of(run.stored("lead_captured"))[1]["answer"]["version"] += 1


@doctored("lost")
def the_stored_answer_is_gone(run: ToldRun) -> None:
    op = run.stored("lead_captured")["correlation"]
    rows = run.files["stores/lead.idempotency.jsonl"]
    rows.remove(next(row for row in rows if row["key"] == op))


@doctored("duplicated")
def a_repeat_wrote_once_more(run: ToldRun) -> None:
    event = run.unrecorded()
    run.store(event, recorded=LATER)


@doctored("duplicated")
def one_key_gave_two_answers(run: ToldRun) -> None:
    one, two = run.op_of(run.stored("opportunity_opened")), run.op_of(run.stored("quote_issued"))
    two[0]["key"] = one[0]["key"]


@doctored("leak")
def a_dealer_was_given_anothers_answer(run: ToldRun) -> None:
    asked, answer = run.op_of(run.stored("lead_captured"))
    here = {"op": "other", "correlation": "other"}
    run.files["ledger.jsonl"] += [{**asked, **here, "dealer": "dealer-sh-02"}, {**answer, **here}]


@doctored("lost")
def another_body_was_given_the_answer(run: ToldRun) -> None:
    asked, answer = run.op_of(run.stored("lead_captured"))
    here = {"op": "other", "correlation": "other"}
    run.files["ledger.jsonl"] += [{**asked, **here, "body_sha256": "2"}, {**answer, **here}]


@doctored("duplicated")
def an_import_made_more_leads_than_rows(run: ToldRun) -> None:
    _, answer = run.op_of(run.stored("lead_captured"))
    answer["answer"] = {"created": 0, "known": 0, "rejected": 0, "dry_run": False}


@doctored("duplicated")
def a_list_that_was_told_again_made_other_leads(run: ToldRun) -> None:
    captured = [line for line in run.files["stores/lead.jsonl"] if line["type"].split(".")[2] == "lead_captured"]
    for event in captured[:2]:
        asked, answer = run.op_of(event)
        asked |= {"path": "/v1/leads:import", "body_sha256": "one list"}
        answer["answer"] = {"created": 1, "known": 0, "rejected": 0, "dry_run": False}


@doctored("duplicated")
def a_commission_was_paid_twice_under_other_names(run: ToldRun) -> None:
    event = run.unrecorded()
    for entry in ("one", "other"):
        data = {"entry": entry, "order": "o-1", "staff": "wang", "amount": 7}
        run.store(event, actor="system:commission", causation=event["id"], correlation=entry, data=data)


@doctored("invented")
def a_refused_command_left_an_event(run: ToldRun) -> None:
    _, answer = run.op_of(run.stored("lead_captured"))
    answer.update({"class": "fail", "status": 409, "answer": None})


@doctored("invented")
def an_event_is_of_nobodys_command(run: ToldRun) -> None:
    lines = run.files["ledger.jsonl"]
    for line in run.op_of(run.stored("lead_captured")):
        lines.remove(line)


@doctored("invented")
def a_reaction_has_no_cause(run: ToldRun) -> None:
    run.reacted("0199ffff-0000-7000-8000-000000000000")


@doctored("duplicated")
def a_reaction_acted_twice(run: ToldRun) -> None:
    run.store(run.reacted(run.stored("lead_captured")["id"]))


@doctored("duplicated")
def a_timer_fired_twice(run: ToldRun) -> None:
    event = run.unrecorded()
    run.store(event, actor="system:timer", correlation="one")
    run.store(event, actor="system:timer", correlation="other")


@doctored("invented")
def a_reaction_noted_no_outcome(run: ToldRun) -> None:
    run.files["stores/identity.reactions.jsonl"].pop()


@doctored("unresolved")
def an_outcome_stays_unknown(run: ToldRun) -> None:
    asked, _ = run.op_of(run.stored("lead_captured"))
    new = {**asked, "op": "never", "correlation": "never", "key": "never"}
    run.files["ledger.jsonl"].append(new)


# ── (b)
@doctored("unpublished")
def an_event_of_no_record_is_not_on_kafka(run: ToldRun) -> None:
    event = run.unrecorded()
    own, place = run.place_of(event)
    del own[place]


@doctored("order_violation")
def two_versions_changed_places(run: ToldRun) -> None:
    own, first, second = run.neighbours()
    own[first], own[second] = (
        own[second]._replace(offset=own[first].offset),
        own[first]._replace(offset=own[second].offset),
    )


@doctored("wrong_partition")
def a_stream_stands_in_another_partition(run: ToldRun) -> None:
    run.moved(run.unrecorded())


@doctored("repeat_differs")
def a_repeat_has_another_byte(run: ToldRun) -> None:
    event = run.stored("lead_captured")
    own, place = run.place_of(event)
    run.send(event, value=(own[place].value or b"") + b" ")


@doctored("hash_mismatch")
def what_is_published_is_not_what_is_stored(run: ToldRun) -> None:
    own, place = run.place_of(run.unrecorded())
    own[place] = own[place]._replace(value=(own[place].value or b"") + b" ")


@doctored("hash_mismatch")
def a_label_is_another(run: ToldRun) -> None:
    event = run.unrecorded()
    event["actor"] = "staff-other"


@doctored("invented")
def an_event_is_on_kafka_and_in_no_store(run: ToldRun) -> None:
    event = run.store(run.unrecorded())
    run.store_of(event).remove(event)


@doctored("unpublished")
def a_personal_value_never_came(run: ToldRun) -> None:
    row = {"party_ref": "ref", "key": "lead/x/name", "value": "a", "version": 7}
    run.files["stores/lead.personal.jsonl"].append(row)


# ── (c)
@doctored("record_differs")
def a_record_is_another(run: ToldRun) -> None:
    run.files["records.jsonl"][0]["hash"] = "0" * 64


@doctored("record_differs")
def a_record_of_the_runs_middle_is_another(run: ToldRun) -> None:
    samples = [line["versions"] for line in run.files["samples.jsonl"]]
    versions, name = next((own, name) for own in samples for name in own if name.startswith(("lead/", "partyref/")))
    del versions[name]


@doctored("unseen")
def a_customer_has_no_record(run: ToldRun) -> None:
    del run.files["records.jsonl"][0]


@doctored("unseen")
def a_dealer_does_not_find_its_customer(run: ToldRun) -> None:
    line = next(line for line in run.files["records.jsonl"] if line["viewer"] is not None)
    line.update(hash=None, body=None, t=LATER)


@doctored("unseen")
def a_summary_is_missing(run: ToldRun) -> None:
    run.files["stores/projection.summaries.jsonl"].pop()


@doctored("record_differs")
def a_summary_is_old(run: ToldRun) -> None:
    run.files["stores/projection.summaries.jsonl"][-1]["record_version"] -= 1


@doctored("unseen")
def a_stream_of_ours_is_held(run: ToldRun) -> None:
    event = run.stored("lead_captured")
    row = {"consumer": "projection", "stream": event["stream"], "version": 9, "reason": None}
    run.files["stores/projection.held.jsonl"].append({**row, "topic": "roadbook.lead.v1", "partition": 0, "offset": 9})


@doctored("not_parked")
def a_forged_event_is_held_by_nobody(run: ToldRun) -> None:
    run.forged(run.stored("lead_captured"), "parked")


# ── (e)
@doctored("leak")
def a_dealer_is_shown_a_customer_of_others(run: ToldRun) -> None:
    run.files["records.jsonl"].append(
        {"viewer": "dealer-bj-01", "customer": run.customer(), "hash": "1" * 64, "body": {}}
    )


@doctored("leak")
def a_record_names_a_stream_of_others(run: ToldRun) -> None:
    line = next(line for line in run.files["records.jsonl"] if line["viewer"] is not None)
    line["body"]["timeline"] = run.foreign(line["viewer"])


@doctored("leak")
def a_name_is_shown_to_another_dealer(run: ToldRun) -> None:
    line = next(line for line in run.files["records.jsonl"] if line["viewer"] is not None)
    line["body"]["identity"] = {"name": "CNRY-dealer-sh-09-0001"}
    row = {
        "party_ref": "x",
        "key": f"{run.foreign(line['viewer'])}/name",
        "value": "CNRY-dealer-sh-09-0001",
        "version": 1,
    }
    run.files["stores/lead.personal.jsonl"].append(row)
    run.personal("x/lead/" + row["key"], 1)


@doctored("leak")
def a_probe_found_something(run: ToldRun) -> None:
    run.files["probes.jsonl"].append({"dealer": "dealer-sh-01", "path": "/v1/leads/x", "status": 200, "leak": True})


@doctored("leak")
def a_fact_holds_a_name(run: ToldRun) -> None:
    own, place = run.place_of(run.unrecorded())
    headers = (*own[place].headers, ("ce_extra", "CNRY-dealer-sh-01-7"))
    own[place] = own[place]._replace(headers=headers)


# ── and the run itself
@doctored("no_bite")
def a_fault_did_nothing(run: ToldRun) -> None:
    run.files["faults.jsonl"][0]["bit"] = False


@doctored("not_judged", "unseen")
def nothing_was_read(run: ToldRun) -> None:
    for name in ("records.jsonl", "stores/projection.summaries.jsonl"):
        run.files[name] = []


@pytest.mark.parametrize("name", DOCTORED)
def test_the_judge_names_what_was_done(name: str, tmp_path: Path) -> None:
    expected, doctor = DOCTORED[name]
    run = told_run()
    doctor(run)
    verdict = run.judged(tmp_path)
    assert {*verdict.names} == expected, "\n".join(verdict.lines())


@pytest.mark.parametrize("seed", range(20))
def test_a_clean_run_has_nothing(seed: int, tmp_path: Path) -> None:
    verdict = told_run(seed).judged(tmp_path)
    assert verdict.ok, "\n".join(verdict.lines())
    assert sum(count > 0 for count in verdict.n.values()) >= 10


def test_repeats_and_forgeries_that_were_dealt_with_are_counted_and_no_more(tmp_path: Path) -> None:
    run = told_run()
    run.send(run.stored("lead_captured"))
    run.forged(run.stored("lead_captured"), "parked")
    forged = run.files["injected.jsonl"][0]
    row = {"consumer": "projection", "version": 2, "reason": None}
    run.files["stores/projection.held.jsonl"].append({**forged, **row})
    verdict = run.judged(tmp_path)
    assert verdict.ok, "\n".join(verdict.lines())
    assert str(verdict.figures["duplicates delivered"]).startswith("1 ")


def test_an_unknown_outcome_that_a_repeat_made_definite_is_resolved(tmp_path: Path) -> None:
    run = told_run()
    asked, answer = run.op_of(run.stored("lead_captured"))
    lines = run.files["ledger.jsonl"]
    lines.insert(lines.index(answer), {**answer, "class": "unknown", "answer": None, "status": 503})
    lines.insert(lines.index(answer), {**asked, "attempt": 2})
    answer["attempt"] = 2
    verdict = run.judged(tmp_path)
    assert verdict.ok, "\n".join(verdict.lines())
    assert verdict.figures["operations resolved by repeating"] == "1/1"


def test_a_transaction_on_two_streams_is_of_one_moment_though_a_later_clock_lifted_one() -> None:
    now, late = "2027-01-01T00:00:00.000000Z", "2027-01-01T00:00:00.500000Z"

    def event(stream: str, version: int, recorded: str, time: str) -> Stored:
        name = f"{stream}-{version}"
        return Stored("identity", stream, version, name, "t", "", "", "a", "c", None, None, None, time, recorded, 0)

    stores = Stores()
    before, lifted = event("one", 1, late, late), event("one", 2, late, now)
    plain, repeated = event("two", 1, now, now), event("three", 1, late, now)
    for each in (before, lifted, plain, repeated):
        stores.add(each)
    assert _of_its_moment(lifted, [plain], stores)
    assert _of_its_moment(plain, [lifted], stores)
    assert not _of_its_moment(lifted._replace(time=late), [plain], stores)
    assert not _of_its_moment(repeated, [plain], stores)


def test_keys_go_where_kafka_puts_them() -> None:
    keys = [f"key-{number}"[: number % 9] + "é" * (number % 3) for number in range(2000)]
    assert all(our_partition_of(key.encode(), 12) == partition_of(key.encode(), 12) for key in keys)
    # As org.apache.kafka.common.utils.UtilsTest has it.
    known = {b"21": -973932308, b"foobar": -790332482, b"a-little-bit-long-string": -985981536, b"abc": 479470107}
    assert {key: our_partition_of(key, 2**31) for key in known} == {key: at & 0x7FFFFFFF for key, at in known.items()}


async def test_kafka_is_read_by_another_client(kafka_bootstrap: str, tmp_path: Path, capsys: object) -> None:
    run = told_run()
    run.judged(tmp_path)  # writes the folder
    wanted = sorted({topic for topic, _ in run.messages})
    topics = {topic: topic.replace("roadbook", "judged") for topic in wanted}
    specs = [TopicSpec(topic, PARTITIONS, 1, dict(FACT_TOPIC_CONFIG)) for topic in topics.values()]
    await create_topics(kafka_bootstrap, specs)
    producer = Producer({"bootstrap.servers": kafka_bootstrap})
    for (topic, partition), own in run.messages.items():
        for message in own:
            headers = [(name, text.encode()) for name, text in message.headers]
            producer.produce(topics[topic], message.value, message.key, partition, headers=headers)
    assert producer.flush(30) == 0
    told = {"topics": list(topics.values()), "loaded_seconds": 10.0, "callers_commands": 30}
    (tmp_path / "run.json").write_text(json.dumps(told))
    assert topics_of(tmp_path) == sorted(topics.values())  # other tests' events stand on the same Kafka
    verdict = judge(tmp_path, kafka_bootstrap)
    assert verdict.ok, "\n".join(verdict.lines())
    events = [line for name, lines in run.files.items() if name in STORES for line in lines]
    own = len({(each["stream"], each["recorded"]) for each in events if each["actor"].startswith("system:")})
    assert own > 0
    assert str(verdict.figures["commands over all services"]).startswith(f"{(30 + own) / 10:.0f}/s over 10 s")
    assert main([str(tmp_path)]) == 0
