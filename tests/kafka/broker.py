"""A real Apache Kafka for the tests: one KRaft node in a process, a folder and on ports of its own.

The jars come by Maven, once, into build/kafka/libs. Nothing is left behind: the folder goes with the broker, and the
broker goes with the test process, however that ends (only then, after a SIGKILL, does the folder stay).
"""

import fcntl
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import IO, NoReturn, Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

KAFKA_VERSION = "4.2.0"
ROOT = Path(__file__).parents[2]
POM = ROOT / "tests" / "kafka" / "pom.xml"
LIBS = ROOT / "build" / "kafka" / "libs"

START_SECONDS = 120.0
"""Ready after 2-4 s on two idle cores; the rest is for a machine that is busy with a training run."""

STOP_SECONDS = 20.0
"""An orderly stop takes 1-2 s."""

MAVEN_SECONDS = 180.0
"""12 s with an empty Maven cache."""

LOG_LINES = 400
"""Enough for the longest stack trace Kafka ends with; more would only be memory."""

PORTS = range(20_000, 32_000)
"""Below the ephemeral ports: while a broker is down, its port must be nobody else's, and a client that keeps
connecting to an ephemeral port of its own machine ends up talking to itself on it."""

_handed_out: set[int] = set()
"""Ports that this process has given away: a broker listens seconds after its ports were chosen."""

