"""The ADF document inside a mail (RFC 822): which parts may hold it, and what else the mail said.

The standard library's parser is given only what it handles in linear time: header lines and nesting are
bounded first.
"""

import email
import email.errors
import email.header
import re
from collections.abc import Iterator
from email.message import Message
from typing import NamedTuple

from lead.adf.encoding import Decoded, decode
from lead.adf.model import REFUSALS, Refused

_HEADER = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*(?:From [^\n]*\n)?(?:return-path|received|from|to|subject|date|message-id|mime-version|"
    rb"content-type|content-transfer-encoding|delivered-to|reply-to|dkim-signature|x-[\w-]{1,60})[ \t]*:",
    re.IGNORECASE,
)
_CONTENT_HEADERS = re.compile(rb"^content-[\w-]{1,40}[ \t]*:[^\n]*(?:\n[ \t][^\n]*)*", re.IGNORECASE | re.MULTILINE)
_LONGEST_HEADER = 4096  # the library counts quotes again for every ';' of a Content-Type
_MOST_BOUNDARIES = 32
_ADF = re.compile(r"(?:<|&lt;|&#60;)\s*(?:[\w.-]{1,64}:)?(?:adf|prospect)\b", re.IGNORECASE)
_PREFERENCE = {
    "application/x-adf+xml": 0,
    "application/adf+xml": 0,
    "application/xml": 1,
    "text/xml": 1,
    "text/plain": 2,
}


class Part(NamedTuple):
    path: str
    content: Decoded
    holds_adf: bool
    is_text: bool


def is_mail(document: bytes, content_type: str | None) -> bool:
    kind = (content_type or "").partition(";")[0].strip().lower()
    return kind == "message/rfc822" or bool(_HEADER.match(document[:4096]))


def open_mail(document: bytes) -> tuple[list[Part], list[tuple[str, str]]]:
    """(parts, headers as (path, text)). Of alternatives only the best part that holds ADF is marked so.

    A part that neither is text nor holds ADF (a picture, a PDF) is left out: it is in the raw document.
    Raises Refused(mail_unreadable) for a mail built to be expensive.
    """
    document = document.replace(b"\r\n", b"\n").replace(b"\r", b"\n").removeprefix(b"\xef\xbb\xbf").lstrip()
    headers = _CONTENT_HEADERS.findall(document)
    boundaries = document.lower().count(b"boundary")
    nested = document.lower().count(b"message/")
    if any(len(header) > _LONGEST_HEADER for header in headers) or boundaries > _MOST_BOUNDARIES or nested > 8:
        raise Refused("mail_unreadable", REFUSALS["mail_unreadable"])
    message = email.message_from_bytes(document)
    said = [(f"/mail/{name[:64]}", _decode_header(str(value))) for name, value in message.items()]
    parts = [part for part in _walk(message, "/mail") if part.is_text or part.holds_adf]
    return parts, [(path, text) for path, text in said if text.strip()]


def _walk(message: Message, path: str) -> Iterator[Part]:
    if not message.is_multipart():
        yield _read_part(message, path)
        return
    children = [child for child in message.get_payload() if isinstance(child, Message)]
    found = [list(_walk(child, f"{path}/part[{i}]")) for i, child in enumerate(children, 1)]
    if message.get_content_type() != "multipart/alternative":
        for parts in found:
            yield from parts
        return
    ranks = [
        (_PREFERENCE.get(child.get_content_type(), 3), i)
        for i, child in enumerate(children)
        if any(part.holds_adf for part in found[i])
    ]
    best = min(ranks)[1] if ranks else None
    for i, parts in enumerate(found):
        for part in parts:
            yield part if i == best else part._replace(holds_adf=False)


def _read_part(message: Message, path: str) -> Part:
    payload = message.get_payload(decode=True)
    body = payload if isinstance(payload, bytes) else b""
    charset = message.get_content_charset()
    content = decode(body, charset)
    return Part(path, content, bool(_ADF.search(content.text)), message.get_content_maintype() == "text")


def _decode_header(value: str) -> str:
    """RFC 2047 words to text; as written where they are broken."""
    try:
        return str(email.header.make_header(email.header.decode_header(value[:8192]))) + value[8192:]
    except (ValueError, LookupError, email.errors.MessageError):
        return value
