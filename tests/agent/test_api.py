"""Every operation of the API, over a real socket, with cards that a test moves."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from smartcard_dm.agent import service
from smartcard_dm.agent.api import AT_ONCE_OCTETS
from smartcard_dm.agent.release import Allowed, AuditFile, Caller, Release, TreeAudit
from smartcard_dm.agent.service import Releases
from smartcard_dm.dm import ServerId
from smartcard_dm.dm.client_authentication import hmac_credential, md5_credential
from smartcard_dm.errors import CardReadError
from smartcard_dm.secret import Secret
from smartcard_dm.server import issue
from smartcard_dm.tree import DeviceTree
from smartcard_dm.trust.verifier import Verifier
from smartcard_dm.xmlsec import SecretSigningKey
from tests.agent.moved import NOW, MovedSource
from tests.agent.serving import DM_WBXML, FIRST_GENERATION, ROOT, SIGNED, USIM, ServedAgent
from tests.tree.device import INFORMATION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from smartcard_dm.agent.service import Answer
    from smartcard_dm.trust.credentials import Credentials
    from smartcard_dm.trust.transport import Transport
    from smartcard_dm.trust.verified import VerifiedMessage
    from tests.agent.cards import Cards

SERVER_ID = "com.example.dms"
CLIENT_SECRET = Secret(b"a device password")
SHARED = "a shared secret of 32 octets, ok"


@pytest.fixture
def source() -> MovedSource:
    return MovedSource(USIM)


@pytest.fixture
def agent(source: MovedSource, tmp_path: Path) -> Iterator[ServedAgent]:
    with ServedAgent(source, tmp_path) as served:
        yield served


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedAgent]:
    """An agent for tests that leave its card alone."""
    with ServedAgent(MovedSource(USIM), tmp_path_factory.mktemp("standing")) as served:
        yield served


# The card ------------------------------------------------------------------------------------------------------------


def test_the_card_and_its_accounts(standing: ServedAgent) -> None:
    card = standing.get("/v1/card").form
    assert card["card"]["iccid"] == card["provenance"]["card_id"] == "8988211000000430010"
    assert card["provenance"]["cache"] == "until-event"
    assert card["provenance"]["generation"] > FIRST_GENERATION
    accounts = standing.get("/v1/accounts").form["accounts"]
    assert [each["server_id"] for each in accounts] == [SERVER_ID, "com.example.backup"]
    assert standing.get(f"/v1/account?server_id={SERVER_ID}").form["account"] == accounts[0]
    assert SHARED not in json.dumps(accounts)


def test_an_account_that_is_not_there(standing: ServedAgent) -> None:
    for name in ("com.example.third", "a%20b", "%00", "%F0%9F%92%A9", "%ED%A0%80"):
        reply = standing.get(f"/v1/account?server_id={name}")
        assert (reply.status, reply.code) == (404, "account-unknown")


def test_a_card_that_left_vouches_for_nothing(agent: ServedAgent, source: MovedSource) -> None:
    generation = str(agent.generation)
    assert agent.get("/v1/accounts", If_Generation=generation).status == 200
    source.leave()
    agent.becomes("absent")
    for reply in (agent.get("/v1/accounts"), agent.verify()):
        assert (reply.status, reply.code) == (409, "card-absent")
    for reply in (agent.get("/v1/card", If_Generation=generation), agent.verify(If_Generation=generation)):
        assert (reply.status, reply.code) == (410, "card-removed")
    assert agent.get("/v1/card").form["card"] is None
    assert agent.get("/v1/card").form["provenance"]["cache"] == "no-store"


def test_another_card_is_another_generation(agent: ServedAgent, source: MovedSource, cards: Cards) -> None:
    generation = str(agent.generation)
    source.swap(cards.other())
    agent.becomes("present")
    reply = agent.verify(If_Generation=generation)
    assert (reply.status, reply.code) == (409, "card-changed")
    assert agent.get("/v1/card").form["provenance"]["card_id"] == "8988211000000430028"


@pytest.mark.parametrize(
    ("change", "state", "code"),
    [
        (lambda source: source.lose(), "service-lost", "reader-lost"),
        (lambda source: (source.fail(CardReadError("torn")), source.swap(USIM)), "unreadable", "card-unreadable"),
    ],
)
def test_what_cannot_be_read_is_not_served(
    agent: ServedAgent, source: MovedSource, change: Callable[[MovedSource], object], state: str, code: str
) -> None:
    change(source)
    agent.becomes(state)
    for reply in (agent.get("/v1/accounts"), agent.verify()):
        assert (reply.status, reply.code) == (409, code)
    assert agent.get("/v1/card").form["state"] == state


def test_a_card_that_wants_a_pin(tmp_path: Path, cards: Cards) -> None:
    with ServedAgent(MovedSource(cards.private()), tmp_path) as agent:
        assert agent.get("/v1/accounts").code == "card-locked"


# Messages ------------------------------------------------------------------------------------------------------------


def test_a_verdict_is_that_of_the_command(standing: ServedAgent) -> None:
    reply = standing.verify()
    assert reply.status == 200
    assert reply.form["verdict"]["verdict"] == "authorized"
    schema = json.loads((ROOT / "docs/schemas/verify.schema.json").read_text("utf-8"))
    Draft202012Validator(schema).validate(reply.form["verdict"])
    refused = standing.verify(SIGNED[:-1])
    assert refused.status == 200
    assert refused.form["verdict"]["rule"] == "wbxml.malformed"
    Draft202012Validator(schema).validate(refused.form["verdict"])
    standing.counts("verdicts_total", 1, operation="verify", rule="wbxml.malformed")


def test_a_large_message_is_verified_beside_small_ones(standing: ServedAgent) -> None:
    commands = (
        "<SyncBody><Replace><CmdID>1</CmdID><Item><Target><LocURI>./Vendor/A</LocURI></Target>"
        f"<Data>{100_000 * 'x'}</Data></Item></Replace><Final/></SyncBody>"
    )
    message = issue(commands.encode(), ServerId(SERVER_ID), SecretSigningKey(Secret(SHARED.encode())))
    assert len(message) > AT_ONCE_OCTETS
    assert standing.verify(message).form["verdict"]["verdict"] == "authorized"
    assert standing.verify(message[:-3] + b"xxx").form["verdict"]["verdict"] == "refused"


@pytest.mark.parametrize(
    ("query", "rule"),
    [
        ("transport=local", None),
        ("transport=local&secured=false", "transport.unsecured"),
        ("transport=http", "transport.unsecured"),
        ("transport=http&secured=false", "transport.unsecured"),
        ("transport=wap&secured=true&evidence=MAC%20checked", None),
        ("transport=sip&secured=true", None),
    ],
)
def test_who_hands_a_message_over_says_how_it_came(standing: ServedAgent, query: str, rule: str | None) -> None:
    assert standing.verify(query=query).form["verdict"]["rule"] == rule


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 422),
        ("transport=fax", 422),
        ("transport=local&transport=http", 422),
        ("transport=local&extra=1", 422),
        ("transport=http&secured=maybe", 422),
        ("transport=http&evidence=%0A", 422),
        ("transport=http&evidence=" + 257 * "a", 422),
    ],
)
def test_a_request_says_everything_once(standing: ServedAgent, query: str, status: int) -> None:
    reply = standing.verify(query=query)
    assert (reply.status, reply.code) == (status, "request-invalid")
    assert "fax" not in reply.form["detail"]


def test_the_verifier_is_made_once_for_a_generation(
    agent: ServedAgent, source: MovedSource, cards: Cards, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Credentials] = []

    def counted(credentials: Credentials, **named: Any) -> Verifier:  # noqa: ANN401 - handed on
        made.append(credentials)
        return Verifier(credentials, **named)

    monkeypatch.setattr(service, "Verifier", counted)
    for _ in range(5):
        agent.verify()
    assert len(made) == 1
    source.swap(cards.other())
    agent.becomes("present")
    agent.verify()
    assert len(made) == 2


def test_a_card_that_leaves_while_a_message_is_verified(
    agent: ServedAgent, source: MovedSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify = agent.service.verify

    def slow(octets: bytes, transport: Transport, generation: int | None) -> Answer:
        answer = verify(octets, transport, generation)
        source.leave()
        agent.becomes("absent")
        return answer

    monkeypatch.setattr(agent.service, "verify", slow)
    reply = agent.verify()
    assert (reply.status, reply.code) == (410, "card-removed")


def test_without_a_tree_nothing_is_applied(standing: ServedAgent) -> None:
    assert standing.apply().code == "tree-none"


@pytest.fixture
def tree() -> Iterator[DeviceTree]:
    with DeviceTree.create(None, INFORMATION, at=NOW) as made:
        yield made


def test_a_message_takes_effect_once(source: MovedSource, tmp_path: Path, tree: DeviceTree) -> None:
    with ServedAgent(source, tmp_path, tree=tree) as agent:
        first, second = agent.apply().form["verdict"], agent.apply().form["verdict"]
    assert first["verdict"] == "authorized"
    assert [row["status"] for row in first["report"]] == [200, 200]
    assert second["rule"] == "replay.seen"
    assert [row.action for row in tree.audit.rows()] == ["init", "sync", "apply"]


def test_the_tree_takes_in_each_card_that_comes(
    source: MovedSource, tmp_path: Path, tree: DeviceTree, cards: Cards
) -> None:
    with ServedAgent(source, tmp_path, tree=tree) as agent:
        source.leave()
        agent.becomes("absent")
        assert agent.apply().code == "card-absent"
        assert len(tree.credentials().accounts) == 2
        source.insert(cards.empty())
        agent.becomes("present")
        assert agent.apply().form["verdict"]["rule"] == "account.unknown"
        assert tree.credentials().accounts == ()


def test_a_card_that_leaves_before_the_commit_takes_the_message_back(
    source: MovedSource, tmp_path: Path, tree: DeviceTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ServedAgent(source, tmp_path, tree=tree) as agent:
        verify = tree.verify

        def slow(*given: Any, **named: Any) -> VerifiedMessage:  # noqa: ANN401 - handed on
            message = verify(*given, **named)
            source.leave()
            agent.becomes("absent")
            return message

        monkeypatch.setattr(tree, "verify", slow)
        reply = agent.apply()
        assert (reply.status, reply.code, reply.form["committed"]) == (410, "card-removed", False)
    assert "apply" not in [row.action for row in tree.audit.rows()]


def test_a_card_that_leaves_after_the_commit_is_told(
    source: MovedSource, tmp_path: Path, tree: DeviceTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ServedAgent(source, tmp_path, tree=tree) as agent:
        apply = agent.service.apply

        def slow(octets: bytes, transport: Transport, generation: int | None) -> Answer:
            answer = apply(octets, transport, generation)
            source.leave()
            agent.becomes("absent")
            return answer

        monkeypatch.setattr(agent.service, "apply", slow)
        reply = agent.apply()
        assert (reply.status, reply.code, reply.form["committed"]) == (410, "card-removed", True)
    assert "apply" in [row.action for row in tree.audit.rows()]


# What leaves ---------------------------------------------------------------------------------------------------------


def test_a_digest_is_computed_inside(standing: ServedAgent) -> None:
    nonce = base64.b64encode(b"Nonce").decode()
    found = standing.post("/v1/authenticate", {"server_id": SERVER_ID, "type": "md5", "nonce": nonce}).form
    wanted = md5_credential("device-0001", CLIENT_SECRET, b"Nonce")
    assert found["authentication"] == {
        "type": "md5",
        "level": "CLCRED",
        "name": "device-0001",
        "scheme": "syncml:auth-md5",
        "value": wanted,
        "header": None,
    }
    own = standing.post("/v1/authenticate", {"server_id": SERVER_ID, "type": "md5"}).form
    assert own["authentication"]["value"] == md5_credential("device-0001", CLIENT_SECRET, b"nonce")


def test_the_header_of_an_hmac(tmp_path: Path, cards: Cards) -> None:
    card = cards.usim(("{level: CLCRED, type: DIGEST,", "{level: CLCRED, type: HMAC,"))
    with ServedAgent(MovedSource(card), tmp_path) as agent:
        form = {"server_id": SERVER_ID, "type": "hmac", "nonce": "Tm9uY2U=", "body": base64.b64encode(SIGNED).decode()}
        header = agent.post("/v1/authenticate", form).form["authentication"]["header"]
        assert header["name"] == "x-syncml-hmac"
        assert header["value"].endswith(f"mac={hmac_credential('device-0001', CLIENT_SECRET, b'Nonce', SIGNED)}")
        assert agent.post("/v1/authenticate", {"server_id": SERVER_ID, "type": "md5"}).code == "auth-unavailable"


def test_basic_is_the_secret_and_needs_a_word(tmp_path: Path, cards: Cards) -> None:
    card = cards.usim(("{level: CLCRED, type: DIGEST,", "{level: CLCRED, type: BASIC,"))
    form = {"server_id": SERVER_ID, "type": "basic"}
    with ServedAgent(MovedSource(card), tmp_path) as agent:
        reply = agent.post("/v1/authenticate", form)
        assert (reply.status, reply.code) == (403, "basic-denied")
    audit = tmp_path / "audit.jsonl"
    with AuditFile(audit) as file:
        releases = Releases(basic=Allowed.named([SERVER_ID]), audit=file)
        with ServedAgent(MovedSource(card), tmp_path, releases=releases) as agent:
            found = agent.post("/v1/authenticate", form).form["authentication"]["value"]
            agent.counts("releases_total", 1, operation="authenticate")
            denied = {"server_id": "com.example.backup", "type": "basic"}
            assert agent.post("/v1/authenticate", denied).code == "basic-denied"
    assert base64.b64decode(found) == b"device-0001:a device password"
    rows = [json.loads(line) for line in audit.read_text("utf-8").splitlines()]
    assert [(row["action"], row["server_id"]) for row in rows] == [
        ("basic-released", SERVER_ID),
        ("basic-refused", "com.example.backup"),
    ]


def test_secrets_stay_unless_the_operator_says_otherwise(standing: ServedAgent) -> None:
    reply = standing.post("/v1/secret", {"server_id": SERVER_ID})
    assert (reply.status, reply.code) == (403, "secret-denied")
    assert b"password" not in reply.body


def test_a_released_secret_is_in_the_audit_first(source: MovedSource, tmp_path: Path) -> None:
    audit = tmp_path / "audit.jsonl"
    with AuditFile(audit) as file:
        releases = Releases(secret=Allowed.named([SERVER_ID]), audit=file)
        with ServedAgent(source, tmp_path, releases=releases) as agent:
            form = {"server_id": SERVER_ID, "level": "SRVCRED", "purpose": "a test"}
            reply = agent.post("/v1/secret", form, X_Request_Id="test-1")
            assert reply.headers["x-request-id"] == "test-1"
            (entry,) = reply.form["secrets"]
            assert base64.b64decode(entry["secret"]).decode() == SHARED
            assert agent.post("/v1/secret", {"server_id": "com.example.backup"}).code == "secret-denied"
            assert agent.post("/v1/secret", {"server_id": SERVER_ID, "level": "OBEX"}).code == "auth-unavailable"
    rows = [json.loads(line) for line in audit.read_text("utf-8").splitlines()]
    assert [row["action"] for row in rows] == ["secret-released", "secret-refused", "secret-refused"]
    assert (rows[0]["purpose"], rows[0]["request_id"], rows[0]["level"]) == ("a test", "test-1", "SRVCRED")
    assert SHARED not in audit.read_text("utf-8")
    assert audit.stat().st_mode & 0o777 == 0o600


def test_the_audit_of_a_tree_takes_releases(source: MovedSource, tmp_path: Path, tree: DeviceTree) -> None:
    releases = Releases(secret=Allowed.named(["all"]), audit=TreeAudit(tree))
    with ServedAgent(source, tmp_path, tree=tree, releases=releases) as agent:
        assert agent.post("/v1/secret", {"server_id": SERVER_ID}).status == 200
    row = tree.audit.rows()[-1]
    assert (row.action, row.subject) == ("release", SERVER_ID)


class FullDisk:
    def record(self, *_: object) -> None:
        raise OSError(28, "No space left on device")

    def close(self) -> None:
        pass


def test_nothing_is_released_that_cannot_be_recorded(source: MovedSource, tmp_path: Path) -> None:
    releases = Releases(secret=Allowed.named(["all"]), audit=FullDisk())
    with ServedAgent(source, tmp_path, releases=releases) as agent:
        reply = agent.post("/v1/secret", {"server_id": SERVER_ID})
        assert (reply.status, reply.code) == (503, "audit-unavailable")


def test_an_audit_is_a_file_and_begins_a_line(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("pipe", "link"):
        with pytest.raises(OSError, match=r"no regular file|symbolic links"):
            AuditFile(tmp_path / name)
    with pytest.raises(OSError, match="no regular file"):
        AuditFile(Path("/dev/null"))
    (tmp_path / "cut").write_text('{"action":', "utf-8")
    release = Release("secret-refused", ServerId(SERVER_ID), "CLCRED", Caller("r"), 1, None)
    with AuditFile(tmp_path / "cut") as audit:
        audit.record(NOW, release)
    first, second = (tmp_path / "cut").read_text("utf-8").splitlines()
    assert first == '{"action":'
    assert json.loads(second)["request_id"] == "r"


def test_a_problem_holds_nothing_of_the_request(standing: ServedAgent) -> None:
    for form in ({"server_id": "a", "type": "hunter2"}, {"server_id": 1, "type": "md5", "hunter2": "hunter2"}):
        reply = standing.post("/v1/authenticate", {**form, "nonce": "hunter2"})
        assert (reply.status, reply.code) == (422, "request-invalid")
        assert b"hunter2'" not in reply.body
        assert reply.form["detail"].count("hunter2") == list(form).count("hunter2")  # a name is told, no value


def test_what_may_be_released_needs_an_audit() -> None:
    with pytest.raises(ValueError, match="needs an audit"):
        Releases(secret=Allowed.named(["all"]))


# Requests ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "request-malformed"),
        (b"{", "request-malformed"),
        (b"\xff", "request-malformed"),
        (b"[" * 4000, "request-malformed"),
        (b"[]", "request-invalid"),
        (b'{"server_id": "a"}', "request-invalid"),
        (b'{"server_id": "a", "type": "plain"}', "request-invalid"),
        (b'{"server_id": "a", "type": "hmac"}', "request-invalid"),
        (b'{"server_id": "a", "type": "md5", "more": 1}', "request-invalid"),
        (b'{"server_id": "\\ud800", "type": "md5"}', "request-malformed"),
        (b'{"server_id": "a", "type": "md5", "nonce": "?"}', "request-invalid"),
        (b'{"server_id": "a", "type": "md5", "level": "SRVCRED"}', "request-invalid"),
        (b'{"server_id": "a", "type": "md5"}', "account-unknown"),
    ],
)
def test_a_body_is_what_it_should_be(standing: ServedAgent, body: bytes, code: str) -> None:
    reply = standing.ask("POST", "/v1/authenticate", body=body, headers={"Content-Type": "application/json"})
    assert reply.code == code


def test_a_body_of_another_kind(standing: ServedAgent) -> None:
    for given in ({}, {"Content-Type": "text/plain"}):
        assert standing.ask("POST", "/v1/verify?transport=local", body=SIGNED, headers=given).code == "content-type"
    assert (
        standing.ask(
            "POST", "/v1/verify?transport=local", body=SIGNED, headers={"Content-Type": f"{DM_WBXML.upper()}; x=y"}
        ).status
        == 200
    )


def test_what_is_not_there(standing: ServedAgent) -> None:
    assert standing.get("/v1/nothing").code == "not-found"
    reply = standing.ask("DELETE", "/v1/card")
    assert (reply.status, reply.code, reply.headers["allow"]) == (405, "method-not-allowed", "GET")


@pytest.mark.parametrize(("given", "kept"), [("abc.DEF_1-2", True), ("a b", False), (65 * "a", False), ("", False)])
def test_a_request_keeps_its_name_if_it_is_one(standing: ServedAgent, given: str, kept: bool) -> None:  # noqa: FBT001
    found = standing.get("/v1/card", X_Request_Id=given).headers["x-request-id"]
    assert (found == given) is kept
    assert len(found) == 16 or kept


@pytest.mark.parametrize("given", ["-1", "x", "1.0", "01", 19 * "9", ""])
def test_a_generation_is_a_number(standing: ServedAgent, given: str) -> None:
    assert standing.get("/v1/card", If_Generation=given).code == "request-invalid"


def test_a_fault_is_one_problem_and_one_line(
    agent: ServedAgent, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError(SHARED)

    monkeypatch.setattr(agent.service, "accounts", broken)
    reply = agent.get("/v1/accounts")
    assert (reply.status, reply.code) == (500, "internal")
    assert SHARED not in reply.body.decode() + caplog.text
    assert agent.get("/v1/card").status == 200


def test_the_metrics_know_the_card(agent: ServedAgent) -> None:
    agent.get("/v1/card")
    text = agent.get("/metrics").body.decode()
    assert 'smartcard_dm_agent_card_state{state="present"} 1.0' in text
    assert "smartcard_dm_agent_accounts 2.0" in text
    assert 'smartcard_dm_agent_requests_total{operation="card",status="200"} 1.0' in text
    assert f"smartcard_dm_agent_generation {float(agent.generation)}" in text
    assert "8988211000000430010" not in text


def test_the_document_is_served(standing: ServedAgent) -> None:
    served = standing.get("/v1/openapi.json").form
    assert served == json.loads((ROOT / "docs/openapi/agent-v1.json").read_text("utf-8"))
