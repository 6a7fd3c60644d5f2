"""Three brokers that stand in for each other, each as mortal as the one of `broker`."""

from types import TracebackType
from typing import Self

from tests.kafka.broker import Broker

NODES = 3

SETTINGS = {
    "default.replication.factor": "3",
    "min.insync.replicas": "2",
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
    "share.coordinator.state.topic.replication.factor": "3",
    "share.coordinator.state.topic.min.isr": "2",
    "controller.quorum.election.timeout.ms": "500",
    "controller.quorum.fetch.timeout.ms": "1000",  # a controller that is dead is replaced after this, 2 s by default
    "unclean.leader.election.enable": "false",
}
"""Any one of the three may go, and nothing that was acknowledged is lost."""


class Cluster:
    """Every node is a broker and a controller. What one client connects to is all of them."""

    def __init__(self) -> None:
        settings: list[dict[str, str]] = [dict(SETTINGS) for _ in range(NODES)]
        self.nodes = [Broker(each) for each in settings]
        voters = ",".join(f"{number}@{node.address('CONTROLLER')}" for number, node in enumerate(self.nodes, 1))
        for number, each in enumerate(settings, 1):
            each.update({"node.id": str(number), "controller.quorum.voters": voters})

    @property
    def bootstrap(self) -> str:
        return ",".join(node.bootstrap for node in self.nodes)

    def __enter__(self) -> Self:
        try:
            for node in self.nodes:
                node.launch()
            for node in self.nodes:
                node.wait_ready()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        for node in self.nodes:
            node.close()
