"""How the messages of a batch are made: the same recipe in every process that makes some.

Guarantees: a recipe holds no key and no secret, only how to load one, so that it can be sent to another process; each
process composes the template and loads the key once. What a target's values cannot make is a `Failed` of that target;
a key that stops signing ends the batch, because the other targets would meet the same.

The SessionID of a batch is its number and the MsgID of a message is its row, where neither the columns nor the header
nor the document say otherwise: no two messages are the same, a batch that is resumed numbers its messages as before,
and the numbers grow from batch to batch (design decision D6, `monotonic`).
"""

from __future__ import annotations

import hashlib
import json
import pickle
from dataclasses import dataclass, field, replace
from functools import cached_property
from threading import RLock
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from smartcard_dm import wbxml
from smartcard_dm.errors import DmError, SmartcardDmError
from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.server.batch_records import (
    MESSAGE_COLUMN,
    SESSION_COLUMN,
    TARGET_COLUMN,
    Failed,
    Issued,
    Problem,
    Target,
)
from smartcard_dm.server.filled_check import FilledCheck
from smartcard_dm.xmlsec.document import SYNCML, parse_document
from smartcard_dm.xmlsec.sign import sign_message
from smartcard_dm.xmlsec.signing_keys import key_fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smartcard_dm.dm import ServerId
    from smartcard_dm.limits import Limits
    from smartcard_dm.server.batch_records import Result
    from smartcard_dm.server.batch_targets import Targets
    from smartcard_dm.server.header import Header
    from smartcard_dm.server.template import Template
    from smartcard_dm.xmlsec import AlgorithmPolicy, CanonicalXml, SignatureAlgorithm, SigningKey

_REMEMBERED: Final = 8
"""Recipes a process keeps ready, with their keys: as many as clients may share a cluster at one time."""


_HEADER_PLACES: Final = {
    TARGET_COLUMN: "/SyncML/SyncHdr/Target/LocURI",
    SESSION_COLUMN: "/SyncML/SyncHdr/SessionID",
    MESSAGE_COLUMN: "/SyncML/SyncHdr/MsgID",
}


class KeySource(Protocol):
    """Where each process gets the key from; sent to other processes, so it holds no secret itself."""

    @property
    def name(self) -> str:
        """What lines about the key call it."""

    def load(self) -> SigningKey:
        """Return the key, ready to sign any number of messages.

        Raises:
            SmartcardDmError: it cannot be loaded.
        """


@dataclass(frozen=True)
class Recipe:
    """What every message of a batch has in common."""

    number: str
    """The batch's own, written as SessionID; no other batch of this server has it."""
    template: Template
    """The composed message."""
    version: str
    """Of WBXML."""
    defaults: dict[str, str]
    """Values of header columns for targets that do not say."""
    columns: frozenset[str]
    """Names that targets may give values for."""
    key: KeySource
    algorithm: SignatureAlgorithm
    key_name: str | None
    policy: AlgorithmPolicy
    parts: dict[str, str] = field(repr=False)
    """What tells this batch from another one, by what to call it: digests and settings, no secret."""
    limits: Limits = DEFAULT_LIMITS

    @cached_property
    def fingerprint(self) -> str:
        """What tells this recipe from others in a process that knows several."""
        return hashlib.sha256(json.dumps([self.number, self.parts], sort_keys=True).encode()).hexdigest()

    @cached_property
    def packed(self) -> bytes:
        """The recipe as other processes get it."""
        return pickle.dumps(replace(self))


