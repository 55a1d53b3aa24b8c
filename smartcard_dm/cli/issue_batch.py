"""`smartcard-dm issue --batch`.

Guarantees: running the same command again goes on where the last run ended, however it ended. No value of a target is
printed. Leaves with 0 when every target has its message, with 4 when some have none.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import click

from smartcard_dm import wbxml
from smartcard_dm.cli.crews import crew_for
from smartcard_dm.cli.exits import MALFORMED, reported
from smartcard_dm.cli.inputs import STDIN, InputFile
from smartcard_dm.cli.issue_report import tell_findings
from smartcard_dm.cli.output import STDOUT, print_json, print_problem, print_text
from smartcard_dm.cli.progress import progress_bar
from smartcard_dm.cli.usage import usage_error
from smartcard_dm.errors import KeyMaterialError
from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.report.forms import batch_form, failed_form
from smartcard_dm.report.remedies import target_remedy
from smartcard_dm.server import PushSizes, lint
from smartcard_dm.server.batch_output import open_output
from smartcard_dm.server.batch_recipe import Issuer, make_recipe, remember
from smartcard_dm.server.batch_run import FIRST_FAILED, run_batch
from smartcard_dm.server.batch_targets import open_targets
from smartcard_dm.server.lint import has_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from smartcard_dm.cli.batch_options import BatchOptions
    from smartcard_dm.cli.key_access import KeyAccess, LoadedKey
    from smartcard_dm.cli.lint_options import LintChoice
    from smartcard_dm.dm import ServerId
    from smartcard_dm.server.batch_ledger import Ledger
    from smartcard_dm.server.batch_output import Output
    from smartcard_dm.server.batch_run import Summary
    from smartcard_dm.server.batch_targets import Targets
    from smartcard_dm.server.header import Header
    from smartcard_dm.server.template import Template
    from smartcard_dm.xmlsec import AlgorithmPolicy, SignatureAlgorithm, SigningKey

    Compile = Callable[[bytes, ServerId, Header], Template]

_FORM_BY_SUFFIX: Final = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".db": "sqlite",
    ".sqlite": "sqlite",
    ".sqlite3": "sqlite",
}
_SHOWN: Final = 20
"""Targets without a message that get a line on stderr."""


@dataclass(frozen=True, slots=True)
class KeyOfEachProcess:
    """How each process gets the key: as this command line says, once. Holds names of secrets only."""

    access: KeyAccess

    @property
    def name(self) -> str:
        """What lines about the key call it."""
        return self.access.name

    def load(self) -> SigningKey:
        """Return the key."""
        try:
            return self.access.load().key
        except click.ClickException as error:
            raise KeyMaterialError(error.format_message()) from error


@dataclass(frozen=True, slots=True)
class BatchMessage:
    """What the messages of a batch have in common, as the command line says."""

    commands: InputFile
    server_id: ServerId
    signer: KeyAccess
    key: LoadedKey
    algorithm: SignatureAlgorithm
    key_name: str | None
    policy: AlgorithmPolicy
    header: Header
    choice: LintChoice


def issue_batch(batch: BatchOptions, said: BatchMessage, compile_: Compile, output: str, *, as_json: bool) -> None:
    """Issue a message for each target and leave.

    Args:
        batch: what makes it a batch.
        said: what its messages have in common.
        compile_: gives the template of what COMMANDS holds.
        output: where messages go.
        as_json: whether the report is JSON.
    """
    if output == STDOUT:
        raise usage_error("a batch goes to a folder, a file of JSON Lines or an outbox: give -o PLACE")
    targets = _targets(batch.targets, as_json=as_json)
    composed = partial(compile_, said.commands.read(DEFAULT_LIMITS.xml_octets), said.server_id)
    with reported(as_json=as_json, thing=said.commands.name):
        composed(said.header)
    with reported(as_json=as_json, thing=batch.targets):
        recipe = make_recipe(
            composed,
            said.server_id,
            targets,
            KeyOfEachProcess(said.signer),
            said.key.key,
            number=said.header.default_session_id,
            header=said.header,
            algorithm=said.algorithm,
            key_name=said.key_name,
            policy=said.policy,
        )
        issuer = Issuer(recipe, said.key.key)
        first = next(filter(None, (issuer.composed(each) for each in targets.read())), None)
    if first is not None:
        with reported(as_json=as_json, thing=said.commands.name):
            _lint(first, said, as_json=as_json)
    form = batch.form or _FORM_BY_SUFFIX.get(Path(output).suffix.lower(), "files")
    with (
        reported(as_json=as_json),
        crew_for(batch.jobs, batch.scheduler, targets.estimate, _only_here(said.signer)) as crew,
        open_output(Path(output), form, recipe.parts, recipe.number) as opened,
        progress_bar("messages", targets.estimate) as done,
    ):
        recipe = replace(recipe, number=opened.ledger.number)
        remember(recipe, said.key.key)
        summary = run_batch(recipe, targets.read(), opened, crew, stop_at_first=batch.stop_at_first, settled=done)
        if batch.errors is not None:
            _write_errors(Path(batch.errors), opened.ledger)
        shown = _shown(opened) if summary.failed else []
    if as_json:
        print_json(batch_form(output, form, said.server_id, said.algorithm, summary))
    else:
        print_text(_sentence(output, said, summary), wrap=False)
    if summary.failed or summary.stopped is not None:
        _leave(batch, said.signer, summary, shown)


def _lint(first: bytes, said: BatchMessage, *, as_json: bool) -> None:
    """Look the message of the first target over: all have the same form. Leave when no client could use it."""
    policy = said.choice.policy()
    findings = lint(first, said.server_id, policy)
    sizes = PushSizes(len(wbxml.from_xml(first, said.header.version)))
    findings += said.choice.size_findings(sizes, policy)
    if has_errors(findings):
        tell_findings(said.commands.name, findings, sizes, signed=False, output=None, as_json=as_json)


def _targets(path: str, *, as_json: bool) -> Targets:
    if path == STDIN:
        raise usage_error("--batch reads its targets again when it goes on: give a file")
    try:
        with reported(as_json=as_json, thing=path):
            return open_targets(Path(path))
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise usage_error(f"{path} cannot be read: {reason}; give a file that can be read") from error


def _only_here(signer: KeyAccess) -> str | None:
    """Return what of the key is there once only, for this process."""
    if isinstance(signer.key, InputFile) and signer.key.path == STDIN:
        return "a key from standard input"
    if signer.pin_fd is not None or signer.pin_prompt:
        return "a PIN that is asked for once"
    return None


def _sentence(output: str, said: BatchMessage, summary: Summary) -> str:
    there = f", {summary.resumed} were there already" if summary.resumed else ""
    return (
        f"{output}: {summary.issued} messages from {said.server_id}, signed with {said.algorithm.identifier}, "
        f"batch {summary.number}{there}"
    )


def _shown(output: Output) -> list[str]:
    lines = []
    for failed, _ in zip(output.ledger.failed(), range(_SHOWN), strict=False):
        target = f" ({failed.target:.80})" if failed.target else ""
        lines.append(f"line {failed.line}{target}: {failed.detail}; {target_remedy(failed.problem)}")
    return lines


def _leave(batch: BatchOptions, signer: KeyAccess, summary: Summary, shown: list[str]) -> NoReturn:
    for line in shown:
        print_problem(f"{batch.targets}, {line}")
    if summary.failed > len(shown):
        listed = f"{batch.errors} lists all" if batch.errors else "--errors FILE lists all"
        print_problem(f"{batch.targets}: {summary.failed} targets have no message; {listed}")
    if summary.stopped == FIRST_FAILED:
        print_problem(f"{batch.targets}: stopped there, {summary.left} targets are left; run this again to go on")
    elif summary.stopped is not None:
        print_problem(
            f"{signer.name}: stopped signing, {summary.left} targets are left: {summary.stopped}; "
            "put it right and run this again to go on"
        )
    raise click.exceptions.Exit(MALFORMED)


def _write_errors(path: Path, ledger: Ledger) -> None:
    """Write the targets without a message, whole or not at all."""
    part = path.with_name(f".{path.name[:200]}.part")
    try:
        with part.open("w", encoding="utf-8") as stream:
            stream.writelines(_error_lines(ledger))
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise usage_error(f"{path} cannot be written: {error.strerror}; give another --errors FILE") from error


def _error_lines(ledger: Ledger) -> Iterator[str]:
    for failed in ledger.failed():
        yield json.dumps(failed_form(failed)) + "\n"