# Interpreting and compiling lightly is faster than compiling well for a process that lives for seconds. The longest
# record a test writes, 104 MB, is held by request, check, answer and the compaction's two buffers at once: with 512 MB
# the second one was refused as an unknown error, when the compaction had come between.
JVM = ("-Xmx1g", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:-UsePerfData")

CLUSTER = "ZmF1bHRsaW5lLXRlc3RzIQ"
"""The cluster's identity, 16 bytes in base64. One for all: a random one may begin with "-" and read as an option."""

NOTHING: Mapping[str, str] = MappingProxyType({})


class BrokerUnavailable(Exception):
    """No broker can be had here, and the reason is the machine's, not the product's."""


class Broker:
    """A real broker that can be started, stopped, killed, paused and brought back on the data it had.

    `properties` are added to server.properties or replace what stands there. `listeners` names further listeners and
    their security protocol, {"SECURED": "SASL_PLAINTEXT"}; `address(name)` is where each one is reached.
    `system` are properties of its Java. Start it from a thread that lives as long as it is needed: the kernel ends it
    together with that thread.
    """

    def __init__(
        self,
        properties: Mapping[str, str] = NOTHING,
        listeners: Mapping[str, str] = NOTHING,
        system: Mapping[str, str] = NOTHING,
    ) -> None:
        names = ["PLAINTEXT", "CONTROLLER", *listeners]
        self._ports = dict(zip(names, free_ports(len(names)), strict=True))
        self._protocols = {"PLAINTEXT": "PLAINTEXT", "CONTROLLER": "PLAINTEXT", **listeners}
        self._properties = properties
        self._system = [f"-D{name}={value}" for name, value in system.items()]
        self._folder: Path | None = None
        self._process: subprocess.Popen[str] | None = None
        self._log: deque[str] = deque(maxlen=LOG_LINES)
        self._reader: threading.Thread | None = None

    @property
    def bootstrap(self) -> str:
        """Where clients connect, "127.0.0.1:PORT": the same through every restart."""
        return self.address("PLAINTEXT")

    @property
    def pid(self) -> int | None:
        """The process while it runs, paused or not; None otherwise."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def folder(self) -> Path:
        """Its own, for as long as it is not closed."""
        if self._folder is None:
            raise RuntimeError(f"the broker at {self.bootstrap} has not been started")
        return self._folder

    def address(self, listener: str) -> str:
        """Where a listener is reached, "127.0.0.1:PORT"."""
        return f"127.0.0.1:{self._ports[listener]}"

    def start(self) -> Self:
        """Starts the broker and returns when it answers; BrokerUnavailable without java or jars, RuntimeError with the
        end of its log when it does not come up."""
        return self.launch().wait_ready()

    def launch(self) -> Self:
        """Starts the broker, and does not wait: one of a cluster answers when most are there."""
        if self.pid is not None:
            raise RuntimeError(f"the broker at {self.bootstrap} runs already, as process {self.pid}")
        java, jars = find_java(), fetch_jars()
        if self._folder is None:
            self._folder = self._format(java, jars)
        self._launch(java, jars)
        return self

    def wait_ready(self) -> Self:
        """Returns when a launched broker answers."""
        self._wait_until_ready(time.monotonic() + START_SECONDS)
        return self

    def stop(self) -> None:
        """Ends the broker in order (SIGTERM), or by force when that takes longer than STOP_SECONDS; the data stays."""
        if self._process is None or self.pid is None:
            return
        self._process.send_signal(signal.SIGCONT)  # a paused process would not hear the SIGTERM
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Ends the broker at once (SIGKILL); the data stays as it lies."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def restart(self) -> Self:
        """Brings the broker back on the data and the ports it had, whether it runs, was stopped or was killed."""
        self.stop()
        return self.start()

    def pause(self) -> None:
        """Freezes the broker (SIGSTOP): connections stay open and nothing answers, from the return of this on."""
        process = self._running()
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)  # on a busy machine it runs on for a while

    def resume(self) -> None:
        """Lets a paused broker go on (SIGCONT)."""
        self._running().send_signal(signal.SIGCONT)

    def close(self) -> None:
        """Ends the broker and removes its folder; by force, because nobody will read that folder again."""
        self.kill()
        if self._folder is not None:
            shutil.rmtree(self._folder)
            self._folder = None

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _running(self) -> "subprocess.Popen[str]":
        if self._process is None or self.pid is None:
            raise RuntimeError(f"the broker at {self.bootstrap} is not running")
        return self._process

    def _format(self, java: str, jars: Path) -> Path:
        folder = Path(tempfile.mkdtemp(prefix="faultline-kafka-"))
        settings = server_properties(folder / "data", self._ports, self._protocols, self._properties)
        path = folder / "server.properties"
        path.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        tool = ["kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", str(path)]
        command = [*command_line(java, jars, folder), *tool]
        done = subprocess.run(command, capture_output=True, text=True, timeout=START_SECONDS, check=False)
        if done.returncode != 0:
            shutil.rmtree(folder)
            output = done.stdout + done.stderr
            raise RuntimeError(f"kafka.tools.StorageTool format failed ({done.returncode}):\n{output}")
        return folder

    def _launch(self, java: str, jars: Path) -> None:
        assert self._folder is not None
        self._log.clear()
        self._process = subprocess.Popen(
            [
                *die_with_parent(),
                *command_line(java, jars, self._folder, self._system),
                *("kafka.Kafka", "server.properties"),
            ],
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # a Ctrl-C for pytest is not one for the broker: fixtures still need it
        )
        assert self._process.stdout is not None
        output = (self._process.stdout, self._log)
        self._reader = threading.Thread(target=keep_last_lines, args=output, daemon=True)
        self._reader.start()

    def _wait_until_ready(self, deadline: float) -> None:
        while not is_open(self._ports["PLAINTEXT"]):
            self._fail_if_over(deadline)
        # Only now a librdkafka client: one that meets a closed port logs a line every 50 ms.
        admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})
        while not is_answering(admin):
            self._fail_if_over(deadline)

    def _fail_if_over(self, deadline: float) -> None:
        assert self._process is not None
        try:
            self._process.wait(0.05)
        except subprocess.TimeoutExpired:
            if time.monotonic() < deadline:
                return
        outcome = self._process.poll()
        self.kill()
        assert self._reader is not None
        self._reader.join()
        story = "did not answer in time" if outcome is None else f"ended with {outcome}"
        raise RuntimeError(f"the broker at {self.bootstrap} {story}; the end of its log:\n{''.join(self._log)}")


class ExternalBroker:
    """A broker somebody else runs: the interface of Broker as far as it is ours to use."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap

    def start(self) -> Self:
        """Returns when the broker answers; BrokerUnavailable when it does not."""
        if not is_answering(AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0}), timeout_seconds=10):
            raise BrokerUnavailable(f"no broker answers at {self.bootstrap}")
        return self

    def stop(self) -> None:
        """Does nothing: it is not ours to stop."""

    def close(self) -> None:
        """Does nothing: it is not ours to close."""

    def kill(self) -> NoReturn:
        """Refuses, as do restart, pause and resume."""
        raise BrokerUnavailable(f"the broker at {self.bootstrap} is not ours to kill, restart or pause")

    restart = pause = resume = kill

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def external(bootstrap: str) -> ExternalBroker:
    """The broker at "host:port", to be used in place of one of our own."""
    return ExternalBroker(bootstrap)


def server_properties(
    data: Path, ports: Mapping[str, int], protocols: Mapping[str, str], extra: Mapping[str, str]
) -> dict[str, str]:
    """The settings of one combined broker and controller; `extra` has the last word."""
    addresses = {name: f"{name}://127.0.0.1:{port}" for name, port in ports.items()}
    one_node = {
        f"{topic}.{setting}": "1"
        for topic, setting in (
            ("offsets.topic", "replication.factor"),
            ("transaction.state.log", "replication.factor"),
            ("transaction.state.log", "min.isr"),
            ("share.coordinator.state.topic", "replication.factor"),
            ("share.coordinator.state.topic", "min.isr"),
        )
    }
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{ports['CONTROLLER']}",
        "controller.listener.names": "CONTROLLER",
        "listeners": ",".join(addresses.values()),
        "advertised.listeners": ",".join(address for name, address in addresses.items() if name != "CONTROLLER"),
        "listener.security.protocol.map": ",".join(f"{name}:{protocol}" for name, protocol in protocols.items()),
        "log.dirs": str(data),
        "auto.create.topics.enable": "false",  # a misspelt topic is an error, not a topic
        "offsets.topic.num.partitions": "4",  # 50 by default: each is opened again at every restart
        "transaction.state.log.num.partitions": "4",
        "group.initial.rebalance.delay.ms": "0",  # 3 s by default, for members that start together
        # After a SIGKILL the broker waits until its former life's session is over: 12.4 s to come back with the 9 s of
        # the default, 4.3 s with these 2, 3.1 s with 1 (which a busy machine may miss).
        "broker.session.timeout.ms": "2000",
        "broker.heartbeat.interval.ms": "500",
        **one_node,
        **extra,
    }


