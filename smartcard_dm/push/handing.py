"""Frames between the process that listens and the one that judges, over a stream socket.

Guarantees: what is read is checked as octets of a stranger are, since the process that wrote them faces the network:
nothing is built but an `Arrival` or an `EnvelopeError` from plain fields, and nothing is kept beyond one frame and a
bound. Leaves to its caller: the sockets, and what follows from a frame that is none.
"""

from __future__ import annotations

import json
import struct
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from smartcard_dm.errors import EnvelopeError
from smartcard_dm.push.arrival import CP_WBXML, DM_WBXML, Arrival
from smartcard_dm.rules import Rule
from smartcard_dm.trust.transport import Transport, TransportKind

if TYPE_CHECKING:
    import socket

_HEAD: Final = struct.Struct("!BI")
_SIZES: Final = struct.Struct("!BHH")
_TEXT_OCTETS: Final = 16 * 1024
"""Of the fields around a document, and of a frame without one."""
_SOURCE: Final = 1024
"""Characters of a source."""
_KNOWN: Final = 512
"""Transport records that are kept: a connection has one for all that it brings."""
_TYPES: Final = (DM_WBXML, CP_WBXML)


class Frame(IntEnum):
    """What a frame says."""

    SETUP = 1
    """To the listener: what it is given."""
    GO = 2
    """To it: listen."""
    ROOM = 3
    """To it: how many of what it handed on have been dealt with."""
    STOP = 4
    """To it: end; 1: and take nothing more, 0: take what is whole."""
    LOADED = 5
    """From the listener: what it was given can be used."""
    UNUSABLE = 6
    """From it: why the key or the certificate cannot be used."""
    LISTENING = 7
    """From it: host and port."""
    ARRIVAL = 8
    """From it: a document, whose sender was told that it is taken."""
    REFUSED = 9
    """From it: an envelope without one."""
    ENDED = 10
    """From it, the last one: it ended in order; how many there was no room for."""
    FAULT = 11
    """From it, the last one: a fault of this program."""


_KINDS: Final = {int(kind): kind for kind in Frame}


class HandingError(Exception):
    """What came is no frame of this kind."""


def frame(kind: Frame, payload: bytes = b"") -> bytes:
    """Return a frame."""
    return _HEAD.pack(kind, len(payload)) + payload


def form_frame(kind: Frame, form: object) -> bytes:
    """Return a frame that holds plain values."""
    return frame(kind, json.dumps(form, separators=(",", ":")).encode("ascii"))


def read_form(payload: bytes) -> object:
    """Return the plain values of a frame.

    Raises:
        HandingError: it has none.
    """
    try:
        return json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise HandingError("plain values that cannot be read") from error


def read_count(payload: bytes) -> int:
    """Return the number a frame holds.

    Raises:
        HandingError: it holds another thing.
    """
    form = read_form(payload)
    if type(form) is not int or form < 0:
        raise HandingError("no number")
    return form


class Frames:
    """Cuts octets into frames.

    Args:
        document_octets: bound of a document.
    """

    def __init__(self, document_octets: int) -> None:
        self._longest = document_octets + 2 * _TEXT_OCTETS
        self._rest = b""

    def feed(self, octets: bytes) -> list[tuple[Frame, bytes]]:
        """Return the frames that are whole, with their payloads.

        Raises:
            HandingError: what came is none, or is longer than the bound.
        """
        octets = self._rest + octets
        found: list[tuple[Frame, bytes]] = []
        at = 0
        while len(octets) - at >= _HEAD.size:
            kind, size = _read_head(octets, at, self._longest)
            end = at + _HEAD.size + size
            if end > len(octets):
                break
            found.append((kind, octets[at + _HEAD.size : end]))
            at = end
        self._rest = octets[at:]
        return found


def read_frame(wire: socket.socket, longest: int) -> tuple[Frame, bytes] | None:
    """Return the next frame of a stream and read no octet of what follows; None when the stream ends.

    Raises:
        HandingError: what came is none, or is longer than the bound.
        OSError: of the socket.
    """
    head = _exactly(wire, _HEAD.size)
    if head is None:
        return None
    kind, size = _read_head(head, 0, longest)
    payload = _exactly(wire, size)
    return None if payload is None else (kind, payload)


