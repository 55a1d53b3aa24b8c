from __future__ import annotations

from dataclasses import replace

import pytest

from smartcard_dm.dm import NodeFormat, NodeUri, TndsNode
from smartcard_dm.dm.description import EVERY_ACCESS, AccessType, NodeDescription
from smartcard_dm.dm.namespaces import MO_DMACC, MO_DMACC_1_1, MO_DMACC_ALIAS
from smartcard_dm.dm.object_check import check_object
from smartcard_dm.dm.object_dmacc import DMACC
from smartcard_dm.errors import DmError, UnsupportedError
from tests.dm.samples import FULL_TREE, SECRETS, SMALL_TREE, account_node, changed, node

PLACE = "./DMAcc/Example"


def described(path: str) -> NodeDescription:
    found = DMACC.description.below(tuple(path.split("/")))
    assert found is not None, path
    return found


@pytest.mark.parametrize("tree", [FULL_TREE, SMALL_TREE])
@pytest.mark.parametrize("mo_id", [MO_DMACC, MO_DMACC_1_1, MO_DMACC_ALIAS, ""])
def test_an_account_is_accepted_under_every_identifier(tree: dict[str, object], mo_id: str) -> None:
    DMACC.check(node("Example", tree, mo_id=mo_id), PLACE)  # type: ignore[arg-type] # a Tree


def test_the_newest_identifier_has_the_highest_version() -> None:
    assert max(DMACC.versions, key=lambda mo_id: DMACC.versions[mo_id]) == MO_DMACC_1_1


@pytest.mark.parametrize("tree", [FULL_TREE, SMALL_TREE])
def test_the_description_takes_what_can_be_read(tree: dict[str, object]) -> None:
    check_object(node("Example", tree), DMACC.description, PLACE)  # type: ignore[arg-type] # a Tree


def test_the_rules_of_accounts_are_held() -> None:
    with pytest.raises(DmError, match="AppID") as caught:
        DMACC.check(account_node(changed(FULL_TREE, "AppID", "w5")), PLACE)
    assert caught.value.place == f"{PLACE}/AppID"
    assert not any(secret in str(caught.value) for secret in SECRETS)


def test_a_missing_server_id_is_refused() -> None:
    with pytest.raises(DmError, match="ServerID"):
        DMACC.check(account_node(changed(FULL_TREE, "ServerID", None)), PLACE)


def test_another_object_is_not_supported() -> None:
    with pytest.raises(UnsupportedError, match="urn:x"):
        DMACC.check(account_node(FULL_TREE, mo_id="urn:x:1.0"), PLACE)


def test_vendor_nodes_that_cannot_be_addressed_are_refused() -> None:
    twins = replace(node("Ext", {}), children=(node("V", {}), node("V", "x")))
    account = account_node(changed(FULL_TREE, "Ext", None))
    with pytest.raises(DmError, match="two nodes have one name"):
        DMACC.check(replace(account, children=(*account.children, twins)), PLACE)


def test_an_account_is_known_by_its_server() -> None:
    assert DMACC.key(account_node(FULL_TREE)) == "com.example.dms"
    assert DMACC.key(account_node(changed(FULL_TREE, "ServerID", None))) is None


def test_an_account_without_a_name_gets_that_of_its_server() -> None:
    assert DMACC.name(account_node(FULL_TREE, "")) == "com.example.dms"


def test_a_server_id_that_is_no_node_name_names_nothing() -> None:
    account = account_node(changed(FULL_TREE, "ServerID", "https://dms.example.com/dm"))
    DMACC.check(account, PLACE)
    assert DMACC.name(account) is None


def test_accounts_go_below_one_node() -> None:
    assert DMACC.holder == NodeUri(("DMAcc",))


@pytest.mark.parametrize("leaf", ["AAuthSecret", "AAuthData"])
def test_a_secret_has_neither_get_nor_copy(leaf: str) -> None:
    found = described(f"AppAuth/X/{leaf}")
    assert found.secret
    assert found.access == EVERY_ACCESS - {AccessType.GET, AccessType.COPY}


def test_no_other_node_is_a_secret_or_kept_from_anybody() -> None:
    secrets = {names[-1] for names, each in DMACC.description.walk() if each.secret}
    assert secrets == {"AAuthSecret", "AAuthData"}
    assert all(each.access == EVERY_ACCESS for _, each in DMACC.description.walk() if not each.secret)


def test_connectivity_references_are_marked() -> None:
    found = {"/".join(names) for names, each in DMACC.description.walk() if each.reference}
    assert found == {"PrefConRef", "ToConRef//ConRef"}


def test_the_vendor_branch_is_described_and_empty() -> None:
    ext = described("Ext")
    assert (ext.children, ext.free, ext.format) == ((), False, NodeFormat.NODE)


def test_every_node_of_a_full_account_is_described() -> None:
    rest: list[tuple[TndsNode, tuple[str, ...]]] = [(account_node(FULL_TREE), ())]
    while rest:
        found, names = rest.pop()
        if names[:1] == ("Ext",):
            continue
        below = DMACC.description.below(names)
        assert below is not None
        assert below.format is found.format, names
        rest += [(child, (*names, child.name)) for child in found.children]
