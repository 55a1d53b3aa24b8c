"""Runs of XML tags to WBXML tokens: the only reader of markup that knows what has a WBXML form.

Guarantees: strict about a small part of XML. A tag that is not written as Canonical XML writes it (white space,
quotes, entities; only the short form of an empty element and a repeated `xmlns` are allowed besides) is refused,
so that accepted markup is well-formed without another parser having seen it. Leaves to its caller: text, and that
the document is complete. Spec: WAP-192-WBXML, 5.8; Canonical XML 1.0, 2.3.
"""

from __future__ import annotations

import re

from smartcard_dm.errors import LimitExceededError, WbxmlError
from smartcard_dm.wbxml.frames import Frame, Role, State
from smartcard_dm.wbxml.integers import write_integer
from smartcard_dm.wbxml.text import is_name, is_namespace, is_text
from smartcard_dm.wbxml.tokens import (
    DDF_NAMESPACE,
    HAS_CONTENT,
    NAMESPACES,
    PAGE_OF,
    SYNCML_NAMESPACE,
    TOKENS,
    Global,
)

XML = "SyncML XML"
SEPARATOR = b"\x01"
"""Stands for `><` in a run; not an XML character, so it cannot be part of a document."""

_OPEN = re.compile(rb'([^ /="]+)((?: [^ /="]+="[^"\t\n\r]*")*)(/?)')
_ATTRIBUTE = re.compile(rb' ([^ ="]+)="([^"]*)"')
_REFERENCE = re.compile(rb"&([^;&]*;?)")
_CHARACTERS = {
    b"amp;": b"&",
    b"lt;": b"<",
    b"gt;": b">",
    b"quot;": b'"',
    b"#x9;": b"\t",
    b"#xA;": b"\n",
    b"#xD;": b"\r",
}
_ROOTS = {b"SyncML": SYNCML_NAMESPACE, b"MgmtTree": DDF_NAMESPACE}


class StringTable:
    """The string table of a document being written: each string once, in the order of first use.

    Spec: WAP-192-WBXML, 5.7.
    """

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._indexes: dict[bytes, bytes] = {}
        self._written = b""

    @property
    def octets(self) -> bytes:
        """The table as it stands in the header."""
        return self._written

    def replace(self, octets: bytes) -> bool:
        """Go on with a table that began as this one, made by `index` and remembered; False when it is too large."""
        if len(octets) > self._bound:
            return False
        if octets != self._written:
            self._written = octets
            self._indexes.clear()
        return True

    def index(self, string: bytes) -> bytes:
        """Return the `mb_u_int32` that refers to a string, which is added when it is new.

        Raises:
            LimitExceededError: the table would grow beyond `Limits.wbxml_string_table_octets`.
        """
        if self._written and not self._indexes:
            self._read_written()
        found = self._indexes.get(string)
        if found is None:
            found = self._indexes[string] = write_integer(len(self._written))
            self._written += string + b"\0"
            if len(self._written) > self._bound:
                raise LimitExceededError(
                    "WBXML string table", "wbxml_string_table_octets", self._bound, found=str(len(self._written))
                )
        return found

    def _read_written(self) -> None:
        position = 0
        for string in self._written.split(b"\0")[:-1]:
            self._indexes[string] = write_integer(position)
            position += len(string) + 1


