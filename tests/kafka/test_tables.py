"""Compacted topics read whole, on a real broker."""

import pytest
from confluent_kafka import Producer

from detector.config import Kafka
from detector.kafka.presence import Presence
from detector.kafka.tables import Table
from tests.kafka.broker import Broker, ExternalBroker
from tests.kafka.topics import QUIET, create_topics

pytestmark = pytest.mark.broker

QUESTIONS = 3
"""As often as the reader asks whether the broker is there, the transaction is left open."""


@pytest.mark.parametrize(("commits", "newest"), [(True, b"second"), (False, b"first")])
def test_a_table_is_read_when_no_transaction_is_open_in_it(
    broker: Broker | ExternalBroker, topics: str, commits: bool, newest: bytes
) -> None:
    """A predecessor's last word may still be on its way when its offsets are committed already."""
    create_topics(broker.bootstrap, {f"{topics}table": {"partitions": 1}})
    writer = Producer({"bootstrap.servers": broker.bootstrap, "transactional.id": f"{topics}writer", **QUIET})
    writer.init_transactions(30)
    writer.begin_transaction()
    writer.produce(f"{topics}table", b"first", b"key")
    writer.commit_transaction(30)
    writer.begin_transaction()
    writer.produce(f"{topics}table", b"second", b"key")
    assert not writer.flush(30)
    asked: list[bool] = []

    def end_at_last(answered: bool) -> None:
        asked.append(answered)
        if len(asked) == QUESTIONS:
            writer.commit_transaction(30) if commits else writer.abort_transaction(30)

    kafka = Kafka(common={"bootstrap.servers": broker.bootstrap})
    table = Table(kafka, f"{topics}table", Presence(kafka, end_at_last))

    assert table.read([0]) == {0: {b"key": newest}}
    assert len(asked) >= QUESTIONS
    table.close()
