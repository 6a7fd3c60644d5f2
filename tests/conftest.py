"""What all tests may ask for. Tests that ask for a broker carry the mark `broker`; none is started before one asks."""

import logging
import os
import re
import signal
import uuid
from collections.abc import Iterator
from typing import NoReturn

import pytest

from tests.kafka.broker import Broker, BrokerUnavailable, ExternalBroker, external
from tests.kafka.topics import delete_topics, list_topics


def unavailable(reason: str) -> NoReturn:
    """Skips at home, where -ra shows and counts it, and fails in CI, where a guarantee not tested is a fault."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture
def kept_process() -> Iterator[None]:
    """For commands that take over the log and the signals of their process, which in a test is not their own."""
    logger = logging.getLogger("faultline")
    kept = logger.handlers, logger.level, logger.propagate
    signals = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    logger.handlers, logger.level, logger.propagate = kept
    for number, action in signals.items():
        signal.signal(number, action)


@pytest.fixture(scope="session")
def broker() -> Iterator[Broker | ExternalBroker]:
    """One real broker for the whole session: our own, or the one FAULTLINE_TEST_KAFKA=host:port names."""
    address = os.environ.get("FAULTLINE_TEST_KAFKA")
    kafka = external(address) if address else Broker()
    try:
        with kafka:
            yield kafka
    except BrokerUnavailable as reason:
        unavailable(f"no real broker: {reason}")


@pytest.fixture
def mortal_broker(broker: Broker | ExternalBroker) -> Iterator[Broker]:
    """The session's broker for a test that kills or pauses it: it runs again when the test is over, however it ends."""
    if isinstance(broker, ExternalBroker):
        unavailable(f"the broker at {broker.bootstrap} is not ours to kill")
    yield broker
    if broker.pid is None:
        broker.restart()
    broker.resume()


@pytest.fixture
def topics(broker: Broker | ExternalBroker, request: pytest.FixtureRequest) -> Iterator[str]:
    """A beginning for topic names, groups and transactional ids that no other test has: f"{topics}minutes"."""
    test = re.sub(r"[^a-zA-Z0-9]+", "-", request.node.name)[:60]
    prefix = f"{test}-{uuid.uuid4().hex[:8]}-"
    yield prefix
    if isinstance(broker, ExternalBroker):  # ours is thrown away whole
        delete_topics(broker.bootstrap, [name for name in list_topics(broker.bootstrap) if name.startswith(prefix)])
