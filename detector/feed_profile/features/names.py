"""Names of renamed features: pairs of a new name and a feature of the catalogue that is reported no more."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from detector.core.features import Feature

NEAR = 0.75
"""Share of common characters of a renamed feature. Names of counters have much in common: .6 finds many wrong ones."""

MOST_COMPARED = 300
"""New names that are compared with the missing ones: 300 by 130 take a second."""

SAME = 2.0
"""Likeness of names that are the same but for capitals and separators, or a 3GPP name: above every other."""


def match_names(new_names: Sequence[str], missing: Sequence[Feature]) -> dict[str, str]:
    """Return the missing feature that each new name may mean, each at most once, the most alike first."""
    likeness = [
        (alike, new, feature.name)
        for new in new_names[:MOST_COMPARED]
        for feature in missing
        if (alike := _likeness(new, feature)) >= NEAR
    ]
    meant: dict[str, str] = {}
    for _, new, name in sorted(likeness, key=lambda pair: -pair[0]):
        if new not in meant and name not in meant.values():
            meant[new] = name
    return meant


def _likeness(new: str, feature: Feature) -> float:
    plain, name = _plain(new), _plain(feature.name)
    if plain in (name, _plain(feature.alias)):
        return SAME
    matcher = SequenceMatcher(None, plain, name)
    return matcher.ratio() if matcher.quick_ratio() >= NEAR else 0.0


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name.casefold())
