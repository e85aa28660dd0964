"""One process from start to end: order of shutdown, a dying worker, wrong environments, migrations."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from roadbook.http import routes
from roadbook.http.problems import Problem
from roadbook.http.routes import Admission
from roadbook.runtime import kit_migrations, migrate, migrations_of
from roadbook.settings import SettingsError
from roadbook.testing.http import Signer

PROGRAM = """
import asyncio, sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated
from starlette.responses import Response
from roadbook.http.app import create_app
from roadbook.http.auth import Caller, requires
from roadbook.http.routes import router
from roadbook.runtime import Parts, ServiceDefinition, run
from roadbook.settings import Settings

notes = Path(sys.argv[2])
mode = sys.argv[3]

def note(word):
    with notes.open("a") as file:
        file.write(word + "\\n")

@asynccontextmanager
async def build(settings):
    note("build")
    if mode == "broken":
        raise RuntimeError("secret words")
    routes = router("/v1")

    @routes.get("/slow")
    async def slow(caller: Annotated[Caller, requires("thing:read")]) -> Response:
        note("slow starts")
        while not Path(str(notes) + ".go").exists():
            await asyncio.sleep(0.01)
        note("slow ends")
        return Response("done")

    async def worker(stop):
        note("worker starts")
        if mode == "crash":
            raise ValueError("secret words")
        if mode == "returns":
            return
        await stop.wait()
        if mode == "stuck":
            await asyncio.sleep(3600)
        note("worker ends")

    async def database():
        return {}

    app = create_app(settings=settings, name="sample", title="S", routers=[routes], readiness={"database": database})
    yield Parts(app, {"relay": worker})
    note("closed")