class Markup:
    """Turns runs of tags of one document into tokens."""

    def __init__(self, table: StringTable, depth: int) -> None:
        self.table = table
        """The string table of the document."""
        self._depth = depth
        self.literal = False
        """Whether the last run held a literal, so that its tokens mean something in this document only."""

    def tokens(self, run: bytes, state: State) -> tuple[bytes, State]:
        """Return the tokens of a run of tags, and the state behind it.

        Args:
            run: tags without the outermost angle brackets, with `SEPARATOR` for each `><` between them.
            state: where the writer stands.

        Raises:
            WbxmlError: the run is not canonical markup, or has no WBXML form.
            LimitExceededError: the document is too deep, or its string table too large.
        """
        self.literal = False
        parts: list[bytes] = []
        tags = run.split(SEPARATOR)
        tags.reverse()
        while tags:
            tag = tags.pop()
            if tag.startswith(b"/"):
                frame = state.frame
                if not frame.depth or tag[1:] != frame.name:
                    raise WbxmlError(XML, "an end tag without its start tag", place=frame.path(), found=repr(tag))
                parts.append(b"\x01")
                state = frame.close().state(state.page)
                continue
            match = _OPEN.fullmatch(tag)
            if match is None:
                raise WbxmlError(XML, "a tag that is not in canonical form", place=state.frame.path(), found=repr(tag))
            name, attributes, empty = match[1], match[2], bool(match[3])
            if not empty and tags and tags[-1] == b"/" + name:
                tags.pop()
                empty = True
            tokens, state = self._open(name, self._attributes(attributes, state.frame), state, empty=empty)
            parts.append(tokens)
        return b"".join(parts), state

    def _open(self, name: bytes, attributes: dict[bytes, bytes], state: State, *, empty: bool) -> tuple[bytes, State]:
        frame = state.frame
        place = f"{frame.path().rstrip('/')}/{name.decode(errors='replace')}"
        if b":" in name:
            raise WbxmlError(
                XML,
                "an element name has a prefix, which has no WBXML form here",
                place=place,
                wanted="the namespace declared as default with xmlns=, and names without prefix",
            )
        namespace = attributes.pop(b"xmlns", frame.namespace)
        _check_place(frame, name, namespace, place)
        if frame.depth >= self._depth:
            raise LimitExceededError(XML, "wbxml_depth", self._depth, place=place)
        page = PAGE_OF.get(namespace)
        if page is None:
            tokens, opened = self._literal(name, namespace, attributes, frame, place, empty=empty)
            page = state.page
        else:
            tokens = _token(page, name, attributes, place, empty=empty)
            if page != state.page:
                tokens = bytes((Global.SWITCH_PAGE, page)) + tokens
            opened = frame.open(name, namespace, frame.literal_namespace)
        return tokens, (opened.close() if empty else opened).state(page)

    def _literal(
        self, name: bytes, namespace: bytes, attributes: dict[bytes, bytes], frame: Frame, place: str, *, empty: bool
    ) -> tuple[bytes, Frame]:
        if not is_name(name):
            raise WbxmlError(XML, "not an XML name", place=place)
        if not is_namespace(namespace):
            raise WbxmlError(
                XML,
                "a namespace that has no WBXML form",
                place=place,
                wanted="a plain absolute URI",
                found=repr(namespace.decode(errors="replace")),
            )
        self.literal = True
        opened = frame.open(name, namespace, namespace)
        if namespace != frame.literal_namespace:
            attributes = {b"xmlns": namespace, **attributes}
        token = (Global.LITERAL_A if attributes else Global.LITERAL) | (0 if empty else HAS_CONTENT)
        parts = [bytes((token,)), self.table.index(name)]
        for key, value in attributes.items():
            parts += [bytes((Global.LITERAL,)), self.table.index(key)]
            if value:
                parts += [bytes((Global.STR_T,)), self.table.index(value)]
        if attributes:
            parts.append(bytes((Global.END,)))
        return b"".join(parts), opened

    def _attributes(self, source: bytes, frame: Frame) -> dict[bytes, bytes]:
        """Read the attributes of a tag, sorted by name."""
        found: dict[bytes, bytes] = {}
        for match in _ATTRIBUTE.finditer(source):
            name, value = match[1], match[2]
            shown = name.decode(errors="replace")
            if b":" in name:
                raise WbxmlError(XML, f"attribute {shown} has a prefix, which has no WBXML form", place=frame.path())
            if not is_name(name) or name in found:
                raise WbxmlError(XML, f"attribute {shown} is not a name, or stands twice", place=frame.path())
            found[name] = _value(value, frame)
        return dict(sorted(found.items()))


def _check_place(frame: Frame, name: bytes, namespace: bytes, place: str) -> None:
    if frame.role is Role.CLOSED:
        raise WbxmlError(XML, "an element behind the root element", place=place)
    if not namespace:
        wanted = _ROOTS.get(name, b"that of its document type")
        raise WbxmlError(XML, "the element has no namespace", place=place, wanted=f'xmlns="{wanted.decode()}"')
    if frame.role is Role.DOCUMENT and _ROOTS.get(name) != namespace:
        raise WbxmlError(
            XML,
            "the root element is of no document type that has a WBXML form here",
            place=place,
            wanted=" or ".join(f'<{root.decode()} xmlns="{its.decode()}">' for root, its in _ROOTS.items()),
            found=f"namespace {namespace.decode(errors='replace')}",
        )


def _token(page: int, name: bytes, attributes: dict[bytes, bytes], place: str, *, empty: bool) -> bytes:
    token = TOKENS[page].get(name)
    if token is None:
        others = [NAMESPACES[other].decode() for other, table in enumerate(TOKENS) if name in table]
        raise WbxmlError(
            XML,
            f"no such element in namespace {NAMESPACES[page].decode()}",
            place=place,
            wanted=f'xmlns="{others[0]}" on it' if others else None,
        )
    if attributes:
        first = next(iter(attributes)).decode(errors="replace")
        raise WbxmlError(XML, f"attribute {first} on an element that has none in WBXML", place=place)
    return bytes((token if empty else token | HAS_CONTENT,))


def _value(source: bytes, frame: Frame) -> bytes:
    """Replace the references that Canonical XML uses in an attribute value; check what remains."""
    if not is_text(source):
        raise WbxmlError(XML, "an attribute value is not XML text in UTF-8", place=frame.path())
    try:
        return _REFERENCE.sub(lambda match: _CHARACTERS[match[1]], source)
    except KeyError as error:
        raise WbxmlError(XML, "an attribute value is not in canonical form", place=frame.path()) from error
