"""The verifier: octets in, `VerifiedMessage` out, or a refusal that names its step.

The steps, in order; docs/verification.md tells the same story and the verdicts quote the numbers:

     0  bounds             size before anything is parsed
     1  decode             WBXML, strictly, to the XML form
     2  shape              SyncHdr, SyncBody, one Signature last; versions
     3  ServerID           SyncHdr/Source/LocURI
     4  account            exactly one account has it
     5  keys               those of that account, none from the message
     6  signature profile  form and algorithms
     7  signature          the value, over the canonical octets of SignedInfo
     8  digest             of the canonical message, against those same SignedInfo octets
     9  transport          its own security was employed
    10  replay             not seen before
    11  decryption         only what is authenticated by now
    12  message            its commands are read from the verified octets, and from nothing else

Guarantees: a message that fails a step never reaches the next one; the answer is a `VerifiedMessage` or a
`VerificationError`, never a flag, and no other exception for any octets. Keys of an account are loaded once.
Leaves to its caller: the truth of the transport record, the time, the replay memory and applying the message.

Spec: OMA-TS-DM_Sessionless 5.1.2, 5.2, 5.3, 5.5.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from smartcard_dm import wbxml
from smartcard_dm.dm import parse_message
from smartcard_dm.errors import DecodeError, LimitExceededError, UnsupportedError, VerificationError
from smartcard_dm.rules import Rule, Step
from smartcard_dm.trust.account_keys import account_keys
from smartcard_dm.trust.points import MessageIdentity, NoDecryption, NoReplayMemory
from smartcard_dm.trust.shape import check_encoding, check_shape, read_server_id
from smartcard_dm.trust.verified import SEAL, SignatureEvidence, StepPassed, VerifiedMessage, describe_account
from smartcard_dm.xmlsec.algorithms import DigestAlgorithm
from smartcard_dm.xmlsec.signature_element import read_signature
from smartcard_dm.xmlsec.verify import select_keys, verify_digest, verify_signature_value

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from smartcard_dm.dm import DmAccount, DmMessage, ServerId
    from smartcard_dm.trust.account_keys import AccountKeys
    from smartcard_dm.trust.content import ContentTrust
    from smartcard_dm.trust.credentials import Credentials, UnusableAccount
    from smartcard_dm.trust.points import Decryptor, ReplayGuard
    from smartcard_dm.trust.policy import Policy
    from smartcard_dm.trust.transport import Transport
    from smartcard_dm.xmlsec.keys import TrustedKey


class Verifier:
    """Authorizes messages for the accounts of one set of credentials.

    Args:
        credentials: accounts and anchors; there are no others.
        policy: what is accepted; there is no default.
        replay: compares with messages accepted before; default remembers nothing, and the verdict says so.
        decryptor: opens encrypted parts; default refuses them as unsupported.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        policy: Policy,
        replay: ReplayGuard | None = None,
        decryptor: Decryptor | None = None,
    ) -> None:
        self._policy = policy
        self._anchors = credentials.anchors
        self._replay = replay or NoReplayMemory()
        self._decryptor = decryptor or NoDecryption()
        self._accounts: dict[ServerId, list[DmAccount]] = {}
        for account in credentials.accounts:
            self._accounts.setdefault(account.server_id, []).append(account)
        self._unusable: dict[ServerId, list[UnusableAccount]] = {}
        for unusable in credentials.unusable:
            self._unusable.setdefault(unusable.server_id, []).append(unusable)
        self._keys: dict[ServerId, AccountKeys] = {}

    def verify(self, octets: bytes, *, transport: Transport, at: datetime) -> VerifiedMessage:
        """Return the message if every step passes.

        Args:
            octets: one WBXML message as pushed.
            transport: how it came.
            at: the moment to verify for, with a time zone.

        Raises:
            VerificationError: refused; step, rule, clause, place and the account considered are in it. Commands that
                no device could process are refused when they are first asked for (`VerifiedMessage.message`).
            ValueError: `at` has no time zone.
        """
        if at.tzinfo is None:
            raise ValueError("the moment to verify for needs a time zone")
        claimed: ServerId | None = None
        account: DmAccount | None = None
        steps: list[StepPassed] = []
        passed = steps.append
        try:
            self._check_bounds(octets)
            passed(StepPassed(Step.BOUNDS, f"{len(octets)} octets"))
            xml = self._decode(octets)
            passed(StepPassed(Step.DECODE, "WBXML"))
            shape = check_shape(xml)
            encoding = check_encoding(shape.header, wbxml.version_of(octets))
            passed(StepPassed(Step.SHAPE, f"SyncHdr, SyncBody, Signature; {encoding}"))
            claimed = read_server_id(shape.header)
            passed(StepPassed(Step.SERVER_ID, str(claimed)))
            account = self._match_account(claimed)
            passed(StepPassed(Step.ACCOUNT, f"exactly one: {describe_account(account)}"))
            keys, others = self._keys_of(account, at)
            passed(StepPassed(Step.KEYS, "; ".join([*(key.origin for key in keys), *others])))
            signature = read_signature(shape.signature, self._policy.algorithms, self._policy.limits)
            candidates = select_keys(signature, keys, self._policy.algorithms)
            method = signature.signed_info.method
            passed(StepPassed(Step.PROFILE, f"{method.identifier}, policy {self._policy.name}"))
            key = verify_signature_value(signature, candidates)
            passed(StepPassed(Step.SIGNATURE, f"made by {key.origin}"))
            verify_digest(shape.octets, signature.signed_info)
            digest_method = signature.signed_info.digest_method.identifier
            passed(StepPassed(Step.DIGEST, f"{len(shape.octets)} canonical octets, {digest_method}"))
            passed(StepPassed(Step.TRANSPORT, self._policy.transport.check(transport)))
            digest = DigestAlgorithm.SHA256.digest(shape.octets)
            identity = MessageIdentity(claimed, shape.session_id, shape.msg_id, digest)
            passed(StepPassed(Step.REPLAY, self._replay.check(identity, at)))
            readable, established = self._decryptor.decrypt(shape.octets, account, self._policy)
            passed(StepPassed(Step.DECRYPT, established))
            passed(StepPassed(Step.MESSAGE, f"{len(readable)} verified octets, from which alone commands are read"))
        except VerificationError as error:
            raise _with_account(error, claimed, account) from error
        return VerifiedMessage(
            SEAL,
            account=account,
            read=partial(self._read_message, readable, claimed, account),
            judge=partial(self._judge_content, keys, account),
            octets=readable,
            digest=digest,
            signature=SignatureEvidence(method, key.origin),
            transport=transport,
            at=at,
            steps=tuple(steps),
        )

    def _check_bounds(self, octets: bytes) -> None:
        maximum = self._policy.limits.message_octets
        if len(octets) > maximum:
            raise VerificationError(Rule.MESSAGE_TOO_LARGE, f"wanted at most {maximum} octets, found {len(octets)}")

    def _decode(self, octets: bytes) -> bytes:
        try:
            return wbxml.to_xml(octets, limits=self._policy.limits)
        except LimitExceededError as error:
            raise VerificationError(Rule.BOUND_EXCEEDED, str(error)) from error
        except DecodeError as error:
            raise VerificationError(Rule.WBXML_MALFORMED, str(error)) from error
        except UnsupportedError as error:
            raise VerificationError(Rule.WBXML_UNSUPPORTED, str(error)) from error

    def _match_account(self, server_id: ServerId) -> DmAccount:
        accounts = self._accounts.get(server_id, [])
        unusable = self._unusable.get(server_id, [])
        names = (*map(describe_account, accounts), *(each.name for each in unusable))
        if not names:
            known = ", ".join(sorted(map(str, {*self._accounts, *self._unusable}))) or "none"
            raise VerificationError(
                Rule.ACCOUNT_UNKNOWN,
                f"no account has the ServerID {server_id}; this device knows {known}",
                place="/SyncML/SyncHdr/Source/LocURI",
            )
        if len(names) > 1:
            raise VerificationError(
                Rule.ACCOUNT_SEVERAL,
                f"{len(names)} accounts have the ServerID {server_id}: {'; '.join(names)}",
                place="/SyncML/SyncHdr/Source/LocURI",
                accounts=names,
            )
        if unusable:
            raise VerificationError(
                Rule.ACCOUNT_UNUSABLE,
                f"the account {unusable[0].name} has the ServerID {server_id} and cannot be read: {unusable[0].reason}",
                place="/SyncML/SyncHdr/Source/LocURI",
                accounts=names,
            )
        return accounts[0]

    def _keys_of(self, account: DmAccount, at: datetime) -> tuple[Sequence[TrustedKey], Sequence[str]]:
        """Return the keys that may sign now, and a sentence for each that might have and may not."""
        found = self._keys.get(account.server_id)
        if found is None:
            found = self._keys[account.server_id] = account_keys(account, self._anchors)
        if not found.keys and found.problems:
            raise VerificationError(Rule.KEY_UNUSABLE, "; ".join(found.problems))
        if not found.keys:
            raise VerificationError(
                Rule.KEY_NONE,
                "the account has no SRVCRED entry, and no trusted certificate or key has its ServerID as a name",
            )
        valid = [key for key in found.keys if key.valid_at(at)]
        outside = [f"not valid at {at:%Y-%m-%dT%H:%M:%SZ}: {key.origin}" for key in found.keys if key not in valid]
        if not valid:
            raise VerificationError(Rule.KEY_NOT_VALID_NOW, "; ".join(outside))
        return valid, (*outside, *found.problems)

    def _judge_content(
        self, keys: Sequence[TrustedKey], account: DmAccount, message: DmMessage
    ) -> tuple[ContentTrust, ...]:
        from smartcard_dm.trust.content import judge_content  # noqa: PLC0415 - few ask, and loading it takes time

        return judge_content(message, account=account, keys=keys, policy=self._policy, decryptor=self._decryptor)

    def _read_message(self, octets: bytes, server_id: ServerId, account: DmAccount) -> DmMessage:
        try:
            message = parse_message(octets, limits=self._policy.limits)
        except (DecodeError, UnsupportedError) as error:
            refusal = VerificationError(Rule.COMMANDS_MALFORMED, str(error))
            raise _with_account(refusal, server_id, account) from error
        if message.header.source != str(server_id):
            refusal = VerificationError(
                Rule.COMMANDS_MALFORMED,
                "the verified octets name another ServerID than the one the account was matched by",
                place="/SyncML/SyncHdr/Source/LocURI",
            )
            raise _with_account(refusal, server_id, account)
        return message


def _with_account(error: VerificationError, claimed: ServerId | None, account: DmAccount | None) -> VerificationError:
    """Return the refusal with the account that was considered, for the verdict."""
    accounts = error.accounts or ((describe_account(account),) if account is not None else ())
    return VerificationError(
        error.rule,
        error.detail,
        place=error.place,
        server_id=None if claimed is None else str(claimed),
        accounts=accounts,
    )
