"""What a WSP push can break before a message is read: the stable names, with what each stops.

Guarantees: every `EnvelopeError` of the WSP modules carries one of these. Leaves to its caller: who is told.
Spec: WAP-230-WSP, 8; OMA-TS-DM_Sessionless 5.3.
"""

from __future__ import annotations

from smartcard_dm.push.envelope_rule import EnvelopeRule


class WspRule(EnvelopeRule):
    """One way a WSP push is refused."""

    CUT = ("wsp.cut", "half a push taken for a whole one", "WAP-230-WSP 8.2")
    UINTVAR = ("wsp.uintvar", "numbers without end, and two spellings of one number", "WAP-230-WSP 8.1.2")
    INTEGER = ("wsp.integer", "two spellings of one number", "WAP-230-WSP 8.4.2.1")
    VALUE_LENGTH = ("wsp.value-length", "a value that reaches into the next one", "WAP-230-WSP 8.4.2.2")
    TEXT = ("wsp.text", "text without end; characters that two readers cut differently", "WAP-230-WSP 8.4.2.1")
    PDU_TYPE = ("wsp.pdu-type", "octets that are no push at all", "WAP-230-WSP 8.2.4.1, table 34")
    CONFIRMED_PUSH = (
        "wsp.confirmed-push",
        "a push that wants an answer, without a session to answer in",
        "profile: 0025",
    )
    HEADERS_LENGTH = (
        "wsp.headers-length",
        "headers that reach into the document or past its end",
        "WAP-230-WSP 8.2.4.1",
    )
    MEDIA_TYPE = ("wsp.media-type", "a document of a kind nobody here can name", "WAP-230-WSP 8.4.2.24")
    PARAMETER = ("wsp.parameter", "parameters that two readers could understand differently", "WAP-230-WSP 8.4.2.4")
    PARAMETER_TWICE = ("wsp.parameter-twice", "two methods, or two MACs, for one document", "profile: 0025")
    HEADER = ("wsp.header", "header fields that two readers could cut differently", "WAP-230-WSP 8.4.1")
    HEADER_TWICE = ("wsp.header-twice", "two applications, or two content types, for one push", "profile: 0025")
    CODE_PAGE = ("wsp.code-page", "a change of header tables that leads nowhere", "WAP-230-WSP 8.4.1.1")
    CONTENT_TYPE = ("wsp.content-type", "documents that are neither a DM message nor a CP document", "profile: 0025")
    APPLICATION_ID = (
        "wsp.application-id",
        "documents for another application of the device",
        "OMA-TS-DM_Notification 6.3.1; profile: 0025",
    )
    NO_DOCUMENT = ("wsp.no-document", "pushes that hold nothing", "profile: 0025")
