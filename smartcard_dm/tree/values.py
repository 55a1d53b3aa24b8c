"""Values of leaves: from what an item carries to what is stored, by Format.

Guarantees: what is stored is a value of its Format; a refusal never shows the value.
Leaves to its caller: whether the node may have this Format.

Spec: OMA-TS-DM_TND-V1_2_1, 7.7.2; OMA-TS-DM_RepPro-V1_2_1, 6.6.4 (Data), 10 (412, 415, 424).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from smartcard_dm.dm import EncryptedContent, InlineTree, NodeFormat
from smartcard_dm.dm.formats import decode_base64
from smartcard_dm.dm.values import value_fault
from smartcard_dm.errors import DmError
from smartcard_dm.tree.status import CommandRefused, StatusCode

if TYPE_CHECKING:
    from smartcard_dm.dm import Item, Meta

_MIME: Final = re.compile(r"(text|application|image|audio|video|multipart|message|model|font|x-[a-z0-9-]+)/[^/]+")


def read_format(meta: Meta) -> NodeFormat:
    """Return the Format of a new node: the one given, else chr.

    Raises:
        CommandRefused: status 415, nobody knows it.
    """
    try:
        return NodeFormat(meta.format or NodeFormat.CHR.value)
    except ValueError:
        known = ", ".join(each.value for each in NodeFormat)
        detail = f"unknown Format {meta.format!r:.40}; wanted one of {known}"
        raise CommandRefused(StatusCode.UNSUPPORTED_MEDIA_TYPE_OR_FORMAT, detail) from None


def object_identifier(type_: str | None) -> str:
    """Return the identifier of an object that a Type names for an interior node; empty for a MIME type or none."""
    return "" if type_ is None or _MIME.fullmatch(type_) else type_


def read_value(item: Item, meta: Meta, format_: NodeFormat) -> str | bytes | None:
    """Return the value that an item gives a leaf.

    Raises:
        CommandRefused: status 412 without data, 415 for content that is no value, 424 when it has another size than
            was said, 500 when it is not of its Format.
    """
    data = item.data
    if isinstance(data, InlineTree):
        detail = "elements stand where a value belongs; a TNDS object says so in its Type"
        raise CommandRefused(StatusCode.UNSUPPORTED_MEDIA_TYPE_OR_FORMAT, detail)
    if isinstance(data, EncryptedContent):
        raise CommandRefused(StatusCode.UNSUPPORTED_MEDIA_TYPE_OR_FORMAT, "the value is encrypted")
    if format_ is NodeFormat.NULL:
        if data is not None and data.text:
            raise CommandRefused(StatusCode.COMMAND_FAILED, "a node of Format null has no value")
        return None
    if data is None:
        raise CommandRefused(StatusCode.INCOMPLETE_COMMAND, "the item has no Data")
    value = _decoded(data.text) if format_.is_binary else data.text
    check_value(format_, value)
    size = len(value if isinstance(value, bytes) else value.encode())
    if meta.size is not None and meta.size != size:
        detail = f"Meta says a Size of {meta.size} octets, the value has {size}"
        raise CommandRefused(StatusCode.SIZE_MISMATCH, detail)
    return value


def check_value(format_: NodeFormat, value: str | bytes | None) -> None:
    """Refuse a value that is not of its Format.

    Raises:
        CommandRefused: status 500.
    """
    fault = value_fault(format_, value)
    if fault is not None:
        raise CommandRefused(StatusCode.COMMAND_FAILED, fault)


def _decoded(text: str) -> bytes:
    try:
        return decode_base64(text, structure="value", place=None)
    except DmError as error:
        raise CommandRefused(StatusCode.COMMAND_FAILED, error.detail) from None
