"""`smartcard-dm vcard serve`."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from smartcard_dm.cli.exits import reported
from smartcard_dm.cli.options import json_option
from smartcard_dm.cli.output import print_line
from smartcard_dm.cli.program import CommandGroup
from smartcard_dm.cli.signals import stop_on_signals
from smartcard_dm.cli.usage import usage_error
from smartcard_dm.errors import CardConnectionError, DecodeError
from smartcard_dm.personalise import GENERATORS
from vendor_pcsc.errors import BridgeError, ProfileError
from vendor_pcsc.virtual import insert_card, load_profile
from vendor_pcsc.virtual.vpcd import VPCD_HOST, VPCD_PORT, VpcdEvent, serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from vendor_pcsc.virtual import Profile
    from vendor_pcsc.virtual.vpcd import Card

_WAIT_SECONDS = 10.0


@click.group(cls=CommandGroup)
def command() -> None:
    """Virtual cards from profile files, for any PC/SC program."""


@command.command(name="serve", short_help="Put a card into a virtual reader of pcscd.")
@click.argument("profile", type=click.Path(path_type=Path))
@click.option("--host", default=VPCD_HOST, show_default=True, help="Where vpcd listens; a loopback address.")
@click.option("--port", type=click.IntRange(1, 65535), default=VPCD_PORT, show_default=True, help="Its TCP port.")
@click.option(
    "--engine",
    type=click.Choice(["python", "jcardsim"]),
    default="python",
    show_default=True,
    help="What runs the card: this process, or a Java Card applet under jCardSim (needs a JDK and Maven).",
)
@json_option
def serve_command(profile: Path, host: str, port: int, engine: str, *, as_json: bool) -> None:
    """Put the card that PROFILE describes into a virtual reader, until Ctrl-C or SIGTERM.

    Needs a running pcscd with vsmartcard-vpcd, whose first reader listens on port 35963. The card stays through
    resets, power cycles and restarts of pcscd.

    \b
    Examples:
      smartcard-dm vcard serve usim.yaml
      smartcard-dm vcard serve usim.yaml --engine jcardsim
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    with reported(as_json=as_json, thing=str(profile)):
        try:
            loaded = load_profile(profile, generators=GENERATORS)
            with stop_on_signals() as stop, _engine(engine, loaded) as card:
                serve(card, host, port, stop=stop, wait_seconds=_WAIT_SECONDS, on_event=_tell)
        except ProfileError as error:
            if isinstance(error.__cause__, OSError):
                raise CardConnectionError(
                    f"card profile {profile} cannot be read: {error.__cause__.strerror}"
                ) from error
            raise DecodeError("card profile", error.detail, place=error.place) from error
        except BridgeError as error:
            raise CardConnectionError(str(error)) from error


def _tell(event: VpcdEvent) -> None:
    print_line(f"card {event.value}" if event is not VpcdEvent.LOST else "reader lost: looking for it")


@contextmanager
def _in_process(profile: Profile) -> Iterator[Card]:
    yield insert_card(profile)


def _engine(name: str, profile: Profile) -> AbstractContextManager[Card]:
    if name == "python":
        return _in_process(profile)
    try:
        from vendor_pcsc.virtual.jcardsim import JCardSimCard  # noqa: PLC0415 - POSIX only, and only when asked for
    except ImportError as error:
        raise usage_error("--engine jcardsim: not available on this system") from error
    return JCardSimCard(profile)
