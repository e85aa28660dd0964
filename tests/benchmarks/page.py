"""`python -m benchmarks.page [RESULTS]`: the measured part of docs/benchmarks.md, and its plot, out of a run's JSON."""

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.frame import number
from benchmarks.plot import svg
from roadbook_cli import project

BEGIN, END = "<!-- measured: python -m benchmarks.page -->", "<!-- end of measured -->"


def main() -> None:
    root = project.root()
    given = Path(sys.argv[1]) if len(sys.argv) > 1 else root / ".roadbook" / "bench" / "results.json"
    told = json.loads(given.read_text(encoding="utf-8"))
    page = root / "docs" / "benchmarks.md"
    text = page.read_text(encoding="utf-8")
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    page.write_text(f"{before}{BEGIN}\n\n{measured(told)}\n{END}{after}", encoding="utf-8")
    (root / "docs" / "pictures" / "benchmarks.svg").write_text(svg(told["lines"]), encoding="utf-8")


def measured(told: dict[str, Any]) -> str:
    machine = told["machine"]
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    lines = [
        "![How much of each goal was reached](pictures/benchmarks.svg)",
        "",
        f"{told['when'][:10]}, {'small sizes' if told['quick'] else 'the real sizes'}; load of the machine as the run"
        f" began: {told['load']}.",
        "",
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB; {machine['system']};"
        f" Python {machine['python']};",
        f"PostgreSQL {machine['postgresql']}; Kafka {machine['kafka']};",
        f"{packages}.",
        "",
        "| path | case | ours | beside | ratio | goal |",
        "|---|---|---|---|---|---|",
        *(_row(line) for line in told["lines"]),
        "",
        *(f"- {note['row']}: {note['text']}" for note in told["notes"]),
        "",
        "What is below its goal, and what bounds it:",
        "",
        *dict.fromkeys(
            f"- {line['row']}, {_missed(line)}: {line['bounded_by']}" for line in told["lines"] if not line["met"]
        ),
    ]
    return "\n".join(_wrapped(line) for line in lines) + "\n"


def _row(line: dict[str, Any]) -> str:
    beside = f"{line['other']}: {_spread(line['theirs'], line['unit'])}" if line["theirs"] else ""
    ratio = _spread(line["ratio"], "") if line["ratio"] else ""
    return (
        f"| {line['row']} | {line['case']} | {_spread(line['ours'], line['unit'])} | {beside} | {ratio} "
        f"| {'<br>'.join(line['verdicts'])} |"
    )


def _spread(one: dict[str, float], unit: str) -> str:
    if one["low"] == one["high"]:
        return f"{number(one['median'])}{unit}"
    return f"{number(one['median'])}{unit} ({number(one['low'])}–{number(one['high'])})"


def _missed(line: dict[str, Any]) -> str:
    return f"{line['case']} ({'; '.join(each for each in line['verdicts'] if 'below' in each)})"


def _wrapped(line: str, width: int = 136) -> str:
    """Prose is at most so wide; tables are not prose."""
    if line.startswith("|"):
        return line
    words, rows = line.split(" "), [""]
    for word in words:
        if len(rows[-1]) + len(word) + 1 > width:
            rows.append("  " if line.startswith("- ") else "")
        rows[-1] += ("" if rows[-1].strip() == "" else " ") + word
    return "\n".join(rows)


if __name__ == "__main__":
    main()
