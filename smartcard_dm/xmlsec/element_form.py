"""Strict reading of small elements: what a form does not want is refused by the rule of that form.

Guarantees: no child, attribute or text is passed over; a refusal names elements and places, never text.
Leaves to its caller: the order of elements, and what their values mean.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from smartcard_dm.errors import VerificationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lxml import etree

    from smartcard_dm.rules import Rule

XML_SPACE: Final = " \t\r\n"
_DROP_SPACE: Final = str.maketrans("", "", XML_SPACE)


def clark(namespace: str, name: str) -> str:
    """Return the `{namespace}name` form of an element name."""
    return f"{{{namespace}}}{name}"


def local_name(element: etree._Element) -> str:
    """Return the name of an element without its namespace, for a refusal."""
    return str(element.tag).rpartition("}")[2]


@dataclass(frozen=True, slots=True)
class ElementForm:
    """The readers of one form."""

    rule: Rule
    """What is broken when an element has another form."""

    def children(
        self, element: etree._Element, place: str, *wanted: str, maybe: frozenset[str] = frozenset()
    ) -> dict[str, etree._Element]:
        """Return the children by name: those of `wanted`, once each, in this order; one in `maybe` may be absent.

        Raises:
            VerificationError: another child, another order, or text between them.
        """
        if (element.text or "").strip(XML_SPACE) or any((child.tail or "").strip(XML_SPACE) for child in element):
            raise VerificationError(self.rule, "wanted elements only, found text between them", place=place)
        names = [str(child.tag) for child in element]
        if names != [name for name in wanted if name not in maybe or name in names]:
            raise self._other(element, place, wanted)
        return dict(zip(names, element, strict=True))

    def exactly(self, element: etree._Element, place: str, *wanted: str) -> list[etree._Element]:
        """Return the children, which have exactly the names `wanted` in this order.

        Raises:
            VerificationError: another child, another order, or text between them.
        """
        return list(self.children(element, place, *wanted).values())

    def _other(self, element: etree._Element, place: str, wanted: Sequence[str]) -> VerificationError:
        names = ", ".join(name.rpartition("}")[2] for name in wanted) or "nothing"
        found = ", ".join(local_name(child) for child in element) or "nothing"
        return VerificationError(self.rule, f"wanted {names}, found {found:.200}", place=place)

    def attributes(self, element: etree._Element, place: str, *names: str) -> list[str]:
        """Return the values of the attributes, which are exactly `names`.

        Raises:
            VerificationError: one is missing, or another one is there.
        """
        if set(element.attrib) != set(names):
            wanted = ", ".join(names) or "no attribute"
            found = ", ".join(sorted(str(key) for key in element.attrib)) or "none"
            raise VerificationError(self.rule, f"wanted {wanted}, found {found:.200}", place=place)
        return [element.attrib[name] for name in names]

    def algorithm(self, element: etree._Element, place: str) -> str:
        """Return the attribute Algorithm of an element that has nothing else.

        Raises:
            VerificationError: it is missing, or something else is there.
        """
        (algorithm,) = self.attributes(element, place, "Algorithm")
        self.exactly(element, place)
        return algorithm

    def text(self, element: etree._Element, place: str) -> str:
        """Return the text of an element that has nothing else.

        Raises:
            VerificationError: something else is there.
        """
        if len(element) or element.attrib:
            raise VerificationError(self.rule, "wanted text only, found an element or attribute", place=place)
        return element.text or ""

    def base64(self, element: etree._Element, place: str, most: int, too_large: Rule) -> bytes:
        """Return the octets of a base64 text; white space in it is passed over, another spelling is not.

        Args:
            element: holds the text and nothing else.
            place: of the element.
            most: octets.
            too_large: the rule that a longer one breaks, before it is decoded.

        Raises:
            VerificationError: empty, too long, or not base64 in its one canonical spelling.
        """
        digits = self.text(element, place).translate(_DROP_SPACE)
        if len(digits) > (most + 2) // 3 * 4:
            raise VerificationError(too_large, f"wanted at most {most} octets", place=place)
        try:
            octets = base64.b64decode(digits, validate=True)
        except (binascii.Error, ValueError) as error:
            raise VerificationError(self.rule, "wanted base64 text", place=place) from error
        # The unused bits of the last digit are zero (RFC 4648, 3.5): no second spelling of one value.
        if not octets or base64.b64encode(octets).decode("ascii") != digits:
            raise VerificationError(self.rule, "wanted base64 text in its one canonical spelling", place=place)
        return octets
