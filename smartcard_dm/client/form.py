"""JSON that must have a form: reads one field after another, and says which is wrong.

Guarantees: whatever the JSON is, the only error is `AgentProtocolError`, which names the field and the kind of value
found there, never the value. Fields nobody asks for are ignored.
"""

from __future__ import annotations

import json
from base64 import b64decode
from binascii import Error as Base64Error
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Self, TypeVar

from smartcard_dm.errors import AgentProtocolError
from smartcard_dm.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = TypeVar("Kind")

_UPDATE: Final = "use the client and the agent of one release, and look at what else uses that socket"
_WORDS: Final = {
    dict: "an object",
    list: "a list",
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
}


class Form:
    """One object of JSON, at a place.

    Args:
        name: the socket it came from.
        place: where in the answer it stands, such as "card".
        fields: what it holds.
    """

    __slots__ = ("_fields", "_name", "_place")

    def __init__(self, name: str, place: str, fields: dict[str, object]) -> None:
        self._name = name
        self._place = place
        self._fields = fields

    @classmethod
    def parse(cls, name: str, place: str, octets: bytes) -> Self:
        """Return the object that octets spell.

        Raises:
            AgentProtocolError: they are no JSON, or no object.
        """
        try:
            found: object = json.loads(octets)
        except (ValueError, RecursionError) as error:
            raise no_form(name, f"the {place} is no JSON") from error
        if not isinstance(found, dict):
            raise no_form(name, f"the {place} is {_word(found)}, wanted an object")
        return cls(name, place, found)

    def text(self, field: str) -> str:
        """Return a field that is text."""
        return self._as(str, field)

    def text_or_none(self, field: str) -> str | None:
        """Return a field that is text or null, or is not there."""
        return None if self._fields.get(field) is None else self.text(field)

    def number(self, field: str) -> int:
        """Return a field that is a whole number."""
        return self._as(int, field)

    def flag(self, field: str) -> bool:
        """Return a field that is true or false."""
        return self._as(bool, field)

    def moment(self, field: str) -> datetime:
        """Return a field that is a moment with its time zone, in UTC."""
        text = self.text(field)
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as error:
            raise self._wrong(field, "a moment", "other text") from error
        if moment.tzinfo is None:
            raise self._wrong(field, "a moment with its time zone", "one without")
        return moment.astimezone(UTC)

    def moment_or_none(self, field: str) -> datetime | None:
        """Return a field that is a moment or null."""
        return None if self._fields.get(field) is None else self.moment(field)

    def secret_text(self, field: str) -> Secret | None:
        """Return a field that is text or null, as a secret of its octets in UTF-8."""
        text = self.text_or_none(field)
        return None if text is None else Secret(text.encode("utf-8", "surrogatepass"))

    def secret_octets(self, field: str) -> Secret | None:
        """Return a field that is base64 or null, as a secret of the octets it stands for."""
        text = self.text_or_none(field)
        try:
            return None if text is None else Secret(b64decode(text, validate=True))
        except (Base64Error, ValueError):
            # Not chained: the cause quotes nothing today, and a later one might.
            raise self._wrong(field, "base64", "other text") from None

    def part(self, field: str) -> Form:
        """Return a field that is an object."""
        return Form(self._name, f"{self._place}.{field}", self._as(dict, field))

    def part_or_none(self, field: str) -> Form | None:
        """Return a field that is an object or null, or is not there."""
        return None if self._fields.get(field) is None else self.part(field)

    def parts(self, field: str) -> tuple[Form, ...]:
        """Return a field that is a list of objects."""
        found: list[object] = self._as(list, field)
        return tuple(Form(self._name, f"{self._place}.{field}", item) for item in self._all(dict, field, found))

    def texts(self, field: str) -> tuple[str, ...]:
        """Return a field that is a list of texts."""
        found: list[object] = self._as(list, field)
        return tuple(self._all(str, field, found))

    def numbers(self, field: str) -> tuple[int, ...]:
        """Return a field that is a list of whole numbers."""
        found: list[object] = self._as(list, field)
        return tuple(self._all(int, field, found))

    def whole(self) -> Mapping[str, object]:
        """Return all fields as they stand."""
        return MappingProxyType(self._fields)

    def _as(self, kind: type[Kind], field: str) -> Kind:
        if field not in self._fields:
            raise self._wrong(field, _WORDS[kind], "nothing")
        return self._all(kind, field, [self._fields[field]])[0]

    def _all(self, kind: type[Kind], field: str, found: list[object]) -> list[Kind]:
        kept: list[Kind] = []
        for item in found:
            # True is an int to Python, not to JSON.
            if not isinstance(item, kind) or (isinstance(item, bool) and kind is not bool):
                raise self._wrong(field, _WORDS[kind], _word(item))
            kept.append(item)
        return kept

    def _wrong(self, field: str, wanted: str, found: str) -> AgentProtocolError:
        return no_form(self._name, f"{self._place}.{field} is {found}, wanted {wanted}")


def no_form(name: str, detail: str, *, status: int | None = None) -> AgentProtocolError:
    """Return the error for what is none of the API's forms.

    Args:
        name: the socket.
        detail: what is wrong, in one clause.
        status: the HTTP status it came with.
    """
    return AgentProtocolError("protocol", detail, _UPDATE, name=name, status=status)


def _word(value: object) -> str:
    return "null" if value is None else _WORDS[type(value)]
