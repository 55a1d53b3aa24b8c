"""Every bound of the project, with its name, unit and reason.

Guarantees: a `Limits` value is complete and frozen; no parser has a bound of its own. A bound nobody set is
set by the sender. Leaves to its caller: choosing other values for a lab that needs them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds that parsers and the verifier hold.

    Each field says its unit and why it is there. All values are positive integers.

    Raises:
        ValueError: a value is not a positive integer.
    """

    message_octets: int = 1 * MIB
    """Octets of one WBXML message. WAP push carries at most 32,640; HTTP push may carry more."""

    xml_octets: int = 8 * MIB
    """Octets of one XML form. A string-table reference of 2 octets can stand for a long string: this stops it."""

    wbxml_depth: int = 64
    """Elements open at one time. A DM message needs about 12, a deep TNDS about 30."""

    wbxml_string_table_octets: int = 64 * KIB
    """Octets of the string table of one document. A signed message needs about 600."""

    nested_documents: int = 4
    """WBXML documents inside one another (TNDS inside Data inside a message is 2)."""

    commands: int = 10_000
    """Commands in one message, those inside Atomic and Sequence included."""

    tnds_nodes: int = 20_000
    """Nodes of one TNDS object."""

    node_uri_octets: int = 1024
    """Octets of one node URI in UTF-8."""

    node_uri_segments: int = 64
    """Segments of one node URI."""

    signature_xml_octets: int = 64 * KIB
    """Octets of a canonical SignedInfo and the characters of its SignatureValue. One with an RSA-4096 key has 1,500."""

    encrypted_parts: int = 64
    """EncryptedData in one message. Each asks the device's key once; a token needs about 0.1 s for that."""

    encrypted_key_octets: int = 1024
    """Octets of each value of an EncryptedKey: wrapped key, salt, attribute of ConcatKDF. RSA-8192 has 1,024."""

    pbkdf2_iterations: int = 1_000_000
    """Iterations of PBKDF2 in one message, those of all its keys and secrets together. Half a second of one core."""

    tlv_depth: int = 8
    """Nesting of BER-TLV structures on the card. PKCS#15 directories need 6."""

    card_file_octets: int = 32 * KIB
    """Octets of one elementary file. READ BINARY without SFI reaches 32,767 + 256."""

    dir_records: int = 64
    """Records of EF.DIR. Cards in the field have fewer than 10."""

    odf_entries: int = 64
    """Entries of EF.ODF."""

    data_object_directories: int = 16
    """DODF files that one ODF may name."""

    directory_objects: int = 64
    """Objects in one PKCS#15 directory file."""

    path_octets: int = 8
    """Octets of a PKCS#15 path (four file identifiers, 3F00 not counted when absolute paths carry it)."""

    response_chain: int = 64
    """GET RESPONSE commands after one command; a card that never ends its answer is faulty."""

    accounts: int = 256
    """DM accounts taken from one card."""

    target_octets: int = 256 * KIB
    """Octets of one target in the file of a batch. One with a certificate has 3,000."""

    token_uri_octets: int = 4 * KIB
    """Octets of a PKCS#11 URI. One with every attribute of RFC 7512 filled by a token has about 500."""

    token_keys: int = 1024
    """Private keys looked at on one token when one of them is searched."""

    push_sets: int = 64
    """Concatenated short messages whose parts are not all there yet. A device gets one or two at a time."""

    push_set_octets: int = 512 * KIB
    """Octets of all parts that wait for others. One message of 255 parts has 32,640."""

    push_set_seconds: int = 3600
    """Seconds a set waits for its next part; a short-message centre may hold one back while a device is off."""

    push_remembered_sets: int = 64
    """Sets put together just now, whose parts start no other set when they come again; 2 kB for the largest."""

    push_remembered_seconds: int = 300
    """Seconds such a set is remembered; networks repeat a part within seconds or minutes."""

    wsp_header_octets: int = 4 * KIB
    """Octets of the headers of one WSP push. One with SEC and MAC has 50."""

    wsp_headers: int = 64
    """Header fields of one WSP push, and parameters of its content type. A DM push has one and two."""

    user_pin_tries: int = 3
    """Wrong MACs in a row that were to prove a user's PIN, until that PIN proves nothing any more."""

    sip_header_octets: int = 16 * KIB
    """Octets of the start line and the headers of one SIP request. One through five proxies has 3,000."""

    sip_transactions: int = 1024
    """Answered SIP requests remembered for half a minute, so that one sent again is not delivered again."""

    sip_idle_seconds: int = 120
    """Seconds a SIP connection may stay open between two requests; keep-alives come every 95 to 120 (RFC 5626)."""

    http_header_octets: int = 16 * KIB
    """Octets of the request line and the headers of one HTTP push. A push has 300."""

    receive_seconds: int = 10
    """Seconds one push may take to arrive whole, from its first octet."""

    receive_connections: int = 256
    """Connections open at one time, those without a request yet included."""

    receive_waiting: int = 256
    """Messages that wait for their verdict; what comes on top is not taken."""

    receive_per_second: int = 2000
    """Pushes taken in one second, over all connections."""

    audit_refusals: int = 10_000
    """Refused messages that an audit keeps; the oldest go first, so that a stranger cannot fill a disk."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
                raise ValueError(f"limit {field.name} must be a positive integer, found {value!r}")


DEFAULT_LIMITS = Limits()
