"""Bodies of requests, read within bounds of size, time and the memory of all of them together.

Guarantees: a body larger than its bound is refused when that is known, not when it is read; one that stops coming is
refused after a time; all bodies held at one moment together stay below a bound. Leaves to its caller: what they mean.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

from smartcard_dm.agent.problems import Problem, ProblemCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

    from smartcard_dm.limits import Limits


class Bodies:
    """Reads bodies, and counts what it holds; used in one event loop."""

    def __init__(self, limits: Limits) -> None:
        self._room = limits.agent_body_octets
        self._seconds = limits.receive_seconds

    @contextmanager
    def held(self) -> Iterator[Held]:
        """Give the room for one body, until the block ends."""
        held = Held(self)
        try:
            yield held
        finally:
            self._room += held.octets

    async def read(self, request: Request, maximum: int, held: Held) -> bytes:
        """Return the body of a request.

        Args:
            request: nothing of its body was read.
            maximum: octets.
            held: what it is counted in.

        Raises:
            Problem: it is too large, too slow, or there is no room now.
        """
        announced = request.headers.get("content-length", "")
        if announced.isascii() and announced.isdecimal() and _exceeds(announced, maximum):
            raise too_large(maximum)
        body = bytearray()
        try:
            async with asyncio.timeout(self._seconds):
                async for chunk in request.stream():
                    if len(body) + len(chunk) > maximum:
                        raise too_large(maximum)
                    held.take(len(chunk))
                    body += chunk
        except TimeoutError as error:
            raise Problem(
                ProblemCode.REQUEST_TIMEOUT, f"wanted the whole body within {self._seconds} seconds"
            ) from error
        return bytes(body)

    def take(self, octets: int) -> None:
        """Count octets that are held from now on.

        Raises:
            Problem: there is no room for them.
        """
        if octets > self._room:
            raise Problem(ProblemCode.BUSY, "the bodies of other requests fill the room there is for them")
        self._room -= octets


class Held:
    """What one body takes of the room."""

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies
        self.octets = 0

    def take(self, octets: int) -> None:
        """Count more octets.

        Raises:
            Problem: there is no room for them.
        """
        self._bodies.take(octets)
        self.octets += octets


def too_large(maximum: int) -> Problem:
    """Return the problem of a body with more octets than wanted."""
    return Problem(ProblemCode.BODY_TOO_LARGE, f"wanted at most {maximum} octets, found more")


def _exceeds(digits: str, maximum: int) -> bool:
    digits = digits.lstrip("0")
    return len(digits) > len(str(maximum)) or (bool(digits) and int(digits) > maximum)
