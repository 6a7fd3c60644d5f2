"""One bundle for the session, a stage for each test, and one undisturbed run that others are compared with."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from confluent_kafka import Message, TopicPartition

from detector.bundle import write_bundle
from tests.kafka.broker import Broker, ExternalBroker
from tests.kafka.topics import delete_topics
from tests.service.network import MINUTES, build_bundle, label, told
from tests.service.stage import TOPICS, Answer, Stage, serving


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundle") / "small"
    write_bundle(build_bundle(), path)
    return path


@pytest.fixture
def stage(broker: Broker | ExternalBroker, topics: str, tmp_path: Path, bundle: Path) -> Iterator[Stage]:
    """A stage with all its topics."""
    made = Stage(broker.bootstrap, topics, tmp_path, bundle).create_topics()
    yield made
    made.close()


@pytest.fixture
def bare_stage(broker: Broker | ExternalBroker, topics: str, tmp_path: Path, bundle: Path) -> Iterator[Stage]:
    """A stage without a topic."""
    made = Stage(broker.bootstrap, topics, tmp_path, bundle)
    yield made
    made.close()


@dataclass(frozen=True)
class Outcome:
    """What came of the two hours when nothing went wrong."""

    alarms: dict[str, list[bytes]]
    messages: list[Message]
    active: list[Message]
    deadletters: list[Message]
    committed: dict[int, TopicPartition]
    log: list[str]
    metrics: str
    readyz: Answer
    livez: Answer


@pytest.fixture(scope="session")
def undisturbed(
    broker: Broker | ExternalBroker, bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Outcome]:
    made = Stage(broker.bootstrap, "undisturbed-", tmp_path_factory.mktemp("undisturbed"), bundle).create_topics()
    made.teach(label("drop_storm", "drops"))
    records = told(0, MINUTES)
    made.tell(records)
    with serving(made.config()) as service:
        made.wait_taken(len(records))
        service.wait_metric("faultline_consumer_lag_records", 0)
        scrape, readyz, livez = (service.get(path) for path in ("/metrics", "/readyz", "/livez"))
    yield Outcome(
        made.alarms(),
        made.read("alarms"),
        made.read("active"),
        made.read("deadletters"),
        made.committed(),
        service.log.lines,
        scrape.body,
        readyz,
        livez,
    )
    made.close()
    if isinstance(broker, ExternalBroker):
        delete_topics(broker.bootstrap, [made.topic(name) for name in TOPICS])
