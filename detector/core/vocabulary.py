"""Vocabulary of alarms and labels: their closed lists of words, the bounds of their minutes, and the alarm itself.

It imports nothing heavy: a verb that lists or retires labels must not wait for numpy.
"""

from dataclasses import dataclass

WINDOW = 60
"""Steps of the encoder: the minutes of a window, where a sample stands for one."""

PERIODS = (1, 5, 15, 30, 60)
"""Granularity periods of a feed in minutes, those of 3GPP TS 28.552 and one minute."""

STAMPS = ("begin", "end")
"""Ends of a period whose time a record may carry."""

EARLIEST_MINUTE, LATEST_MINUTE = 15_778_080, 68_374_080
"""2000-01-01 and 2100-01-01. A time outside this range is not in seconds.

Milliseconds that are read as seconds give the year 50,000.
"""

SILENT = "cell_silent"
UNKNOWN = "unknown"

NEW, CHANGED, CLEARED = "new", "changed", "cleared"
CHANGES = (NEW, CHANGED, CLEARED)

KINDS = ("fault", "normal", "ignore")

SEVERITIES = ("minor", "major", "critical")
"""Severities of alarms, ITU-T X.733."""


@dataclass(frozen=True)
class Alarm:
    """Alarm: one episode of one cell."""

    cell: str
    name: str
    """Fault class, `unknown` or `cell_silent`."""
    onset: int
    """First minute of the episode; with cell and name it identifies the episode."""
    severity: str
