"""One message for many targets: commands with variables, compiled once, filled for each target.

A variable is written `${name}` in the text of an element; `$${name}` is the text `${name}` itself.

Guarantees: a variable is only ever text of an element, whatever its value holds, never markup and never an attribute;
what `fill` returns is canonical, and octet for octet what `compose` returns for the same commands with the values
written in. Errors name the variable, never its value. Leaves to its caller: the values, signing, encoding.

Spec: OMA-TS-DM_Sessionless 5.2; Canonical XML 1.0, 2.3.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, Final, final

from lxml import etree

from smartcard_dm.dm import parse_message
from smartcard_dm.dm.namespaces import SYNCML_NS
from smartcard_dm.errors import DmError, LimitExceededError
from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.server.compose import compose

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from smartcard_dm.dm import ServerId
    from smartcard_dm.limits import Limits
    from smartcard_dm.server.compose import Header

_STRUCTURE: Final = "template"
_VARIABLE: Final = re.compile(r"\$(\$?)\{([A-Za-z_][A-Za-z0-9_]*)\}")
_VARIABLE_OCTETS: Final = re.compile(_VARIABLE.pattern.encode("ascii"))
_NOT_TEXT: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPED: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#xD;"})


class _Place(Enum):
    """What a text with variables is, which says what of a value has to be checked."""

    FREE = "text of Data, which may be anything"
    FILLED = "text that must not be empty"
    READ = "text that the message as a whole is read again for"


@final
class Template:
    """A composed message with variables; made by `compile_template`."""

    def __init__(self, skeleton: bytes, places: list[tuple[_Place, list[str]]], limits: Limits) -> None:
        pieces: list[bytes] = [b""]
        names: list[str] = []
        position = 0
        for match in _VARIABLE_OCTETS.finditer(skeleton):
            pieces[-1] += skeleton[position : match.start()]
            position = match.end()
            if match[1]:
                pieces[-1] += match[0][1:]
                continue
            names.append(match[2].decode("ascii"))
            pieces.append(b"")
        pieces[-1] += skeleton[position:]
        self._pieces = pieces
        self._names = names
        self._filled = [found for place, found in places if place is _Place.FILLED and found]
        self._reads = any(place is _Place.READ for place, _ in places)
        self._limits = limits
        self.variables = frozenset(names)
        """The names that `fill` needs."""

    def fill(self, values: Mapping[str, str]) -> bytes:
        """Return the message for one target, canonical and unsigned.

        Args:
            values: text by name of variable; others than those of the template are let pass.

        Raises:
            DmError: a value is missing, is no XML text, is empty where the message needs text, or makes a message
                that no device could parse.
            LimitExceededError: the message is too large.
            UnsupportedError: the value makes a command this project does not handle.
        """
        octets = {name: self._octets(name, values) for name in self.variables}
        for names in self._filled:
            if not any(octets[name] for name in names):
                raise DmError(_STRUCTURE, "the value is empty where the message needs text", place=_shown(names[0]))
        parts = [b""] * (2 * len(self._names) + 1)
        parts[::2] = self._pieces
        parts[1::2] = [octets[name] for name in self._names]
        message = b"".join(parts)
        if self._reads:
            parse_message(message, limits=self._limits)
        elif len(message) > self._limits.xml_octets:
            raise LimitExceededError("message", "xml_octets", self._limits.xml_octets, found=str(len(message)))
        return message

    @staticmethod
    def _octets(name: str, values: Mapping[str, str]) -> bytes:
        value = values.get(name)
        if value is None:
            raise DmError(_STRUCTURE, "the variable has no value", place=_shown(name))
        if _NOT_TEXT.search(value):
            raise DmError(_STRUCTURE, "the value holds a character that XML has not", place=_shown(name))
        return value.translate(_ESCAPED).encode()


def compile_template(
    commands: bytes, server_id: ServerId, header: Header, *, limits: Limits = DEFAULT_LIMITS
) -> Template:
    """Return the template of commands with variables.

    Args:
        commands: as for `compose`, with variables in the text of elements.
        server_id: becomes SyncHdr/Source/LocURI.
        header: session, message and target; their texts may hold variables too.
        limits: bounds of each message.

    Raises:
        DmError: as for `compose`; a variable stands where no text can be, or where the message needs a number.
        LimitExceededError: too large.
        UnsupportedError: a command this project does not handle.
    """
    skeleton = compose(commands, server_id, header, limits=limits)
    root = etree.fromstring(skeleton)
    return Template(skeleton, list(_places(root)), limits)


def _places(root: etree._Element) -> Iterator[tuple[_Place, list[str]]]:
    """Yield each text that holds a variable, with the variables it wholly depends on to be there."""
    for element in root.iter():
        local = etree.QName(element).localname
        if any(_VARIABLE.search(str(value)) for value in (*element.attrib.values(), *element.nsmap.values())):
            raise DmError(
                _STRUCTURE, "a variable stands in an attribute, wanted in the text of an element", place=local
            )
        text = element.text or ""
        names = [match[2] for match in _VARIABLE.finditer(text) if not match[1]]
        if names:
            rest = _VARIABLE.sub(lambda match: match[1], text)
            yield _place(element), [] if rest else names


def _place(element: etree._Element) -> _Place:
    parents = [ancestor.tag for ancestor in element.iterancestors()]
    if element.tag in {_sync("SessionID"), _sync("MsgID"), _sync("LocURI")}:
        return _Place.FILLED
    if element.tag == _sync("Data") and parents[0] == _sync("Item"):
        return _Place.FREE
    # The elements of an object in Data are carried as they are; reading them is the device's business.
    inside_data = _sync("Data") in parents and not str(element.tag).startswith(_sync(""))
    return _Place.FREE if inside_data else _Place.READ


def _sync(name: str) -> str:
    return f"{{{SYNCML_NS}}}{name}"


def _shown(name: str) -> str:
    return f"${{{name}}}"
