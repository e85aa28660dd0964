"""The typed client as a stranger uses it, against the running stack."""

import re
import subprocess
import sys
from pathlib import Path

from harness import Net

README = Path(__file__).parents[2] / "contracts" / "client" / "README.md"
PLACES = '"http://127.0.0.1:8101", "http://127.0.0.1:8102", "eyJhbGciOi…"'


def test_the_example_of_the_readme_runs(net: Net) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert block.count(PLACES) == 1
    own = f'"{net.url("lead")}", "{net.url("projection")}", "{net.token()}"'
    done = subprocess.run(
        [sys.executable, "-c", block.replace(PLACES, own)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    stage, *leads = done.stdout.splitlines()
    assert stage == "hot_prospect"
    assert any(line.endswith(" web_form") for line in leads)
