"""What the agent counts, as Prometheus reads it.

Guarantees: a registry of its own, so that nothing of another library's gets in; every label's values come from tables
of this project, never from a request, so that strangers cannot make it grow. Leaves to its caller: counting.

Spec: Prometheus exposition format 0.0.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from smartcard_dm.agent.snapshot import CardState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client.metrics_core import Metric

    from smartcard_dm.agent.service import AgentService

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_PREFIX: Final = "smartcard_dm_agent"
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """The counters of one agent."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            f"{_PREFIX}_requests", "Requests answered.", ["operation", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            f"{_PREFIX}_request_seconds",
            "From the head of a request to the end of its answer; events are not timed.",
            ["operation"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.verdicts = Counter(
            f"{_PREFIX}_verdicts",
            "Messages judged, by the rule that refused them, or authorized.",
            ["operation", "rule"],
            registry=self.registry,
        )
        self.closed = Counter(
            f"{_PREFIX}_connections_closed",
            "Connections ended without an answer or before one: peer, limit, head, timeout, malformed, stuck.",
            ["reason"],
            registry=self.registry,
        )
        self.connections = Gauge(f"{_PREFIX}_connections", "Connections open now.", registry=self.registry)
        self.watchers = Gauge(f"{_PREFIX}_watchers", "Clients that follow the events now.", registry=self.registry)
        self.releases = Counter(
            f"{_PREFIX}_releases", "Answers that held a secret.", ["operation"], registry=self.registry
        )

    def follow(self, service: AgentService, apdus: Callable[[], int]) -> None:
        """Show the state of an agent's card too.

        Args:
            service: the agent.
            apdus: how many commands were sent to cards so far.
        """
        self.registry.register(_CardCollector(service, apdus))

    def text(self) -> bytes:
        """Return the exposition."""
        return generate_latest(self.registry)


class _CardCollector(Collector):
    def __init__(self, service: AgentService, apdus: Callable[[], int]) -> None:
        self._service = service
        self._apdus = apdus

    def collect(self) -> Iterator[Metric]:
        snapshot = self._service.snapshot
        state = GaugeMetricFamily(f"{_PREFIX}_card_state", "1 for the state, 0 for others.", labels=["state"])
        for each in CardState:
            state.add_metric([each.value], float(each is snapshot.state))
        yield state
        yield GaugeMetricFamily(f"{_PREFIX}_generation", "The generation.", value=snapshot.generation)
        accounts = 0 if snapshot.credentials is None else len(snapshot.credentials.accounts)
        yield GaugeMetricFamily(f"{_PREFIX}_accounts", "Accounts that can be used now.", value=accounts)
        yield CounterMetricFamily(f"{_PREFIX}_apdus", "Commands sent to cards.", value=self._apdus())
        yield CounterMetricFamily(f"{_PREFIX}_events", "Events so far.", value=self._service.events.last)
