"""The minutes as polls, on a real broker: what a rebalance and an error do to whoever reads them."""

from typing import Any

import pytest
from confluent_kafka import KafkaError, Message, Producer

from detector.config.loader import read_config
from detector.errors import ClusterError
from detector.kafka.broker_monitor import BrokerMonitor
from detector.kafka.consumer import MinuteConsumer, Poll
from tests.eventually import eventually
from tests.kafka.broker import Broker
from tests.kafka.topics import QUIET
from tests.service.network import told
from tests.service.stage import Stage

pytestmark = pytest.mark.broker

QUICK = {"session.timeout.ms": 45_000, "heartbeat.interval.ms": 200}

POLLS = 40
"""Of 0.05 s each: a partition that is fetched from brings its records within two."""


FULL = {"queued.min.messages": 1}
"""A buffer that is full with the first records, and fetches no more until they are taken."""


def opened(stage: Stage, name: str, **knobs: Any) -> MinuteConsumer:
    consumer = {**QUICK, **knobs.pop("consumer", {})}
    config = read_config(stage.config(kafka={"instance": name, "consumer": consumer, **knobs}))
    return MinuteConsumer(config, BrokerMonitor(config.kafka))


def take(source: MinuteConsumer, stage: Stage, count: int) -> None:
    """Until it has given so many records of all partitions."""
    taken: list[int] = []

    def came() -> bool:
        taken.extend(len(records) for records in source.poll().records)
        return sum(taken) >= count

    eventually(came, f"{count} records taken")
    assert sum(taken) == count


def test_an_error_that_the_client_calls_fatal_ends_in_a_sentence(stage: Stage) -> None:
    # Given an error that no broker can be brought to at will, as the client hands it over,
    error = KafkaError(KafkaError.INVALID_GROUP_ID, "The group is gone", True)
    source = opened(stage, "one")

    sentence = r"^Kafka at \S+, topic \S+: The group is gone \(INVALID_GROUP_ID\); see the broker's log\.$"
    with pytest.raises(ClusterError, match=sentence):
        source._handle_error_event(Message(topic=stage.topic("minutes"), partition=0, offset=0, error=error), Poll())

    source.close()


def test_a_broker_that_is_away_when_a_partition_is_taken_up_is_waited_for(stage: Stage, mortal_broker: Broker) -> None:
    # Given both partitions, and a broker that comes back when it was asked for the third time,
    answers: list[bool] = []

    def hear(answered: bool) -> None:
        answers.append(answered)
        if len(answers) == 3:
            mortal_broker.start()

    config = read_config(stage.config(kafka={"consumer": QUICK}))
    source = MinuteConsumer(config, BrokerMonitor(config.kafka, hear))
    owned: set[int] = set()

    def all_owned() -> bool:
        poll = source.poll()
        owned.difference_update(poll.revocations)
        owned.update(assignment.partition for assignment in poll.assignments)
        return len(owned) == stage.partitions

    eventually(all_owned, "both are its own")

    # when it takes them up anew while the broker is away,
    mortal_broker.kill()
    source.rewind()

    assert answers[:3] == [False, False, False]
    eventually(all_owned, "both are its own again")
    source.close()


def test_the_lag_grows_while_a_full_buffer_fetches_nothing(stage: Stage) -> None:
    # Given a buffer with the first hundred of each partition, of which a few were taken,
    stage.tell(told(0, 20))
    first = len(told(0, 20))
    source = opened(stage, "one", consumer=FULL, batch_records=10)
    take(source, stage, 10)

    # when twice as many come to the log,
    stage.tell(told(20, 60))
    behind = len(told(0, 60)) - 10

    assert behind > first
    eventually(lambda: sum(source.lag().values()) == behind, f"{behind} records behind; it says {source.lag()}")
    source.close()


def test_a_marker_at_the_end_of_a_partition_is_no_record_behind(stage: Stage) -> None:
    """A feeder that writes in transactions leaves one there, which nobody can take."""
    settings = {"bootstrap.servers": stage.bootstrap, "transactional.id": f"{stage.prefix}feeder", **QUIET}
    feeder = Producer(settings)
    feeder.init_transactions(30)
    feeder.begin_transaction()
    records = told(0, 20)
    for key, value, _, timestamp, partition in records:
        feeder.produce(stage.topic("minutes"), value, key, partition, timestamp=timestamp)
    feeder.commit_transaction(30)

    source = opened(stage, "one")
    take(source, stage, len(records))

    nothing = dict.fromkeys(range(stage.partitions), 0)
    eventually(lambda: not source.poll().records and source.lag() == nothing, "nothing behind")
    source.close()
