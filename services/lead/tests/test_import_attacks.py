"""F46: files that are not what they say. A clear problem, nothing echoed, bounded memory; what came before stays."""

import csv
import gzip
import io
import json
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead.service import cells
from lead.service import import_files as files
from lead.service.import_files import Fault
from roadbook.database import Pool

CANARY = "canary7f3a"
NDJSON, CSV = "application/x-ndjson", "text/csv"
GOOD = b"row_id,name\r\nr1,Li\r\nr2,Wang\r\n"
LONG = b"x" * (files.MAX_LINE + 1)


async def send(api: Any, content: Any, media_type: str = CSV, source: str = "fair", **headers: str) -> httpx2.Response:
    answer: httpx2.Response = await api.client.post(
        f"/v1/leads:import?source={source}",
        content=content,
        headers={**api.headers, "Content-Type": media_type, **headers},
    )
    return answer


REFUSED: dict[str, tuple[bytes, str, int, int]] = {
    "empty": (b"", "no_header", 400, 0),
    "blank": (b"\r\n\n\n", "no_header", 400, 0),
    "no row_id": (b"name,phone\r\nLi,1\r\n", "row_id_missing", 400, 0),
    "unknown column": (f"row_id,{CANARY}\r\n".encode(), "unknown_column", 400, 0),
    "no header at all": (f"1,{CANARY},138\r\n".encode(), "unknown_column", 400, 0),
    "duplicate column": (b"row_id,name,name\r\n", "column_twice", 400, 0),
    "duplicate row_id": (b"row_id,row_id\r\n", "column_twice", 400, 0),
    "blank column": (b"row_id,,name\r\n", "unknown_column", 400, 0),
    "padded column": (b"row_id, name\r\n", "unknown_column", 400, 0),
    "10,000 columns": (b"row_id," + b",".join(b"a%d" % n for n in range(10_000)), "too_many_columns", 413, 0),
    "20,000 columns": (b"row_id" + b",name" * 20_000, "line_too_long", 413, 0),
    "utf-16": (GOOD.decode().encode("utf-16"), "nul", 400, 0),
    "latin-1": (GOOD + b"r3,M\xfcller\r\n", "not_utf8", 400, 3),
    "gbk": (GOOD + "r3,张伟\r\n".encode("gbk"), "not_utf8", 400, 3),
    "surrogate": (GOOD + b"r3,\xed\xa0\x80\r\n", "not_utf8", 400, 3),
    "nul": (GOOD + b"r3,a\x00b\r\n", "nul", 400, 3),
    "huge line": (GOOD + b"r3," + LONG, "line_too_long", 413, 3),
    "huge line that never ends": (b"row_id,name\r\nr1,Li\r\nr2," + LONG * 20, "line_too_long", 413, 2),
    "huge cell over many lines": (GOOD + b'r3,"' + b"x\n" * files.MAX_LINE + b'"', "line_too_long", 413, 3),
    "quote never closed": (GOOD + f'r3,"{CANARY}\r\n'.encode(), "quote_not_closed", 400, 3),
    "quote in the middle": (GOOD + f'r3,"a"{CANARY}\r\n'.encode(), "malformed_csv", 400, 3),
    "quote in the header": (b'row_id,"name\r\n', "quote_not_closed", 400, 0),
}


async def test_a_file_that_is_refused(api: Any, lead_pool: Pool) -> None:
    stored = 0
    for n, (case, (content, reason, status, row)) in enumerate(REFUSED.items()):
        answer = await send(api, content, source=f"list_{n}")
        problem = answer.json()
        assert (answer.status_code, problem["reason"], problem["row"]) == (status, reason, row), case
        assert problem["code"] == ("import_refused" if status == 400 else "import_too_large"), case
        assert CANARY not in answer.text
        done = (await api.get(f"/v1/imports/{problem['import']}")).json()
        assert (done["state"], done["fault"]) == ("failed", {"reason": reason, "row": row}), case
        # The rows before are stored, and only those.
        stored += max(row - 1, 0)
        assert done["rows"] == done["created"] == max(row - 1, 0), case
        assert await lead_pool.fetchval("SELECT count(*) FROM leads") == stored, case


@pytest.mark.parametrize(
    ("header", "column"), [("row_id,nmae,name", 2), ("row_id,name,row_id", 3), ("name,phone", "row_id")], ids=str
)
async def test_a_header_fault_names_the_column(api: Any, header: str, column: int | str) -> None:
    assert (await send(api, header.encode() + b"\r\n")).json()["column"] == column


