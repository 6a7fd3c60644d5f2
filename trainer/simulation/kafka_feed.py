"""A simulated network as a live one: its records onto the input topic, at the speed of life, faster, or at full speed.

Cells are shared out over processes, each with a producer of its own; a cell's records are sent by one, in order.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.config.schema import Kafka
from detector.kafka.producer import RecordProducer
from trainer.simulation.record_encoder import Writer
from trainer.simulator import PreparedScenario, deliver, delivered_columns, partial_records

ROWS_AT_ONCE = 4096
"""Records simulated and sent together, where pace allows: a few megabytes of JSON."""


@dataclass(frozen=True)
class Pace:
    """When what is to be sent. `speed` 1 is life, 60 an hour a minute; None as fast as it goes."""

    speed: float | None
    begin: float
    """Wall clock, in seconds since 1970, at which the first minute begins."""
    first_minute: int

    def wait(self, received: float) -> None:
        """Until it is time for what arrives at that second of the scenario."""
        if self.speed is not None:
            due = self.begin + (received - self.first_minute * 60) / self.speed
            time.sleep(max(0.0, due - time.time()))


def feed(
    play: PreparedScenario, cells: NDArray[np.int64], kafka: Kafka, pace: Pace, sent: Callable[[int], None]
) -> None:
    """Sends all records of these cells, in the order in which they arrive. Raises ClusterError."""
    publisher = RecordProducer(kafka)
    network = play.network
    columns = delivered_columns(network.operator.measurement)
    writer = Writer(network.operator.measurement.catalogue().names)
    for cell, source, stamp, share, received in arriving(play, cells, pace):
        if not len(cell):
            continue
        pace.wait(float(received[-1]))
        life = play.timeline_around(int(source.min()), int(source.max()) + 1)
        values = partial_records(life.reported_values(cell, source), share)[:, columns]
        names, at = [network.names[number] for number in cell.tolist()], stamp.tolist()
        iso = {seconds: str(np.datetime64(seconds, "s")) + "Z" for seconds in set(at)}
        times = [iso[seconds] for seconds in at]
        bodies = writer.bodies(names, times, values)
        publisher.publish(
            kafka.topics.minutes, ((key, body, s * 1000) for (key, body), s in zip(bodies, at, strict=True))
        )
        sent(len(cell))


Arriving = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float32], NDArray[np.float64]]


def arriving(play: PreparedScenario, cells: NDArray[np.int64], pace: Pace) -> Iterator[Arriving]:
    """Cell, minute of the values, time stamp, share counted and arrival of the records, some minutes at a time.

    What is still under way when its minute is over is sent with a later one: nothing is sent before it arrives.
    """
    step = 1 if pace.speed is not None else max(1, ROWS_AT_ONCE // len(cells))
    waiting: list[NDArray[np.void]] = []
    for first in range(play.span[0], play.span[1], step):
        last = min(first + step, play.span[1])
        minute = np.arange(first, last)
        waiting.append(_records(play, np.tile(cells, len(minute)), np.repeat(minute, len(cells))))
        due = np.concatenate(waiting)
        now = (last + 1) * 60 if last < play.span[1] else np.inf
        waiting = [due[due["received"] >= now]]
        due = np.sort(due[due["received"] < now], order="received", kind="stable")
        for start in range(0, len(due), ROWS_AT_ONCE):
            part = due[start : start + ROWS_AT_ONCE]
            yield part["cell"], part["source"], part["stamp"], part["share"], part["received"]


def _records(play: PreparedScenario, cell: NDArray[np.int64], minute: NDArray[np.int64]) -> NDArray[np.void]:
    arrivals = deliver(play.network, play.delivery, cell, minute)
    fields = [("cell", "i8"), ("source", "i8"), ("stamp", "i8"), ("share", "f4"), ("received", "f8")]
    table = np.empty(len(arrivals.row), fields)
    table["cell"] = cell[arrivals.row]
    for name in ("source", "stamp", "share", "received"):
        table[name] = getattr(arrivals, name)
    return table
