"""The whole stack: up heals, down leaves nothing, both twice; what the environment gives is not started."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import psutil
import pytest

from roadbook_cli import ports
from roadbook_cli.postgres import Database
from roadbook_cli.project import StackError
from roadbook_cli.services import Service
from roadbook_cli.stack import Stack


def pids(stack: Stack) -> dict[str, int | None]:
    known = stack.endpoints
    services = {name: stack.service(name).pid for name in known["services"]}
    return {"postgres": stack.postgres.pid, "kafka": stack.kafka.pid(), **services}


def runs(pid: int | None) -> bool:
    """A zombie that the machine's init has not reaped yet runs no more."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def own_stack(tmp_path: Path) -> Iterator[Stack]:
    """A stack to kill parts of; wiped whatever happens, as root it has a folder outside of `tmp_path`."""
    made = Stack(tmp_path / "home", ports={"lead": ports.choose("lead")})
    yield made
    made.down(wipe=True)


def test_up_twice_changes_nothing_and_heals_what_died(own_stack: Stack) -> None:
    own_stack.up()
    first = pids(own_stack)
    assert all(first.values())
    assert all(own_stack.service(name).ready() for name in ("lead", "projection"))
    assert (own_stack.home / "endpoints.json").stat().st_mode & 0o777 == 0o600

    own_stack.up()
    assert pids(own_stack) == first

    urls = {name: own_stack.service(name).url for name in ("lead", "projection")}
    assert urls["lead"] == f"http://127.0.0.1:{own_stack.ports['lead']}"
    own_stack.service("lead").kill()
    own_stack.postgres.stop("immediate")
    own_stack.up()
    healed = pids(own_stack)
    assert healed["kafka"] == first["kafka"]
    assert healed["projection"] == first["projection"]
    assert healed["lead"] not in (None, first["lead"])
    assert healed["postgres"] not in (None, first["postgres"])
    assert {name: own_stack.service(name).url for name in urls} == urls


def test_down_leaves_no_process_and_keeps_the_data(own_stack: Stack) -> None:
    own_stack.up()
    started, url = pids(own_stack), own_stack.service("projection").url
    own_stack.postgres.psql("CREATE TABLE kept AS SELECT 7 AS n")
    own_stack.down()
    assert not any(runs(pid) for pid in started.values())
    assert own_stack.endpoints == {}
    own_stack.down()

    own_stack.up()
    assert own_stack.service("projection").url == url
    assert own_stack.postgres.psql("SELECT n FROM kept") == "7\n"
    own_stack.down(wipe=True)
    assert [path.name for path in own_stack.home.iterdir()] == ["stack.lock"]


def test_down_where_nothing_was_ever_started(tmp_path: Path) -> None:
    Stack(tmp_path / "never").down()
    assert not (tmp_path / "never").exists()


def test_a_service_process_has_no_owner_password(whole_stack: Stack) -> None:
    pid = whole_stack.service("lead").pid
    assert pid
    environment = psutil.Process(pid).environ()
    owner = whole_stack.endpoints["services"]["lead"]["owner_database_url"]
    assert owner not in environment.values()
    assert environment["ROADBOOK_LEAD_DATABASE_URL"] == whole_stack.endpoints["services"]["lead"]["database_url"]


def test_a_service_that_dies_at_its_start_is_reported_with_its_log(whole_stack: Stack, tmp_path: Path) -> None:
    lead = whole_stack.service("lead")
    broken = Service("lead", tmp_path, lead.url, {**lead.environment, "ROADBOOK_CLOCK": "sundial"})
    broken.start()
    with pytest.raises(StackError, match=r"lead ended before it was ready(.|\n)*ROADBOOK_CLOCK"):
        broken.wait_ready()


def test_given_servers_are_used_and_none_is_started(
    whole_stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = whole_stack.endpoints
    fresh = whole_stack.postgres.clone(whole_stack.postgres.database("elsewhere"), "given_lead")
    monkeypatch.setenv("ROADBOOK_KAFKA_BOOTSTRAP", given["kafka"]["bootstrap"])
    monkeypatch.setenv("ROADBOOK_LEAD_DATABASE_URL", fresh.url)
    monkeypatch.setenv("ROADBOOK_LEAD_OWNER_DATABASE_URL", fresh.owner_url)
    stack = Stack(tmp_path / "home", services=("lead",))
    try:
        stack.up()
        assert stack.kafka.pid() is None
        assert stack.postgres.pid is None
        assert not (stack.home / "postgres").exists()
        assert stack.endpoints["kafka"] == {"bootstrap": given["kafka"]["bootstrap"], "embedded": False, "pids": {}}
        assert httpx2.get(f"{stack.service('lead').url}/readyz", trust_env=False).status_code == 200
    finally:
        stack.down(wipe=True)
    assert whole_stack.postgres.pid
    assert whole_stack.kafka.pid()


def test_an_override_has_the_last_word_and_for_its_service_only(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "home", overrides={"lead": {"ROADBOOK_LEAD_DATABASE_URL": "postgresql://by-a-proxy"}})
    database = Database("any", "postgresql://here", "")
    stack.kafka._state = {"ports": {"1": [1, 2]}}
    for service, url in (("lead", "postgresql://by-a-proxy"), ("sales", "postgresql://here")):
        assert stack.environment(service, database, 1)[f"ROADBOOK_{service.upper()}_DATABASE_URL"] == url
