"""JSON documents of the verbs that teach: a label with its preview, and the preview of a pack."""

import msgspec

from detector.json_document import Time


class IntervalDocument(msgspec.Struct, kw_only=True):
    """Alarm of a replay. `before`: names of the alarms on the cell at that time without the label."""

    cell: str
    name: str
    onset: int
    onset_time: Time
    raised: int
    raised_time: Time
    score: float
    until: int | None
    until_time: Time | None
    before: list[str]


class NeighbourDocument(msgspec.Struct, kw_only=True):
    """Class already taught, with the cosine of its nearest exemplar to the new example."""

    name: str
    kind: str
    cosine: float


class ForecastDocument(msgspec.Struct, kw_only=True):
    """Preview of a label. Rates are per 1,000 cells and day: the value, and its 95 % interval."""

    kind: str
    size: float
    ordinary_share: float
    score: float
    threshold: float
    nearest: list[NeighbourDocument]
    cells: int
    first: int
    first_time: Time | None
    last: int
    last_time: Time | None
    cell_days: float
    named: list[IntervalDocument]
    silenced: list[IntervalDocument]
    alarms_before: int
    alarms_after: int
    budget: float
    whose: str
    new_alarms: int
    new_alarms_per_1000_cell_days: list[float]
    weak: bool
    breaks_budget: bool


class TaughtDocument(msgspec.Struct, kw_only=True):
    """Label that was published, or would be without `--dry-run`, with its preview."""

    id: str
    name: str = msgspec.field(name="class")
    kind: str
    cell: str
    begin: int
    begin_time: Time
    end: int
    end_time: Time
    published: bool
    quarantined: bool
    forced: bool
    forecast: ForecastDocument


class ClassForecastDocument(msgspec.Struct, kw_only=True):
    """Preview of the labels of one class of a pack. `rate`: new alarms per 1,000 cells and day; null: not known."""

    name: str
    labels: int
    episodes: int
    cells: int
    fresh: int
    rate: list[float | None]
    breaks: bool


class PackForecastDocument(msgspec.Struct, kw_only=True):
    """Preview of all labels of a pack."""

    cells: int
    first: int
    first_time: Time | None
    last: int
    last_time: Time | None
    cell_days: float
    budget: float
    brought: list[ClassForecastDocument]
    silenced: list[IntervalDocument]
    alarms_before: int
    alarms_after: int
