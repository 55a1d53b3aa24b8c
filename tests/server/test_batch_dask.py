"""A Dask cluster of two workers makes the same octets, for every signature that is deterministic."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from smartcard_dm.errors import BatchError, KeyMaterialError
from smartcard_dm.secret import Secret
from smartcard_dm.server.batch_crew import cluster, in_this_process
from smartcard_dm.server.batch_messages import read_messages
from smartcard_dm.server.batch_output import open_output
from smartcard_dm.server.batch_recipe import make_recipe
from smartcard_dm.server.batch_run import in_order, run_batch
from smartcard_dm.server.batch_targets import open_targets
from smartcard_dm.server.header import Header
from smartcard_dm.server.source import compile_source
from smartcard_dm.xmlsec import AlgorithmPolicy, PrivateSigningKey, SecretSigningKey, SigningKey
from tests.materials import ed25519_private, private_pem, rsa_private
from tests.server.batches import COMMANDS, SERVER, targets_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from smartcard_dm.server.batch_recipe import Recipe

distributed: Any = pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("default")  # those of Dask are not ours


@dataclass(frozen=True)
class KeyFile:
    """A key that each worker reads from a file of its own machine."""

    path: str

    @property
    def name(self) -> str:
        return self.path

    def load(self) -> SigningKey:
        try:
            octets = Path(self.path).read_bytes()
        except OSError as error:
            raise KeyMaterialError(f"{self.path} cannot be read") from error
        if octets.startswith(b"-----"):
            return PrivateSigningKey.from_pem(octets)
        return SecretSigningKey(Secret(octets))


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    with (
        warnings.catch_warnings(action="ignore"),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None
        ) as local,
    ):
        yield str(local.scheduler_address)


KEYS: dict[str, Callable[[], bytes]] = {
    "hmac": lambda: b"a secret of the tests, thirty-two",
    "rsa": lambda: private_pem(rsa_private()),
    "ed25519": lambda: private_pem(ed25519_private()),
}


def recipe_with(source: KeyFile, targets: Path) -> Recipe:
    key = source.load()
    return make_recipe(
        lambda header: compile_source(COMMANDS, SERVER, header),
        SERVER,
        open_targets(targets),
        source,
        key,
        number="1000",
        header=Header(),
        algorithm=key.default_algorithm,
        key_name=None,
        policy=AlgorithmPolicy.default(),
    )


@pytest.mark.parametrize("family", KEYS)
def test_two_workers_make_the_same_octets(tmp_path: Path, scheduler: str, family: str) -> None:
    path = targets_file(tmp_path, 600)
    source = KeyFile(str(tmp_path / "key"))
    Path(source.path).write_bytes(KEYS[family]())
    recipe = recipe_with(source, path)
    made: list[list[Any]] = []
    for name, crew_of in (("here", in_this_process()), ("cluster", cluster(scheduler))):
        place = tmp_path / f"{name}.db"
        with open_output(place, "sqlite", recipe.parts, recipe.number) as output, crew_of as crew:
            summary = run_batch(recipe, open_targets(path).read(), output, crew)
        assert (summary.issued, summary.failed, summary.stopped) == (600, 0, None)
        made.append([found.octets for found in read_messages(place)])
    assert made[0] == made[1]
    assert len(set(made[0])) == 600


def test_both_workers_work_and_forget_the_key_in_the_end(scheduler: str) -> None:
    with cluster(scheduler) as crew:
        assert crew.jobs == 2
        assert len(set(in_order(crew, _worker, ((number,) for number in range(40))))) == 2
    with distributed.Client(scheduler, set_as_default=False) as client:
        assert set(client.run(_remembered).values()) == {0}


def _worker(number: int) -> str:
    import os  # noqa: PLC0415 - runs at the worker
    import time  # noqa: PLC0415 - same

    time.sleep(0.01)
    return f"{os.getpid()}" if number >= 0 else ""


def _remembered() -> int:
    from smartcard_dm.server import batch_recipe  # noqa: PLC0415 - runs at the worker

    return len(batch_recipe._issuers)


def test_a_key_the_workers_do_not_have_ends_it_in_one_line(tmp_path: Path, scheduler: str) -> None:
    path = targets_file(tmp_path, 10)
    source = KeyFile(str(tmp_path / "key"))
    Path(source.path).write_bytes(KEYS["hmac"]())
    recipe = recipe_with(source, path)
    Path(source.path).unlink()
    with open_output(tmp_path / "o.db", "sqlite", recipe.parts, "1") as output, cluster(scheduler) as crew:
        summary = run_batch(recipe, open_targets(path).read(), output, crew)
    assert (summary.issued, summary.left, summary.stopped) == (0, 10, f"{source.path} cannot be read")


def test_where_no_scheduler_is_one_line_says_so() -> None:
    with pytest.raises(BatchError, match="no Dask scheduler answers"), cluster("tcp://127.0.0.1:1", seconds=1):
        pass
    with pytest.raises(BatchError, match="no Dask scheduler answers"), cluster("nonsense"):
        pass
