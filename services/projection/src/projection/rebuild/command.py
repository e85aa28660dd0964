"""`projection rebuild`: progress to stderr, the result to stdout. Exit code 3: records differ, nothing was switched."""

import argparse
import sys
from collections.abc import Sequence

import orjson

from projection.rebuild.running import Busy, Rebuild, Result, Source
from projection.settings import Settings
from roadbook.clock import clock_from

NOT_SWITCHED = 3


async def command(settings: Settings, argv: Sequence[str], sources: Sequence[Source]) -> int:
    parser = argparse.ArgumentParser(prog="projection rebuild")
    parser.add_argument("--accept", action="store_true", help="switch although records differ")
    parser.add_argument("--afresh", action="store_true", help="do not go on with an interrupted rebuild")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args(argv)
    rebuild = Rebuild(
        settings.owner_dsn(), clock_from(settings.clock), sources, accept=given.accept, afresh=given.afresh, tell=_tell
    )
    try:
        result = await rebuild.run()
    except Busy as error:
        sys.stderr.write(f"projection: {error.__doc__}\n")
        return 1
    _show(result, as_json=given.json)
    return 0 if result.switched else NOT_SWITCHED


def _tell(phase: str, done: int, total: int, seconds: float) -> None:
    """`reading: 12,000 of 50,000, 6,180/s, 6 s left`."""
    rate = done / seconds if seconds > 0 else 0.0
    left = f", {max(0, total - done) / rate:.0f} s left" if rate and done < total else ""
    sys.stderr.write(f"{phase}: {done:,} of {max(total, done):,}, {rate:,.0f}/s{left}\n")
    sys.stderr.flush()


def _show(result: Result, *, as_json: bool) -> None:
    shown = result.shown()
    if as_json:
        sys.stdout.write(orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode() + "\n")
        return
    compared = shown["comparison"]
    rows = ", ".join(f"{count} of {table}" for table, count in compared["different_rows"].items() if count)
    lines = [
        f"generation {shown['generation']}: {shown['records']:,} records read ({shown['records_per_second']:,}/s), "
        f"{shown['composed']:,} references composed",
        f"{compared['customers']:,} references compared, {compared['different_records']} records differ"
        + (f"; other rows: {rows}" if rows else ""),
        *(f"  {each['customer_id']}: {', '.join(each['paths']) or 'all of it'}" for each in compared["listed"]),
        "switched"
        + (f"; workers waited {shown['locked_ms']} ms, readers {shown['closed_ms']} ms" if result.attempts else "")
        if result.switched
        else "not switched; once you have looked at the differences, `--accept` switches",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
