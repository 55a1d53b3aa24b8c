from __future__ import annotations

from typing import Any, Final

import pytest
from hypothesis import given

from smartcard_dm.dm import (
    Characteristic,
    Parm,
    ProvisioningDocument,
    accounts_from_document,
    document_from_mapping,
)
from smartcard_dm.errors import DmError, LimitExceededError
from smartcard_dm.limits import Limits
from tests.dm.cp_samples import EVERYTHING, FULL_W7, SECRETS
from tests.dm.test_cp_document import DOCUMENTS

FULL: Final[dict[str, Any]] = {
    "characteristics": [
        {
            "type": "APPLICATION",
            "parms": {
                "APPID": "w7",
                "PROVIDER-ID": "com.example.dms",
                "NAME": "Example DM",
                "TO-PROXY": "proxy.example.com",
                "TO-NAPID": ["NAP1"],
                "INIT": "",
            },
            "characteristics": [
                {
                    "type": "APPADDR",
                    "parms": {"ADDR": "https://dms.example.com/dm", "ADDRTYPE": "URI"},
                    "characteristics": [
                        {"type": "PORT", "parms": {"PORTNBR": "443"}},
                        {"type": "PORT", "parms": [{"name": "PORTNBR", "value": "8443"}]},
                    ],
                },
                {"type": "APPADDR", "parms": {"ADDR": "192.0.2.7", "ADDRTYPE": "IPV4"}},
                {"type": "APPADDR", "parms": {"ADDR": "2001:db8::7", "ADDRTYPE": "IPV6"}},
                {
                    "type": "APPAUTH",
                    "parms": {
                        "AAUTHLEVEL": "APPSRV",
                        "AAUTHTYPE": "DIGEST",
                        "AAUTHNAME": "device",
                        "AAUTHSECRET": "client-secret-7",
                        "AAUTHDATA": "bm9uY2Utb2N0ZXRzLTEx",
                    },
                },
                {
                    "type": "APPAUTH",
                    "parms": {
                        "AAUTHLEVEL": "CLIENT",
                        "AAUTHTYPE": "HMAC",
                        "AAUTHNAME": "com.example.dms",
                        "AAUTHSECRET": "server-secret-9",
                    },
                },
            ],
        }
    ]
}


def source(characteristic: object) -> dict[str, object]:
    return {"characteristics": [characteristic]}


def parms(given: object) -> tuple[Parm, ...]:
    (found,) = document_from_mapping(source({"type": "A", "parms": given}), place="p").characteristics
    return found.parms


def written(document: ProvisioningDocument) -> dict[str, object]:
    """Write a document with lists of parms, which hold everything."""

    def one(characteristic: Characteristic) -> dict[str, object]:
        return {
            "type": characteristic.type,
            "parms": [
                {"name": parm.name} if parm.value is None else {"name": parm.name, "value": parm.value}
                for parm in characteristic.parms
            ],
            "characteristics": [one(below) for below in characteristic.characteristics],
        }

    return {"version": document.version, "characteristics": [one(each) for each in document.characteristics]}


def test_every_key_is_read() -> None:
    document = document_from_mapping(FULL, place="card.yaml")
    accounts = accounts_from_document(document, origin_place="").accounts
    assert accounts == accounts_from_document(ProvisioningDocument("1.0", (FULL_W7,)), origin_place="").accounts


def test_parms_as_a_mapping() -> None:
    assert parms({"A": "b", "INIT": "", "C": ["d", "", "e"], "F": []}) == (
        Parm("A", "b"),
        Parm("INIT"),
        Parm("C", "d"),
        Parm("C"),
        Parm("C", "e"),
    )


def test_parms_as_a_list() -> None:
    given = [{"name": "A", "value": "b"}, {"name": "INIT"}, {"name": "C", "value": ""}, {"name": "A", "value": "d"}]
    assert parms(given) == (Parm("A", "b"), Parm("INIT"), Parm("C", ""), Parm("A", "d"))


