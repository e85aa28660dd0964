"""What the commands print: results to stdout (JSON with --json), progress and messages to stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

out = Console(soft_wrap=True)
err = Console(stderr=True, soft_wrap=True)


def emit_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def note(text: str) -> None:
    """A line about what goes on; never the result of a command."""
    err.print(f"[dim]roadbook:[/dim] {text}", highlight=False)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    made = Table(title=title, title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False)
    for column in columns:
        # What is copied into the next command stays in one piece, whatever the width of the terminal.
        whole = column in ("stream", "consumer")
        made.add_column(column, overflow="fold", no_wrap=whole, min_width=44 if column == "stream" else None)
    for row in rows:
        made.add_row(*("" if cell is None else str(cell) for cell in row))
    out.print(made)
