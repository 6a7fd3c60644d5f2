"""An episode: one fault, in one cell, from one minute to another; any of its minutes can be looked at alone."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from trainer.simulator.faults import CONSTANTS, FaultClass, Onset
from trainer.simulator.knobs import Knobs
from trainer.simulator.network import Network
from trainer.simulator.randomness import Column, Draws

ONCE = np.zeros(1, np.int64)


@dataclass(frozen=True)
class Episode:
    """`fault` in `cell` from minute `begin` on, over at `end`; everything random about it follows from `seed`."""

    cell: int
    fault: FaultClass
    begin: int
    end: int
    severity: float
    """0.12…1, see `draw_severity`."""
    seed: int

    @property
    def onset(self) -> Onset:
        return _envelope(self.seed, self.fault.onsets)[0]

    def intensity(self, minute: NDArray[np.integer]) -> Column:
        """x in 0…1: severity along the envelope, ±10 % from minute to minute; 0 outside. # [n] -> [n]"""
        minute = np.asarray(minute, np.int64)
        since = minute - self.begin
        onset, (first, second, third) = _envelope(self.seed, self.fault.onsets)
        shape = np.ones(len(since), np.float32)
        if onset == "ramp":
            over = 10 + 50 * first  # minutes
            shape = np.clip((since + 1).astype(np.float32) / np.float32(over), 0.15, 1)
        elif onset == "intermittent":
            period, duty = 4 + 14 * first, 0.35 + 0.45 * second  # minutes, share of time on
            shape = ((since + period * third) % period < duty * period).astype(np.float32)
        jitter = np.clip(1 + 0.1 * Draws.of(self.seed, "jitter", ONCE, minute).normal("x"), 0.6, 1.4)
        active = (since >= 0) & (minute < self.end)
        return np.clip(np.float32(self.severity) * shape * jitter, 0, 1) * active


def apply(
    knobs: Knobs,
    episode: Episode,
    rows: NDArray[np.integer],
    network: Network,
    cell: NDArray[np.integer],
    minute: NDArray[np.integer],
) -> None:
    """Moves the knobs of those rows, in place, as the episode does at their minutes.

    The rows are the caller's choice (the episode's cell, or a neighbour that shares its fault); only their minutes
    are looked at. # knobs [n] each, rows [m], cell [n], minute [n]
    """
    x = episode.intensity(minute[rows])
    on = np.flatnonzero(x > 0)
    rows, x = np.asarray(rows, np.intp)[on], x[on]
    if not rows.size:
        return
    since = (np.asarray(minute[rows], np.int64) - episode.begin).astype(np.float32)
    constants = _constants(episode.seed)
    for move in episode.fault.moves:
        if not all(condition.holds(constants) for condition in move.when):
            continue
        here = np.isin(network.statics.type[cell[rows]], move.types) if move.types else np.ones(len(rows), bool)
        move.turn(knobs, rows[here], x[here], since[here], constants)


def draw_severity(u: float) -> float:
    """Severity from a uniform number: skewed to the subtle, a fifth below 0.26, median 0.52, a tenth above 0.90."""
    return 0.12 + 0.88 * u**1.15


@lru_cache(maxsize=65_536)
def _constants(seed: int) -> Column:
    constants: Column = Draws.of(seed, "episode", ONCE, np.arange(CONSTANTS)).uniform("constant")
    return constants


@lru_cache(maxsize=65_536)
def _envelope(seed: int, onsets: tuple[Onset, ...]) -> tuple[Onset, tuple[float, float, float]]:
    which, first, second, third = Draws.of(seed, "episode", ONCE, np.arange(4)).uniform("envelope").tolist()
    return onsets[int(which * len(onsets))], (first, second, third)
