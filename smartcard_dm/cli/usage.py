"""A command line that cannot be obeyed.

Guarantees: such an error knows the command it belongs to, so that its line can say where help is.
"""

from __future__ import annotations

import click


def usage_error(text: str) -> click.UsageError:
    """Return the error of a command line that cannot be obeyed, for the command that is running."""
    return click.UsageError(text, ctx=click.get_current_context(silent=True))
