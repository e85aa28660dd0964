"""Rules of the code that no type checker and no import contract can see."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*ROOT.glob("shared/src/**/*.py"), *ROOT.glob("services/*/src/**/*.py")])
TESTS = sorted(
    [*ROOT.glob("shared/tests/**/*.py"), *ROOT.glob("services/*/tests/**/*.py"), *ROOT.glob("tests/**/*.py")]
)
MIGRATIONS = sorted([*ROOT.glob("shared/migrations/*.sql"), *ROOT.glob("services/*/migrations/*.sql")])
SERVICES = sorted(path.name for path in (ROOT / "services").iterdir() if (path / "pyproject.toml").is_file())


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def calls(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(text(path))):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func)


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_there_is_something_to_look_at() -> None:
    assert len(SOURCES) > 30
    assert len(MIGRATIONS) >= 3
    assert {"lead", "projection"} <= set(SERVICES)


def test_t4_no_notify_and_no_advisory_lock_anywhere() -> None:
    pattern = re.compile(r"\bNOTIFY\b|pg_notify|\bLISTEN\b|pg_(try_)?advisory", re.IGNORECASE)
    sql = re.compile(r'"""(?:[^"]|"(?!""))*"""|"[^"\n]*"')
    found = [named(path) for path in MIGRATIONS if pattern.search(re.sub(r"--.*", "", text(path)))]
    for path in SOURCES:
        strings = [
            s for s in sql.findall(text(path)) if re.search(r"\b(SELECT|INSERT|UPDATE|DELETE|NOTIFY|LISTEN)\b", s)
        ]
        found += [named(path) for s in strings if re.search(r"pg_notify|pg_(try_)?advisory|^\W*(NOTIFY|LISTEN) ", s)]
    assert found == []


def test_t8_every_connection_comes_from_the_helper_with_a_timeout() -> None:
    offenders = [
        f"{named(path)}:{line}"
        for path in SOURCES
        if path.name != "database.py" and "testing" not in path.parts
        for line, name in calls(path)
        if name.endswith("pool.acquire") or re.search(r"pool\.(fetch|fetchrow|fetchval|execute|executemany)$", name)
    ]
    assert offenders == []


def test_t2_no_sequence_is_cached() -> None:
    for path in MIGRATIONS:
        for statement in re.findall(r"CREATE SEQUENCE[^;]*;", text(path), re.IGNORECASE):
            assert re.search(r"CACHE 1\b", statement), named(path)


def test_events_have_one_writer() -> None:
    """Everything that makes T2 true stands in one SQL function; nothing writes beside it."""
    pattern = re.compile(r"(INSERT INTO|UPDATE|DELETE FROM)\s+(events|streams|outbox)\b", re.IGNORECASE)
    allowed = {"shared/src/roadbook/recovery.py"}  # puts back what Kafka still has, with the service stopped
    assert {named(path) for path in SOURCES if pattern.search(text(path))} <= allowed


def test_nothing_is_done_in_background_tasks() -> None:
    assert [named(path) for path in SOURCES if "BackgroundTasks" in text(path)] == []


@pytest.mark.parametrize("path", TESTS, ids=named)
def test_tests_wait_for_conditions_and_skip_nothing(path: Path) -> None:
    if path == Path(__file__):
        return
    assert not re.search(r"time\.sleep\((?!0\.0)", text(path))
    assert not re.search(r"mark\.(skip|xfail)|pytest\.skip\(|importorskip|unittest\.mock|\bMagicMock\b", text(path))


def test_every_service_has_the_same_files() -> None:
    common = {"README.md", "Dockerfile", "pyproject.toml", "src/{}/main.py", "src/{}/domain/__init__.py"}
    modules = ("contract", "views", "service", "api", "settings", "reactions")  # a module, or a package of that name
    for service in SERVICES:
        base = ROOT / "services" / service
        missing = [name for name in common if not (base / name.format(service)).is_file()]
        source = base / "src" / service
        missing += [m for m in modules if not (source / f"{m}.py").is_file() and not (source / m).is_dir()]
        assert missing == [], service
        assert list((base / "migrations").glob("*.sql")), service


# What a service has beside the common: its own trade, in one package or module of a name from the glossary.
OWN = {
    "lead": {"adf"},
    "identity": {"matching"},
    "projection": {"composer", "derived", "published", "rebuild", "visibility", "wakeups"},
}


def test_services_differ_in_domain_names_only() -> None:
    modules = {"main", "settings", "api", "reactions", "service", "views", "contract", "domain"}
    for service in SERVICES:
        source = ROOT / "services" / service / "src" / service
        names = {path.stem for path in source.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
        assert names - {"__init__"} == modules | OWN.get(service, set()), service


@pytest.mark.parametrize("path", [*SOURCES, *MIGRATIONS], ids=named)
def test_no_registry_and_no_machine_is_named(path: Path) -> None:
    assert not re.search(r"pypi\.org|pythonhosted|registry\.npmjs|repo1?\.maven|/root/|/work/", text(path))


def test_the_kit_has_no_domain_word() -> None:
    words = re.compile(r"\b(leads?|orders?_placed|repair|loyalty|salesperson|quotes?|prospect)\b", re.IGNORECASE)
    offenders = []
    for path in sorted((ROOT / "shared" / "src").glob("**/*.py")):
        tree = ast.parse(text(path))
        names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} | {
            n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)
        }
        offenders += [f"{named(path)} {name}" for name in names if words.search(name)]
    assert offenders == []
