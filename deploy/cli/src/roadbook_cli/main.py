"""The commands of `roadbook`.

Results go to stdout, progress to stderr. Exit codes: 0 fine, 1 failed, 2 usage, 3 not all is well.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from roadbook_cli import console, follow, operate, project, show
from roadbook_cli import status as state
from roadbook_cli.jars import JarError
from roadbook_cli.project import SERVICES, StackError
from roadbook_cli.stack import Stack

app = typer.Typer(
    help="Run Roadbook's embedded stack, look into it, and operate its consumers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # its tracebacks show local variables: passwords and personal data
    context_settings={"help_option_names": ["-h", "--help"]},
)
operate.register(app)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def run() -> None:
    """The console script: what an operator can act on is one line, not a traceback."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        app()
    except (StackError, JarError) as error:
        console.err.print(f"[red]roadbook:[/red] {escape(str(error))}", highlight=False)
        sys.exit(1)


def _ports(given: list[str]) -> dict[str, int]:
    """`["kafka=9092", "lead=8001,projection=8002"]` -> a dict; StackError for anything else."""
    known = ("postgres", "kafka", *SERVICES)
    chosen = {}
    for item in ",".join(given).split(",") if given else []:
        name, _, port = item.partition("=")
        if name not in known or not port.isdigit() or not 0 < int(port) < 65536:
            raise StackError(f"--ports {item!r}: give NAME=PORT with NAME one of {', '.join(known)}")
        chosen[name] = int(port)
    return chosen


def current(brokers: int = 0, ports: dict[str, int] | None = None) -> Stack:
    """The stack of this project or of ROADBOOK_HOME; 0 brokers: as many as it was made with."""
    return Stack(project.home(), brokers=brokers, ports=ports or {}, report=console.note)


@app.command()
def up(
    brokers: Annotated[int, typer.Option(help="Kafka brokers: 1, or 3 (RF 3, min ISR 2).", min=0, max=5)] = 0,
    ports: Annotated[list[str] | None, typer.Option(help="postgres=…,kafka=…,lead=…,projection=…")] = None,
    as_json: Json = False,
) -> None:
    """Start what does not run, migrate, wait until all is ready. Harmless when all is up."""
    stack = current(brokers, _ports(ports or []))
    stack.up()
    if as_json:
        console.emit_json(stack.endpoints)
    else:
        show_urls(stack)


def show_urls(stack: Stack) -> None:
    """The table of addresses."""
    known = stack.endpoints
    rows: list[tuple[str, str]] = []
    for name, urls in known["services"].items():
        rows += [
            (f"{name} API", f"{urls['url']}/docs"),
            (f"{name} metrics", f"{urls['url']}/metrics"),
            (f"{name} problem types", f"{urls['url']}/problems"),
            (f"{name} readiness", f"{urls['url']}/readyz"),
        ]
    rows.append(("Kafka", known["kafka"]["bootstrap"]))
    if known["postgres"]:
        rows.append(("PostgreSQL", f"127.0.0.1:{known['postgres']['port']}"))
    rows.append(("everything, with passwords", str(stack.home / "endpoints.json")))
    console.table("Roadbook is up", ("what", "where"), rows)


@app.command()
def down(
    wipe: Annotated[bool, typer.Option("--wipe", help="Also delete its data, logs and keys.")] = False,
) -> None:
    """End every process of the stack. Harmless when nothing runs."""
    current().down(wipe=wipe)
    console.note("the stack is down" + (" and its data are gone" if wipe else ""))


@app.command()
def status(as_json: Json = False) -> None:
    """What runs, where and since when; exit code 3 when something that should run does not."""
    found = state.parts(current())
    if as_json:
        console.emit_json(state.as_json(found))
    elif not found:
        console.note("the stack is not up; `make up` or `roadbook up` starts it")
    else:
        console.table(
            "Roadbook",
            ("name", "state", "address", "pid", "memory MB", "up s"),
            [(p.name, p.state, p.address, p.pid, p.memory_mb, p.uptime_seconds) for p in found],
        )
    if not found or any(part.state in ("stopped", "running") for part in found):
        raise typer.Exit(3)


