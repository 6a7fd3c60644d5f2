"""`make soak`: a daemon left alone with a network that never ends; exits with 3 when anything of it grows.

A minute of all cells every second, with duplicates and broken records among them, labels that come and go, and a scrape
every few seconds. What is looked at is the slope of resident memory, threads, open files and latency after the first
quarter, by Theil and Sen: the median of the slopes between all pairs, which no single jump moves.
"""

import argparse
import json
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detector.config.loader import read_config
from detector.config.schema import Config
from detector.kafka.producer import RecordProducer
from tests.bench.workload import log
from tests.kafka.broker import Broker
from tests.service.stage import Daemon, Stage, get, samples
from trainer.pretrained.shipped import SHIPPED

CELLS = 500
LOOK_SECONDS = 5.0
WARMED_UP = 0.25
"""Share of the run that is not looked at: rings fill, libraries take what they will keep."""

BROKEN = 97
"""Every so many records one is broken, and one comes twice."""

LATENCY = "faultline_end_to_end_latency_seconds"

FLAT = {"resident MB": 20.0, "threads": 0.5, "files": 0.5, "latency ms": 100.0}
"""By how much each may grow in an hour. Resident memory swings by some megabytes as polls are cut; a leak of one byte a
record would be 1.8 MB an hour, one of a window 14 GB."""

RESULT = Path("build/soak.json")


@dataclass(frozen=True)
class Look:
    seconds: float
    resident: float
    threads: float
    files: float
    latency: float
    """Mean of the polls since the look before, in ms."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    minutes = parser.parse_args().minutes
    with Broker() as broker, tempfile.TemporaryDirectory() as folder:
        stage = Stage(broker.bootstrap, "soak-", Path(folder), SHIPPED)
        # As long as an operator must keep it, in what a minute takes here; the broker's disk is not what is looked at.
        short = {"retention.ms": str(10 * 60_000), "segment.ms": "60000", "segment.bytes": str(64 << 20)}
        stage.create_topics(minutes={"partitions": 2, "config": short})
        config = stage.config(kafka={"batch_records": 4000, "batch_seconds": 0.25})
        stop = threading.Event()
        with Daemon(config) as daemon:
            daemon.wait_ready()
            feeder = threading.Thread(target=feed, args=(read_config(config), stop))
            feeder.start()
            try:
                looks = list(watch(daemon, minutes * 60))
            finally:
                stop.set()
                feeder.join()
            ended = daemon.terminate(30)
    return judge(looks, ended)


def feed(config: Config, stop: threading.Event) -> None:
    """A minute of every cell, once a second, until told to stop."""
    publisher, topic = RecordProducer(config.kafka), config.kafka.topics.minutes
    minute = 0
    while not stop.wait(max(0.0, 1 - time.time() % 1)):
        told = log(CELLS, 1, minute)
        for at in range(minute % BROKEN, len(told), BROKEN):
            key, value, stamp = told[at]
            told += [(key, value, stamp), (key, value[:-9], stamp)]
        publisher.publish(topic, told)
        minute += 1


def watch(daemon: Daemon, seconds: float) -> Iterator[Look]:
    begin = time.monotonic()
    before = (0.0, 0.0)
    while (since := time.monotonic() - begin) < seconds:
        seen = samples(get(f"{daemon.url}/metrics").body)
        total = (seen[f"{LATENCY}_sum"], seen[f"{LATENCY}_count"])
        polls = max(1.0, total[1] - before[1])
        proc = Path(f"/proc/{daemon.pid}")
        status = dict(line.split(":", 1) for line in (proc / "status").read_text().splitlines())
        yield Look(
            since,
            float(status["VmRSS"].split()[0]) / 1024,
            float(status["Threads"]),
            float(len(list((proc / "fd").iterdir()))),
            1000 * (total[0] - before[0]) / polls,
        )
        before = total
        time.sleep(LOOK_SECONDS)


def judge(looks: list[Look], ended: int) -> int:
    kept = looks[int(WARMED_UP * len(looks)) :]
    at = np.array([look.seconds for look in kept]) / 3600
    figures: dict[str, dict[str, float]] = {}
    for name, field in zip(FLAT, ("resident", "threads", "files", "latency"), strict=True):
        values = np.array([getattr(look, field) for look in kept])
        figures[name] = {"median": float(np.median(values)), "most": float(values.max()), "per_hour": slope(at, values)}
    grown = [name for name, figure in figures.items() if figure["per_hour"] > FLAT[name]]
    print(f"{looks[-1].seconds / 60:.0f} minutes, {len(looks)} looks, the daemon ended with {ended}")
    for name, figure in figures.items():
        told = f"{figure['median']:10,.1f} median  {figure['most']:10,.1f} most  {figure['per_hour']:+9.2f} an hour"
        print(f"  {name:<12}{told}  (flat: up to {FLAT[name]:g}){'  GROWS' if name in grown else ''}")
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(figures, indent=1) + "\n")
    return 3 if grown or ended else 0


def slope(at: NDArray[np.float64], values: NDArray[np.float64]) -> float:
    """Median of the slopes between all pairs."""
    first, second = np.triu_indices(len(at), 1)
    return float(np.median((values[second] - values[first]) / (at[second] - at[first])))


if __name__ == "__main__":
    sys.exit(main())
