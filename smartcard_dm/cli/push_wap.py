"""`smartcard-dm push wap`."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import click

from smartcard_dm.card.subscriber import read_imsi
from smartcard_dm.cli.card_access import CardAccess, optional_card_options
from smartcard_dm.cli.exits import reported
from smartcard_dm.cli.inputs import INPUT_FILE, STDIN
from smartcard_dm.cli.options import json_option
from smartcard_dm.cli.output import STDOUT, print_json, print_problem, print_text, stdout_is_terminal, write_octets
from smartcard_dm.cli.pushing import DOCUMENT_ADVICE, as_is_option, document_in
from smartcard_dm.cli.subscriber_access import IMSI_ADVICE, METHODS, sender_options
from smartcard_dm.cli.usage import usage_error
from smartcard_dm.cli.wap_options import NUMBER, NUMBER_OR_NAME, PLACE
from smartcard_dm.errors import KeyMaterialError
from smartcard_dm.push.arrival import CP_WBXML, DM_WBXML
from smartcard_dm.push.pushed import WapPushed
from smartcard_dm.push.sec_mac import MacKeys, SecMethod, check_digits
from smartcard_dm.push.segmentation import segment, sms_deliver, sms_submit
from smartcard_dm.push.sms_address import Address
from smartcard_dm.push.sms_pdu import Pdu
from smartcard_dm.push.wap_push import compose_wap_push
from smartcard_dm.push.wap_udp import send_udp, shown_place
from smartcard_dm.report.pushed import wap_pushed_form, wap_pushed_lines

if TYPE_CHECKING:
    from smartcard_dm.cli.inputs import InputFile
    from smartcard_dm.cli.subscriber_access import SubscriberAccess
    from smartcard_dm.secret import Secret

_CONTENT: Final = {"dm": DM_WBXML, "cp": CP_WBXML}
_SENDER: Final = Address.from_text("DM server")
"""Whom a phone is told that a short message came from, where nobody says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ways:
    """How the push leaves; exactly one of the first three is asked for."""

    pdu: bool
    udp: tuple[str, int] | None
    wsp: bool
    to: Address | None
    sender: Address | None
    reference: int | None
    wide: bool
    output: str | None

    def check(self) -> None:
        """Refuse a command line whose options do not go together.

        Raises:
            click.UsageError: they do not.
        """
        if self.pdu + (self.udp is not None) + self.wsp != 1:
            raise usage_error(
                "say how it leaves: --pdu for short messages, --udp HOST for a datagram, or --wsp -o FILE"
            )
        if not self.pdu and (self.to or self.sender or self.reference is not None):
            raise usage_error("--to, --from and --reference go with --pdu")
        if self.to and self.sender:
            raise usage_error("give --to for what a modem sends, or --from for what a phone is handed")
        if self.reference is not None and self.reference > (0xFFFF if self.wide else 0xFF):
            raise usage_error("--reference is at most 255, or with --reference-bits 16 at most 65535")
        if self.wsp != (self.output is not None):
            raise usage_error("--wsp and -o FILE go together")
        if self.output == STDOUT and stdout_is_terminal():
            raise usage_error("-o -: standard output is a terminal; send it to a file or a pipe")


