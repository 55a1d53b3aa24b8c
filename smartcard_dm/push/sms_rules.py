"""Every way in which a short message, or the datagram in it, is refused before a push is read.

Guarantees: each `EnvelopeError` of the modules about short messages names one of these. Leaves to its caller: the place
and the values found, which travel in the error.

Spec: 3GPP TS 23.040 and 23.038; WAP-259-WDP.
"""

from __future__ import annotations

from smartcard_dm.push.envelope_rule import EnvelopeRule

_PROFILE = "profile: decision 0026"


class SmsRule(EnvelopeRule):
    """One way a short message, or the datagram in it, is refused."""

    PDU_LINE = ("sms.pdu-line", "a line that is not one short message in hexadecimal", "3GPP TS 27.005, 4.6")
    SERVICE_CENTRE = ("sms.service-centre", "an address of a service centre that is none", "3GPP TS 24.011, 8.2.5.1")
    MESSAGE_TYPE = ("sms.message-type", "a report or a command taken for a message", "3GPP TS 23.040, 9.2.3.1")
    LENGTH = ("sms.length", "a message that is cut, or followed by octets nobody reads", "3GPP TS 23.040, 9.2.2")
    ADDRESS = ("sms.address", "an address with two spellings, or none", "3GPP TS 23.040, 9.1.2.5")
    TIME = ("sms.time", "a time that is none", "3GPP TS 23.040, 9.2.3.11")
    VALIDITY = ("sms.validity", "a validity period of an unknown form", "3GPP TS 23.040, 9.2.3.12")
    PROTOCOL = (
        "sms.protocol",
        "a message for the SIM, the phone itself or another service, read by an application",
        "3GPP TS 23.040, 9.2.3.9",
    )
    DATA_CODING = ("sms.data-coding", "text or compressed data taken for octets", "3GPP TS 23.038, 4")
    HEADER = ("sms.header", "a header whose lengths do not fit, or that is longer than the data", "TS 23.040, 9.2.3.24")
    HEADER_TWICE = ("sms.header-twice", "a part or a port said twice, of which two readers take two", _PROFILE)
    HEADER_BOTH = ("sms.header-both", "concatenation or ports in both widths", _PROFILE)
    PART_NUMBER = ("sms.part-number", "a part that has no place in its set", "3GPP TS 23.040, 9.2.3.24.1")
    PART_DIFFERS = ("sms.part-differs", "a message mixed from the parts of two", _PROFILE)
    SET_EXPIRED = ("sms.set-expired", "parts that wait for ever", "profile: Limits.push_set_seconds")
    SET_INCOMPLETE = (
        "sms.set-incomplete",
        "parts that were waiting when their source ended, forgotten without a word",
        _PROFILE,
    )
    SET_CROWDED_OUT = (
        "sms.set-crowded-out",
        "a store that grows with what strangers send",
        "profile: Limits.push_sets, push_set_octets",
    )
    TOO_LONG = ("sms.too-long", "a datagram that no reference can hold together", "3GPP TS 23.040, 9.2.3.24.1")
    NO_PORTS = ("wdp.no-ports", "a message for people read as a push", "WAP-259-WDP, 6.1")
    PORT_WIDTH = ("wdp.port-width", "ports of 8 bit, which no WAP port fits in", "3GPP TS 23.040, 9.2.3.24.3")
    PORT_WTLS = ("wdp.port-wtls", "a WTLS record read as a push", "WAP-259-WDP, appendix B")
    PORT = ("wdp.port", "a datagram for another application", "WAP-259-WDP, appendix B")
    DATAGRAM_SIZE = ("wdp.datagram-size", "a datagram larger than any push may be", "profile: Limits.message_octets")
    RATE = ("wdp.rate", "a flood that keeps everything else from its verdict", "profile: Limits.receive_per_second")
