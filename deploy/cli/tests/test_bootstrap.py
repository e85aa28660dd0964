"""The set-up script as a person runs it, in a small project of its own (a path with a space), without a network."""

import hashlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[3] / "deploy" / "bootstrap.py"


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("bootstrap_under_test", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def uv() -> Path:
    """The uv that the project itself was set up with."""
    bootstrap = load(SCRIPT)
    (SCRIPT.parent.parent / ".roadbook" / "logs").mkdir(parents=True, exist_ok=True)
    return Path(bootstrap.find_uv(bootstrap.download_environment()))


@dataclass
class Project:
    root: Path
    env: dict[str, str]
    wheel: Path

    @property
    def stamp(self) -> Path:
        return self.root / ".venv" / "roadbook-stamp.json"

    def lock(self, digest: str) -> None:
        (self.root / "requirements.lock").write_text(f"tiny==1.0 --hash=sha256:{digest}\n")

    def start(self, **env: str) -> subprocess.Popen[str]:
        command = [sys.executable, str(self.root / "deploy" / "bootstrap.py")]

        def hear_interrupts() -> None:
            # A shell starts what runs in its background deaf to Ctrl-C, and that is inherited.
            signal.signal(signal.SIGINT, signal.SIG_DFL)

        return subprocess.Popen(
            command, env={**self.env, **env}, stderr=subprocess.PIPE, text=True, preexec_fn=hear_interrupts
        )

    def run(self, **env: str) -> tuple[int, str]:
        process = self.start(**env)
        _, err = process.communicate(timeout=60)
        return process.returncode, err

    def installed(self) -> bool:
        python = self.root / ".venv" / "bin" / "python"
        return subprocess.run([python, "-c", "import tiny"], capture_output=True, check=False).returncode == 0


@pytest.fixture
def project(tmp_path: Path, uv: Path) -> Project:
    root = tmp_path / "a project"
    (root / "deploy").mkdir(parents=True)
    shutil.copy(SCRIPT, root / "deploy")
    for name in ("java.txt", "uv.txt", "kafka.lock"):
        (root / "deploy" / name).write_text("")
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    wheel = wheels / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny.py", "")
        archive.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("tiny-1.0.dist-info/RECORD", "")
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "uv").symlink_to(uv)
    java = tools / "java"
    java.write_text("#!/bin/sh\necho 'openjdk version \"17.0.1\"' >&2\n")
    java.chmod(0o755)
    env = {
        "PATH": f"{tools}:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "UV_CACHE_DIR": str(tmp_path / "cache"),
        "UV_FIND_LINKS": str(wheels),
        "UV_NO_INDEX": "1",
        "UV_HTTP_RETRIES": "0",
    }
    made = Project(root, env, wheel)
    made.lock(hashlib.sha256(wheel.read_bytes()).hexdigest())
    # the jars have tests of their own
    (root / ".roadbook" / "kafka").mkdir(parents=True)
    bootstrap = load(root / "deploy" / "bootstrap.py")
    (root / ".roadbook" / "kafka" / "stamp").write_text(bootstrap.digest(root / "deploy" / "kafka.lock"))
    return made


def test_sets_up_then_is_done_without_any_network(project: Project) -> None:
    assert project.run() == (0, "roadbook: installing the locked Python packages\n")
    assert project.installed()
    shutil.rmtree(project.env["UV_CACHE_DIR"])
    project.wheel.unlink()
    assert project.run(PATH=project.env["PATH"], HTTPS_PROXY="http://127.0.0.1:9") == (0, "")


def test_a_wrong_checksum_is_refused_in_one_line(project: Project) -> None:
    right = (project.root / "requirements.lock").read_text()
    project.lock("0" * 64)
    code, err = project.run()
    assert code == 1
    assert err.splitlines()[-1].startswith("roadbook: a downloaded package is not the one that is locked")
    assert len(err.splitlines()) == 2
    assert not project.stamp.exists()
    assert not project.installed()
    (project.root / "requirements.lock").write_text(right)
    assert project.run()[0] == 0
    assert project.installed()


