"""The agent's log: JSON Lines that hold what the code names and nothing else."""

from __future__ import annotations

import io
import json
import logging
import os
from threading import Thread
from time import sleep

import pytest

from smartcard_dm.agent import logs

SECRET = "a shared secret of 32 octets, ok"


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_has_its_fields(stream: io.StringIO) -> None:
    handler = logs.configure("info", stream)
    try:
        logs.log(logging.INFO, "request", operation="card", status=200, code=None)
        logs.log(logging.DEBUG, "not asked for")
    finally:
        logs.remove(handler)
    logs.log(logging.ERROR, "after the end")
    (line,) = lines(stream)
    assert line.pop("time")
    assert line == {"level": "info", "event": "request", "operation": "card", "status": 200, "code": None}


def test_a_library_is_heard_without_what_its_exceptions_quote(stream: io.StringIO) -> None:
    handler = logs.configure("info", stream)
    try:
        try:
            raise ValueError(SECRET)  # noqa: TRY301 - the exception is the test
        except ValueError:
            logging.getLogger("uvicorn.error").exception("something\nwent wrong")
        logging.getLogger("asyncio").info("not a warning")
    finally:
        logs.remove(handler)
    (line,) = lines(stream)
    assert line["message"] == "something\nwent wrong"
    assert str(line["fault"]).startswith("ValueError at tests/agent/test_logs.py:")
    assert SECRET not in stream.getvalue()


def test_what_was_set_is_put_back(stream: io.StringIO) -> None:
    logs.remove(logs.configure("error", stream))
    assert logs.LOGGER.handlers == []
    assert logs.LOGGER.propagate
    assert logging.getLogger("uvicorn").level == logging.NOTSET


def test_nobody_waits_for_who_does_not_read() -> None:
    reading, writing = os.pipe()
    found: list[dict[str, object]] = []
    with open(reading, "rb") as reader:  # noqa: PTH123 - descriptors, not paths
        late = Thread(target=lambda: found.extend(map(json.loads, reader)))
        with open(writing, "w") as writer:  # noqa: PTH123 - same
            handler = logs.configure("info", writer)
            for number in range(2 * logs.KEPT_LINES):
                logs.log(logging.INFO, "request", number=number)
            late.start()
            while len(found) < logs.KEPT_LINES:
                sleep(0.01)
            logs.log(logging.INFO, "last")
            while found[-1]["event"] != "last":
                sleep(0.01)
            logs.remove(handler)
        late.join()
    assert [line.get("number") for line in found[: logs.KEPT_LINES]] == list(range(logs.KEPT_LINES))
    # The pipe takes some lines by itself, so there may be more than one gap: each is told where it is, with its size.
    reached = 0
    for line in found[:-1]:
        if line["event"] == "lines-lost":
            assert line["level"] == "warning"
            assert isinstance(line["lines"], int)
            assert line["lines"] > 0
            reached += line["lines"]
        else:
            assert line["number"] == reached
            reached += 1
    assert reached == 2 * logs.KEPT_LINES
    assert "lines-lost" in [line["event"] for line in found]


def test_a_log_that_nobody_reads_any_more_ends_nothing() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as writer:  # noqa: PTH123 - same
        handler = logs.configure("info", writer)
        logs.log(logging.INFO, "request")
        logs.remove(handler)
    logs.remove(logs.configure("info", None))
