"""Tokens behind a PKCS#11 module, through python-pkcs11: the only module that knows the binding.

Guarantees: importing this module needs no binding; opening a token without one is a `TokenError` with the remedy.
No exception of the binding passes. A PIN is presented once for each `open_token`, never again, and not at all when the
token says that one more wrong one could lock it. No attribute that holds a private value is ever asked for.
One call into a module at a time: modules are initialised without threads of their own.
Leaves to its caller: what is signed; closing.

Spec: PKCS #11 2.40, 5 (functions) and 6.7 (sessions); 3.0 for Edwards curves.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Final, NoReturn

from smartcard_dm.errors import DecryptionError, TokenError
from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.secret import Secret
from smartcard_dm.xmlsec.algorithms import DigestAlgorithm, KeyFamily

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    import pkcs11
    from pkcs11 import _pkcs11
    from pkcs11.types import Object, PrivateKey, Session, Slot

    from smartcard_dm.tokens.uri import TokenUri

MODULE_FOLDERS: Final = tuple(
    Path(folder)
    for folder in (
        "/usr/lib/pkcs11",
        f"/usr/lib/{sysconfig.get_config_var('MULTIARCH') or 'pkcs11'}/pkcs11",
        "/usr/lib64/pkcs11",
        "/usr/lib/softhsm",
        "/usr/lib64/softhsm",
        "/usr/local/lib/pkcs11",
        "/usr/local/lib/softhsm",
    )
)
"""Where `module-name` is looked for, in this order."""

_LISTED_KEYS: Final = 16
"""Labels that an error lists."""

_LOST: Final = frozenset(
    {
        "DeviceError",
        "DeviceRemoved",
        "KeyHandleInvalid",
        "NotInitialized",  # somebody else in this process ended the module
        "ObjectHandleInvalid",
        "SessionClosed",
        "SessionHandleInvalid",
        "SlotIDInvalid",
        "TokenNotPresent",
        "TokenNotRecognised",
        "UserNotLoggedIn",
    }
)
"""What a module answers when the token, its session or its login is gone."""

_UNABLE: Final = frozenset(
    {
        "ArgumentsBad",
        "FunctionNotSupported",
        "KeySizeRange",
        "KeyTypeInconsistent",
        "MechanismInvalid",
        "MechanismParamInvalid",
    }
)
"""What a module answers when the token cannot do what was asked for."""

_AT_LOGIN: Final = {
    "PinIncorrect": "the PIN is wrong; it was tried once and is not tried again",
    "PinInvalid": "the PIN holds a character the token does not take; it was tried once",
    "PinLenRange": "the PIN is too short or too long for this token; it was tried once",
    "PinExpired": "the PIN has expired: set a new one with the token's own tool",
    "PinLocked": "the PIN is locked: unlock it with the token's own tool",
    "UserPinNotInitialized": "the token has no user PIN yet: set one with the token's own tool",
}

_CURVE_BY_PARAMETERS: Final = {
    bytes.fromhex("06082a8648ce3d030107"): "secp256r1",
    bytes.fromhex("06052b81040022"): "secp384r1",
    bytes.fromhex("06052b81040023"): "secp521r1",
}
_BITS_BY_CURVE: Final = {"secp256r1": 256, "secp384r1": 384, "secp521r1": 521}

_ED25519_PARAMETERS: Final = frozenset(
    {
        bytes.fromhex("06032b6570"),  # id-Ed25519 of RFC 8410, as PKCS #11 3.1 wants it
        bytes.fromhex("130c") + b"edwards25519",  # PrintableString of PKCS #11 3.0
        bytes.fromhex("06092b06010401da470f01"),  # the identifier in use before both
    }
)

_HASHES: Final = {
    DigestAlgorithm.SHA1: ("SHA_1", "SHA1"),
    DigestAlgorithm.SHA256: ("SHA256", "SHA256"),
    DigestAlgorithm.SHA384: ("SHA384", "SHA384"),
    DigestAlgorithm.SHA512: ("SHA512", "SHA512"),
}
"""Names of the hash mechanism and of MGF1 with it."""


@dataclass(slots=True, eq=False)
class OpenToken:
    """A token with one session, logged in if a PIN was given; shared by all keys of it that this process has open."""

    name: str
    """What lines about it call it: its label and serial number."""
    place: tuple[str, int]
    """Path of the module, and number of the slot."""
    pin: Secret | None
    """Kept for keys that want it anew for each use (CKA_ALWAYS_AUTHENTICATE)."""
    users: int = 1
    _session: Session | None = field(default=None, repr=False)
    _gone: str = field(default="was closed", repr=False)

    def find(self, uri: TokenUri) -> TokenKey:
        """Return the one private key a URI names.

        Raises:
            TokenError: no key, or several, are named so; or it is of a kind the profile has no algorithm for.
        """
        pkcs11 = _binding()
        private = {pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY}
        named = dict(private)
        if uri.object is not None:
            named[pkcs11.Attribute.LABEL] = uri.object
        if uri.id is not None:
            named[pkcs11.Attribute.ID] = uri.id
        with self.using() as session:
            found = _objects(session, named)
            if len(found) == 1:
                return self._key(found[0])
            others = [_called(each) for each in (found or _objects(session, private))]
        listed = ", ".join(others[:_LISTED_KEYS]) + (" and more" if len(others) > _LISTED_KEYS else "")
        if found:
            raise TokenError(
                f"{self.name}: {len(found)} private keys fit {uri.path} ({listed}); name one with object= and id="
            )
        held = f"it shows {listed}" if others else "it shows no private key" + ("" if self.pin else " without a PIN")
        raise TokenError(f"{self.name}: no private key fits {uri.path}; {held}")

    @contextmanager
    def using(self) -> Iterator[Session]:
        """Hold the session for some calls into the module; what the module refuses is a `TokenError`."""
        pkcs11 = _binding()
        with _registry.lock:
            if self._session is None:
                raise TokenError(f"{self.name}: the token {self._gone}; open the key again")
            try:
                yield self._session
            except pkcs11.PKCS11Error as error:
                kind = _kind(error)
                if kind in _LOST:
                    self.lose("was removed, reset or logged out")
                    raise TokenError(f"{self.name}: the token {self._gone}; open the key again") from error
                raise TokenError(f"{self.name}: {_told(kind)}") from error
            except (ValueError, TypeError, NotImplementedError, KeyError) as error:
                raise TokenError(f"{self.name}: the token gave a value that is none of its kind") from error

    def lose(self, how: str) -> None:
        """Forget the session: no key of this token can be used any more, and the module is begun anew."""
        self._session, self._gone = None, how
        self.pin = None
        _registry.drop(self)

    def attach(self, session: Session) -> None:
        """Take a session that has just been opened."""
        self._session = session

    def is_alive(self) -> bool:
        """Tell whether the token still answers; loses it if not."""
        pkcs11 = _binding()
        try:
            with self.using() as session:
                session.token.slot.get_token()
                _objects(session, {pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY})
        except TokenError:
            self.lose("no longer answers")
        return self._session is not None

    def release(self) -> None:
        """Give up one use; the last one logs out and ends the session. What cannot be ended has ended."""
        pkcs11 = _binding()
        with _registry.lock:
            self.users -= 1
            if self.users or self._session is None:
                return
            session, self._session, self._gone, self.pin = self._session, None, "was closed", None
            _registry.tokens.pop(self.place, None)
            with suppress(pkcs11.PKCS11Error):
                session.close()

    def _key(self, found: Object) -> TokenKey:
        """Return a private key with what is known of it; called while the session is held."""
        pkcs11 = _binding()
        attribute, label = pkcs11.Attribute, _called(found)
        key: PrivateKey = found  # type: ignore[assignment] # only private keys were searched for
        kind, curve = key[attribute.KEY_TYPE], None
        if kind == pkcs11.KeyType.RSA:
            family, bits = KeyFamily.RSA, int.from_bytes(key[attribute.MODULUS], "big").bit_length()
        elif kind == pkcs11.KeyType.EC and key[attribute.EC_PARAMS] in _CURVE_BY_PARAMETERS:
            curve = _CURVE_BY_PARAMETERS[key[attribute.EC_PARAMS]]
            family, bits = KeyFamily.EC, _BITS_BY_CURVE[curve]
        elif kind == pkcs11.KeyType.EC_EDWARDS and key[attribute.EC_PARAMS] in _ED25519_PARAMETERS:
            family, bits = KeyFamily.ED25519, 256
        else:
            raise TokenError(f"{self.name}: key {label} is neither RSA, nor EC on P-256, P-384 or P-521, nor Ed25519")
        return TokenKey(
            token=self,
            label=key[attribute.LABEL],
            name=f"key {label} on {self.name}",
            family=family,
            bits=bits,
            curve=curve,
            signs=isinstance(key, pkcs11.SignMixin),
            decrypts=isinstance(key, pkcs11.DecryptMixin),
            asks_each_time=_asks_each_time(key),
            handle=key,
        )


@dataclass(slots=True, eq=False)
class TokenKey:
    """A private key on a token; what it is, and the operations a token does with it."""

    token: OpenToken
    label: str
    """CKA_LABEL."""
    name: str
    """What lines about it call it: label, token and serial number."""
    family: KeyFamily
    bits: int
    """Size of the modulus, or of the curve."""
    curve: str | None
    """Name of the curve, as the cryptography library has it, of an EC key."""
    signs: bool
    """CKA_SIGN."""
    decrypts: bool
    """CKA_DECRYPT."""
    asks_each_time: bool
    """CKA_ALWAYS_AUTHENTICATE."""
    handle: PrivateKey = field(repr=False)
    is_open: bool = True

    def close(self) -> None:
        """Give the token up, once; the last key of a token logs out. The key does nothing afterwards."""
        if self.is_open:
            self.is_open = False
            self.token.release()

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key on a token is not pickled: open it in each process that uses it")

    def sign_pkcs1(self, digest_info: bytes) -> bytes:
        """Return the RSASSA-PKCS1-v1_5 signature of a DigestInfo."""
        return self._sign(digest_info, "RSA_PKCS", None)

    def sign_pss(self, digest: bytes, algorithm: DigestAlgorithm) -> bytes:
        """Return the RSASSA-PSS signature of a digest: MGF1 with the same hash, salt of its length."""
        pkcs11 = _binding()
        mechanism, mask = _HASHES[algorithm]
        return self._sign(digest, "RSA_PKCS_PSS", (pkcs11.Mechanism[mechanism], pkcs11.MGF[mask], len(digest)))

    def sign_ecdsa(self, digest: bytes) -> bytes:
        """Return the ECDSA signature of a digest, r and s of the curve's width each."""
        return self._sign(digest, "ECDSA", None)

    def sign_eddsa(self, octets: bytes) -> bytes:
        """Return the Ed25519 signature of octets."""
        return self._sign(octets, "EDDSA", None)

    def decrypt_oaep(self, ciphertext: bytes, digest: DigestAlgorithm, mask_digest: DigestAlgorithm) -> Secret:
        """Return what RSAES-OAEP with an empty label holds.

        Raises:
            DecryptionError: it does not open, for whatever reason.
            TokenError: the token is gone, or cannot do this.
        """
        pkcs11 = _binding()
        mechanism, mask = _HASHES[digest][0], _HASHES[mask_digest][1]
        return self._decrypt(ciphertext, "RSA_PKCS_OAEP", (pkcs11.Mechanism[mechanism], pkcs11.MGF[mask], None))

    def decrypt_pkcs1(self, ciphertext: bytes) -> Secret:
        """Return what RSAES-PKCS1-v1_5 holds; raises as `decrypt_oaep`."""
        return self._decrypt(ciphertext, "RSA_PKCS", None)

    def _sign(self, octets: bytes, mechanism: str, parameter: object) -> bytes:
        pkcs11 = _binding()
        self._check_open()
        if not isinstance(self.handle, pkcs11.SignMixin):
            raise TokenError(f"{self.name}: the token does not let it sign (CKA_SIGN)")
        with self.token.using():
            return bytes(
                self.handle.sign(
                    octets, mechanism=pkcs11.Mechanism[mechanism], mechanism_param=parameter, pin=self._pin()
                )
            )

    def _decrypt(self, ciphertext: bytes, mechanism: str, parameter: object) -> Secret:
        pkcs11 = _binding()
        self._check_open()
        if not isinstance(self.handle, pkcs11.DecryptMixin):
            raise TokenError(f"{self.name}: the token does not let it decrypt (CKA_DECRYPT)")
        with self.token.using():
            try:
                opened = self.handle.decrypt(
                    ciphertext, mechanism=pkcs11.Mechanism[mechanism], mechanism_param=parameter, pin=self._pin()
                )
            except pkcs11.PKCS11Error as error:
                if _kind(error) in _LOST | _UNABLE | _AT_LOGIN.keys():
                    raise
                # Tokens answer a wrong padding in many ways, CKR_GENERAL_ERROR among them; nobody is told which.
                raise DecryptionError from None
        return Secret(b"".join(opened) if not isinstance(opened, bytes) else opened)

    def _check_open(self) -> None:
        if not self.is_open:
            raise TokenError(f"{self.name}: it was closed; open the key again")

    def _pin(self) -> str | None:
        if not self.asks_each_time:
            return None
        if self.token.pin is None:
            raise TokenError(f"{self.name}: the token wants the PIN for each use of it; give one")
        return _pin_text(self.token.name, self.token.pin)


