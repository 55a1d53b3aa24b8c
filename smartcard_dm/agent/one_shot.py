"""An agent for one question, in this process: what `agent get` asks when it is given a card instead of a socket.

Guarantees: answers, problems, what may leave and its audit are those of an agent that is started with the same
options, because the same service gives them. Leaves to its caller: reading the card.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from pydantic import ValidationError

from smartcard_dm.agent.events import EventLog
from smartcard_dm.agent.expiry import credentials_not_after
from smartcard_dm.agent.models import AUTHENTICATE, SECRET
from smartcard_dm.agent.problems import Problem
from smartcard_dm.agent.release import Caller
from smartcard_dm.agent.service import AgentService, transport_of
from smartcard_dm.agent.snapshot import CardState, Snapshot
from smartcard_dm.client.answers import error_kind
from smartcard_dm.client.helper import invalid

if TYPE_CHECKING:
    from datetime import datetime

    from smartcard_dm.agent.service import Answer, Releases
    from smartcard_dm.client.helper import HelperRequest
    from smartcard_dm.report.forms import Form
    from smartcard_dm.trust.credentials import Credentials
    from smartcard_dm.trust.policy import Policy


@dataclass(frozen=True, slots=True)
class _Kept:
    snapshot: Snapshot


class OneShot:
    """A service on a card that was read once.

    Args:
        uri: the card, as answers show it.
        credentials: what was read.
        at: when; its seconds are the generation.
        policy: of the verifier.
        releases: what may leave.
    """

    def __init__(self, uri: str, credentials: Credentials, at: datetime, policy: Policy, releases: Releases) -> None:
        until = credentials_not_after(credentials, at)
        self._uri = uri
        self._service = AgentService(
            _Kept(Snapshot(CardState.PRESENT, int(at.timestamp()), credentials, "", at, until)),
            EventLog(secrets.token_hex(8)),
            origin=uri,
            clock=lambda: at,
            policy=policy,
            releases=releases,
        )
        self._caller = Caller(secrets.token_hex(8))

    def ask(self, request: HelperRequest) -> Form:
        """Return the answer to a request, with its provenance.

        Raises:
            AgentError: the problem there is.
        """
        try:
            form = self._service.finished(self._answer(request))
        except Problem as problem:
            code = problem.code.code
            raise error_kind(code, problem.code.status)(
                code,
                problem.detail,
                problem.remedy,
                name=self._uri,
                status=int(problem.code.status),
                request_id=self._caller.request_id,
            ) from problem
        except ValidationError as error:
            place = ".".join(str(part) for part in error.errors()[0]["loc"])
            raise invalid(f"{place}: wanted what the API takes there") from None
        # Nobody follows events here, so nobody could tell when an answer that was kept ends.
        return {**form, "provenance": {**cast("Form", form["provenance"]), "cache": "no-store"}}

    def _answer(self, request: HelperRequest) -> Answer:
        match request.operation:
            case "list":
                return self._service.accounts()
            case "get":
                return self._service.account(request.server_id)
            case "verify":
                transport = transport_of(request.transport, request.secured, request.evidence)
                return self._service.verify(request.message, transport)
            case "authenticate":
                return self._service.authenticate(AUTHENTICATE.validate_json(request.call.body or b""), self._caller)
            case "secret":
                return self._service.secret(SECRET.validate_json(request.call.body or b""), self._caller)
