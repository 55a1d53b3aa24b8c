"""The whole exception tree, by culprit.

::

    SmartcardDmError
    ├── DecodeError              the bytes or the XML are wrong
    │   ├── WbxmlError           a WBXML document, or XML that has no WBXML form
    │   ├── TlvError             BER-TLV from a card (FCP, EF.DIR, EF.ARR)
    │   ├── ApduError            a response or an ATR that is none
    │   ├── Pkcs15Error          a PKCS#15 directory file
    │   ├── DmError              a DM message, TNDS object or account
    │   ├── EnvelopeError        what a message is pushed in: WSP, SMS, HTTP, SIP
    │   └── LimitExceededError   well-formed so far, larger than a bound of `Limits`
    ├── UnsupportedError         well-formed, deliberately not handled (docs/supported.md)
    ├── KeyMaterialError         a key, certificate or secret given by the caller cannot be used
    │   └── TokenError           the token that holds it, the module that leads there, or its PIN
    ├── DecryptionError          a ciphertext that a key does not open, for whatever reason
    ├── CardError                the card or the way to it
    │   ├── CardConnectionError  reader, driver or transport
    │   ├── CardNotFoundError    "not there": no such application, file or object on this card
    │   ├── CardReadError        "could not read": it may be there, the card did not give it
    │   ├── PinRequiredError     a PIN is needed and none was given
    │   ├── PinError             the PIN given is wrong
    │   ├── PinBlockedError      no try is left, or using the last one was not consented to
    │   └── PinEntryError        what was to ask for a PIN cannot do so
    ├── TreeError                the device's management tree
    │   ├── TreeAccessError      its file cannot be opened, made or written; nothing was changed
    │   ├── TreeFormatError      its file is none, or one of another layout
    │   └── ListenerError        the embedder's listener raised; what it was told of was rolled back
    ├── AuditError               the record of what was received cannot be kept
    ├── PushError                a push that was not taken over; nothing is known about its effect
    ├── BatchError               the output of a batch, or what makes its messages; nothing is lost
    ├── AgentError               an agent, or the way to it; `code` names the case
    │   ├── AgentUnreachableError  nobody answers at the socket, or the answer came too late or broke off
    │   ├── AgentPeerError       the agent is not whom this client trusts, or does not serve this user
    │   ├── AgentProtocolError   what answers does not speak this API
    │   ├── AgentCardError       the card is away, another one, locked or unreadable: what it vouched for is void
    │   ├── AgentPolicyError     the agent was not started to do this
    │   └── AgentRequestError    the request is wrong, or asks for what is not there
    └── VerificationError        distrust: a numbered rule of `rules.Rule` was broken

Guarantees: every error says what, where, wanted and found; none holds a secret; none inherits a builtin beyond
`Exception`. Wrong use by a caller is `ValueError` or `TypeError` and is never caught inside the library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from smartcard_dm.rules import Rule, Step


class SmartcardDmError(Exception):
    """Base of every error this library raises on purpose; never raised itself."""

    def __init__(self, text: str) -> None:
        if type(self) is SmartcardDmError:
            raise TypeError("SmartcardDmError is a base class: raise the error that names the culprit")
        super().__init__(text)


class DecodeError(SmartcardDmError):
    """The bytes or the XML are wrong.

    Args:
        structure: what was being read, such as "WBXML header" or "EF.ODF".
        detail: what is wrong with it, in one clause.
        offset: octets from the start of that structure, when the input is binary.
        place: an XML path, node path or file path, when the input is structured.
        wanted: what would have been right.
        found: what stands there; never a secret.
    """

    def __init__(
        self,
        structure: str,
        detail: str,
        *,
        offset: int | None = None,
        place: str | None = None,
        wanted: str | None = None,
        found: str | None = None,
    ) -> None:
        self.structure = structure
        self.detail = detail
        self.offset = offset
        self.place = place
        self.wanted = wanted
        self.found = found
        where = "".join(
            part
            for part in (
                f" at {place}" if place is not None else "",
                f" at offset {offset} (0x{offset:X})" if offset is not None else "",
            )
        )
        clauses = [f"wanted {wanted}"] if wanted is not None else []
        clauses += [f"found {found}"] if found is not None else []
        tail = f" ({', '.join(clauses)})" if clauses else ""
        super().__init__(f"{structure}{where}: {detail}{tail}")


class WbxmlError(DecodeError):
    """A WBXML document is malformed, or XML has no WBXML form."""


class TlvError(DecodeError):
    """BER-TLV data of a card are malformed."""


class ApduError(DecodeError):
    """A response APDU or an ATR is malformed."""


class Pkcs15Error(DecodeError):
    """A PKCS#15 directory file is malformed."""


