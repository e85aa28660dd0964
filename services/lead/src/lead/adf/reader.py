"""From the bytes of a document to its prospects.

Strict in structure, lenient in fields: the text is given to a strict parser as it is, then without what
lies around the envelope, then with the documented repairs, and at last prospect by prospect, so that a
broken one stands alone. What no step can read is answered as `Unreadable`; what is hostile or over a limit
is refused whole.
"""

import hashlib
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from lead.adf.encoding import Decoded, decode
from lead.adf.mail import is_mail, open_mail
from lead.adf.markup import Tag, Token, read_tag, repair, strays, tokens
from lead.adf.model import REFUSALS, Intake, Prospect, Refused, Unreadable
from lead.adf.prospect import SHARED, read_prospect
from lead.adf.tree import MOST_PROSPECTS, Leaf, Node, parse

LARGEST = 256 * 1024  # bytes
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_HTML_DOCTYPE = re.compile(
    r"<!doctype\s+html\s*(?:public\s+[\"']-//(?:w3c|ietf)//dtd x?html[^\"'\[\]<>]*[\"']\s*"
    r"(?:[\"']https?://www\.w3\.org/[^\"'\[\]<>]*[\"']\s*)?|system\s+[\"']about:legacy-compat[\"']\s*)?>",
    re.IGNORECASE,
)
_BREAKING = frozenset(["br", "p", "div", "tr", "li", "td", "th", "pre", "table", "h1", "h2", "h3", "body"])


@dataclass
class _Findings:
    """What one text gave. `found` holds a node with its fragment, or a fragment with its reason."""

    found: list[tuple[Node | None, str, dict[str, list[Node]]]] = field(default_factory=list)
    remainder: list[tuple[str, str]] = field(default_factory=list)
    repairs: list[str] = field(default_factory=list)
    whole: str = ""


def read(document: bytes, received: datetime, *, content_type: str | None = None, region: str = "CN") -> Intake:
    """Read an ADF document, bare or inside a mail.

    `received` (aware) stands in for a request date without offset; `content_type` as the transport gave it;
    `region` (ISO 3166 alpha-2) is where telephone numbers without a country are dialled. Raises Refused,
    and nothing else for any bytes; ValueError for a naive `received`.
    """
    if received.tzinfo is None:
        raise ValueError("received has no time zone")
    if len(document) > LARGEST:
        raise Refused("document_too_large", REFUSALS["document_too_large"])
    if not document.strip(b" \t\r\n\0"):
        raise Refused("document_empty", REFUSALS["document_empty"])
    findings, encoding = _open(document, content_type)
    if len(findings.found) > MOST_PROSPECTS:
        raise Refused("too_many_prospects", REFUSALS["too_many_prospects"])
    prospects = tuple(
        _read_one(node, fragment, beside, index, received, region)
        for index, (node, fragment, beside) in enumerate(findings.found, 1)
    ) or (Unreadable(1, "no_prospect", findings.whole),)
    digest = hashlib.sha256(document).hexdigest()
    return Intake(digest, prospects, encoding, tuple(dict.fromkeys(findings.repairs)), tuple(findings.remainder))


def _read_one(
    node: Node | None, fragment: str, beside: dict[str, list[Node]], index: int, received: datetime, region: str
) -> Prospect | Unreadable:
    if node is None:
        return Unreadable(index, "not_well_formed", fragment)
    return read_prospect(node, index, received, region, beside) or Unreadable(index, "customer_missing", fragment)


def _open(document: bytes, content_type: str | None) -> tuple[_Findings, str]:
    if not is_mail(document, content_type):
        charset = _CHARSET.search(content_type or "")
        decoded = decode(document, charset[1] if charset else None)
        findings = _read_text(decoded.text)
        findings.repairs[:0] = decoded.repairs
        return findings, decoded.encoding
    parts, headers = open_mail(document)
    joined = _Findings(remainder=headers, whole=decode(document).text)
    encoding = "ascii"
    for part in parts:
        if part.holds_adf:
            encoding = part.content.encoding
            _join(joined, part.content, part.path)
        else:
            joined.remainder += strays(part.content.text, part.path)
    return joined, encoding


def _join(joined: _Findings, content: Decoded, path: str) -> None:
    findings = _read_text(content.text)
    joined.found += findings.found
    joined.remainder += [(path + where, text) for where, text in findings.remainder]
    joined.repairs += [*content.repairs, *findings.repairs]
    if not findings.found:
        joined.remainder += strays(content.text, path)


def _read_text(text: str, inner: bool = False) -> _Findings:
    """`inner`: the text was itself escaped or in CDATA; that is undone once, no deeper."""
    _refuse_declarations(text)
    start, end = _envelope(text)
    if start < end:
        for findings in _attempts(text, start, end):
            if findings.found:
                return findings
    if not inner and (unwrapped := _unwrap(text)) != text and _envelope(unwrapped) != (0, 0):
        findings = _read_text(unwrapped, inner=True)
        if findings.found:
            findings.repairs.insert(0, "unwrapped_from_text")
            findings.remainder += [(path, said) for path, said in strays(text, "") if "/@" in path]
            return findings
    return _Findings(whole=text)


def _attempts(text: str, start: int, end: int) -> Iterator[_Findings]:
    """From the least change to the most. Each parse is a strict one."""
    first = next((token.start for token in tokens(text) if token.kind == "tag"), 0)
    yield _read_tree(text[first:], strays(text[:first], ""), [])
    body = text[start:end]
    around = [*strays(text[:start], "/before"), *strays(text[end:], "/after")]
    cut = ["text_around_removed"] if around else []
    yield _read_tree(body, around, cut)
    mended, codes, taken = repair(body)
    if codes:
        yield _read_tree(mended, [*around, *taken], [*cut, *codes])
    yield _read_apart(body, around, cut)


