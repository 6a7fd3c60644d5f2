"""An episode: one fault, in one place, from one minute to another; any of its minutes can be looked at alone."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from trainer.simulator.faults.fault_class import CONSTANTS, FaultClass, Move, Onset
from trainer.simulator.faults.knobs import Knobs
from trainer.simulator.network.network import Network
from trainer.simulator.randomness import Column, HashedDraws

ONCE = np.zeros(1, np.int64)

Place = Literal["cell", "site", "chain", "region", "network"]

FADED = 3
"""Time constants after which nothing is left of a fault that dies away."""


@dataclass(frozen=True)
class FaultEpisode:
    """`fault` in `cell` from minute `begin` on, over at `end`; everything random about it follows from `seed`."""

    cell: int
    fault: FaultClass
    begin: int
    end: int
    severity: float
    """0.12…1, see `draw_severity`."""
    seed: int
    place: Place | None = None
    """Whom it strikes beside `cell`; None: no one, and no neighbour feels it either, as in a laboratory."""
    ramp_minutes: float | None = None
    """How long a ramp takes; None: 10 to 60, by its seed."""

    @property
    def effect_end(self) -> int:
        """The minute from which on nothing is left of it."""
        fault = self.fault
        fading = 0 if fault.fade is None else int(np.ceil(FADED * fault.fade.of(_constants(self.seed))))
        return self.end + max(fading, fault.after_minutes if fault.after else 0)

    @property
    def onset(self) -> Onset:
        return _envelope(self.seed, self.fault.onsets)[0]

    def intensity(self, minute: NDArray[np.integer]) -> Column:
        """x in 0…1: severity along the envelope, ±10 % from minute to minute, dying away after its end; 0 outside.

        # [n] -> [n]
        """
        minute = np.asarray(minute, np.int64)
        since = minute - self.begin
        onset, (first, second, third) = _envelope(self.seed, self.fault.onsets)
        shape = np.ones(len(since), np.float32)
        if onset == "ramp":
            over = self.ramp_minutes or 10 + 50 * first
            shape = np.clip((since + 1).astype(np.float32) / np.float32(over), 0.15, 1)
        elif onset == "intermittent":
            period, duty = 4 + 14 * first, 0.35 + 0.45 * second  # minutes, share of time on
            shape = ((since + period * third) % period < duty * period).astype(np.float32)
        jitter = np.clip(1 + 0.1 * HashedDraws.of(self.seed, "jitter", ONCE, minute).normal("x"), 0.6, 1.4)
        left = ((since >= 0) & (minute < self.end)).astype(np.float32)
        if self.fault.fade is not None:
            fading = (minute >= self.end) & (minute < self.effect_end)
            left[fading] = np.exp((self.end - minute[fading]) / np.float32(self.fault.fade.of(_constants(self.seed))))
        return np.clip(np.float32(self.severity) * shape * jitter, 0, 1) * left


def apply_episode(
    knobs: Knobs,
    episode: FaultEpisode,
    rows: NDArray[np.integer],
    network: Network,
    cell: NDArray[np.integer],
    minute: NDArray[np.integer],
    moves: tuple[Move, ...] | None = None,
    weight: float = 1.0,
) -> None:
    """Moves the knobs of those rows, in place, as the episode does at their minutes.

    The rows are the caller's choice (the episode's cell, or a neighbour with `moves` and a weight of its own); only
    their minutes are looked at. # knobs [n] each, rows [m], cell [n], minute [n]
    """
    chosen: NDArray[np.int64] = np.asarray(rows, np.int64)
    fault = episode.fault
    x = episode.intensity(minute[chosen])
    on = np.flatnonzero(x > 0)
    _turn(
        episode.fault.moves if moves is None else moves,
        knobs,
        episode,
        chosen[on],
        x[on],
        network,
        cell,
        minute,
        weight,
    )
    if fault.after and (moves is None or moves is fault.moves):
        at = minute[chosen]
        back = chosen[(at >= episode.end) & (at < episode.end + fault.after_minutes)]
        ones = np.ones(len(back), np.float32)
        _turn(fault.after, knobs, episode, back, ones, network, cell, minute, weight)


def _turn(
    moves: tuple[Move, ...],
    knobs: Knobs,
    episode: FaultEpisode,
    rows: NDArray[np.int64],
    x: Column,
    network: Network,
    cell: NDArray[np.integer],
    minute: NDArray[np.integer],
    weight: float,
) -> None:
    if not rows.size:
        return
    since = (np.asarray(minute[rows], np.int64) - episode.begin).astype(np.float32)
    constants = _constants(episode.seed)
    for move in moves:
        if not all(condition.holds(constants) for condition in move.when):
            continue
        here = np.isin(network.statics.type[cell[rows]], move.types) if move.types else np.ones(len(rows), bool)
        move.turn(knobs, rows[here], x[here], since[here], constants, weight)


def draw_severity(u: float) -> float:
    """Severity from a uniform number: skewed to the subtle, a fifth below 0.26, median 0.52, a tenth above 0.90."""
    return 0.12 + 0.88 * u**1.15


def constants_of(episode: FaultEpisode) -> Column:
    """Which member of the family it is: uniform numbers in 0…1. # -> [CONSTANTS]"""
    return _constants(episode.seed)


@lru_cache(maxsize=65_536)
def _constants(seed: int) -> Column:
    constants: Column = HashedDraws.of(seed, "episode", ONCE, np.arange(CONSTANTS)).uniform("constant")
    return constants


@lru_cache(maxsize=65_536)
def _envelope(seed: int, onsets: tuple[Onset, ...]) -> tuple[Onset, tuple[float, float, float]]:
    which, first, second, third = HashedDraws.of(seed, "episode", ONCE, np.arange(4)).uniform("envelope").tolist()
    return onsets[int(which * len(onsets))], (first, second, third)