class DmError(DecodeError):
    """A DM message, TNDS object or account is malformed or ambiguous."""


class EnvelopeError(DecodeError):
    """What a message is pushed in is malformed or refused before a message is read; `rule` names what it broke.

    Args:
        rule: a stable name, such as "sms.part-number" (docs/push.md lists them).
    """

    def __init__(
        self,
        rule: str,
        structure: str,
        detail: str,
        *,
        offset: int | None = None,
        place: str | None = None,
        wanted: str | None = None,
        found: str | None = None,
    ) -> None:
        self.rule = rule
        super().__init__(structure, detail, offset=offset, place=place, wanted=wanted, found=found)


class LimitExceededError(DecodeError):
    """A bound of `Limits` is exceeded; `limit` is the name of the field."""

    def __init__(
        self,
        structure: str,
        limit: str,
        maximum: int,
        *,
        offset: int | None = None,
        place: str | None = None,
        found: str | None = None,
    ) -> None:
        self.limit = limit
        super().__init__(
            structure,
            f"larger than the bound Limits.{limit}",
            offset=offset,
            place=place,
            wanted=f"at most {maximum}",
            found=found,
        )


class UnsupportedError(SmartcardDmError):
    """Well-formed, deliberately not handled; `feature` names it as docs/supported.md does."""

    def __init__(self, feature: str, detail: str = "") -> None:
        self.feature = feature
        super().__init__(f"not supported: {feature}" + (f" ({detail})" if detail else ""))


class KeyMaterialError(SmartcardDmError):
    """A key, certificate or secret given by the caller cannot be used."""


class TokenError(KeyMaterialError):
    """A token, the PKCS#11 module that leads to it, or its PIN; a key of it that was open may be lost for good."""


class DecryptionError(SmartcardDmError):
    """A ciphertext that a key does not open; it never says why, because the reason is what an oracle gives away."""

    def __init__(self) -> None:
        super().__init__("the key does not open it")


class CardError(SmartcardDmError):
    """The card, the reader or the way between them."""


class CardConnectionError(CardError):
    """The reader, its driver or the transport failed; nothing is known about the card's content."""


class CardNotFoundError(CardError):
    """The card says that the application, file or object is not there (6A82, 9404)."""


class CardReadError(CardError):
    """The card did not give what may be there; `sw` is its status word where one came."""

    def __init__(self, text: str, *, sw: int | None = None) -> None:
        self.sw = sw
        super().__init__(text)


class PinRequiredError(CardError):
    """A file is behind a PIN and none was given.

    Args:
        tries_left: asks the card for the tries left, which costs none, as long as the session is open; raises
            `CardError`, and returns None when no PIN needs to be presented.
    """

    def __init__(self, text: str, *, tries_left: Callable[[], int | None] | None = None) -> None:
        self.tries_left = tries_left
        super().__init__(text)


class PinError(CardError):
    """The PIN is wrong; `attempts_remaining` tries are left."""

    def __init__(self, text: str, *, attempts_remaining: int) -> None:
        self.attempts_remaining = attempts_remaining
        super().__init__(text)


class PinBlockedError(CardError):
    """No try is left, or only one and its use was not consented to."""


class PinEntryError(CardError):
    """What was to ask for a PIN cannot do so: it is missing, failed, or took too long; nothing was presented."""


class TreeError(SmartcardDmError):
    """The device's management tree.

    Args:
        name: the file.
        detail: what is wrong, in one clause.
        advice: what to do about it, in one clause.
    """

    def __init__(self, name: str, detail: str, advice: str) -> None:
        self.name = name
        self.detail = detail
        self.advice = advice
        super().__init__(f"{name}: {detail}")


class TreeAccessError(TreeError):
    """The file cannot be opened, made or written: missing, locked, not permitted, or no room; nothing was changed."""


class TreeFormatError(TreeError):
    """The file is no tree, is damaged, or has a layout this release does not read."""


