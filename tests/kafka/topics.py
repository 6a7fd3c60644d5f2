"""Topics and what is in them, seen from outside: made, filled, and read to the end of what is committed."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, TopicMetadata

from tests.eventually import eventually

QUIET = {"log_level": 0}
"""A broker that is killed on purpose is no news: without this librdkafka logs a line for every attempt to reach it."""

AS_THE_BROKER_HAS_IT = -1

ADMIN_SECONDS = 30.0
"""Creating a topic takes 0.1 s; a broker that has just come back from a SIGKILL takes a few."""


def create_topics(bootstrap: str, topics: Mapping[str, Mapping[str, Any]]) -> None:
    """Creates topics, {name: {"partitions": n, "config": {...}}}, and returns when every partition has a leader."""
    admin = AdminClient({"bootstrap.servers": bootstrap, **QUIET})
    wanted = [
        NewTopic(
            name, shape["partitions"], replication_factor=AS_THE_BROKER_HAS_IT, config=dict(shape.get("config", {}))
        )
        for name, shape in topics.items()
    ]

    def all_created() -> bool:
        results = admin.create_topics(wanted, operation_timeout=ADMIN_SECONDS)
        wanted[:] = [topic for topic in wanted if _is_fenced(results[topic.topic])]
        return not wanted

    eventually(all_created, "the broker takes new topics")

    def all_led(seen: Mapping[str, TopicMetadata]) -> bool:
        return all(name in seen and is_led(seen[name], shape["partitions"]) for name, shape in topics.items())

    wait_for_topics(admin, all_led, f"{', '.join(topics)} are there")


def _is_fenced(created: Future[None]) -> bool:
    """Whether the broker took no topic for now, as on a machine so loaded that its heartbeats are late."""
    try:
        created.result()
    except KafkaException as error:
        if error.args[0].code() != KafkaError.INVALID_REPLICATION_FACTOR:
            raise
        return True
    return False


def delete_topics(bootstrap: str, names: Sequence[str]) -> None:
    """Deletes topics and returns when none of them is seen any more."""
    if not names:
        return
    admin = AdminClient({"bootstrap.servers": bootstrap, **QUIET})
    for deleted in admin.delete_topics(list(names), operation_timeout=ADMIN_SECONDS).values():
        deleted.result()
    wait_for_topics(admin, lambda seen: not set(names) & set(seen), f"{', '.join(names)} are gone")


def list_topics(bootstrap: str) -> list[str]:
    """The names of all topics of the cluster."""
    return list(AdminClient({"bootstrap.servers": bootstrap, **QUIET}).list_topics(timeout=ADMIN_SECONDS).topics)


def is_led(topic: TopicMetadata, partitions: int) -> bool:
    """Whether all partitions are there and can be written to."""
    led = [part for part in topic.partitions.values() if part.leader >= 0 and part.error is None]
    return topic.error is None and len(led) == partitions


def wait_for_topics(admin: AdminClient, condition: Callable[[Mapping[str, TopicMetadata]], bool], what: str) -> None:
    """Asks for the cluster's topics until they meet a condition; TimeoutError after ADMIN_SECONDS."""
    eventually(lambda: condition(admin.list_topics(timeout=ADMIN_SECONDS).topics), what, ADMIN_SECONDS)


def produce(bootstrap: str, topic: str, records: Iterable[Sequence[Any]], deadline_seconds: float = 60.0) -> None:
    """Writes records, (key, value, headers[, timestamp_ms[, partition]]), in their order and each once.

    Headers, timestamp and partition may be None. Returns when the broker has acknowledged all of them; raises
    KafkaException for the first it refused, TimeoutError when some are still under way at the deadline.
    """
    deadline = time.monotonic() + deadline_seconds
    refused: list[KafkaError] = []

    def note(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            refused.append(error)

    # Idempotent: the first batches to a new topic are retried, and a plain producer would reorder them.
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "enable.idempotence": True,
            "queue.buffering.max.messages": 1_000_000,
            "message.max.bytes": 119_000_000,  # a topic says itself what is too long for it
            **QUIET,
        }
    )
    for key, value, headers, *rest in records:
        timestamp_ms, partition = (*rest, None, None)[:2]
        placed = {} if partition is None else {"partition": partition}
        dated = {} if timestamp_ms is None else {"timestamp": timestamp_ms}
        while True:
            try:
                producer.produce(topic, value, key=key, headers=headers or [], on_delivery=note, **placed, **dated)
                break
            except BufferError:
                producer.poll(0.1)
                if time.monotonic() > deadline:
                    raise
        producer.poll(0)
    under_way = producer.flush(max(0.0, deadline - time.monotonic()))
    if refused:
        raise KafkaException(refused[0])
    if under_way:
        raise TimeoutError(f"{under_way} records for {topic} not acknowledged after {deadline_seconds:g} s")


def consume_committed(
    bootstrap: str,
    topic: str,
    until: int | Callable[[list[Message]], bool] = 0,
    deadline_seconds: float = 30.0,
    isolation: str = "read_committed",
) -> list[Message]:
    """Reads all that is committed in a topic, from its beginning; order holds within a partition.

    Returns at the end of every partition, and not before `until` is met: a number of messages, or a condition on those
    read so far. What was written beyond it is therefore in the list too. TimeoutError at the deadline.
    """
    met = until if callable(until) else lambda read: len(read) >= until
    deadline = time.monotonic() + deadline_seconds
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "reads-by-assignment",  # the client wants one; nothing joins it or commits to it
            "enable.auto.commit": False,
            "isolation.level": isolation,
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
            "fetch.wait.max.ms": 10,  # the end of a topic is an empty fetch, half a second of waiting by default
            **QUIET,
        }
    )
    try:
        partitions = set(consumer.list_topics(topic, timeout=deadline_seconds).topics[topic].partitions)
        if not partitions:
            raise KafkaException(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART, f"no topic {topic} at {bootstrap}"))
        consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in partitions])
        read: list[Message] = []
        at_end: set[int] = set()
        while at_end != partitions or not met(read):
            if time.monotonic() > deadline:
                where = f"{len(at_end)} of {len(partitions)} partitions read to their end"
                raise TimeoutError(f"{topic}: {len(read)} messages after {deadline_seconds:g} s, {where}")
            take(consumer.consume(1000, 0.1), read, at_end)
        return read
    finally:
        consumer.close()


def take(messages: list[Message], read: list[Message], at_end: set[int]) -> None:
    """Adds what a poll brought to `read`, and keeps in `at_end` the partitions of which nothing is left."""
    for message in messages:
        error = message.error()
        if error is None:
            at_end.discard(message.partition())
            read.append(message)
        elif error.code() == KafkaError._PARTITION_EOF:
            at_end.add(message.partition())
        else:
            raise KafkaException(error)
