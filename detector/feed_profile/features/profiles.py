"""Features of a feed against the catalogue and the baseline: missing, new, impossible, constant, in another unit."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detector.core.features import Catalogue, transform
from detector.feed_profile.features.names import match_names
from detector.feed_profile.features.units import CLEAR_SPREADS, cell_ratios, median_ratio, unit_factor
from detector.feed_profile.profile import FeatureProfile, NewFeature
from detector.feed_profile.reference import UsualValues
from detector.feed_profile.reports import Reports

LEAST_VALUES = 30
"""Values from which a feature may be called constant."""

VARIES_SHARE = 0.8
"""Share of the values whose baseline must expect other values, too."""

LEAST_SPREAD = 0.02
"""Spread, relative to the usual value, from which a feature varies. Availabilities and capacities hardly do."""


def profile_features(
    catalogue: Catalogue,
    reports: Reports,
    groups: Sequence[NDArray[np.intp]],
    usual_values: UsualValues,
    period_ratio: float,
) -> list[FeatureProfile]:
    """Return the profile of each feature of the catalogue. `period_ratio`: period seen to period declared."""
    values, usual, spread = reports.values, usual_values.mean, usual_values.spread
    logarithmic = catalogue.logarithmic
    is_clear = np.abs(usual) > CLEAR_SPREADS * spread
    expected = np.where(logarithmic, np.expm1(np.where(logarithmic, usual, 0)), usual)
    ratios = cell_ratios(groups, values, expected, is_clear)
    varies = _varies(transform(values.astype(np.float32), logarithmic), usual, spread)
    profiles = []
    for number, feature in enumerate(catalogue.features):
        column, tally = values[:, number], reports.tallies[number]
        known = column[~np.isnan(column)]
        outside = known[(known < np.float32(feature.low)) | (known > np.float32(feature.high))]
        count = max(1, len(reports))
        ratio = median_ratio(ratios[:, number])
        profiles.append(
            FeatureProfile(
                name=feature.name,
                reported=tally.reported / count,
                null=tally.null / count,
                not_number=tally.not_number / count,
                not_number_example=tally.example,
                out_of_range=len(outside) / max(1, len(known)),
                range_example=float(outside[0]) if len(outside) else None,
                low=feature.low,
                high=feature.high,
                in_baseline=bool(usual[:, number].any()),
                constant=_constant(known, varies[:, number]),
                ratio=None if ratio is None else float(f"{ratio:.3g}"),
                unit_factor=unit_factor(ratios[:, number], period_ratio if feature.kind == "counter" else 1),
            )
        )
    return profiles


def _varies(scaled: NDArray[np.float32], usual: NDArray[np.float32], spread: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return where the baseline expects other values than one constant. # [n, F] each

    A counter of rare events is 0 for long: its usual value lies less than a spread above.
    """
    is_wide = spread > LEAST_SPREAD * np.maximum(1, np.abs(usual))
    return np.where(scaled == 0, np.abs(usual) > spread, is_wide) & ~np.isnan(scaled)


def _constant(known: NDArray[np.float64], varies: NDArray[np.bool_]) -> float | None:
    """Return the one value of a feature that should have several, None for any other. # known: without NaN"""
    if len(known) < LEAST_VALUES or (known != known[0]).any():
        return None
    return float(known[0]) if varies.sum() >= VARIES_SHARE * len(known) else None


def profile_new_features(
    catalogue: Catalogue, reports: Reports, features: Sequence[FeatureProfile]
) -> list[NewFeature]:
    """Return the features that the catalogue lacks, the most frequent first, with missing ones that they may be."""
    missing = {feature.name for feature in features if not (feature.reported or feature.null or feature.not_number)}
    meant = match_names(list(reports.new_names), [f for f in catalogue.features if f.name in missing])
    count = max(1, len(reports))
    return [
        NewFeature(name=name, reported=records / count, near=meant.get(name, ""))
        for name, records in reports.new_names.most_common()
    ]