class _Registry:
    """The tokens that this process has open, and the lock around every call into a module."""

    def __init__(self) -> None:
        self.lock = RLock()
        self.tokens: dict[tuple[str, int], OpenToken] = {}
        self.stale: set[str] = set()
        """Paths of modules that lost a token, or were begun in the process before a fork."""
        os.register_at_fork(after_in_child=self._forget)

    def drop(self, token: OpenToken) -> None:
        """Take out a token that was lost."""
        if self.tokens.get(token.place) is token:
            del self.tokens[token.place]
        self.stale.add(token.place[0])

    def _forget(self) -> None:
        """Give up everything in a new process: sessions do not pass a fork (PKCS #11 2.40, 5.4)."""
        self.lock = RLock()
        for token in list(self.tokens.values()):
            token.lose("was opened by the process this one was forked from")


_registry: Final = _Registry()


def open_token(uri: TokenUri, pin: Secret | None, *, use_last_try: bool = False) -> OpenToken:
    """Return the one token a URI names, logged in; one that this process has open already is shared.

    Args:
        uri: names the module and the token.
        pin: presented once, unless the process is logged in already; None presents nothing.
        use_last_try: whether a PIN is presented even when the token says that a wrong one would lock it.

    Raises:
        TokenError: no binding, no such module, no token or several, wrong or locked PIN.
    """
    with _registry.lock:
        path = _module_path(uri)
        alive = {known.place: known for known in list(_registry.tokens.values()) if known.place[0] == path}
        alive = {place: known for place, known in alive.items() if known.is_alive()}
        try:
            slot, name = _choose(_library(path, in_use=bool(alive)), path, uri)
        except TokenError:
            # Some modules look for tokens only when they begin: the next one to ask gets a fresh look.
            _registry.stale.add(path)
            raise
        place = (path, slot.slot_id)
        if place in alive and alive[place].name == name:
            alive[place].users += 1
            return alive[place]
        opened = OpenToken(name, place, pin)
        opened.attach(_log_in(slot, name, pin, use_last_try=use_last_try))
        _registry.tokens[place] = opened
        return opened


