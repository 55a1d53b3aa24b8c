"""A provisioning document in the readable form that card profiles use.

Guarantees: every scalar is text, every unknown key is refused by name, and errors name the key, never a value.
Leaves to its caller: reading the file; the mapping holds secrets in clear.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from smartcard_dm.dm.provisioning_document import (
    DEFAULT_VERSION,
    Characteristic,
    Parm,
    ProvisioningDocument,
    text_fault,
)
from smartcard_dm.errors import DmError, LimitExceededError
from smartcard_dm.limits import DEFAULT_LIMITS, Limits

_STRUCTURE: Final = "provisioning document source"


def document_from_mapping(
    mapping: Mapping[str, object], *, place: str, limits: Limits = DEFAULT_LIMITS
) -> ProvisioningDocument:
    """Make a document from nested mappings.

    Keys: `characteristics`, a list, and optional `version`. A characteristic has `type`, and optional `parms` and
    `characteristics`. Its parms are a mapping of names to values, where a list of values repeats the parm and an empty
    text makes a parm without a value (`INIT: ""`); or a list of mappings with `name` and optional `value`, which can
    also write an empty value and any order.

    Args:
        mapping: the document; all scalars are `str`.
        place: where it stands, such as `card.yaml:content`, for errors.
        limits: holds `wbxml_depth`, the elements open at one time.

    Raises:
        DmError: a key is unknown or missing, a scalar is not text, or a value is out of range.
        LimitExceededError: nested too deeply, or in itself.
    """
    keys = _keys(mapping, place, {"version", "characteristics"})
    version = _text(keys.get("version", DEFAULT_VERSION), f"{place}.version", empty=False)
    if "characteristics" not in keys:
        raise DmError(_STRUCTURE, "the key is missing", place=f"{place}.characteristics")
    # The root element is open around them.
    characteristics = _characteristics(keys, place, limits, 2)
    try:
        return ProvisioningDocument(version, characteristics)
    except ValueError as error:
        raise DmError(_STRUCTURE, str(error), place=f"{place}.version", found=repr(version[:20])) from None


def _characteristics(keys: Mapping[str, object], place: str, limits: Limits, depth: int) -> tuple[Characteristic, ...]:
    entries = _list(keys.get("characteristics", ()), f"{place}.characteristics")
    if entries and depth > limits.wbxml_depth:
        raise LimitExceededError(_STRUCTURE, "wbxml_depth", limits.wbxml_depth, found="a deeper characteristic")
    return tuple(
        _characteristic(entry, f"{place}.characteristics[{index}]", limits, depth)
        for index, entry in enumerate(entries)
    )


def _characteristic(value: object, place: str, limits: Limits, depth: int) -> Characteristic:
    keys = _keys(value, place, {"type", "parms", "characteristics"})
    return Characteristic(
        _required(keys, "type", place),
        _parms(keys.get("parms", ()), f"{place}.parms"),
        _characteristics(keys, place, limits, depth + 1),
    )


def _parms(value: object, place: str) -> tuple[Parm, ...]:
    if not isinstance(value, Mapping):
        return tuple(_parm(entry, f"{place}[{index}]") for index, entry in enumerate(_list(value, place)))
    parms: list[Parm] = []
    for name, given in value.items():
        _text(name, place, empty=False)
        where = f"{place}.{str(name)[:40]}"
        if isinstance(given, str):
            parms.append(Parm(name, _text(given, where, empty=True) or None))
        else:
            parms += [
                Parm(name, _text(entry, f"{where}[{index}]", empty=True) or None)
                for index, entry in enumerate(_list(given, where))
            ]
    return tuple(parms)


def _parm(value: object, place: str) -> Parm:
    keys = _keys(value, place, {"name", "value"})
    text = _text(keys["value"], f"{place}.value", empty=True) if "value" in keys else None
    return Parm(_required(keys, "name", place), text)


def _keys(value: object, place: str, known: set[str]) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise DmError(_STRUCTURE, "not a mapping", place=place, found=type(value).__name__)
    for key in value:
        if key not in known:
            wanted = ", ".join(sorted(known))
            raise DmError(_STRUCTURE, "unknown key", place=f"{place}.{str(key)[:40]}", wanted=wanted)
    return value


def _required(keys: Mapping[str, object], key: str, place: str) -> str:
    if key not in keys:
        raise DmError(_STRUCTURE, "the key is missing", place=f"{place}.{key}")
    return _text(keys[key], f"{place}.{key}", empty=False)


def _list(value: object, place: str) -> Sequence[object]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise DmError(_STRUCTURE, "not a list", place=place, found=type(value).__name__)
    return value


def _text(value: object, place: str, *, empty: bool) -> str:
    if not isinstance(value, str):
        raise DmError(_STRUCTURE, "not text", place=place, wanted="str", found=type(value).__name__)
    fault = text_fault(value, empty=empty)
    if fault is not None:
        raise DmError(_STRUCTURE, fault, place=place)
    return value
