"""The past of a topic is found by time, by key, and to the last record asked for."""

import pytest

from detector.config.loader import read_config
from detector.kafka.producer import RecordProducer
from detector.kafka.readers.range_reader import OffsetRange, RangeReader, partition_of
from tests.kafka.topics import consume_committed, create_topics

pytestmark = pytest.mark.broker

FOR_EVER = {"retention.ms": "-1"}
PARTITIONS = 5
CELLS = [f"cell-{'x' * (number % 7)}{number}" for number in range(40)]
MINUTES = range(100, 160)


@pytest.fixture
def config(broker, topics, tmp_path):
    create_topics(broker.bootstrap, {f"{topics}minutes": {"partitions": PARTITIONS, "config": FOR_EVER}})
    path = tmp_path / "config.yaml"
    kafka = f"{{topics: {{minutes: {topics}minutes}}, common: {{bootstrap.servers: '{broker.bootstrap}'}}}}"
    path.write_text(f"bundle: none\nkafka: {kafka}\n")
    return read_config(path)


@pytest.fixture
def spans(config):
    made = RangeReader(config)
    yield made
    made.close()


def publish(config, minutes):
    records = [(cell.encode(), b"%d" % minute, minute * 60_000) for minute in minutes for cell in CELLS]
    RecordProducer(config.kafka).publish(config.kafka.topics.minutes, records)


def test_a_key_is_looked_for_where_our_producer_and_javas_put_it(config):
    publish(config, [100])
    placed = {
        m.key(): m.partition()
        for m in consume_committed(config.kafka.common["bootstrap.servers"], config.kafka.topics.minutes, 40)
    }
    assert {cell: placed[cell.encode()] for cell in CELLS} == {c: partition_of(c.encode(), PARTITIONS) for c in CELLS}
    assert len(set(placed.values())) == PARTITIONS


def test_some_hours_of_one_cell_are_read_and_nothing_else(config, spans):
    publish(config, MINUTES)
    key = CELLS[3].encode()
    home = spans.whole_ranges([partition_of(key, PARTITIONS)])
    span = spans.offset_ranges(home, 120 * 60_000, 130 * 60_000)
    read = list(spans.read(span, lambda other: other == key))
    assert [value for records in read for value in records.values] == [b"%d" % minute for minute in range(120, 130)]
    assert {other for records in read for other in records.keys} == {key}


def test_what_lies_beyond_either_end_of_the_topic_is_an_empty_span(config, spans):
    assert spans.newest(spans.whole_ranges()) == spans.oldest(spans.whole_ranges()) == []
    publish(config, MINUTES)
    assert {edge.timestamps_ms.max() for edge in spans.newest(spans.whole_ranges())} == {159 * 60_000}
    assert {edge.timestamps_ms.min() for edge in spans.oldest(spans.whole_ranges())} == {100 * 60_000}
    whole = spans.whole_ranges()
    for begin, end in ((0, 99), (160, 900)):
        assert [len(span) for span in spans.offset_ranges(whole, begin * 60_000, end * 60_000)] == [0] * PARTITIONS
    assert list(spans.read([OffsetRange(0, 0, 0)], lambda _: True)) == []
    assert spans.offset_ranges(whole, 0, 10**12) == whole
    assert sum(map(len, whole)) == len(CELLS) * len(MINUTES)
