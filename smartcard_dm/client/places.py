"""Where the agent's socket is when nobody says.

Guarantees: agent and clients look in the same place. Leaves to its caller: who owns what is there.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

SOCKET_VARIABLE: Final = "SMARTCARD_DM_AGENT_SOCKET"
_BELOW: Final = Path("smartcard-dm") / "agent.sock"
_SYSTEM: Final = Path("/run")


def default_socket(environ: Mapping[str, str]) -> Path:
    """Return the path of the agent's socket.

    It is $SMARTCARD_DM_AGENT_SOCKET; else smartcard-dm/agent.sock in the user's $XDG_RUNTIME_DIR; else that in /run,
    where an agent of the whole machine is.

    Args:
        environ: the environment, such as `os.environ`.
    """
    if named := environ.get(SOCKET_VARIABLE):
        return Path(named)
    # A relative XDG_RUNTIME_DIR is to be ignored: XDG Base Directory Specification, "Basics".
    runtime = Path(environ.get("XDG_RUNTIME_DIR", ""))
    return (runtime if runtime.is_absolute() else _SYSTEM) / _BELOW
