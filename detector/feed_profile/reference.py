"""Reference of a feed's profile: catalogue, baseline and limits that the records are compared with."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.core.features import Baseline, Catalogue, day_basis
from detector.core.settings import Settings


@dataclass(frozen=True, kw_only=True)
class FeedReference:
    """Content of a bundle and a configuration that a feed is compared with."""

    catalogue: Catalogue
    baseline: Baseline
    max_record_bytes: int
    ahead_minutes: int
    behind_minutes: int

    @property
    def cells(self) -> set[str]:
        """Names of the cells that have a baseline of their own."""
        return {name.decode(errors="replace") for name in self.baseline.cells.tolist()}


def feed_reference(catalogue: Catalogue, baseline: Baseline, settings: Settings) -> FeedReference:
    """Return the reference of a bundle and a configuration."""
    return FeedReference(
        catalogue=catalogue,
        baseline=baseline,
        max_record_bytes=settings.max_record_bytes,
        ahead_minutes=settings.ahead_minutes,
        behind_minutes=settings.behind_minutes,
    )


ROWS_AT_ONCE = 2_000
"""Reports whose usual values are computed together: 130 features of them take some 10 MB."""


@dataclass(frozen=True)
class UsualValues:
    """Usual values of each report, by the baseline, on the transformed scale."""

    mean: NDArray[np.float32]
    """# [n, F]"""
    spread: NDArray[np.float32]
    """# [n, F]"""


def usual_values(reference: FeedReference, cells: list[str], minute: NDArray[np.int64]) -> UsualValues:
    """Return the usual values of these cells at these minutes. # [n] each"""
    baseline = reference.baseline
    rows = baseline.rows(cells)
    usual = np.empty((len(cells), len(reference.catalogue)), np.float32)
    spread = np.empty_like(usual)
    for first in range(0, len(cells), ROWS_AT_ONCE):
        part = slice(first, first + ROWS_AT_ONCE)
        coefficients = baseline.coefficients(rows[part])
        basis = day_basis(minute[part], (coefficients.shape[1] - 2) // 2)
        usual[part] = np.einsum("nh,nhf->nf", basis, coefficients[:, 1:])
        spread[part] = coefficients[:, 0]
    return UsualValues(usual, spread)