def _binding() -> ModuleType:
    try:
        import pkcs11  # noqa: PLC0415 - an optional extra; nothing but a token needs it
    except ImportError as error:
        raise TokenError(
            "keys on a token need the package python-pkcs11, which cannot be imported: "
            "install smartcard-dm with the extra pkcs11"
        ) from error
    return pkcs11


def _module_path(uri: TokenUri) -> str:
    """Return the real path of the module: a module is initialised once, by whatever name."""
    if uri.module_path is not None:
        return os.path.realpath(uri.module_path)
    for folder in MODULE_FOLDERS:
        for name in (f"lib{uri.module_name}.so", f"{uri.module_name}.so"):
            if (folder / name).is_file():
                return os.path.realpath(folder / name)
    raise TokenError(
        f"PKCS#11 module {uri.module_name}: not in {', '.join(map(str, MODULE_FOLDERS))}; give module-path"
    )


def _library(path: str, *, in_use: bool) -> _pkcs11.lib:
    """Return the module; one that lost a token is begun anew, unless keys of another token of it are open."""
    pkcs11 = _binding()
    try:
        if path in _registry.stale and not in_use:
            with suppress(pkcs11.PKCS11Error):
                pkcs11.lib(path).finalize()
            _registry.stale.discard(path)
        library: _pkcs11.lib = pkcs11.lib(path)
    except pkcs11.PKCS11Error as error:
        raise TokenError(f"PKCS#11 module {path} cannot be used: {_kind(error)}") from error
    return library


