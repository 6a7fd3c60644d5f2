"""The daemon and its surroundings: topics of its own, a configuration, and what can be seen of it from outside.

`Service` runs on a thread of the test's process, `Daemon` in a process of its own, which costs five seconds of
TensorFlow and is there for what only a process can show: signals, exit codes, standard error.
"""

import logging
import re
import signal
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from detector.config.loader import read_config
from detector.labels.label import Label, write_label
from detector.service.daemon import Service
from tests.kafka.broker import die_with_parent
from tests.kafka.topics import QUIET, consume_committed, create_topics, produce
from tests.service.network import PARTITIONS, Record

FOR_EVER = {"retention.ms": "-1"}
"""The network's minutes are long past, and a topic that forgets by their age would be empty after half a minute."""

UNCOMPACTED = {"cleanup.policy": "compact", "min.compaction.lag.ms": "1000000000000"}
"""Nothing is dropped while a test looks."""

BIG = 12_000_000
"""The longest record that the input topic takes."""

TOPICS: Mapping[str, Mapping[str, Any]] = {
    "minutes": {"partitions": PARTITIONS, "config": {**FOR_EVER, "max.message.bytes": str(BIG)}},
    "alarms": {"partitions": PARTITIONS, "config": FOR_EVER},
    "active": {"partitions": PARTITIONS, "config": UNCOMPACTED},
    "labels": {"partitions": 1, "config": {"cleanup.policy": "compact", "max.message.bytes": str(BIG)}},
    "deadletters": {"partitions": 1, "config": FOR_EVER},
}

CUT = ("minutes", "alarms", "active")
"""Topics with as many partitions as the stage has."""

START_SECONDS = 60.0
"""Ready after 5 s on two idle cores."""

MOVING = {
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError._WAIT_COORD,
    KafkaError._TRANSPORT,
    KafkaError._TIMED_OUT,
}
"""What the client is told while a group's coordinator is being found, made or moved."""

COORDINATOR_SECONDS = 30.0

ADDRESS = re.compile(r"serves on (https?://\S+)/metrics")


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    """TimeoutError, with what was waited for, when a condition is not met in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:g} s: {what}")
        time.sleep(0.02)


@dataclass(frozen=True)
class Answer:
    status: int
    body: str


def unknown() -> ssl.SSLContext:
    """For whoever is asked for his health, and not for a secret."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


UNKNOWN = unknown()


def get(url: str) -> Answer:
    try:
        with urllib.request.urlopen(url, timeout=5, context=UNKNOWN if url.startswith("https") else None) as answer:
            return Answer(answer.status, answer.read().decode())
    except urllib.error.HTTPError as refusal:
        with refusal:
            return Answer(refusal.code, refusal.read().decode())


def samples(exposition: str) -> dict[str, float]:
    """Every sample of a scrape, by name and labels as they stand there."""
    rows = (line.rsplit(" ", 1) for line in exposition.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, value in rows}


class Stage:
    """Topics that no other test has, a group on them, and a folder."""

    def __init__(self, bootstrap: str, prefix: str, folder: Path, bundle: Path, partitions: int = PARTITIONS) -> None:
        self.bootstrap, self.prefix, self.folder, self.bundle = bootstrap, prefix, folder, bundle
        self.partitions = partitions
        self._watcher: Consumer | None = None

    def create_topics(self, **changes: Mapping[str, Any] | None) -> Self:
        """All of them; `changes` replace the shape of some, None leaves one out."""
        cut = {name: {**shape, "partitions": self.partitions} for name, shape in TOPICS.items() if name in CUT}
        shapes = {**TOPICS, **cut, **changes}
        create_topics(self.bootstrap, {self.prefix + name: shape for name, shape in shapes.items() if shape})
        return self

    def topic(self, name: str) -> str:
        return self.prefix + name

    def config(self, **changes: Any) -> Path:
        """A configuration file with knobs that fit the small network; `changes` go into its sections."""
        knobs: dict[str, Any] = {
            "bundle": str(self.bundle),
            "kafka": {
                "group": f"{self.prefix}group",
                "batch_records": 200,
                "batch_seconds": 0.05,
                "reach_seconds": 20,
                "topics": {name: self.topic(name) for name in TOPICS},
                "common": {"bootstrap.servers": self.bootstrap},
                "consumer": {"fetch.wait.max.ms": 20},  # half a second saved for every table read to its end
            },
            "minutes": {"behind_minutes": 10, "silent_minutes": 5, "min_coverage": 0.9},
            "alarms": {"score_minutes": 3, "half_life_minutes": 2, "hold_minutes": 4, "unknown_minutes": 8},
            "http": {"port": 0},
        }
        merge(knobs, changes)
        path = self.folder / f"{knobs['kafka'].get('instance', 'config')}.yaml"
        path.write_text(yaml.safe_dump(knobs))
        return path

    def tell(self, records: Iterable[Record]) -> None:
        produce(self.bootstrap, self.topic("minutes"), records)

    def tell_long(self, record: Record) -> None:
        """One record that an ordinary producer would refuse for its length."""
        producer = Producer({"bootstrap.servers": self.bootstrap, "message.max.bytes": BIG, **QUIET})
        failures: list[object] = []
        key, value, _, timestamp, partition = record
        producer.produce(
            self.topic("minutes"),
            value,
            key,
            partition,
            timestamp=timestamp,
            on_delivery=lambda error, _: failures.append(error) if error else None,
        )
        assert not producer.flush(30)
        assert not failures

    def teach(self, label: Label) -> None:
        self.put_label(label.id.encode(), write_label(label))

    def put_label(self, key: bytes, value: bytes | None) -> None:
        produce(self.bootstrap, self.topic("labels"), [(key, value, None)])

    def read(self, name: str, until: int | Callable[[list[Message]], bool] = 0) -> list[Message]:
        return consume_committed(self.bootstrap, self.topic(name), until)

    def alarms(self) -> dict[str, list[bytes]]:
        """The notifications of each cell, byte for byte and in their order."""
        by_cell: dict[str, list[bytes]] = {}
        for message in self.read("alarms"):
            by_cell.setdefault(message.key().decode(), []).append(message.value())
        return by_cell

    def committed(self) -> dict[int, TopicPartition]:
        """What the group has committed, by partition."""
        if self._watcher is None:
            # Uncommitted, or the broker would make it wait for the transaction of an instance that was killed.
            group = {"group.id": f"{self.prefix}group", "isolation.level": "read_uncommitted"}
            self._watcher = Consumer({"bootstrap.servers": self.bootstrap, **group, **QUIET})
        wanted = [TopicPartition(self.topic("minutes"), partition) for partition in range(self.partitions)]
        deadline = time.monotonic() + COORDINATOR_SECONDS
        while True:
            try:
                return {found.partition: found for found in self._watcher.committed(wanted, 20)}
            except KafkaException as error:
                if error.args[0].code() not in MOVING or time.monotonic() > deadline:
                    raise

    def taken(self) -> int:
        """Records of the input that are behind the group."""
        return sum(max(0, found.offset) for found in self.committed().values())

    def wait_taken(self, records: int, seconds: float = 60.0) -> None:
        wait_until(lambda: self.taken() >= records, f"{records} records committed, {self.taken()} are", seconds)

    def close(self) -> None:
        if self._watcher is not None:
            self._watcher.close()


