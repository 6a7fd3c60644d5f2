"""How soon an instance is heard again: the speed of a replay, and the time from a kill to the next verdict.

(a) replay     a partition is taken up whose commit lies at the end of the log, over consuming and decoding the same
(b) restarted  one of two instances is killed and started again at once, as a supervisor does
(c) taken over one of two instances is killed and stays away: the group notices when its session has run out
"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from confluent_kafka import Consumer, TopicPartition

from detector.config import Config
from detector.kafka.publisher import Publisher
from detector.service import Service
from tests.bench.workload import log
from tests.service.stage import Daemon, Stage, wait_until
from trainer.shipped import SHIPPED

ROUNDS = 3
SESSION_SECONDS = 45
"""librdkafka's default: so long a killed instance's partitions are kept for it."""

LIVE_CELLS = 300
"""Of the network whose instance is killed: what is measured there is waiting, not work."""


def time_replay(service: Service) -> tuple[int, float]:
    """Records replayed, and the seconds from the first of them to the partition's being audible."""
    replayed = service.metrics.records.labels("replayed")
    begin = 0.0
    while not service.health.ready:
        before, start = replayed._value.get(), time.perf_counter()
        service.turn()
        if before == 0 and replayed._value.get() > 0:
            begin = start
    return int(replayed._value.get()), time.perf_counter() - begin


def commit_end(config: Config, count: int) -> None:
    """Judges the whole log and commits, as a predecessor would have."""
    service = Service(config)
    records = service.metrics.records.labels("in_order")
    while records._value.get() < count:
        service.turn()
    service.close()


def measure_replay(
    config: Config, count: int, floor: Callable[[int, int], float], rounds: int = ROUNDS
) -> dict[str, float]:
    """`floor` gives the seconds that consuming and decoding so many records from an offset on takes."""
    commit_end(config, count)
    rates, ratios = [], []
    for _ in range(rounds):
        service = Service(config)
        records, seconds = time_replay(service)
        service.close()
        least = floor(count - records, records)
        rates.append(records / seconds)
        ratios.append(least / seconds)
    return {"records": records, "records_per_second": statistics.median(rates), "over_floor": statistics.median(ratios)}
