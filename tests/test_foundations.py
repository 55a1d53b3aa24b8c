"""Floor F0: limits, secrets and the exception tree keep their promises."""

from __future__ import annotations

import inspect
import pickle

import pytest

from smartcard_dm import errors
from smartcard_dm.errors import DecodeError, LimitExceededError, SmartcardDmError, UnsupportedError, WbxmlError
from smartcard_dm.identity import Origin
from smartcard_dm.limits import DEFAULT_LIMITS, Limits
from smartcard_dm.secret import Secret


def tree() -> list[type[Exception]]:
    return [value for value in vars(errors).values() if inspect.isclass(value) and issubclass(value, Exception)]


@pytest.mark.parametrize("kind", tree(), ids=lambda kind: kind.__name__)
def test_every_error_is_ours_and_named_so(kind: type[Exception]) -> None:
    assert issubclass(kind, SmartcardDmError)
    assert kind.__name__.endswith("Error")
    assert not issubclass(kind, ValueError | TypeError | OSError)
    assert kind.__name__ in (errors.__doc__ or "")


def test_the_base_is_never_raised_itself() -> None:
    with pytest.raises(TypeError, match="culprit"):
        SmartcardDmError("text")


def test_a_decode_error_says_what_where_wanted_and_found() -> None:
    error = WbxmlError("WBXML header", "not a version", offset=16, place="/a", wanted="1.2", found="9.9")
    assert str(error) == "WBXML header at /a at offset 16 (0x10): not a version (wanted 1.2, found 9.9)"
    assert isinstance(error, DecodeError)
    assert str(UnsupportedError("a feature")) == "not supported: a feature"
    assert str(UnsupportedError("a feature", "why")) == "not supported: a feature (why)"


def test_a_bound_is_named() -> None:
    error = LimitExceededError("EF.DIR", "dir_records", 64, found="65")
    assert (error.limit, str(error)) == (
        "dir_records",
        "EF.DIR: larger than the bound Limits.dir_records (wanted at most 64, found 65)",
    )


@pytest.mark.parametrize("value", [0, -1, True, 1.5, "1"])
def test_a_limit_is_a_positive_integer(value: object) -> None:
    with pytest.raises(ValueError, match="dir_records"):
        Limits(dir_records=value)  # type: ignore[arg-type] # the point of the test


def test_every_limit_is_used_and_explained() -> None:
    source = inspect.getsource(Limits)
    for name in Limits.__slots__:
        assert f"{name}: int" in source
        assert getattr(DEFAULT_LIMITS, name) > 0


def test_a_secret_is_never_shown() -> None:
    secret = Secret(b"hunter2")
    assert "hunter2" not in f"{secret} {secret!r} {secret!s:>40}" + repr({"a": [secret]})
    assert secret.reveal() == b"hunter2"
    assert len(secret) == 7


def test_a_secret_is_compared_but_not_hashed_pickled_or_made_of_text() -> None:
    assert Secret(b"a") == Secret(b"a")
    assert Secret(b"a") != Secret(b"b")
    assert (Secret(b"a") == b"a") is False
    with pytest.raises(TypeError, match="hashable"):
        hash(Secret(b"a"))
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(Secret(b"a"))
    with pytest.raises(TypeError, match="bytes"):
        Secret("a")  # type: ignore[arg-type] # the point of the test


def test_an_origin_is_a_sentence() -> None:
    assert str(Origin("DM bootstrap", "7F50/6431", "2.23.43.7.1")) == "DM bootstrap in 7F50/6431"