def merge(into: dict[str, Any], changes: Mapping[str, Any]) -> None:
    for key, value in changes.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = value


class Lines(logging.Handler):
    """What the daemon logs, as lines with their level in front."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    def above_info(self) -> list[str]:
        return [line for line in self.lines if not line.startswith(("INFO", "DEBUG"))]


@contextmanager
def heard() -> Iterator[Lines]:
    """The lines that Faultline logs in this process meanwhile."""
    logger = logging.getLogger("faultline")
    lines = Lines()
    level = logger.level
    logger.addHandler(lines)
    logger.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        logger.removeHandler(lines)
        logger.setLevel(level)


class Running:
    """A service on a thread of its own."""

    def __init__(self, config: Path, log: Lines) -> None:
        self.log = log
        before = len(log.lines)
        self._service = Service(read_config(config))
        self.url = ADDRESS.search("\n".join(log.lines[before:]))[1]  # type: ignore[index]  # it has just been said
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=f"service {config.stem}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._service.run(self._stop)
        except BaseException as error:
            self._error = error

    @property
    def error(self) -> BaseException | None:
        """What ended it before it was asked to."""
        return self._error

    def get(self, path: str) -> Answer:
        return get(self.url + path)

    def metrics(self) -> dict[str, float]:
        return samples(self.get("/metrics").body)

    def wait_metric(self, name: str, value: float, seconds: float = 30.0) -> None:
        wait_until(
            lambda: self._error is not None or self.metrics()[name] == value,
            f"{name} is {value:g}; it is {self.metrics()[name]:g}",
            seconds,
        )
        self.check()

    def wait_log(self, count: int, seconds: float = 30.0) -> None:
        """Until so many lines above INFO were logged."""
        wait_until(
            lambda: self._error is not None or len(self.log.above_info()) >= count, f"{count} lines logged", seconds
        )
        self.check()
        assert len(self.log.above_info()) == count

    def check(self) -> None:
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        if self._thread.is_alive() or self._error is not None:
            self._stop.set()
            self._thread.join(30)
            self._service.close()

    def end(self) -> None:
        """Stops it, and raises what had ended it before."""
        self.stop()
        self.check()


@contextmanager
def serving(config: Path) -> Iterator[Running]:
    """A service for as long as the context is open; what ended it before is raised at its end."""
    with heard() as log:
        running = Running(config, log)
        try:
            yield running
        except BaseException:
            running.stop()
            running.check()  # the service's own error says more than what the test was waiting for
            raise
        running.end()


class Daemon:
    """`faultline run` in a process of its own."""

    def __init__(self, config: Path) -> None:
        self._log = config.with_suffix(".log")
        command = [*die_with_parent(), sys.executable, "-m", "detector", "run", "--config", str(config)]
        with self._log.open("ab") as log:
            self._begin = log.tell()
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    @property
    def log(self) -> str:
        with self._log.open("rb") as log:
            log.seek(self._begin)
            return log.read().decode()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def url(self) -> str:
        """Where its endpoints are, once it serves."""
        return ADDRESS.search(self.log)[1]  # type: ignore[index]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def wait_ready(self, seconds: float = START_SECONDS) -> Self:
        wait_until(self._is_ready, f"the daemon is ready; it says:\n{self.log}", seconds)
        return self

    def terminate(self, seconds: float = 10.0) -> int:
        """SIGTERM; the exit code. TimeoutExpired when it takes longer."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(seconds)

    def wait(self, seconds: float) -> int:
        return self._process.wait(seconds)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def _is_ready(self) -> bool:
        if self._process.poll() is not None:
            raise RuntimeError(f"the daemon ended with {self._process.returncode}:\n{self.log}")
        address = ADDRESS.search(self.log)
        return address is not None and get(f"{address[1]}/readyz").status == 200
