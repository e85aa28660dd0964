"""Kafka's jars against the lock, fetched by the real jgo from a repository on loopback that misbehaves on purpose."""

import hashlib
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from roadbook_cli import jars
from roadbook_cli.jars import JarError

NAMES = ("one", "two", "three")
BODIES = {name: name.encode() * 50_000 for name in NAMES}


@dataclass
class Repository:
    """What the loopback Maven repository does: `broken` answers 404, `short` cuts the body off, `changed` alters it."""

    broken: set[str] = field(default_factory=set)
    short: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)
    served: list[str] = field(default_factory=list)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    state = Repository()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.split("/")[-1].removesuffix(".jar").removesuffix("-1.0")
            if not self.path.endswith(".jar") or name in state.broken:
                self.send_error(404)
                return
            state.served.append(name)
            body = BODIES[name][:-1] + b"?" if name in state.changed else BODIES[name]
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if name in state.short else body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    config = tmp_path / "jgo.conf"
    config.write_text(f"[repositories]\ncentral = http://127.0.0.1:{server.server_port}\n")
    monkeypatch.setenv("JGO_CONFIG_FILE", str(config))
    yield state
    server.shutdown()
    server.server_close()


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "kafka.lock"
    lines = [f"{hashlib.sha256(body).hexdigest()}  com.example:{name}:1.0\n" for name, body in BODIES.items()]
    path.write_text("# a comment\n" + "".join(lines))
    return path


@pytest.fixture
def libs(tmp_path: Path) -> Path:
    return tmp_path / "kafka" / "libs"


def test_fetches_once_and_verifies(repository: Repository, lock: Path, libs: Path) -> None:
    assert jars.fetch(lock, libs) == 3
    assert sorted(path.name for path in libs.iterdir()) == ["one-1.0.jar", "three-1.0.jar", "two-1.0.jar"]
    assert jars.fetch(lock, libs) == 0
    assert len(repository.served) == 3


def test_a_changed_jar_on_disk_is_refused(repository: Repository, lock: Path, libs: Path) -> None:
    jars.fetch(lock, libs)
    (libs / "two-1.0.jar").write_bytes(BODIES["two"][:-1] + b"!")
    with pytest.raises(JarError, match=r"two-1\.0\.jar is not the one locked .* refused; delete that file"):
        jars.verify(jars.read_lock(lock), libs)
    with pytest.raises(JarError, match="refused"):
        jars.fetch(lock, libs)


def test_a_changed_jar_from_the_network_is_refused_and_not_installed(
    repository: Repository, lock: Path, libs: Path
) -> None:
    repository.changed = {"two"}
    with pytest.raises(JarError, match=r"com\.example:two:1\.0: the downloaded jar is not the one locked"):
        jars.fetch(lock, libs)
    assert not (libs / "two-1.0.jar").exists()
    assert not list(libs.parent.glob("download*"))


def test_a_stranger_on_the_class_path_is_refused(repository: Repository, lock: Path, libs: Path) -> None:
    jars.fetch(lock, libs)
    (libs / "evil.jar").write_bytes(b"")
    with pytest.raises(JarError, match=r"unknown jars .*evil\.jar"):
        jars.verify(jars.read_lock(lock), libs)


@pytest.mark.parametrize("fault", ["broken", "short"])
def test_resumes_after_a_failed_download(repository: Repository, lock: Path, libs: Path, fault: str) -> None:
    setattr(repository, fault, {"three"})
    with pytest.raises(JarError, match=r"could not download com.example:three:1.0 .* it resumes"):
        jars.fetch(lock, libs)
    assert not (libs / "three-1.0.jar").exists()
    setattr(repository, fault, set())
    repository.served.clear()
    assert jars.fetch(lock, libs) == 1
    assert repository.served == ["three"]


def test_half_a_file_left_by_a_kill_is_not_taken_for_a_jar(repository: Repository, lock: Path, libs: Path) -> None:
    killed = subprocess.Popen(["true"])
    killed.wait()
    half = libs.parent / f"download-{killed.pid}" / "com" / "example" / "one" / "1.0" / "one-1.0.jar"
    half.parent.mkdir(parents=True)
    half.write_bytes(BODIES["one"][:100])
    assert jars.fetch(lock, libs) == 3
    assert (libs / "one-1.0.jar").read_bytes() == BODIES["one"]
    assert not list(libs.parent.glob("download*"))


def test_a_damaged_lock_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "kafka.lock"
    path.write_text("# head\nnot a line\n")
    with pytest.raises(JarError, match=r"kafka\.lock:2"):
        jars.read_lock(path)


def test_the_checked_in_lock_names_no_host() -> None:
    path = Path(__file__).parents[3] / "deploy" / "kafka.lock"
    locked = jars.read_lock(path)
    assert len(locked) == 92
    assert {jar.filename for jar in locked} >= {
        "kafka_2.13-4.3.0.jar",
        "kafka-tools-4.3.0.jar",
        "slf4j-simple-1.7.36.jar",
    }
    assert "://" not in path.read_text()