class ListenerError(TreeError):
    """The embedder's listener raised an exception (the cause); what it was told of was rolled back."""


class PushError(SmartcardDmError):
    """A message was not taken over by whoever it was pushed to, or nobody can say that it was.

    Args:
        name: where it was pushed to, without user information.
        detail: what is wrong, in one clause.
        advice: what to do about it, in one clause.
    """

    def __init__(self, name: str, detail: str, advice: str) -> None:
        self.name = name
        self.detail = detail
        self.advice = advice
        super().__init__(f"{name}: {detail}")


class AuditError(SmartcardDmError):
    """The file that keeps a record of what was received cannot be opened or written.

    Args:
        name: the file.
        detail: what is wrong, in one clause.
        advice: what to do about it, in one clause.
    """

    def __init__(self, name: str, detail: str, advice: str) -> None:
        self.name = name
        self.detail = detail
        self.advice = advice
        super().__init__(f"{name}: {detail}")


class BatchError(SmartcardDmError):
    """A batch cannot begin or go on; what was issued stays, and running it again goes on from there.

    Args:
        name: the output, or whoever makes the messages.
        detail: what is wrong, in one clause.
        advice: what to do about it, in one clause.
    """

    def __init__(self, name: str, detail: str, advice: str) -> None:
        self.name = name
        self.detail = detail
        self.advice = advice
        super().__init__(f"{name}: {detail}")


class AgentError(SmartcardDmError):
    """What an agent refused, or why it could not be asked; raised by the client of an agent only.

    Args:
        code: the case, a stable name such as "card-removed" (docs/agent.md lists them).
        detail: what is wrong, in one clause; never a secret.
        remedy: what to do about it, in one clause.
        name: the socket.
        status: the HTTP status of the answer; None where there was none.
        request_id: names the request in the agent's log; None where there was no answer.
        generation: the generation of the agent's card now; None where the answer does not say.
        state: the state of the agent's card now; None where the answer does not say.
        committed: whether a message took effect although this is an error; its verdict cannot be fetched any more.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        remedy: str,
        *,
        name: str,
        status: int | None = None,
        request_id: str | None = None,
        generation: int | None = None,
        state: str | None = None,
        committed: bool = False,
    ) -> None:
        self.code = code
        self.detail = detail
        self.remedy = remedy
        self.name = name
        self.status = status
        self.request_id = request_id
        self.generation = generation
        self.state = state
        self.committed = committed
        super().__init__(f"{name}: {detail} ({code})")


class AgentUnreachableError(AgentError):
    """Nobody answers at the socket, the agent is overloaded, or its answer came too late or broke off."""


class AgentPeerError(AgentError):
    """The process behind the socket is of a user this client does not trust, or the agent does not serve this user."""


class AgentProtocolError(AgentError):
    """What answers does not speak this API: another status, another media type, another form, or too much of it."""


class AgentCardError(AgentError):
    """The card is away, another one, locked or unreadable; what was obtained from it before is void."""


class AgentPolicyError(AgentError):
    """The agent was not started to do this: no release of the secret, no BASIC, no tree."""


class AgentRequestError(AgentError):
    """The request is malformed, too large, or asks for what is not there, such as an account of another server."""


class VerificationError(SmartcardDmError):
    """A sessionless message is refused.

    Args:
        rule: the numbered rule that was broken.
        detail: what was wanted and found, in one sentence; never a secret.
        place: XML path or offset in the message, where one can be named.
        server_id: the ServerID the message claims, once it was read (step 3).
        accounts: names of the accounts that were considered (step 4).
    """

    def __init__(
        self,
        rule: Rule,
        detail: str,
        *,
        place: str | None = None,
        server_id: str | None = None,
        accounts: tuple[str, ...] = (),
    ) -> None:
        self.rule = rule
        self.detail = detail
        self.place = place
        self.server_id = server_id
        self.accounts = accounts
        where = f" at {place}" if place else ""
        super().__init__(f"refused at step {int(rule.step)} by {rule.identifier}{where}: {detail} [{rule.clause}]")

    @property
    def step(self) -> Step:
        """The step of the verification order that failed."""
        return self.rule.step

    @property
    def clause(self) -> str:
        """The clause the rule rests on."""
        return self.rule.clause