definition = ServiceDefinition("sample", Settings, build, Path(__file__).parent)
sys.exit(run(definition, [sys.argv[1]]))
"""


class Process:
    def __init__(self, folder: Path, signer: Signer, role: str, mode: str, **environ: str) -> None:
        program = folder / "program.py"
        program.write_text(PROGRAM)
        self.notes_path = folder / "notes"
        self.go = folder / "notes.go"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ROADBOOK_")}
        self.process = subprocess.Popen(
            [sys.executable, str(program), role, str(self.notes_path), mode],
            env={
                **inherited,
                **signer.environment(),
                "ROADBOOK_SAMPLE_PORT": "0",
                "ROADBOOK_KAFKA_BOOTSTRAP": "127.0.0.1:1",
                **environ,
            },
            stdout=(folder / "out").open("w"),
            stderr=subprocess.STDOUT,
        )
        self.out = folder / "out"

    @property
    def notes(self) -> list[str]:
        return self.notes_path.read_text().splitlines() if self.notes_path.exists() else []

    @property
    def text(self) -> str:
        return self.out.read_text()

    def base(self) -> str:
        """Where it listens, once it said so and is ready."""
        import json

        wait_for(lambda: "process_started" in self.text)
        lines = [json.loads(line) for line in self.text.splitlines() if "process_started" in line]
        base = f"http://127.0.0.1:{lines[0]['port']}"

        def ready() -> bool:
            try:
                return get(f"{base}/readyz").status_code == 200
            except httpx2.HTTPError:
                return False

        wait_for(ready)
        return base


def get(url: str, headers: dict[str, str] | None = None) -> httpx2.Response:
    return httpx2.get(url, headers=headers, timeout=15, trust_env=False)


def wait_for(condition: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition did not come"
        time.sleep(0.02)


@pytest.fixture
def start(tmp_path: Path, signer: Signer) -> Iterator[Any]:
    started: list[Process] = []

    def begin(role: str, mode: str = "good", **environ: str) -> Process:
        started.append(Process(tmp_path, signer, role, mode, **environ))
        return started[-1]

    yield begin
    for each in started:
        if each.process.poll() is None:
            each.process.kill()
        each.process.wait(10)


def test_the_end_has_an_order(start: Any, signer: Signer) -> None:
    """C8: not ready, no new connections, drain, workers, close; and the request under way gets its answer."""
    process = start("serve")
    base = process.base()
    host, port = "127.0.0.1", int(base.rsplit(":", 1)[1])

    async def scenario() -> bytes:
        reader, writer = await asyncio.open_connection(host, port)
        head = f"GET /v1/slow HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {signer.token()}\r\n\r\n"
        writer.write(head.encode())
        await asyncio.to_thread(wait_for, lambda: "slow starts" in process.notes)
        process.process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(wait_for, lambda: refused(base))
        assert "worker ends" not in process.notes
        process.go.touch()
        return await reader.read()

    answer = asyncio.run(scenario())
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"done")
    assert process.process.wait(15) == 0
    assert process.notes == ["build", "worker starts", "slow starts", "slow ends", "worker ends", "closed"]


def refused(base: str) -> bool:
    try:
        get(f"{base}/livez")
    except httpx2.ConnectError:
        return True
    except httpx2.HTTPError:
        return False
    return False


@pytest.mark.parametrize("mode", ["crash", "returns"])
def test_a_dead_worker_takes_the_process_with_it(mode: str, start: Any) -> None:
    process = start("serve", mode)
    assert process.process.wait(60) == 1
    assert process.notes[-1] == "closed"
    assert '"worker":"relay"' in process.text
    assert "secret words" not in process.text


def test_a_stuck_worker_does_not_keep_the_process(start: Any) -> None:
    process = start("worker", "stuck")
    process.base()
    process.process.terminate()
    assert process.process.wait(60) == 1
    assert "workers_did_not_stop" in process.text


def test_a_second_signal_ends_at_once(start: Any) -> None:
    process = start("worker", "stuck")
    process.base()
    process.process.terminate()
    wait_for(lambda: '"event":"ending"' in process.text)
    process.process.terminate()
    assert process.process.wait(3) == 128 + signal.SIGTERM


def test_roles(start: Any, signer: Signer, tmp_path: Path) -> None:
    api = start("api")
    base = api.base()
    assert get(f"{base}/v1/slow").status_code == 401
    api.process.terminate()
    assert api.process.wait(15) == 0
    assert "worker starts" not in api.notes
    (tmp_path / "worker").mkdir()
    worker = Process(tmp_path / "worker", signer, "worker", "good")
    try:
        base = worker.base()
        assert get(f"{base}/v1/slow").status_code == 404
        assert "http_server_active_requests" in get(f"{base}/metrics").text
        assert get(f"{base}/readyz").json()["checks"] == {"database": {"ok": True}}
        worker.process.send_signal(signal.SIGINT)
        assert worker.process.wait(15) == 0
    finally:
        worker.process.kill()


def test_a_broken_start_says_so_without_words_of_others(start: Any) -> None:
    process = start("serve", "broken")
    assert process.process.wait(60) == 1
    assert '"error_type":"RuntimeError"' in process.text
    assert "secret words" not in process.text


def test_a_wrong_environment_is_one_line(start: Any) -> None:
    process = start("serve", ROADBOOK_SAMPLE_PORT="many")
    assert process.process.wait(60) == 2
    assert process.text.count("\n") == 1
    assert "ROADBOOK_SAMPLE_PORT" in process.text


def test_a_port_that_is_taken_is_one_line(start: Any, signer: Signer, tmp_path: Path) -> None:
    first = start("api")
    port = first.base().rsplit(":", 1)[1]
    (tmp_path / "second").mkdir()
    second = Process(tmp_path / "second", signer, "api", "good", ROADBOOK_SAMPLE_PORT=port)
    assert second.process.wait(60) == 2
    assert f"127.0.0.1:{port}" in second.text


def test_migrations_are_found() -> None:
    assert kit_migrations().name == "migrations"
    assert kit_migrations().is_dir()
    assert migrations_of("/nowhere/src/lead/main.py") == Path("/nowhere/migrations")
    with pytest.raises(SettingsError, match="no migrations"):
        migrate("postgres://nobody@127.0.0.1:1/x", [Path("/nowhere")])


async def test_drained_waits_no_longer_than_asked() -> None:
    admission = Admission(1)
    assert await admission.drained(0.01)
    hold = asyncio.Event()
    task: asyncio.Task[Any] = asyncio.create_task(hold.wait())
    admission.working.add(task)
    assert not await admission.drained(0.01)
    task.add_done_callback(admission.working.discard)
    hold.set()
    assert await admission.drained(5)


async def test_t8_some_at_a_time_wait_aside_and_the_next_keep_their_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "ASIDE_AT_ONCE", 2)
    admission = Admission(1)
    hold = asyncio.Event()

    async def handler() -> Any:
        with admission.aside():
            await hold.wait()

    for number in range(1, 4):
        admission.check()
        task = asyncio.create_task(handler())
        admission.working.add(task)
        task.add_done_callback(admission.working.discard)
        await asyncio.sleep(0)
        assert admission.waiting_aside == min(number, 2)
    with pytest.raises(Problem):
        admission.check()
    hold.set()
    assert await admission.drained(5)
    assert admission.waiting_aside == 0
    admission.check()


COMMAND = """
import sys
from pathlib import Path
from roadbook import logs
from roadbook.runtime import ServiceDefinition, run
from roadbook.settings import Settings

async def count(settings, options):
    logs.get_logger("sample").info("counting")
    print(settings.service, *options)
    return 3

definition = ServiceDefinition("sample", Settings, None, Path("."), commands={"count": count})
sys.exit(run(definition, sys.argv[1:]))
"""


def test_a_command_of_a_service_gets_its_options_and_stdout_for_itself(signer: Signer) -> None:
    environment = {**os.environ, **signer.environment(), "ROADBOOK_KAFKA_BOOTSTRAP": "127.0.0.1:1"}

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", COMMAND, *words], env=environment, capture_output=True, text=True, check=False
        )

    done = call("count", "--to", "9")
    assert (done.returncode, done.stdout) == (3, "sample --to 9\n")
    assert "counting" in done.stderr
    assert call("serve", "--to", "9").returncode == 2
    assert call("reckon").returncode == 2
