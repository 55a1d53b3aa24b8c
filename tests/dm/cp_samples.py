"""Provisioning documents that the tests of this room start from."""

from __future__ import annotations

import base64
from typing import Final

from smartcard_dm.dm import Characteristic, Parm, ProvisioningDocument

SECRETS: Final = ("client-secret-7", "server-secret-9", "proxy-secret-5")
NONCE: Final = b"nonce-octets-11"
NONCE_TEXT: Final = base64.b64encode(NONCE).decode()
CERTIFICATE: Final = b"\x30\x03\x02\x01\x07"

Parms = dict[str, str | None]


def group(type_: str, parms: Parms | None = None, *inside: Characteristic) -> Characteristic:
    return Characteristic(type_, tuple(Parm(name, value) for name, value in (parms or {}).items()), inside)


def document(*characteristics: Characteristic) -> ProvisioningDocument:
    return ProvisioningDocument("1.0", characteristics)


def appauth(level: str | None, type_: str | None, **more: str) -> Characteristic:
    given = {"AAUTHLEVEL": level, "AAUTHTYPE": type_, **more}
    return group("APPAUTH", {name: value for name, value in given.items() if value is not None})


def w7(*inside: Characteristic, **parms: str | None) -> Characteristic:
    """Make an APPLICATION of DM with an address in the short form; `_` in a name stands for `-`, "" for no parm."""
    given = {"APPID": "w7", "PROVIDER_ID": "com.example.dms", "ADDR": "https://dms.example.com/dm", **parms}
    kept = {name.replace("_", "-"): value for name, value in given.items() if value != ""}
    return group("APPLICATION", kept, *inside)


def repeated(application: Characteristic, name: str, value: str | None) -> Characteristic:
    return Characteristic(application.type, (*application.parms, Parm(name, value)), application.characteristics)


CLIENT_SECRET: Final = appauth("APPSRV", "DIGEST", AAUTHNAME="device", AAUTHSECRET=SECRETS[0], AAUTHDATA=NONCE_TEXT)
SERVER_SECRET: Final = appauth("CLIENT", "HMAC", AAUTHNAME="com.example.dms", AAUTHSECRET=SECRETS[1])

