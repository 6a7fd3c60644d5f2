"""Transactions that survive their client: a call that does not end costs a transaction, never the process."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from detector.config.schema import Kafka
from detector.kafka.broker_monitor import BrokerMonitor
from detector.kafka.transactions import Aborted, Transactions
from tests.eventually import eventually
from tests.kafka.broker import Broker
from tests.kafka.topics import QUIET, consume_committed, create_topics

pytestmark = pytest.mark.broker


@contextmanager
def writing(broker: Broker, topics: str) -> Iterator[tuple[Transactions, Any]]:
    """Transactions and the metadata of a group they commit for; one was committed, so every coordinator is known."""
    create_topics(broker.bootstrap, {f"{topics}in": {"partitions": 1}, f"{topics}out": {"partitions": 1}})
    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": f"{topics}g", **QUIET})
    consumer.subscribe([f"{topics}in"])
    eventually(lambda: consumer.poll(0.05) is None and bool(consumer.assignment()), "the group is there")
    kafka = Kafka(group=f"{topics}g", common={"bootstrap.servers": broker.bootstrap})
    transactions = Transactions(kafka, BrokerMonitor(kafka))
    group = consumer.consumer_group_metadata()
    write(transactions, topics, b"first")
    transactions.commit([TopicPartition(f"{topics}in", 0, 1)], group)
    yield transactions, group
    consumer.close()


def write(transactions: Transactions, topics: str, value: bytes) -> None:
    transactions.begin()
    transactions.send(f"{topics}out", value=value)


def lose_brokers(broker: Broker, transactions: Transactions) -> None:
    """Away until the producer has noticed, and back."""
    broker.kill()
    eventually(lambda: transactions._producer.poll(0.05) >= 0 and transactions._brokers_lost.is_set(), "it is noticed")
    broker.restart()


def values(broker: Broker, topics: str) -> list[bytes | None]:
    return [message.value() for message in consume_committed(broker.bootstrap, f"{topics}out")]


def test_a_call_that_does_not_end_is_left_behind_and_its_producer_writes_no_more(mortal_broker, topics):
    with writing(mortal_broker, topics) as (transactions, group):
        write(transactions, topics, b"lost")
        old = transactions._producer
        lose_brokers(mortal_broker, transactions)

        with pytest.raises(Aborted, match="did not end"):
            transactions.commit([TopicPartition(f"{topics}in", 0, 2)], group)

        old.produce(f"{topics}out", b"zombie")
        with pytest.raises(KafkaException, match="fenced by newer producer"):
            eventually(lambda: not old.flush(0.05), "the old producer's records are decided")
        write(transactions, topics, b"second")
        transactions.commit([TopicPartition(f"{topics}in", 0, 2)], group)
        assert values(mortal_broker, topics) == [b"first", b"second"]


def test_a_producer_that_has_lost_all_brokers_is_replaced_before_the_next_transaction(mortal_broker, topics):
    with writing(mortal_broker, topics) as (transactions, group):
        old = transactions._producer
        lose_brokers(mortal_broker, transactions)

        write(transactions, topics, b"second")
        transactions.commit([TopicPartition(f"{topics}in", 0, 2)], group)

        assert transactions._producer is not old
        assert values(mortal_broker, topics) == [b"first", b"second"]


@pytest.mark.smoke
def test_a_transaction_in_good_weather_keeps_its_producer(broker, topics):
    with writing(broker, topics) as (transactions, group):
        old = transactions._producer
        for value in (b"second", b"third"):
            write(transactions, topics, value)
            transactions.commit([TopicPartition(f"{topics}in", 0, 2)], group)
        assert transactions._producer is old
        write(transactions, topics, b"never")
        transactions.abort()
        assert values(broker, topics) == [b"first", b"second", b"third"]


class Young(Producer):
    """Whose broker has not yet heard of the transaction that it is to roll back."""

    def abort_transaction(self, *_):
        raise KafkaException(KafkaError(KafkaError.INVALID_TXN_STATE, "Failed to end transaction", fatal=True))


def test_a_transaction_too_young_to_be_rolled_back_is_rolled_back_by_another_producer(broker, topics, monkeypatch):
    monkeypatch.setattr("detector.kafka.transactions.Producer", Young)
    with writing(broker, topics) as (transactions, group):
        old = transactions._producer
        write(transactions, topics, b"never")
        transactions.abort()
        assert transactions._producer is not old
        write(transactions, topics, b"second")
        transactions.commit([TopicPartition(f"{topics}in", 0, 2)], group)
        assert values(broker, topics) == [b"first", b"second"]