def make_recipe(
    composed: Callable[[Header], Template],
    server_id: ServerId,
    targets: Targets,
    source: KeySource,
    key: SigningKey,
    *,
    number: str,
    header: Header,
    algorithm: SignatureAlgorithm,
    key_name: str | None,
    policy: AlgorithmPolicy,
    limits: Limits = DEFAULT_LIMITS,
) -> Recipe:
    """Return the recipe of a batch, once it is known that messages can be made by it.

    Args:
        composed: gives the template with a header, whose texts may be variables.
        server_id: the identifier of the issuing server, which the template names.
        targets: who gets a message.
        source: where each process gets the key from.
        key: the key from there; it is not part of the recipe.
        number: the batch's own.
        header: what is said for all messages; a column of the targets wins over it.
        algorithm: of the signature.
        key_name: written as KeyName.
        policy: what may be signed with.
        limits: bounds of each message.

    Raises:
        DmError: the template is none, or the columns of the targets are not its variables.
        LimitExceededError: the template is too large.
        UnsupportedError: a command this project does not handle.
    """
    template, defaults = _with_columns(composed, header)
    variables = frozenset(template.variables)
    if targets.columns is not None:
        _check_columns(targets.columns, variables, defaults)
    parts = {
        "template": hashlib.sha256(repr(template).encode()).hexdigest(),
        "targets file": targets.sha256,
        "ServerID": str(server_id),
        "key": key_fingerprint(key) or source.name,
        "algorithm": algorithm.identifier,
        "KeyName": "" if key_name is None else f"={key_name}",
        "policy": policy.name,
        "WBXML version": header.version,
        "header": json.dumps(defaults, sort_keys=True),
    }
    columns = frozenset({*variables, TARGET_COLUMN})
    return Recipe(
        number, template, header.version, defaults, columns, source, algorithm, key_name, policy, parts, limits
    )


def _with_columns(composed: Callable[[Header], Template], said: Header) -> tuple[Template, dict[str, str]]:
    """Return the template with a variable in each place a column may fill, and what stands there without that column.

    A place where the document has a variable of its own is left to it. The document's own MsgID does not count: each
    message has its row, so that no two are the same.
    """
    said = replace(said, default_session_id=_variable(SESSION_COLUMN))
    texts = _header_texts(composed(said))
    template = composed(
        replace(
            said,
            session_id=said.session_id if SESSION_COLUMN not in texts else _variable(SESSION_COLUMN),
            msg_id=said.msg_id if MESSAGE_COLUMN not in texts else _variable(MESSAGE_COLUMN),
            target=said.target if TARGET_COLUMN not in texts else _variable(TARGET_COLUMN),
        )
    )
    if said.msg_id is None:
        texts.pop(MESSAGE_COLUMN, None)
    return template, texts


def _variable(name: str) -> str:
    return f"${{{name}}}"


def _header_texts(template: Template) -> dict[str, str]:
    """Return what stands in the header where no variable does, by the columns that may fill it."""
    open_places = {slot.place for slot in template.slots}
    root = parse_document(b"".join(template.constants))
    texts = {}
    for column, place in _HEADER_PLACES.items():
        steps = place.split("/")[2:]
        if place not in open_places:
            texts[column] = root.findtext("/".join(f"{{{SYNCML}}}{step}" for step in steps)) or ""
    return texts


def _check_columns(columns: tuple[str, ...], variables: frozenset[str], defaults: dict[str, str]) -> None:
    known = {*variables, TARGET_COLUMN}
    unknown = [name for name in columns if name not in known]
    if unknown:
        raise DmError(
            "targets file",
            "a column is no variable of the template",
            place="header row",
            wanted=_listed(sorted(known)),
            found=_listed(unknown),
        )
    missing = sorted(variables - {*columns, *defaults, SESSION_COLUMN, MESSAGE_COLUMN})
    if missing:
        raise DmError("targets file", f"no column for the variable {_listed(missing)}", place="header row")


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"{name:.60}" for name in names[:8])
    return f"{shown} and {len(names) - 8} more" if len(names) > 8 else shown


class Share(NamedTuple):
    """What became of one chunk of targets."""

    results: list[Result]
    """In the order of the rows; shorter than the chunk where the key stopped signing."""
    stopped: str | None
    """What the key said when it stopped signing."""


