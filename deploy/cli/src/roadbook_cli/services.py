"""Service processes: `<service> serve`, each with the environment of DESIGN's settings, ready when /readyz says so."""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from roadbook_cli import processes
from roadbook_cli.processes import Started
from roadbook_cli.project import StackError

_READY_SECONDS = 60
_STOP_SECONDS = 20


@dataclass
class Service:
    """One service of a stack. `environment` is complete: the process sees nothing that is not in it."""

    name: str
    home: Path
    url: str
    environment: Mapping[str, str]

    @property
    def log(self) -> Path:
        return self.home / "logs" / f"{self.name}.log"

    @property
    def _record_path(self) -> Path:
        return self.home / "run" / f"{self.name}.json"

    @property
    def _record(self) -> Started | None:
        return processes.load(self._record_path)

    @property
    def pid(self) -> int | None:
        """The pid while it runs."""
        found = processes.process(self._record)
        return found.pid if found else None

    def start(self, env_extra: Mapping[str, str] | None = None, *, role: str = "serve") -> None:
        """Start it when it does not run; does not wait (see `wait_ready`)."""
        if self.pid is not None:
            return
        processes.spawn(
            [str(Path(sys.executable).parent / self.name), role],
            environment={**self.environment, **(env_extra or {})},
            log=self.log,
            record=self._record_path,
            cwd=self.home,
        )

    def ready(self) -> bool:
        """Whether /readyz answers 200 now. By hand, for it is asked ten times a second while two cores start services,
        and a client of httpx2 reads all certificates of the machine first."""
        address = urlsplit(self.url)
        connection = HTTPConnection(address.hostname or "", address.port, timeout=2)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    def wait_ready(self, seconds: float = _READY_SECONDS) -> None:
        """Poll /readyz. Raises StackError with the log's tail when the process ends or the time is up."""

        def answered() -> bool:
            if self.pid is None:
                raise StackError(f"{self.name} ended before it was ready; {self.log} ends:\n{processes.tail(self.log)}")
            return self.ready() and processes.listens(self._record, int(self.url.rpartition(":")[2]))

        processes.wait_until(answered, seconds, f"{self.name}'s /readyz (log: {self.log})")

    def terminate(self) -> None:
        """SIGTERM (SIGKILL after 20 s); returns when it is gone."""
        processes.stop(self._record, _STOP_SECONDS)

    def kill(self) -> None:
        """SIGKILL; returns when it is gone."""
        processes.send(self._record, signal.SIGKILL)
        processes.wait_gone(self._record, 10)

    def wait_gone(self, seconds: float) -> bool:
        """Wait for it to end by itself (a crash point); False when it still runs."""
        return processes.wait_gone(self._record, seconds)

    def down(self) -> None:
        self.terminate()
        self._record_path.unlink(missing_ok=True)
