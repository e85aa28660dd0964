"""A list on its way in: bytes to rows, in bounded memory whatever the bytes are.

Synchronous generators, to be run in a thread: `chunks` may block until more has arrived.
"""

import csv
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from lead.service.cells import restored

MAX_SENT: Final = 256 * 1024 * 1024
MAX_BYTES: Final = 1024 * 1024 * 1024  # after decompression
MAX_LINE: Final = 64 * 1024  # characters; of a row too, that runs over several lines
# The same given back: with reasons, and as text within JSON, where one character may become six.
MAX_RETURNED: Final = 6 * MAX_LINE + 16 * 1024
MAX_ROWS: Final = 1_000_000
MAX_LINES: Final = 2 * MAX_ROWS  # blank ones too, and those inside of quotes
MAX_COLUMNS: Final = 100
MAX_MEMBERS: Final = 1000  # gzip files one after the other
BATCH_ROWS: Final = 500
BATCH_CHARS: Final = 1024 * 1024
REASONS: Final = "_reasons"
_PIECE: Final = 64 * 1024
_GZIP: Final = 31  # window bits: a gzip header is a must


class Fault(Exception):
    """The file cannot be read on from row `row` (from 1; 0 = before the first). `column` is a place, from 1."""

    def __init__(self, code: str, row: int = 0, column: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.row = row
        self.column = column


@dataclass(frozen=True, slots=True)
class RawRow:
    """`cells` of a CSV row, without `_reasons`; the text of a line of NDJSON is its only one."""

    number: int
    cells: Sequence[str] = field(repr=False)
    size: int


# ── Bytes to lines ────────────────────────────────────────────────────────────────────────────────────────────
def inflate(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """At most 64 KiB at a time, so a bomb is found when the limit of bytes is reached, not after it went off."""
    engine, members = zlib.decompressobj(_GZIP), 1
    for chunk in chunks:
        while chunk:
            if engine.eof:
                engine, members = zlib.decompressobj(_GZIP), members + 1
                if members > MAX_MEMBERS:
                    raise Fault("not_gzip")
            yield _inflated(engine, chunk)
            chunk = engine.unused_data if engine.eof else engine.unconsumed_tail
    while not engine.eof:
        piece = _inflated(engine, b"")
        if not piece:
            raise Fault("gzip_cut_short")
        yield piece


def _inflated(engine: "zlib._Decompress", chunk: bytes) -> bytes:
    try:
        return engine.decompress(chunk, _PIECE)
    except zlib.error:
        raise Fault("not_gzip") from None


def lines(chunks: Iterator[bytes]) -> Iterator[str]:
    """Lines with their ends, which may be LF, CR LF or CR; a byte order mark is dropped."""
    total, count, rest = 0, 0, b""
    for chunk in chunks:
        total += len(chunk)
        if total > MAX_BYTES:
            raise Fault("too_large")
        parts = (rest + chunk).splitlines(keepends=True)
        # A CR at the end may be the half of an end of line.
        rest = parts.pop() if parts and not parts[-1].endswith(b"\n") else b""
        for part in parts:
            yield _line(part, count)
            count += 1
        if len(rest) > MAX_RETURNED:
            raise Fault("line_too_long")
    if rest:
        yield _line(rest, count)


def _line(raw: bytes, count: int) -> str:
    if len(raw) > MAX_RETURNED:
        raise Fault("line_too_long")
    if count >= MAX_LINES:
        raise Fault("too_many_rows")
    if b"\x00" in raw:
        raise Fault("nul")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise Fault("not_utf8") from None
    return text.removeprefix("\ufeff") if count == 0 else text


# ── Lines to rows ─────────────────────────────────────────────────────────────────────────────────────────────
def ndjson_rows(source: Iterator[str]) -> Iterator[RawRow]:
    number = 0
    try:
        for line in source:
            if len(line) > MAX_LINE and REASONS not in line:
                raise Fault("line_too_long")
            text = line.strip(" \t\r\n")
            if text:
                number = _counted(number)
                yield RawRow(number, (text,), len(text))
    except Fault as fault:
        raise Fault(fault.code, number + 1) from None


class CsvRows:
    """Rows of a CSV file with a header; `columns` (without `_reasons`) is there when the first row was asked for."""

    def __init__(self, source: Iterator[str], known: frozenset[str]) -> None:
        self.columns: Sequence[str] = ()
        self._known = known
        self._size, self._limit = 0, MAX_LINE
        self._reader = csv.reader(self._measured(source), strict=True)

    def _measured(self, source: Iterator[str]) -> Iterator[str]:
        for line in source:
            self._size += len(line)
            if self._size > self._limit:
                raise Fault("line_too_long")
            yield line

    def __iter__(self) -> Iterator[RawRow]:
        number = -1  # of the header, as it were
        try:
            reasons = self._header()
            if reasons is not None:
                self._limit = MAX_RETURNED
            number = 0
            while (cells := self._record()) is not None:
                number = _counted(number)
                if reasons is not None and reasons < len(cells):
                    del cells[reasons]
                yield RawRow(number, [restored(cell) for cell in cells], self._size)
        except Fault as fault:
            raise Fault(fault.code, number + 1, fault.column) from None

    def _record(self) -> list[str] | None:
        """The next record that is no blank line; None at the end."""
        try:
            while True:
                self._size = 0
                cells = next(self._reader, None)
                if cells != []:
                    return cells
        except csv.Error as error:
            raise Fault("quote_not_closed" if "end of data" in str(error) else "malformed_csv") from None

    def _header(self) -> int | None:
        """Reads it and gives the place of `_reasons`. What is wrong is told by its place: without a header, the words
        that stand there are somebody's data."""
        header = self._record()
        if header is None:
            raise Fault("no_header")
        if len(header) > MAX_COLUMNS:
            raise Fault("too_many_columns")
        for place, name in enumerate(header, start=1):
            if name not in self._known and name != REASONS:
                raise Fault("unknown_column", column=place)
            if name in header[: place - 1]:
                raise Fault("column_twice", column=place)
        if "row_id" not in header:
            raise Fault("row_id_missing")
        self.columns = [name for name in header if name != REASONS]
        return header.index(REASONS) if REASONS in header else None


def _counted(number: int) -> int:
    if number >= MAX_ROWS:
        raise Fault("too_many_rows")
    return number + 1


def batches(rows: Iterator[RawRow]) -> Iterator[list[RawRow]]:
    """What came before a fault is given first, as a batch of its own."""
    batch: list[RawRow] = []
    chars, broken = 0, None
    while broken is None:
        try:
            row = next(rows, None)
        except Exception as error:
            broken = error
            break
        if row is None:
            break
        batch.append(row)
        chars += row.size
        if len(batch) >= BATCH_ROWS or chars >= BATCH_CHARS:
            yield batch
            batch, chars = [], 0
    if batch:
        yield batch
    if broken is not None:
        raise broken
