"""Notices of a changed feed: each feature whose values begin to be unusable is named once, with an example."""

from collections.abc import Iterator

from detector.core.ingest.value_faults import OTHERS, FaultCounts, ValueFault
from detector.text import printable

FORGET_SECONDS = 3600.0
"""Time without a fault after which it is news again."""

MOST_NAMED = 10

TEXTS = {
    ValueFault.MISSING: "are missing in records",
    ValueFault.UNKNOWN: "are not in the bundle's catalogue and ignored",
    ValueFault.OUT_OF_RANGE: "have values out of their range",
    ValueFault.NUMERIC_TEXT: "have numbers in quotes",
    ValueFault.NOT_A_NUMBER: "have values that are no numbers",
}


class FeedNotices:
    """Memory of what was said. The caller passes the time in, in seconds."""

    def __init__(self) -> None:
        self._last_seen: dict[tuple[ValueFault, str], float] = {}

    def notices(self, faults: FaultCounts, now: float) -> Iterator[str]:
        """Yield a sentence for each kind of fault that has new features."""
        for kind in ValueFault:
            keys = [key for key in faults.counts if key[0] == kind]
            fresh = [key for key in keys if now - self._last_seen.get(key, -FORGET_SECONDS) >= FORGET_SECONDS]
            self._last_seen.update(dict.fromkeys(keys, now))
            if fresh:
                yield _sentence(kind, [name for _, name in fresh], faults.examples[fresh[0]])


def _sentence(kind: ValueFault, names: list[str], example: str) -> str:
    named = ", ".join(printable(name) for name in sorted(names, key=lambda name: name == OTHERS)[:MOST_NAMED])
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    cost = "" if kind == ValueFault.UNKNOWN else "; these values count as not reported"
    return f"features of the feed {TEXTS[kind]}: {named}{more} (in {printable(example)}){cost}"