def test_a_failed_download_says_what_to_do_and_is_resumed(project: Project) -> None:
    code, err = project.run(UV_NO_INDEX="", UV_FIND_LINKS="", UV_DEFAULT_INDEX="http://127.0.0.1:9/simple")
    assert code == 1
    assert "roadbook: a download failed: check the network, proxy and certificate settings" in err
    assert "Traceback" not in err
    assert not project.stamp.exists()
    assert project.run()[0] == 0
    assert project.installed()


def test_interrupted_it_resumes(project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts, never answers: the download hangs
        index = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
        process = project.start(UV_NO_INDEX="", UV_FIND_LINKS="", UV_DEFAULT_INDEX=index)
        connection, _ = silent.accept()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        connection.close()
    assert process.returncode == 130
    assert err.splitlines()[-1] == "roadbook: interrupted; run the same command again, it resumes"
    assert not project.stamp.exists()
    assert project.run()[0] == 0
    assert project.installed()


def test_a_broken_environment_is_made_anew(project: Project) -> None:
    assert project.run()[0] == 0
    (project.root / ".venv" / "bin" / "python").unlink()
    project.stamp.unlink()
    assert project.run()[0] == 0
    assert project.installed()


def test_a_changed_lock_or_a_java_that_went_away_sets_up_again(project: Project) -> None:
    assert project.run()[0] == 0
    lock = project.root / "requirements.lock"
    lock.write_text(lock.read_text() + "# changed\n")
    assert "installing" in project.run()[1]
    assert project.run() == (0, "")
    java = Path(project.env["PATH"].split(":")[0]) / "java"
    java.rename(java.with_name("other"))
    (java.with_name("bin")).mkdir()
    java.with_name("other").rename(java.parent / "bin" / "java")
    assert "installing" in project.run(JAVA_HOME=str(java.parent))[1]


def test_a_jar_that_went_away_is_fetched_again(project: Project) -> None:
    lock = project.root / "deploy" / "kafka.lock"
    lock.write_text(f"# head\n{'0' * 64}  com.example:one:1.0\n")
    bootstrap = load(project.root / "deploy" / "bootstrap.py")
    (project.root / ".roadbook" / "kafka" / "stamp").write_text(bootstrap.digest(lock))
    assert not bootstrap.jars_ready()
    bootstrap.LIBS.mkdir()
    (bootstrap.LIBS / "one-1.0.jar").write_bytes(b"")
    assert bootstrap.jars_ready()


def test_two_at_once_do_not_collide(project: Project) -> None:
    both = [project.start(), project.start()]
    ended = [process.communicate(timeout=60)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], ended
    assert "".join(ended).count("installing the locked Python packages") == 1
    assert project.installed()


def test_no_ensurepip_is_one_message(project: Project, tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text("import sys\nsys.modules['ensurepip'] = None\n")
    empty = tmp_path / "empty"
    empty.mkdir()
    code, err = project.run(PYTHONPATH=str(site), PATH=str(empty))
    assert code == 1
    assert err.startswith("roadbook: this Python (")
    assert "has no `ensurepip`: install it (Debian, Ubuntu: `apt install python3-venv`)" in err
    assert len(err.splitlines()) == 1
    assert not (project.root / ".venv").exists()


def test_an_old_python_is_one_message(project: Project) -> None:
    code = "import sys, runpy; sys.version_info = (3, 9, 2); runpy.run_path(sys.argv[1], run_name='__main__')"
    script = str(project.root / "deploy" / "bootstrap.py")
    done = subprocess.run([sys.executable, "-c", code, script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == (
        "roadbook: Python 3.11 or newer is needed, this is 3.9; "
        "install one and run `make PYTHON=/path/to/python3.11 ...`\n"
    )


def test_the_machines_pip_settings_reach_uv(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    bootstrap = load(project.root / "deploy" / "bootstrap.py")
    for name in ("UV_DEFAULT_INDEX", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    monkeypatch.setenv("PIP_CERT", "/etc/corporate.pem")
    env = bootstrap.download_environment()
    assert env["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"
    assert env["SSL_CERT_FILE"] == env["REQUESTS_CA_BUNDLE"] == "/etc/corporate.pem"
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://own.example/simple")
    assert bootstrap.download_environment()["UV_DEFAULT_INDEX"] == "https://own.example/simple"
    assert os.environ["PIP_CERT"] == "/etc/corporate.pem"
