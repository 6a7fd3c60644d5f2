"""JSON documents of the trainer's verbs: what `--json` prints. Each verb prints one; progress is on standard error."""

from typing import Any

import msgspec

from detector.core.features import Feature
from detector.json_document import Time


class BundleDocument(msgspec.Struct, kw_only=True):
    """Bundle that was written. `bundle`: its digest; `figures`: its quality at the end of the training."""

    out: str
    bundle: str
    encoder: str
    features: int
    cells: int
    figures: dict[str, float | None]


class SimulationDocument(msgspec.Struct, kw_only=True):
    """Scenario that was played. `last`: the minute after its last; `episodes`: null where Kafka took the records."""

    out: str | None
    kafka: bool
    cells: int
    episodes: int | None
    first: int
    first_time: Time
    last: int
    last_time: Time


class CollectionDocument(msgspec.Struct, kw_only=True):
    """Records that were written, and those that were refused, by reason."""

    out: str
    records: int
    refused: dict[str, int]


class FeatureDraftDocument(msgspec.Struct, kw_only=True):
    """Feature as the draft has it, and what is unsure about it."""

    feature: Feature
    unsure: list[str]


class ColumnDocument(msgspec.Struct, kw_only=True):
    """Column of the data that is no feature."""

    column: str
    reason: str


class CatalogueDocument(msgspec.Struct, kw_only=True):
    """Draft of a catalogue. `cell` and `time_column`: columns of the data; `out`: null without --out."""

    out: str | None
    cell: str
    time_column: str
    period_minutes: int
    stamp: str
    records: int
    cells: int
    features: list[FeatureDraftDocument]
    left_out: list[ColumnDocument]
    unsure: list[str]


class PictureDocument(msgspec.Struct, kw_only=True):
    """One picture."""

    file: str
    sentence: str


class PicturesDocument(msgspec.Struct, kw_only=True):
    """Pictures that were drawn."""

    pictures: list[PictureDocument]


class ComparisonRowDocument(msgspec.Struct, kw_only=True):
    """One loss on one encoder: its share on unseen classes, and half of the 95 % interval; null: not trained."""

    name: str
    encoder: str
    state: str
    reason: str
    share: float | None
    half: float | None


class ComparisonDocument(msgspec.Struct, kw_only=True):
    """Comparison of losses; compare.json beside the page has all figures."""

    page: str
    gap: str
    rows: list[ComparisonRowDocument]


class EvaluationDocument(msgspec.Struct, kw_only=True):
    """Evaluation of one or more bundles. Each case is as in evaluate.json; its `taught` episodes have their times."""

    page: str
    seed: int
    classes: list[str]
    chance: float
    cases: list[dict[str, Any]]


DOCUMENTS: dict[str, type[msgspec.Struct]] = {
    "simulate": SimulationDocument,
    "collect": CollectionDocument,
    "catalogue": CatalogueDocument,
    "look": PicturesDocument,
    "train": BundleDocument,
    "compare": ComparisonDocument,
    "adapt": BundleDocument,
    "evaluate": EvaluationDocument,
}
"""Document of each verb."""
