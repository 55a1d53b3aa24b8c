"""Client provisioning on a card: which file counts, what it gives, and how it stands beside DM bootstrap."""

from __future__ import annotations

import pytest

from smartcard_dm.card.session import CardSession
from smartcard_dm.card_uri import open_card
from smartcard_dm.credentials import FoundAccounts, read_accounts, read_credentials
from smartcard_dm.errors import (
    CardConnectionError,
    CardReadError,
    DmError,
    LimitExceededError,
    PinRequiredError,
    UnsupportedError,
    WbxmlError,
)
from smartcard_dm.limits import Limits
from tests.card.cards import (
    FIXTURES,
    PIN,
    SIM,
    Change,
    bootstrap_content,
    dm_object,
    dodf,
    inside,
    session,
    tap,
)

BOOTSTRAP, CONFIG1, CONFIG2 = "2.23.43.5.1", "2.23.43.5.2", "2.23.43.5.3"
NAMES = {BOOTSTRAP: "CP Bootstrap", CONFIG1: "CP Config1", CONFIG2: "CP Config2"}
EMPTY = "{pad: {content: {empty: }, size: 64}}"
NAPDEF = "{type: NAPDEF, parms: {NAPID: NAP1}}"


def application(server_id: str) -> str:
    return f"{{type: APPLICATION, parms: {{APPID: w7, PROVIDER-ID: {server_id}, ADDR: 'https://x.example/'}}}}"


def document(*characteristics: str) -> str:
    return f"{{cp_bootstrap: {{characteristics: [{', '.join(characteristics)}]}}}}"


def cp(*files: tuple[str, str], dm: bool = False, access: str = "public") -> tuple[Change, ...]:
    """The card has client provisioning files, listed in this order at 6441, 6442, ...; and perhaps DM bootstrap."""
    objects = [f'{{oid: {oid}, path: "{0x6441 + n:04X}"}}' for n, (oid, _) in enumerate(files)]
    contents = [f"ef: {0x6441 + n:04X}, access: {access}, content: {text}" for n, (_, text) in enumerate(files)]
    return dodf(*objects, *([dm_object("6431")] if dm else [])), inside(*contents)


def found(*changes: Change) -> FoundAccounts:
    with session(*changes) as card:
        return read_accounts(card)


def told(result: FoundAccounts) -> list[tuple[str, str]]:
    return [(str(account.server_id), str(account.origin)) for account in result.accounts]


@pytest.mark.parametrize("oid", NAMES)
def test_an_account_of_client_provisioning_is_read(oid: str) -> None:
    result = found(*cp((oid, document(application("com.example.cp")))))
    assert told(result) == [("com.example.cp", f"{NAMES[oid]} in 7F50/6441")]
    origin = result.accounts[0].origin
    assert origin is not None
    assert origin.oid == oid
    assert result.warnings == ()


@pytest.mark.parametrize("changes", [(), SIM])
def test_the_first_file_that_is_not_empty_wins(changes: tuple[Change, ...]) -> None:
    one, two = document(application("com.example.one")), document(application("com.example.two"))
    # Listed in another order than that of their precedence.
    files = ((CONFIG2, two), (CONFIG1, one), (BOOTSTRAP, EMPTY))
    result = found(*changes, *cp(*files))
    assert told(result) == [("com.example.one", "CP Config1 in 7F50/6442")]
    assert result.warnings == (
        "CP Bootstrap in 7F50/6443: the file is empty",
        "CP Config2 in 7F50/6441: filled too, not used",
    )


def test_two_files_of_one_kind_keep_the_card_s_order() -> None:
    files = ((BOOTSTRAP, document(application("com.example.b"))), (BOOTSTRAP, document(application("com.example.a"))))
    result = found(*cp(*files))
    assert told(result) == [("com.example.b", "CP Bootstrap in 7F50/6441")]
    assert result.warnings == ("CP Bootstrap in 7F50/6442: filled too, not used",)


def test_empty_files_give_nothing_and_are_told() -> None:
    result = found(*cp((BOOTSTRAP, EMPTY), (CONFIG1, "{empty: }")))
    assert (result.accounts, result.connectivity) == ((), ())
    assert [warning.rpartition(": ")[2] for warning in result.warnings] == ["the file is empty"] * 2


def test_an_empty_file_behind_the_one_that_counts_is_not_worth_a_word() -> None:
    assert found(*cp((BOOTSTRAP, document(NAPDEF)), (CONFIG1, EMPTY))).warnings == ()


def test_accounts_of_dm_bootstrap_come_first() -> None:
    files = ((BOOTSTRAP, document(application("com.example.cp"))),)
    assert [server for server, _ in told(found(*cp(*files, dm=True)))] == ["com.example.dms", "com.example.cp"]


def test_one_server_in_both_is_given_twice() -> None:
    files = ((BOOTSTRAP, document(application("com.example.dms"))),)
    assert told(found(*cp(*files, dm=True))) == [
        ("com.example.dms", "DM bootstrap in 7F50/6431"),
        ("com.example.dms", "CP Bootstrap in 7F50/6441"),
    ]