def _choose(library: _pkcs11.lib, path: str, uri: TokenUri) -> tuple[Slot, str]:
    """Return the slot of the one token that fits, and the token's name."""
    pkcs11 = _binding()
    fitting: list[tuple[Slot, str]] = []
    seen: list[str] = []
    try:
        for slot in library.get_slots(token_present=True):
            try:
                token = slot.get_token()
            except pkcs11.PKCS11Error:  # it left meanwhile, or is none of this module's
                continue
            if not token.flags & pkcs11.TokenFlag.TOKEN_INITIALIZED:
                continue
            serial = token.serial.decode("utf-8", "replace").rstrip("\0 ")
            facts = {
                "token": token.label,
                "manufacturer": token.manufacturer_id,
                "serial": serial,
                "model": token.model,
                "library-description": library.library_description,
                "library-manufacturer": library.manufacturer_id,
                "library-version": ".".join(map(str, library.library_version)),
                "slot-description": slot.slot_description,
                "slot-id": str(slot.slot_id),
                "slot-manufacturer": slot.manufacturer_id,
            }
            name = f"token {token.label!r} (serial {serial})"
            seen.append(name)
            if all(facts[attribute].rstrip() == value for attribute, value in uri.token):
                fitting.append((slot, name))
    except pkcs11.PKCS11Error as error:
        raise TokenError(f"PKCS#11 module {path} cannot list its tokens: {_kind(error)}") from error
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        names = ", ".join(name for _, name in fitting[:_LISTED_KEYS])
        raise TokenError(f"{len(fitting)} tokens fit {uri.path} ({names}); name one with serial=")
    present = f"it has {', '.join(seen[:_LISTED_KEYS])}" if seen else "it has none"
    raise TokenError(f"no token of PKCS#11 module {path} fits {uri.path}; {present}")


