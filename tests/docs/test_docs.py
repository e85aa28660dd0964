"""What the documents name exists: links, commands, routes, problem codes, crash points, metrics, variables."""

import importlib
import re
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from typer.main import get_command

from lead.service.import_rows import _PATHS
from roadbook.crashpoints import POINTS
from roadbook.http.problems import registered
from roadbook.runtime import ROLES
from roadbook.settings import variable
from roadbook_cli.contracts.generate import surface
from roadbook_cli.main import app
from roadbook_cli.project import SERVICES

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "services").glob("*/README.md")])
EVERY_PAGE = pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
REFERENCE = ROOT / "docs" / "reference"
APPS = {name: surface(name) for name in SERVICES}
COMMANDS = {role for name in SERVICES for role in importlib.import_module(f"{name}.main").DEFINITION.commands}
# Read by the command line, by the compose file, or by libraries; every other name is a setting of a service.
METRIC = r"\b((?:consumer|outbox|relay|http_server|projection)_[a-z_]+_(?:total|seconds|streams))\b"
# What the worked examples of docs/how-to/add-*.md make, and we do not have.
INVENTED = r"(?i)parking|/v1/cars|test_car_|flag"
OTHER_VARIABLES = {"ROADBOOK_HOME", "ROADBOOK_DATABASE_PASSWORD"}


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def code_of(page: Path) -> str:
    """What stands in code blocks and between backticks."""
    text = text_of(page)
    blocks = re.findall(r"^ *```\w*\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    outside = re.sub(r"^ *```\w*\n.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL)
    return "\n".join([*blocks, *re.findall(r"`([^`\n]+)`", outside)])


def anchors(page: Path) -> set[str]:
    """Headings as the sites that show Markdown make anchors of them."""
    headings = re.findall(r"^#+ (.+)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@EVERY_PAGE
def test_every_link_leads_somewhere(page: Path) -> None:
    text = re.sub(r"^```\w*\n.*?^```", "", text_of(page), flags=re.MULTILINE | re.DOTALL)
    targets = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'src="([^"]+)"', text)
    for target in targets:
        if re.match(r"https?://", target):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), target


@EVERY_PAGE
def test_files_that_are_named_exist(page: Path) -> None:
    folders = "contracts|deploy|docs|services|shared|tests"
    for path in re.findall(rf"(?<![\w./])((?:{folders})/[\w./-]+\w)(?![\w*<{{])", code_of(page)):
        there = (ROOT / path).exists() or (ROOT / "services" / "lead" / path).exists()
        assert there or re.search(INVENTED, path), path


@EVERY_PAGE
def test_no_page_knows_the_machine_it_was_written_on(page: Path) -> None:
    assert not re.findall(r"(?<![\w.$])/(?:work|root|home|tmp/rb)\b", text_of(page))


@EVERY_PAGE
def test_prose_is_at_most_140_wide(page: Path) -> None:
    text = re.sub(r"^```\w*\n.*?^```", "", text_of(page), flags=re.MULTILINE | re.DOTALL)
    assert not [line for line in text.splitlines() if len(line) > 140 and not line.lstrip().startswith("|")]


@EVERY_PAGE
def test_commands_exist(page: Path) -> None:
    code = code_of(page)
    commands = getattr(get_command(app), "commands")  # noqa: B009 - click's group, untyped here
    for name in re.findall(r"(?:^|[\s/(`$])(?<!from )roadbook ([a-z]+)\b", code):
        assert name in commands, name
    for _, role in re.findall(rf"(?:^|\s|bin/)({'|'.join(SERVICES)}) ([a-z]+) *(?:#.*)?$", code, re.MULTILINE):
        assert role in ROLES or role in COMMANDS, role
    targets = set(re.findall(r"^([a-z]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    for name in re.findall(r"(?:^|\$ |`)make ([a-z]+)\b", code, re.MULTILINE):
        assert name in targets, name


def test_the_command_reference_lists_every_command_with_its_own_options() -> None:
    commands = getattr(get_command(app), "commands")  # noqa: B009
    rows = re.findall(r"^\| `roadbook ([a-z]+)` \|(.*)$", text_of(REFERENCE / "cli.md"), re.MULTILINE)
    assert {name for name, _ in rows} == set(commands)
    for name, row in rows:
        known = {option for parameter in commands[name].params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", row)) <= known, name


@EVERY_PAGE
def test_routes_exist(page: Path) -> None:
    known = {re.sub(r"\{\w+\}", "{}", path) for app in APPS.values() for path in app.openapi()["paths"]}
    for path in re.findall(r"(/v1/[A-Za-z0-9_/{}$:.…-]+)", code_of(page)):
        if re.search(INVENTED, path):
            continue
        plain = re.sub(r"(\{\w+\}|\$\w+|(?<=/)[0-9a-f…-]{8,})", "{}", path.rstrip("/.$")).removesuffix("$1")
        plain = re.sub(r"(?<=/timeline)\{\}$", "", plain)
        assert plain in known, path


@EVERY_PAGE
def test_problem_codes_exist(page: Path) -> None:
    named = re.findall(r"/problems/([a-z_]+)", text_of(page)) + re.findall(r'"code": ?"([a-z_]+)"', text_of(page))
    assert set(named) <= set(registered())


def test_crash_points_are_these() -> None:
    shape = rf"`((?:{'|'.join(sorted({point.split('.')[0] for point in POINTS}))})\.[a-z_]+)"
    listed = re.findall(shape, text_of(REFERENCE / "crash-points-and-metrics.md"))
    assert set(listed) == set(POINTS)


def test_metrics_are_these() -> None:
    # stamina's counter is the client's (a retry in this process registers it); no service retries through it.
    ours = {
        f"{metric.name}_total" if metric.type == "counter" else metric.name
        for metric in REGISTRY.collect()
        if not metric.name.startswith(("python_", "process_", "stamina_"))
    }
    page = text_of(REFERENCE / "crash-points-and-metrics.md")
    assert set(re.findall(r"^\| `([a-z_]{8,})` \|", page, re.MULTILINE)) == ours
    for other in PAGES:
        named = re.findall(
            r"\b((?:consumer|outbox|relay|http_server|projection)_[a-z_]+(?:_total|_seconds|_streams))\b",
            text_of(other),
        )
        assert set(named) <= ours, other


def variables() -> set[str]:
    return {
        variable(name, field)
        for name in SERVICES
        for field in importlib.import_module(f"{name}.main").DEFINITION.settings.model_fields
        if field != "service"
    }


def test_the_configuration_reference_lists_every_variable() -> None:
    page = text_of(REFERENCE / "configuration.md")
    pages = "".join(page.replace("<SERVICE>", name.upper()) for name in SERVICES)
    listed = set(re.findall(r"`(ROADBOOK_[A-Z_]+)`", pages))
    assert listed - OTHER_VARIABLES == variables()


@EVERY_PAGE
def test_variables_exist(page: Path) -> None:
    for name in re.findall(r"\bROADBOOK_[A-Z_]*[A-Z]\b(?![<_])", text_of(page)):
        if not re.search(INVENTED, name):
            assert {name, name.removesuffix("_FILE")} & (variables() | OTHER_VARIABLES), name


def test_every_package_has_its_reason() -> None:
    lines = text_of(ROOT / "requirements.in").splitlines()
    wanted = {re.split(r"[;<>=\s\[]", line)[0] for line in lines if line and not line.startswith("#")}
    page = text_of(ROOT / "docs" / "adr" / "0008-dependencies.md")
    rows = re.findall(r"^\| ([a-z0-9 ,-]+) \| .+ \| .+ \|$", page, re.MULTILINE)
    assert {name for row in rows for name in row.split(", ")} - {"package"} == wanted


def test_the_columns_of_an_import_are_these() -> None:
    page = text_of(ROOT / "docs" / "how-to" / "import-leads.md")
    rows = re.findall(r"^\| `([a-z_0-9]+)` \| `/([a-z_0-9/]+)` \|", page, re.MULTILINE)
    assert dict(rows) == {column: path for column, (path, _) in _PATHS.items()}


def test_every_decision_is_in_the_index() -> None:
    files = {path.name for path in (ROOT / "docs/adr").glob("[0-9]*.md")}
    assert set(re.findall(r"\]\((\d{4}[a-z0-9-]+\.md)\)", text_of(ROOT / "docs/adr/README.md"))) == files


def test_the_changelog_names_every_published_event() -> None:
    named = set(re.findall(r"`([a-z_]+)`", text_of(ROOT / "CHANGELOG.md").partition("Events published:")[2]))
    codecs = [codec for app in APPS.values() for codec in app.state.messages.sends.values()]
    every = {each.name for codec in codecs for each in codec.types}
    assert every == named - {"v1"}
