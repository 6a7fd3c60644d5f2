"""Past minutes of a cell are found however their records came: late, early, at once, in disorder, behind any tail."""

import random
import time
from collections.abc import Callable
from contextlib import closing

import numpy as np
import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from detector.config.loader import read_config
from detector.config.schema import Config
from detector.core.ingest.decoder import Decoder
from detector.errors import TimeError
from detector.history.sampling import SampleSize
from detector.kafka.readers.range_reader import RangeReader, partition_of
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


def put_aborted(config: Config, count: int = 100, transactions: int = 5) -> None:
    """A feeder that dies in its transactions."""
    entries = [(CELL, MINUTES, ms(MINUTES))] * (count // transactions)
    producer = publish(config, entries, **{"transactional.id": f"{config.kafka.topics.minutes}-dying"})
    producer.abort_transaction(30)
    for _ in range(transactions - 1):
        producer.begin_transaction()
        write(producer, config, entries)
        producer.abort_transaction(30)


def put_markers(config: Config) -> None:
    """Transactions of one record each: half of the last offsets are markers."""
    producer = publish(config, [], **{"transactional.id": f"{config.kafka.topics.minutes}-tidy"})
    producer.abort_transaction(30)
    for number in range(15):
        producer.begin_transaction()
        write(producer, config, [(cell, MINUTES - 1, ms(MINUTES - 1)) for cell in CELLS[:4]])
        producer.commit_transaction(30) if number == 0 else producer.abort_transaction(30)


open_producers: list[Producer] = []


def leave_open(config: Config) -> None:
    """A transaction that nobody ends: all behind it waits, too."""
    entries = [(cell, MINUTES, ms(MINUTES)) for cell in CELLS[:4]]
    open_producers.append(publish(config, entries, **{"transactional.id": f"{config.kafka.topics.minutes}-open"}))
    publish(config, entries * 10)


def put_broken(config: Config) -> None:
    """Records that no catalogue can decode."""
    producer = publish(config, [])
    for number in range(60):
        producer.produce(config.kafka.topics.minutes, b"{", CELL.encode(), number % PARTITIONS)
    assert not producer.flush(30)


TAILS: dict[str, Callable[[Config], None]] = {
    "nothing": lambda config: None,
    "100 aborted records": put_aborted,
    "700 aborted records": lambda config: put_aborted(config, 700),
    "markers": put_markers,
    "an open transaction": leave_open,
    "broken records": put_broken,
}


@pytest.mark.parametrize("tail", TAILS)
def test_minutes_are_found_before_any_tail(make_config, tail):
    config = make_config()
    publish(config, [(cell, minute, ms(minute)) for cell, minute in past()])
    TAILS[tail](config)
    assert look(config) == (*WANTED[:2], WANTED[2] + (4 if tail == "markers" else 0))
    with closing(RangeReader(config)) as reader:
        newest = max(int(edge.timestamps_ms.max()) for edge in reader.newest(reader.whole_ranges()))
        oldest = min(int(edge.timestamps_ms.min()) for edge in reader.oldest(reader.whole_ranges()))
    assert oldest == ms(0)
    assert newest == ms(MINUTES - 1) or tail == "broken records"


def delete_before(config: Config, offsets: dict[int, int]) -> None:
    topic, admin = config.kafka.topics.minutes, AdminClient(dict(config.kafka.common))
    positions = [TopicPartition(topic, partition, offset) for partition, offset in offsets.items()]
    for done in admin.delete_records(positions).values():
        done.result()


@pytest.mark.parametrize("has_records", [False, True])
def test_an_empty_topic_has_no_newest_record_whether_it_ever_had_one(make_config, has_records):
    config = make_config()
    if has_records:
        publish(config, [(cell, minute, ms(minute)) for cell, minute in past()])
        delete_before(config, dict.fromkeys(range(PARTITIONS), -1))
    with closing(RangeReader(config)) as reader:
        assert reader.newest(reader.whole_ranges()) == reader.oldest(reader.whole_ranges()) == []
        assert [len(part) for part in reader.whole_ranges()] == [0] * PARTITIONS
    with closing(TopicHistory(config, CATALOGUE)) as history:
        assert history.read_sample(CELL, SampleSize(cell_days=150, hours=24)).records == 0
        with pytest.raises(TimeError, match="is empty; teach from files with --history"):
            history.minutes(CELL, T0, T0 + 60)
    assert len(read_cell_records(config, CATALOGUE, CELL, (T0, T0 + 60))) == 0


def test_holes_of_a_compaction_are_read_over(make_config):
    """Only the newest record of each cell is left in the first segment, and all of the last."""
    config = make_config(
        **{"cleanup.policy": "compact", "segment.bytes": "1048576", "min.cleanable.dirty.ratio": "0.01"}
    )
    entries = [(cell, minute, ms(minute)) for cell, minute in past()]
    publish(config, entries[:-8])
    with closing(RangeReader(config)) as reader:
        assert len(reader.newest(reader.whole_ranges())) == PARTITIONS
    publish(config, entries[-8:])
    assert look(config)[0] == list(range(*SOUGHT))


def test_a_range_whose_head_is_deleted_is_read_from_where_it_begins_now(make_config):
    config = make_config()
    publish(config, [(cell, minute, ms(minute)) for cell, minute in past()])
    with closing(RangeReader(config)) as reader:
        whole = reader.whole_ranges()
        delete_before(config, {whole[0].partition: 50})
        read = list(reader.read(whole, lambda _: True))
    assert sum(map(len, read)) == 4 * MINUTES - 50


@pytest.mark.parametrize("cell", ["cell-9", "elsewhere"])
def test_a_cell_that_is_not_there_is_named_with_those_that_are(make_config, cell):
    config = make_config()
    publish(config, [(cell, minute, ms(minute)) for cell, minute in past()])
    absent = pytest.raises(TimeError, match=f"holds no minute of cell '{cell}' from .*but minutes of 4 other cells")
    with closing(TopicHistory(config, CATALOGUE)) as history, absent:
        history.minutes(cell, T0 + 100, T0 + 160)


def test_one_wrong_clock_does_not_move_the_latest_hours(make_config):
    """Days of minutes, imported at once: a day of them is replayed. A cell that lives in 2099 is not."""
    config = make_config()
    days = [(cell, minute, NOW_MS) for minute in range(0, 3 * DAY, 5) for cell in CELLS[:4]]
    wrong = [(CELLS[4], 73 * 365 * DAY + minute, NOW_MS) for minute in range(10)]
    publish(config, [*days, *wrong])
    with closing(TopicHistory(config, CATALOGUE)) as history:
        sample = history.read_sample(CELL, SampleSize(cell_days=150, hours=24))
    assert sample.records == 4 * DAY // 5
    assert sample.span == (T0 + 2 * DAY, T0 + 3 * DAY - 4)


def test_a_sample_that_comes_out_small_is_drawn_again_with_more_cells(make_config):
    config = make_config()
    cells = [f"site-{number}" for number in range(60)]
    days = [(cell, minute * 30, NOW_MS) for minute in range(7 * 48) for cell in cells]
    topic, producer = config.kafka.topics.minutes, publish(config, [])
    for cell, minute, timestamp in days:
        named = body(CELL, minute).replace(CELL.encode(), cell.encode())
        producer.produce(topic, named, cell.encode(), partition_of(cell.encode(), PARTITIONS), timestamp=timestamp)
    assert not producer.flush(30)
    with closing(TopicHistory(config, CATALOGUE)) as history:
        sample = history.read_sample(cells[0], SampleSize(cell_days=1, hours=24))
    assert 700 <= sample.records <= 2500
    assert sample.span[1] - sample.span[0] <= DAY


BUSY_ROUNDS = 12
"""Rounds of which the quickest count, so that a busy machine does not decide. On a quiet one the first is enough:
0.70 s with 200 partitions, 0.67 s with 2."""


class Clock:
    """Seconds that a look takes."""

    def __enter__(self) -> "Clock":
        self.begin = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self.begin


@pytest.mark.slow
def test_two_hundred_partitions_are_looked_through_as_quickly_as_two(broker, topics, tmp_path):
    """In one run, the same 9,000 records: 136 s and 2 s when each partition was asked and read by itself."""
    seconds: dict[int, list[float]] = {2: [], 200: []}
    configs = {}
    for partitions in seconds:
        topic = f"{topics}{partitions}"
        create_topics(broker.bootstrap, {topic: {"partitions": partitions, "config": ANY_TIMESTAMP}})
        path = tmp_path / f"{partitions}.yaml"
        kafka = f"{{topics: {{minutes: {topic}}}, common: {{bootstrap.servers: '{broker.bootstrap}'}}}}"
        path.write_text(f"bundle: none\nkafka: {kafka}\n")
        configs[partitions] = read_config(path)
        producer = Producer({"bootstrap.servers": broker.bootstrap, "enable.idempotence": True, **QUIET})
        for minute in range(45):
            for number in range(200):
                cell = f"site-{number}"
                named = body(CELL, minute).replace(CELL.encode(), cell.encode())
                home = partition_of(cell.encode(), partitions)
                producer.produce(topic, named, cell.encode(), home, timestamp=ms(minute))
        assert not producer.flush(60)
    for _ in range(BUSY_ROUNDS):
        for partitions, config in configs.items():
            with Clock() as clock, closing(TopicHistory(config, CATALOGUE)) as history:
                assert history.read_sample("site-7", SampleSize(cell_days=150, hours=24)).records == 9000
                assert len(history.minutes("site-7", T0, T0 + 60).minute) == 45
            seconds[partitions].append(clock.seconds)
        if min(seconds[200]) <= 1.5 * min(seconds[2]):
            return
    pytest.fail(f"seconds of each round, by partitions: {seconds}")
