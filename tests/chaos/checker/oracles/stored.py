"""(a) Acknowledged => stored, once: the ledger against the stores."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from checker.oracles.folder import Op, Stored, Stores, services_of, table
from checker.oracles.verdict import Verdict

STORED, DENSE, ASKED_FOR, ONCE = (
    "a acknowledged events stored",
    "a streams dense",
    "a events that somebody asked for",
    "a commands, timers and reactions with one effect",
)
SYSTEM: Final = ("system", "system:timer", "system:matcher")
"""Actors of a service itself; `system:<reaction>` answers an event."""


def judge(run: Path, ops: Mapping[str, Op], stores: Stores, injected: set[str], verdict: Verdict) -> None:
    verdict.n.update(dict.fromkeys((STORED, DENSE, ASKED_FOR, ONCE), 0))
    by_correlation = _by_correlation(ops, stores)
    _dense(stores, verdict)
    for op in ops.values():
        _acknowledged(op, stores, verdict)
        _bound(op, by_correlation.get(op.correlation, ()), stores, verdict)
    _lists_told_again(ops.values(), by_correlation, verdict)
    _keys(ops.values(), verdict)
    _remembered(run, ops.values(), verdict)
    _invented(ops, stores, injected, verdict)
    _repeated(stores, verdict)
    _reactions(run, stores, verdict)


def _is_system(event: Stored) -> bool:
    return event.actor.partition(":")[0] == "system"


def _by_correlation(ops: Mapping[str, Op], stores: Stores) -> dict[str, list[Stored]]:
    """What clients did, by their own word."""
    wanted = {op.correlation for op in ops.values()}
    found: dict[str, list[Stored]] = defaultdict(list)
    for event in stores.by_id.values():
        if event.correlation in wanted and not _is_system(event):
            found[event.correlation].append(event)
    return found


def _dense(stores: Stores, verdict: Verdict) -> None:
    for event in stores.twice:
        verdict.note("duplicated", DENSE, f"{event.stream} v{event.version} {event.id} stands twice")
    for (service, stream), versions in stores.streams.items():
        verdict.n[DENSE] += 1
        missing = sorted(set(range(1, max(versions) + 1)) - set(versions))
        if missing:
            verdict.note("hole", DENSE, f"{service} {stream}: {missing[:5]} of {max(versions)}")


def _acknowledged(op: Op, stores: Stores, verdict: Verdict) -> None:
    if op.final == "unknown":
        verdict.note("unresolved", STORED, str(op))
    for answer in op.oks:
        ids, stream, version = answer.get("events") or [], answer.get("stream"), answer.get("version")
        for place, id_ in enumerate(ids):
            verdict.n[STORED] += 1
            event = stores.by_id.get(id_)
            if event is None:
                verdict.note("lost", STORED, f"{op}: {id_} of {stream} is not in the store")
            elif stream is not None and event.stream != stream:
                verdict.note("hash_mismatch", STORED, f"{op}: {id_} stands in {event.stream}, said was {stream}")
            elif version is not None and event.version != version - len(ids) + 1 + place:
                verdict.note("hash_mismatch", STORED, f"{op}: {id_} is v{event.version} of {event.stream}")


def _bound(op: Op, events: Sequence[Stored], stores: Stores, verdict: Verdict) -> None:
    """What carries the op's correlation: nothing of a refusal, one group of a success."""
    verdict.n[ONCE] += 1
    hidden = "unknown" in op.classes and op.scope is None  # it may have happened unseen, and been refused as a repeat
    if op.final == "fail":
        if events and not hidden:
            verdict.note("invented", ONCE, f"{op}: refused, and {_named(events)} stand there")
        return
    answers = [answer for answer in op.oks if "events" in answer]
    if not answers or not answers[-1].get("stream"):
        _of_a_list(op, events, verdict)
        return
    told = [stores.by_id[id_] for answer in answers for id_ in answer["events"] if id_ in stores.by_id]
    others = [event for event in events if not _of_its_moment(event, told, stores)]
    if others and not hidden:
        verdict.note("duplicated", ONCE, f"{op}: beside its answer {_named(others)}")


def _of_its_moment(event: Stored, told: Sequence[Stored], stores: Stores) -> bool:
    """A command on several streams is one transaction, of one moment; what another attempt wrote has another. A stream
    that others moved on with a later clock lifts what is recorded to where it was: then the time tells."""
    if event in told or event.recorded in {each.recorded for each in told}:
        return True
    lifted = any(_is_lifted(each, stores) for each in (event, *told))
    return lifted and event.time in {each.time for each in told}


def _is_lifted(event: Stored, stores: Stores) -> bool:
    before = stores.streams[event.service, event.stream].get(event.version - 1)
    return before is not None and before.recorded == event.recorded


def _of_a_list(op: Op, events: Sequence[Stored], verdict: Verdict) -> None:
    """An import says how many leads there are of its rows; they have streams of their own."""
    last = _counted(op)
    if last is None:
        return
    made = len({event.stream for event in events})
    if made > last["created"] + last["known"]:
        verdict.note("duplicated", ONCE, f"{op}: {made} streams of {last['created']} created and {last['known']} known")
    if made < last["created"]:
        verdict.note("lost", ONCE, f"{op}: {made} streams of {last['created']} created")


def _counted(op: Op) -> Mapping[str, Any] | None:
    """The answer to an import that was no dry run."""
    counts = [answer for answer in op.oks if "created" in answer and "known" in answer]
    return counts[-1] if counts and not counts[-1].get("dry_run") else None


