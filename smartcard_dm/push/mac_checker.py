"""Checks SEC and MAC of pushed documents, and counts what was tried with a user's PIN.

Guarantees: one answer for each document, a `Transport` record; comparisons take constant time; after as many wrong MACs
in a row as `Limits.user_pin_tries`, a user's PIN proves nothing any more, not even with the right MAC, however many
threads ask. Neither a record nor a log holds a key, a PIN, an IMSI or a MAC that would have been right.
Leaves to its caller: where tries are remembered beyond this process.

Spec: OMA-TS-DM_Sessionless 5.3; OMA-TS-DM_Security 5.1.7.2.1; OMA-WAP-TS-ProvBoot 5.2; decision 0025.
"""

from __future__ import annotations

import hmac
import re
from threading import Lock
from typing import TYPE_CHECKING, Final

from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.push.sec_mac import MAC_DIGITS, SecMethod, compute_mac, is_right_entry
from smartcard_dm.rules import Rule
from smartcard_dm.trust.transport import Transport, TransportKind

if TYPE_CHECKING:
    from smartcard_dm.limits import Limits
    from smartcard_dm.push.sec_mac import MacKeys

_MAC: Final = re.compile(rf"[0-9A-Fa-f]{{{MAC_DIGITS}}}")


class MacChecker:
    """Checks documents against the keys of one subscriber; it may be asked from any thread.

    Args:
        keys: what is known of the subscriber.
        methods: the methods that are good enough; None is every method there are keys for.
        limits: how often a user's PIN may be tried.

    Raises:
        ValueError: `methods` names none: an empty list that passes is the classic misuse.
    """

    def __init__(
        self, keys: MacKeys, *, methods: frozenset[SecMethod] | None = None, limits: Limits = DEFAULT_LIMITS
    ) -> None:
        if methods is not None and not methods:
            raise ValueError("a policy names at least one method")
        self._keys = keys
        self._methods = methods
        self._tries = limits.user_pin_tries
        self._wrong = 0
        self._lock = Lock()

    @property
    def tries_left(self) -> int:
        """Wrong MACs that are still allowed for methods with a user's PIN."""
        return self._tries - self._wrong

    def check(self, document: bytes, *, content_type: str, sec: int | str | None, mac: str | None) -> Transport:
        """Return what SEC and MAC prove about a document.

        Args:
            document: the whole document, as it came.
            content_type: its media type, which says how two keys are joined.
            sec: the method as the envelope names it; None where it names none.
            mac: the text of the MAC; None where there is none.
        """
        method = _method(sec, mac)
        if isinstance(method, Transport):
            return method
        if self._methods is not None and method not in self._methods:
            accepted = ", ".join(good.name for good in sorted(self._methods))
            return _unproved(Rule.WAP_SEC_REFUSED, f"{method.name}, where only {accepted} is accepted")
        if method not in self._keys.methods:
            return _unproved(Rule.WAP_KEY_NONE, f"{method.name}, for which no key was given")
        return self._judge(method, document, content_type, mac or "")

    def _judge(self, method: SecMethod, document: bytes, content_type: str, mac: str) -> Transport:
        if not method.needs_user:
            right = self._is_right(method, document, content_type, mac)
            return self._proved(method) if right else self._wrong_mac(method)
        with self._lock:
            if self._wrong >= self._tries:
                return _unproved(Rule.WAP_TRIES, f"{method.name} after {self._tries} wrong MACs in a row")
            # Counted before it is known: whatever happens meanwhile, a try is a try.
            self._wrong += 1
            if not self._is_right(method, document, content_type, mac):
                return self._wrong_mac(method)
            self._wrong = 0
            return self._proved(method)

    def _is_right(self, method: SecMethod, document: bytes, content_type: str, mac: str) -> bool:
        entry = self._keys.user_entry
        if method is SecMethod.USERPINMAC and entry is not None:
            return is_right_entry(entry, document)
        wanted = compute_mac(method, self._keys, document, content_type=content_type)
        return hmac.compare_digest(wanted.encode("ascii"), mac.upper().encode("ascii"))

    def _proved(self, method: SecMethod) -> Transport:
        return Transport.proved(TransportKind.WAP, f"{method.name} with {self._named(method)}")

    def _wrong_mac(self, method: SecMethod) -> Transport:
        left = f"; {self.tries_left} tries left" if method.needs_user else ""
        return _unproved(Rule.WAP_MAC_WRONG, f"the MAC is not that of {method.name} with {self._named(method)}{left}")

    def _named(self, method: SecMethod) -> str:
        names = (
            (self._keys.network_key_name, method.needs_network_key),
            ("the user's PIN", method in {SecMethod.USERPIN, SecMethod.USERNETWPIN}),
            ("the user's PIN and check digits", method is SecMethod.USERPINMAC),
        )
        return " and ".join(name for name, needed in names if needed)


def _method(sec: int | str | None, mac: str | None) -> SecMethod | Transport:
    """Return the method that SEC and MAC are of, or the record of what is wrong with them."""
    if sec is None:
        if mac is None:
            return _unproved(Rule.WAP_NO_MAC, "the push has neither SEC nor MAC")
        return _unproved(Rule.WAP_MAC_FORM, "a MAC without SEC, which would say what it proves")
    method = SecMethod.find(sec)
    if method is None:
        return _unproved(Rule.WAP_SEC_UNKNOWN, f"no method {_shown(sec)} is known")
    fault = _fault(method, mac)
    return method if fault is None else _unproved(Rule.WAP_MAC_FORM, fault)


def _fault(method: SecMethod, mac: str | None) -> str | None:
    """Tell what is wrong with the form of a MAC; None where nothing is."""
    if method is SecMethod.USERPINMAC:
        return None if mac is None else "a MAC beside USERPINMAC, whose check digits reach the user on another way"
    if mac is None:
        return f"{method.name} without a MAC"
    return None if _MAC.fullmatch(mac) else f"a MAC that is not {MAC_DIGITS} hexadecimal digits"


def _shown(sec: int | str) -> str:
    return str(sec) if isinstance(sec, int) else ascii(sec[:20])


def _unproved(rule: Rule, evidence: str) -> Transport:
    return Transport.unproved(TransportKind.WAP, rule, evidence)
