"""Normal profile of one network: its whitening, a bank of normal directions, stretches of normal life.

Nothing here needs a label or a gradient: this is how an encoder is adapted to another network.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from detector.core.encoder import Encoder, concatenate
from detector.core.features import ABSENT, Baseline
from detector.core.granularity import Granularity
from detector.core.networks.registry import NETWORKS
from detector.core.networks.spec import Spec
from detector.core.scoring.exemplars import NormalProfile
from detector.core.scoring.tail_fit import TWO_HOURS
from detector.history.parquet import HistoryError
from detector.terminal import progress
from trainer.calibration.whitening import fault_axes, view_whitening, whitening
from trainer.data.examples import cut_samples
from trainer.data.history import History
from trainer.data.injected_faults import inject_families

BANK = 512
"""Normal directions of a bundle."""

STEP_MINUTES = 5
"""Minutes from window to window of a stretch; one period where it is longer."""

SMOOTHING_MINUTES = 25
"""Minutes before the two hours of a stretch, in whole steps: the smoothed scores begin there. The smoothing of a period
of 30 minutes and more is one sample, which needs nothing before."""

STRETCHES_READ = 1200
"""Stretches per read: 125 MB of minutes, less of longer periods. A history in files goes through nearly all of
them for each read."""

SAMPLES_READ = 240_000
"""Samples per read of shorter stretches, which would else take as many reads as long ones."""

LEAST_REPORTED = 0.5
"""Least share of a stretch's samples that the cell reported: the daemon judges no window with fewer. With unreported
stretches the thresholds would be those of silence."""

DRAWS = 40
"""Times that stretches are drawn anew in place of unreported ones. Where one in ten is reported, 2 % remain undrawn."""

SHARE_DRAWS = 10_000
"""Samples of cells looked up for the share that was reported: its standard error is half a percent at most."""

STRETCHES_AT_ONCE = 64
"""Stretches embedded together: a window shares 55 of its minutes with the one before, and is copied nevertheless."""

FAMILIES, FAMILY_WINDOWS = 400, 3
"""Injected fault families that choose the shift directions for a network of many features, and windows of each."""


def measure_weights(spec: Spec, windows: NDArray[np.int8]) -> dict[str, NDArray[np.float32]]:
    """Return the weights that are measured on a network's normal windows, not trained. # int8 [n, 60, F]"""
    centre, whiten = whitening(windows)
    weights = {"centre": centre, "whiten": whiten}
    if not NETWORKS[spec.kind].whitens_input:
        return weights
    view_centre, view_whiten = view_whitening(windows)
    project = _shift_axes(windows, whiten, spec.shift)
    return {**weights, "project": project, "view_centre": view_centre, "view_whiten": view_whiten}