def _exactly(wire: socket.socket, size: int) -> bytes | None:
    found = b""
    while len(found) < size:
        more = wire.recv(size - len(found))
        if not more:
            return None
        found += more
    return found


def _read_head(octets: bytes, at: int, longest: int) -> tuple[Frame, int]:
    number, size = _HEAD.unpack_from(octets, at)
    if size > longest:
        raise HandingError("a frame that is too long")
    kind = _KINDS.get(number)
    if kind is None:
        raise HandingError("a frame of no known kind")
    return kind, size


class Writer:
    """Writes what came over pushes."""

    def __init__(self) -> None:
        self._known: dict[Transport, bytes] = {}

    def arrival(self, arrival: Arrival) -> bytes:
        """Return the frame of a document."""
        record = self._known.get(arrival.transport)
        if record is None:
            if len(self._known) >= _KNOWN:
                self._known.clear()
            record = self._known[arrival.transport] = _record(arrival.transport)
        source = arrival.source[:_SOURCE].encode("utf-8", "backslashreplace")
        kind = _TYPES.index(arrival.content_type)
        size = _SIZES.size + len(source) + len(record) + len(arrival.octets)
        return b"".join(
            (
                _HEAD.pack(Frame.ARRIVAL, size),
                _SIZES.pack(kind, len(record), len(source)),
                record,
                source,
                arrival.octets,
            )
        )

    def refusal(self, error: EnvelopeError, kind: TransportKind, source: str) -> bytes:
        """Return the frame of an envelope that holds no document."""
        texts = (str(error.rule), error.structure, error.detail, error.place, error.wanted, error.found)
        return form_frame(Frame.REFUSED, [*texts, error.offset, kind.value, source])


class Reader:
    """Reads what a `Writer` wrote, in another process.

    Args:
        kind: the one transport that can be.
        document_octets: bound of a document.
    """

    def __init__(self, kind: TransportKind, document_octets: int) -> None:
        self.kind = kind
        self._document_octets = document_octets
        self._known: dict[bytes, Transport] = {}

    def arrival(self, payload: bytes) -> Arrival:
        """Return a document.

        Raises:
            HandingError: it is none.
        """
        try:
            kind, record_size, source_size = _SIZES.unpack_from(payload)
            content_type = _TYPES[kind]
            record = payload[_SIZES.size : _SIZES.size + record_size]
            at = _SIZES.size + record_size + source_size
            source = payload[at - source_size : at].decode()
        except (struct.error, IndexError, UnicodeDecodeError) as error:
            raise HandingError("a document whose head cannot be read") from error
        octets = payload[at:]
        if not 0 < len(octets) <= self._document_octets:
            raise HandingError("a document that is empty or too large")
        transport = self._known.get(record)
        if transport is None:
            if len(self._known) >= _KNOWN:
                self._known.clear()
            transport = self._known[record] = self._transport(record)
        return Arrival(octets, content_type, transport, source)

    def refusal(self, payload: bytes) -> tuple[EnvelopeError, str]:
        """Return an envelope's fault, and its source.

        Raises:
            HandingError: it is none.
        """
        match read_form(payload):
            case [
                str(rule),
                str(structure),
                str(detail),
                None | str() as place,
                None | str() as wanted,
                None | str() as found,
                None | int() as offset,
                self.kind.value,
                str(source),
            ]:
                return (
                    EnvelopeError(rule, structure, detail, offset=offset, place=place, wanted=wanted, found=found),
                    source,
                )
        raise HandingError("an envelope that cannot be read")

    def _transport(self, record: bytes) -> Transport:
        match read_form(record):
            case [bool(secured), str(evidence), str(name)]:
                rule = _RULES.get(name)
                if rule is not None:
                    return Transport(self.kind, secured, evidence, rule)
        raise HandingError("a transport record that cannot be read")


_RULES: Final = {rule.identifier: rule for rule in Rule if rule.step is Transport.local().rule.step}


def _record(transport: Transport) -> bytes:
    evidence = transport.evidence[: _TEXT_OCTETS // 12]  # JSON may need twelve octets for one character
    return json.dumps([transport.secured, evidence, transport.rule.identifier]).encode("ascii")
