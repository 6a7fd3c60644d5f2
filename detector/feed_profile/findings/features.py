"""Findings of a feed's features, one for each kind of deviation, with the names of the features."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Literal

from detector.feed_profile.findings.sentences import factor_text, listed, percent
from detector.feed_profile.profile import FeatureProfile, FeedProfile
from detector.finding import Finding

PARTLY = 0.1
"""Share of the records without a feature from which it is partly missing. Windows bear a quarter."""

IMPOSSIBLE = 0.1
"""Share of values out of range, or no numbers, from which a feature must be mended. A rate of 101 % now and then is
not reported, and no more."""

LEAST_RECORDS = 5
"""Readable records from which features can be told at all."""


def feature_findings(profile: FeedProfile) -> Iterator[Finding]:
    """Yield the findings of the features."""
    if profile.records.readable < LEAST_RECORDS:
        return
    yield from _missing(profile)
    yield from _new(profile)
    yield from _not_numbers(profile.features)
    yield from _out_of_range(profile.features)
    yield from _units(profile.features)
    yield from _constant(profile.features)


def _missing(profile: FeedProfile) -> Iterator[Finding]:
    features = profile.features
    renamed = {new.near for new in profile.new_features if new.near}
    silent = [feature for feature in features if not feature.reported and not feature.not_number]
    absent = [feature.name for feature in silent if not feature.null and feature.name not in renamed]
    if absent:
        text = f"{_counted(absent, features)} in no record: {listed(absent)};"
        yield Finding("features", "error", text + " send them, or train a bundle without them.")
    null = [feature.name for feature in silent if feature.null and feature.in_baseline]
    if null:
        text = f"{_counted(null, features)} null in all records: {listed(null)};"
        yield Finding("features", "warning", text + " find out why nothing measures them.")
    partly = [feature for feature in features if feature.reported and _absent_share(feature) >= PARTLY]
    if partly:
        names = [f"{feature.name} ({percent(_absent_share(feature))})" for feature in partly]
        text = f"{_counted(names, features)} left out of a part of the records: {listed(names)};"
        yield Finding("features", "warning", text + " find the senders that leave them out.")


def _counted(names: Sequence[str], features: Sequence[FeatureProfile]) -> str:
    return f"{len(names)} of {len(features)} features"


def _absent_share(feature: FeatureProfile) -> float:
    """Return the share of the records that have not even a null. Null is usual where nothing happened to measure."""
    return 1 - feature.reported - feature.null - feature.not_number


def _new(profile: FeedProfile) -> Iterator[Finding]:
    features = profile.features
    renamed = [f"{new.name} for {new.near}" for new in profile.new_features if new.near]
    if renamed:
        text = f"{_counted(renamed, features)} renamed, it seems: {listed(renamed)};"
        yield Finding("features", "error", text + " send the names of the catalogue, or train with the new ones.")
    new = [new.name for new in profile.new_features if not new.near]
    if new:
        text = f"not in the catalogue, and therefore of no use to the bundle: {listed(new)};"
        yield Finding("features", "warning", text + " leave them out, or train a bundle with them.")


def _not_numbers(features: list[FeatureProfile]) -> Iterator[Finding]:
    wrong = [feature for feature in features if feature.not_number]
    if wrong:
        names = [f"{f.name} ({percent(f.not_number)}, such as {f.not_number_example})" for f in wrong]
        text = f"{_counted(names, features)} with values that are no numbers: {listed(names)};"
        level = _level(max(feature.not_number for feature in wrong))
        yield Finding("features", level, text + " send JSON numbers, and null for what was not reported.")


def _out_of_range(features: list[FeatureProfile]) -> Iterator[Finding]:
    outside = [feature for feature in features if feature.out_of_range]
    if outside:
        names = [
            f"{f.name} ({percent(f.out_of_range)}, such as {f.range_example:g}; {f.low:g} to {f.high:g})"
            for f in outside
        ]
        text = f"{_counted(names, features)} with values out of range: {listed(names)};"
        level = _level(max(feature.out_of_range for feature in outside))
        yield Finding("features", level, text + " mend the sender, or the range in the catalogue.")


def _level(share: float) -> Literal["warning", "error"]:
    return "error" if share >= IMPOSSIBLE else "warning"


def _units(features: list[FeatureProfile]) -> Iterator[Finding]:
    by_factor: defaultdict[float, list[str]] = defaultdict(list)
    for feature in features:
        if feature.unit_factor is not None:
            by_factor[feature.unit_factor].append(feature.name)
    for factor, names in sorted(by_factor.items(), key=lambda item: -len(item[1])):
        text = f"{_counted(names, features)} with values about {factor_text(factor)} the usual ones: {listed(names)};"
        yield Finding("features", "error", text + " send them in the catalogue's units.")


def _constant(features: list[FeatureProfile]) -> Iterator[Finding]:
    stuck = [f"{feature.name} ({feature.constant:g})" for feature in features if feature.constant is not None]
    if stuck:
        text = f"{_counted(stuck, features)} with one value in all cells, where the baseline has many: {listed(stuck)};"
        yield Finding("features", "error", text + " look at what measures them.")
