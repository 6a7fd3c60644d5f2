"""Kafka feed of a simulated network: its records on the input topic in real time, faster, or at full speed.

Cells are divided among processes, each with a producer of its own. One process sends all records of a cell, in order.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.config.schema import Kafka
from detector.kafka.producer import RecordProducer
from trainer.simulation.record_encoder import Writer
from trainer.simulator import PreparedScenario, delivered_columns, partial_records

ROWS_AT_ONCE = 4096
"""Records simulated and sent together, if the pace allows: a few megabytes of JSON."""


@dataclass(frozen=True)
class Pace:
    """Pace of sending. `speed` 1 is real time, 60 an hour a minute, None full speed."""

    speed: float | None
    begin: float
    """Wall clock, in seconds since 1970, at which the first minute begins."""
    first_minute: int

    def wait(self, received: float) -> None:
        """Wait until a record that arrives at that second of the scenario is due."""
        if self.speed is not None:
            due = self.begin + (received - self.first_minute * 60) / self.speed
            time.sleep(max(0.0, due - time.time()))


def feed(
    play: PreparedScenario, cells: NDArray[np.int64], kafka: Kafka, pace: Pace, sent: Callable[[int], None]
) -> None:
    """Send all records of these cells in the order of their arrival. Raises ClusterError."""
    publisher = RecordProducer(kafka)
    network = play.network
    columns = delivered_columns(network.operator.measurement)
    writer = Writer(play.catalogue.names)
    for cell, source, stamp, share, received in arriving(play, cells, pace):
        if not len(cell):
            continue
        pace.wait(float(received[-1]))
        life = play.timeline_around(int(source.min()), int(source.max()) + 1)
        values = partial_records(play.reported_values(life, cell, source), share)[:, columns]
        names, seconds_of = [network.names[number] for number in cell.tolist()], stamp.tolist()
        iso = {seconds: str(np.datetime64(seconds, "s")) + "Z" for seconds in set(seconds_of)}
        times = [iso[seconds] for seconds in seconds_of]
        bodies = writer.bodies(names, times, values)
        records = ((key, body, seconds * 1000) for (key, body), seconds in zip(bodies, seconds_of, strict=True))
        publisher.publish(kafka.topics.minutes, records)
        sent(len(cell))


Arrivals = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float32], NDArray[np.float64]]
"""Cell, minute of the values, timestamp, share counted and second of arrival of each record. # [n] each"""


def arriving(play: PreparedScenario, cells: NDArray[np.int64], pace: Pace) -> Iterator[Arrivals]:
    """Yield the records of these cells in the order of their arrival, some minutes at a time.

    A record that arrives after its minute is over is sent with a later one: no record is sent before it arrives.
    """
    period = play.period_minutes
    step = period * (1 if pace.speed is not None else max(1, ROWS_AT_ONCE // len(cells)))
    waiting: list[NDArray[np.void]] = []
    for first in range(play.span[0], play.span[1], step):
        last = min(first + step, play.span[1])
        minute = np.arange(first, last, period)
        waiting.append(_records(play, np.tile(cells, len(minute)), np.repeat(minute, len(cells))))
        due = np.concatenate(waiting)
        now = (last + period) * 60 if last < play.span[1] else np.inf
        waiting = [due[due["received"] >= now]]
        due = np.sort(due[due["received"] < now], order="received", kind="stable")
        for start in range(0, len(due), ROWS_AT_ONCE):
            part = due[start : start + ROWS_AT_ONCE]
            yield part["cell"], part["source"], part["stamp"], part["share"], part["received"]


def _records(play: PreparedScenario, cell: NDArray[np.int64], minute: NDArray[np.int64]) -> NDArray[np.void]:
    """Return the deliveries of these minutes as a structured array. # [n], [n] -> [m]"""
    arrivals = play.deliver(cell, minute)
    fields = [("cell", "i8"), ("source", "i8"), ("stamp", "i8"), ("share", "f4"), ("received", "f8")]
    table = np.empty(len(arrivals.row), fields)
    table["cell"] = cell[arrivals.row]
    for name in ("source", "stamp", "share", "received"):
        table[name] = getattr(arrivals, name)
    return table
