"""Schemathesis against the committed document: no fault of the agent, and no answer that the document does not have.

It runs through the real socket: what it makes goes the way of a client's requests, peers and heads included.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from requests.adapters import HTTPAdapter
from schemathesis.config import SchemathesisConfig
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from smartcard_dm.agent.release import Allowed, AuditFile
from smartcard_dm.agent.service import Releases
from smartcard_dm.tree import DeviceTree
from tests.agent.moved import NOW, MovedSource
from tests.agent.serving import DM_WBXML, DOCUMENT, SIGNED, USIM, WAIT_SECONDS, ServedAgent, connected
from tests.tree.device import INFORMATION

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path

EXAMPLES: Final = 25
STREAMED: Final = "watch"
CONFIG: Final = SchemathesisConfig.from_dict(
    {
        "checks": {
            # A well-formed request about another generation, or about what a card has not, is no fault of either side.
            "positive_data_acceptance": {"expected-statuses": ["2xx", "403", "404", "409", "410"]},
            "negative_data_rejection": {"expected-statuses": ["4xx"]},
        }
    }
)

schemathesis.openapi.media_type(
    DM_WBXML,
    st.one_of(
        st.just(SIGNED),
        st.binary(max_size=200),
        st.tuples(st.integers(0, len(SIGNED) - 1), st.integers(0, 255)).map(
            lambda at: SIGNED[: at[0]] + bytes((at[1],)) + SIGNED[at[0] + 1 :]
        ),
    ),
)
schema = schemathesis.openapi.from_dict(DOCUMENT, config=CONFIG)


class _Connection(HTTPConnection):
    path: Path

    def _new_conn(self) -> socket.socket:
        return connected(self.path, WAIT_SECONDS)


class _Adapter(HTTPAdapter):
    """Takes every URL to one Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        connection = type("_ToOneSocket", (_Connection,), {"path": path})
        pool = type("_OneSocketPool", (HTTPConnectionPool,), {"ConnectionCls": connection})
        self._pool = pool("localhost")

    def get_connection_with_tls_context(self, *_: Any, **__: Any) -> Any:  # noqa: ANN401 - requests' own
        return self._pool

    def close(self) -> None:
        self._pool.close()
        super().close()


@pytest.fixture(scope="module", params=["present", "absent"])
def agent(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedAgent]:
    folder = tmp_path_factory.mktemp("agent")
    with (
        DeviceTree.create(None, INFORMATION, at=NOW) as tree,
        AuditFile(folder / "audit.jsonl") as audit,
        ServedAgent(
            MovedSource(USIM if request.param == "present" else None),
            folder,
            tree=tree,
            releases=Releases(secret=Allowed.named(["com.example.dms"]), audit=audit),
        ) as served,
    ):
        assert served.keeper.snapshot.state.value == request.param
        yield served


@pytest.fixture(scope="module")
def session(agent: ServedAgent) -> Iterator[requests.Session]:
    with requests.Session() as made:
        made.trust_env = False
        made.mount("http://", _Adapter(agent.path))
        yield made


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=list(HealthCheck),
)
def test_the_agent_answers_as_its_document_says(case: schemathesis.Case[Any], session: requests.Session) -> None:
    if case.operation.definition.raw["operationId"] == STREAMED and str(case.query.get("follow", True)).lower() in {
        "true",
        "1",
        "on",
        "yes",
        "t",
        "y",
    }:
        case.query["follow"] = "false"  # the stream has no end: tests/agent/test_event_stream.py follows it
    case.call_and_validate(base_url="http://localhost", session=session, timeout=WAIT_SECONDS)


def test_the_accounts_of_the_card_are_answered_about(agent: ServedAgent) -> None:
    """What schemathesis cannot know: requests that get to the end of each operation."""
    present = agent.keeper.snapshot.state.value == "present"
    wanted = 200 if present else 409
    assert agent.post("/v1/authenticate", {"server_id": "com.example.dms", "type": "md5"}).status == wanted
    assert agent.post("/v1/secret", {"server_id": "com.example.dms"}).status == wanted
    assert agent.verify().status == wanted
    assert agent.apply().status == wanted
