"""`python -m checker.judge <run> --bootstrap <servers>`: the table of figures, a line for each oracle, exit code 1 if
anything was violated. Without `--bootstrap` it judges once more what was dumped before."""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median
from typing import Any, Final

from checker.oracles import published, recorded, stored
from checker.oracles.folder import Line, Op, Stores, ledger, lines_of, services_of, stores, table
from checker.oracles.kafka import FILE, PERSONAL, Dump, dumped
from checker.oracles.verdict import Verdict

HELD, PROBES, FAULTS = "c streams that nothing holds back", "e probes", "f faults that bit"
Place = tuple[str, int, int]
_POISON: Final = ("F29", "F30", "F31")
"""What no consumer can ever apply; versions out of order (F28) are applied in the end."""
_MUST: Final = (stored.STORED, stored.DENSE, published.PUBLISHED, published.ORDER, recorded.RECORDS)


def judge(run: Path, bootstrap: str) -> Verdict:
    """Dumps Kafka into the run's folder, then judges. Raises TimeoutError when Kafka cannot be read to its end."""
    return examine(run, dumped(run, bootstrap, topics_of(run)))


def topics_of(run: Path) -> list[str]:
    """Those that the run names, and no others: somebody else's events may stand on the same Kafka."""
    own = ["roadbook.derived.v1" if name == "projection" else f"roadbook.{name}.v1" for name in services_of(run)]
    return sorted(about(run).get("topics") or [*own, PERSONAL])


def examine(run: Path, dump: Dump) -> Verdict:
    verdict = Verdict()
    ops, found = ledger(run), stores(run)
    forged = {(line["topic"], line["partition"], line["offset"]): line for line in lines_of(run / "injected.jsonl")}
    _figures(run, ops, found, verdict)
    stored.judge(run, ops, found, {str(line.get("id")) for line in forged.values()}, verdict)
    published.judge(run, dump, found, forged, verdict)
    _held(run, forged, verdict)
    recorded.judge(run, dump, forged, verdict)
    _probes(run, verdict)
    _faults(run, verdict)
    for oracle in _MUST:
        if not verdict.n[oracle]:
            verdict.note("not_judged", oracle, oracle[2:])
    return verdict


def about(run: Path) -> dict[str, Any]:
    path = run / "run.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _figures(run: Path, ops: Mapping[str, Op], found: Stores, verdict: Verdict) -> None:
    say, figures = about(run), verdict.figures
    for name in ("seed", "minutes", "brokers", "commit", "started", "ended"):
        if name in say:
            figures[name] = say[name]
    finals = Counter(op.final for op in ops.values())
    unsure = [op for op in ops.values() if "unknown" in op.classes]
    resolved = sum(op.final != "unknown" for op in unsure)
    figures["operations"] = f"{len(ops)}: {finals['ok']} ok, {finals['fail']} fail, {finals['unknown']} unknown"
    figures["attempts of unknown outcome"] = sum(op.classes.count("unknown") for op in unsure)
    figures["operations resolved by repeating"] = f"{resolved}/{len(unsure)}"
    per_service = Counter(event.service for event in found.by_id.values())
    told = ", ".join(f"{name} {count}" for name, count in sorted(per_service.items()))
    figures["events stored"] = f"{len(found.by_id)} in {len(found.streams)} streams ({told})"
    own = [event for event in found.by_id.values() if event.actor.partition(":")[0] == "system"]
    actors = Counter(event.actor for event in own)
    figures["of them by the system"] = ", ".join(f"{name} {count}" for name, count in actors.most_common()) or "none"
    commands = {(event.stream, event.recorded) for event in own if event.actor != "system"}  # not what is derived
    figures["commands of reactions and timers"] = len(commands)
    if say.get("loaded_seconds"):
        callers, seconds = say["callers_commands"], say["loaded_seconds"]
        figures["commands over all services"] = (
            f"{(callers + len(commands)) / seconds:.0f}/s over {seconds:.0f} s of load: {callers / seconds:.0f} of "
            f"callers, of a list each row, and {len(commands) / seconds:.0f} of reactions and timers"
        )


def _held(run: Path, forged: Mapping[Place, Line], verdict: Verdict) -> None:
    """Nothing of ours waits or is parked at the end; poison is, or an operator has skipped it."""
    streams = {str(line.get("stream")) for line in forged.values()}
    aside: dict[str, set[Any]] = {}
    for service in services_of(run):
        rows = table(run, service, "held")
        if rows is None:
            continue
        known = aside.setdefault(service, set())
        known |= {(row["stream"], row["version"]) for row in table(run, service, "skips") or ()}
        for row in rows:
            place = (row["topic"], int(row["partition"]), int(row["offset"]))
            known.add(place)
            verdict.n[HELD] += 1
            if place not in forged and row["stream"] not in streams:
                why = row["reason"] or "waits for an earlier version"
                verdict.note("unseen", HELD, f"{row['consumer']}: {row['stream']} v{row['version']} {why}")
    for place, line in forged.items():
        if line["fault"] not in _POISON or line["expect"] != "parked" or place[1] < 0 or "projection" not in aside:
            continue
        verdict.n[HELD] += 1
        unreadable = ("undecodable/" + "/".join(map(str, place)), 0)
        if not aside["projection"] & {place, unreadable, (line.get("stream"), line.get("version"))}:
            verdict.note("not_parked", HELD, f"{line['fault']}: {line.get('stream')} at {place}")


def _probes(run: Path, verdict: Verdict) -> None:
    for line in lines_of(run / "probes.jsonl"):
        verdict.n[PROBES] += 1
        if line.get("leak"):
            verdict.note(
                "leak", PROBES, f"{line.get('dealer')} {line.get('path')} {line.get('status')}: {line.get('note')}"
            )


def _faults(run: Path, verdict: Verdict) -> None:
    lines = list(lines_of(run / "faults.jsonl"))
    for line in lines:
        verdict.n[FAULTS] += 1
        if not line.get("bit"):
            verdict.note("no_bite", FAULTS, f"{line.get('fault')} {line.get('what')}: {line.get('proof')}")
    if lines:
        kinds = {line.get("fault") for line in lines}
        verdict.figures["faults"] = f"{len(lines)} of {len(kinds)} kinds"
        verdict.figures["recovered in seconds"] = spread(line.get("recovered_seconds") for line in lines)
        peaks = [(line.get("proof") or {}).get("backlog_peak") or 0 for line in lines]
        verdict.figures["peak backlog"] = f"{max(peaks)} events"


def spread(values: Iterable[float | None]) -> str:
    known = sorted(value for value in values if value is not None)
    return f"median {median(known):.1f}, longest {known[-1]:.1f}" if known else "not measured"


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m checker.judge", description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--bootstrap", help="Kafka, as it stands at the end of the run")
    asked = parser.parse_args(argv)
    if asked.bootstrap is None and not (asked.run / FILE).exists():
        parser.error("Kafka was not dumped yet: --bootstrap is needed")
    verdict = judge(asked.run, asked.bootstrap) if asked.bootstrap else examine(asked.run, Dump(asked.run))
    print(*verdict.lines(), sep="\n")
    return 0 if verdict.ok else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
