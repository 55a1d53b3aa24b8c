"""Small batches for tests: a template, a key, targets, and a run of them in this process."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from smartcard_dm.dm import ServerId
from smartcard_dm.server import Header
from smartcard_dm.server.batch_crew import in_this_process
from smartcard_dm.server.batch_output import open_output
from smartcard_dm.server.batch_recipe import make_recipe
from smartcard_dm.server.batch_run import run_batch
from smartcard_dm.server.batch_targets import open_targets
from smartcard_dm.server.source import compile_source
from smartcard_dm.xmlsec import AlgorithmPolicy, SigningKey
from tests.materials import SHARED_SECRET, ed25519_private, signing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from smartcard_dm.server.batch_recipe import Recipe
    from smartcard_dm.server.batch_run import Summary

SERVER = ServerId("com.example.dms")
COMMANDS = (
    b"<SyncBody><Replace><Item><Target><LocURI>./DMAcc/dms/${node}</LocURI></Target>"
    b"<Meta><Format>chr</Format><Type>text/plain</Type></Meta><Data>${value}</Data></Item></Replace></SyncBody>"
)
PLACES = {"files": "out", "jsonl": "out.jsonl", "sqlite": "out.db"}
"""Name of an output by its form."""


@dataclass(frozen=True)
class SecretOfTests:
    """A key that every process knows."""

    name: str = "the secret of the tests"

    def load(self) -> SigningKey:
        return signing(SHARED_SECRET)


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Path:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(rows)
    path.write_bytes(text.getvalue().encode())
    return path


def targets_file(folder: Path, count: int) -> Path:
    """Write targets that fit `COMMANDS`."""
    rows = ((f"IMEI:{number:015d}", f"node{number % 7}", f"a <value> & {number}") for number in range(count))
    return write_csv(folder / "targets.csv", ("target", "node", "value"), rows)


def recipe_for(
    path: Path,
    *,
    commands: bytes = COMMANDS,
    key: SigningKey | None = None,
    number: str = "1000",
    header: Header | None = None,
) -> Recipe:
    key = key or SecretOfTests().load()
    return make_recipe(
        partial(compile_source, commands, SERVER),
        SERVER,
        open_targets(path),
        SecretOfTests(),
        key,
        number=number,
        header=header or Header(),
        algorithm=key.default_algorithm,
        key_name=None,
        policy=AlgorithmPolicy.default(),
    )


def run_here(
    path: Path, place: Path, form: str, *, stop_at_first: bool = False, recipe: Recipe | None = None
) -> Summary:
    """Run a batch in this process."""
    recipe = recipe or recipe_for(path)
    with open_output(place, form, recipe.parts, recipe.number) as output, in_this_process() as crew:
        return run_batch(recipe, open_targets(path).read(), output, crew, stop_at_first=stop_at_first)


def ed25519() -> SigningKey:
    return signing(ed25519_private())
