"""The README's example stays short. That it runs: `tests/system/test_client.py`; that its types are right: mypy."""

import ast
import re
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def test_the_example_is_short() -> None:
    (block,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len([line for line in block.splitlines() if line.strip()]) <= 24
    ast.parse(block)