def command_line(java: str, jars: Path, folder: Path, more: Sequence[str] = ()) -> list[str]:
    """The JVM up to the class to run; what its libraries unpack goes into `folder`."""
    log = ("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true")
    return [java, *JVM, *log, *more, f"-Djava.io.tmpdir={folder}", "-cp", f"{jars}/*"]


def die_with_parent() -> list[str]:
    """The prefix by which the kernel ends a command together with the thread that started it (Linux; else none)."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL"] if setpriv else []


def find_java() -> str:
    """The java to use, or BrokerUnavailable."""
    java = shutil.which("java")
    if java is None:
        raise BrokerUnavailable("no java on the PATH: Kafka 4 needs Java 17 (Debian: openjdk-17-jre-headless)")
    return java


def fetch_jars(libs: Path = LIBS) -> Path:
    """The folder of Kafka's jars, filled by Maven if it is not yet there; BrokerUnavailable if that cannot be done."""
    if jars_are_in(libs):
        return libs
    maven = shutil.which("mvn")
    if maven is None:
        raise BrokerUnavailable(f"no mvn on the PATH and no jars of Kafka {KAFKA_VERSION} in {libs} (Debian: maven)")
    libs.parent.mkdir(parents=True, exist_ok=True)
    with (libs.parent / "fetching").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the other worker of this session waits, and finds them there
        if not jars_are_in(libs):
            download_jars(maven, libs)
    return libs


def jars_are_in(libs: Path) -> bool:
    """Whether a folder holds the jars of this version."""
    return (libs / f"kafka_2.13-{KAFKA_VERSION}.jar").exists()


def download_jars(maven: str, libs: Path) -> None:
    """Fills a folder by Maven; BrokerUnavailable if that cannot be done."""
    # Filled elsewhere and moved in whole: half a folder of an interrupted run would pass for a full one.
    with tempfile.TemporaryDirectory(dir=libs.parent, prefix="libs-") as partial:
        command = [maven, "-q", "-B", "-f", str(POM), f"-Dkafka.version={KAFKA_VERSION}", f"-Dlibs={partial}/libs"]
        command.append("process-resources")
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=MAVEN_SECONDS, check=False)
        except subprocess.TimeoutExpired as late:
            raise BrokerUnavailable(f"mvn did not fetch Kafka's jars within {MAVEN_SECONDS:g} s") from late
        if done.returncode != 0:
            raise BrokerUnavailable(f"mvn could not fetch Kafka's jars ({done.returncode}): {done.stdout[-2000:]}")
        shutil.rmtree(libs, ignore_errors=True)
        (Path(partial) / "libs").replace(libs)


def free_ports(count: int) -> list[int]:
    """Different ports of PORTS on which nobody listens, and which no other worker of this session may choose."""
    ports: list[int] = []
    candidates = sorted(set(worker_ports(os.environ)) - _handed_out)
    for port in random.sample(candidates, len(candidates)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        ports.append(port)
        if len(ports) == count:
            _handed_out.update(ports)
            return ports
    raise BrokerUnavailable(f"no {count} free ports between {PORTS.start} and {PORTS.stop}")


def worker_ports(environment: Mapping[str, str]) -> range:
    """The share of PORTS of one worker of pytest-xdist, "gw0", "gw1", …; without workers, all of them."""
    worker = int(environment.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return PORTS[worker :: int(environment.get("PYTEST_XDIST_WORKER_COUNT", "1"))]


def is_open(port: int) -> bool:
    """Whether somebody listens."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def is_answering(admin: AdminClient, timeout_seconds: float = 1.0) -> bool:
    """Whether a broker of the cluster answers."""
    try:
        return bool(admin.list_topics(timeout=timeout_seconds).brokers)
    except KafkaException:
        return False


def keep_last_lines(stream: IO[str], lines: deque[str]) -> None:
    """Reads a process's output to its end, so that it never blocks on it, and keeps what `lines` has room for."""
    with stream:
        for line in stream:
            lines.append(line)
