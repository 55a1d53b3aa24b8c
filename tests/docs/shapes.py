"""Recipes of a page, and whether an answer has the shape of the one that the page shows."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """A command of a page, and what stands below it."""

    command: str
    kind: str
    """The language of the block below: "json", "text", or empty where there is none."""
    shown: str


def recipes(page: str) -> list[Recipe]:
    """Return the console blocks of one command each, with the block that follows at once."""
    found = re.findall(r"```console\n\$ (.*?)\n```\n(?:```(json|text)\n(.*?)```\n)?", page, re.DOTALL)
    return [Recipe(command, kind, shown) for command, kind, shown in found]


def shape(value: object) -> object:
    """Return names and kinds of a JSON value; what stands in a list has to have one of the shapes shown."""
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items()}
    if isinstance(value, list):
        return sorted({repr(shape(each)) for each in value})
    return type(value).__name__
