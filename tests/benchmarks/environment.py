"""`python -m benchmarks.environment`: the peers' own environment under `.roadbook/bench`, as `requirements.lock` has
it; done at once when it is there."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from roadbook_cli import project

LOCK = Path(__file__).with_name("requirements.lock")


def main() -> None:
    folder = project.root() / ".roadbook" / "bench" / "venv"
    stamp, wanted = folder / "stamp", hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return
    own = project.root() / ".roadbook" / "uv" / "bin" / "uv"
    uv = str(own) if own.is_file() else shutil.which("uv")
    if uv is None:
        raise SystemExit("no uv: run `make setup`")
    print("installing the peers of the benchmarks", flush=True)
    subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)], check=True)
    python = str(folder / "bin" / "python")
    subprocess.run([uv, "pip", "sync", "--quiet", "--python", python, "--require-hashes", str(LOCK)], check=True)
    stamp.write_text(wanted, encoding="utf-8")


if __name__ == "__main__":
    main()
