"""One bundle for the session, a stage for each test, and one undisturbed run that others are compared with."""

import logging
import re
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from confluent_kafka import Message, TopicPartition

from detector.__main__ import main
from detector.bundle.format import write_bundle
from tests.kafka.broker import Broker, ExternalBroker
from tests.kafka.topics import delete_topics
from tests.service.network import MINUTES, build_bundle, label, told
from tests.service.stage import TOPICS, Answer, Stage, serving

TENSORFLOW = re.compile(r"[WIE]\d{4} |WARNING: All log|20\d\d-|To enable")
"""How lines begin that it greets with in a process that has not asked it to be quiet."""

TRACES = re.compile(r"Traceback|File \"|Error\(|KafkaError\{")


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundle") / "small"
    write_bundle(build_bundle(), path)
    return path


@pytest.fixture(scope="session")
def other_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the same network, with other numbers throughout."""
    path = tmp_path_factory.mktemp("bundle") / "other"
    write_bundle(build_bundle(seed=12), path)
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


@pytest.fixture
def refusal(capfd) -> Callable[..., str]:
    """Runs `faultline VERB` in this process, where it must end with 2; gives the one line it left."""

    def run(*arguments: object) -> str:
        logger = logging.getLogger("faultline")
        kept = logger.handlers, logger.level, logger.propagate
        signals = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)}
        try:
            code = main([str(argument) for argument in arguments])
        finally:
            logger.handlers, logger.level, logger.propagate = kept
            for number, action in signals.items():
                signal.signal(number, action)
        said = capfd.readouterr().err
        assert code == 2, said
        assert not TRACES.search(said)
        lines = [line for line in said.splitlines() if not TENSORFLOW.match(line)]
        assert len(lines) == 1, lines
        assert lines[0].startswith("faultline: ")
        assert lines[0].endswith(".")
        return lines[0].removeprefix("faultline: ")

    return run
