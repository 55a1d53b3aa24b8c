"""Makes the rule table of docs/verification.md from `smartcard_dm.rules`.

Run it with `python -m docs.rule_table` from the root of the tree; a test compares what it makes with what stands in
the document, and that every rule is told about below.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from docs.marked import replace_part
from smartcard_dm.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCUMENT = Path(__file__).parent / "verification.md"
PART = "rules"


class Told(NamedTuple):
    """What a rule is for, and which test breaks it."""

    stops: str
    test: str
    """Path from the root of the tree; empty for a rule that nothing raises yet."""


_VERIFIER = "tests/trust/test_verifier.py"
_REPLAY = "tests/tree/test_replay.py"
_BAD = "tests/trust/test_bad_messages.py"
_PROFILE = "tests/xmlsec/test_profile.py"
_SIGN = "tests/xmlsec/test_sign_and_verify.py"
_DECRYPTION = "tests/trust/test_decryption.py"
_ENCRYPTION_FORM = "tests/trust/test_encryption_form.py"
_SEC_MAC = "tests/push/test_sec_mac.py"
_HTTP = "tests/push/test_http_receive.py"
_SIP = "tests/push/test_sip_receive.py"
_OPENED = "tests/trust/test_opened_parts.py"

TOLD = {
    "message.too-large": Told("exhausting memory with one large message", _VERIFIER),
    "message.bound-exceeded": Told("a small message that grows: depth, string-table and size bombs", _BAD),
    "wbxml.malformed": Told("octets that two decoders read differently; cut and padded messages", _BAD),
    "wbxml.unsupported": Told("a document type, character set or version nobody here can judge", _VERIFIER),
    "shape.root": Told("a signed document of another kind passed off as a message", _VERIFIER),
    "shape.order": Told("wrapping: a second body, header or element beside the signed ones", _BAD),
    "shape.header": Told("two values for one header field, read by two readers", _VERIFIER),
    "shape.version": Told("commands of another protocol version, with other meanings", _VERIFIER),
    "shape.encoding": Told("changing the version octet, which the XML form does not show", _VERIFIER),
    "signature.missing": Told("an unsigned message", _VERIFIER),
    "signature.several": Told(
        "wrapping: a signature that covers something else beside one that covers the message", _BAD
    ),
    "signature.place": Told("wrapping: a signature moved to where it covers less", _BAD),
    "server-id.missing": Told("a sender without name, or with one that an ACL would read as something else", _VERIFIER),
    "account.unknown": Told("a server that has no account in this card or tree", _VERIFIER),
    "account.several": Told("a second account planted under a known ServerID", _VERIFIER),
    "account.unusable": Told("an account that was spoilt taken for one that is not there", _VERIFIER),
    "key.none": Told("a server known by name only", _VERIFIER),
    "key.unusable": Told("a broken credential taken for none, or for any", _VERIFIER),
    "key.not-valid-now": Told("a certificate whose key may have leaked since it expired", _VERIFIER),
    "signature.form": Told("hiding content in parts of a Signature that nobody looks at", _PROFILE),
    "signature.too-large": Told("exhausting the signature code", _PROFILE),
    "signature.canonicalization": Told("choosing a form in which comments or prefixes hide a change", _PROFILE),
    "signature.method": Told("choosing a weak algorithm", _PROFILE),
    "signature.hmac-output-length": Told("an HMAC cut short until it can be guessed (CVE-2009-0217)", _PROFILE),
    "signature.key-family": Told("algorithm confusion: a public key used as an HMAC secret", _VERIFIER),
    "signature.key-size": Told("factoring a short RSA key", _SIGN),
    "signature.reference-count": Told("signing something else beside, or nothing", _PROFILE),
    "signature.reference-uri": Told("signing a part, another document, or a file of the verifier", _PROFILE),
    "signature.transforms": Told("XSLT and XPath: running code, and leaving parts out of the digest", _PROFILE),
    "signature.digest-method": Told("a digest with collisions", _PROFILE),
    "signature.key-info": Told("key substitution: a message that brings its own key", _PROFILE),
    "signature.key-name": Told("a signature made for another of the account's keys", _SIGN),
    "signature.value": Told("a forged or changed SignedInfo; a stranger's key", _VERIFIER),
    "signature.digest": Told("a changed message", _VERIFIER),
    "transport.kind": Told("a message over a way that the receiver does not listen on", _VERIFIER),
    "transport.unsecured": Told("a message over a way whose security was not employed", _VERIFIER),
    "transport.wap.no-mac": Told("a WAP push that anybody could have sent", _SEC_MAC),
    "transport.wap.mac-form": Told("SEC or MAC that two readers could understand differently", _SEC_MAC),
    "transport.wap.sec-unknown": Told("a method of which nobody knows what it proves", _SEC_MAC),
    "transport.wap.sec-refused": Told("a weaker method than the receiver asks for", _SEC_MAC),
    "transport.wap.key-none": Told("a MAC that cannot be checked", _SEC_MAC),
    "transport.wap.tries": Told("finding a short PIN by trying", _SEC_MAC),
    "transport.wap.mac": Told("a push for another subscriber, or from somebody who does not know the PIN", _SEC_MAC),
    "transport.http.no-tls": Told("a push that could be read and changed on its way", _HTTP),
    "transport.http.client-unknown": Told(
        "a push from a host that showed no certificate, where one is asked for", _HTTP
    ),
    "transport.sip.no-tls": Told("a request that could be read and changed on its way", _SIP),
    "transport.sip.peer-unknown": Told(
        "a request from a host that showed no certificate, where one is asked for", _SIP
    ),
    "replay.seen": Told("sending a recorded message again", _REPLAY),
    "replay.order": Told("holding a message back and sending it after a newer one", _REPLAY),
    "replay.full": Told("flooding the memory until a recorded message is forgotten", _REPLAY),
    "encryption.unsupported": Told("commands nobody here could read, counted as none", _VERIFIER),
    "encryption.place": Told("an encrypted part where nobody would look for one, or half a value", _ENCRYPTION_FORM),
    "encryption.form": Told("hiding content, references and second keys in parts nobody looks at", _ENCRYPTION_FORM),
    "encryption.method": Told("choosing a cipher or padding that gives oracles; few iterations", _ENCRYPTION_FORM),
    "encryption.key-none": Told("a part that nobody here has a key for, passed over", _DECRYPTION),
    "encryption.key-name": Told("a part for another device or another secret", _DECRYPTION),
    "encryption.key-unusable": Told("a key that was pulled or is too small, taken for a wrong message", _DECRYPTION),
    "encryption.failed": Told("a changed or cut ciphertext, a wrong key; reasons that feed oracles", _DECRYPTION),
    "encryption.plaintext": Told("content that closes what is around it, brings entities or a Signature", _OPENED),
    "encryption.nested": Told("recursion without end; commands nobody reads", _OPENED),
    "encryption.too-large": Told("burning the device's time: parts, iterations, sizes", _DECRYPTION),
    "commands.malformed": Told("commands that two processors read differently", _VERIFIER),
}
"""By rule identifier, in the order of the table."""


def render() -> str:
    """Return the rule table.

    Raises:
        KeyError: a rule is told nothing about.
    """
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield "| step | rule | clause | SCR item | what it stops | held by |"
    yield "|---|---|---|---|---|---|"
    for rule in Rule:
        told = TOLD[rule.identifier]
        test = f"[{Path(told.test).name}](../{told.test})" if told.test else "nothing raises it yet"
        cells = (str(int(rule.step)), f"`{rule.identifier}`", rule.clause, rule.scr or "none", told.stops, test)
        yield f"| {' | '.join(cells)} |"


def main() -> None:
    """Write the rule table into the document."""
    DOCUMENT.write_text(replace_part(DOCUMENT.read_text("utf-8"), PART, render()), "utf-8")
    print(DOCUMENT)


if __name__ == "__main__":
    main()
