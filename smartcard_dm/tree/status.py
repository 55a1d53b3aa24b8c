"""The status of a command: the codes of device management, and how a command that fails says so.

Guarantees: codes and names are those of the standard. Leaves to its caller: a response, which a sessionless message
never has; the codes stand in the report.
Spec: OMA-TS-DM_RepPro-V1_2_1, 10 (response status codes).
"""

from __future__ import annotations

from enum import IntEnum


class StatusCode(IntEnum):
    """The status codes that a device management client gives."""

    OK = 200
    ACCEPTED_FOR_PROCESSING = 202
    AUTHENTICATION_ACCEPTED = 212
    CHUNK_ACCEPTED = 213
    OPERATION_CANCELLED = 214
    NOT_EXECUTED = 215
    ATOMIC_ROLL_BACK_OK = 216
    UNAUTHORIZED = 401
    FORBIDDEN = 403
    NOT_FOUND = 404
    COMMAND_NOT_ALLOWED = 405
    OPTIONAL_FEATURE_NOT_SUPPORTED = 406
    AUTHENTICATION_REQUIRED = 407
    REQUEST_TIMEOUT = 408
    INCOMPLETE_COMMAND = 412
    REQUEST_ENTITY_TOO_LARGE = 413
    URI_TOO_LONG = 414
    UNSUPPORTED_MEDIA_TYPE_OR_FORMAT = 415
    ALREADY_EXISTS = 418
    DEVICE_FULL = 420
    SIZE_MISMATCH = 424
    PERMISSION_DENIED = 425
    COMMAND_FAILED = 500
    ATOMIC_FAILED = 507
    DATA_STORE_FAILURE = 510
    ATOMIC_ROLL_BACK_FAILED = 516

    @property
    def text(self) -> str:
        """The code in words."""
        return "OK" if self is StatusCode.OK else self.name.replace("_", " ").capitalize()

    @property
    def is_success(self) -> bool:
        """Whether the command did what it was to do."""
        return self in {StatusCode.OK, StatusCode.ACCEPTED_FOR_PROCESSING}


class CommandRefused(Exception):  # noqa: N818 - no error of a caller: the answer to one command, which becomes its status
    """One command, or one of its items, is not carried out; never leaves this room.

    Args:
        status: the status it gets.
        detail: why, in one sentence; never a secret.
    """

    def __init__(self, status: StatusCode, detail: str) -> None:
        self.status = status
        self.detail = detail
        super().__init__(f"{int(status)} {status.text}: {detail}")
