"""The committed OpenAPI document is the one the code makes, is valid, and leaves no answer out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from docs import openapi_document
from smartcard_dm.agent.events import EventType
from smartcard_dm.agent.models import EventForm
from smartcard_dm.agent.problems import ProblemCode
from smartcard_dm.agent.snapshot import CardState
from tests.agent.serving import DOCUMENT

OPERATIONS = [operation for item in DOCUMENT["paths"].values() for operation in item.values()]


def test_the_document_is_that_of_the_code() -> None:
    assert openapi_document.render() == openapi_document.DOCUMENT.read_text("utf-8"), (
        "run: python -m docs.openapi_document"
    )


def test_it_is_openapi_3_1_with_operations_that_have_names() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    names = [operation["operationId"] for operation in OPERATIONS]
    assert sorted(names) == [
        "account", "accounts", "apply", "authenticate", "card", "metrics", "openapi", "secret", "verify", "watch",
    ]  # fmt: skip


@pytest.mark.parametrize("name", sorted(DOCUMENT["components"]["schemas"]))
def test_every_schema_is_one(name: str) -> None:
    Draft202012Validator.check_schema(DOCUMENT["components"]["schemas"][name])


def test_every_reference_leads_somewhere() -> None:
    def walk(part: Any) -> None:  # noqa: ANN401 - a JSON document
        if isinstance(part, dict):
            reference = part.get("$ref")
            if isinstance(reference, str):
                target: Any = DOCUMENT
                for step in reference.removeprefix("#/").split("/"):
                    target = target[step]
            for each in part.values():
                walk(each)
        elif isinstance(part, list):
            for each in part:
                walk(each)

    walk(DOCUMENT)


def test_every_problem_is_an_answer_of_some_operation() -> None:
    shown = {
        code
        for operation in OPERATIONS
        for response in operation["responses"].values()
        for content in response["content"].values()
        for code in content.get("examples", {})
    }
    # What no route is there for has no operation.
    assert shown == {code.code for code in ProblemCode} - {ProblemCode.NOT_FOUND.code}
    assert set(DOCUMENT["components"]["examples"]) == {code.code for code in ProblemCode}


@pytest.mark.parametrize("code", ProblemCode, ids=lambda code: code.code)
def test_every_example_of_a_problem_is_valid(code: ProblemCode) -> None:
    schema = {**DOCUMENT["components"]["schemas"]["Problem"], "components": DOCUMENT["components"]}
    Draft202012Validator(schema).validate(DOCUMENT["components"]["examples"][code.code]["value"])


def test_the_words_for_states_and_events_are_all_there() -> None:
    states = DOCUMENT["components"]["schemas"]["Provenance"]["properties"]["state"]["enum"]
    assert sorted(states) == sorted(CardState)
    kinds = EventForm.model_json_schema()["properties"]["kind"]["enum"]
    assert sorted(kinds) == sorted([*EventType, "gap"])


def test_codes_are_unique_and_have_a_remedy() -> None:
    assert len({code.code for code in ProblemCode}) == len(ProblemCode)
    assert all(code.remedy and code.title for code in ProblemCode)
    assert json.dumps(DOCUMENT).isprintable()
