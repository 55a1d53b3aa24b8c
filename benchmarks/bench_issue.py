"""Signing and encoding beside raw OpenSSL and signxml, and a batch of 100,000 targets on every core.

One message: it was composed here, so it is known to be canonical, and the key is loaded; a row of its own signs the
same octets as if they came from elsewhere. The floor is what nobody can do without who is given XML: one parse, one
exclusive canonical form, one signature by OpenSSL through the cryptography library, over octets of the length of a
SignedInfo. signxml signs the same message by the same transforms, as an enveloped signature.

A batch: the whole way, from a CSV file to messages in an SQLite outbox. The rate of one process and that of one process
for each core are measured in turns, on slices of the same targets; memory is that of all processes together.
"""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, SignatureConstructionMethod, SignatureMethod
from signxml.signer import XMLSigner

from benchmarks.bench_wbxml import make_message
from benchmarks.harness import NOTE, Row, compare, report
from smartcard_dm.dm import ServerId
from smartcard_dm.secret import Secret
from smartcard_dm.server import sign_and_encode
from smartcard_dm.server.batch_crew import in_this_process, processes
from smartcard_dm.server.batch_output import open_output
from smartcard_dm.server.batch_recipe import make_recipe
from smartcard_dm.server.batch_run import run_batch
from smartcard_dm.server.batch_targets import open_targets
from smartcard_dm.server.header import Header
from smartcard_dm.server.source import compile_source
from smartcard_dm.xmlsec import AlgorithmPolicy, CanonicalXml, PrivateSigningKey, SecretSigningKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from smartcard_dm.server.batch_crew import Crew
    from smartcard_dm.xmlsec import SigningKey
    from smartcard_dm.xmlsec.signing_keys import PrivateKey

OCTETS = 3_000
"""Of the unsigned WBXML message."""
AIM_FLOOR = 1.3
AIM_SIGNXML = 0.5
AIM_CORES = 0.9
TARGETS = 100_000
SLICE = 10_000
"""Targets of each turn in which the rates are compared."""
_SIGNED_INFO = b"x" * 700
_SERVER = ServerId("com.example.dms")


def keys() -> dict[str, tuple[SigningKey, Callable[[], bytes], object, SignatureMethod]]:
    """Return each kind of key: ours, the raw signature with it, and what signxml takes for it."""
    secret = os.urandom(32)
    private: dict[str, PrivateKey] = {
        "RSA-2048": rsa.generate_private_key(public_exponent=65537, key_size=2048),
        "ECDSA P-256": ec.generate_private_key(ec.SECP256R1()),
        "Ed25519": ed25519.Ed25519PrivateKey.generate(),
    }
    raw: dict[str, Callable[[], bytes]] = {}
    for name, key in private.items():
        if isinstance(key, rsa.RSAPrivateKey):
            raw[name] = partial(key.sign, _SIGNED_INFO, padding.PKCS1v15(), hashes.SHA256())
        elif isinstance(key, ec.EllipticCurvePrivateKey):
            raw[name] = partial(key.sign, _SIGNED_INFO, ec.ECDSA(hashes.SHA256()))
        else:
            raw[name] = partial(key.sign, _SIGNED_INFO)

    def raw_hmac() -> bytes:
        context = hmac.HMAC(secret, hashes.SHA256())
        context.update(_SIGNED_INFO)
        return context.finalize()

    methods = {
        "RSA-2048": SignatureMethod.RSA_SHA256,
        "ECDSA P-256": SignatureMethod.ECDSA_SHA256,
        "Ed25519": None,
    }
    found: dict[str, tuple[SigningKey, Callable[[], bytes], object, SignatureMethod | None]] = {
        name: (PrivateSigningKey.from_key(key), raw[name], key, methods[name]) for name, key in private.items()
    }
    found["HMAC-SHA-256"] = (SecretSigningKey(Secret(secret)), raw_hmac, secret, SignatureMethod.HMAC_SHA256)
    return found  # type: ignore[return-value] # None where signxml has no such method


def run_one() -> list[Row]:
    """Measure one message, for each kind of key."""
    policy = AlgorithmPolicy.default()
    xml = CanonicalXml(make_message(OCTETS))
    rows: list[Row] = []
    for name, (key, raw, foreign, method) in keys().items():

        def floor(raw: Callable[[], bytes] = raw) -> None:
            etree.tostring(etree.fromstring(xml), method="c14n", exclusive=True, with_comments=False)
            raw()

        def ours(key: SigningKey = key) -> bytes:
            return sign_and_encode(xml, key, policy=policy)

        def from_elsewhere(key: SigningKey = key) -> bytes:
            return sign_and_encode(bytes(xml), key, policy=policy)

        def with_signxml(foreign: object = foreign, method: SignatureMethod = method) -> object:
            signer = XMLSigner(
                method=SignatureConstructionMethod.enveloped,
                signature_algorithm=method,
                c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
            )
            return signer.sign(etree.fromstring(xml), key=foreign)  # type: ignore[arg-type] # a key of its method

        comparison = f"{name}, {len(ours()) / 1000:.1f} kB of WBXML"
        rows += compare(
            comparison,
            len(ours()),
            {
                "parse + C14N + raw signature": floor,
                "sign and encode": ours,
                "the same, of XML that has to be parsed": from_elsewhere,
            },
            aims={"sign and encode": AIM_FLOOR},
        )
        if method is not None:
            rows += compare(
                comparison,
                len(ours()),
                {"signxml, XML form": with_signxml, "sign and encode": ours},
                aims={"sign and encode": AIM_SIGNXML},
            )
    return rows


@dataclass(frozen=True)
class KeyFile:
    """The key as each process loads it."""

    path: str

    @property
    def name(self) -> str:
        """Its file."""
        return self.path

    def load(self) -> SigningKey:
        """Read it."""
        return PrivateSigningKey.from_pem(Path(self.path).read_bytes())


