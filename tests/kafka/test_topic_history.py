"""Past minutes of a cell are found however their records came: late, early, at once, in disorder, behind any tail."""

import random
import time
from collections.abc import Callable
from contextlib import closing

import numpy as np
import pytest
from confluent_kafka import Producer

from detector.config.loader import read_config
from detector.config.schema import Config
from detector.core.ingest.samples import Decoder
from detector.history.sampling import SampleSize
from detector.kafka.readers.range_reader import partition_of
from detector.kafka.readers.topic_history import TopicHistory, read_cell_records
from tests.kafka.topics import QUIET, create_topics
from tests.service.network import CATALOGUE, CELLS, NAMES, T0, value

pytestmark = pytest.mark.broker

PARTITIONS = 2
CELL = CELLS[0]
MINUTES = 300
SOUGHT = (100, 160)
"""Minutes from T0 that are looked for."""

HOUR, DAY = 60, 1440
NOW_MS = int(time.time() * 1000)
FAR_FUTURE_MS = 32_503_680_000_000

ANY_TIMESTAMP = {"retention.ms": "-1", "message.timestamp.after.max.ms": str(2**63 - 1)}
"""A broker of today refuses timestamps more than an hour ahead, one of yesterday takes all."""

Arrival = Callable[[list[tuple[str, int]]], list[tuple[str, int, int]]]
"""Gives the (cell, minute) of a past in the order in which they came, each with its record's timestamp in ms."""


def ms(minute: int) -> int:
    return (T0 + minute) * 60_000


def stamped(stamp: Callable[[str, int], int]) -> Arrival:
    return lambda past: [(cell, minute, stamp(cell, minute)) for cell, minute in past]


def late_in_part(past: list[tuple[str, int]]) -> list[tuple[str, int, int]]:
    """Twenty minutes of one cell came five hours later, behind all others."""
    late = [(cell, minute) for cell, minute in past if cell == CELL and 110 <= minute < 130]
    on_time = [entry for entry in past if entry not in late]
    return [*((c, m, ms(m)) for c, m in on_time), *((c, m, ms(m + 5 * HOUR)) for c, m in late)]


def shuffled(past: list[tuple[str, int]]) -> list[tuple[str, int, int]]:
    """An import whose files were read in any order."""
    order = random.Random(1).sample(past, len(past))
    return [(cell, minute, NOW_MS) for cell, minute in order]


def cell_by_cell(past: list[tuple[str, int]]) -> list[tuple[str, int, int]]:
    return [(cell, minute, NOW_MS) for cell, minute in sorted(past)]


ARRIVALS: dict[str, tuple[Arrival, dict[str, str]]] = {
    "on time": (stamped(lambda _, m: ms(m) + 2_000), {}),
    "stamped with their minute": (stamped(lambda _, m: ms(m)), {}),
    "three hours late": (stamped(lambda _, m: ms(m + 3 * HOUR)), {}),
    "half an hour early": (stamped(lambda _, m: ms(m - 30)), {}),
    "nine days late": (stamped(lambda _, m: ms(m + 9 * DAY)), {}),
    "nine days early": (stamped(lambda _, m: ms(m - 9 * DAY)), {}),
    "some late": (late_in_part, {}),
    "imported at once": (stamped(lambda *_: NOW_MS), {}),
    "imported cell by cell": (cell_by_cell, {}),
    "imported in any order": (shuffled, {}),
    "stamped by the broker": (stamped(lambda _, m: ms(m)), {"message.timestamp.type": "LogAppendTime"}),
    "stamped 1970": (stamped(lambda *_: 1), {}),
    "stamped by 3000": (stamped(lambda *_: FAR_FUTURE_MS), {}),
    "one stamped by 3000": (stamped(lambda _, m: FAR_FUTURE_MS if m == 20 else ms(m)), {}),
    "some stamped 1970": (stamped(lambda _, m: ms(m) if m % 3 else 1), {}),
    "stamps that go back": (stamped(lambda _, m: ms(MINUTES - m)), {}),
}


def past() -> list[tuple[str, int]]:
    return [(cell, minute) for minute in range(MINUTES) for cell in CELLS[:4]]


def body(cell: str, minute: int) -> bytes:
    return value(cell, minute, np.full(len(NAMES), minute / 10))


@pytest.fixture
def make_config(broker, topics, tmp_path) -> Callable[..., Config]:
    def make(partitions: int = PARTITIONS, **settings: str) -> Config:
        shape = {"partitions": partitions, "config": {**ANY_TIMESTAMP, **settings}}
        create_topics(broker.bootstrap, {f"{topics}minutes": shape})
        path = tmp_path / "config.yaml"
        common = f"common: {{bootstrap.servers: '{broker.bootstrap}'}}, reach_seconds: 20"
        path.write_text(f"bundle: none\nkafka: {{topics: {{minutes: {topics}minutes}}, {common}}}\n")
        return read_config(path)

    return make


def publish(config: Config, entries: list[tuple[str, int, int]], **properties: object) -> Producer:
    """Write entries in their order, each cell into the partition of its key."""
    servers = config.kafka.common["bootstrap.servers"]
    producer = Producer({"bootstrap.servers": servers, "enable.idempotence": True, **QUIET, **properties})
    if "transactional.id" in properties:
        producer.init_transactions(30)
        producer.begin_transaction()
    write(producer, config, entries)
    return producer


def write(producer: Producer, config: Config, entries: list[tuple[str, int, int]]) -> None:
    topic = config.kafka.topics.minutes
    for cell, minute, timestamp in entries:
        partition = partition_of(cell.encode(), PARTITIONS)
        producer.produce(topic, body(cell, minute), cell.encode(), partition, timestamp=timestamp)
    assert not producer.flush(30)


def look(config: Config) -> tuple[list[int], list[int], int]:
    """Return the minutes that teaching finds, those that a reproduction finds, and how many a preview replays."""
    with closing(TopicHistory(config, CATALOGUE)) as history:
        found = history.minutes(CELL, T0 + SOUGHT[0], T0 + SOUGHT[1])
        sample = history.read_sample(CELL, SampleSize(cell_days=150, hours=24))
    records = read_cell_records(config, CATALOGUE, CELL, (T0 + SOUGHT[0], T0 + SOUGHT[1]))
    np.testing.assert_allclose(found.values[:, 0], 10 + 2 * (found.minute - T0) / 10, rtol=1e-5)
    minutes = Decoder(CATALOGUE, 100_000).decode(records)[0].minute - T0
    assert np.all(np.diff(records.offsets) > 0)
    assert all(np.all(np.diff(samples.minute) >= 0) for part in sample.parts for samples in part)
    reproduced = sorted({minute for minute in minutes.tolist() if SOUGHT[0] <= minute < SOUGHT[1]})
    return (found.minute - T0).tolist(), reproduced, sample.records


WANTED = (list(range(*SOUGHT)), list(range(*SOUGHT)), 4 * MINUTES)


@pytest.mark.parametrize("arrival", ARRIVALS)
def test_every_minute_is_found_however_its_record_came(make_config, arrival):
    arrive, settings = ARRIVALS[arrival]
    config = make_config(**settings)
    publish(config, arrive(past()))
    assert look(config) == WANTED