def _shift_axes(windows: NDArray[np.int8], whiten: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Return the directions of a shift for a network without learned faults.

    If there are few features, these are all of them. Otherwise they are the directions in which injected families
    move this network, because whitened normal windows prefer none. # int8 [n, 60, F], f32 [F, F] -> f32 [F, count]
    """
    features = windows.shape[2]
    if features <= count:
        return np.eye(features, count, dtype=np.float32)
    faults = inject_families(windows, FAMILIES, FAMILY_WINDOWS, seed=0)
    return fault_axes(faults.windows, faults.twins, whiten, count)


def normal_windows(history: History, baseline: Baseline, count: int, rng: np.random.Generator) -> NDArray[np.int8]:
    """Return windows from anywhere in what was reported, taken as normal: rare events in it stay rare among them.

    There are fewer than `count` where little was reported. Raises HistoryError if there is none. # -> int8 [n, 60, F]
    """
    granularity = history.catalogue.granularity
    cell = rng.integers(len(history.cells), size=count)
    end = _draw_ends(history, granularity.samples, count, rng)
    parts = _cut_reported(history, baseline, cell, end, samples=granularity.samples, rng=rng)
    return granularity.expand(np.concatenate([codes for codes, _ in parts]))


def reported_cell_days(history: History) -> float:
    """Return the days of cells that were reported, from a random sample of the history's minutes."""
    rng, period = np.random.default_rng(0), history.catalogue.period_minutes
    cell = rng.integers(len(history.cells), size=SHARE_DRAWS)
    first, last = history.span[0] // period, -(-history.span[1] // period)
    values = history.read(cell, period * rng.integers(first, last, size=SHARE_DRAWS))
    share = float((~np.isnan(values)).any(axis=1).mean())
    return share * len(history.cells) * (last - first) * period / 1440


def _cut_reported(
    history: History,
    baseline: Baseline,
    cell: NDArray[np.int64],
    end: NDArray[np.int64],
    *,
    samples: int,
    rng: np.random.Generator,
) -> Iterator[tuple[NDArray[np.int8], NDArray[np.int64]]]:
    """Yield the deviations and ends of these stretches; in place of an unreported one, another is drawn.

    Where everything was reported, nothing is drawn. Raises HistoryError if no stretch was reported.
    # [n], [n] -> int8 [k, samples, F], [k] each
    """
    count = missing = len(end)
    at_once = max(STRETCHES_READ, SAMPLES_READ // samples)
    for _ in range(DRAWS):
        for start in range(0, len(end), at_once):
            part = slice(start, start + at_once)
            codes = cut_samples(history, baseline, cell[part], end[part], samples)
            is_reported = (codes != ABSENT).any(axis=2).mean(axis=1) >= LEAST_REPORTED
            missing -= int(is_reported.sum())
            yield codes[is_reported], end[part][is_reported]
        if not missing:
            return
        cell, end = rng.integers(len(history.cells), size=missing), _draw_ends(history, samples, missing, rng)
    if missing == count:
        stretch_minutes = samples * history.catalogue.period_minutes
        raise HistoryError(
            f"too little past to tell: no cell reported half of any {stretch_minutes} minutes that were drawn, and"
            f" {reported_cell_days(history):.1f} cell-days in all; give a longer history."
        )


def step_samples(granularity: Granularity) -> int:
    """Return the samples from window to window of a stretch."""
    return granularity.count(STEP_MINUTES)


def stretch_windows(granularity: Granularity) -> int:
    """Return the windows of one stretch: two hours, and the smoothing before them."""
    step = step_samples(granularity) * granularity.period_minutes
    return TWO_HOURS // step + SMOOTHING_MINUTES // step


def _draw_ends(history: History, samples: int, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw the last minutes of stretches of so many samples, anywhere in the history. # -> [count]"""
    period = history.catalogue.period_minutes
    first, last = -(-history.span[0] // period), history.span[1] // period
    if last - first < samples:
        raise HistoryError(
            f"the history spans {history.span[1] - history.span[0]} minutes, and a stretch of normal life needs"
            f" {samples * period}; give a longer history."
        )
    return period * rng.integers(first + samples - 1, last, size=count)


def sample_normal(
    history: History, baseline: Baseline, encoder: Encoder, stretches: int, rng: np.random.Generator
) -> NormalProfile:
    """Return the embedded bank and stretches of a network, drawn from its history."""
    bank = encoder(normal_windows(history, baseline, BANK, rng)).direction
    granularity = history.catalogue.granularity
    step, length = step_samples(granularity), stretch_windows(granularity)
    samples = granularity.samples + (length - 1) * step
    cell = rng.permutation(np.arange(stretches) % len(history.cells))
    end = _draw_ends(history, samples, stretches, rng)
    parts, ends = [], []
    with progress("embedding normal life", stretches, "stretches") as advance:
        for codes, part_ends in _cut_reported(history, baseline, cell, end, samples=samples, rng=rng):
            parts += [encoder(windows) for windows in _cut_stretches(codes, granularity)]
            ends.append(part_ends)
            advance(len(codes))
    drawn = np.concatenate(ends)
    return NormalProfile(bank, concatenate(parts).reshaped(len(drawn), length), drawn, step)


def _cut_stretches(codes: NDArray[np.int8], granularity: Granularity) -> Iterator[NDArray[np.int8]]:
    """Yield the windows of some stretches at a time, a step apart. # int8 [n, samples, F] -> int8 [k, 60, F] each"""
    samples, step = granularity.samples, step_samples(granularity)
    for start in range(0, len(codes), STRETCHES_AT_ONCE):
        part = codes[start : start + STRETCHES_AT_ONCE]
        windows = np.lib.stride_tricks.sliding_window_view(part, samples, axis=1)[:, ::step]
        yield granularity.expand(np.ascontiguousarray(windows.swapaxes(2, 3)).reshape(-1, samples, codes.shape[2]))