@app.command()
def logs(
    service: Annotated[str | None, typer.Argument(help="lead, projection, kafka, postgres …; all when absent")] = None,
    following: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0)] = 20,
) -> None:
    """The last lines of the logs."""
    files = state.log_files(current(), service)
    try:
        for line in (follow.follow if following else follow.last)(files, lines):
            print(line, flush=True)
    except (KeyboardInterrupt, BrokenPipeError):
        raise typer.Exit(0) from None


@app.command()
def token(
    dealer: Annotated[str | None, typer.Option(help="The dealer the bearer works for, e.g. dealer-sh-01.")] = None,
    scope: Annotated[list[str] | None, typer.Option(help="Repeatable, or separated by spaces or commas.")] = None,
    headquarters: Annotated[bool, typer.Option("--headquarters", help="No dealer; sees the network.")] = False,
    sub: Annotated[str, typer.Option(help="Opaque id of the staff member or client.")] = "demo",
    minutes: Annotated[int, typer.Option(min=1, max=24 * 60)] = 480,
) -> None:
    """Print an access token of the embedded issuer (never in production)."""
    from roadbook_cli.issuer import SCOPES, Issuer

    if (dealer is None) == (not headquarters):
        raise StackError("give either --dealer DEALER or --headquarters")
    scopes = [word for item in scope or [] for word in item.replace(",", " ").split()]
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown:
        raise StackError(f"unknown scope {', '.join(unknown)}; there are: {' '.join(SCOPES)}")
    scopes = scopes or [name for name in SCOPES if name != "network:all"]
    if headquarters and "network:all" not in scopes:
        scopes.append("network:all")
    issuer = Issuer(project.home() / "issuer")
    print(issuer.sign(subject=sub, scopes=scopes, dealer=dealer, seconds=minutes * 60))


@app.command()
def doctor(as_json: Json = False) -> None:
    """Check Python, Java, jars, PostgreSQL, disk, processes, migrations, topics; exit code 3 when something fails."""
    from roadbook_cli import doctor as examination

    findings = examination.examine(current())
    if as_json:
        console.emit_json(examination.as_json(findings))
    else:
        colour = {"ok": "[green]ok[/green]", "warn": "[yellow]warn[/yellow]", "fail": "[red]fail[/red]"}
        console.table(
            "Roadbook doctor",
            ("check", "", "finding"),
            [(f.check, colour[f.level], escape(f.detail)) for f in findings],
        )
    if any(finding.level == "fail" for finding in findings):
        raise typer.Exit(3)


@app.command()
def demo(
    seed: Annotated[int, typer.Option(help="The same seed gives the same customers.", min=0)] = 1,
    count: Annotated[int, typer.Option(help="Purchase intents to load.", min=0, max=10_000)] = 200,
    brokers: Annotated[int, typer.Option(help="Kafka brokers: 1, or 3 (RF 3, min ISR 2).", min=0, max=5)] = 0,
    ports: Annotated[list[str] | None, typer.Option(help="postgres=…,kafka=…,lead=…,projection=…")] = None,
) -> None:
    """Start the stack, load ADF samples and purchase intents over HTTP, show one lifetime record. Twice is harmless."""
    stack = current(brokers, _ports(ports or []))
    stack.up()
    asyncio.run(_demo(stack, seed, count))


async def _demo(stack: Stack, seed: int, count: int) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    from roadbook_cli import demo as scenario  # late, as all that is slow to load and not every command's need

    async with scenario.client(stack) as client:
        with Progress(*columns, console=console.err) as progress:
            total = count + scenario.pilot_size(count) + len(scenario.samples())
            task = progress.add_task("loading over HTTP", total=total)
            loaded = await scenario.load(client, stack, seed, count, lambda: progress.advance(task))
            progress.update(task, completed=total)
        if loaded.before:
            console.note(f"the {loaded.leads} leads of seed {seed} were loaded before")
        else:
            console.note(f"{loaded.leads} leads loaded in {loaded.seconds:.1f} s")
        customer = loaded.adf[0]
        show.record(*await scenario.record(client, customer))
        with scenario.explained():
            show.story(await scenario.told(client, stack, seed))
            show.figures(dict(await client.of(None).lead.lead_figures()), client.token(None), client.lead)
        show_urls(stack)
        record_url = f"{client.projection}/v1/customers/{customer['party_ref']}"
        sample = Path(__file__).parent / "samples" / "adf" / scenario.samples()[0][0]
        show.next_steps(client.token(scenario.ADF_DEALER), client.lead, record_url, f"'{sample}'")
