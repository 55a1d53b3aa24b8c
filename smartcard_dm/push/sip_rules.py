"""What a SIP request can break before a message is read: the stable names, with what each stops.

Guarantees: every `EnvelopeError` of the SIP modules carries one of these. Leaves to its caller: what is answered.
Spec: RFC 3261; RFC 3428; RFC 3841; OMA-TS-DM_Sessionless 5.3.
"""

from __future__ import annotations

from smartcard_dm.push.envelope_rule import EnvelopeRule


class SipRule(EnvelopeRule):
    """One way a SIP request is refused."""

    TLS = (
        "sip.tls",
        "octets in the clear on the TLS port, old versions of TLS, peers without trust",
        "RFC 3261 26.3.1",
    )
    CUT = ("sip.cut", "half a request taken for a whole one", "RFC 3261 18.3")
    SLOW = ("sip.slow", "connections held open by requests that never end", "profile: Limits.receive_seconds")
    CROWD = ("sip.crowd", "keeping others out with many slow connections", "profile: Limits.receive_connections")
    RATE = ("sip.rate", "more pushes than a device can judge", "profile: Limits.receive_per_second")
    HEADER_SIZE = ("sip.header-size", "headers without end", "profile: Limits.sip_header_octets")
    BODY_SIZE = ("sip.body-size", "exhausting memory with one large body", "profile: Limits.message_octets")
    LINE = ("sip.line", "lines and characters that two readers cut differently", "RFC 3261 7.3.1, 25.1")
    START_LINE = ("sip.start-line", "octets that are no SIP at all", "RFC 3261 7.1, 7.2")
    VERSION = ("sip.version", "a protocol nobody here knows", "RFC 3261 7.1")
    HEADER = ("sip.header", "fields without a name", "RFC 3261 7.3.1")
    CONTENT_LENGTH = ("sip.content-length", "smuggling: two lengths, or none, for one body", "RFC 3261 18.3, 20.14")
    FIELD_MISSING = ("sip.field-missing", "requests that cannot be answered", "RFC 3261 8.1.1")
    FIELD_REPEATED = ("sip.field-repeated", "two values for one field, read by two readers", "RFC 3261 7.3.1")
    FIELD_FORM = ("sip.field-form", "fields that two readers could understand differently", "RFC 3261 25.1")
    METHOD = ("sip.method", "methods that a receiver of pushes has no use for", "RFC 3261 8.2.1")
    URI = ("sip.uri", "requests to something that is no SIP address", "RFC 3261 8.2.2.1")
    EXTENSION = ("sip.extension", "extensions that must be understood and are not", "RFC 3261 8.2.2.3")
    DIALOG = ("sip.dialog", "requests of a dialog that was never opened here", "RFC 3261 12.2.2")
    CONTENT_TYPE = ("sip.content-type", "bodies that are no DM message", "RFC 3261 8.2.3; RFC 3428 7")
    CONTENT_ENCODING = ("sip.content-encoding", "bodies that grow when they are unpacked", "RFC 3261 8.2.3, 20.12")
    APPLICATION = ("sip.application", "documents for another application of the device", "RFC 3841 9.2; profile: 0028")
    NO_DOCUMENT = ("sip.no-document", "requests that push nothing", "profile: 0028")
    RESPONSE = ("sip.response", "answers to requests that were never sent", "RFC 3261 18.1.2")
