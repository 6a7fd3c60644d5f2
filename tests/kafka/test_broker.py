"""The harness keeps its own promises: without them no test that stands on it proves anything."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from tests.kafka.broker import ROOT, Broker, BrokerUnavailable, external, fetch_jars, server_properties
from tests.kafka.topics import consume_committed, create_topics, delete_topics, list_topics, produce


def transactional(bootstrap: str, name: str) -> Producer:
    producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": name})
    producer.init_transactions(30)
    return producer


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"  # ended, and whoever inherited it has not looked yet


@pytest.mark.broker
def test_a_topic_is_there_when_it_was_created_and_gone_when_it_was_deleted(broker, topics):
    create_topics(broker.bootstrap, {f"{topics}six": {"partitions": 6, "config": {"cleanup.policy": "compact"}}})
    seen = AdminClient({"bootstrap.servers": broker.bootstrap}).list_topics(timeout=10).topics
    assert len(seen[f"{topics}six"].partitions) == 6

    delete_topics(broker.bootstrap, [f"{topics}six"])
    assert f"{topics}six" not in list_topics(broker.bootstrap)


@pytest.mark.broker
def test_records_arrive_once_in_order_and_as_they_were_given(broker, topics):
    create_topics(broker.bootstrap, {f"{topics}in": {"partitions": 2}})
    records = [(b"cell", b"%d" % i, [("h", b"x")], 1_700_000_000_000 + i, 1) for i in range(2000)]
    produce(broker.bootstrap, f"{topics}in", [*records, (None, b"last", None)])

    read = [message for message in consume_committed(broker.bootstrap, f"{topics}in") if message.key()]
    assert [message.value() for message in read] == [record[1] for record in records]
    assert {message.partition() for message in read} == {1}
    assert read[7].headers() == [("h", b"x")]
    assert read[7].timestamp()[1] == 1_700_000_000_007


@pytest.mark.broker
def test_a_transaction_carries_records_and_offsets_with_their_metadata(broker, topics):
    create_topics(broker.bootstrap, {f"{topics}in": {"partitions": 1}, f"{topics}out": {"partitions": 1}})
    produce(broker.bootstrap, f"{topics}in", [(b"k", b"v", None)] * 3)
    group = {"bootstrap.servers": broker.bootstrap, "group.id": f"{topics}g", "enable.auto.commit": False}
    consumer = Consumer({**group, "auto.offset.reset": "earliest"})
    consumer.subscribe([f"{topics}in"])
    assert len(consumer.consume(3, 30)) == 3

    producer = transactional(broker.bootstrap, f"{topics}t")
    producer.begin_transaction()
    producer.produce(f"{topics}out", b"result")
    position = TopicPartition(f"{topics}in", 0, 3, metadata="replay=1")
    producer.send_offsets_to_transaction([position], consumer.consumer_group_metadata(), 30)
    producer.commit_transaction(30)
    consumer.close()

    assert [message.value() for message in consume_committed(broker.bootstrap, f"{topics}out", until=1)] == [b"result"]
    stranger = Consumer(group)
    (committed,) = stranger.committed([TopicPartition(f"{topics}in", 0)], 30)
    stranger.close()
    assert (committed.offset, committed.metadata) == (3, "replay=1")


@pytest.mark.broker
def test_what_was_aborted_is_not_read(broker, topics):
    create_topics(broker.bootstrap, {f"{topics}out": {"partitions": 1}})
    producer = transactional(broker.bootstrap, f"{topics}t")
    for value, end in ((b"no", producer.abort_transaction), (b"yes", producer.commit_transaction)):
        producer.begin_transaction()
        producer.produce(f"{topics}out", value)
        producer.flush(30)
        end(30)

    assert [message.value() for message in consume_committed(broker.bootstrap, f"{topics}out", until=1)] == [b"yes"]


@pytest.mark.broker
def test_a_reader_says_how_far_it_came_when_too_little_arrives(broker, topics):
    create_topics(broker.bootstrap, {f"{topics}out": {"partitions": 1}})
    produce(broker.bootstrap, f"{topics}out", [(None, b"v", None)])

    with pytest.raises(TimeoutError, match=r"out: 1 messages after 1 s, 1 of 1 partitions read to their end"):
        consume_committed(broker.bootstrap, f"{topics}out", until=lambda read: len(read) == 2, deadline_seconds=1)


@pytest.mark.broker
def test_a_killed_broker_comes_back_with_what_it_was_given(mortal_broker, topics):
    create_topics(mortal_broker.bootstrap, {f"{topics}in": {"partitions": 1}})
    produce(mortal_broker.bootstrap, f"{topics}in", [(b"k", b"before", None)])

    mortal_broker.kill()
    assert mortal_broker.pid is None
    mortal_broker.restart()

    produce(mortal_broker.bootstrap, f"{topics}in", [(b"k", b"after", None)])
    read = consume_committed(mortal_broker.bootstrap, f"{topics}in", until=2)
    assert [message.value() for message in read] == [b"before", b"after"]


@pytest.mark.broker
def test_a_paused_broker_answers_nothing_until_it_is_resumed(mortal_broker):
    admin = AdminClient({"bootstrap.servers": mortal_broker.bootstrap, "log_level": 0})
    assert admin.list_topics(timeout=10).brokers

    mortal_broker.pause()
    # The latter where the client was just making its connection to the node that it was told of.
    with pytest.raises(KafkaException, match=r"[Tt]imed out|transport failure"):
        admin.list_topics(timeout=0.5)
    mortal_broker.resume()
    assert admin.list_topics(timeout=10).brokers


@pytest.mark.broker
def test_a_further_listener_asks_for_the_password_it_was_given(mortal_broker):
    login = 'org.apache.kafka.common.security.plain.PlainLoginModule required user_cell="secret";'
    properties = {
        "listener.name.secured.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.secured.plain.sasl.jaas.config": login,
    }
    with Broker(properties, listeners={"SECURED": "SASL_PLAINTEXT"}) as secured:
        login = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", "sasl.username": "cell"}
        client = {"bootstrap.servers": secured.address("SECURED"), "log_level": 0, **login}
        assert AdminClient({**client, "sasl.password": "secret"}).list_topics(timeout=10).brokers
        with pytest.raises(KafkaException):
            AdminClient({**client, "sasl.password": "wrong"}).list_topics(timeout=1)


@pytest.mark.broker
def test_a_broker_ends_with_the_test_process_even_when_that_is_killed(mortal_broker, tmp_path):
    script = "from tests.kafka.broker import Broker; import os, signal; print(Broker().start().pid, flush=True);"
    owner = subprocess.run(
        [sys.executable, "-c", script + "os.kill(os.getpid(), signal.SIGKILL)"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert owner.returncode == -signal.SIGKILL
    broker = int(owner.stdout)
    deadline = time.monotonic() + 10
    while is_running(broker):
        assert time.monotonic() < deadline, f"broker {broker} outlived the process that started it"


@pytest.mark.broker
def test_a_broker_that_does_not_come_up_shows_the_end_of_its_log(mortal_broker):
    keystore = {"listener.name.tls.ssl.keystore.location": "any.jks"}
    with pytest.raises(RuntimeError, match=r"(?s)ended with 1; the end of its log:.*key store password is not"):
        Broker(keystore, listeners={"TLS": "SSL"}).__enter__()


def test_without_java_the_reason_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BrokerUnavailable, match="no java on the PATH: Kafka 4 needs Java 17"):
        Broker().start()


def test_without_maven_the_jars_that_are_there_are_enough(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BrokerUnavailable, match=r"no mvn on the PATH and no jars of Kafka 4\.2\.0 in"):
        fetch_jars(tmp_path)

    (tmp_path / "kafka_2.13-4.2.0.jar").touch()
    assert fetch_jars(tmp_path) == tmp_path


def test_a_further_property_has_the_last_word_and_a_further_listener_is_announced():
    ports = {"PLAINTEXT": 1, "CONTROLLER": 2, "SECURED": 3}
    protocols = {"PLAINTEXT": "PLAINTEXT", "CONTROLLER": "PLAINTEXT", "SECURED": "SASL_SSL"}
    properties = server_properties(Path("/data"), ports, protocols, {"auto.create.topics.enable": "true"})
    assert properties["auto.create.topics.enable"] == "true"
    assert properties["advertised.listeners"] == "PLAINTEXT://127.0.0.1:1,SECURED://127.0.0.1:3"
    assert properties["listener.security.protocol.map"].endswith("SECURED:SASL_SSL")


def test_somebody_elses_broker_is_used_but_not_touched():
    theirs = external("10.0.0.1:9092")
    theirs.stop()
    with pytest.raises(BrokerUnavailable, match=r"10\.0\.0\.1:9092 is not ours to kill"):
        theirs.restart()


def test_a_producer_that_waits_for_its_id_is_no_warning(caplog):
    from detector.kafka.client import log

    with caplog.at_level("INFO", "faultline.kafka"):
        log.warning("GETPID [thrd:main]: Failed to acquire transactional PID: concurrent operation: retrying")
        log.warning("FAIL [thrd:b]: Connect to 127.0.0.1:1 failed")
    assert [record.levelname for record in caplog.records] == ["INFO", "WARNING"]
