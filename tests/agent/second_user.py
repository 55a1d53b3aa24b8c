"""Talks to a socket as another user; run as a process by tests/agent/test_peers.py.

`second_user.py UID GID PATH [GROUPS]`: prints as JSON what came back for one request.
"""

from __future__ import annotations

import json
import os
import socket
import sys


def main() -> None:
    uid, gid, path = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    os.setgroups([int(each) for each in sys.argv[4].split(",")] if len(sys.argv) > 4 else [])
    os.setgid(gid)
    os.setuid(uid)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(10)
        try:
            connection.connect(path)
        except OSError as error:
            print(json.dumps({"uid": os.getuid(), "connect": type(error).__name__}))  # noqa: T201 - it is asked for
            return
        answer = b""
        try:
            connection.sendall(b"GET /v1/card HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            while part := connection.recv(65536):
                answer += part
        except (BrokenPipeError, ConnectionResetError):
            pass
    print(json.dumps({"uid": os.getuid(), "connect": None, "answer": answer.decode()}))  # noqa: T201 - same


if __name__ == "__main__":
    main()
