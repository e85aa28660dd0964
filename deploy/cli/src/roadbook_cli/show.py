"""The demo's last screen: one lifetime record as a person reads it, and where to go from there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from roadbook_cli import console
from roadbook_cli.story import NEIGHBOUR, SELLER, Seen, Story
from roadbook_client.projection.models import RecordShown, TimelineEntry


def record(found: RecordShown, timeline: Sequence[TimelineEntry]) -> None:
    """Print a record of `GET /v1/customers/{id}` and its timeline, oldest first."""
    head, identity = found["head"], found["identity"]
    # The full name says it all; parts are for when there is none.
    full = [leaf["value"] for leaf in identity["names"] if leaf["part"] == "full" and leaf["value"]]
    parts = [leaf["value"] for leaf in identity["names"] if leaf["part"] != "full" and leaf["value"]]
    name = full[0] if full else " ".join(parts) or "name unknown"
    lines = Table.grid(padding=(0, 2))
    lines.add_column(style="dim")
    lines.add_column(overflow="fold")
    lines.add_row("customer", head["customer_id"])
    lines.add_row("stage", f"{head['stage']} since {_time(head['stage_since'])}")
    lines.add_row("record", f"{head['record_version']} events, {head['completeness']['percent']} % complete")
    for leaf in identity["contact_points"] + identity["addresses"]:
        marks = [word for word, on in (("preferred", leaf["preferred"]), ("not valid", not leaf["valid"])) if on]
        lines.add_row(leaf["field"], escape(_plain(leaf["value"]) + (f"  ({', '.join(marks)})" if marks else "")))
    for lead in found["intent"]["open_leads"]:
        for vehicle in lead["vehicles"]:
            words = (vehicle["interest"], vehicle["condition"], vehicle["year"], vehicle["model"])
            lines.add_row("intent", escape(" ".join(str(word) for word in words if word)))
        if lead["grade"]:
            lines.add_row("grade", escape(f"{lead['grade']}: {', '.join(lead['reasons'])}"))
        action = lead["next_action"]
        if action:
            lines.add_row("next action", escape(f"{action['kind']}, due {_time(action['due'])}"))
    for more in identity["more"]:
        lines.add_row(more["field"], escape(_short(_plain(more["value"]))))
    console.out.print(Panel(lines, title=f"Lifetime record 终生档案 · {escape(name)}", title_align="left"))
    rows = [(_time(e["occurred_at"]), escape(e["summary"]), e["dealer"], e["actor"], e["version"]) for e in timeline]
    console.table("Timeline", ("when (UTC)", "what", "dealer", "who", "version"), rows)


def story(told: Story) -> None:
    """Print how two references became one customer, who sees what of it, and what a split gives."""
    whole = told.now
    names = " · ".join(dict.fromkeys(str(leaf["value"]) for leaf in whole["identity"]["names"] if leaf["value"]))
    evidence = ", ".join(f"{each['rule']} ({each['field']})" for each in told.link["evidence"])
    (sale,) = [sale for sale in whole["purchases"] if sale["vin"] == told.vin]
    lines = Table.grid(padding=(0, 2))
    lines.add_column(style="dim")
    lines.add_column(overflow="fold")
    lines.add_row("came in", f"as {told.refs[0]} at {SELLER} and as {told.refs[1]} at {NEIGHBOUR}")
    lines.add_row("linked", escape(f"by {told.link['by']}: {evidence}"))
    lines.add_row("bought", f"{sale['model']} {told.vin}, delivered {_time(sale['delivered_at'])}")
    lines.add_row("stage", f"{whole['head']['stage']} since {_time(whole['head']['stage_since'])}")
    title = f"One customer 一位客户 · {escape(names)}"
    console.out.print(Panel(lines, title=title, title_align="left"))
    rows = _who_sees("linked", told.joined)
    if told.split is not None:
        rows += _who_sees("split", told.split)
        rows.append(("linked by hand", "headquarters", *_what(whole)))
    console.table("Who sees what", ("when", "who", "customer", "refs", "events", "bought", "stage"), rows)


def _who_sees(when: str, seen: Seen) -> list[tuple[str, ...]]:
    who = [("headquarters", each) for each in seen.headquarters]
    who += [(SELLER, seen.seller), (NEIGHBOUR, seen.neighbour)]
    return [(when, name, *_what(each)) for name, each in who]


def _what(found: RecordShown) -> tuple[str, ...]:
    head = found["head"]
    counts = (len(head["party_refs"]), head["record_version"], len(found["purchases"]))
    return "…" + head["customer_id"][-12:], *(str(count) for count in counts), head["stage"]


def figures(found: dict[str, Any], token: str, url: str) -> None:
    """What `GET /v1/lead-figures` answers headquarters, and how to ask for it oneself."""
    median = found["median_seconds_to_first_contact"]
    conversion = found["conversion_percent"]
    rows = [
        ("leads", _counts(found["by_state"]), f"{found['leads']} in all"),
        ("by grade", _counts(found["by_grade"]), ""),
        ("by dealer", _counts(found["by_dealer"]), ""),
        ("overdue", str(found["overdue"]), f"{found['unanswered']} wait for a dealer, {found['pooled']} in the pool"),
        ("conversion", "—" if conversion is None else f"{conversion} %", f"{found['converted']} converted"),
        ("first contact", "—" if median is None else f"{median} s", f"median of {found['contacted']} contacted"),
    ]
    console.table("The network in figures", ("what", "how many", ""), rows)
    console.out.print("[dim]as headquarters, any time:[/dim]", highlight=False)
    line = f'curl -H "Authorization: Bearer {token}" {url}/v1/lead-figures'
    console.out.print(line, highlight=False, markup=False, soft_wrap=True)


def _counts(by: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in by.items()) or "none"


def next_steps(token: str, lead_url: str, record_url: str, adf_file: str) -> None:
    """Commands to paste, with a token that works for eight hours."""
    console.out.print("\n[bold]Try it[/bold] (the token is dealer-sh-01's, for eight hours)", highlight=False)
    shown = (
        f"TOKEN={token}",
        f'curl -H "Authorization: Bearer $TOKEN" {record_url}',
        f'curl -H "Authorization: Bearer $TOKEN" "{lead_url}/v1/leads?state=open&grade=hot"',
        f'curl -H "Authorization: Bearer $TOKEN" -H "Idempotency-Key: \\"mine-1\\"" '
        f"-H 'Content-Type: application/xml' --data-binary @{adf_file} {lead_url}/v1/adf",
    )
    for line in shown:
        console.out.print(line, highlight=False, markup=False)
    console.out.print("\n`make down` ends it all; `make status` and `make logs` look into it.", highlight=False)


def _time(text: str | None) -> str:
    return "" if text is None else text[:16].replace("T", " ")


def _plain(value: Any) -> str:
    """Whatever shape a personal value has, as one line; of a contact point or a note the words as they were given."""
    if isinstance(value, dict):
        for words in ("raw", "text"):
            if value.get(words):
                return str(value[words])
        return ", ".join(_plain(part) for part in value.values() if part not in (None, "", [], {}))
    if isinstance(value, list):
        return ", ".join(_plain(part) for part in value)
    return "—" if value is None else str(value)


def _short(text: str, limit: int = 160) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