async def test_gzip_that_is_none(api: Any) -> None:
    cases = {
        "plain": (GOOD, "not_gzip"),
        "cut": (gzip.compress(GOOD)[:-9], "gzip_cut_short"),
        "cut early": (gzip.compress(GOOD)[:15], "gzip_cut_short"),
        "empty": (b"", "gzip_cut_short"),
        "rubbish behind": (gzip.compress(GOOD) + b"rubbish", "not_gzip"),
        "wrong checksum": (gzip.compress(GOOD)[:-8] + b"\0" * 8, "not_gzip"),
        "zlib": (zlib.compress(GOOD), "not_gzip"),
        "very many members": (gzip.compress(b"") * (files.MAX_MEMBERS + 1), "not_gzip"),
    }
    for case, (content, reason) in cases.items():
        answer = await send(api, content, **{"Content-Encoding": "gzip"})
        assert (answer.status_code, answer.json()["reason"]) == (400, reason), case


async def test_a_cut_file_finishes_when_it_comes_again(api: Any) -> None:
    content = gzip.compress(b"row_id,name\r\n" + b"".join(b"r%d,Li %d\r\n" % (n, n * n) for n in range(2000)))
    answer = await send(api, content[: len(content) // 2], **{"Content-Encoding": "gzip"})
    stored = (await api.get(f"/v1/imports/{answer.json()['import']}")).json()["created"]
    assert 0 < stored < 2000
    again = (await send(api, content, **{"Content-Encoding": "gzip"})).json()
    assert (again["created"], again["known"]) == (2000 - stored, stored)


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/json"},
        {"Content-Type": "text/csv", "Content-Encoding": "br"},
        {"Content-Type": "text/csv", "Content-Encoding": "gzip, gzip"},
        {"Content-Type": "multipart/form-data; boundary=x"},
    ],
    ids=str,
)
async def test_other_types_are_415_and_nothing_is_begun(api: Any, lead_pool: Pool, headers: dict[str, str]) -> None:
    answer = await send(api, GOOD, headers.pop("Content-Type"), **headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert await lead_pool.fetchval("SELECT count(*) FROM imports") == 0


@pytest.mark.parametrize("query", ["", "?source=Not", "?source=web&dry_run=maybe", "?source=web&other=1"])
async def test_wrong_parameters_are_422(api: Any, query: str) -> None:
    answer = await api.client.post(
        "/v1/leads:import" + query, content=GOOD, headers={**api.headers, "Content-Type": CSV}
    )
    assert answer.status_code == 422


async def test_a_wrong_encoding_of_lines_is_a_rejected_row_in_ndjson(api: Any) -> None:
    lines = [b'{"row_id":"a","person":{"name":NaN}}', b'{"row_id":"b","x":' + b"[" * 40 + b"]" * 40 + b"}",
             b'{"row_id":"c","person":{"name":"\\ud800"}}', b'{"row_id":"d","person":{"name":"\\u0000"}}',
             b'{"row_id":"e","n":' + b"9" * 5000 + b"}", b'"x"', b"null", b'{"row_id":null}', b'{"row_id":{"a":1}}',
             b'{"row_id":"f","person":[1]}', b'{"row_id":"g","person":{"name":"ok"},"source":7}']  # fmt: skip
    answer = (await send(api, b"\n".join(lines), NDJSON)).json()
    assert (answer["rejected"], answer["created"]) == (len(lines), 0)
    assert (await send(api, b'{"row_id":"a"}\n\xff\n', NDJSON)).json()["row"] == 2
    assert (await send(api, b'{"row_id":"a\x00"}\n', NDJSON)).json()["reason"] == "nul"
    assert (await send(api, b'{"row_id":"' + LONG, NDJSON)).json()["reason"] == "line_too_long"


async def test_too_many_rows(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_ROWS", 3)
    content = b"row_id,name\r\n" + b"".join(b"r%d,Li\r\n" % n for n in range(5))
    answer = await send(api, content)
    assert (answer.status_code, answer.json()["reason"], answer.json()["row"]) == (413, "too_many_rows", 4)


async def test_more_than_may_be_sent(api: Any, lead_pool: Pool) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b"row_id,name\r\nr1,Li\r\n"
        while True:
            yield b"\r\n" * 512 * 1024

    answer = await send(api, endless())
    assert (answer.status_code, answer.json()["reason"]) == (413, "too_many_rows")  # blank lines count too
    length = {"Content-Length": str(files.MAX_SENT + 1)}
    answer = await send(api, endless(), **length)
    assert (answer.status_code, answer.json()["reason"]) == (413, "content_too_large")


# ── Bombs: what is read is bounded, and what is held ──────────────────────────────────────────────────────────
def bomb(piece: bytes, times: int) -> Iterator[bytes]:
    """A gzip of `piece` over and over, in chunks as they would arrive."""
    engine = zlib.compressobj(9, zlib.DEFLATED, 31)
    for _ in range(times):
        yield engine.compress(piece)
    yield engine.flush()


@pytest.mark.parametrize(
    ("piece", "reason"),
    [
        (b"\0" * 1024 * 1024, "line_too_long"),
        (b"x" * 1024 * 1024, "line_too_long"),
        (b'{"row_id":"' + b"x" * 60_000 + b'"}\n', "too_large"),
        (b"\n" * 1024 * 1024, "too_many_rows"),
    ],
    ids=["zeros", "one line", "long rows", "blank lines"],
)
def test_a_bomb_is_found_before_it_goes_off(piece: bytes, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_BYTES", 64 * 1024 * 1024)
    monkeypatch.setattr(files, "MAX_LINES", 200_000)
    taken = 0

    def counted() -> Iterator[bytes]:
        nonlocal taken
        for chunk in files.inflate(bomb(piece, 2 * files.MAX_BYTES // len(piece))):
            taken += len(chunk)
            yield chunk

    source = files.lines(counted())
    rows = files.ndjson_rows(source)
    tracemalloc.start()
    with pytest.raises(Fault) as fault:
        for _ in files.batches(rows):
            pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert fault.value.code == reason
    assert taken <= files.MAX_BYTES + 64 * 1024
    assert peak < 24 * 1024 * 1024


def test_a_bomb_in_one_chunk_comes_out_in_small_pieces() -> None:
    packed = b"".join(bomb(b"x" * 1024 * 1024, 64))
    assert max(len(piece) for piece in files.inflate(iter([packed]))) <= 64 * 1024


# ── Reading is one function of the bytes, however they are cut ────────────────────────────────────────────────
@given(st.binary(max_size=300), st.lists(st.integers(1, 40), max_size=60), st.booleans())
def test_how_it_is_cut_does_not_matter(content: bytes, cuts: list[int], as_csv: bool) -> None:
    def read(pieces: Iterator[bytes]) -> Any:
        source = files.lines(pieces)
        found = []
        try:
            if as_csv:
                found += [(r.number, list(r.cells)) for r in files.CsvRows(source, frozenset({"row_id"}))]
            else:
                found += [(r.number, list(r.cells)) for r in files.ndjson_rows(source)]
        except Fault as fault:
            return found, fault.code, fault.row
        return found, None, None

    prefix = b"row_id\n" if as_csv else b""
    whole = prefix + content

    def pieces() -> Iterator[bytes]:
        at = 0
        for cut in cuts:
            yield whole[at : at + cut]
            at += cut
        yield whole[at:]

    assert read(pieces()) == read(iter([whole]))


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
                         min_size=2, max_size=2), max_size=6))  # fmt: skip
def test_what_a_csv_writer_wrote_is_read_as_it_was(rows: list[list[str]]) -> None:
    content = b"row_id,name\r\n" + b"".join(cells.row(row) for row in rows)
    read = files.CsvRows(files.lines(iter([content])), frozenset({"row_id", "name"}))
    assert [list(row.cells) for row in read] == rows


@given(st.text(st.sampled_from("'=+-@\t\r\n＝ab "), max_size=6))
def test_neutralising_is_undone_exactly_and_leaves_no_formula(text: str) -> None:
    harmless = cells.neutralise(text)
    assert cells.restored(harmless) == text
    assert not harmless or harmless[0] not in "=+-@\t\r\n＝＋－＠"


def test_what_starts_a_formula() -> None:
    for text in ("=1", "+1", "-1", "@a", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠a", "'=1"):
        assert cells.neutralise(text) == "'" + text
    for text in ("", "a=1", "1-2", "'a", " =1", "张"):
        assert cells.neutralise(text) == text


async def test_formulas_in_the_rejects_are_harmless_and_headers_are_ours(api: Any) -> None:
    content = b'row_id,name,comments\r\n"=cmd|\'/c calc\'!A0",,"=HYPERLINK(""http://x"")"\r\n'
    done = (await send(api, content)).json()
    answer = await api.get(done["rejects"])
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="rejects-{done["import"]}.csv"'
    rows = list(csv.reader(io.StringIO(answer.text, newline="")))
    assert rows[1][0].startswith("'=cmd")
    assert all(not cell.startswith("=") for row in rows for cell in row)


async def test_nothing_of_a_row_is_logged(api: Any, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"row_id": CANARY, "person": {"name": CANARY}}, {"row_id": CANARY + "2", CANARY: 1}]
    content = "\n".join(json.dumps(row) for row in rows).encode()
    await send(api, content, NDJSON)
    await send(api, f"row_id,{CANARY}\r\n".encode())
    await send(api, f'row_id\r\n"{CANARY}'.encode())
    written = "".join(capsys.readouterr())
    assert CANARY not in written
