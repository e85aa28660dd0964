"""A linear scanner over text that should be XML, and the documented repairs for text that is not quite.

Used only to find the envelope and to mend what the strict parser refused; what it mends is parsed strictly
again. Every pattern consumes what it looked at, so time is linear in the text whatever the text is.
"""

import html
import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

Kind = Literal["text", "tag", "cdata", "comment", "pi", "declaration"]

_QUOTED_TAG = re.compile(
    r"</?[^\W\d][^\s<>/\"'=]*+(?:[^<>\"']++|\"[^\"<]*+\"|'[^'<]*+')*+>"  # a '>' may stand in quotes
)
_ANY_TAG = re.compile(r"</?[^\W\d][^<>]*+>")
_DECLARATION = re.compile(r"<!\s*[A-Za-z]")
_TAG_PARTS = re.compile(r"<(/?)([^\s<>/\"'=]+)(.*?)(/?)>\Z", re.DOTALL)
_ATTRIBUTE = re.compile(
    r"\s+|(?P<name>[^\s=<>\"'“”„‘’/]++)(?:\s*=\s*(?P<value>\"[^\"]*+\"|'[^']*+'|[“”„][^“”„\"]*+[“”„\"]|"
    r"[‘’][^‘’']*+[‘’']|[^\s\"'“”‘’<>]++))?|(?P<stray>.)",
    re.DOTALL,
)
_REFERENCE = re.compile(r"&(?:(?P<number>#(?:[0-9]{1,7}|[xX][0-9a-fA-F]{1,6});)|(?P<name>[A-Za-z][A-Za-z0-9]{1,31};))?")
_XML_NAME = re.compile(r"[^\W\d][\w.:-]*")
_PREDEFINED = frozenset(("amp;", "lt;", "gt;", "quot;", "apos;"))
_VOID = frozenset(["br", "hr", "img", "input", "meta", "link", "wbr", "col", "area", "base", "embed", "source"])


class Token(NamedTuple):
    kind: Kind
    start: int
    end: int


class Tag(NamedTuple):
    closing: bool
    name: str  # as written
    attributes: list[tuple[str, str]]  # values raw, quotes off; what fits no attribute has the name ""
    empty: bool

    @property
    def local(self) -> str:
        return local_name(self.name)


def local_name(name: str) -> str:
    """`ns:Vehicle-Price` -> `vehicleprice`: dialects differ in prefix, case and joints, never in letters."""
    return name.rpartition(":")[2].lower().replace("-", "").replace("_", "")


def tokens(text: str) -> Iterator[Token]:
    """Cover `text` without gaps. The opening of an unterminated CDATA section or comment is text."""
    position, text_start, length = 0, 0, len(text)
    last = {closing: text.rfind(closing) for _, _, closing in _SECTIONS}  # so a missing end is searched for once
    while (position := text.find("<", position)) >= 0:
        token = _token_at(text, position, last)
        if token is None:
            position += 1
            continue
        if text_start < position:
            yield Token("text", text_start, position)
        yield token
        position = text_start = token.end
    if text_start < length:
        yield Token("text", text_start, length)


def _token_at(text: str, at: int, last: dict[str, int]) -> Token | None:
    for kind, opening, closing in _SECTIONS:
        if text.startswith(opening, at):
            body = at + len(opening)
            return Token(kind, at, text.find(closing, body) + len(closing)) if last[closing] >= body else None
    if text.startswith("<?", at) or _DECLARATION.match(text, at):
        # Up to the next '>' but not over another '<' that comes first, so a broken one takes nothing else
        # with it.
        match = _TO_CLOSE.match(text, at + 2)
        return Token("pi" if text[at + 1] == "?" else "declaration", at, match.end() if match else at + 2)
    match = _QUOTED_TAG.match(text, at) or _ANY_TAG.match(text, at)
    return Token("tag", at, match.end()) if match else None


_SECTIONS: tuple[tuple[Kind, str, str], ...] = (("cdata", "<![CDATA[", "]]>"), ("comment", "<!--", "-->"))
_TO_CLOSE = re.compile(r"[^<>]*+>")


