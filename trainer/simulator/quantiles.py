"""Counts by inversion: one uniform in, one Poisson or binomial count out, whatever the parameters.

A sampler that draws until it is satisfied would use a number of draws that depends on the data, and a fault would
then shift the luck of everything after it.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Column = NDArray[np.floating]
"""One value per simulated row, float32 in fact: numpy's stubs promise float64 for `array * 0.5`. # [n]"""

EXACT_BELOW = np.float32(5.5)
"""Mean below which the distribution is summed term by term; above, the normal with Cornish and Fisher's first
correction for skewness is within 0.005 (total variation) of it."""

NEGLIGIBLE = np.float32(1e-9)
"""A term so small that float32 sums no longer feel it: the search has arrived in the far tail."""


def poisson_quantile(uniform: Column, mean: Column) -> Column:
    """Smallest count whose Poisson distribution function reaches the uniform. # [n], [n] -> [n]"""
    counts = np.zeros(uniform.shape, np.float32)
    many = np.flatnonzero(mean >= EXACT_BELOW)
    if many.size:
        middle, z = mean[many], ndtri(uniform[many])
        skewed = middle + np.sqrt(middle) * z + (z * z - 1) * np.float32(1 / 6)
        counts[many] = np.maximum(np.floor(skewed + np.float32(0.5)), 0)
    few = np.flatnonzero((uniform > 1 - mean) & (mean < EXACT_BELOW))  # P(0) ≥ 1 − mean: all others are certain zeros
    if few.size:
        rate = mean[few]
        counts[few] = _search(uniform[few], np.exp(-rate), np.zeros_like(rate), rate)
    return counts


def binomial_quantile(uniform: Column, trials: Column, share: Column) -> Column:
    """Smallest count whose binomial distribution function reaches the uniform. # [n], [n], [n] -> [n]"""
    share = np.broadcast_to(np.asarray(share, np.float32), uniform.shape)
    if not (share > 0.5).any():
        return _binomial_of_minority(uniform, trials, share)
    mirrored = share > 0.5  # count the failures instead: the search below is short for small shares
    minority = np.where(mirrored, 1 - share, share)
    counts = _binomial_of_minority(np.where(mirrored, 1 - uniform, uniform), trials, minority)
    return np.where(mirrored, trials - counts, counts)


def _binomial_of_minority(uniform: Column, trials: Column, share: Column) -> Column:
    mean = trials * share
    counts = np.zeros(uniform.shape, np.float32)
    many = np.flatnonzero(mean >= EXACT_BELOW)
    if many.size:
        n, p, z = trials[many], share[many], ndtri(uniform[many])
        skewed = mean[many] + np.sqrt(mean[many] * (1 - p)) * z + (1 - 2 * p) * (z * z - 1) * np.float32(1 / 6)
        counts[many] = np.clip(np.floor(skewed + np.float32(0.5)), 0, n)
    few = np.flatnonzero((uniform > 1 - mean) & (mean < EXACT_BELOW) & (mean > 0))
    if few.size:
        n, p = trials[few], share[few]
        odds = p / (1 - p)
        counts[few] = np.minimum(_search(uniform[few], np.exp(n * np.log1p(-p)), -odds, (n + 1) * odds), n)
    return counts


def _search(uniform: Column, none: Column, a: Column, b: Column) -> Column:
    """Sums P(k) = P(k − 1) · (a + b/k) from P(0) = `none` until the uniform is reached (Panjer, ASTIN 1981)."""
    counts = np.zeros(uniform.shape, np.float32)
    rows = np.flatnonzero(uniform > none)
    uniform, term, a, b = uniform[rows], none[rows], a[rows], b[rows]
    reached = term.copy()
    k = 0
    while rows.size:
        k += 1
        term *= a + b * np.float32(1 / k)
        reached += term
        on = (uniform > reached) & (term > NEGLIGIBLE)
        if not on.all():  # rows that have arrived are dropped
            counts[rows[~on]] = k
            rows, uniform, term, reached, a, b = rows[on], uniform[on], term[on], reached[on], a[on], b[on]
    return counts
