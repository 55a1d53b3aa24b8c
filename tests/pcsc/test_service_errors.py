"""Nothing of pyscard passes the bridge: its exceptions, its results, and its absence."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from threading import Event
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from vendor_pcsc import pcsc_service
from vendor_pcsc.errors import BridgeError, CardRemovedError, ReaderError, TransmitError
from vendor_pcsc.monitor import watch
from vendor_pcsc.pcsc_service import (
    FOREIGN_ERRORS,
    RESULT_ERRORS,
    PcscContext,
    PcscService,
    ReaderBusyError,
    foreign_error,
    possible_holders,
    result_error,
)
from vendor_pcsc.pyscard_bridge import PcscConnection
from vendor_pcsc.readers import connect, list_readers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SECRET = bytes.fromhex("0020000108 3132333435363738")
SUCCESS = 0


def pyscard_exceptions() -> list[type[Exception]]:
    """Return every exception class pyscard defines, in whatever module."""
    PcscService()  # says what to install when there is no pyscard
    package = importlib.import_module("smartcard")
    names = [each.name for each in pkgutil.walk_packages(package.__path__, "smartcard.") if ".wx" not in each.name]
    modules = [importlib.import_module(each) for each in names]
    found = {
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Exception)
        if value.__module__.split(".")[0] in {"smartcard", "scard"}
    }
    return sorted(found, key=lambda each: (each.__module__, each.__name__))


def pyscard_results() -> dict[str, int]:
    scard = importlib.import_module("smartcard.scard")
    return {
        name: getattr(scard, name) & 0xFFFFFFFF
        for name in dir(scard)
        if name.startswith(("SCARD_E_", "SCARD_W_", "SCARD_F_", "SCARD_P_"))
    }


def made(kind: type[Exception]) -> Exception:
    """Return an instance without running a constructor that differs from class to class."""
    return kind.__new__(kind)


def test_pyscard_defines_the_exceptions_it_is_known_for() -> None:
    names = {each.__name__ for each in pyscard_exceptions()}
    assert {"NoCardException", "CardConnectionException", "EstablishContextException", "error"} <= names


@pytest.mark.parametrize("kind", pyscard_exceptions(), ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_every_exception_of_pyscard_has_its_row(kind: type[Exception]) -> None:
    assert kind.__name__ in FOREIGN_ERRORS
    error = foreign_error(made(kind), "reader")
    assert type(error) is FOREIGN_ERRORS[kind.__name__]
    assert type(error) is not BridgeError


def test_a_known_result_goes_before_the_class() -> None:
    error = made(next(each for each in pyscard_exceptions() if each.__name__ == "CardConnectionException"))
    error.hresult = 0x80100069 - (1 << 32)  # type: ignore[attr-defined] # pyscard's own attribute
    assert isinstance(foreign_error(error, "reader"), CardRemovedError)


def test_an_exception_of_no_library_is_an_exchange_that_failed() -> None:
    assert type(foreign_error(ValueError("octets 3132"), "reader")) is TransmitError
    assert "3132" not in str(foreign_error(ValueError("octets 3132"), "reader"))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("SCARD_E_NO_SERVICE", ReaderError),
        ("SCARD_E_SERVICE_STOPPED", ReaderError),
        ("SCARD_E_UNKNOWN_READER", ReaderError),
        ("SCARD_E_READER_UNAVAILABLE", ReaderError),
        ("SCARD_E_NO_READERS_AVAILABLE", ReaderError),
        ("SCARD_E_SHARING_VIOLATION", ReaderBusyError),
        ("SCARD_E_NO_SMARTCARD", CardRemovedError),
        ("SCARD_W_REMOVED_CARD", CardRemovedError),
        ("SCARD_W_RESET_CARD", CardRemovedError),
        ("SCARD_W_UNPOWERED_CARD", CardRemovedError),
        ("SCARD_W_UNRESPONSIVE_CARD", TransmitError),
        ("SCARD_E_NOT_TRANSACTED", TransmitError),
        ("SCARD_F_INTERNAL_ERROR", TransmitError),
    ],
)
def test_results_become_the_errors_they_mean(name: str, kind: type[BridgeError]) -> None:
    error = result_error(pyscard_results()[name], "reader 1")
    assert isinstance(error, kind)
    assert str(error).startswith("reader 1: ")


def test_every_result_of_pyscard_becomes_an_error_of_the_bridge() -> None:
    for name, code in pyscard_results().items():
        error = result_error(code, "reader", "text")
        assert isinstance(error, BridgeError), name
        assert type(error) is not BridgeError, name


def test_every_row_is_a_result_pyscard_knows() -> None:
    assert set(RESULT_ERRORS) <= set(pyscard_results().values())


# A stand-in for pyscard ----------------------------------------------------------------------------------------------


class FakeScard(ModuleType):
    """PC/SC functions that answer what a test wants."""

    READER = "Fake 00 00"

    def __init__(self) -> None:
        super().__init__("smartcard.scard")
        self.answers: dict[str, Any] = {
            "SCardEstablishContext": [SUCCESS, 1],
            "SCardReleaseContext": SUCCESS,
            "SCardListReaders": [SUCCESS, [self.READER]],
            "SCardGetStatusChange": [SUCCESS, [(self.READER, 0x22, [0x3B, 0x00])]],
            "SCardConnect": [SUCCESS, 7, 2],
            "SCardDisconnect": SUCCESS,
            "SCardBeginTransaction": SUCCESS,
            "SCardEndTransaction": SUCCESS,
            "SCardReconnect": [SUCCESS, 2],
            "SCardGetAttrib": [SUCCESS, []],
            "SCardTransmit": [SUCCESS, [0x90, 0x00]],
            "SCardGetErrorMessage": "text",
        }
        self.calls: list[str] = []
        for name in importlib.import_module("smartcard.scard").__dict__:
            if name.startswith(("SCARD_", "ERROR_")):
                setattr(self, name, importlib.import_module("smartcard.scard").__dict__[name])

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in self.answers:
            raise AttributeError(name)

        def function(*_: object) -> object:
            self.calls.append(name)
            answer = self.answers[name]
            if isinstance(answer, Exception):
                raise answer
            return answer

        return function


@pytest.fixture
def scard(monkeypatch: pytest.MonkeyPatch) -> FakeScard:
    fake = FakeScard()
    monkeypatch.setitem(sys.modules, "smartcard.scard", fake)
    monkeypatch.setattr("vendor_pcsc.pyscard_bridge.REMOVAL_SECONDS", 0.0)
    monkeypatch.setattr("vendor_pcsc.pyscard_bridge.POLL_SECONDS", 0.0)
    return fake


def do_everything() -> bytes:
    list_readers()
    connection = connect()
    try:
        with connection.transaction():
            answer = connection.transmit(SECRET)
        connection.reset()
    finally:
        connection.close()
    return answer


def test_the_stand_in_works(scard: FakeScard) -> None:
    assert do_everything() == b"\x90\x00"
    assert set(scard.calls) == set(scard.answers) - {"SCardGetErrorMessage"}


@pytest.mark.parametrize("how", ["raises", "returns"])
@pytest.mark.parametrize(
    "function",
    [
        "SCardEstablishContext",
        "SCardListReaders",
        "SCardGetStatusChange",
        "SCardConnect",
        "SCardBeginTransaction",
        "SCardReconnect",
        "SCardTransmit",
    ],
)
def test_only_errors_of_the_bridge_come_out(scard: FakeScard, function: str, how: str) -> None:
    for code in {*pyscard_results().values(), 0x80109999} - {0x8010002E}:
        scard.answers[function] = RuntimeError(SECRET.hex()) if how == "raises" else [code, [0x31, 0x32]]
        with pytest.raises(BridgeError) as caught:
            do_everything()
        assert SECRET.hex() not in str(caught.value)
        assert "3132" not in str(caught.value)
        if how == "raises":
            break


@pytest.mark.parametrize("function", ["SCardEndTransaction", "SCardDisconnect", "SCardReleaseContext"])
def test_what_cannot_be_given_back_is_gone(scard: FakeScard, function: str) -> None:
    scard.answers[function] = 0x80100003
    assert do_everything() == b"\x90\x00"
    scard.answers[function] = RuntimeError("lost")
    assert do_everything() == b"\x90\x00"


def test_the_context_is_given_back_when_connecting_fails(scard: FakeScard) -> None:
    scard.answers["SCardConnect"] = [0x80100066, 0, 0]
    with pytest.raises(TransmitError, match="does not answer to reset"):
        PcscConnection(scard.READER)
    assert scard.calls.count("SCardEstablishContext") == scard.calls.count("SCardReleaseContext")


def test_an_answer_without_status_word_is_none(scard: FakeScard) -> None:
    scard.answers["SCardTransmit"] = [SUCCESS, [0x90]]
    with pytest.raises(TransmitError, match="at least 2 octets, this one 1"):
        do_everything()


def test_no_reader_is_no_error_for_the_list(scard: FakeScard) -> None:
    scard.answers["SCardListReaders"] = [0x8010002E, []]
    assert list_readers() == ()
    with pytest.raises(ReaderError, match="no reader is attached"):
        connect()


@pytest.mark.parametrize("module", ["smartcard.scard", "smartcard"])
def test_without_pyscard_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    for name in [each for each in sys.modules if each.split(".")[0] == "smartcard"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    for use in (list_readers, connect, PcscContext, lambda: PcscConnection("any"), lambda: next(watch(Event()))):
        with pytest.raises(ReaderError, match=r"pip install smartcard-dm\[pcsc\]"):
            use()


# Who holds the reader ------------------------------------------------------------------------------------------------


def process(proc: Path, number: int, name: str, maps: str) -> None:
    folder = proc / str(number)
    folder.mkdir()
    (folder / "comm").write_text(name + "\n")
    (folder / "maps").write_text(maps)


def test_programs_with_the_library_are_named(tmp_path: Path) -> None:
    process(tmp_path, 17, "scdaemon", "7f00 r-xp /usr/lib/x86_64-linux-gnu/libpcsclite.so.1.0.0\n")
    process(tmp_path, 18, "other", "7f00 r-xp /usr/lib/libc.so.6\n")
    process(tmp_path, 19, "self", "libpcsclite.so.1")
    (tmp_path / "self").symlink_to(tmp_path / "19")
    (tmp_path / "sys").mkdir()
    assert possible_holders(tmp_path) == ("scdaemon (17)",)


def test_where_nothing_can_be_read_usual_ones_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert possible_holders(tmp_path / "none") == ()
    monkeypatch.setattr(pcsc_service, "possible_holders", lambda: ())
    assert "scdaemon of GnuPG" in str(result_error(0x8010000B, "reader"))
