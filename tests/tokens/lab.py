"""Tokens of SoftHSM in a folder of the test run, their keys made on them by OpenSC's pkcs11-tool.

SoftHSM does not lock a PIN and is never unplugged; `faulty_module.c` stands before it where a test needs a module that
does. SoftHSM looks for its tokens when it is initialised: `begin_anew` after making one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_public_key
from cryptography.x509.oid import NameOID

from smartcard_dm.secret import Secret
from smartcard_dm.tokens import TokenUri, parse_token_uri
from tests.materials import NOW, SERVER_ID, ec_private

if TYPE_CHECKING:
    from smartcard_dm.xmlsec.keys import PublicKey

SOFTHSM: Final = "/usr/lib/softhsm/libsofthsm2.so"
MODULE: Final = os.path.realpath(SOFTHSM)
"""What the binding has to be given where a test uses it: a module is initialised once in a process."""
TOKEN_PIN: Final = "the PIN of a test token"
SO_PIN: Final = "the SO PIN of a test token"
PIN: Final = Secret(TOKEN_PIN.encode())
TOKEN: Final = "smartcard-dm test"

KEYS: Final = {
    "rsa-2048": ("rsa:2048", "01"),
    "rsa-3072": ("rsa:3072", "02"),
    "p-256": ("EC:secp256r1", "03"),
    "p-384": ("EC:secp384r1", "04"),
    "p-521": ("EC:secp521r1", "05"),
    "ed25519": ("EC:edwards25519", "06"),
    "rsa-1024": ("rsa:1024", "07"),
    "secp256k1": ("EC:secp256k1", "08"),
    "Schlüssel № 9; 50 %": ("EC:secp256r1", "09"),
    "twin": ("EC:secp256r1", "0a"),
}
"""Label, kind and identifier of the keys on the token that every test shares; `twin` is there twice, as 0a and 0b."""


class TokenLab:
    """The SoftHSM of this run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tokens = folder / "tokens"
        self.tokens.mkdir()
        configuration = folder / "softhsm2.conf"
        configuration.write_text(
            f"directories.tokendir = {self.tokens}\nobjectstore.backend = file\nlog.level = ERROR\n"
        )
        os.environ["SOFTHSM2_CONF"] = str(configuration)
        # A module is initialised once in a process, whoever asks; a copy is another module.
        os.environ["REAL_MODULE"] = shutil.copy(SOFTHSM, str(folder / "behind_the_faulty_one.so"))
        self.faulty = str(folder / "faulty_module.so")
        source = Path(__file__).with_name("faulty_module.c")
        subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", self.faulty, str(source), "-ldl"], check=True)
        self.make_token(TOKEN)
        for label, (kind, identifier) in KEYS.items():
            self.make_key(TOKEN, label, kind, identifier)
        self.make_key(TOKEN, "twin", "EC:secp256r1", "0b")
        self.make_key(TOKEN, "asks each time", "rsa:2048", "0c", "--always-auth")
        self._make_limited_keys()

    def make_token(self, label: str) -> None:
        """Make a token."""
        self._run("softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin", SO_PIN, "--pin", TOKEN_PIN)

    def make_key(self, token: str, label: str, kind: str, identifier: str, *options: str) -> None:
        """Make a key pair on a token."""
        what = ("--keypairgen", "--key-type", kind, "--label", label, "--id", identifier)
        self._run("pkcs11-tool", "--module", SOFTHSM, "--token-label", token, "--pin", TOKEN_PIN, *what, *options)

    def _make_limited_keys(self) -> None:
        """Make keys that may do one thing only: pkcs11-tool leaves the rest to the token, and SoftHSM allows it."""
        import pkcs11  # noqa: PLC0415 - as the code under test

        flag = pkcs11.MechanismFlag
        with pkcs11.lib(MODULE).get_token(token_label=TOKEN).open(rw=True, user_pin=TOKEN_PIN) as session:
            for label, identifier, may in (
                ("for signing", b"\x0d", flag.SIGN | flag.VERIFY),
                ("for decryption", b"\x0e", flag.DECRYPT | flag.ENCRYPT),
            ):
                session.generate_keypair(
                    pkcs11.KeyType.RSA, 2048, id=identifier, label=label, store=True, capabilities=may
                )

    def public_key(self, label: str, token: str = TOKEN) -> PublicKey:
        """Return the public key of a pair, as p11tool of GnuTLS reads it by the same kind of URI."""
        file = self.folder / "public.pem"
        which = f"pkcs11:token={quote(token)};object={quote(label)};type=public"
        self._run("p11tool", "--provider", SOFTHSM, "--export-pubkey", "--outfile", str(file), which)
        key = load_pem_public_key(file.read_bytes())
        assert isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey)
        return key

    def remove_token(self, label: str) -> Path:
        """Take the folder of a token away, and return where it is; `put_back` undoes it."""
        found = [path.parent for path in self.tokens.glob("*/token.object") if label.encode() in path.read_bytes()]
        assert len(found) == 1
        away = self.folder / "away"
        shutil.move(found[0], away)
        return found[0]

    def put_back(self, path: Path) -> None:
        """Bring back what was removed."""
        shutil.move(self.folder / "away", path)

    def begin_anew(self) -> None:
        """Let the modules of this process see tokens that were made since."""
        import pkcs11  # noqa: PLC0415 - as the code under test

        for path in (MODULE, os.path.realpath(self.faulty)):
            with suppress(pkcs11.PKCS11Error):
                pkcs11.lib(path).finalize()

    def text(self, label: str, *, token: str = TOKEN, module: str = SOFTHSM) -> str:
        """Return the URI of a key as text."""
        return f"pkcs11:token={quote(token)};object={quote(label)}?module-path={quote(module)}"

    def uri(self, label: str, *, token: str = TOKEN, module: str = SOFTHSM) -> TokenUri:
        """Return the URI of a key."""
        return parse_token_uri(self.text(label, token=token, module=module))

    def _run(self, *command: str) -> None:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env={**os.environ, "GNUTLS_PIN": TOKEN_PIN},
        )
        assert done.returncode == 0, done.stderr


def certificate_of(key: PublicKey) -> bytes:
    """Return a certificate (DER) of a public key, signed by a key of this run."""
    issuer = ec_private()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, SERVER_ID)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an issuer")]))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW.replace(day=1))
        .not_valid_after(NOW.replace(day=28))
        .sign(issuer, SHA256())
    )
    return certificate.public_bytes(Encoding.DER)