def read_tag(markup: str) -> Tag:
    """Take one tag token apart, in whatever quotes its attributes are."""
    parts = _TAG_PARTS.match(markup)
    if parts is None:
        return Tag(False, "", [("", markup)], False)
    attributes: list[tuple[str, str]] = []
    stray = ""
    for match in _ATTRIBUTE.finditer(parts[3]):
        if match["name"] and match["value"] is not None:
            value = match["value"]
            quoted = value[0] in "\"'“”„‘’" and len(value) > 1
            attributes.append((match["name"], value[1:-1] if quoted else value))
        elif match["name"] or match["stray"]:
            stray += match[0] if match["stray"] else f" {match[0]}"
    if stray.strip(" \"'“”„‘’="):
        attributes.append(("", stray.strip()))
    return Tag(bool(parts[1]), parts[2], attributes, bool(parts[4]))


def strays(text: str, path: str) -> list[tuple[str, str]]:
    """Everything said in text that lies outside the envelope: (path, text) of each piece, attribute values
    included."""
    found: list[tuple[str, str]] = []
    for token in tokens(text):
        piece = text[token.start : token.end]
        if token.kind == "text":
            found.append((f"{path}/text()", html.unescape(piece)))
        elif token.kind == "tag":
            tag = read_tag(piece)
            found += [(f"{path}/{tag.name[:64]}/@{name[:64]}", html.unescape(v)) for name, v in tag.attributes]
        else:
            content = (
                piece.removeprefix("<![CDATA[").removesuffix("]]>") if token.kind == "cdata" else piece.strip("<>!?-")
            )
            found.append((f"{path}/{_TESTS[token.kind]}", content))
    return [(where, content) for where, content in found if content.strip()]


_TESTS: dict[Kind, str] = {
    "cdata": "text()",
    "comment": "comment()",
    "pi": "processing-instruction()",
    "declaration": "declaration()",
}


def repair(text: str) -> tuple[str, tuple[str, ...], list[tuple[str, str]]]:
    """Mend what the field gets wrong: (text, codes of the repairs done, pieces taken out as (path, text)).

    Tags: case of names, curly, missing or doubled quotes, attributes named twice, void HTML elements. Text:
    stray `<` and `&`, HTML entities, references to forbidden characters. An XML declaration in the middle
    is taken out.
    """
    out: list[str] = []
    done: set[str] = set()
    taken: list[tuple[str, str]] = []
    for token in tokens(text):
        piece = text[token.start : token.end]
        mended, code = piece, ""
        if token.kind == "text":
            mended, code = _mend_text(piece), "characters"
        elif token.kind == "tag":
            mended, code = _mend_tag(piece), "tags"
        elif token.kind == "comment":
            mended, code = "<!--" + piece[4:].removesuffix("-->").replace("--", "- ").rstrip("-") + "-->", "comments"
        elif token.kind in ("pi", "declaration"):
            mended, code = "", "prolog"
            taken.append((f"/{_TESTS[token.kind]}", piece.strip("<>?!")))
        if mended != piece:
            done.add(f"repaired_{code}")
        out.append(mended)
    return "".join(out), tuple(sorted(done)), taken


def _mend_text(piece: str) -> str:
    return _REFERENCE.sub(_mend_reference, piece).replace("<", "&lt;").replace("]]>", "]]&gt;")


def _mend_reference(match: re.Match[str]) -> str:
    if name := match["name"]:
        if name in _PREDEFINED:
            return match[0]
        character = html.unescape(match[0])
        return html.escape(character) if character != match[0] else "&amp;" + name
    if number := match["number"]:
        digits = number[1:-1]
        code = int(digits[1:], 16) if digits[0] in "xX" else int(digits)
        return match[0] if _is_xml_character(code) else ""
    return "&amp;"


def _is_xml_character(code: int) -> bool:
    return code in (9, 10, 13) or 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or 0x10000 <= code < 0x110000


def _mend_tag(piece: str) -> str:
    tag = read_tag(piece)
    name = tag.name.lower()
    if not _XML_NAME.fullmatch(name):
        return _mend_text(piece)
    if tag.closing:
        return "" if name in _VOID else f"</{name}>"
    seen: set[str] = set()
    attributes = ""
    for position, (raw_name, value) in enumerate(tag.attributes):
        attribute = raw_name if _XML_NAME.fullmatch(raw_name) else "stray"
        if attribute in seen:
            attribute = f"{attribute}.again.{position}"  # by position: counting up made this quadratic
        seen.add(attribute)
        escaped = _mend_text(value).replace('"', "&quot;")
        attributes += f' {attribute}="{escaped}"'
    return f"<{name}{attributes}{'/' if tag.empty or name in _VOID else ''}>"
