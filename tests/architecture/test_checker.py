"""The independent fold is independent, and small enough to be read against the text of the record."""

import ast
import io
import sys
import tokenize
from pathlib import Path

ROOT = Path(__file__).parents[2]
CHECKER = ROOT / "tests" / "chaos" / "checker"
JUDGE = [CHECKER / "judge.py", *sorted((CHECKER / "oracles").glob("*.py"))]
FOLD = sorted({*CHECKER.glob("*.py")} - {*JUDGE})
LINES = 500  # of Python; the table of events is one row an event
BLANK = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER,
}  # fmt: skip


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found


def lines_of_code(path: Path) -> int:
    """Without blank lines, comments and docstrings."""
    text = path.read_text(encoding="utf-8")
    found: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in BLANK:
            found |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node):
            told = node.body[0]
            found -= set(range(told.lineno, (told.end_lineno or told.lineno) + 1))
    return len(found)


def test_the_checker_shares_nothing_with_what_it_checks() -> None:
    modules = [*FOLD, *JUDGE]
    assert {*CHECKER.rglob("*.py")} == {*modules}
    everything = set().union(*(imported(path) for path in modules))
    assert everything - set(sys.stdlib_module_names) == {"checker", "confluent_kafka"}
    assert not any("__import__" in path.read_text() or "importlib" in path.read_text() for path in modules)


def test_the_fold_knows_nothing_of_the_oracles() -> None:
    assert not any("oracles" in path.read_text() or "judge" in path.read_text() for path in FOLD)


def test_the_checker_can_be_read() -> None:
    events = [row for row in (CHECKER / "events.txt").read_text(encoding="utf-8").splitlines() if row[0] not in "#["]
    print(f"\nfold: {sum(map(lines_of_code, FOLD))} lines of code and a table of {len(events)} events")
    assert sum(map(lines_of_code, FOLD)) <= LINES
    assert len(events) <= 100
