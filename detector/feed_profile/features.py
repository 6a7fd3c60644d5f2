"""Features of a feed against the catalogue and the baseline: missing, new, impossible, constant, in another unit."""

import re
from collections.abc import Sequence
from difflib import get_close_matches

import numpy as np
from numpy.typing import NDArray

from detector.core.features import Catalogue, transform
from detector.feed_profile.profile import FeatureProfile, NewFeature
from detector.feed_profile.reference import FeedReference, usual_values
from detector.feed_profile.reports import Reports
from detector.feed_profile.units import CLEAR_SPREADS, cell_ratios, median_ratio, unit_factor

LEAST_VALUES = 30
"""Values from which a feature may be called constant."""

VARIES_SHARE = 0.8
"""Share of the values whose baseline must expect other values, too."""

LEAST_SPREAD = 0.02
"""Spread, relative to the usual value, from which a feature varies. Availabilities and capacities hardly do."""


def profile_features(
    reference: FeedReference,
    reports: Reports,
    groups: Sequence[NDArray[np.intp]],
    minute: NDArray[np.int64],
    period_ratio: float,
) -> list[FeatureProfile]:
    """Return the profile of each feature of the catalogue. # minute [n]: begin of each report's period"""
    catalogue, values = reference.catalogue, reports.values
    usual, spread = usual_values(reference, reports.cells, minute)
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
    missing = {feature.name for feature in features if not feature.reported and not feature.null}
    names = {_plain(feature.name): feature.name for feature in catalogue.features if feature.name in missing}
    aliases = {_plain(f.alias): f.name for f in catalogue.features if f.name in missing and f.alias}
    count = max(1, len(reports))
    return [
        NewFeature(name=name, reported=seen / count, near=_near(name, aliases | names))
        for name, seen in reports.new_names.most_common()
    ]


def _near(name: str, candidates: dict[str, str]) -> str:
    """Return the missing feature that a new name may mean: the same letters and digits, a 3GPP name, or a near name."""
    plain = _plain(name)
    if plain in candidates:
        return candidates[plain]
    nearest = get_close_matches(plain, candidates, n=1, cutoff=NEAR)
    return candidates[nearest[0]] if nearest else ""


NEAR = 0.75
"""Share of common characters of a renamed feature. Names of counters have much in common: .6 finds many wrong ones."""


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name.casefold())