@dataclass(frozen=True, slots=True)
class BatchFigures:
    """What the batch did."""

    cores: int
    alone: float
    """Messages per second of one process, the median of turns."""
    together: float
    """The same of one process for each core."""
    efficiency: float
    """Median of the turns' own ratios: together / (cores x alone)."""
    processor: tuple[float, float]
    """Microseconds of processor time for a message, of all processes: alone, together. Other work does not count."""
    whole: float
    """Messages per second of the whole batch."""
    memory: tuple[tuple[int, int], ...]
    """MiB of all processes when so many per cent of the targets were settled."""


def _setting(folder: Path, count: int) -> tuple[bytes, KeyFile, Path]:
    key = folder / "key.pem"
    key.write_bytes(
        ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    rows = "".join(f"IMEI:{number:015d},name {number},{number % 977}\n" for number in range(count))
    path = folder / f"targets-{count}.csv"
    path.write_text(f"target,name,number\n{rows}")
    body = make_message(OCTETS - 600).split(b"<SyncBody>")[1].split(b"</SyncBody>")[0]
    first = b"<Replace><Item><Target><LocURI>./x/${number}</LocURI></Target><Data>${name}</Data></Item></Replace>"
    commands = b"".join((b'<SyncBody xmlns="SYNCML:SYNCML1.2">', first, body, b"</SyncBody>"))
    return commands, KeyFile(str(key)), path


def _run(folder: Path, count: int, crew: Crew, settled: Callable[[int], object] = lambda _: None) -> float:
    commands, source, path = _setting(folder, count)
    key = source.load()
    targets = open_targets(path)
    recipe = make_recipe(
        partial(compile_source, commands, _SERVER), _SERVER, targets, source, key, number="1000", header=Header(),
        algorithm=key.default_algorithm, key_name=None, policy=AlgorithmPolicy.default(),
    )  # fmt: skip
    place = folder / "out.db"
    place.unlink(missing_ok=True)
    with open_output(place, "sqlite", recipe.parts, recipe.number) as output:
        started = perf_counter()
        summary = run_batch(recipe, targets.read(), output, crew, settled=settled)
        seconds = perf_counter() - started
    assert summary.issued == count  # noqa: S101 - a benchmark of something that fails says nothing
    return count / seconds


def _family() -> Iterator[list[str]]:
    """Yield the fields of /proc/PID/stat behind the name, for this process and those it started."""
    known = {os.getpid()}
    for entry in sorted(Path("/proc").glob("[0-9]*"), key=lambda path: int(path.name)):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(entry.name) in known or int(fields[1]) in known:
            known.add(int(entry.name))
            yield fields


def _resident() -> int:
    """Return the MiB that this process and those it started hold."""
    return sum(int(fields[21]) for fields in _family()) * os.sysconf("SC_PAGE_SIZE") >> 20


def _processor() -> float:
    """Return the seconds of processor time that this process and those it started took."""
    return sum(int(fields[11]) + int(fields[12]) for fields in _family()) / os.sysconf("SC_CLK_TCK")


def run_batches(count: int = TARGETS, slice_: int = SLICE, turns: int = 5) -> BatchFigures:
    """Measure batches; the first turn of each crew warms it up and is not counted."""
    cores = len(os.sched_getaffinity(0))
    memory: dict[int, int] = {}

    def settled(row: int) -> None:
        for share in (10, 50, 100):
            if share not in memory and row * 100 >= share * count:
                memory[share] = _resident()

    with tempfile.TemporaryDirectory() as name, in_this_process() as alone, processes(cores) as together:
        folder = Path(name)
        rates: list[tuple[float, float]] = []
        marks: list[float] = []
        for turn in range(turns + 1):
            marks.append(_processor())
            one = _run(folder, slice_, alone)
            marks.append(_processor())
            many = _run(folder, slice_, together)
            if turn:
                rates.append((one, many))
        marks.append(_processor())
        spent = [(after - before) * 1e6 / slice_ for before, after in pairwise(marks)]
        whole = _run(folder, count, together, settled)
    return BatchFigures(
        cores,
        median(one for one, _ in rates),
        median(many for _, many in rates),
        median(many / (cores * one) for one, many in rates),
        (median(spent[2::2]), median(spent[3::2])),
        whole,
        tuple(sorted(memory.items())),
    )


def batch_text(figures: BatchFigures) -> str:
    """Return the figures of the batch as lines of Markdown."""
    memory = ", ".join(f"{size} MiB at {share} %" for share, size in figures.memory)
    rates = (
        f"one process: {figures.alone:,.0f} messages a second; {figures.cores} processes: {figures.together:,.0f}; "
        f"all {TARGETS:,} targets: {figures.whole:,.0f}"
    )
    alone, together = figures.processor
    share = figures.whole / (figures.cores * figures.alone)
    efficiency = (
        f"all {TARGETS:,} together / ({figures.cores} x alone): {share:.2f}; the aim is at least {AIM_CORES:.2f}; "
        f"in slices of {SLICE:,}, whose ends weigh more: {figures.efficiency:.2f}"
    )
    lines = (
        rates,
        efficiency,
        f"processor time for a message, all processes: {alone:.0f} us alone, {together:.0f} us together",
        f"memory of all processes: {memory}",
    )
    return "\n".join(f"- {line}" for line in lines)


def main() -> None:
    """Print the comparisons; with `batch` as argument only the batch."""
    if "batch" not in sys.argv[1:]:
        report("Signing and encoding beside raw OpenSSL and signxml", run_one())
    print(f"## A batch\n\n{NOTE}\n\n{batch_text(run_batches())}\n")


if __name__ == "__main__":
    main()
