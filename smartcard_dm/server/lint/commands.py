"""Rules on the header and on commands: what a message without a session can ask for.

Spec: OMA-TS-DM_Sessionless 5.2; OMA-TS-DM_Protocol-V1_2_1 (Atomic, large objects).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smartcard_dm.dm import CommandKind, GroupCommand, ItemCommand
from smartcard_dm.server.lint.rules import LintRule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from smartcard_dm.dm import DmCommand
    from smartcard_dm.server.lint.finding import Finding
    from smartcard_dm.server.lint.view import View

_HEADER: Final = "/SyncML/SyncHdr"
_ANYWHERE: Final = {
    CommandKind.STATUS: (LintRule.ANSWER, "a Status answers a message of the device"),
    CommandKind.RESULTS: (LintRule.ANSWER, "Results answer a message of the device"),
    CommandKind.ALERT: (LintRule.RESULT_SEEKING, "an Alert is of use within a session only"),
    CommandKind.GET: (LintRule.RESULT_SEEKING, "a Get asks for a response"),
    CommandKind.ATOMIC: (LintRule.OPTIONAL_COMMAND, "a client SHOULD support Atomic, and need not"),
    CommandKind.COPY: (LintRule.OPTIONAL_COMMAND, "a client MAY support Copy, and need not"),
    CommandKind.EXEC: (LintRule.OPTIONAL_COMMAND, "a client MAY support Exec, and need not"),
}
"""What is wrong with a command of a kind, wherever it stands."""
_IN_ATOMIC: Final = {
    CommandKind.GET: (LintRule.GET_IN_ATOMIC, "a Get stands inside an Atomic"),
    CommandKind.ATOMIC: (LintRule.NESTED_ATOMIC, "an Atomic stands inside an Atomic"),
}
"""What is wrong with it inside an Atomic."""


def check_header(view: View) -> Iterator[Finding]:
    """Look at the header."""
    header, policy = view.message.header, view.policy
    if header.source != str(view.server_id):
        detail = f"the Source is not the issuing server {view.server_id}"
        yield policy.finding(LintRule.SERVER_ID, f"{_HEADER}/Source/LocURI", detail)
    if header.cred is not None:
        yield policy.finding(LintRule.CREDENTIAL, f"{_HEADER}/Cred", "a credential is in the header")
    if header.resp_uri is not None:
        detail = "RespURI says where a response is wanted"
        yield policy.finding(LintRule.RESULT_SEEKING, f"{_HEADER}/RespURI", detail)


def check_commands(view: View) -> Iterator[Finding]:
    """Look at every command and at how they are nested."""
    yield from _commands(view, view.message.commands, in_atomic=False)


def _commands(view: View, commands: Iterable[DmCommand], *, in_atomic: bool) -> Iterator[Finding]:
    for command in commands:
        yield from _command(view, command, in_atomic=in_atomic)
        if isinstance(command, GroupCommand):
            inside = in_atomic or command.kind is CommandKind.ATOMIC
            yield from _commands(view, command.commands, in_atomic=inside)


def _command(view: View, command: DmCommand, *, in_atomic: bool) -> Iterator[Finding]:
    found = (_IN_ATOMIC if in_atomic else {}).get(command.kind) or _ANYWHERE.get(command.kind)
    if found is not None:
        rule, detail = found
        yield view.policy.finding(rule, command.place, detail)
    if isinstance(command, ItemCommand):
        for item in command.items:
            if item.more_data:
                detail = "the value continues in another message"
                yield view.policy.finding(LintRule.MORE_DATA, f"{item.place}/MoreData", detail)
