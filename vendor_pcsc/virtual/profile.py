"""From a profile file to a `Profile`.

Guarantees: whatever the text, the result is a consistent `Profile` or a `ProfileError` that names the place and
what is allowed there; no error text holds a PIN value. The format is described in README.md beside this file.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from vendor_pcsc.errors import ProfileError
from vendor_pcsc.virtual.atr import MAX_ATR_LENGTH, check_atr
from vendor_pcsc.virtual.content import with_built_in
from vendor_pcsc.virtual.document import MAX_SOURCE_LENGTH, Node, parse_document
from vendor_pcsc.virtual.model import (
    ALWAYS,
    NEVER,
    AccessRule,
    Activation,
    Condition,
    Faults,
    Generation,
    PinDefinition,
    Profile,
    Quirks,
    WireProtocol,
)
from vendor_pcsc.virtual.pin_value import PinValue
from vendor_pcsc.virtual.profile_2g import check_activation, check_sim
from vendor_pcsc.virtual.profile_faults import read_faults
from vendor_pcsc.virtual.profile_files import FileReader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vendor_pcsc.virtual.content import Generator

MAX_RULES: Final = 64
"""Access rules of a profile: a record number in EF(ARR) is one octet, and no card needs as many."""

_NO_GENERATORS: Final[Mapping[str, Generator]] = MappingProxyType({})
_REQUIRED: Final = ("profile", "name", "generation", "atr", "protocol", "access", "files")
_OPTIONAL: Final = ("description", "activation", "logical_channels", "extended_length", "pins", "quirks", "faults")
_PIN_REFERENCES: Final = frozenset(
    {*range(0x01, 0x09), *range(0x0A, 0x0F), 0x11, *range(0x81, 0x89), *range(0x8A, 0x8F)}
)
_QUIRKS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "aid_select": ("not_supported", "no_aid_select"),
        "path_select": ("not_supported", "no_path_select"),
        "accept_any_aid": ("true", "accept_any_aid"),
        "fcp": ("none", "no_fcp"),
        "select_p2_0c_with_aid": ("refused", "no_p2_0c_with_aid"),
    }
)


def load_profile(
    source: Path | str | bytes,
    *,
    generators: Mapping[str, Generator] = _NO_GENERATORS,
    base: Path | None = None,
) -> Profile:
    """Return the card described by a profile.

    Args:
        source: the profile's file, or its text or octets.
        generators: content generators beside the built-in ones.
        base: folder of the files the profile names; that of the source file by default, else the current one.

    Raises:
        ProfileError: the file cannot be read, or the profile is wrong.
        ValueError: a generator has the name of a built-in one.
    """
    known = with_built_in(generators)
    text = _read(source) if isinstance(source, Path) else source
    if base is None:
        base = source.parent if isinstance(source, Path) else Path()
    return _profile(text, known, base, is_swapped_in=False)


def _profile(text: str | bytes, known: Mapping[str, Generator], base: Path, *, is_swapped_in: bool) -> Profile:
    fields = parse_document(text).fields(_REQUIRED, _OPTIONAL)
    fields["profile"].integer(1, 1)
    generation = fields["generation"].choice(Generation)
    pins = _pins(fields["pins"]) if "pins" in fields else {}
    rules = _rules(fields["access"], pins)
    generated = next((r for r in rules.values() if (r.read, r.update) == (ALWAYS, NEVER)), None)
    if generated is None:
        generated = rules[""] = AccessRule("", ALWAYS, NEVER)
    protocol = fields["protocol"].choice(WireProtocol)
    check_sim(fields, generation, protocol, pins.values())
    check_activation(fields, generation)
    if is_swapped_in and "faults" in fields:
        raise fields["faults"].error("a card that is swapped in has no faults of its own: those of the first go on")
    return Profile(
        name=fields["name"].text(),
        description=fields["description"].text() if "description" in fields else "",
        generation=generation,
        atr=_atr(fields["atr"]),
        protocol=protocol,
        logical_channels=fields["logical_channels"].integer(1, 20) if "logical_channels" in fields else 4,
        extended_length=_extended_length(fields.get("extended_length"), protocol),
        pins=tuple(pins.values()),
        rules=tuple(rules.values()),
        mf=FileReader(base, known, pins, rules, generated).read_mf(fields["files"]),
        quirks=_quirks(fields["quirks"]) if "quirks" in fields else Quirks(),
        activation=fields["activation"].choice(Activation) if "activation" in fields else Activation.FIRST_COMMAND,
        faults=read_faults(fields["faults"], partial(_other, known, base)) if "faults" in fields else Faults(),
    )


def _other(known: Mapping[str, Generator], base: Path, node: Node) -> Profile:
    """Return the profile named relative to this one."""
    name = Path(node.text())
    if name.is_absolute():
        raise node.error("wanted a file name relative to the profile, found an absolute one")
    try:
        return _profile(_read(base / name), known, (base / name).parent, is_swapped_in=True)
    except ProfileError as error:
        raise node.error(f"{error.place}: {error.detail}") from error


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_SOURCE_LENGTH + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise ProfileError(str(path), "the file cannot be read") from error


def _atr(node: Node) -> bytes:
    atr = node.octets(2, MAX_ATR_LENGTH)
    try:
        check_atr(atr)
    except ValueError as error:
        raise node.error(str(error)) from error
    return atr


def _extended_length(node: Node | None, protocol: WireProtocol) -> bool:
    if node is None or not node.boolean():
        return False
    if protocol is WireProtocol.T0:
        # T=0 carries extended lengths only in ENVELOPE, which this card does not have.
        raise node.error("extended length goes with protocol t1 only")
    return True


def _pins(node: Node) -> dict[str, PinDefinition]:
    pins = {name: _pin(name, entry) for name, entry in node.mapping().items()}
    references: set[int] = set()
    for name, pin in pins.items():
        if name in {"", "always", "never"}:
            raise node.mapping()[name].error("a PIN is not called always or never, and has a name")
        if pin.reference in references:
            raise node.mapping()[name].error(f"PIN reference {pin.reference:02X} is there twice")
        references.add(pin.reference)
    return pins


def _pin(name: str, node: Node) -> PinDefinition:
    fields = node.fields(("reference", "value"), ("attempts", "enabled", "unblock", "unblock_attempts"))
    reference = fields["reference"].octets(1, 1)[0]
    if reference not in _PIN_REFERENCES:
        raise fields["reference"].error(
            f"wanted a PIN reference 01 to 08, 0A to 0E, 11, 81 to 88 or 8A to 8E, found {reference:02X}"
        )
    return PinDefinition(
        name=name,
        reference=reference,
        value=_pin_value(fields["value"]),
        attempts=fields["attempts"].integer(1, 15) if "attempts" in fields else 3,
        enabled=fields["enabled"].boolean() if "enabled" in fields else True,
        unblock=_pin_value(fields["unblock"]) if "unblock" in fields else None,
        unblock_attempts=fields["unblock_attempts"].integer(1, 15) if "unblock_attempts" in fields else 10,
    )


def _pin_value(node: Node) -> PinValue:
    try:
        return PinValue.from_text(node.text())
    except ValueError as error:
        raise node.error(str(error)) from error


def _rules(node: Node, pins: Mapping[str, PinDefinition]) -> dict[str, AccessRule]:
    entries = node.mapping()
    if "" in entries or len(entries) > MAX_RULES:
        raise node.error(f"wanted at most {MAX_RULES} access rules, each with a name")
    rules: dict[str, AccessRule] = {}
    for name, entry in entries.items():
        fields = entry.fields(("read", "update"))
        rules[name] = AccessRule(name, _condition(fields["read"], pins), _condition(fields["update"], pins))
    return rules


def _condition(node: Node, pins: Mapping[str, PinDefinition]) -> Condition:
    known = {"always": ALWAYS, "never": NEVER}
    known |= {name: Condition(reference=pin.reference) for name, pin in pins.items()}
    if node.text() not in known:
        raise node.error(f"wanted one of {', '.join(known)}, found {node.shown}")
    return known[node.text()]


def _quirks(node: Node) -> Quirks:
    found = node.fields((), tuple(_QUIRKS))
    for key, entry in found.items():
        if entry.text() != _QUIRKS[key][0]:
            raise entry.error(f"wanted {_QUIRKS[key][0]}, or no such key; found {entry.shown}")
    return Quirks(**{_QUIRKS[key][1]: True for key in found})
