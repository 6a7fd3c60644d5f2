"""`make bench`: what the road costs over merely reading and decoding the same bytes, in one run on one machine.

(a) floor     a plain consumer, and the daemon's own decoding of each record into columns
    bare      the same without the columns: msgspec into its type, and nothing kept
(b) pipeline  bytes in memory through the whole of `Pipeline.process`, after one minute of every cell
(c) kafka     `Service.turn` on a real broker: transactions, offsets with memory, alarms
and how soon an instance that was killed is heard again: see `recovery`.
Medians of five; the ratios are what carries over to other machines.
"""

import ctypes
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import yaml
from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition

from benchmarks.bench.recovery import measure_recovery, measure_replay
from benchmarks.bench.simulator import measure_simulator
from benchmarks.bench.taught import measure_labels
from benchmarks.bench.workload import log, polls
from detector.bundle.format import read_bundle
from detector.config.loader import read_config
from detector.config.schema import Config, Minutes
from detector.core.encoder import Encoder, device
from detector.core.ingest.decoder import Decoder
from detector.core.ingest.samples import Records
from detector.core.pipeline import Pipeline
from detector.kafka.cluster.creation import create_topics
from detector.kafka.producer import RecordProducer
from detector.labels.store import LabelStore
from detector.native_stderr import silence_native_stderr
from tests.kafka.broker import Broker
from trainer.pretrained.shipped import SHIPPED

ROUNDS = 5
CELLS = {1_000: 40, 10_000: 4}
"""Cells, and how many minutes of each: 40,000 records a round."""

MEMORY_MINUTES = 36
"""Until every ring that a cell has is full of its own numbers."""

MEMORY_POLL = 2000

FETCH = {"fetch.wait.max.ms": 100, "fetch.queue.backoff.ms": 20}
"""As the daemon's."""

RESULT = Path("build/bench.json")


def main() -> int:
    match sys.argv[1:]:
        case ["memory", cells]:
            print(bytes_per_cell(int(cells)))
            return 0
        case ["labels"]:
            print(json.dumps(measure_labels()))
            return 0
    with silence_native_stderr():
        device()
    names = ("pipeline_over_floor", "kafka_over_floor", "floor_over_bare", "bytes_per_cell")
    figures: dict[str, dict[str, float]] = {name: {} for name in names}
    with Broker() as broker, tempfile.TemporaryDirectory() as folder:
        for cells, minutes in CELLS.items():
            measure(broker.bootstrap, Path(folder), cells, minutes, figures)
        print("\nrecovery")
        figures["recovery"] = recovery(broker.bootstrap, Path(folder))
        print("\nthe simulator")
        figures["simulator"] = measure_simulator(broker.bootstrap)
    print("\n20,000 labels")
    figures["labels"] = json.loads(in_own_process("labels"))
    for name, value in figures["labels"].items():
        print(f"  {name:<46} {value:,.3f}")
    for cells in CELLS:
        figures["bytes_per_cell"][str(cells)] = int(in_own_process("memory", str(cells)))
    RESULT.write_text(json.dumps(figures, indent=1) + "\n")
    print("\nresident bytes per cell:", "  ".join(f"{n} cells {b:,.0f}" for n, b in figures["bytes_per_cell"].items()))
    print(f"written to {RESULT}")
    return 0


def measure(bootstrap: str, folder: Path, cells: int, minutes: int, figures: dict[str, dict[str, float]]) -> None:
    """One size of network: (a), (b) and (c) in turns, so that a noisy machine disturbs all three alike."""
    told = log(cells, minutes)
    configs = [configure(folder, bootstrap, cells, round_) for round_ in range(ROUNDS)]
    create_topics(configs[0], 1, 1)
    RecordProducer(configs[0].kafka).publish(configs[0].kafka.topics.minutes, told)
    pipeline_polls = polls(told, configs[0].kafka.batch_records)
    decoder = Decoder(read_bundle(SHIPPED).catalogue, configs[0].limits.record_bytes)
    times: dict[str, list[float]] = {"bare": [], "floor": [], "pipeline": [], "kafka": []}
    for config in configs:
        times["bare"].append(consume(config, len(told), partial(bare, decoder)))
        times["floor"].append(consume(config, len(told), partial(columns, decoder)))
        pipeline = make_pipeline(config)
        seconds = time_pipeline(pipeline, pipeline_polls, cells)
        times["pipeline"].append(seconds)
        times["kafka"].append(time_service(config, len(told)))
    rates = {name: len(told) / statistics.median(seconds) for name, seconds in times.items()}
    print(f"\n{cells:,} cells, {len(told):,} records of {sum(len(v) for _, v, _ in told) / len(told):,.0f} bytes")
    for name, rate in rates.items():
        spread = " ".join(f"{len(told) / seconds:,.0f}" for seconds in sorted(times[name]))
        print(f"  {name:<9} {rate:>9,.0f} records/s   {rate / rates['floor']:5.2f} of the floor   ({spread})")
    figures["floor_over_bare"][str(cells)] = round(rates["floor"] / rates["bare"], 3)
    figures["pipeline_over_floor"][str(cells)] = round(rates["pipeline"] / rates["floor"], 3)
    figures["kafka_over_floor"][str(cells)] = round(rates["kafka"] / rates["floor"], 3)


