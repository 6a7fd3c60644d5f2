"""How soon an instance is heard again: the speed of a replay, and the time from a kill to the next verdict.

replay      a partition is taken up whose commit lies at the end of the log, over consuming and decoding the same
restarted   one of two instances is killed, and started again at once as a supervisor does
taken over  one of two instances is killed and stays away: the group waits for its session to run out
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from benchmarks.bench.workload import log
from detector.config.loader import read_config
from detector.config.schema import Config
from detector.kafka.producer import RecordProducer
from detector.service.daemon import Service
from tests.eventually import eventually
from tests.service.stage import Daemon, Stage, get, samples
from trainer.pretrained.shipped import SHIPPED

ROUNDS = 3

CELLS, MINUTES = 1000, 200
"""Of the replay: more minutes than an instance remembers."""

LIVE_CELLS = 200
"""Of the network whose instance is killed: there it is the waiting that is measured."""

SESSION_SECONDS = 45
"""librdkafka's default: for so long a killed instance's partitions are kept for it."""

JUDGED = 'faultline_records_total{outcome="in_order"}'


def measure_replay(config: Config, floor: Callable[[int], float]) -> dict[str, float]:
    """`floor` gives the seconds that consuming and decoding so many records takes."""
    publisher = RecordProducer(config.kafka)
    for minute in range(0, MINUTES, 10):  # as few at a time as memory has room for beside all else
        publisher.publish(config.kafka.topics.minutes, log(CELLS, 10, minute))
    _judge_all(config)
    times = []
    for _ in range(ROUNDS):
        records, seconds = _replay(config)
        times.append((records / seconds, floor(records) / seconds))
    rate, ratio = (statistics.median(column) for column in zip(*times, strict=True))
    print(f"  replay     {rate:>9,.0f} records/s   {ratio:5.2f} of the floor   ({records:,} records, {CELLS:,} cells)")
    return {"replayed_records_per_second": round(rate), "replay_over_floor": round(ratio, 3)}


def _judge_all(config: Config) -> None:
    """As a predecessor would have, to the last commit."""
    service = Service(config)
    while service.metrics.records.labels("in_order")._value.get() < CELLS * MINUTES:
        service.run_once()
    service.close()


def _replay(config: Config) -> tuple[int, float]:
    """Records, and the seconds from the first of them to the partition's being audible."""
    service = Service(config)
    replayed = service.metrics.records.labels("replayed")._value
    begin = 0.0
    while not service.health.is_ready:
        before, start = replayed.get(), time.perf_counter()
        service.run_once()
        begin = start if before == 0 else begin
    seconds = time.perf_counter() - begin
    service.close()
    return int(replayed.get()), seconds


def measure_recovery(bootstrap: str) -> dict[str, float]:
    """Seconds from the kill of one of two to a verdict on each of its cells."""
    figures = {}
    for name, again in (("restarted", True), ("taken over", False)):
        with tempfile.TemporaryDirectory() as folder:
            stage = Stage(bootstrap, f"bench-{name.replace(' ', '-')}-", Path(folder), SHIPPED).create_topics()
            seconds = _time_recovery(stage, again)
        stage.close()
        print(f"  {name:<10} {seconds:9.1f} s")
        figures[f"seconds_until_{name.replace(' ', '_')}"] = round(seconds, 1)
    return figures


def _time_recovery(stage: Stage, again: bool) -> float:
    consumer = {"session.timeout.ms": SESSION_SECONDS * 1000}
    one, two = (stage.config(kafka={"instance": name, "consumer": consumer}) for name in ("one", "two"))
    with Daemon(one) as first, Daemon(two) as second, feeding(read_config(one)):
        first.wait_ready()
        second.wait_ready()
        eventually(lambda: _judged(first) > 0 and _judged(second) > 0, "both judge", 60)
        taken = stage.committed()
        begin = time.monotonic()
        second.kill()
        held = {number: found.offset for number, found in taken.items()}
        if again:
            with Daemon(two):
                return _moved_on(stage, held, begin)
        return _moved_on(stage, held, begin)


def _moved_on(stage: Stage, held: dict[int, int], begin: float) -> float:
    """Until every partition has been committed beyond where it stood by a minute of all its cells."""
    eventually(
        lambda: all(found.offset > held[number] + LIVE_CELLS for number, found in stage.committed().items()),
        "all partitions move on",
        3 * SESSION_SECONDS,
    )
    return time.monotonic() - begin


def _judged(daemon: Daemon) -> float:
    return samples(get(f"{daemon.url}/metrics").body)[JUDGED]


@contextmanager
def feeding(config: Config) -> Iterator[None]:
    """A minute of all cells, once a second."""
    stop = Event()

    def feed() -> None:
        publisher, minute = RecordProducer(config.kafka), 0
        while not stop.wait(1):
            publisher.publish(config.kafka.topics.minutes, log(LIVE_CELLS, 1, minute))
            minute += 1

    feeder = Thread(target=feed)
    feeder.start()
    try:
        yield
    finally:
        stop.set()
        feeder.join()
