"""The numbers that WSP puts in place of names: media types, parameters, header fields, applications.

Guarantees: tables only. Leaves to its caller: what has no number, or a number that is not here.
Spec: WAP-230-WSP, tables 38 to 40; the Open Mobile Naming Authority's registries of content types and of push
application identifiers.
"""

from __future__ import annotations

from typing import Final

MEDIA_TYPES: Final = {
    0x03: "text/plain",
    0x2E: "application/vnd.wap.sic",
    0x35: "text/vnd.wap.connectivity-xml",
    0x36: "application/vnd.wap.connectivity-wbxml",
    0x42: "application/vnd.syncml.dm+wbxml",
    0x43: "application/vnd.syncml.dm+xml",
    0x44: "application/vnd.syncml.notification",
    0x4E: "application/vnd.syncml.ds.notification",
    0x58: "application/vnd.syncml.dm.notification",
}
"""Media types of device management and what comes beside them."""
MEDIA_NUMBERS: Final = {name: number for number, name in MEDIA_TYPES.items()}

Q: Final = 0x00
CHARSET: Final = 0x01
SEC: Final = 0x11
MAC: Final = 0x12
PARAMETERS: Final = {Q: "Q", CHARSET: "Charset", SEC: "SEC", MAC: "MAC"}
"""Parameters of a content type that mean something to this project; the others are kept by their number."""

CONTENT_TYPE: Final = 0x11
APPLICATION_ID_FIELD: Final = 0x2F
HEADER_FIELDS: Final = {
    0x0D: "Content-Length",
    0x0E: "Content-Location",
    CONTENT_TYPE: "Content-Type",
    0x12: "Date",
    0x14: "Expires",
    0x26: "Server",
    0x29: "User-Agent",
    APPLICATION_ID_FIELD: "X-Wap-Application-Id",
    0x30: "X-Wap-Content-URI",
    0x31: "X-Wap-Initiator-URI",
    0x33: "Bearer-Indication",
    0x34: "Push-Flag",
    0x40: "Content-ID",
}
"""Header fields of the first code page that a push may have."""

DEFAULT_PAGE: Final = 1
"""The header code page at the beginning."""

APPLICATION_IDS: Final = {
    0x00: "x-wap-application:*",
    0x01: "x-wap-application:push.sia",
    0x02: "x-wap-application:wml.ua",
    0x04: "x-wap-application:mms.ua",
    0x05: "x-wap-application:push.syncml",
    0x07: "x-wap-application:syncml.dm",
    0x08: "x-wap-application:drm.ua",
    0x10: "x-oma-application:ulp.ua",
    0x1A: "x-wap-application:lwm2m.dm",
}
"""Applications that a push may be for."""
ANY_APPLICATION: Final = APPLICATION_IDS[0x00]
BROWSER: Final = APPLICATION_IDS[0x02]
"""What a push without an application identifier is for."""
