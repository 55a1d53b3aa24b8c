"""Generated parts of a document: what stands between two comments is replaced, everything else is left alone."""

from __future__ import annotations


def replace_part(document: str, name: str, content: str) -> str:
    """Return a document with the part `name` replaced; the part is named by two comments of their own lines.

    Raises:
        ValueError: the document has not exactly one part of that name.
    """
    begin, end = f"<!-- begin: {name} -->\n", f"<!-- end: {name} -->\n"
    before, found, rest = document.partition(begin)
    _, ended, after = rest.partition(end)
    if not found or not ended or begin in after:
        raise ValueError(f"wanted one part {name!r} between {begin.strip()} and {end.strip()}")
    return f"{before}{begin}\n{content.strip()}\n\n{end}{after}"


def read_part(document: str, name: str) -> str:
    """Return the part `name` of a document, without the white space around it."""
    return document.partition(f"<!-- begin: {name} -->\n")[2].partition(f"<!-- end: {name} -->\n")[0].strip()
