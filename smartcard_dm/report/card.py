"""A card as a tree for a terminal of 80 columns, readable without colour too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text
from rich.tree import Tree

if TYPE_CHECKING:
    from rich.console import RenderableType

    from smartcard_dm.card.survey import Survey, SurveyedFile, SurveyedObject
    from smartcard_dm.dm import DmAccount


def card_lines(survey: Survey, accounts: tuple[DmAccount, ...], odd: tuple[str, ...]) -> RenderableType:
    """Return all of a card: its files, its objects, the accounts and where each came from, and what was odd."""
    told = dict.fromkeys((*survey.warnings, *odd))
    warnings = [Text(f"warning: {warning}", style="yellow") for warning in told]
    return Group(card_tree(survey), object_tree(survey), *([account_tree(accounts)] if accounts else []), *warnings)


def account_tree(accounts: tuple[DmAccount, ...]) -> RenderableType:
    """Return the accounts, each with the object it came from."""
    root = Tree(Text("accounts", style="bold"), guide_style="dim")
    for account in accounts:
        text = Text.assemble((str(account.server_id), "cyan"))
        if account.origin is not None:
            text.append(f", from {account.origin}")
        root.add(text)
    return root


def card_tree(survey: Survey) -> RenderableType:
    """Return the card and its directories with their files."""
    identity = survey.identity
    root = Tree(Text(f"card {identity.iccid or '(no ICCID)'}", style="bold"), guide_style="dim")
    root.add(Text.assemble(("generation ", "dim"), f"{identity.generation.value}: {survey.generation_reason}"))
    root.add(Text.assemble(("ATR ", "dim"), identity.atr))
    for directory in survey.directories:
        branch = root.add(Text(directory.name, style="bold"))
        for file in directory.files:
            branch.add(_file(file))
    return root


def object_tree(survey: Survey) -> RenderableType:
    """Return the provisioning application: each PKCS#15 directory file with the objects it lists."""
    root = Tree(
        Text.assemble(("provisioning application", "bold"), f" {survey.provisioning}"),
        guide_style="dim",
    )
    listed: dict[str, Tree] = {}
    for item in survey.objects:
        parent = listed.get(item.listed_in)
        if parent is None:
            parent = listed[item.listed_in] = root.add(Text(f"listed in {item.listed_in}"))
        parent.add(_object(item))
    return root


def _file(file: SurveyedFile) -> Text:
    text = Text.assemble((file.name, "cyan"), f" {file.path}")
    if file.size is not None:
        text.append(f", {file.size} octets {file.structure}".rstrip())
    if file.access:
        text.append(f"\n{'; '.join(file.access)}", style="dim")
    if file.content:
        text.append(f"\n{file.content}", style="yellow" if file.content.startswith("(") else "green")
    return text


def _object(item: SurveyedObject) -> Text:
    text = Text.assemble(item.kind, " ", (item.name, "cyan"))
    if item.place != item.listed_in:
        text.append(f" in {item.place}")
    if item.oid:
        text.append(f", OID {item.oid}")
    if item.private:
        text.append("\nprivate: behind a PIN", style="yellow")
    return text
