"""The embedded PostgreSQL, as whoever runs this suite (root included)."""

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from roadbook_cli.postgres import Postgres, migrate
from roadbook_cli.project import StackError


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    made = Postgres(tmp_path_factory.mktemp("pg home"))
    made.start()
    yield made
    made.wipe()


async def value(url: str, sql: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_version_18_on_loopback_by_password(postgres: Postgres) -> None:
    assert str(await value(postgres.superuser_url, "SHOW server_version")).startswith("18.")
    assert await value(postgres.superuser_url, "SHOW listen_addresses") == "127.0.0.1"
    assert await value(postgres.superuser_url, "SHOW fsync") == "on"
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres.superuser_url.replace(postgres.secret("postgres"), "wrong"))
    assert (postgres.folder / "passwords.json").stat().st_mode & 0o777 == 0o600


def test_never_runs_as_root(postgres: Postgres) -> None:
    assert postgres.pid
    uid = psutil.Process(postgres.pid).uids().real
    assert uid != 0
    assert uid == (os.geteuid() or postgres.data.stat().st_uid)


async def test_a_service_reaches_its_own_database_only(postgres: Postgres) -> None:
    one, other = postgres.database("one"), postgres.database("other")
    assert await value(one.url, "SELECT current_user || '@' || current_database()") == "one_app@one"
    assert await value(one.owner_url, "SELECT current_user::text") == "one_owner"
    assert await value(one.url, "SELECT pg_has_role('roadbook_app', 'member')") is True
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(one.url.replace("/one?", "/other?"))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await value(one.url, "CREATE TABLE mine (a int)")
    assert postgres.database("other") == other  # a second time: the same, nothing lost


async def test_two_migration_folders_are_one_ordered_list(postgres: Postgres, tmp_path: Path) -> None:
    kit, own = tmp_path / "kit", tmp_path / "own"
    kit.mkdir()
    own.mkdir()
    (own / "20260201000000_b.sql").write_text("-- migrate:up\nINSERT INTO a VALUES (1);\n-- migrate:down\n")
    (kit / "20260101000000_a.sql").write_text(
        "-- migrate:up\nCREATE TABLE a (n int); GRANT SELECT ON a TO roadbook_app;\n-- migrate:down\n"
    )
    database = postgres.database("migrated")
    migrate(database.owner_url, [own, kit])
    migrate(database.owner_url, [own, kit])
    assert await value(database.url, "SELECT count(*) FROM a") == 1
    copy = postgres.clone(database, "migrated_copy")
    assert await value(copy.url, "SELECT count(*) FROM a") == 1
    postgres.drop(copy)
    (own / "20260301000000_c.sql").write_text("-- migrate:up\nSELECT nonsense;\n-- migrate:down\n")
    with pytest.raises(StackError, match=r'migration failed: .*column "nonsense" does not exist'):
        migrate(database.owner_url, [own, kit])


async def test_a_crash_keeps_what_was_committed_and_the_port(postgres: Postgres) -> None:
    postgres.psql("CREATE TABLE kept AS SELECT 7 AS n")
    port, before = postgres.port, postgres.pid
    postgres.stop("immediate")
    assert postgres.pid is None
    postgres.start()
    assert postgres.port == port
    assert postgres.pid != before
    assert await value(postgres.superuser_url, "SELECT n FROM kept") == 7
    again = postgres.pid
    postgres.start()
    assert postgres.pid == again


def test_another_process_with_the_recorded_pid_is_not_taken_for_the_server(tmp_path: Path) -> None:
    made = Postgres(tmp_path / "home")
    data = tmp_path / "data"
    data.mkdir()
    (tmp_path / "home" / "postgres").mkdir(parents=True)
    (tmp_path / "home" / "postgres" / "place.json").write_text(f'{{"data": "{data}", "port": 1}}')
    (data / "postmaster.pid").write_text(f"{os.getpid()}\n{data}\n1000000000\n1\n")
    assert made.pid is None
    made.stop()


@pytest.mark.parametrize("reachable", [True, False])
def test_no_foreign_permission_is_touched_and_wipe_removes_all(tmp_path: Path, reachable: bool) -> None:
    parent = tmp_path / "parent"
    parent.mkdir(mode=0o755 if reachable else 0o700)
    folders = [parent, *parent.parents]
    before = [(path, stat.S_IMODE(path.stat().st_mode), path.stat().st_uid) for path in folders]
    made = Postgres(parent / "home")
    made.start()
    place = made.data.parent
    assert [(path, stat.S_IMODE(path.stat().st_mode), path.stat().st_uid) for path in folders] == before
    assert stat.S_IMODE(made.data.stat().st_mode) == 0o700
    made.wipe()
    assert made.pid is None
    assert not place.exists()
    assert not (parent / "home" / "postgres").exists()


def test_a_lost_data_folder_is_one_message(tmp_path: Path) -> None:
    made = Postgres(tmp_path / "home")
    made.start()
    made.stop()
    subprocess.run(["rm", "-rf", str(made.data)], check=True)
    with pytest.raises(StackError, match="is gone; `roadbook down --wipe` starts afresh"):
        made.start()
    made.wipe()


def test_what_an_error_quotes_of_a_row_stays_out_of_the_log(postgres: Postgres) -> None:
    canary = "canary-13800000000"
    with pytest.raises(StackError):
        postgres.psql(
            f"CREATE TABLE u (t text PRIMARY KEY); INSERT INTO u VALUES ('{canary}'); INSERT INTO u VALUES ('{canary}')"
        )
    log = postgres.log.read_text()
    assert "duplicate key" in log
    assert canary not in log
