"""What `issue` says: what lint found, the message that was written, and what its receiver sees.

Guarantees: nothing is said on standard output when the message goes there. Leaves to its caller: making the message.
"""

from __future__ import annotations

import sys
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING

from smartcard_dm.cli.exits import MALFORMED
from smartcard_dm.cli.output import STDOUT, print_json, print_problem, print_text
from smartcard_dm.report.explain import encrypted_line, explained_form, explained_lines
from smartcard_dm.report.forms import encrypted_form, issued_form
from smartcard_dm.report.lint import count_of, finding_form, finding_lines, lint_form, refused_line, sizes_form

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smartcard_dm.cli.key_access import LoadedKey
    from smartcard_dm.dm import ServerId
    from smartcard_dm.server import Finding, PushSizes, ReceiverView
    from smartcard_dm.server.confidential import Encrypted
    from smartcard_dm.xmlsec import SignatureAlgorithm


def tell_findings(
    thing: str,
    findings: Sequence[Finding],
    sizes: PushSizes,
    *,
    signed: bool,
    output: str | None,
    as_json: bool,
) -> None:
    """Say what was found in a message that is not written, and leave with the code of malformed input for an error."""
    if as_json:
        print_json(lint_form(findings, sizes, signed=signed))
    elif output != STDOUT:
        print_text(f"{thing}: {count_of(findings)}", wrap=False)
        if findings:
            print_text(finding_lines(findings))
    if any(finding.is_error for finding in findings):
        print_problem(f"{thing}: {refused_line(findings)}")
        sys.exit(MALFORMED)


@dataclass(frozen=True, slots=True)
class Issued:
    """A message that was written."""

    message: bytes
    _: KW_ONLY
    output: str
    server_id: ServerId
    method: SignatureAlgorithm
    key: LoadedKey
    encrypted: Encrypted | None
    """What was encrypted, where that was asked for."""
    findings: Sequence[Finding]
    sizes: PushSizes
    view: ReceiverView | None
    """What its receiver sees, where that was asked for."""

    def tell(self, *, as_json: bool) -> None:
        """Say what was written."""
        if as_json:
            print_json(self._form())
        elif self.output != STDOUT:
            size = len(self.message)
            signed = f"signed with {self.method.identifier}"
            print_text(f"{self.output}: {size} octets from {self.server_id}, {signed}", wrap=False)
            if self.encrypted is not None:
                print_text(encrypted_line(self.encrypted))
            if self.findings:
                print_text(finding_lines(self.findings))
            if self.view is not None:
                print_text(explained_lines(self.view))

    def _form(self) -> dict[str, object]:
        key = self.key
        form = issued_form(
            self.output, self.message, self.server_id, self.method, key_kind=key.kind, key_label=key.label
        )
        return form | {
            "encrypted": None if self.encrypted is None else encrypted_form(self.encrypted),
            "lint": [finding_form(finding) for finding in self.findings],
            "sizes": sizes_form(self.sizes, signed=True),
            "explain": None if self.view is None else explained_form(self.view),
        }
