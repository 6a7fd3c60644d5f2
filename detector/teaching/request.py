"""Requests to teach, confirm, reject or name an episode, as the command line hands them on.

This module imports nothing heavy: a verb builds its request before the work is imported.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class TeachRequest:
    """One episode of a cell and the class name it gets. Times are minutes since 1970."""

    cell: str
    name: str
    kind: str
    """`fault`, `normal` or `ignore`."""
    begin: int
    end: int | None = None
    """Minute after the last; None = an hour after `begin`, or the cell's newest minute."""
    expires: int | None = None
    """First minute of the network's time that the label no longer counts for."""
    severity: str = ""
    """Severity of the alarms; empty = by score."""
    cause: str = ""
    note: str = ""
    by: str = ""
    """Author of the label; empty = user@host."""
    alarm: str = ""
    """`alarmId` of the alarm that is confirmed or rejected with this label."""
    rejects: str = ""
    """Class name that the alarm bore, if the label rejects it."""


@dataclass(frozen=True, kw_only=True)
class ConfirmRequest:
    """An alarm that was right."""

    alarm: str
    """Its `alarmId`, or the first characters of it."""
    name: str = ""
    """Class name; empty = the alarm's own."""
    severity: str = ""
    cause: str = ""
    note: str = ""
    by: str = ""


@dataclass(frozen=True, kw_only=True)
class RejectRequest:
    """An alarm that was wrong."""

    alarm: str
    """Its `alarmId`, or the first characters of it."""
    kind: str
    """`ignore` or `normal`."""
    name: str = ""
    """Class name; empty = `not_` and the alarm's own."""
    expires: int | None = None
    note: str = ""
    by: str = ""


@dataclass(frozen=True, kw_only=True)
class NamingRequest:
    """A group of unknown alarms and the class name it gets."""

    number: int
    """Number of the group in the printed list, from 1 on."""
    include_named: bool
    """Whether the list includes groups whose alarms all have a name by now."""
    name: str
    kind: str
    severity: str = ""
    cause: str = ""
    note: str = ""
    by: str = ""


@dataclass(frozen=True, kw_only=True)
class SampleRequest:
    """Part of the past that a preview replays."""

    history: Path | None
    """Folder of Parquet; None = the input topic."""
    hours: float
    cell_days: float
    """Upper bound of the sample."""


@dataclass(frozen=True, kw_only=True)
class TeachOptions:
    """Options of a preview and of the publication that follows it."""

    sample: SampleRequest
    dry_run: bool = False
    """Print the preview and publish nothing."""
    force: bool = False
    """Publish a label in force although its preview breaks the budget."""
    json: bool = False
    """Print one JSON object instead of text."""
