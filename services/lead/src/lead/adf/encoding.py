"""Bytes of unknown honesty to text. What a document declares and what it is differ often enough to look at
both."""

import codecs
import re
from typing import NamedTuple

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=?\s*[\"']?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
# Text encodings only: Python also knows rot13, zip and utf-7, and a document must not choose those.
_ALLOWED = frozenset(
    [
        "ascii",
        "utf-8",
        "utf-16",
        "utf-16-le",
        "utf-16-be",
        "gb2312",
        "gbk",
        "gb18030",
        "big5",
        "big5hkscs",
        "shift_jis",
        "euc_jp",
        "euc_kr",
        "cp949",
        "cp936",
        "iso8859-1",
        "iso8859-2",
        "iso8859-15",
        "cp1250",
        "cp1251",
        "cp1252",
    ]
)
_CHINESE = frozenset(["gb2312", "gbk", "gb18030", "cp936", "big5", "big5hkscs"])
_CJK = re.compile("[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")
# XML forbids these; a NUL in the middle of a keyword is also a way past filters, so they go before anything
# is looked at.
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


class Decoded(NamedTuple):
    text: str
    encoding: str
    repairs: tuple[str, ...]


def decode(document: bytes, charset: str | None = None) -> Decoded:
    """Text of `document`; `charset` is what a header outside it declared. Never raises."""
    declared = _declared(document, charset)
    text, encoding = _decode(document, declared)
    repairs = []
    if declared and declared != encoding and not text.isascii() and not {declared, encoding} <= _CHINESE:
        repairs.append("encoding_not_as_declared")
    if "\ufffd" in text:
        repairs.append("undecodable_bytes_replaced")
    text = text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    clean = _CONTROLS.sub("", text)
    if clean != text:
        repairs.append("control_characters_removed")
    return Decoded(clean, encoding, tuple(repairs))


def _decode(document: bytes, declared: str | None) -> tuple[str, str]:
    for bom, encoding in _BOMS:
        if document.startswith(bom):
            return document[len(bom) :].decode(encoding, "replace"), encoding
    if document[:2] in (b"<\0", b"\0<"):  # the grammar begins with '<': two bytes a character, no mark
        encoding = "utf-16-le" if document[0] == ord("<") else "utf-16-be"
        return document.decode(encoding, "replace"), encoding
    utf8 = _try(document, "utf-8")
    # Short GBK text can be valid UTF-8 by accident, but then reads as Latin or Arabic letters, never as
    # Chinese.
    if utf8 is not None and (declared not in _CHINESE or utf8.isascii() or _CJK.search(utf8)):
        return utf8, "utf-8"
    for candidate in (declared, "gb18030" if _looks_chinese(document) else "cp1252"):
        # GB 18030 holds the older two, and what calls itself GB2312 seldom stays within it (朱镕基 does not
        # fit).
        name = "gb18030" if candidate in ("gb2312", "gbk", "cp936") else candidate
        if name and (text := _try(document, name)) is not None:
            return text, name
    return document.decode("iso8859-1"), "iso8859-1"


def _declared(document: bytes, charset: str | None) -> str | None:
    """The first declared encoding that is a known and allowed text encoding, by Python's name."""
    match = _DECLARED.search(document[:2048])
    for label in (charset, match[1].decode("ascii") if match else None):
        if label:
            try:
                name = codecs.lookup(label.strip("\"' ")).name
            except (LookupError, ValueError):
                continue
            if name in _ALLOWED and not (name.startswith("utf-16") and document[:1] == b"<" and document[1:2] != b"\0"):
                return name
    return None


def _try(document: bytes, encoding: str) -> str | None:
    try:
        return document.decode(encoding)
    except (UnicodeError, LookupError):
        return None


def _looks_chinese(document: bytes) -> bool:
    """High bytes mostly in pairs: Chinese. Mostly alone between ASCII letters: a western encoding."""
    runs = re.findall(rb"[\x80-\xff]+", document)
    paired = sum(len(run) // 2 for run in runs)
    odd = sum(len(run) % 2 for run in runs)
    return paired > odd
