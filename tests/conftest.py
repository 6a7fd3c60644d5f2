"""What all tests may ask for. Tests that ask for a broker carry the mark `broker`; none is started before one asks."""

import logging
import os
import random
import re
import signal
import uuid
from collections.abc import Generator, Iterator
from typing import NoReturn

import pytest
from hypothesis import HealthCheck, Phase, settings
from threadpoolctl import threadpool_info

from tests.kafka.broker import Broker, BrokerUnavailable, ExternalBroker, external
from tests.kafka.topics import delete_topics, list_topics

pytest_plugins = ["tests.keys", "tests.service.fixtures", "tests.trainer.fixtures"]
"""Fixtures that several folders share: keys, a stage on a broker with a small bundle, and a small simulated town."""

QUICK = settings(
    max_examples=6,
    derandomize=True,  # what CI finds, everybody finds
    deadline=None,
    phases=set(Phase) - {Phase.shrink, Phase.explain},  # a failure is found in seconds and made small in minutes
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
"""Of a property in `make test`."""

FULL = settings(QUICK, max_examples=40)
"""Of a property in `make test-all`."""

NIGHT = settings(
    QUICK, max_examples=int(os.environ.get("FAULTLINE_EXAMPLES", "5000")), derandomize=False, phases=set(Phase)
)
"""Thousands, drawn anew each time, are what found the stories beside the properties. A failure is made small."""

for name, profile in (("quick", QUICK), ("full", FULL), ("night", NIGHT)):
    settings.register_profile(name, profile)
settings.load_profile("night" if "FAULTLINE_EXAMPLES" in os.environ else "quick")  # or --hypothesis-profile=NAME

STORM_SEED = "FAULTLINE_STORM_SEED"

CI_STORM_SEED = "20250220"
"""Any number: in CI a failure must be found again by whoever looks for it."""


def pytest_configure() -> None:
    """Draw the storm's seed, once for all workers of the session: they inherit the environment."""
    seed = CI_STORM_SEED if os.environ.get("CI") == "true" else str(random.SystemRandom().randrange(2**32))
    os.environ.setdefault(STORM_SEED, seed)


def pytest_report_header() -> list[str]:
    import numpy  # noqa: F401  # brings the OpenBLAS that is asked for its kernel

    kernels = {library["architecture"] for library in threadpool_info() if library["internal_api"] == "openblas"}
    return [
        f"storm seed: {os.environ[STORM_SEED]} (to play it again: {STORM_SEED}={os.environ[STORM_SEED]})",
        f"kernel of OpenBLAS: {', '.join(sorted(kernels))} (another: OPENBLAS_CORETYPE=Nehalem)",
    ]


@pytest.fixture(scope="session", autouse=True)
def compiled_programs(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let all workers of the session, and the daemons they start, share what XLA compiled.

    The encoder of a bundle costs 4.1 s of a core to compile and prove, .9 s with programs from the folder, and its
    embeddings have the same bits. The folder is the session's own: no program of another TensorFlow is ever in it.
    """
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # each worker has a folder in that of the session
    cache = {"directory": folder / "xla", "read_only": "false"}
    flags = " ".join(f"--tf_xla_persistent_cache_{name}={value}" for name, value in cache.items())
    os.environ.setdefault("TF_XLA_FLAGS", flags)


def unavailable(reason: str) -> NoReturn:
    """Skips at home, where -ra shows and counts it, and fails in CI, where a guarantee not tested is a fault."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Escape lone surrogates in what was captured: xdist sends it to its parent as UTF-8, and ends where it cannot."""
    report = yield
    report.sections = [(name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections]
    return report


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
