"""Both clients against a live agent: every call, pinned generations, and events over restarts."""

from __future__ import annotations

import base64
import json
import signal
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.dm.client_authentication import hmac_credential, md5_credential
from smartcard_dm.errors import AgentCardError, AgentPolicyError, AgentRequestError, AgentUnreachableError
from smartcard_dm.secret import Secret
from tests.cli.cards import changed_card
from tests.cli.running import CARD, ROOT, SERVER_ID, SIGNED
from tests.cli.trees import new_tree
from tests.client.agents import CLIENTS
from tests.client.live import running_agent, socket_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.client.agents import Waiting

BACKUP = "com.example.backup"
ICCID = "8988211000000430010"
NAME = "device-0001"
PASSWORD = b"a device password"
_ENTRY = "                  - {level: CLCRED, type: %s, name: device-0001, secret: a device password%s}"
_OWN = _ENTRY % ("DIGEST", ", data: bm9uY2U=")
MORE_ENTRIES = (_OWN, "\n".join([_OWN, _ENTRY % ("HMAC", ""), _ENTRY % ("BASIC", "")]))
each_client = pytest.mark.parametrize("client", CLIENTS, ids=lambda kind: kind.__name__)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The socket of an agent that may release what belongs to one account, and has a tree."""
    folder = tmp_path_factory.mktemp("agent")
    uri = changed_card(folder, MORE_ENTRIES)
    with socket_folder() as sockets:
        socket = sockets / "agent.sock"
        allowed = ("--allow-secret-release", SERVER_ID, "--allow-basic", SERVER_ID, "--audit", folder / "audit")
        with running_agent(socket, uri, *allowed):
            yield socket


@each_client
def test_the_card(client: type[Waiting], path: Path) -> None:
    found = client(path).call("card")
    assert (found.state, found.reason, found.card.iccid, found.card.generation) == ("present", "", ICCID, "uicc")
    assert (found.provenance.card_id, found.provenance.state) == (ICCID, "present")
    assert found.provenance.cache == "until-event"
    assert found.since.tzinfo is not None


@each_client
def test_the_accounts(client: type[Waiting], path: Path) -> None:
    found = client(path).call("accounts")
    assert [each.server_id for each in found.accounts] == [SERVER_ID, BACKUP]
    one = client(path).call("account", SERVER_ID, expect_generation=found.provenance.generation)
    assert one.account == found.accounts[0]
    assert (str(one.account.origin), one.account.addresses[0].ports) == ("DM bootstrap in 7F50/6431", (443,))
    assert [(each.level, each.type, each.has_secret) for each in one.account.auth][:2] == [
        ("CLCRED", "DIGEST", True),
        ("CLCRED", "HMAC", True),
    ]


@each_client
def test_another_generation_is_refused(client: type[Waiting], path: Path) -> None:
    for name, arguments in (("accounts", ()), ("account", (SERVER_ID,)), ("secret", (SERVER_ID,))):
        with pytest.raises(AgentCardError) as found:
            client(path).call(name, *arguments, expect_generation=1)
        assert (found.value.code, found.value.status, found.value.state) == ("card-changed", 409, "present")


@each_client
def test_a_message_is_authorized(client: type[Waiting], path: Path) -> None:
    found = client(path).call("verify", SIGNED.read_bytes(), transport="local")
    assert (found.authorized, found.server_id, found.rule, found.step) == (True, SERVER_ID, None, 12)
    assert found.form["account"] == "dms (DM bootstrap in 7F50/6431)"


@each_client
def test_a_message_is_refused(client: type[Waiting], path: Path) -> None:
    changed = SIGNED.read_bytes().replace(b"Example", b"Exomple")
    for octets, transport, secured, step in (
        (changed, "local", None, 8),
        (SIGNED.read_bytes(), "wap", None, 9),
        (SIGNED.read_bytes(), "local", False, 9),
        (b"", "local", None, 1),
    ):
        found = client(path).call("verify", octets, transport=transport, secured=secured)
        assert (found.authorized, found.step) == (False, step), found.detail
        assert found.rule
    found = client(path).call("verify", SIGNED.read_bytes(), transport="http", secured=True, evidence="TLS 1.3")
    assert found.authorized
    assert found.form["transport"] == {"kind": "http", "evidence": "TLS 1.3"}


@each_client
def test_a_digest_is_computed_inside(client: type[Waiting], path: Path) -> None:
    found = client(path).call("authenticate", SERVER_ID, "md5", nonce=b"another")
    assert found.value == Secret(md5_credential(NAME, Secret(PASSWORD), b"another").encode())
    assert (found.scheme, found.name, found.header) == ("syncml:auth-md5", NAME, None)
    own = client(path).call("authenticate", SERVER_ID, "md5")
    assert own.value == Secret(md5_credential(NAME, Secret(PASSWORD), b"nonce").encode())


@each_client
def test_a_header_is_computed_inside(client: type[Waiting], path: Path) -> None:
    found = client(path).call("authenticate", SERVER_ID, "hmac", nonce=b"n", body=b"a message")
    mac = hmac_credential(NAME, Secret(PASSWORD), b"n", b"a message")
    name, value = found.header
    assert name == "x-syncml-hmac"
    assert mac.encode() in value.reveal()
    assert found.value is None
    text = client(path).call("authenticate", SERVER_ID, "hmac", nonce=b"n", body=b"a message", spelling="hex-text")
    assert base64.b64encode(base64.b64decode(mac).hex().encode()) in text.header[1].reveal()


@each_client
def test_what_is_allowed_is_released_and_nothing_else(client: type[Waiting], path: Path) -> None:
    basic = client(path).call("authenticate", SERVER_ID, "basic")
    assert basic.value == Secret(base64.b64encode(NAME.encode() + b":" + PASSWORD))
    found = client(path).call("secret", SERVER_ID, purpose="a test")
    assert [each.secret for each in found.secrets] == [Secret(PASSWORD)] * 3
    assert PASSWORD.decode() not in repr((basic, found))
    for name, arguments in (("secret", (BACKUP,)), ("authenticate", (BACKUP, "basic"))):
        with pytest.raises(AgentPolicyError) as refused:
            client(path).call(name, *arguments)
        assert refused.value.status == 403


@each_client
def test_what_is_not_there(client: type[Waiting], path: Path) -> None:
    with pytest.raises(AgentRequestError) as found:
        client(path).call("account", "com.example/../nobody?a=b&c#d")
    assert found.value.code == "account-unknown"
    assert found.value.request_id
    with pytest.raises(AgentPolicyError) as none:
        client(path).call("apply", SIGNED.read_bytes(), transport="local")
    assert none.value.code == "tree-none"
    with pytest.raises(AgentRequestError) as large:
        client(path).call("verify", bytes(2 << 20), transport="local")
    assert large.value.code == "body-too-large"


@each_client
def test_a_message_takes_effect_once(client: type[Waiting], tmp_path: Path) -> None:
    tree = new_tree(tmp_path)
    with socket_folder() as sockets, running_agent(sockets / "a", CARD, "--tree", tree):
        first = client(sockets / "a").call("apply", SIGNED.read_bytes(), transport="local")
        again = client(sockets / "a").call("apply", SIGNED.read_bytes(), transport="local")
    assert first.authorized
    assert first.form["report"]
    assert (again.authorized, again.step) == (False, 10)


@each_client
def test_events_go_on_over_a_restart(client: type[Waiting]) -> None:
    with socket_folder() as sockets:
        socket = sockets / "agent.sock"
        with running_agent(socket, CARD):
            begun = client(socket).call("card").provenance.event_id
            epoch = begun.partition("-")[0]
            [first] = client(socket).watch(1, f"{epoch}-0")
            assert (first.kind, first.subject) == ("card-inserted", ICCID)
        with pytest.raises(AgentUnreachableError):
            client(socket).call("card")
        with running_agent(socket, CARD):
            [gap] = client(socket).watch(1, begun)
            assert (gap.is_gap, gap.data["reason"]) == (True, "unknown-epoch")


def test_a_watch_lives_through_an_agent_that_is_killed() -> None:
    from smartcard_dm.client import AgentClient  # noqa: PLC0415 - this test alone

    with socket_folder() as sockets:
        socket = sockets / "agent.sock"
        with AgentClient(socket) as client:
            with running_agent(socket, CARD) as agent:
                epoch = client.card().provenance.event_id.partition("-")[0]
                events = client.watch(f"{epoch}-0")
                before = [next(events) for _ in range(3)]
                agent.send_signal(signal.SIGKILL)
                agent.wait()
            with running_agent(socket, CARD):
                after = next(events)
                events.close()  # type: ignore[attr-defined] # it is a generator
    assert [each.kind for each in before] == ["card-inserted", "account-added", "account-added"]
    assert after.is_gap
    assert after.generation > before[0].generation


def test_importing_the_client_loads_neither_cards_nor_http() -> None:
    import subprocess  # noqa: PLC0415 - this test alone
    import sys  # noqa: PLC0415 - same

    code = (
        "import json, sys, smartcard_dm.client as client\n"
        "light = sorted(sys.modules)\n"
        "client.AgentClient, client.AsyncAgentClient\n"
        "print(json.dumps([light, sorted(sys.modules)]))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    light, whole = json.loads(done.stdout)
    assert {name for name in light if name.startswith("smartcard_dm")} == {"smartcard_dm", "smartcard_dm.client"}
    ours = {name.split(".")[1] for name in whole if name.startswith("smartcard_dm.")}
    assert ours == {"client", "errors", "identity", "limits", "secret"}
    assert not {"httpx", "fastapi", "pydantic", "lxml", "cryptography", "click"} & set(whole)


def test_both_clients_have_the_same_methods_and_arguments() -> None:
    import inspect  # noqa: PLC0415 - this test alone

    from smartcard_dm.client import AgentClient, AsyncAgentClient  # noqa: PLC0415 - same

    def signatures(kind: type) -> dict[str, list[str]]:
        return {
            "close" if name == "aclose" else name: [
                str(each) for each in inspect.signature(function).parameters.values()
            ]
            for name, function in inspect.getmembers(kind, inspect.isfunction)
            if not name.startswith("_")
        }

    assert signatures(AgentClient) == signatures(AsyncAgentClient)
    assert set(signatures(AgentClient)) >= {"card", "verify", "secret", "watch", "close", "send"}