@click.command()
@click.argument("file", type=INPUT_FILE, default=STDIN)
@click.option("--pdu", is_flag=True, help="Print short messages, a line of hexadecimal each, service centre in front.")
@click.option("--to", metavar="NUMBER", type=NUMBER, help="Whom a modem sends them to: SMS-SUBMIT, for AT+CMGS.")
@click.option(
    "--from",
    "sender",
    metavar="NUMBER",
    type=NUMBER_OR_NAME,
    help="Whom they come from, a number or a name: SMS-DELIVER, as a phone is handed them.  "
    "[default without --to: DM server]",
)
@click.option(
    "--reference", type=click.IntRange(0, 0xFFFF), metavar="N", help="Reference of their set.  [default: any]"
)
@click.option(
    "--reference-bits",
    type=click.Choice(["8", "16"]),
    default="8",
    show_default=True,
    metavar="BITS",
    help="Its width: 8, which every phone reads, or 16.",
)
@click.option("--udp", type=PLACE, metavar="HOST[:PORT]", help="Send one datagram of WSP.  [default port: 2948]")
@click.option("--wsp", is_flag=True, help="Write the WSP push by itself, with -o FILE.")
@click.option("-o", "output", metavar="FILE", help="File to write; - is standard output.")
@click.option(
    "--sec",
    type=click.Choice(METHODS, case_sensitive=False),
    default="NETWPIN",
    show_default=True,
    metavar="METHOD",
    help=f"What proves the push: {', '.join(METHODS)}.",
)
@click.option(
    "--content",
    type=click.Choice(list(_CONTENT)),
    default="dm",
    show_default=True,
    metavar="KIND",
    help="What FILE holds: dm, a message, or cp, a client provisioning document.",
)
@as_is_option
@sender_options
@optional_card_options
@json_option
def command(  # noqa: PLR0913 - one argument for each option
    file: InputFile,
    sec: str,
    content: str,
    subscriber: SubscriberAccess,
    access: CardAccess | None,
    to: Address | None,
    sender: Address | None,
    reference: int | None,
    reference_bits: str,
    udp: tuple[str, int] | None,
    output: str | None,
    *,
    pdu: bool,
    wsp: bool,
    as_is: bool,
    as_json: bool,
) -> None:
    """Push a message over WAP: as short messages for a modem, as one datagram, or as a file.

    FILE holds one WBXML document; without one it is standard input. NETWPIN proves it by the subscriber's IMSI, which
    --imsi-env or --imsi-fd give or the card of --card has; USERPIN by a PIN that the user was told; USERNETWPIN by
    both. USERPINMAC sends no proof: the user is told the PIN and the check digits that this command prints.

    \b
    Examples:
      smartcard-dm push wap message.wbxml --pdu --to +491711234567 --imsi-env IMSI
      smartcard-dm push wap message.wbxml --udp 127.0.0.1 --imsi-env IMSI
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    ways = _Ways(
        pdu=pdu, udp=udp, wsp=wsp, to=to, sender=sender, reference=reference, wide=reference_bits == "16", output=output
    )
    ways.check()
    method = SecMethod[sec]
    _check_keys(method, subscriber, access)
    with reported(as_json=as_json, thing=file.name, advice=DOCUMENT_ADVICE[content]):
        document = document_in(file, content=content, as_is=as_is)
    keys = _keys(method, subscriber, access, as_json=as_json)
    with reported(as_json=as_json, thing=file.name):
        digits = None if method is not SecMethod.USERPINMAC else _check_digits(keys, document)
        push = compose_wap_push(
            document, content_type=_CONTENT[content], method=method, keys=keys, transaction_id=secrets.randbelow(0x100)
        )
        pdus = _short_messages(push, ways) if pdu else ()
        if udp is not None:
            send_udp(push, *udp)
    if output is not None:
        write_octets(output, push)
    done = WapPushed(
        method=method,
        content_type=_CONTENT[content],
        octets=len(document),
        push_octets=len(push),
        pdus=pdus,
        to=str(to) if to else None if udp is None else shown_place(*udp),
        file=output,
        check_digits=None if digits is None else digits.reveal().decode("ascii"),
    )
    _tell(done, as_json=as_json and output != STDOUT)


def _check_keys(method: SecMethod, subscriber: SubscriberAccess, access: CardAccess | None) -> None:
    """Refuse a command line that gives no key, or one that nothing is done with.

    Raises:
        click.UsageError: it does.
    """
    if method.needs_network_key and not subscriber.has_imsi and access is None:
        raise usage_error(f"{method.name} is made with an IMSI: give --imsi-env, --imsi-fd, or --card for the card's")
    if method.needs_user and not subscriber.has_user_pin:
        raise usage_error(
            f"{method.name} is made with the PIN the user knows: "
            "give --user-pin-env, --user-pin-fd or --user-pin-prompt"
        )
    if not method.needs_network_key and (subscriber.has_imsi or access is not None):
        raise usage_error(f"{method.name} uses no IMSI: leave --imsi-env, --imsi-fd and --card out")
    if not method.needs_user and subscriber.has_user_pin:
        raise usage_error(f"{method.name} uses no PIN of the user: leave it out, or give --sec USERNETWPIN")
    if subscriber.has_imsi and access is not None:
        raise usage_error("the IMSI is given twice: leave --card out, or --imsi-env and --imsi-fd")


def _keys(method: SecMethod, subscriber: SubscriberAccess, access: CardAccess | None, *, as_json: bool) -> MacKeys:
    imsi: Secret | None = subscriber.imsi()
    if access is not None:
        with reported(as_json=as_json, thing=access.uri), access.open() as card:
            imsi = read_imsi(card)
    pin = subscriber.user_pin()
    with reported(as_json=as_json, advice=None if access else IMSI_ADVICE):
        try:
            if imsi is None:
                return MacKeys(user_pin=pin)
            return MacKeys.from_imsi(imsi, user_pin=pin, name="the card's IMSI" if access else "the IMSI given")
        except ValueError as error:
            raise usage_error(f"{method.name}: {error}") from error


def _check_digits(keys: MacKeys, document: bytes) -> Secret:
    assert keys.user_pin is not None  # noqa: S101 - was checked for
    try:
        return check_digits(keys.user_pin, document)
    except KeyMaterialError as error:
        raise usage_error(f"USERPINMAC: {error}") from error


def _short_messages(push: bytes, ways: _Ways) -> tuple[Pdu, ...]:
    reference = secrets.randbelow(0x10000 if ways.wide else 0x100) if ways.reference is None else ways.reference
    parts = segment(push, reference, wide=ways.wide)
    if ways.to is not None:
        return tuple(Pdu(submit.encode()) for submit in sms_submit(parts, ways.to))
    now = datetime.now(UTC).replace(microsecond=0)
    return tuple(Pdu(deliver.encode()) for deliver in sms_deliver(parts, ways.sender or _SENDER, now))


def _tell(done: WapPushed, *, as_json: bool) -> None:
    if as_json:
        print_json(wap_pushed_form(done))
    elif done.pdus:
        write_octets(STDOUT, "".join(f"{each.line()}\n" for each in done.pdus).encode("ascii"))
    elif done.file != STDOUT:
        print_text(wap_pushed_lines(done))
    if done.check_digits is not None and not as_json:
        print_problem(f"tell the user the PIN, and behind it these check digits: {done.check_digits}")
