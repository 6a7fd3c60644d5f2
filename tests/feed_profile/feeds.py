"""Feeds of a small simulated network, and the ways in which they go wrong, as raw records."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import numpy as np

from detector.core.features import Baseline, Catalogue
from detector.core.ingest.samples import Records
from detector.feed_profile.records import RawRecords
from detector.feed_profile.reference import FeedReference
from detector.kafka.readers.range_reader import partition_of
from trainer.data.baselines import fit_baseline
from trainer.data.history import START_MINUTE, SimulatedHistory
from trainer.simulator import Network

CELLS, DAYS, PARTITIONS = 12, 3, 4

FIRST = START_MINUTE + DAYS * 1440 + 600
"""Ten in the morning of the day after the baseline's."""


@dataclass
class Sent:
    """One record, before it is bytes. `delay_s`: from the end of its period to its timestamp."""

    cell: str
    minute: int
    features: dict[str, Any]
    period: int = 1
    delay_s: float = 20.0
    key: str | None = ""
    """"" = the cell."""
    partition: int = -1
    """-1 = where its key belongs."""
    time: Any = None
    """None = ISO 8601 of the minute."""
    extra: dict[str, Any] = field(default_factory=dict)

    def record(self) -> tuple[bytes | None, bytes, int, int]:
        """Key, value, timestamp in ms, partition."""
        key = self.cell if self.key == "" else self.key
        time = iso(self.minute * 60) if self.time is None else self.time
        value = json.dumps({"cell": self.cell, "time": time, "features": self.features, **self.extra}).encode()
        home = partition_of((key or self.cell).encode(), PARTITIONS) if self.partition < 0 else self.partition
        stamp = int(((self.minute + self.period) * 60 + self.delay_s) * 1000)
        return None if key is None else key.encode(), value, stamp, home


Change = Callable[[list[Sent]], list[Sent]]


def iso(seconds: float, suffix: str = "Z") -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S") + suffix


@cache
def history() -> SimulatedHistory:
    return SimulatedHistory(Network(CELLS, seed=5), (START_MINUTE, START_MINUTE + (DAYS + 1) * 1440))


@cache
def usual() -> Baseline:
    past = history()
    return fit_baseline(replace(past, span=(START_MINUTE, START_MINUTE + DAYS * 1440)))


def reference(period: int = 1, stamp: str = "begin") -> FeedReference:
    catalogue: Catalogue = replace(history().catalogue, period_minutes=period, stamp=stamp)
    return FeedReference(
        catalogue=catalogue, baseline=usual(), max_record_bytes=65_536, ahead_minutes=5, behind_minutes=60
    )


@cache
def _values(first: int, minutes: int) -> Any:
    cell, minute = np.meshgrid(np.arange(CELLS), first + np.arange(minutes))
    return history().read(cell.ravel(), minute.ravel()).reshape(minutes, CELLS, -1)


def good(minutes: int = 30, period: int = 1, reports: int = 30, first: int = FIRST) -> list[Sent]:
    """Every period of every cell, as block means of its minutes."""
    names = history().catalogue.names
    values = _values(first, minutes if period == 1 else period * reports)
    blocks = values.reshape(-1, period, *values.shape[1:]).mean(axis=1) if period > 1 else values
    rng = np.random.default_rng(3)
    sent = []
    for number, block in enumerate(blocks):
        for cell, row in zip(history().cells, block.tolist(), strict=True):
            features = {
                name: None if np.isnan(value) else round(value, 4) for name, value in zip(names, row, strict=True)
            }
            sent.append(Sent(cell, first + number * period, features, period, float(rng.uniform(5, 50))))
    return sent


def release(sent: list[Sent]) -> list[Sent]:
    """What a vendor's release may change at once: names, units, identifiers, times; and a gateway that sends twice."""
    names = history().catalogue.names
    renames = {name: f"{name}_v2" for name in names[20:30]}
    factors = {"vol_video_kb": 1000, "pdcp_vol_ul_kb": 8}
    changed = []
    for number, one in enumerate(sent):
        features = {renames.get(name, name): value for name, value in one.features.items()}
        features |= {name: features[name] * factor for name, factor in factors.items()}
        features |= {"rrc_conn_mean": 7} | {f"vendor_{new}": new for new in range(5)}
        one = replace(one, cell=f"NRCellDU={one.cell}", features=features, time=(one.minute + 120) * 60_000)
        changed += [one] * (2 if number % 5 == 0 else 1)
    return changed


def lines(sent: list[Sent]) -> str:
    """A file of records as `kcat -J` writes it."""
    records = (one.record() for one in sent)
    return "".join(
        json.dumps({"partition": home, "ts": stamp, "key": key and key.decode(), "payload": value.decode()}) + "\n"
        for key, value, stamp, home in records
    )


def raw(sent: list[Sent]) -> RawRecords:
    """As the reader of the topic would return them."""
    columns: dict[int, list[tuple[bytes | None, bytes, int]]] = {}
    for each in sent:
        key, value, stamp, partition = each.record()
        columns.setdefault(partition, []).append((key, value, stamp))
    parts = [
        Records(number, np.arange(len(rows)), [row[0] for row in rows], [row[1] for row in rows])
        for number, rows in sorted(columns.items())
    ]
    stamps = [row[2] for _, rows in sorted(columns.items()) for row in rows]
    return RawRecords("cells.minutes", parts, np.array(stamps, np.int64), PARTITIONS)
