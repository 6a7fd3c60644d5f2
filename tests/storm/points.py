"""Moments of the loop that chance hits too rarely: the process kills itself, or waits, when it passes one.

The product knows nothing of this. A life (see `lives`) wraps the product's own methods before it begins; a user's
process has none of it.
"""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from detector.core.pipeline import Pipeline
from detector.core.scoring.score_history import ScoreHistory
from detector.kafka import transactions
from detector.kafka.compacted_table import CompactedTable
from detector.kafka.consumer import MinuteConsumer
from detector.kafka.sink import Sink
from detector.kafka.transactions import Transactions

FLUSH_SECONDS = 10
HOLD_SECONDS = 60


@dataclass(frozen=True)
class Point:
    """The `passage`-th time that a life comes by here is its last, or it waits there for a file."""

    name: str
    passage: int = 1
    until: Path | None = None
    """It waits until this file is there, and goes on; beside it `.reached` says that it waits."""


class Fuse:
    """Counts the passages of a point, and acts at the one that was asked for."""

    def __init__(self, point: Point) -> None:
        self._point = point
        self._passed = 0

    def __call__(self) -> None:
        self._passed += 1
        if self._passed != self._point.passage:
            return
        if self._point.until is None:
            os.kill(os.getpid(), signal.SIGKILL)
        else:
            hold(self._point.until)


def hold(until: Path) -> None:
    until.with_suffix(".reached").touch()
    deadline = monotonic() + HOLD_SECONDS
    while not until.exists():
        if monotonic() > deadline:
            raise TimeoutError(f"{until} was never made")


def before(owner: Any, method: str, fuse: Fuse, counts: Callable[..., bool] = lambda *_: True) -> None:
    """`owner.method` is passed when it is called with arguments that count."""
    original = getattr(owner, method)

    def passed(self: Any, *arguments: Any, **named: Any) -> Any:
        if counts(*arguments):
            fuse()
        return original(self, *arguments, **named)

    setattr(owner, method, passed)


def after(owner: Any, method: str, fuse: Fuse, counts: Callable[[Any], bool] = lambda _: True) -> None:
    """`owner.method` is passed when it has returned what counts."""
    original = getattr(owner, method)

    def passed(self: Any, *arguments: Any, **named: Any) -> Any:
        returned = original(self, *arguments, **named)
        if counts(returned):
            fuse()
        return returned

    setattr(owner, method, passed)


def own_producer() -> Any:
    """The transactions' producer, as a class whose methods can be wrapped: the library's own is C."""
    transactions.Producer = type("Producer", (transactions.Producer,), {})
    return transactions.Producer


def between_produce_and_offsets(fuse: Fuse) -> None:
    """The broker has the records, and nothing says what they were made of."""
    original = Transactions.commit

    def passed(self: Any, *arguments: Any) -> Any:
        self._producer.flush(FLUSH_SECONDS)
        fuse()
        return original(self, *arguments)

    Transactions.commit = passed  # type: ignore[method-assign]


POINTS: dict[str, Callable[[Fuse], None]] = {
    "after poll": lambda fuse: after(MinuteConsumer, "poll", fuse, lambda poll: bool(poll.records)),
    "before begin": lambda fuse: before(Sink, "publish", fuse),
    "between produce and offsets": between_produce_and_offsets,
    "between offsets and commit": lambda fuse: before(own_producer(), "commit_transaction", fuse),
    "right after commit": lambda fuse: after(own_producer(), "commit_transaction", fuse),
    "while taking up": lambda fuse: after(CompactedTable, "read", fuse, lambda rows: len(rows) > 1),
    "in mid-replay": lambda fuse: before(
        Pipeline, "process", fuse, lambda shares: not all(heard for _, heard in shares)
    ),
    "in mid bundle swap": lambda fuse: before(MinuteConsumer, "rewind", fuse),
    "in mid label rebuild": lambda fuse: after(ScoreHistory, "rescore", fuse),
}
"""By name."""


def arm(point: Point) -> None:
    POINTS[point.name](Fuse(point))