def recovery(bootstrap: str, folder: Path) -> dict[str, float]:
    config = configure(folder, bootstrap, "recovery", 0)
    create_topics(config, 1, 1)
    decoder = Decoder(read_bundle(SHIPPED).catalogue, config.limits.record_bytes)
    replayed = measure_replay(config, lambda count: consume(config, count, partial(columns, decoder)))
    return {**replayed, **measure_recovery(bootstrap)}


def configure(folder: Path, bootstrap: str, name: str | int, round_: int) -> Config:
    """A group of its own for every round; windows are scored from their first minute on, so all rounds are alike."""
    names = ("minutes", "alarms", "active", "labels", "deadletters")
    knobs = {
        "bundle": str(SHIPPED),
        "kafka": {
            "batch_seconds": 0.05,  # here the log ends, and a last poll that is not full would wait for more
            "group": f"bench-{name}-{round_}",
            "instance": f"bench-{name}-{round_}",
            "topics": {topic: f"bench-{name}-{topic}" for topic in names},
            "common": {"bootstrap.servers": bootstrap},
        },
        "minutes": {"min_coverage": 0.01},
        "http": {"port": 0},
    }
    path = folder / f"{name}-{round_}.yaml"
    path.write_text(yaml.safe_dump(knobs))
    return read_config(path)


def timed(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def consume(config: Config, count: int, take: Callable[[list[Message]], object]) -> float:
    """Seconds from the first record to the last; connecting and closing are not in it, as they are not in (c)."""
    servers = config.kafka.common["bootstrap.servers"]
    consumer = Consumer({"bootstrap.servers": servers, "group.id": "floor", **FETCH})
    consumer.assign([TopicPartition(config.kafka.topics.minutes, 0, OFFSET_BEGINNING)])
    take(consumer.consume(1, 30))
    begin, taken = time.perf_counter(), 1
    while taken < count:
        messages = consumer.consume(min(1000, count - taken), 0.1)
        take(messages)
        taken += len(messages)
    seconds = time.perf_counter() - begin
    consumer.close()
    return seconds


def bare(decoder: Decoder, messages: list[Message]) -> None:
    for message in messages:
        decoder.parser.parse(message.value())


def columns(decoder: Decoder, messages: list[Message]) -> None:
    offsets = np.array([message.offset() for message in messages], np.int64)
    keys, values = [message.key() for message in messages], [message.value() for message in messages]
    decoder.decode(Records(0, offsets, keys, values))


def make_pipeline(config: Config) -> Pipeline:
    bundle = read_bundle(SHIPPED)
    encoder = Encoder(bundle.manifest.spec, bundle.weights)
    encoder.count_unsteady_windows(bundle.golden.windows)
    judge = LabelStore(bundle, encoder, config.settings_at(1), 0).classifier()
    pipeline = Pipeline(bundle.catalogue, bundle.baseline, encoder, judge, config.settings_at(1))
    pipeline.assign(0, None, [])
    return pipeline


def time_pipeline(pipeline: Pipeline, told: list[Records], cells: int) -> float:
    """Seconds for all of the log; its first minute, which first touches each cell's memory, is taken once before."""
    for poll in told[: -(-cells // len(told[0]))]:
        pipeline.process([(poll, True)])
    pipeline.assign(0, None, [])
    return timed(lambda: [pipeline.process([(poll, True)]) for poll in told])


def time_service(config: Config, count: int) -> float:
    """From the first record taken to the last committed; start-up and joining the group are not in it."""
    from detector.service.daemon import Service

    service = Service(config)
    records = service.metrics.records.labels("in_order")
    begin = 0.0
    while records._value.get() < count:
        before, start = records._value.get(), time.perf_counter()
        service.run_once()
        if before == 0 and records._value.get() > 0:
            begin = start
    seconds = time.perf_counter() - begin
    service.close()
    return seconds


def in_own_process(*what: str) -> str:
    command = [sys.executable, "-m", "benchmarks.bench", *what]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def bytes_per_cell(cells: int) -> int:
    """What a process with a warm pipeline grows by when it takes up `cells` more, until their rings are full."""
    with silence_native_stderr():
        device()
    config = Config(bundle=str(SHIPPED), minutes=Minutes(min_coverage=0.01))
    pipeline = make_pipeline(config)
    live(pipeline, 10)
    before = resident()
    live(pipeline, cells)
    return (resident() - before) // cells


def live(pipeline: Pipeline, cells: int) -> None:
    """Polls of one size, so that what a poll itself needs is there before."""
    at_once = max(1, MEMORY_POLL // cells)
    for minute in range(0, max(MEMORY_MINUTES, 2 * at_once), at_once):
        for poll in polls(log(cells, at_once, minute), MEMORY_POLL):
            pipeline.process([(replace(poll, partition=cells), True)])


def resident() -> int:
    ctypes.CDLL("libc.so.6").malloc_trim(0)  # what was freed is not what a cell costs
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


if __name__ == "__main__":
    sys.exit(main())
