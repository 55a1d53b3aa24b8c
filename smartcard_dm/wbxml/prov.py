"""Token tables of the provisioning document type PROV 1.0 (OMA Client Provisioning).

Guarantees: tag, attribute-start and attribute-value tokens of both code pages; a token that is not listed is
reserved. The value tokens 0x80 to 0x83 of the first edition collide with global tokens and are not here.
Spec: OMA-WAP-TS-ProvCont-V1_1, 7.1 (tags), 7.2 (attribute start), 7.3 (attribute value).
"""

from __future__ import annotations

PUBLIC_ID = 0x0B
PUBLIC_TEXT = "-//WAPFORUM//DTD PROV 1.0//EN"

ROOT = b"wap-provisioningdoc"

TAGS: tuple[dict[int, bytes], ...] = (
    {0x05: ROOT, 0x06: b"characteristic", 0x07: b"parm"},
    {0x06: b"characteristic", 0x07: b"parm"},
)
"""Element by token, for each page of the tag space."""

TAG_TOKENS = {name: token for token, name in TAGS[0].items()}
"""Token by element; page 0 has them all, so an encoder never switches pages in the tag space."""

ATTRIBUTE_NAMES = frozenset({b"name", b"value", b"version", b"type"})
"""Every attribute of the document type."""


def _named(attribute: bytes, first: int, values: str) -> dict[int, tuple[bytes, bytes]]:
    """Number attribute starts upwards; `-` is a reserved token."""
    return {first + index: (attribute, value.encode()) for index, value in enumerate(values.split()) if value != "-"}


_START_0 = {
    0x05: (b"name", b""),
    0x06: (b"value", b""),
    **_named(
        b"name",
        0x07,
        "NAME NAP-ADDRESS NAP-ADDRTYPE CALLTYPE VALIDUNTIL AUTHTYPE AUTHNAME AUTHSECRET LINGER "
        "BEARER NAPID COUNTRY NETWORK INTERNET PROXY-ID PROXY-PROVIDER-ID DOMAIN "
        "PROVURL PXAUTH-TYPE PXAUTH-ID PXAUTH-PW STARTPAGE BASAUTH-ID BASAUTH-PW PUSHENABLED "
        "PXADDR PXADDRTYPE TO-NAPID PORTNBR SERVICE LINKSPEED DNLINKSPEED LOCAL-ADDR "
        "LOCAL-ADDRTYPE CONTEXT-ALLOW TRUST MASTER SID SOC WSP-VERSION PHYSICAL-PROXY-ID "
        "CLIENT-ID DELIVERY-ERR-SDU DELIVERY-ORDER TRAFFIC-CLASS MAX-SDU-SIZE MAX-BITRATE-UPLINK "
        "MAX-BITRATE-DNLINK RESIDUAL-BER SDU-ERROR-RATIO TRAFFIC-HANDL-PRIO TRANSFER-DELAY "
        "GUARANTEED-BITRATE-UPLINK GUARANTEED-BITRATE-DNLINK PXADDR-FQDN PROXY-PW PPGAUTH-TYPE",
    ),
    0x45: (b"version", b""),
    0x46: (b"version", b"1.0"),
    **_named(
        b"name",
        0x47,
        "PULLENABLED DNS-ADDR MAX-NUM-RETRY FIRST-RETRY-TIMEOUT REREG-THRESHOLD T-BIT - AUTH-ENTITY SPI",
    ),
    0x50: (b"type", b""),
    **_named(
        b"type",
        0x51,
        "PXLOGICAL PXPHYSICAL PORT VALIDITY NAPDEF BOOTSTRAP VENDORCONFIG CLIENTIDENTITY PXAUTHINFO NAPAUTHINFO ACCESS",
    ),
}

_START_1 = {
    0x05: (b"name", b""),
    0x06: (b"value", b""),
    0x07: (b"name", b"NAME"),
    0x14: (b"name", b"INTERNET"),
    0x1C: (b"name", b"STARTPAGE"),
    **_named(b"name", 0x22, "TO-NAPID PORTNBR SERVICE"),
    **_named(
        b"name",
        0x2E,
        "AACCEPT AAUTHDATA AAUTHLEVEL AAUTHNAME AAUTHSECRET AAUTHTYPE ADDR ADDRTYPE APPID APROTOCOL "
        "PROVIDER-ID TO-PROXY URI RULE",
    ),
    0x50: (b"type", b""),
    0x53: (b"type", b"PORT"),
    **_named(b"type", 0x55, "APPLICATION APPADDR APPAUTH CLIENTIDENTITY RESOURCE"),
}

ATTRIBUTE_STARTS: tuple[dict[int, tuple[bytes, bytes]], ...] = (_START_0, _START_1)
"""Attribute name and start of its value by token, for each page of the attribute space: 81 and 29 tokens."""

START_TOKENS = tuple({start: token for token, start in page.items()} for page in ATTRIBUTE_STARTS)
"""Token by attribute name and start of value, for each page."""


def _values(groups: dict[int, str]) -> dict[int, bytes]:
    return {
        first + index: value.encode() for first, values in groups.items() for index, value in enumerate(values.split())
    }


ATTRIBUTE_VALUES: tuple[dict[int, bytes], ...] = (
    _values(
        {
            0x85: "IPV4 IPV6 E164 ALPHA APN SCODE TETRA-ITSI MAN",
            0x90: "ANALOG-MODEM V.120 V.110 X.31 BIT-TRANSPARENT DIRECT-ASYNCHRONOUS-DATA-SERVICE",
            0x9A: "PAP CHAP HTTP-BASIC HTTP-DIGEST WTLS-SS MD5",
            0xA2: "GSM-USSD GSM-SMS ANSI-136-GUTS IS-95-CDMA-SMS IS-95-CDMA-CSD IS-95-CDMA-PACKET ANSI-136-CSD "
            "ANSI-136-GPRS GSM-CSD GSM-GPRS AMPS-CDPD PDC-CSD PDC-PACKET IDEN-SMS IDEN-CSD IDEN-PACKET FLEX/REFLEX "
            "PHS-SMS PHS-CSD TETRA-SDS TETRA-PACKET ANSI-136-GHOST MOBITEX-MPAK CDMA2000-1X-SIMPLE-IP "
            "CDMA2000-1X-MOBILE-IP",
            0xC5: "AUTOBAUDING",
            0xCA: "CL-WSP CO-WSP CL-SEC-WSP CO-SEC-WSP CL-SEC-WTA CO-SEC-WTA OTA-HTTP-TO OTA-HTTP-TLS-TO OTA-HTTP-PO "
            "OTA-HTTP-TLS-PO",
            0xE0: "AAA HA",
        },
    ),
    _values({0x86: "IPV6 E164 ALPHA", 0x8D: "APPSRV OBEX", 0x90: ", HTTP- BASIC DIGEST"}),
)
"""Piece of an attribute value by token, for each page: 58 and 9 tokens."""

VALUE_TOKENS = tuple({value: token for token, value in page.items()} for page in ATTRIBUTE_VALUES)
"""Token by piece of value, for each page."""