def _read_tree(body: str, remainder: list[tuple[str, str]], repairs: list[str]) -> _Findings:
    root = parse(body)
    if root is None:
        return _Findings()
    prospects = list(_find(root, "prospect"))
    if not prospects:
        prospects = [node for node in _find(root, "adf") if node.nodes("customer")]
        repairs = [*repairs, "prospect_element_missing"]
    beside = _beside(root, prospects[0]) if len(prospects) == 1 else {}
    fragments = _outermost(body)
    if beside or len(fragments) != len(prospects):
        fragments = [body] * len(prospects)  # what stands beside a lone prospect goes into quarantine with it
    used = {id(node) for node in prospects} | {id(node) for nodes in beside.values() for node in nodes}
    outside = [(leaf.path, leaf.text) for leaf in _outside(root, used)]
    found = [(node, fragment, beside) for node, fragment in zip(prospects, fragments, strict=True)]
    return _Findings([*found], [*remainder, *outside], repairs)


def _read_apart(body: str, remainder: list[tuple[str, str]], repairs: list[str]) -> _Findings:
    """Every prospect on its own, so that one broken beyond repair takes no other with it."""
    findings = _Findings([], [*remainder], [*repairs, "read_apart"])
    spans = _spans(body)
    if len(spans) > MOST_PROSPECTS:
        raise Refused("too_many_prospects", REFUSALS["too_many_prospects"])
    previous = 0
    for start, end, closed in spans:
        findings.remainder += strays(body[previous:start], "/between")
        previous = end
        piece = body[start:end]
        mended, codes, taken = repair(piece)
        for candidate, done, out in ((piece, (), []), (mended, codes, taken)):
            alone = _read_tree(candidate, [*out], [*done]) if closed else _Findings()
            if len(alone.found) == 1:
                findings.found.append((alone.found[0][0], piece, {}))
                findings.remainder += alone.remainder
                findings.repairs += alone.repairs
                break
        else:
            findings.found.append((None, piece, {}))
    findings.remainder += strays(body[previous:], "/between")
    return findings


def _outermost(text: str) -> list[str]:
    """The source of each outermost `<prospect>` of a well-formed text."""
    found: list[str] = []
    depth, start = 0, 0
    for token, tag in _prospect_tags(text):
        if depth == 0:
            start = token.start
        depth += 0 if tag.empty else -1 if tag.closing else 1
        if depth == 0:
            found.append(text[start : token.end])
    return found


def _spans(text: str) -> list[tuple[int, int, bool]]:
    """(start, end, closed) of each `<prospect>` of a broken text. An unclosed one ends where the next
    begins."""
    spans: list[tuple[int, int, bool]] = []
    opened: int | None = None
    for token, tag in _prospect_tags(text):
        if opened is not None:
            spans.append((opened, token.end if tag.closing else token.start, tag.closing))
        if tag.empty:
            spans.append((token.start, token.end, True))
        opened = None if tag.closing or tag.empty else token.start
    if opened is not None:
        spans.append((opened, len(text), False))
    return spans


def _prospect_tags(text: str) -> Iterator[tuple[Token, Tag]]:
    for token in tokens(text):
        if token.kind == "tag":
            tag = read_tag(text[token.start : token.end])
            if tag.local == "prospect":
                yield token, tag


def _envelope(text: str) -> tuple[int, int]:
    """From the first `<adf>` or `<prospect>` to the last end tag of either (to the end without one); (0, 0)
    without."""
    start, end = None, None
    for token in tokens(text):
        if token.kind == "tag":
            tag = read_tag(text[token.start : token.end])
            if tag.local in ("adf", "prospect"):
                start = token.start if start is None and not tag.closing else start
                end = token.end if tag.closing or tag.empty else None
    return (0, 0) if start is None else (start, end if end is not None and end > start else len(text))


def _refuse_declarations(text: str) -> None:
    for token in tokens(text):
        if token.kind == "declaration" and not _HTML_DOCTYPE.fullmatch(text[token.start : token.end]):
            raise Refused("dtd_forbidden", REFUSALS["dtd_forbidden"])


def _unwrap(text: str) -> str:
    """The text a reader of the HTML would see: tags away, references resolved, CDATA opened."""
    out: list[str] = []
    for token in tokens(text):
        piece = text[token.start : token.end]
        if token.kind == "text":
            out.append(html.unescape(piece).replace("\xa0", " "))
        elif token.kind == "cdata":
            out.append(piece[9:-3])
        elif token.kind == "tag" and read_tag(piece).local in _BREAKING:
            out.append("\n")
    return "".join(out)


def _find(node: Node, name: str) -> Iterator[Node]:
    """Outermost nodes of this name: a prospect inside a prospect is part of it."""
    for child in node.content:
        if isinstance(child, Node):
            if child.name == name:
                yield child
            else:
                yield from _find(child, name)


def _beside(node: Node, prospect: Node) -> dict[str, list[Node]]:
    """Parts that belong in the lone prospect but stand next to it, by name."""
    for child in node.content:
        if child is prospect:
            return {name: found for name in SHARED if (found := node.nodes(name)) and not prospect.nodes(name)}
        if isinstance(child, Node) and (found_below := _beside(child, prospect)):
            return found_below
    return {}


def _outside(node: Node, used: set[int]) -> Iterator[Leaf]:
    if id(node) in used:
        return
    for _, leaf in node.attributes:
        yield leaf
    for child in node.content:
        if isinstance(child, Leaf):
            yield child
        else:
            yield from _outside(child, used)
