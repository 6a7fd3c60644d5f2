"""Feed profile: all that was measured of a sample of a feed, as plain values for tables, JSON and findings."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class RecordsProfile:
    """Records of the sample. `first`, `last`: earliest and latest minute that several cells have reported."""

    source: str
    count: int
    readable: int
    first: int | None
    last: int | None
    median_bytes: int
    largest_bytes: int
    copied_timestamps: bool
    """Whether the timestamps equal the records' own times, which leaves no delay to measure."""
    refused: dict[str, int]
    """Records that the daemon refuses, by reason."""
    time_forms: dict[str, int]
    time_examples: dict[str, str]
    duplicates: int
    """Records of a cell and time that an earlier record of the sample has, with the same values."""
    restated: int
    """The same, with other values."""


@dataclass(frozen=True, kw_only=True)
class PeriodProfile:
    """Granularity period. `seen_minutes`: null where too few cells have two records."""

    declared_minutes: int
    seen_minutes: float | None
    cells_by_period: dict[str, int]
    """Cells by the median minutes between two records."""
    off_grid: float
    """Share of times that begin no period of the declared length."""
    declared_stamp: str
    is_end_stamp: bool
    """Whether the records come before the period is over that would begin at their times."""


@dataclass(frozen=True, kw_only=True)
class DelayProfile:
    """Delay of records: minutes from the end of their period to the timestamp that Kafka has."""

    count: int
    """Records with a delay. 0 where the timestamps are absent, or copied from the records' times."""
    p50_minutes: float | None
    p90_minutes: float | None
    p99_minutes: float | None
    max_minutes: float | None
    zone_hours: int
    """Whole hours by which all cells' times are ahead (positive) or late (negative); 0 for none."""
    ahead: dict[str, float]
    """Cells ahead of the others, and by how many minutes."""
    behind: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class CellsProfile:
    """Cells of the sample against those of the baseline."""

    reported: int
    known: int
    in_baseline: int
    unknown_examples: list[str]
    change: str
    """Change of the identifiers, as a sentence's part: `in upper case`; empty where none explains the unknown."""
    change_examples: list[tuple[str, str]]
    """Pairs of a reported and a known name."""
    changed: int


@dataclass(frozen=True, kw_only=True)
class FeatureProfile:
    """One feature of the catalogue. Shares are of the readable records, those of values of the reported ones."""

    name: str
    reported: float
    null: float
    not_number: float
    not_number_example: str
    out_of_range: float
    range_example: float | None
    low: float
    high: float
    in_baseline: bool
    """Whether the baseline has a mean other than 0, which it has of a feature that no cell reported."""
    constant: float | None
    """The one value of all cells where the baseline expects several; null where it varies."""
    ratio: float | None
    """Median over cells of the values to the usual ones; null where too few are comparable."""
    unit_factor: float | None
    """Factor between units that explains the ratio in most cells."""


@dataclass(frozen=True, kw_only=True)
class NewFeature:
    """Feature that the catalogue lacks. `near`: a feature that is never reported and may be meant."""

    name: str
    reported: float
    near: str


@dataclass(frozen=True, kw_only=True)
class KeysProfile:
    """Keys and partitions."""

    has_keys: bool
    missing: int
    mismatched: int
    mismatch_example: str
    cells_in_several_partitions: int
    several_example: str
    partitions: int
    empty_partitions: int
    most_cells: int
    """Cells in the fullest partition; `least_cells` in the emptiest of those that have any."""
    least_cells: int


@dataclass(frozen=True, kw_only=True)
class FeedProfile:
    """Profile of a feed's sample."""

    records: RecordsProfile
    period: PeriodProfile
    delay: DelayProfile
    cells: CellsProfile
    features: list[FeatureProfile]
    new_features: list[NewFeature]
    keys: KeysProfile