PXLOGICAL: Final = Characteristic(
    "PXLOGICAL",
    (
        Parm("PROXY-ID", "proxy.example.com"),
        Parm("NAME", "Example proxy"),
        Parm("DOMAIN", "example.com"),
        Parm("TRUST"),
        Parm("STARTPAGE", "http://wap.example.com/"),
        Parm("PUSHENABLED", "1"),
        Parm("PULLENABLED", "1"),
    ),
    (
        group("PXAUTHINFO", {"PXAUTH-TYPE": "HTTP-BASIC", "PXAUTH-ID": "device", "PXAUTH-PW": SECRETS[2]}),
        group("PORT", {"PORTNBR": "9203", "SERVICE": "CO-SEC-WSP"}),
        Characteristic(
            "PXPHYSICAL",
            (
                Parm("PHYSICAL-PROXY-ID", "px1"),
                Parm("DOMAIN", "example.com"),
                Parm("PXADDR", "192.0.2.1"),
                Parm("PXADDRTYPE", "IPV4"),
                Parm("PXADDR-FQDN", "px.example.com"),
                Parm("WSP-VERSION", "1.3"),
                Parm("PUSHENABLED", "0"),
                Parm("TO-NAPID", "NAP1"),
                Parm("TO-NAPID", "NAP2"),
            ),
            (group("PORT", {"PORTNBR": "8080"}), group("PORT", {"PORTNBR": "8081"})),
        ),
    ),
)
NAPDEF: Final = group(
    "NAPDEF",
    {
        "NAPID": "NAP1",
        "BEARER": "GSM-GPRS",
        "NAME": "Example net",
        "INTERNET": None,
        "NAP-ADDRESS": "internet.example",
        "NAP-ADDRTYPE": "APN",
        "CALLTYPE": "ANALOG-MODEM",
        "LOCAL-ADDR": "192.0.2.9",
        "LINKSPEED": "AUTOBAUDING",
        "LINGER": "60",
        "DNS-ADDR": "192.0.2.53",
        "DELIVERY-ORDER": "1",
    },
    group(
        "NAPAUTHINFO",
        {"AUTHTYPE": "CHAP", "AUTHNAME": "user", "AUTHSECRET": SECRETS[2], "AUTH-ENTITY": "AAA", "SPI": "256"},
    ),
    group(
        "VALIDITY",
        {"COUNTRY": "250", "NETWORK": "01", "SID": "1", "SOC": "2", "VALIDUNTIL": "2030-01-01T00:00:00Z"},
    ),
)
BOOTSTRAP: Final = group(
    "BOOTSTRAP",
    {
        "NAME": "Example",
        "PROVURL": "http://prov.example.com/",
        "PROXY-ID": "proxy.example.com",
        "CONTEXT-ALLOW": "0",
        "COUNTRY": "250",
        "NETWORK": "01",
    },
)
ACCESS: Final = group(
    "ACCESS",
    {"RULE": "r", "APPID": "w7", "PORTNBR": "80", "DOMAIN": "d", "TO-NAPID": "NAP1", "TO-PROXY": "proxy.example.com"},
)
CLIENTIDENTITY: Final = group("CLIENTIDENTITY", {"CLIENT-ID": "client"})
VENDORCONFIG: Final = group("VENDORCONFIG", {"NAME": "vendor", "own": "1"}, group("x-free", {"colour": "blue"}))
BROWSER: Final = group(
    "APPLICATION",
    {"APPID": "w2", "NAME": "Browser"},
    group("RESOURCE", {"URI": "http://a/", "NAME": "A", "AACCEPT": "text/html", "STARTPAGE": None}),
)
FULL_W7: Final = w7(
    group(
        "APPADDR",
        {"ADDR": "https://dms.example.com/dm", "ADDRTYPE": "URI"},
        group("PORT", {"PORTNBR": "443"}),
        group("PORT", {"PORTNBR": "8443"}),
    ),
    group("APPADDR", {"ADDR": "192.0.2.7", "ADDRTYPE": "IPV4"}),
    group("APPADDR", {"ADDR": "2001:db8::7", "ADDRTYPE": "IPV6"}),
    CLIENT_SECRET,
    SERVER_SECRET,
    ADDR="",
    NAME="Example DM",
    TO_PROXY="proxy.example.com",
    TO_NAPID="NAP1",
    INIT=None,
)
EVERYTHING: Final = document(
    BOOTSTRAP, PXLOGICAL, NAPDEF, ACCESS, CLIENTIDENTITY, VENDORCONFIG, BROWSER, FULL_W7, group("x-unknown")
)

WBXML: Final = bytes.fromhex(
    "03 0B 6A 00"  # version 1.3, PROV 1.0, UTF-8, no string table
    "C5 46 01"  # wap-provisioningdoc version=1.0
    "C6 55 01"  # page 0: type=NAPDEF
    "87 11 06 03 4E 41 50 31 00 01"  # NAPID NAP1
    "87 14 01 01"  # INTERNET, without a value
    "C6 00 01 55 01"  # page 1: type=APPLICATION
    "87 36 06 03 77 37 00 01"  # APPID w7
    "87 38 06 03 64 6D 73 00 01"  # PROVIDER-ID dms
    "87 34 06 03 68 74 74 70 3A 2F 2F 61 00 01"  # ADDR http://a
    "87 22 06 03 4E 41 50 31 00 01"  # TO-NAPID NAP1
    "87 05 03 49 4E 49 54 00 01"  # INIT: its name has no token
    "C6 57 01"  # type=APPAUTH
    "87 30 06 8D 01"  # AAUTHLEVEL APPSRV
    "87 33 06 93 90 03 4D 44 35 00 01"  # AAUTHTYPE DIGEST , MD5
    "01"
    "00 01 C6 57 01"  # type=APPAUTH, its tag on page 1 too
    "87 30 06 03 43 4C 49 45 4E 54 00 01"  # AAUTHLEVEL CLIENT: no token
    "87 33 06 93 01"  # AAUTHTYPE DIGEST
    "87 32 06 03 70 77 00 01"  # AAUTHSECRET pw
    "01 01 01"
)
"""A document that uses both pages of both code spaces."""
WBXML_DOCUMENT: Final = document(
    group("NAPDEF", {"NAPID": "NAP1", "INTERNET": None}),
    group(
        "APPLICATION",
        {"APPID": "w7", "PROVIDER-ID": "dms", "ADDR": "http://a", "TO-NAPID": "NAP1", "INIT": None},
        appauth("APPSRV", "DIGEST,MD5"),
        appauth("CLIENT", "DIGEST", AAUTHSECRET="pw"),
    ),
)
"""What it says."""
