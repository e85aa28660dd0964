"""The run's own figures: what the load reached, what each fault did. The judge's table follows it."""

from collections import Counter
from collections.abc import Sequence
from statistics import median, quantiles
from typing import Any

from run.ledger import Figures

NOT_TESTED = (
    "power loss and what a disk lies about (fsync is trusted), a real network and other file systems, full disks "
    "(F22-F24), slow consumers (F25), a wiped broker under load (F15, tests/system/test_kafka_wiped.py), other clocks "
    "(F32), partial partitions (F36), hostile tokens and inputs (F42-F47, tests of the kit and tests/fuzz), erasure "
    "and webhooks (not built)"
)

GOAL = 100  # commands a second over all services
REFUSED = frozenset({"malformed"})  # always, and rightly
OFTEN = 30


def in_vain(figures: Figures) -> list[str]:
    """Kinds of operations of which not one was accepted: a load that is refused loads nothing."""
    tried = {kind: count for kind, count in figures.kinds.items() if count >= OFTEN and kind not in REFUSED}
    return [f"{count} times {kind}, none accepted" for kind, count in tried.items() if not figures.accepted[kind]]


def figures(figures: Figures, seconds: float) -> list[str]:
    answers, done = figures.answers, figures.classes
    took = sorted(each.took for each in answers if each.class_ == "ok")
    classes = Counter(each.class_ for each in answers)
    rate = figures.commands / seconds
    statuses = Counter(str(each.status or each.problem) for each in answers if each.class_ == "unknown")
    return [
        f"operations      {sum(done.values())}: {done['ok']} ok, {done['fail']} fail, {len(figures.open)} open",
        f"rate            {sum(done.values()) / seconds:.0f} operations/s, {rate:.0f} commands/s with each row of a "
        f"list, reached over {seconds:.0f} s of load{'' if rate >= GOAL else f': below {GOAL}'}",
        f"attempts        {len(answers)}: {classes['ok']} ok, {classes['fail']} fail, {classes['unknown']} unknown "
        f"({', '.join(f'{name} {count}' for name, count in statuses.most_common(8)) or 'none'})",
        f"unknown         {len(figures.unclear)} operations were unknown at least once",
        f"answered in     p50 {1000 * _at(took, 50):.0f} ms, p99 {1000 * _at(took, 99):.0f} ms, "
        f"slowest {max(took, default=0):.1f} s",
        f"kinds           {', '.join(f'{kind} {count}' for kind, count in figures.kinds.most_common())}",
    ]


def _at(values: Sequence[float], percent: int) -> float:
    return quantiles(values, n=100)[percent - 1] if len(values) > 100 else median(values or [0.0])


def of_faults(lines: Sequence[dict[str, Any]]) -> list[str]:
    recovered = sorted(line["recovered_seconds"] for line in lines if line["recovered_seconds"] is not None)
    bit = [line for line in lines if line["bit"]]
    peak = max((line["proof"].get("backlog_peak", 0) for line in lines), default=0)
    found = [
        f"faults          {len(lines)} of {len({line['fault'] for line in lines})} kinds, {len(bit)} bit",
        f"recovered in    median {median(recovered):.1f} s, longest {recovered[-1]:.1f} s"
        if recovered
        else "recovered in    -",
        f"peak backlog    {peak} events",
    ]
    kills = [line["proof"] for line in lines if "longest_without_command_s" in line["proof"]]
    for name in ("longest_without_command_s", "longest_without_visible_event_s", "slowest_partition_s"):
        if kills:
            found.append(
                f"leader killed   {len(kills)} times ({sum(each['controller'] for each in kills)} the controller), "
                f"{name.replace('_', ' ')} {max(each[name] for each in kills)}"
            )
    return found
