"""What a topic takes on a broker's disk: simulated minutes and a label, as they lie in the log's segments.

`python -m tests.bench.topics` prints bytes a record by codec and by the sender's batch, which is what decides:
librdkafka sends up to a megabyte at once, Java's producer 16 kB unless it is told otherwise.
"""

import json
import sys
from collections.abc import Mapping

import numpy as np
from confluent_kafka import Producer

from detector.labels.label import Label, write_label
from tests.bench.workload import FIRST_MINUTE
from tests.kafka.broker import ROOT, Broker
from tests.kafka.topics import QUIET, create_topics
from trainer.simulation.record_encoder import minute_records
from trainer.simulator import Network, catalogue, records

CELLS, MINUTES, PARTITIONS = 2000, 10, 12

LABEL_MINUTES, HARMONICS = 90, 2

SENDERS: Mapping[str, Mapping[str, object]] = {
    "uncompressed": {},
    "lz4": {"compression.type": "lz4"},
    "zstd": {"compression.type": "zstd"},
    "lz4, 16 kB": {"compression.type": "lz4", "batch.size": 16_384},
    "zstd, 16 kB": {"compression.type": "zstd", "batch.size": 16_384},
}

LABELS = 200

Told = list[tuple[bytes, bytes]]


def main() -> int:
    minutes, labels = told_minutes(), told_labels()
    mean = sum(len(value) for _, value in minutes) / len(minutes)
    figures = {"record": mean, "label": sum(len(value) for _, value in labels) / len(labels)}
    print(
        f"a record of {len(catalogue().names)} features has {mean:,.0f} bytes of JSON, {CELLS} cells, {MINUTES} minutes"
    )
    with Broker() as broker:
        for name, properties in SENDERS.items():
            figures[name] = on_disk(broker, name, minutes, properties)
            print(f"  {name:<14} {figures[name]:8,.0f} bytes a record on disk")
        figures["label, lz4"] = on_disk(broker, "labels", labels, SENDERS["lz4"])
    print(f"a label of {LABEL_MINUTES} minutes: {figures['label']:,.0f} bytes, {figures['label, lz4']:,.0f} on disk")
    (ROOT / "build" / "topics.json").write_text(json.dumps({key: round(value) for key, value in figures.items()}))
    return 0


def told_minutes() -> Told:
    network, each = Network(CELLS, seed=77), np.arange(CELLS)
    told: Told = []
    for minute in range(FIRST_MINUTE, FIRST_MINUTE + MINUTES):
        values = records(network, each, np.full(CELLS, minute))
        told += [(key, value) for key, value, _ in minute_records(network.names, minute, values, catalogue().names)]
    return told


def told_labels() -> Told:
    network, features = Network(LABELS, seed=77), len(catalogue().names)
    minute = np.arange(FIRST_MINUTE, FIRST_MINUTE + LABEL_MINUTES)
    baseline = np.random.default_rng(1).normal(size=(2 + 2 * HARMONICS, features)).astype("<f2")
    told: Told = []
    for cell in range(LABELS):
        values = records(network, np.full(LABEL_MINUTES, cell), minute).astype("<f4")
        name, digest = f"label-{cell}", "0" * 12
        made = Label(name, "fault", "fault", name, FIRST_MINUTE, digest, values.tobytes(), baseline.tobytes())
        told.append((name.encode(), write_label(made)))
    return told


def on_disk(broker: Broker, name: str, told: Told, properties: Mapping[str, object]) -> float:
    """Bytes a record in the segments of a topic of its own."""
    topic = name.replace(", ", "-").replace(" ", "")
    create_topics(broker.bootstrap, {topic: {"partitions": PARTITIONS, "config": {"retention.ms": "-1"}}})
    producer = Producer({"bootstrap.servers": broker.bootstrap, "linger.ms": 100, **properties, **QUIET})
    for key, value in told:
        producer.produce(topic, value, key)
        producer.poll(0)
    if producer.flush(60):
        raise TimeoutError(f"{topic}: not all was taken")
    segments = (broker.folder / "data").glob(f"{topic}-*/*.log")
    return sum(path.stat().st_size for path in segments) / len(told)


if __name__ == "__main__":
    sys.exit(main())
