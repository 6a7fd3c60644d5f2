"""Compacted topics read whole, on a real broker."""

import pytest
from confluent_kafka import Consumer, Message, Producer

from detector.config.schema import Kafka
from detector.kafka.broker_monitor import BrokerMonitor
from detector.kafka.compacted_table import CompactedTable
from tests.kafka.broker import Broker, ExternalBroker
from tests.kafka.topics import QUIET, create_topics, produce

pytestmark = pytest.mark.broker

OLD, NEW = 3, 2
"""Records that a leader shows at once, and that it has, too."""

RETURNS = 2

QUESTIONS = 20
"""As often as the reader asks whether the broker is there, the transaction is left open: for longer than it takes to be
connected, which looks the same."""


def values(table: CompactedTable) -> dict[bytes | None, bytes | None]:
    return {key: record.value for key, record in table.read([0])[0].items()}


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
    table = CompactedTable(kafka, f"{topics}table", BrokerMonitor(kafka, end_at_last))

    assert values(table) == {b"key": newest}
    assert len(asked) >= QUESTIONS
    table.close()


def test_where_a_new_leader_shows_too_little_the_table_is_read_on(
    broker: Broker | ExternalBroker, topics: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What its followers have not yet confirmed comes into sight when the reader has been told of an end."""
    topic = f"{topics}table"
    create_topics(broker.bootstrap, {topic: {"partitions": 1}})
    writer = Producer({"bootstrap.servers": broker.bootstrap, **QUIET})

    def write(first: int, last: int) -> None:
        for number in range(first, last):
            writer.produce(topic, b"value", b"%d" % number)
        assert not writer.flush(30)

    class Behind(Consumer):
        told_of_an_end = False

        def consume(self, *arguments: object) -> list[Message]:
            messages: list[Message] = super().consume(*arguments)
            if not self.told_of_an_end and any(message.error() for message in messages):
                self.told_of_an_end = True
                write(OLD, OLD + NEW)
            return messages

    write(0, OLD)
    monkeypatch.setattr("detector.kafka.compacted_table.Consumer", Behind)
    monkeypatch.setattr(CompactedTable, "_ends", lambda *_: {0: OLD + NEW})
    table = CompactedTable(Kafka(common={"bootstrap.servers": broker.bootstrap}), topic)

    assert len(table.read([0])[0]) == OLD + NEW
    table.close()


def test_a_table_is_read_again_when_its_broker_has_come_back(mortal_broker: Broker, topics: str) -> None:
    """Its leader counts a new epoch then, and refuses who asks by the old one."""
    create_topics(mortal_broker.bootstrap, {f"{topics}table": {"partitions": 1}})
    produce(mortal_broker.bootstrap, f"{topics}table", [(b"key", b"value", None)])
    kafka = Kafka(common={"bootstrap.servers": mortal_broker.bootstrap})
    table = CompactedTable(kafka, f"{topics}table", BrokerMonitor(kafka))
    for _ in range(RETURNS):
        assert values(table) == {b"key": b"value"}
        mortal_broker.kill()
        mortal_broker.restart()
    assert values(table) == {b"key": b"value"}
    table.close()
