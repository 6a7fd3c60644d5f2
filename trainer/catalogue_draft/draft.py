"""Draft of a catalogue from a sample: key columns and period, features in their order, and what was left out."""

from dataclasses import dataclass

import numpy as np

from detector.config.catalogue_rules import feature_mistakes
from detector.core.features import Catalogue
from detector.core.vocabulary import PERIODS
from trainer.catalogue_draft.feature_draft import FeatureDraft, draft_feature
from trainer.catalogue_draft.key_columns import KeyColumns, find_keys, is_end
from trainer.catalogue_draft.names import read_name, words
from trainer.catalogue_draft.statistics import ValueStatistics, value_statistics
from trainer.catalogue_draft.table import DraftError, SampleColumn, Table
from trainer.catalogue_draft.times import column_seconds
from trainer.data.period import frequent_minutes, sample_distances

SUB_MINUTE_SECONDS = 45
"""Median distance below which samples are more than one a minute; above it, seconds are the jitter of a sender."""

IDENTIFIER_WORDS = words(
    "id pci tac lac rac eci ecgi nci ncgi cgi mcc mnc plmn arfcn earfcn nrarfcn lat latitude lon lng longitude azimuth"
    " enb gnb enodeb gnodeb nodeb site version granularity gran period seq sequence rownum serial band vendor region"
)
"""Words of what identifies or describes a cell, and is no measurement of it."""

CONSTANT_SHARE = 0.95
"""Share of constant cells from which a column of whole numbers describes the cell."""


@dataclass(frozen=True)
class CatalogueDraft:
    """Draft: features with remarks, the feed's period, and the columns that are no features."""

    features: tuple[FeatureDraft, ...]
    period_minutes: int
    cell: str
    """Column of the cells."""
    time: str
    """Column of the times."""
    records: int
    cells: int
    left_out: tuple[tuple[str, str], ...]
    """Columns that are no features, each with the reason."""
    unsure: tuple[str, ...]
    """Remarks on period and key columns."""

    @property
    def catalogue(self) -> Catalogue:
        return Catalogue(tuple(draft.feature for draft in self.features), self.period_minutes)


def draft_catalogue(table: Table, cell: str | None = None, time: str | None = None) -> CatalogueDraft:
    """Return the draft of a sample's features. Raises DraftError where it has no cell, no time or no feature."""
    keys = find_keys(table, cell, time)
    remarks = list(keys.unsure)
    period = _period(keys, remarks)
    if is_end(keys.time):
        remarks.append(f"the times are in the column {keys.time}; set `stamp: end` if they are the ends of the periods")
    features: list[FeatureDraft] = []
    left_out: list[tuple[str, str]] = []
    for name, column in table.items():
        if name in (keys.cell, keys.time, keys.hour):
            continue
        values = value_statistics(column.numbers, keys.cells, keys.seconds)
        reason = _no_feature(name, column, values)
        if reason:
            left_out.append((name, reason))
        else:
            features.append(draft_feature(name, values))
    features = _with_fit_names(features, left_out)
    if not features:
        raise DraftError(
            f"no column beside `{keys.cell}` and `{keys.time}` holds measurements; give data with numbers of each cell."
        )
    return CatalogueDraft(
        features=tuple(features),
        period_minutes=period,
        cell=keys.cell,
        time=keys.time,
        records=len(keys.seconds),
        cells=len(np.unique(keys.cells[keys.cells >= 0])),
        left_out=tuple(left_out),
        unsure=tuple(remarks),
    )


def _no_feature(name: str, column: SampleColumn, values: ValueStatistics) -> str:
    """Return why a column is no feature; empty if it is one."""
    if column.is_time:
        return "a time"
    if column.texts is not None:
        return "text" if values.reported == 0 and column.is_reported.any() else "not reported in the sample"
    if not values.reported:
        return "not reported in the sample"
    named = read_name(name)
    if named.words & {"time", "date", "timestamp", "begin", "end"} and column_seconds(column) is not None:
        return "a time"
    is_measured = named.kind is not None or not values.is_whole
    if values.is_whole and named.words & IDENTIFIER_WORDS and (values.constant_cells >= CONSTANT_SHARE or values.rises):
        return "an identifier, or a property of the cell"
    if values.is_whole and values.rises and values.different == values.reported and not is_measured:
        return "a number of the record"
    if not is_measured and values.constant_cells >= CONSTANT_SHARE and values.different > 1 and values.low > 0:
        return "constant in each cell, so a property of the cell"
    return ""


def _period(keys: KeyColumns, remarks: list[str]) -> int:
    """Return the granularity period in minutes that the times of the sample show."""
    distances = sample_distances(keys.cells, keys.seconds)
    minutes = frequent_minutes(distances)
    if minutes is None:
        remarks.append("no cell has two samples at different times, so the period is a guess")
        return 1
    if float(np.median(distances)) < SUB_MINUTE_SECONDS:
        remarks.append(f"a cell has a sample every {np.median(distances):.0f} s; they are taken together by the minute")
    nearest = min(PERIODS, key=lambda period: abs(period - minutes))
    if minutes != nearest:
        allowed = ", ".join(map(str, PERIODS))
        remarks.append(f"a cell has a sample every {minutes} minutes, and the allowed periods are {allowed}")
    return nearest


def _with_fit_names(features: list[FeatureDraft], left_out: list[tuple[str, str]]) -> list[FeatureDraft]:
    """Return the features whose names a catalogue may have; the others are left out, with the rule's sentence."""
    rows = [{"name": draft.feature.name} for draft in features]
    unfit = {keys[0]: text for keys, text in feature_mistakes(rows) if len(keys) == 2 and keys[1] == "name"}
    left_out.extend((features[index].feature.name, text) for index, text in unfit.items() if isinstance(index, int))
    return [draft for index, draft in enumerate(features) if index not in unfit]