class Issuer:
    """Makes the messages of a recipe, one after another, in one process.

    Args:
        recipe: what they have in common.
        key: loaded already.
    """

    def __init__(self, recipe: Recipe, key: SigningKey) -> None:
        self._recipe = recipe
        self._key = _Watched(key)
        self._variables = frozenset(recipe.template.variables)
        self._check = FilledCheck(recipe.template, recipe.limits)

    def issue(self, record: Target | Failed) -> Result:
        """Return the message of a target, or why there is none.

        Raises:
            KeyStoppedError: the key does not sign.
        """
        if isinstance(record, Failed):
            return record
        values = self._values(record)
        if isinstance(values, Failed):
            return values
        row, line, given = record
        target = given.get(TARGET_COLUMN)
        try:
            message = self._message(values)
        except SmartcardDmError as error:
            return Failed(row, line, target, Problem.MESSAGE, str(error))
        return Issued(row, line, target, message, hashlib.sha256(message).digest())

    def composed(self, record: Target | Failed) -> bytes | None:
        """Return the message of a target in XML form, unsigned; None where its values make none."""
        values = record if isinstance(record, Failed) else self._values(record)
        if isinstance(values, Failed):
            return None
        try:
            return self._composed(values)
        except SmartcardDmError:
            return None

    def _values(self, record: Target) -> dict[str, str] | Failed:
        """Return a value for each variable of the template, or why there is none."""
        row, line, given = record
        recipe = self._recipe
        target = given.get(TARGET_COLUMN)
        if not recipe.columns.issuperset(given):
            unknown = sorted(given.keys() - recipe.columns)
            return Failed(row, line, target, Problem.COLUMN, f"no variable of the template: {_listed(unknown)}")
        if target == "":
            return Failed(row, line, None, Problem.VARIABLE, "the column target is empty")
        values = {MESSAGE_COLUMN: str(row), SESSION_COLUMN: recipe.number, **recipe.defaults, **given}
        if not self._variables <= values.keys():
            missing = sorted(self._variables - values.keys())
            return Failed(row, line, target, Problem.VARIABLE, f"no value for the variable {_listed(missing)}")
        return values

    def _composed(self, values: dict[str, str]) -> CanonicalXml:
        octets = self._recipe.template.fill(values)
        self._check(octets, values)
        return octets

    def _message(self, values: dict[str, str]) -> bytes:
        recipe = self._recipe
        signed = sign_message(
            self._composed(values), self._key, recipe.policy, algorithm=recipe.algorithm, key_name=recipe.key_name
        )
        return wbxml.from_xml(signed, recipe.version, limits=recipe.limits)


class KeyStoppedError(Exception):
    """The key does not sign; its text is what the key said. Never leaves `issue_chunk`."""


class _Watched:
    """A key whose errors are told from those of the messages."""

    def __init__(self, key: SigningKey) -> None:
        self._key = key
        self.family = key.family
        self.default_algorithm = key.default_algorithm

    def sign(self, algorithm: SignatureAlgorithm, octets: bytes) -> bytes:
        try:
            return self._key.sign(algorithm, octets)
        except SmartcardDmError as error:
            raise KeyStoppedError(str(error)) from error


_issuers: dict[str, Issuer] = {}
_lock: Final = RLock()


def issue_chunk(fingerprint: str, packed: bytes, records: Sequence[Target | Failed]) -> Share:
    """Return the messages of some targets; this is what other processes run.

    Args:
        fingerprint: that of the recipe.
        packed: the recipe; only read by a process that does not know it yet.
        records: the targets.
    """
    results: list[Result] = []
    try:
        issuer = _issuer(fingerprint, packed)
        for record in records:
            results.append(issuer.issue(record))  # noqa: PERF401 - what is done stays when the key stops
    except KeyStoppedError as error:
        return Share(results, str(error))
    return Share(results, None)


def forget_keys() -> None:
    """Forget every recipe and its key in this process."""
    with _lock:
        _issuers.clear()


def remember(recipe: Recipe, key: SigningKey) -> None:
    """Use a key that is loaded already for what this process itself makes."""
    with _lock:
        _issuers[recipe.fingerprint] = Issuer(recipe, key)
        while len(_issuers) > _REMEMBERED:
            del _issuers[next(iter(_issuers))]


def _issuer(fingerprint: str, packed: bytes) -> Issuer:
    with _lock:
        found = _issuers.get(fingerprint)
        if found is None:
            recipe: Recipe = pickle.loads(packed)  # noqa: S301 - written by `Recipe.packed`, sent by who asks
            try:
                remember(recipe, recipe.key.load())
            except SmartcardDmError as error:
                raise KeyStoppedError(str(error)) from error
            found = _issuers[fingerprint]
        return found
