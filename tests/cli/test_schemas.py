from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.running import ROOT, schema

FILES = sorted((ROOT / "docs" / "schemas").glob("*.schema.json"), key=lambda path: path.name.split("."))


def objects(node: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - a JSON document
    if isinstance(node, list):
        return [found for item in node for found in objects(item)]
    if not isinstance(node, dict):
        return []
    return [*([node] if node.get("type") == "object" and "description" in node else []), *objects(list(node.values()))]


def test_there_is_a_schema_for_each_output() -> None:
    assert [path.name.removesuffix(".schema.json") for path in FILES] == [
        "accounts",
        "agent-event",
        "agent-get",
        "agent-get-request",
        "apply",
        "card-read",
        "card-record",
        "card-show",
        "conformance",
        "demo",
        "error",
        "issue",
        "issue-batch",
        "issue-batch-error",
        "issue-batch-message",
        "issue-lint",
        "push-http",
        "push-sip",
        "push-wap",
        "reader-event",
        "readers",
        "receive-begin",
        "receive-end",
        "receive-line",
        "receive-listening",
        "transcript",
        "tree-audit",
        "tree-export",
        "tree-get",
        "tree-init",
        "tree-show",
        "tree-sync",
        "verify",
        "verify-batch",
        "verify-batch-line",
        "wbxml-decode",
        "wbxml-decode-tokens",
        "wbxml-encode",
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_schema_is_one_closed_and_explained(path: Any) -> None:  # noqa: ANN401 - a path
    document = json.loads(path.read_text())
    name = path.name.removesuffix(".schema.json")
    validator = schema(name)
    validator.check_schema(document)
    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert document["$id"] == f"urn:smartcard-dm:schema:{name}"
    for found in objects(document):
        assert found["additionalProperties"] is False
        # A request may leave out what it does not need; an answer has everything.
        assert found["required"] == [
            each for each in found["properties"] if not name.endswith("-request") or each in found["required"]
        ]
        for explained in found["properties"].values():
            assert "description" in explained or "$ref" in explained
    assert not validator.is_valid({})