def _lists_told_again(ops: Iterable[Op], by_correlation: Mapping[str, Sequence[Stored]], verdict: Verdict) -> None:
    """The same list in several operations, each with a key of its own: its rows are leads once."""
    lists: dict[tuple[Any, ...], list[Op]] = defaultdict(list)
    for op in ops:
        if op.invoke.get("body_sha256") and _counted(op) is not None:
            lists[tuple(op.invoke.get(name) for name in ("dealer", "path", "body_sha256"))].append(op)
    for told in lists.values():
        rows = max(counts["created"] + counts["known"] for op in told if (counts := _counted(op)) is not None)
        made = {event.stream for op in told for event in by_correlation.get(op.correlation, ())}
        if len(made) > rows:
            verdict.note("duplicated", ONCE, f"{told[-1]}: {len(made)} streams of {rows} rows, told {len(told)} times")


def _keys(ops: Iterable[Op], verdict: Verdict) -> None:
    """Per key one group of events, for one body and one caller, whichever attempt asks."""
    groups: dict[tuple[Any, ...], dict[tuple[str, ...], Op]] = defaultdict(dict)
    callers: dict[str, Op] = {}
    bodies: dict[tuple[Any, ...], Op] = {}
    for op in ops:
        for answer in op.oks:
            ids = tuple(answer.get("events") or ())
            if op.scope is None or not ids:
                continue
            groups[op.scope].setdefault(ids, op)
            first = callers.setdefault(ids[0], op)
            if first.scope != op.scope:
                name = "duplicated" if first.invoke.get("dealer") == op.invoke.get("dealer") else "leak"
                verdict.note(name, ONCE, f"{op} was given the answer of {first}")
            first = bodies.setdefault(op.scope, op)
            if first.invoke.get("body_sha256") != op.invoke.get("body_sha256"):
                verdict.note("lost", ONCE, f"{op} was given the answer of another body, {first}")
    for scope, found in groups.items():
        if len(found) > 1:
            verdict.note("duplicated", ONCE, f"key {scope[-1]}: {len(found)} groups, {next(iter(found.values()))}")


def _remembered(run: Path, ops: Iterable[Op], verdict: Verdict) -> None:
    """A success under a key left its answer, with the same events; else a repeat would do it again."""
    kept: dict[str, set[tuple[Any, ...]]] = {}
    for service in services_of(run):
        rows = table(run, service, "idempotency")
        if rows is not None:
            bodies = [row["answer"]["body"] for row in rows]
            kept[service] = {(body.get("stream"), *(body.get("events") or ())) for body in bodies}
    for op in ops:
        rows_of = kept.get(str(op.invoke.get("service")))
        if op.scope is None or rows_of is None:
            continue
        for answer in op.oks:
            said = (answer.get("stream"), *(answer.get("events") or ()))
            if len(said) > 1 and said[0] and said not in rows_of:
                verdict.note("lost", ONCE, f"{op}: its stored answer")
                break


def _invented(ops: Mapping[str, Op], stores: Stores, injected: set[str], verdict: Verdict) -> None:
    known = {op.correlation for op in ops.values()}
    for event in stores.by_id.values():
        verdict.n[ASKED_FOR] += 1
        if not _is_system(event):
            if event.correlation not in known:
                verdict.note("invented", ASKED_FOR, f"{_named([event])} by {event.actor}: no op of the ledger")
        elif event.actor not in SYSTEM and event.causation is None:
            verdict.note("invented", ASKED_FOR, f"{_named([event])} by {event.actor}: no cause")
        elif event.causation and event.causation not in stores.by_id and event.causation not in injected:
            verdict.note("invented", ASKED_FOR, f"{_named([event])} by {event.actor}: its cause is in no store")


def _repeated(stores: Stores, verdict: Verdict) -> None:
    """The same thing said twice by the system: of a reaction by cause and content, of a timer by its moment too."""
    seen: dict[tuple[Any, ...], Stored] = {}
    for event in stores.by_id.values():
        if not _is_system(event):
            continue
        what: tuple[Any, ...] = (event.actor, event.type, event.content)
        if event.actor in SYSTEM:
            what += (event.stream, event.causation or event.time)
        else:
            what += (event.causation,)
        verdict.n[ONCE] += 1
        first = seen.setdefault(what, event)
        if first is not event:
            verdict.note("duplicated", ONCE, f"{_named([first, event])} by {event.actor} of {event.causation}")


def _reactions(run: Path, stores: Stores, verdict: Verdict) -> None:
    """A reaction's effect and its outcome are one transaction: none without the other, and done means done."""
    for service in services_of(run):
        rows = table(run, service, "reactions")
        if rows is None:
            continue
        noted = {(f"system:{row['reaction']}", str(row["event"])) for row in rows}
        for event in stores.by_id.values():
            reaction = _is_system(event) and event.actor not in SYSTEM
            cause = stores.by_id.get(event.causation or "")
            if cause is not None and cause.service == service:
                continue  # a timer's: the service answers itself, and notes no outcome
            if event.service == service and reaction and (event.actor, event.causation) not in noted:
                verdict.note("invented", ONCE, f"{_named([event])} by {event.actor}: no outcome was noted")


def _named(events: Sequence[Stored]) -> str:
    shown = [f"{event.type.split('.')[2]} {event.stream} v{event.version}" for event in events[:3]]
    return ", ".join(shown) + (f" and {len(events) - 3} more" if len(events) > 3 else "")
