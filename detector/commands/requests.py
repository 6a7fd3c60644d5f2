"""Requests of the verbs whose work prints a report."""

from dataclasses import dataclass
from pathlib import Path

from detector.signatures import SigningKey
from detector.teaching.request import SampleRequest


@dataclass(frozen=True, kw_only=True)
class ReplayRequest:
    """A history to replay, the labels to replay it with, and the files to write."""

    history: Path
    bundle: Path
    config: Path | None
    """Configuration with the settings; None = their defaults."""
    labels: Path | None
    """Labels as JSON lines."""
    teach: Path | None
    """Episodes to teach, as CSV."""
    teach_from: Path | None
    """History of those episodes; None = the replayed one."""
    alarms: Path | None
    report: Path | None


@dataclass(frozen=True, kw_only=True)
class ReproduceRequest:
    """An alarm whose verdict is computed again."""

    alarm: str
    """Its `alarmId`, or the first characters of it."""
    bundle: Path | None
    """Bundle that raised it; None = the configured one."""
    history: Path | None
    """Folder of Parquet with the cell's minutes; None = the input topic."""
    json: bool


@dataclass(frozen=True, kw_only=True)
class SearchRequest:
    """An episode, and the past to search for similar ones. Times are minutes since 1970."""

    cell: str
    begin: int
    end: int | None
    now: int
    history: Path | None
    """Folder of Parquet; None = the input topic."""
    offline: bool
    """Do not read alarms from Kafka."""
    most: int
    farthest: float
    """Largest distance, 1 - cosine."""
    json: bool


@dataclass(frozen=True, kw_only=True)
class PackExportRequest:
    """Labels to write into a pack."""

    file: Path
    classes: list[str]
    """Classes to export; empty = all."""
    signer: SigningKey | None
    json: bool


@dataclass(frozen=True, kw_only=True)
class PackImportRequest:
    """A pack to preview and to publish if it is accepted."""

    file: Path
    sha256: str | None
    """Digest that the sender gave."""
    accept: bool
    force: bool
    sample: SampleRequest
    json: bool


@dataclass(frozen=True, kw_only=True)
class ShadowReportRequest:
    """Two configurations whose alarms are compared."""

    config: Path
    shadow: Path
    since: int | None
    """First minute; None = the minute of the shadow's first alarm."""
    json: bool
    textfile: Path | None
    """File for the node exporter's textfile collector."""
