"""Builder of a feed's profile: reads the records once, and hands the columns to each part."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detector.core.ingest.decoder import Decoder
from detector.feed_profile.delays import copied_times, profile_delay
from detector.feed_profile.features.profiles import profile_features, profile_new_features
from detector.feed_profile.groups import group_rows
from detector.feed_profile.identifiers import profile_cells
from detector.feed_profile.keys import profile_keys
from detector.feed_profile.periods import profile_period
from detector.feed_profile.profile import FeedProfile, RecordsProfile
from detector.feed_profile.records import NO_TIMESTAMP, RawRecords
from detector.feed_profile.reference import FeedReference, usual_values
from detector.feed_profile.reports import Reports, read_reports

EDGE_PERCENT = 1
"""Times of the sample, in percent at each end, that do not count for its span: one clock may be wrong by years."""


def profile_feed(records: RawRecords, reference: FeedReference) -> FeedProfile:
    """Return the profile of a sample."""
    catalogue = reference.catalogue
    reports = read_reports(records, catalogue)
    names, groups = group_rows(reports.cells)
    cells, original_names = profile_cells(reference, names)
    arrival_s = _arrivals(records, reports)
    is_copied = copied_times(arrival_s - reports.seconds, catalogue.period_minutes)
    if is_copied:
        arrival_s[:] = np.nan
    period = profile_period(reference, groups, reports.seconds, arrival_s)
    period_s = 60.0 * (period.seen_minutes or catalogue.period_minutes)
    stamps_end = catalogue.stamp == "end" or period.is_end_stamp
    begin_s = reports.seconds - period_s if stamps_end else reports.seconds
    usual = usual_values(
        reference, [original_names.get(cell, cell) for cell in reports.cells], (begin_s // 60).astype(np.int64)
    )
    period_ratio = period_s / 60 / catalogue.period_minutes
    features = profile_features(catalogue, reports, groups, usual, period_ratio)
    return FeedProfile(
        records=_profile_records(records, reference, reports, is_copied),
        period=period,
        delay=profile_delay(reference, names, groups, begin_s + period_s, arrival_s),
        cells=cells,
        features=features,
        new_features=profile_new_features(catalogue, reports, features),
        keys=profile_keys(records, reports, names, groups),
    )


def _arrivals(records: RawRecords, reports: Reports) -> NDArray[np.float64]:
    """Return the timestamp of each report in seconds, NaN = none. # [n]"""
    timestamp_ms = records.timestamp_ms[reports.rows].astype(np.float64)
    return np.where(timestamp_ms == NO_TIMESTAMP, np.nan, timestamp_ms / 1000)


def _profile_records(
    records: RawRecords, reference: FeedReference, reports: Reports, is_copied: bool
) -> RecordsProfile:
    sizes = np.array([len(value) for value in records.values if value is not None], np.int64)
    minute = reports.seconds // 60
    first, last = np.percentile(minute, (EDGE_PERCENT, 100 - EDGE_PERCENT)) if len(minute) else (0, 0)
    duplicates, restated = _repeats(reports, group_rows(reports.cells)[1])
    return RecordsProfile(
        source=records.source,
        count=len(records),
        readable=len(reports),
        first=int(first) if len(minute) else None,
        last=int(last) if len(minute) else None,
        median_bytes=int(np.median(sizes)) if len(sizes) else 0,
        largest_bytes=int(sizes.max(initial=0)),
        copied_timestamps=is_copied,
        refused=_refusals(records, reference),
        time_forms=dict(reports.time_forms.most_common()),
        time_examples=reports.time_examples,
        duplicates=duplicates,
        restated=restated,
    )


def _repeats(reports: Reports, groups: Sequence[NDArray[np.intp]]) -> tuple[int, int]:
    """Return the number of records whose cell and time an earlier one has: with the same values, with others."""
    duplicates = restated = 0
    for rows in groups:
        first: dict[float, int] = {}
        for row in rows.tolist():
            earlier = first.setdefault(float(reports.seconds[row]), row)
            if earlier != row:
                is_same = np.array_equal(reports.values[row], reports.values[earlier], equal_nan=True)
                duplicates, restated = duplicates + is_same, restated + (not is_same)
    return duplicates, restated


def _refusals(records: RawRecords, reference: FeedReference) -> dict[str, int]:
    """Return the records that the daemon's own decoder refuses, by reason."""
    decoder = Decoder(reference.catalogue, reference.max_record_bytes)
    reasons: Counter[str] = Counter()
    for part in records.parts:
        reasons.update(str(rejection.reason) for rejection in decoder.decode(part)[1])
    return dict(reasons.most_common())
