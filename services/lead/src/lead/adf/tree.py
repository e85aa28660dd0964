"""Well-formed XML to a tree in which every text and attribute knows its path and the field that took it.

The parser is expat behind defusedxml: no DTD, no entity declaration, no external reference, and our own
limits on depth and count. Each non-blank text node, attribute value, comment and processing instruction is
a `Leaf`; reading marks a leaf with the field it became, and what is unmarked at the end is the remainder.
So nothing can be lost by being unknown.
"""

import xml.sax
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import StringIO
from xml.sax.handler import ContentHandler, feature_external_ges, feature_namespaces, property_lexical_handler
from xml.sax.xmlreader import AttributesImpl, InputSource

from defusedxml import DefusedXmlException
from defusedxml.expatreader import DefusedExpatParser

from lead.adf.markup import local_name
from lead.adf.model import REFUSALS, Refused

MOST_PROSPECTS = 100
MOST_ELEMENTS = 10_000
DEEPEST = 32
_WRAPPER = "roadbook-intake"  # takes in several envelopes, none, and text around them
_SHORT = 64  # of a tag name in a path: a path is repeated for every node below it


@dataclass(eq=False)
class Leaf:
    path: str
    text: str
    is_text: bool  # a text node or CDATA section; else attribute, comment or processing instruction
    field: str | None = None


@dataclass(eq=False)
class Node:
    name: str  # local, lower case, without joints
    path: str
    attributes: list[tuple[str, Leaf]] = field(default_factory=list)
    content: "list[Node | Leaf]" = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def nodes(self, *names: str) -> "list[Node]":
        return [child for child in self.content if isinstance(child, Node) and child.name in names]

    def texts(self) -> list[Leaf]:
        """Direct text nodes that nobody took yet."""
        return [leaf for leaf in self.content if isinstance(leaf, Leaf) and leaf.is_text and leaf.field is None]

    def attribute(self, *names: str) -> Leaf | None:
        return next((leaf for name, leaf in self.attributes if name in names and leaf.field is None), None)

    def leaves(self) -> Iterator[Leaf]:
        """All leaves of the subtree in document order. Depth is at most `DEEPEST`."""
        for _, leaf in self.attributes:
            yield leaf
        for child in self.content:
            if isinstance(child, Leaf):
                yield child
            else:
                yield from child.leaves()


def parse(body: str) -> Node | None:
    """The tree of `body` (any number of elements and text between them) under one root; None if it is not
    well-formed.

    Raises Refused for what is forbidden or over a limit.
    """
    builder = _Builder()
    parser = DefusedExpatParser(forbid_dtd=True)
    parser.setFeature(feature_namespaces, False)  # an undeclared prefix is bad manners, not a reason to lose a lead
    parser.setFeature(feature_external_ges, False)
    parser.setContentHandler(builder)
    parser.setProperty(property_lexical_handler, builder)
    source = InputSource()
    source.setCharacterStream(StringIO(f"<{_WRAPPER}>{body}</{_WRAPPER}>"))
    refusal = None
    try:
        parser.parse(source)
    except DefusedXmlException:
        refusal = "dtd_forbidden"
    except xml.sax.SAXException:
        return None
    except _OverLimit as over:
        refusal = over.code
    if refusal:  # raised out here so that no parser exception, which quotes the document, hangs on it as context
        raise Refused(refusal, REFUSALS[refusal])
    return builder.root


class _OverLimit(Exception):
    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class _Builder(ContentHandler):
    """SAX events to nodes. Also the lexical handler, for comments and the borders of CDATA sections."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Node("", "")
        self._open: list[Node] = []
        self._text: list[str] = []
        self._elements = 0
        self._prospects = 0

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802 - SAX's name
        if not self._open:
            self._open.append(self.root)
            return
        self._flush()
        self._elements += 1
        local = local_name(name)
        if local == "prospect":
            self._prospects += 1
        self._check_limits()
        parent = self._open[-1]
        node = Node(local, f"{parent.path}/{_step(parent, name[:_SHORT])}")
        for attribute, value in attrs.items():
            if value.strip():
                leaf = Leaf(f"{node.path}/@{attribute[:_SHORT]}", value, False)
                node.attributes.append((local_name(attribute), leaf))
        parent.content.append(node)
        self._open.append(node)

    def _check_limits(self) -> None:
        if len(self._open) > DEEPEST:
            raise _OverLimit("too_deep")
        if self._elements > MOST_ELEMENTS:
            raise _OverLimit("too_many_elements")
        if self._prospects > MOST_PROSPECTS:
            raise _OverLimit("too_many_prospects")

    def endElement(self, name: str) -> None:  # noqa: N802 - SAX's name
        self._flush()
        self._open.pop()

    def characters(self, content: str) -> None:
        self._text.append(content)

    def processingInstruction(self, target: str, data: str) -> None:  # noqa: N802 - SAX's name
        self._flush()
        if self._open:
            self._add("processing-instruction()", f"{target} {data}".strip(), False)

    def comment(self, content: str) -> None:
        self._flush()
        if self._open and content.strip():
            self._add("comment()", content, False)

    def startCDATA(self) -> None:  # noqa: N802 - SAX's name
        self._flush()

    def endCDATA(self) -> None:  # noqa: N802 - SAX's name
        self._flush()

    def startDTD(self, name: str, public_id: str | None, system_id: str | None) -> None:  # noqa: N802 - SAX's name
        raise _OverLimit("dtd_forbidden")  # expat inside the wrapper never calls this; defusedxml would refuse first

    def endDTD(self) -> None:  # noqa: N802 - SAX's name
        """Part of the lexical handler's interface."""

    def _flush(self) -> None:
        text = "".join(self._text)
        self._text.clear()
        if text.strip():
            self._add("text()", text, True)

    def _add(self, test: str, text: str, is_text: bool) -> None:
        parent = self._open[-1]
        parent.content.append(Leaf(f"{parent.path}/{_step(parent, test)}", text, is_text))


def _step(parent: Node, name: str) -> str:
    parent.counts[name] = parent.counts.get(name, 0) + 1
    return f"{name}[{parent.counts[name]}]"
