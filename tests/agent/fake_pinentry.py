"""A pinentry program that does what its argument says, for what a real one does not do; run as a program."""

from __future__ import annotations

import sys
import time
from pathlib import Path


def say(octets: bytes) -> None:
    sys.stdout.buffer.write(octets + b"\n")
    sys.stdout.buffer.flush()


def main(habit: str, heard: str) -> None:
    if habit == "silent":
        time.sleep(60)
    if habit == "no-greeting":
        say(b"ERR 1 not today")
        return
    if habit == "ends":
        return
    say(b"# a comment" if habit == "comment-first" else b"OK ready")
    with Path(heard).open("a", encoding="utf-8") as log:
        for line in sys.stdin:
            log.write(line)
            log.flush()
            if line.startswith("GETPIN"):
                get_pin(habit)
            elif line.startswith("OPTION") or habit == "refuses":
                say(b"ERR 83886254 Unknown option <Pinentry>")
            elif habit == "garbage":
                say(b"\xff\x00what?")
            else:
                say(b"OK")


def get_pin(habit: str) -> None:
    answers = {
        "escapes": [b"S PIN_REPEATED", b"# well", b"D %31%32", b"D 3%34", b"OK"],
        "nothing": [b"OK"],
        "cancel": [b"ERR 83886179 Operation cancelled <Pinentry>"],
        "timeout": [b"ERR 83886142 Timeout <Pinentry>"],
        "fails": [b"ERR 83886340 Inappropriate ioctl for device 1234"],
        "inquires": [b"INQUIRE QUALITY 1234"],
        "long-line": [b"D " + b"1" * 2000, b"OK"],
        "endless": [b"D 1234" * 100] * 1000,
        "no-end": [b"D 1234"],
        "carriage-return": [b"D 1234\r", b"OK\r"],
    }
    for answer in answers.get(habit, []):
        say(answer)
    if habit == "dies":
        sys.exit(1)
    if habit == "stubborn":
        time.sleep(60)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
