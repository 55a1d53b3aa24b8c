"""What an operator gives, in any of its forms: XML, or the short YAML form; JSON is YAML.

Guarantees: the form is told by the first character, `<` for XML; the result is the same template whatever the form.
Leaves to its caller: reading files, values for the variables, lint, signing.

Spec: OMA-TS-DM_Sessionless 5.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smartcard_dm.errors import LimitExceededError
from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.server.compose import compose
from smartcard_dm.server.markup import STRUCTURE
from smartcard_dm.server.template_compile import compile_template
from smartcard_dm.server.yaml_commands import parse_yaml_message
from smartcard_dm.server.yaml_values import no_files

if TYPE_CHECKING:
    from smartcard_dm.dm import ServerId
    from smartcard_dm.limits import Limits
    from smartcard_dm.server.header import Header
    from smartcard_dm.server.template import Template
    from smartcard_dm.server.yaml_values import ReadFile

_SPACE: Final = b" \t\r\n"
_MARKS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
"""Byte order marks of UTF-8 and UTF-16."""


def compile_source(
    source: bytes,
    server_id: ServerId,
    header: Header,
    *,
    read_file: ReadFile = no_files,
    limits: Limits = DEFAULT_LIMITS,
) -> Template:
    """Return the message as a template: compose once, fill for one device or for many.

    Args:
        source: XML (a SyncML document or a bare SyncBody), or YAML.
        server_id: becomes SyncHdr/Source/LocURI, whatever the source says there.
        header: session, message and target; what it says stands over the source.
        read_file: gives the octets of a file that YAML names; XML names none.
        limits: bounds of the result.

    Raises:
        DmError: the source is no message; the place in it is named.
        LimitExceededError: too large.
        UnsupportedError: a command or an element this project does not handle.
        WbxmlError: an object has no WBXML form.
    """
    if len(source) > limits.xml_octets:
        raise LimitExceededError(STRUCTURE, "xml_octets", limits.xml_octets)
    if is_xml(source):
        composed = compose(source, server_id, header, limits=limits)
    else:
        said = parse_yaml_message(source, limits=limits, read_file=read_file)
        composed = said.builder.compose(server_id, said.header(header), limits=limits)
    return compile_template(composed, limits=limits)


def is_xml(source: bytes) -> bool:
    """Whether a source is XML and not YAML."""
    for mark in _MARKS:
        source = source.removeprefix(mark)
    return source.lstrip(_SPACE + b"\0").startswith(b"<")
