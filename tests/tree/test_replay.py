"""Each message takes effect once: what is the same message, what is remembered, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartcard_dm import wbxml
from smartcard_dm.dm import ServerId
from smartcard_dm.errors import ListenerError, VerificationError
from smartcard_dm.rules import Rule
from smartcard_dm.server import Header, issue
from smartcard_dm.tree import DeviceTree, ProcessingPolicy, ReplayPolicy
from smartcard_dm.tree.database import Database
from smartcard_dm.tree.replay import ReplayMemory
from smartcard_dm.trust.points import MessageIdentity
from smartcard_dm.trust.policy import Policy
from smartcard_dm.trust.transport import Transport
from smartcard_dm.xmlsec import AlgorithmPolicy, SecretSigningKey, SignatureAlgorithm, sign_message
from tests.materials import NOW, SHARED_SECRET
from tests.tree.device import (
    INFORMATION,
    A,
    B,
    account,
    add,
    card,
    command,
    delete,
    device,
    item,
    later,
    message,
    push,
    replace,
    snapshot,
    statuses,
    there,
)

if TYPE_CHECKING:
    from pathlib import Path

GET = command("Get", item("./DevInfo/Man"))


def policy(*, monotonic: bool = False, days: float = 3650, messages: int = 100_000) -> ProcessingPolicy:
    """Return how messages are remembered."""
    window = timedelta(days=days)
    return ProcessingPolicy(replay=ReplayPolicy(monotonic=monotonic, window=window, messages=messages))


def refusal(
    tree: DeviceTree, octets: bytes, *, processing: ProcessingPolicy | None = None, at: datetime = NOW
) -> VerificationError:
    """Return why a message is refused at step 10, changing nothing."""
    before, rows = snapshot(tree), len(tree.audit.rows())
    with pytest.raises(VerificationError) as caught:
        push(tree, octets, processing=processing, at=at)
    assert caught.value.step == 10
    assert (snapshot(tree), len(tree.audit.rows())) == (before, rows)
    return caught.value


# Once


def test_a_message_takes_effect_once() -> None:
    tree, octets = device(), message(add("./Vendor/L", "v"))
    assert push(tree, octets).report[0].status == 200
    assert statuses(tree, delete("./Vendor/L")) == [200]
    found = refusal(tree, octets)
    assert found.rule is Rule.REPLAYED
    assert found.rule.identifier == "replay.seen"
    assert not there(tree, "./Vendor/L")


def test_a_message_whose_commands_failed_took_effect_too() -> None:
    tree, octets = device(), message(replace("./Nothing", "v"))
    assert push(tree, octets).report[0].status == 404
    assert refusal(tree, octets).rule is Rule.REPLAYED


def test_a_message_that_this_device_did_not_carry_out_took_effect_too() -> None:
    tree = device()
    octets = message(GET, target="IMEI:1")
    assert push(tree, octets, processing=ProcessingPolicy(this_device_only=True)).report[0].status == 215
    assert refusal(tree, octets).rule is Rule.REPLAYED


def test_it_is_refused_before_anything_is_written_and_by_a_verdict_too() -> None:
    tree, octets = device(), message(GET)
    tree.verify(octets, transport=Transport.local(), at=NOW, policy=Policy.default())
    push(tree, octets)
    with pytest.raises(VerificationError) as caught:
        tree.verify(octets, transport=Transport.local(), at=NOW, policy=Policy.default())
    assert caught.value.rule is Rule.REPLAYED


def test_it_is_remembered_in_the_file(tmp_path: Path) -> None:
    name, octets = str(tmp_path / "tree.db"), message(GET)
    with DeviceTree.create(name, INFORMATION, at=NOW) as tree:
        tree.sync(card(account(A)), at=NOW)
        push(tree, octets)
    with DeviceTree.open(name) as tree:
        assert refusal(tree, octets).rule is Rule.REPLAYED


def test_another_card_and_the_same_account_again_forget_nothing() -> None:
    tree, octets = device(), message(GET)
    push(tree, octets)
    tree.sync(card(account(B), iccid="8988211000000430028"), at=NOW)
    tree.sync(card(account(A), account(B)), at=NOW)
    assert refusal(tree, octets).rule is Rule.REPLAYED


# What took no effect may come again


def test_after_a_dry_run_it_may_come_again() -> None:
    tree, octets = device(), message(add("./Vendor/L", "v"))
    for _ in range(2):
        assert push(tree, octets, dry_run=True).report[0].status == 200
    assert push(tree, octets).report[0].status == 200
    assert refusal(tree, octets).rule is Rule.REPLAYED
    with pytest.raises(VerificationError):
        push(tree, octets, dry_run=True)


def test_after_a_trial_it_may_come_again_and_inside_it_not() -> None:
    tree, octets = device(), message(GET)
    with tree.trial():
        push(tree, octets)
        with pytest.raises(VerificationError) as caught:
            push(tree, octets)
        assert caught.value.rule is Rule.REPLAYED
    push(tree, octets)


def test_after_a_listener_that_raised_it_may_come_again() -> None:
    class Refusing:
        def notify(self, event: object) -> None:
            raise RuntimeError(str(event))

    tree = device()
    octets = message(delete("./DMAcc/b/ServerID") + replace("./DMAcc/a/ServerID", "com.example.new"))
    with pytest.raises(ListenerError):
        push(tree, octets, listener=Refusing())
    push(tree, octets)


def test_after_a_refusal_it_may_come_again() -> None:
    tree, octets = device(B), message(GET)
    with pytest.raises(VerificationError) as caught:
        push(tree, octets)
    assert caught.value.step == 4
    tree.sync(card(account(A), account(B)), at=NOW)
    push(tree, octets)


def test_an_atomic_that_was_rolled_back_inside_a_message_does_not_make_it_come_again() -> None:
    tree, octets = device(), message(command("Atomic", add("./X"), replace("./Nothing", "v")))
    assert [int(row.status) for row in push(tree, octets).report] == [507, 216, 404]
    assert refusal(tree, octets).rule is Rule.REPLAYED


# What is the same message


def test_another_encoding_of_the_same_xml_is_the_same_message() -> None:
    tree, octets = device(), message(GET)
    push(tree, octets)
    xml = wbxml.to_xml(octets)
    # The signed header states the version: another one is refused for that, the same one with other octets here.
    for version in ("1.1", "1.3"):
        with pytest.raises(VerificationError) as caught:
            push(tree, wbxml.from_xml(xml, version))
        assert caught.value.rule is Rule.SHAPE_ENCODING
    assert refusal(tree, wbxml.from_xml(xml)).rule is Rule.REPLAYED


def test_a_message_that_states_no_encoding_is_the_same_in_every_version() -> None:
    xml = (
        b'<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto>'
        b"<SessionID>1</SessionID><MsgID>1</MsgID><Target><LocURI>./</LocURI></Target>"
        b"<Source><LocURI>com.example.a</LocURI></Source></SyncHdr><SyncBody><Get><CmdID>1</CmdID><Item><Target>"
        b"<LocURI>./DevInfo/Man</LocURI></Target></Item></Get><Final></Final></SyncBody></SyncML>"
    )
    signed = sign_message(xml, SecretSigningKey(SHARED_SECRET), AlgorithmPolicy.default())
    tree = device()
    push(tree, wbxml.from_xml(signed, "1.1"))
    for version in ("1.2", "1.3", "1.1"):
        assert refusal(tree, wbxml.from_xml(signed, version)).rule is Rule.REPLAYED


def test_another_signature_of_the_same_content_is_the_same_message() -> None:
    def made(algorithm: SignatureAlgorithm) -> bytes:
        body = f"<SyncBody>{add('./Vendor/L', 'v')}<Final/></SyncBody>".encode()
        key = SecretSigningKey(SHARED_SECRET)
        return issue(body, ServerId(A), key, header=Header(session_id="7"), algorithm=algorithm)

    tree = device()
    one, two = made(SignatureAlgorithm.HMAC_SHA256), made(SignatureAlgorithm.HMAC_SHA512)
    assert one != two
    push(tree, one)
    assert refusal(tree, two).rule is Rule.REPLAYED


def test_equal_commands_with_other_numbers_are_another_message() -> None:
    tree = device()
    for session_id, msg_id in (("1", "1"), ("1", "2"), ("2", "1")):
        push(tree, message(GET, session_id=session_id, msg_id=msg_id))


def test_equal_commands_of_another_server_are_another_message() -> None:
    tree = device()
    for server in (A, B):
        push(tree, message(GET, server, session_id="1"))


# Monotonic numbers


def test_without_the_policy_numbers_may_come_in_any_order() -> None:
    tree = device()
    for session_id in ("9", "1", "5", "x"):
        push(tree, message(GET, session_id=session_id))


def test_with_the_policy_numbers_grow() -> None:
    tree = device()
    growing = policy(monotonic=True)
    for session_id, msg_id in (("5", "2"), ("5", "10"), ("10", "1")):
        push(tree, message(GET, session_id=session_id, msg_id=msg_id), processing=growing)
    for session_id, msg_id in (("10", "1"), ("9", "99"), ("10", "01"), ("0010", "1"), ("10", "0")):
        found = refusal(
            tree,
            message(add(f"./N{session_id}-{msg_id}"), session_id=session_id, msg_id=msg_id),
            processing=growing,
        )
        assert found.rule is Rule.REPLAY_ORDER
    push(tree, message(GET, session_id="10", msg_id="2"), processing=growing)


@pytest.mark.parametrize("session_id", ["x", "0x1F", "-1", "1.5", "१", "9" * 20, str(1 << 63)])
def test_with_the_policy_numbers_are_decimal_and_fit(session_id: str) -> None:
    octets = message(GET, session_id=session_id)
    assert refusal(device(), octets, processing=policy(monotonic=True)).rule is Rule.REPLAY_ORDER


def test_numbers_are_counted_for_each_server() -> None:
    tree, growing = device(), policy(monotonic=True)
    push(tree, message(GET, A, session_id="100"), processing=growing)
    push(tree, message(GET, B, session_id="1"), processing=growing)


def test_numbers_seen_before_the_policy_was_chosen_count() -> None:
    tree = device()
    push(tree, message(GET, session_id="100"))
    found = refusal(tree, message(GET, session_id="99"), processing=policy(monotonic=True))
    assert found.rule is Rule.REPLAY_ORDER


# Window and count


def test_a_full_memory_refuses_new_messages_inside_the_window() -> None:
    tree, small = device(), policy(messages=3, days=10)
    sent = [message(GET) for _ in range(4)]
    for number, octets in enumerate(sent[:3]):
        push(tree, octets, processing=small, at=later(number))
    assert refusal(tree, sent[3], processing=small, at=later(9.9)).rule is Rule.REPLAY_FULL
    assert refusal(tree, sent[3], processing=small, at=later(10)).rule is Rule.REPLAY_FULL, "exactly the window"
    push(tree, sent[3], processing=small, at=later(10.1))


def test_nothing_inside_the_window_is_ever_forgotten() -> None:
    tree, small = device(), policy(messages=3, days=10)
    sent = [message(GET) for _ in range(5)]
    for number, octets in enumerate(sent[:3]):
        push(tree, octets, processing=small, at=later(number))
    push(tree, sent[3], processing=small, at=later(11.5))  # the first two may be forgotten, the third not
    assert refusal(tree, sent[2], processing=small, at=later(11.5)).rule is Rule.REPLAYED
    assert refusal(tree, sent[3], processing=small, at=later(11.5)).rule is Rule.REPLAYED
    push(tree, sent[0], processing=small, at=later(11.5))


def test_what_is_older_than_the_window_is_kept_while_there_is_room() -> None:
    tree, roomy = device(), policy(messages=3, days=10)
    octets = message(GET)
    push(tree, octets, processing=roomy)
    assert refusal(tree, octets, processing=roomy, at=later(1000)).rule is Rule.REPLAYED


def test_the_memory_of_one_server_does_not_fill_that_of_another() -> None:
    tree, small = device(), policy(messages=1, days=10)
    push(tree, message(GET, A), processing=small)
    push(tree, message(GET, B), processing=small)
    assert refusal(tree, message(GET, A), processing=small).rule is Rule.REPLAY_FULL


def test_a_replayed_message_is_told_as_such_when_the_memory_is_full_too() -> None:
    tree, small, octets = device(), policy(messages=1, days=10), message(GET)
    push(tree, octets, processing=small)
    assert refusal(tree, octets, processing=small).rule is Rule.REPLAYED


def test_a_smaller_memory_than_before_forgets_nothing_inside_the_window() -> None:
    tree = device()
    sent = [message(GET) for _ in range(3)]
    for octets in sent:
        push(tree, octets)
    for octets in sent:
        assert refusal(tree, octets, processing=policy(messages=1)).rule is Rule.REPLAYED


def test_moments_are_compared_whatever_their_time_zone() -> None:
    tree, small = device(), policy(messages=1, days=1)
    east = timezone(timedelta(hours=14))
    push(tree, message(GET), processing=small, at=NOW.astimezone(east))
    found = refusal(tree, message(GET), processing=small, at=(NOW + timedelta(hours=23)).astimezone(UTC))
    assert found.rule is Rule.REPLAY_FULL
    push(tree, message(GET), processing=small, at=NOW + timedelta(hours=25))


def test_a_clock_that_went_back_forgets_nothing() -> None:
    tree, small = device(), policy(messages=1, days=10)
    octets = message(GET)
    push(tree, octets, processing=small)
    assert refusal(tree, octets, processing=small, at=later(-10000)).rule is Rule.REPLAYED
    assert refusal(tree, message(GET), processing=small, at=later(-10000)).rule is Rule.REPLAY_FULL


@pytest.mark.parametrize("bad", [{"window": timedelta()}, {"window": timedelta(days=-1)}, {"messages": 0}])
def test_a_policy_that_remembers_nothing_is_none(bad: dict[str, timedelta | int]) -> None:
    with pytest.raises(ValueError, match="positive"):
        ReplayPolicy(**bad)  # type: ignore[arg-type] # one of them at a time


# Against a model


SMALL = ReplayPolicy(window=timedelta(days=10), messages=4)
EVENTS = st.lists(
    st.tuples(
        st.sampled_from([A, B]),
        st.integers(0, 6),  # which message
        st.integers(-3, 6),  # days that go by, and now and then back
        st.booleans(),  # whether it is only verified
    ),
    max_size=40,
)


class Model:
    """The memory in five lines: what was remembered of each server, when."""

    def __init__(self) -> None:
        self.seen: dict[str, dict[int, datetime]] = {A: {}, B: {}}

    def verdict(self, server: str, number: int, at: datetime) -> Rule | None:
        """Return the rule that refuses a message."""
        seen = self.seen[server]
        if number in seen:
            return Rule.REPLAYED
        full = len(seen) >= SMALL.messages
        return Rule.REPLAY_FULL if full and not any(moment < at - SMALL.window for moment in seen.values()) else None

    def remember(self, server: str, number: int, at: datetime) -> None:
        """Note one; what is too old goes when there is no room."""
        seen = self.seen[server]
        if len(seen) >= SMALL.messages:
            self.seen[server] = {each: moment for each, moment in seen.items() if moment >= at - SMALL.window}
        self.seen[server][number] = at


@settings(max_examples=60)
@given(EVENTS)
def test_the_memory_is_that_of_a_simple_model(events: list[tuple[str, int, int, bool]]) -> None:
    model = Model()
    at = NOW
    with Database.memory(lambda _: None) as database:
        memory = ReplayMemory(database, SMALL)
        for server, number, days, only_verified in events:
            at += timedelta(days=days)
            identity = MessageIdentity(ServerId(server), "1", str(number), bytes([number]) * 32)
            wanted = model.verdict(server, number, at)
            found: Rule | None = None
            try:
                memory.check(identity, at)
            except VerificationError as error:
                found = error.rule
            assert found is wanted
            if found is None and not only_verified:
                with database.writing():
                    memory.remember(identity, at)
                model.remember(server, number, at)
            inside = sum(moment >= at - SMALL.window for moment in model.seen[server].values())
            assert inside <= len(model.seen[server]) <= SMALL.messages
