"""A network that speaks while a test looks: a minute every little while, its records stamped as they are sent."""

import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

import msgspec
import numpy as np

from detector.timestamps import iso_time
from tests.service.network import CELLS, MEAN, NAMES, SPREAD, Record, partition_of
from tests.service.stage import Stage


def cells(count: int) -> list[str]:
    """The network's own, and strangers beyond."""
    return [*CELLS, *(f"stranger-{number}" for number in range(count - len(CELLS)))][:count]


def body(cell: str, minute: int) -> bytes:
    noise = np.random.default_rng([sum(cell.encode()), minute]).normal(size=len(NAMES))
    features = dict(zip(NAMES, (MEAN + SPREAD * noise).round(4).tolist(), strict=True))
    return msgspec.json.encode({"cell": cell, "time": iso_time(minute), "features": features})


class Feed:
    """Tells minute after minute, from `behind` minutes ago on, until it is closed. `speaking` may change meanwhile."""

    def __init__(
        self, stage: Stage, count: int = len(CELLS), *, every: float = 0.4, behind: int = 10, stamped: float = 0.0
    ) -> None:
        self._stage, self._every = stage, every
        self._minute = int(time.time()) // 60 - behind
        self._stamped = stamped
        self.speaking: Sequence[str] = cells(count)
        self.body: Callable[[str, int], bytes] = body
        """What a cell says of a minute."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._stop.set()
        self._thread.join(60)

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            self._stage.tell([self._record(cell) for cell in self.speaking])
            self._minute += 1

    def _record(self, cell: str) -> Record:
        stamp = round((time.time() - self._stamped) * 1000)
        return cell.encode(), self.body(cell, self._minute), None, stamp, partition_of(cell)