def test_connectivity_is_kept_and_the_rest_is_told() -> None:
    vendor = "{type: VENDORCONFIG, parms: {NAME: x}}"
    content = document(NAPDEF, vendor, "{type: PXLOGICAL, parms: {PROXY-ID: px}}")
    with session(*cp((BOOTSTRAP, content))) as card:
        result, credentials = read_accounts(card), read_credentials(card)
    assert [one.type for one in result.connectivity] == ["NAPDEF", "PXLOGICAL"]
    assert credentials.connectivity == result.connectivity
    origin = "CP Bootstrap in 7F50/6441"
    assert result.warnings == (f"{origin}: characteristic[VENDORCONFIG] gives no account",)


def test_what_an_account_does_not_hold_is_told_with_the_file() -> None:
    odd = application("com.example.cp").replace("ADDR:", "INIT: '', ADDR:")
    [warning] = found(*cp((BOOTSTRAP, document(odd)))).warnings
    assert warning.startswith("CP Bootstrap in 7F50/6441: characteristic[APPLICATION]: INIT")


@pytest.mark.parametrize(
    ("content", "error", "detail"),
    [
        ("{ascii: hello}", DmError, "not a document"),
        ("{hex: 030B6A}", WbxmlError, ""),
        (document(application("com.example.cp").replace("APPID: w7, ", "")), DmError, "APPID"),
        (document(application("com.example.cp").replace("PROVIDER-ID: com.example.cp, ", "")), DmError, "PROVIDER-ID"),
        ("{ascii: \"<wap-provisioningdoc version='9.9'/>\"}", UnsupportedError, "9.9"),
    ],
)
def test_a_broken_file_stops_the_reading_and_is_named(content: str, error: type[Exception], detail: str) -> None:
    with pytest.raises(error, match=rf"^CP Config1 in 7F50/6442: .*{detail}"):
        found(*cp((BOOTSTRAP, EMPTY), (CONFIG1, content)))


def test_a_broken_dm_bootstrap_is_named_too() -> None:
    with pytest.raises(DmError, match=r"^DM bootstrap in 7F50/6431: bootstrap file at offset 0"):
        found(bootstrap_content("{ascii: hello}"))


def test_a_file_that_is_named_and_missing_could_not_be_read() -> None:
    with pytest.raises(CardReadError, match="7F50/6439"):
        found(dodf(f'{{oid: {BOOTSTRAP}, path: "6439"}}'))


def test_a_file_that_is_not_used_cannot_stop_the_reading() -> None:
    files = ((BOOTSTRAP, document(application("com.example.cp"))), (CONFIG1, "{ascii: hello}"))
    assert found(*cp(*files)).warnings == ("CP Config1 in 7F50/6442: filled too, not used",)
    missing = dodf(f'{{oid: {BOOTSTRAP}, path: "6441"}}', f'{{oid: {CONFIG2}, path: "6439"}}')
    file = inside(f"ef: 6441, access: public, content: {files[0][1]}")
    [warning] = found(missing, file).warnings
    assert warning.startswith("CP Config2 in 7F50/6439: not used, and not looked at (the card names 7F50/6439")


def test_a_card_removed_at_any_command_is_a_lost_connection_and_nothing_else() -> None:
    changes = cp((BOOTSTRAP, document(NAPDEF)), (CONFIG1, document(NAPDEF)))
    whole = tap(*changes)
    with CardSession(whole) as card:
        read_accounts(card)
    for at in range(len(whole.commands) - 1):
        with pytest.raises(CardConnectionError), CardSession(tap(*changes, removed_at=at)) as card:
            read_accounts(card)


def test_a_file_behind_a_pin_asks_for_the_pin() -> None:
    changes = cp((BOOTSTRAP, document(application("com.example.cp"))), access="private")
    with session(*changes) as card, pytest.raises(PinRequiredError, match="7F50/6441 is behind PIN 01"):
        read_accounts(card)
    with session(*changes, pin=PIN) as card:
        assert len(read_accounts(card).accounts) == 1


def test_the_bound_holds_for_both_kinds_together() -> None:
    changes = cp((BOOTSTRAP, document(application("com.example.cp"))), dm=True)
    with session(*changes) as card:
        assert len(read_accounts(card, limits=Limits(accounts=2)).accounts) == 2
        with pytest.raises(LimitExceededError, match="accounts of the card"):
            read_accounts(card, limits=Limits(accounts=1))


def test_a_value_in_the_directory_itself_is_taken_from_there() -> None:
    content = document(application("com.example.direct"))
    assert told(found(dodf(f"{{oid: {BOOTSTRAP}, direct: {content}}}"))) == [
        ("com.example.direct", "CP Bootstrap in 7F50/6430")
    ]


def test_the_card_of_the_fixtures_shows_both() -> None:
    with open_card(f"profile:{FIXTURES / 'cards/cp.yaml'}") as card:
        result = read_accounts(card)
    assert told(result) == [
        ("com.example.dms", "DM bootstrap in 7F50/6431"),
        ("com.example.cp", "CP Bootstrap in 7F50/6433"),
    ]
    assert [one.type for one in result.connectivity] == ["PXLOGICAL", "NAPDEF"]
    assert result.accounts[1].pref_con_ref == "proxy.example.com"
    assert result.warnings == ("CP Config1 in 7F50/6434: filled too, not used",)
    shown = repr(result)
    assert "secret of 32" not in shown
    assert "device password" not in shown
