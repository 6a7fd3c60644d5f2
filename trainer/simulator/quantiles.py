"""Poisson and binomial counts by inversion: one uniform number gives one count, whatever the parameters.

A rejection sampler uses a number of draws that depends on the data. A fault would then shift every later draw.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Column = NDArray[np.floating]
"""One value per simulated row; the dtype is float32, but numpy's stubs promise float64 for `array * 0.5`. # [n]"""

EXACT_BELOW = np.float32(5.5)
"""Mean below which the distribution is summed term by term. Above it, the normal approximation with Cornish and
Fisher's first correction for skewness is within 0.005 (total variation) of the exact distribution."""

NEGLIGIBLE = np.float32(1e-9)
"""Term too small to change a float32 sum: the search is then in the far tail and stops."""


def poisson_quantile(uniform: Column, mean: Column) -> Column:
    """Return the smallest count whose Poisson distribution function reaches the uniform. # [n], [n] -> [n]"""
    counts = np.zeros(uniform.shape, np.float32)
    large_rows = np.flatnonzero(mean >= EXACT_BELOW)
    if large_rows.size:
        large_mean, z = mean[large_rows], ndtri(uniform[large_rows])
        skewed = large_mean + np.sqrt(large_mean) * z + (z * z - 1) * np.float32(1 / 6)
        counts[large_rows] = np.maximum(np.floor(skewed + np.float32(0.5)), 0)
    small_rows = np.flatnonzero((uniform > 1 - mean) & (mean < EXACT_BELOW))  # P(0) ≥ 1 − mean: all other rows are zero
    if small_rows.size:
        rate = mean[small_rows]
        counts[small_rows] = _search(uniform[small_rows], np.exp(-rate), np.zeros_like(rate), rate)
    return counts


def binomial_quantile(uniform: Column, trials: Column, share: Column) -> Column:
    """Return the smallest count whose binomial distribution function reaches the uniform. # [n], [n], [n] -> [n]"""
    share = np.broadcast_to(np.asarray(share, np.float32), uniform.shape)
    if not (share > 0.5).any():
        return _binomial_of_minority(uniform, trials, share)
    mirrored = share > 0.5  # counts the failures instead: the search is short for small shares
    minority = np.where(mirrored, 1 - share, share)
    counts = _binomial_of_minority(np.where(mirrored, 1 - uniform, uniform), trials, minority)
    return np.where(mirrored, trials - counts, counts)


def _binomial_of_minority(uniform: Column, trials: Column, share: Column) -> Column:
    mean = trials * share
    counts = np.zeros(uniform.shape, np.float32)
    large_rows = np.flatnonzero(mean >= EXACT_BELOW)
    if large_rows.size:
        n, p, z = trials[large_rows], share[large_rows], ndtri(uniform[large_rows])
        skewed = (
            mean[large_rows] + np.sqrt(mean[large_rows] * (1 - p)) * z + (1 - 2 * p) * (z * z - 1) * np.float32(1 / 6)
        )
        counts[large_rows] = np.clip(np.floor(skewed + np.float32(0.5)), 0, n)
    small_rows = np.flatnonzero((uniform > 1 - mean) & (mean < EXACT_BELOW) & (mean > 0))
    if small_rows.size:
        n, p = trials[small_rows], share[small_rows]
        odds = p / (1 - p)
        counts[small_rows] = np.minimum(
            _search(uniform[small_rows], np.exp(n * np.log1p(-p)), -odds, (n + 1) * odds), n
        )
    return counts


def _search(uniform: Column, zero_p: Column, a: Column, b: Column) -> Column:
    """Return the k at which Σ P(k) reaches the uniform, with P(k) = P(k − 1) · (a + b/k) and P(0) = `zero_p`.

    The recursion is Panjer's (ASTIN 1981). # [n] each -> [n]
    """
    counts = np.zeros(uniform.shape, np.float32)
    rows = np.flatnonzero(uniform > zero_p)
    uniform, term, a, b = uniform[rows], zero_p[rows], a[rows], b[rows]
    cumulative_p = term.copy()
    k = 0
    while rows.size:
        k += 1
        term *= a + b * np.float32(1 / k)
        cumulative_p += term
        pending = (uniform > cumulative_p) & (term > NEGLIGIBLE)
        if not pending.all():  # finished rows are dropped
            counts[rows[~pending]] = k
            rows, uniform, term, cumulative_p, a, b = (
                rows[pending],
                uniform[pending],
                term[pending],
                cumulative_p[pending],
                a[pending],
                b[pending],
            )
    return counts
