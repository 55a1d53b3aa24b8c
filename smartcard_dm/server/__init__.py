"""The server's side: compose, lint, sign, encode.

Spec: OMA-TS-DM_Sessionless 5.2 and B.2.
"""

from smartcard_dm.server.builder import Leaf, MessageBuilder
from smartcard_dm.server.compose import compose
from smartcard_dm.server.header import Header
from smartcard_dm.server.issue import issue, sign_and_encode
from smartcard_dm.server.lint import Finding, LintPolicy, LintRule, SecretsPolicy, Severity, lint, lint_size
from smartcard_dm.server.objects import ObjectBuilder
from smartcard_dm.server.push_size import Push, PushSizes
from smartcard_dm.server.receiver_view import ReceiverView, receiver_view
from smartcard_dm.server.source import compile_source
from smartcard_dm.server.template import Template
from smartcard_dm.server.template_compile import compile_template

__all__ = [
    "Finding",
    "Header",
    "Leaf",
    "LintPolicy",
    "LintRule",
    "MessageBuilder",
    "ObjectBuilder",
    "Push",
    "PushSizes",
    "ReceiverView",
    "SecretsPolicy",
    "Severity",
    "Template",
    "compile_source",
    "compile_template",
    "compose",
    "issue",
    "lint",
    "lint_size",
    "receiver_view",
    "sign_and_encode",
]
