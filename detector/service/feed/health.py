"""Feed health: whether what arrives can be used, judged over the last minutes and by sender.

An instance that refuses or empties nearly everything reports no alarm, as a network without faults does. So it says so,
and goes on with what it can use. It does not stop: a broken sender must not end the watch of all others, and a feed
that is well again needs nobody.
"""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from detector.core.ingest.value_faults import FaultCounts, ValueFault

DEAF = ("refused", "emptied", "period")
"""Reasons for deafness, in the order in which they are said."""

BUCKET_SECONDS, STRETCH_SECONDS = 10.0, 300.0
"""Parts of the stretch that is judged, five minutes: a feed of minutes sends each cell's record a few times."""

LEAST_RECORDS = 60
"""Records below which no share is judged. Where fewer come in five minutes, the stretch is longer."""

MOST_SENDERS = 20_000


@dataclass
class _Bucket:
    at: float
    records: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    senders: set[bytes | None] = field(default_factory=set)
    """Keys of refused records."""
    values: int = 0
    emptied: Counter[str] = field(default_factory=Counter)
    """Values that could not be used, by kind and feature."""


class FeedHealth:
    """Judgement of the feed. The caller passes the time in, in seconds."""

    def __init__(self, deaf_share: float, declared_period: int) -> None:
        self._deaf_share, self._declared_period = deaf_share, declared_period
        self._buckets: deque[_Bucket] = deque()

    def observe(
        self, records: int, refused: Iterable[tuple[str, bytes | None]], faults: FaultCounts, now: float
    ) -> None:
        """Note a poll: its number of records, the reasons and keys of those refused, and the faults of values."""
        if not self._buckets or now - self._buckets[-1].at >= BUCKET_SECONDS:
            self._buckets.append(_Bucket(now))
        bucket = self._buckets[-1]
        bucket.records += records
        for reason, key in refused:
            bucket.refused[reason] += 1
            if len(bucket.senders) < MOST_SENDERS:
                bucket.senders.add(key)
        bucket.values += faults.values
        for (kind, feature), count in faults.counts.items():
            if kind != ValueFault.UNKNOWN:
                bucket.emptied[f"{feature} ({kind})"] += count
        while (
            now - self._buckets[0].at >= STRETCH_SECONDS and self._records() - self._buckets[0].records >= LEAST_RECORDS
        ):
            self._buckets.popleft()

    def reasons(self, known_cells: int, feed_period: float | None) -> dict[str, str]:
        """Return the sentences of what makes the instance deaf, by reason.

        `known_cells`: cells that are watched; `feed_period`: minutes between two samples of a cell, as far as known.
        """
        found = {"refused": self._refused(known_cells), "emptied": self._emptied(), "period": self._period(feed_period)}
        return {reason: sentence for reason, sentence in found.items() if sentence}

    def _records(self) -> int:
        return sum(bucket.records for bucket in self._buckets)

    def _refused(self, known_cells: int) -> str:
        records, count = self._records(), sum(bucket.refused.total() for bucket in self._buckets)
        if records < LEAST_RECORDS or count <= self._deaf_share * records:
            return ""
        senders = set().union(*(bucket.senders for bucket in self._buckets))
        if len(senders) < self._deaf_share * max(known_cells, len(senders)):
            return ""  # one sender may send more than all others
        refused = _most_common(bucket.refused for bucket in self._buckets)
        worst = ", ".join(f"{reason} {number:,}" for reason, number in refused)
        return f"most records are refused: {count:,} of {records:,} ({worst}); `faultline feed` says why"

    def _emptied(self) -> str:
        values = sum(bucket.values for bucket in self._buckets)
        count = sum(bucket.emptied.total() for bucket in self._buckets)
        if self._records() < LEAST_RECORDS or count <= self._deaf_share * values:
            return ""
        worst = ", ".join(feature for feature, _ in _most_common(bucket.emptied for bucket in self._buckets))
        return f"most values cannot be used: {count:,} of {values:,}, as of {worst}; `faultline feed` says why"

    def _period(self, feed_period: float | None) -> str:
        if feed_period is None or feed_period == self._declared_period:
            return ""
        actual, declared = _minutes(feed_period), _minutes(self._declared_period)
        return (
            f"the feed has a sample every {actual}, and the bundle is made for {declared}; set period_minutes in the"
            " catalogue, adapt the bundle to a history of this period, and serve it"
        )


def _most_common(counts: Iterable[Counter[str]]) -> list[tuple[str, int]]:
    """Return the three most common of all; the counts are added for a sentence only, not at every poll."""
    return sum(counts, Counter[str]()).most_common(3)


def _minutes(period: float) -> str:
    if period < 1:
        return f"{period * 60:.0f} seconds"
    return "minute" if period == 1 else f"{period:g} minutes"
