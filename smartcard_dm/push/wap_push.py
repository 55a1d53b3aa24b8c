"""A DM message or a CP document as a WAP push, with SEC and MAC: composed, and opened.

    DM   TID 06 31  1F 2D C2 91 8x 92 <40 hex digits> 00  AF 87  <WBXML>
    CP   TID 06 2F  1F 2D B6 91 8x 92 <40 hex digits> 00         <WBXML>

USERPINMAC sends no MAC, so that its content type is `03 C2 91 83`.

Guarantees: what is opened is a document of one of the two types, for the application that reads it, with the record of
what its SEC and MAC prove. Leaves to its caller: whether that is good enough (verification step 9), and reading the
document.

Spec: WAP-230-WSP, 8.2.4.1; OMA-TS-DM_Security 5.1.7.2.1; OMA-TS-DM_Notification 6.3.1; OMA-WAP-TS-ProvCont 4.3;
decision 0025.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smartcard_dm.errors import EnvelopeError
from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.push.arrival import APPLICATION_ID, CP_WBXML, DM_WBXML, Arrival
from smartcard_dm.push.sec_mac import SecMethod, compute_mac
from smartcard_dm.push.wsp import STRUCTURE, WspPush, build_wsp_push, parse_wsp_push
from smartcard_dm.push.wsp_content_type import ContentType, Parameter
from smartcard_dm.push.wsp_headers import HeaderField
from smartcard_dm.push.wsp_names import ANY_APPLICATION, BROWSER
from smartcard_dm.push.wsp_rules import WspRule

if TYPE_CHECKING:
    from smartcard_dm.limits import Limits
    from smartcard_dm.push.mac_checker import MacChecker
    from smartcard_dm.push.sec_mac import MacKeys

SYNCML_DM: Final = 0x07
"""The number of `APPLICATION_ID`."""
_SHOWN = 60
"""Characters of a stranger's text in an error."""
_APPLICATIONS: Final = {
    DM_WBXML: frozenset((APPLICATION_ID,)),
    CP_WBXML: frozenset((None, ANY_APPLICATION, BROWSER)),
}
"""What a push may say of the application it is for, by the type of its document."""


def compose_wap_push(
    document: bytes, *, content_type: str = DM_WBXML, method: SecMethod, keys: MacKeys, transaction_id: int
) -> bytes:
    """Return a document as a WAP push that proves its sender.

    Args:
        document: a DM message or a CP document in WBXML.
        content_type: `DM_WBXML` or `CP_WBXML`.
        method: how it is proved. For USERPINMAC nothing is sent that proves it: tell the user the PIN and its
            `check_digits`.
        keys: what its key is made of.
        transaction_id: 0 to 255.

    Raises:
        ValueError: no document, or of another type; no transaction identifier.
        KeyMaterialError: a part of the key is not there.
    """
    if content_type not in _APPLICATIONS:
        raise ValueError(f"a WAP push is composed for {DM_WBXML} or {CP_WBXML}, found {content_type!r}")
    if not document:
        raise ValueError("a WAP push holds a document, found none")
    parameters = [Parameter.sec(method)]
    if method is not SecMethod.USERPINMAC:
        parameters.append(Parameter.mac(compute_mac(method, keys, document, content_type=content_type)))
    headers = (HeaderField.application_id(SYNCML_DM),) if content_type == DM_WBXML else ()
    return build_wsp_push(WspPush(transaction_id, ContentType(content_type, tuple(parameters)), headers, document))


def open_wap_push(octets: bytes, checker: MacChecker, source: str, limits: Limits = DEFAULT_LIMITS) -> Arrival:
    """Return the document of a WAP push, with what its SEC and MAC prove.

    Args:
        octets: a datagram, or short messages put together.
        checker: knows the subscriber.
        source: who seems to have sent it, for people.
        limits: bounds of its headers.

    Raises:
        EnvelopeError: it is malformed, holds no document, one of another type, or one for another application.
        LimitExceededError: its headers are too large, or too many.
    """
    push = parse_wsp_push(octets, limits)
    media = push.content_type.media
    if media not in _APPLICATIONS:
        _refuse(WspRule.CONTENT_TYPE, "the document is of another type", f"{DM_WBXML} or {CP_WBXML}", _shown(media))
    application = push.application_id
    if application not in _APPLICATIONS[media]:
        wanted = " or ".join(sorted(name for name in _APPLICATIONS[media] if name))
        found = "none" if application is None else _shown(application)
        _refuse(WspRule.APPLICATION_ID, "the document is for another application", wanted, found)
    if not push.body:
        _refuse(WspRule.NO_DOCUMENT, "the push holds nothing", "a document", "none")
    content_type = push.content_type
    transport = checker.check(push.body, content_type=media, sec=content_type.sec, mac=content_type.mac)
    return Arrival(push.body, media, transport, source)


def _shown(text: str) -> str:
    return ascii(text[:_SHOWN])


def _refuse(rule: WspRule, detail: str, wanted: str, found: str) -> None:
    raise EnvelopeError(rule, STRUCTURE, detail, wanted=wanted, found=found)
