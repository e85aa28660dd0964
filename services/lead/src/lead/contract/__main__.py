"""`python -m lead.contract <folder>` writes the schemas of all events."""

import sys
from pathlib import Path

from lead.contract import schemas

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
for name, content in schemas().items():
    (folder / name).write_bytes(content)
