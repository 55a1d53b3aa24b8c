"""What an HTTP push can break before a message is read: the stable names, with what each stops.

Guarantees: every `EnvelopeError` of the HTTP modules carries one of these. Leaves to its caller: what is answered.
Spec: RFC 9110; RFC 9112; OMA-TS-DM_Sessionless 5.3.
"""

from __future__ import annotations

from smartcard_dm.push.envelope_rule import EnvelopeRule


class HttpRule(EnvelopeRule):
    """One way an HTTP push is refused."""

    NOT_TLS = ("http.not-tls", "octets in the clear on the TLS port", "RFC 9110 4.2.2")
    HANDSHAKE = ("http.handshake", "old versions of TLS, strangers, handshakes that never end", "RFC 8446 4")
    CONNECTIONS = (
        "http.connections",
        "keeping others out with many slow connections",
        "profile: Limits.receive_connections",
    )
    RATE = ("http.rate", "more pushes than a device can judge", "profile: Limits.receive_per_second")
    SLOW = ("http.slow", "connections held open by requests that never end", "profile: Limits.receive_seconds")
    CUT = ("http.cut", "half a request taken for a whole one", "RFC 9112 8")
    MALFORMED = ("http.malformed", "smuggling: requests that two readers cut differently", "RFC 9112 2.2, 6.3")
    UPGRADE = ("http.upgrade", "leaving HTTP for a protocol nobody watches", "RFC 9110 7.8")
    PIPELINE = ("http.pipeline", "requests piled up before one is answered", "profile: 0027")
    HEADER_SIZE = ("http.header-size", "headers without end", "profile: Limits.http_header_octets")
    BODY_SIZE = ("http.body-size", "exhausting memory with one large body", "profile: Limits.message_octets")
    FIELD_REPEATED = ("http.field-repeated", "two values for one field, read by two readers", "RFC 9110 5.3")
    HOST = ("http.host", "requests meant for another host's reading", "RFC 9112 3.2")
    METHOD = ("http.method", "methods that a receiver of pushes has no use for", "profile: 0027")
    PATH = ("http.path", "requests for something that is not here", "profile: 0027")
    CONTENT_TYPE = ("http.content-type", "bodies that are no DM message", "RFC 9110 8.3; profile: 0027")
    CONTENT_ENCODING = ("http.content-encoding", "bodies that grow when they are unpacked", "RFC 9110 8.4")
    APPLICATION = ("http.application", "documents for another application of the device", "profile: 0027")
    NO_DOCUMENT = ("http.no-document", "requests that push nothing", "profile: 0027")
