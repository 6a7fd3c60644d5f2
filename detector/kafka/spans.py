"""One cell's records out of the input topic, as they lie there: for whoever asks what happened, long after."""

from collections.abc import Iterable, Iterator

import numpy as np
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from detector.config import Config
from detector.core.samples import Records
from detector.errors import ClusterError
from detector.kafka.cluster import explain, open_client, partitions
from detector.kafka.properties import reader_properties
from detector.kafka.source import columns

READ_AT_ONCE = 10_000
WAIT_SECONDS = 1.0


def read_span(config: Config, cell: str, first: int, last: int) -> Records:
    """The cell's records that came from the minute `first` to an hour after `last`, by the records' own time.

    In the order of their partition; a cell lies in one, and the first that has any is taken. Raises ClusterError.
    """
    count = partitions(config).get(config.kafka.topics.minutes)
    if count is None:
        raise ClusterError(f"topic {config.kafka.topics.minutes} does not exist; create it with `faultline topics`.")
    consumer = open_client(Consumer, reader_properties(config.kafka), config.kafka)
    try:
        for number in range(count):
            read = _read(consumer, config, number, first, last)
            found = [message for message in read if message.key() == cell.encode()]
            if found:
                return columns(number, found)
    except KafkaException as error:
        raise explain(error.args[0], config.kafka) from None
    finally:
        consumer.close()
    return Records(0, np.empty(0, np.int64), [], [])


def _read(consumer: Consumer, config: Config, number: int, first: int, last: int) -> Iterator[Message]:
    topic, wait = config.kafka.topics.minutes, config.kafka.reach_seconds
    low, high = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=wait)
    begin, end = (_offset(consumer, TopicPartition(topic, number, stamp), high, wait) for stamp in _stamps(first, last))
    if begin >= end:
        return
    consumer.assign([TopicPartition(topic, number, max(begin, low) if begin else OFFSET_BEGINNING)])
    idle = 0.0
    while idle < wait:
        messages = consumer.consume(READ_AT_ONCE, WAIT_SECONDS)
        idle = 0.0 if messages else idle + WAIT_SECONDS
        for message in _without_errors(messages, config):
            if message.offset() >= end:
                return
            yield message
        if _ended(messages) or (messages and messages[-1].offset() + 1 >= end):
            return
    raise ClusterError(f"partition {number} of {topic} was not read to its end; check that the broker runs.")


def _stamps(first: int, last: int) -> tuple[int, int]:
    return first * 60_000, (last + 60) * 60_000


def _offset(consumer: Consumer, at: TopicPartition, high: int, wait: float) -> int:
    (found,) = consumer.offsets_for_times([at], timeout=wait)
    return high if found.offset < 0 else int(found.offset)


def _ended(messages: Iterable[Message]) -> bool:
    return any(m.error() is not None and m.error().code() == KafkaError._PARTITION_EOF for m in messages)


def _without_errors(messages: Iterable[Message], config: Config) -> Iterator[Message]:
    for message in messages:
        error = message.error()
        if error is None:
            yield message
        elif error.code() != KafkaError._PARTITION_EOF:
            raise explain(error, config.kafka)