def test_the_version_may_be_given() -> None:
    assert document_from_mapping({"characteristics": []}, place="p") == ProvisioningDocument()
    given = {"version": "1.1", "characteristics": []}
    assert document_from_mapping(given, place="p") == ProvisioningDocument("1.1")


@given(DOCUMENTS)
def test_any_document_can_be_written(document: ProvisioningDocument) -> None:
    assert document_from_mapping(written(document), place="p") == document


def test_the_whole_document_can_be_written() -> None:
    assert document_from_mapping(written(EVERYTHING), place="p") == EVERYTHING


@pytest.mark.parametrize(
    ("given", "place", "detail"),
    [
        ("w7", "p", "not a mapping"),
        ({}, "p.characteristics", "the key is missing"),
        ({"characteristics": [], "applications": []}, "p.applications", "unknown key"),
        ({"characteristics": [], 7: []}, "p.7", "unknown key"),
        ({"characteristics": [], "version": 1.0}, "p.version", "not text"),
        ({"characteristics": [], "version": "2.0"}, "p.version", "1.0 or 1.1"),
        ({"characteristics": {}}, "p.characteristics", "not a list"),
        ({"characteristics": "A"}, "p.characteristics", "not a list"),
        (source("A"), "p.characteristics[0]", "not a mapping"),
        (source({}), "p.characteristics[0].type", "the key is missing"),
        (source({"type": ""}), "p.characteristics[0].type", "the text is empty"),
        (source({"type": "\0"}), "p.characteristics[0].type", "XML cannot hold"),
        (source({"type": "A", "parm": []}), "p.characteristics[0].parm", "unknown key"),
        (source({"type": "A", "parms": "B"}), "p.characteristics[0].parms", "not a list"),
        (source({"type": "A", "parms": {"B": None}}), "p.characteristics[0].parms.B", "not a list"),
        (source({"type": "A", "parms": {"B": 7}}), "p.characteristics[0].parms.B", "not a list"),
        (source({"type": "A", "parms": {"B": ["c", 7]}}), "p.characteristics[0].parms.B[1]", "not text"),
        (source({"type": "A", "parms": {"B": SECRETS[0] + "\0"}}), "p.characteristics[0].parms.B", "XML cannot hold"),
        (source({"type": "A", "parms": {"": "b"}}), "p.characteristics[0].parms", "the text is empty"),
        (source({"type": "A", "parms": {7: "b"}}), "p.characteristics[0].parms", "not text"),
        (source({"type": "A", "parms": ["B"]}), "p.characteristics[0].parms[0]", "not a mapping"),
        (source({"type": "A", "parms": [{}]}), "p.characteristics[0].parms[0].name", "the key is missing"),
        (
            source({"type": "A", "parms": [{"name": "B", "secret": SECRETS[0]}]}),
            "p.characteristics[0].parms[0].secret",
            "unknown key",
        ),
        (
            source({"type": "A", "parms": [{"name": "B", "value": [SECRETS[0]]}]}),
            "p.characteristics[0].parms[0].value",
            "not text",
        ),
        (
            source({"type": "A", "characteristics": [{"type": "B"}, {"type": 7}]}),
            "p.characteristics[0].characteristics[1].type",
            "not text",
        ),
    ],
)
def test_errors_name_the_key(given: Any, place: str, detail: str) -> None:  # noqa: ANN401 - wrong on purpose
    with pytest.raises(DmError) as caught:
        document_from_mapping(given, place="p")
    assert caught.value.place == place
    assert detail in caught.value.detail
    assert SECRETS[0] not in str(caught.value)


def test_a_mapping_inside_itself_comes_to_an_end() -> None:
    endless: dict[str, object] = {"type": "A"}
    endless["characteristics"] = [endless]
    with pytest.raises(LimitExceededError):
        document_from_mapping(source(endless), place="p")
    two = source({"type": "A", "characteristics": [{"type": "B"}]})
    assert document_from_mapping(two, place="p", limits=Limits(wbxml_depth=3)).characteristics
    with pytest.raises(LimitExceededError):
        document_from_mapping(two, place="p", limits=Limits(wbxml_depth=2))
