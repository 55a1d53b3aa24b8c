"""The pages hold together: links lead somewhere, tables are those of the code, decisions have their form."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from docs import rule_table
from docs.marked import read_part
from smartcard_dm.rules import Rule, Step

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md"), ROOT / "fixtures/README.md"])
DECISIONS = sorted(DOCS.glob("decisions/0*.md"))
SUPPORTED = (DOCS / "supported.md").read_text("utf-8")
CODE = sorted([*ROOT.glob("smartcard_dm/**/*.py"), *ROOT.glob("vendor_pcsc/**/*.py")])
JUDGES = sorted([*ROOT.glob("smartcard_dm/xmlsec/*.py"), *ROOT.glob("smartcard_dm/trust/*.py")])
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADINGS = ["Context", "Options", "Decision", "Consequences"]


def without_blocks(page: str) -> str:
    return re.sub(r"^```.*?^```$", "", page, flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", without_blocks(page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    wrong = []
    for link in LINK.findall(without_blocks(page.read_text("utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            wrong.append(link)
    assert wrong == []


def test_the_rule_table_is_that_of_the_code() -> None:
    assert rule_table.render() == read_part(rule_table.DOCUMENT.read_text("utf-8"), rule_table.PART)


def test_every_rule_is_told_about_and_no_other() -> None:
    assert list(rule_table.TOLD) == [rule.identifier for rule in Rule]


@pytest.mark.parametrize("rule", Rule, ids=lambda rule: rule.identifier)
def test_the_test_of_a_rule_names_it(rule: Rule) -> None:
    name = rule_table.TOLD[rule.identifier].test
    raised = any(f"Rule.{rule.name}" in path.read_text("utf-8") for path in JUDGES)
    if name:
        assert f"Rule.{rule.name}" in (ROOT / name).read_text("utf-8")
    else:
        assert not raised, "a rule that the code raises has a test"


def test_every_step_has_its_section() -> None:
    page = rule_table.DOCUMENT.read_text("utf-8")
    assert [int(number) for number in re.findall(r"^### Step (\d+): ", page, re.MULTILINE)] == list(Step)


@pytest.mark.parametrize("name", ["Signature", "Encryption"])
def test_the_clauses_of_a_profile_are_its_sections(name: str) -> None:
    profile = (DOCS / f"{name.lower()}-profile.md").read_text("utf-8")
    sections = re.findall(r"^## (\d+)\. ", profile, re.MULTILINE)
    assert sections == [str(number) for number in range(1, 13)]
    quoted = {rule for rule in Rule if rule.clause.startswith(f"Sessionless {name} Profile 1 ")}
    assert quoted
    for rule in quoted:
        number = rule.clause.rpartition(" ")[2]
        section = profile.partition(f"\n## {number}. ")[2].partition("\n## ")[0]
        assert f"`{rule.identifier}`" in section, f"section {number} does not name {rule.identifier}"


def features() -> set[str]:
    """Return the words of every `UnsupportedError` of the code; of an f-string, its fixed parts."""
    found: set[str] = set()
    for path in CODE:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "UnsupportedError":
                parts = node.args[0].values if isinstance(node.args[0], ast.JoinedStr) else [node.args[0]]
                found |= {str(part.value).strip() for part in parts if isinstance(part, ast.Constant)}
    return found - {""}


def test_every_unsupported_feature_is_named() -> None:
    table = SUPPORTED.partition("## Names of what is not supported")[2].partition("\n## ")[0]
    assert features()
    assert [feature for feature in sorted(features()) if feature not in table] == []


def test_every_deviation_is_listed() -> None:
    table = SUPPORTED.partition("## Deviations from a standard")[2].partition("\n## ")[0]
    marked = {path.relative_to(ROOT).as_posix() for path in CODE if "# DEVIATION:" in path.read_text("utf-8")}
    assert marked == {link.removeprefix("../") for link in LINK.findall(table)}


def test_every_conformance_item_has_a_row() -> None:
    rows = re.findall(r"^\| (DM-SM-[CS]-\d{3}-M) \|", SUPPORTED, re.MULTILINE)
    assert rows == [f"DM-SM-C-{n:03}-M" for n in range(1, 6)] + [f"DM-SM-S-{n:03}-M" for n in range(1, 7)]
    assert {rule.scr for rule in Rule} - {""} <= set(rows)


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_has_the_form_of_the_template(page: Path) -> None:
    text = page.read_text("utf-8")
    assert text.startswith(f"# {page.stem[:4]} ")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == HEADINGS


def test_decisions_are_numbered_without_gaps() -> None:
    assert [page.stem[:4] for page in DECISIONS] == [f"{n:04}" for n in range(1, len(DECISIONS) + 1)]


def test_every_sentence_and_requirement_of_the_device_side_has_its_test() -> None:
    page = (ROOT / "docs/supported.md").read_text("utf-8")
    source = (ROOT / "tests/tree/test_scr.py").read_text("utf-8")
    tests = set(re.findall(r"^def (test_(?:dm_sm_c|5_5)_\w+)", source, re.MULTILINE))
    assert tests
    assert set(re.findall(r"`(test_(?:dm_sm_c|5_5)_\w+)`", page)) == tests