def _log_in(slot: Slot, name: str, pin: Secret | None, *, use_last_try: bool) -> Session:
    pkcs11 = _binding()
    flag = pkcs11.TokenFlag
    try:
        token = slot.get_token()
        if pin is None:
            if token.flags & flag.LOGIN_REQUIRED:
                raise TokenError(f"{name}: the token wants a PIN and none was given")
            return token.open(attribute_mapper=_mapper())
        if token.flags & flag.USER_PIN_LOCKED:
            raise TokenError(f"{name}: {_AT_LOGIN['PinLocked']}; nothing was tried")
        if token.flags & flag.USER_PIN_FINAL_TRY and not use_last_try:
            raise TokenError(f"{name}: one try is left, and a wrong PIN would lock the token; nothing was tried")
        try:
            return token.open(user_pin=_pin_text(name, pin), attribute_mapper=_mapper())
        except pkcs11.UserAlreadyLoggedIn:
            return token.open(attribute_mapper=_mapper())
    except pkcs11.PKCS11Error as error:
        raise TokenError(f"{name}: {_told(_kind(error))}") from error


def _mapper() -> pkcs11.attributes.AttributeMapper:
    """Return the binding's conversions, with labels that are not UTF-8 shown instead of refused."""
    from pkcs11.attributes import AttributeMapper  # noqa: PLC0415 - as `_binding`

    mapper = AttributeMapper()
    mapper.register_handler(_binding().Attribute.LABEL, str.encode, lambda octets: octets.decode("utf-8", "replace"))
    return mapper


def _objects(session: Session, template: dict[pkcs11.Attribute, object]) -> list[Object]:
    with _without_echo(), closing(session.get_objects(template)) as found:  # type: ignore[type-var] # a generator
        return list(islice(found, DEFAULT_LIMITS.token_keys))


@contextmanager
def _without_echo() -> Iterator[None]:
    """Keep the binding from printing a traceback: a search that fails to begin is ended once more when it is freed.

    The error itself is raised as any other; what is silenced is its echo out of a destructor.
    """
    before, echo = sys.unraisablehook, _binding().PKCS11Error

    def hook(unraisable: sys.UnraisableHookArgs) -> None:
        if not isinstance(unraisable.exc_value, echo):
            before(unraisable)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before


def _called(found: Object) -> str:
    attribute = _binding().Attribute
    return f"{found[attribute.LABEL]!r} (id {found[attribute.ID].hex() or 'none'})"


def _asks_each_time(key: PrivateKey) -> bool:
    pkcs11 = _binding()
    try:
        return bool(key[pkcs11.Attribute.ALWAYS_AUTHENTICATE])
    except (pkcs11.AttributeTypeInvalid, pkcs11.FunctionFailed):  # modules older than 2.20 have no such attribute
        return False


def _pin_text(name: str, pin: Secret) -> str:
    try:
        return pin.reveal().decode("utf-8")
    except UnicodeDecodeError:
        raise TokenError(f"{name}: a PIN is UTF-8, and this one is not; nothing was tried") from None


def _kind(error: Exception) -> str:
    """Return the name the binding has for an answer, or its text where it has none."""
    text = str(error)
    if "not initialized" in text:
        return "NotInitialized"
    return text or type(error).__name__


def _told(kind: str) -> str:
    if kind in _AT_LOGIN:
        return _AT_LOGIN[kind]
    return f"the token cannot do this ({kind})" if kind in _UNABLE else f"the token failed ({kind})"
