"""`faultline-trainer simulate --kafka`: what a live network would have sent, on a real broker."""

import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from confluent_kafka import Message

from detector.core.ingest.decoder import Decoder
from detector.core.ingest.samples import Records
from tests.kafka.broker import Broker, ExternalBroker
from tests.kafka.topics import consume_committed, create_topics
from trainer.__main__ import main
from trainer.simulation.kafka_feed import Pace, arriving
from trainer.simulator import PreparedScenario, catalogue, deliver, prepare_scenario, read_scenario

Feed = Callable[..., list[Message]]

HOUR = "network: {cells: 60, seed: 3}\ndays: 0.0417\ndelivery: {delivery}\n"


def scenario(folder: Path, delivery: str) -> Path:
    path = folder / f"{delivery}.yaml"
    path.write_text(HOUR.replace("{delivery}", delivery))
    return path


@pytest.fixture
def feed(broker: Broker | ExternalBroker, topics: str, tmp_path: Path) -> Feed:
    """Feeds a scenario to a topic of two partitions, and gives the records that arrived."""

    def send(path: Path, *more: str) -> list[Message]:
        # Simulated minutes lie in the past: a broker would delete them by their time stamps.
        keep = {"partitions": 2, "config": {"retention.ms": "-1"}}
        create_topics(broker.bootstrap, {f"{topics}minutes": keep})
        config = tmp_path / "config.yaml"
        kafka = f"{{common: {{bootstrap.servers: '{broker.bootstrap}'}}, topics: {{minutes: '{topics}minutes'}}}}"
        config.write_text(f"bundle: none\nkafka: {kafka}\n")
        assert main(["simulate", str(path), "--kafka", "--config", str(config), *more]) == 0
        return consume_committed(broker.bootstrap, f"{topics}minutes")

    return send


@pytest.mark.broker
def test_every_minute_arrives_once_in_order_under_its_cell(feed: Feed, tmp_path: Path) -> None:
    path = scenario(tmp_path, "perfect")
    ready = prepare_scenario(read_scenario(str(path)), "hour")

    records = feed(path)

    samples, rejections = Decoder(catalogue(), 65_536).decode(
        Records(0, np.arange(len(records)), [m.key() for m in records], [m.value() for m in records])
    )
    assert not rejections
    minutes = ready.span[1] - ready.span[0]
    assert Counter(samples.cells) == dict.fromkeys(ready.timeline.network.names, minutes)
    number = {name: place for place, name in enumerate(ready.timeline.network.names)}
    cell = np.array([number[name] for name in samples.cells])
    for each in range(60):
        np.testing.assert_array_equal(samples.minute[cell == each], np.arange(*ready.span))
    np.testing.assert_allclose(
        samples.values, ready.timeline.reported_values(cell, samples.minute), rtol=1e-5, atol=5.1e-5
    )


@pytest.mark.broker
def test_at_full_speed_no_partition_hears_of_an_earlier_minute_after_a_later_one(feed: Feed, tmp_path: Path) -> None:
    heard: dict[int, list[str]] = {0: [], 1: []}
    for message in feed(scenario(tmp_path, "perfect"), "--workers", "3"):
        heard[message.partition()].append(json.loads(message.value())["time"])

    assert all(times for times in heard.values())
    assert all(times == sorted(times) for times in heard.values())


@pytest.mark.broker
def test_with_rough_delivery_the_records_come_as_the_delivery_says(feed: Feed, tmp_path: Path) -> None:
    path = scenario(tmp_path, "live")
    ready = prepare_scenario(read_scenario(str(path)), "hour")
    cell, minute = np.repeat(np.arange(60), 60), np.tile(np.arange(*ready.span), 60)
    expected = deliver(ready.timeline.network, ready.delivery, cell, minute)

    told = [json.loads(message.value()) for message in feed(path)]

    stamps = np.array([np.datetime64(record["time"].rstrip("Z"), "s").astype(int) for record in told])
    came = Counter(zip([record["cell"] for record in told], stamps.tolist(), strict=True))
    names = [ready.timeline.network.names[number] for number in cell[expected.row]]
    assert came == Counter(zip(names, expected.stamp.tolist(), strict=True))
    assert max(came.values()) > 1 or len(told) < 3600


@pytest.mark.broker
def test_a_paced_feed_takes_the_time_it_should(feed: Feed, tmp_path: Path) -> None:
    path = scenario(tmp_path, "perfect")
    begin = time.monotonic()

    records = feed(path, "--speed", "1200")

    assert len(records) == 3600
    assert time.monotonic() - begin > 3600 / 1200


@pytest.mark.broker
def test_the_last_days_at_full_speed_are_neither_of_the_future_nor_old(feed: Feed, tmp_path: Path) -> None:
    records = feed(scenario(tmp_path, "perfect"), "--now")

    stamps = [message.timestamp()[1] / 1000 for message in records]
    assert len(records) == 3600
    assert max(stamps) < time.time()
    assert min(stamps) > time.time() - 2 * 86_400


@pytest.mark.broker
def test_minutes_that_a_topic_would_forget_are_said_to_be_old(
    feed: Feed, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    feed(scenario(tmp_path, "perfect"))

    assert "topics delete by age; --now sends recent ones" in " ".join(capfd.readouterr().out.split())


@pytest.mark.parametrize("speed", [None, 60.0])
@pytest.mark.parametrize("delivery", ["perfect", "live"])
def test_nothing_is_sent_before_it_arrives_or_after_what_arrives_later(
    tmp_path: Path, delivery: str, speed: float | None
) -> None:
    ready: PreparedScenario = prepare_scenario(read_scenario(str(scenario(tmp_path, delivery))), "hour")

    received = np.concatenate([part[-1] for part in arriving(ready, np.arange(60), Pace(speed, 0.0, ready.span[0]))])

    assert (np.diff(received) >= 0).all()
    assert received[0] >= (ready.span[0] + 1) * 60


@pytest.mark.parametrize(
    ("flags", "remedy"),
    [
        (("--speed", "fast"), "real, max, or a factor"),
        (("--now", "--speed", "real", "--days", "0.00001"), "give it more --days"),
        ((), "--out DIR and --kafka: neither is given; give one of the two."),
    ],
)
def test_what_cannot_be_sent_is_refused_in_one_sentence(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], flags: tuple[str, ...], remedy: str
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("bundle: none\nkafka: {common: {bootstrap.servers: '127.0.0.1:1'}}\n")
    more = ("--kafka", "--config", str(config), *flags) if flags else ()

    assert main(["simulate", str(scenario(tmp_path, "perfect")), *more]) == 2

    told = capfd.readouterr().err
    assert remedy in told
    assert told.count("\n") == 1
