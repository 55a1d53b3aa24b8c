"""What changed of accounts between two readings, and until when they hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from smartcard_dm.agent.account_changes import _octets, account_changes, account_prints
from smartcard_dm.agent.expiry import account_not_after, credentials_not_after
from smartcard_dm.card_uri import open_card
from smartcard_dm.credentials import read_credentials
from smartcard_dm.dm import AuthType, ServerId
from smartcard_dm.secret import Secret
from smartcard_dm.trust.credentials import Credentials, UnusableAccount
from tests.agent.cards import ANOTHER_ACCOUNT, ANOTHER_SECRET, Cards

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = bytes(range(32))
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def read(uri: str) -> Credentials:
    with open_card(uri) as card:
        return read_credentials(card)


def changes(before: Credentials, after: Credentials) -> list[tuple[str, str, tuple[str, ...]]]:
    found = account_changes(account_prints(before, KEY), account_prints(after, KEY))
    return [(kind.value, server_id, data.get("changed", ())) for kind, server_id, data in found]


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (ANOTHER_SECRET, ("secrets",)),
        (("data: bm9uY2U=", "data: bm9uY2Uy"), ("secrets",)),
        (("name: device-0001", "name: device-0002"), ("auth",)),
        (('ports: ["443"]', 'ports: ["444"]'), ("addresses",)),
        (("name: Example DM", "name: Sample DM"), ("name",)),
        (("auth_pref: DIGEST", "auth_pref: HMAC"), ("auth",)),
        (("{label: com.example.dms, id:", "{label: a, id:"), ("anchors",)),
    ],
)
def test_each_part_that_changed_is_named(cards: Cards, change: tuple[str, str], parts: tuple[str, ...]) -> None:
    before = read(cards.usim())
    assert changes(before, read(cards.usim())) == []
    assert changes(before, read(cards.usim(change))) == [("account-changed", "com.example.dms", parts)]


def test_accounts_come_and_go(cards: Cards) -> None:
    before, after = read(cards.usim()), read(cards.usim(ANOTHER_ACCOUNT))
    assert changes(before, after) == [
        ("account-removed", "com.example.backup", ()),
        ("account-added", "com.example.third", ()),
    ]


def test_a_second_account_with_one_server_id_changes_it(cards: Cards) -> None:
    before = read(cards.usim())
    twice = replace(before, accounts=(*before.accounts, before.accounts[1]))
    ((kind, server_id, parts),) = changes(before, twice)
    assert (kind, server_id) == ("account-changed", "com.example.backup")
    assert "addresses" in parts


def test_an_account_that_cannot_be_read_is_one(cards: Cards) -> None:
    before = read(cards.usim())
    unusable = UnusableAccount(ServerId("com.example.backup"), "an account", "broken")
    assert changes(before, replace(before, unusable=(unusable,))) == [
        ("account-changed", "com.example.backup", ("unusable",))
    ]


def test_digests_need_the_key_and_hold_no_secret(cards: Cards) -> None:
    credentials = read(cards.usim())
    one, other = account_prints(credentials, KEY), account_prints(credentials, bytes(32))
    assert all(one[server_id][part] != other[server_id][part] for server_id in one for part in one[server_id])
    assert b"a shared secret" not in b"".join(digest for parts in one.values() for digest in parts.values())


def test_values_that_differ_have_octets_that_differ() -> None:
    values = [
        None, 0, 1, True, "", "1", b"", b"1", (), ("",), ("", ""), ("1", ""), ("", "1"), Secret(b"1"), AuthType.HMAC,
        frozenset({"1"}), {"1": "1"}, {"1": "2"}, (("1",), "1"), ("1", ("1",)),
    ]  # fmt: skip
    assert len({_octets(each) for each in values}) == len(values)
    assert _octets(frozenset({"a", "b", "c"})) == _octets(frozenset({"c", "b", "a"}))
    with pytest.raises(TypeError, match="holds no float"):
        _octets(1.5)


def end_of(der: bytes) -> datetime:
    return x509.load_der_x509_certificate(der).not_valid_after_utc


def test_an_answer_holds_until_the_first_certificate_it_rests_on_ends(cards: Cards) -> None:
    credentials = read(cards.usim())
    dms, backup = credentials.accounts
    (anchor,) = credentials.anchors
    own = next(each.certificate for each in backup.auth if each.certificate is not None)
    assert account_not_after(credentials, dms, NOW) == end_of(anchor.der)
    assert account_not_after(credentials, backup, NOW) == end_of(own)
    first = min(end_of(anchor.der), end_of(own))
    assert credentials_not_after(credentials, NOW) == first


def test_what_has_ended_already_ends_nothing(cards: Cards) -> None:
    credentials = read(cards.usim())
    dms = credentials.accounts[0]
    end = end_of(credentials.anchors[0].der)
    assert account_not_after(credentials, dms, end - timedelta(seconds=1)) == end
    assert account_not_after(credentials, dms, end) is None


def without_anchors(credentials: Credentials) -> Credentials:
    return replace(credentials, anchors=())


def with_garbage(credentials: Credentials) -> Credentials:
    dms, backup = credentials.accounts
    auth = tuple(replace(each, certificate=b"garbage") for each in backup.auth)
    return replace(credentials, anchors=(), accounts=(dms, replace(backup, auth=auth)))


@pytest.mark.parametrize("change", [without_anchors, with_garbage])
def test_secrets_have_no_end(cards: Cards, change: Callable[[Credentials], Credentials]) -> None:
    credentials = change(read(cards.usim()))
    assert account_not_after(credentials, credentials.accounts[0], NOW) is None
    ends = [account_not_after(credentials, each, NOW) for each in credentials.accounts]
    assert credentials_not_after(credentials, NOW) == next((each for each in ends if each), None)
