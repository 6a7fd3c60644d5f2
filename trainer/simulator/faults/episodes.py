"""Episode: one fault in one place between two minutes; each of its minutes is computable alone."""

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from trainer.simulator.faults.fault_class import CONSTANTS, FaultClass, Move, Onset
from trainer.simulator.faults.knobs import Knobs
from trainer.simulator.network.network import Network
from trainer.simulator.randomness import Column, HashedDraws

ONE_ENTITY = np.zeros(1, np.int64)
"""Entity of an episode's hashed draws: its seed alone tells episodes apart."""

Place = Literal["cell", "site", "chain", "region", "network"]

DECAY_TIME_CONSTANTS = 3
"""Time constants after which a decaying fault is over."""


@dataclass(frozen=True)
class FaultEpisode:
    """Fault in a cell from minute `begin` until before `end`; `seed` determines all its random properties."""

    cell: int
    fault: FaultClass
    begin: int
    end: int
    severity: float
    """Severity in 0.12…1; see `draw_severity`."""
    seed: int
    place_kind: Place | None = None
    """Group of cells that it strikes around `cell`. None: this cell only, without an effect on neighbours."""
    ramp_minutes: float | None = None
    """Duration of a ramp; None: 10 to 60, by the seed."""

    @property
    def effect_end(self) -> int:
        """First minute without any effect of the episode: its end, plus decay or repair."""
        fault = self.fault
        decay_minutes = 0
        if fault.fade is not None:
            decay_minutes = int(np.ceil(DECAY_TIME_CONSTANTS * fault.fade.value(_constants(self.seed))))
        return self.end + max(decay_minutes, fault.repair_minutes if fault.repair_moves else 0)

    @property
    def onset(self) -> Onset:
        """Kind of onset, chosen by the seed among those of the class."""
        return _envelope(self.seed, self.fault.onsets)[0]

    def intensity(self, minute: NDArray[np.integer]) -> Column:
        """Return the intensity x in 0…1: severity times envelope, ±10 % from minute to minute.

        It decays after the end where the class does, and is 0 outside the episode. # [n] -> [n]
        """
        minute = np.asarray(minute, np.int64)
        since = minute - self.begin
        onset, (first, second, third) = _envelope(self.seed, self.fault.onsets)
        shape = np.ones(len(since), np.float32)
        if onset == "ramp":
            ramp_minutes = self.ramp_minutes or 10 + 50 * first
            shape = np.clip((since + 1).astype(np.float32) / np.float32(ramp_minutes), 0.15, 1)
        elif onset == "intermittent":
            period, duty = 4 + 14 * first, 0.35 + 0.45 * second  # minutes, share of time on
            shape = ((since + period * third) % period < duty * period).astype(np.float32)
        jitter = np.clip(1 + 0.1 * HashedDraws.of(self.seed, "jitter", ONE_ENTITY, minute).normal("x"), 0.6, 1.4)
        remaining = ((since >= 0) & (minute < self.end)).astype(np.float32)
        if self.fault.fade is not None:
            decaying = (minute >= self.end) & (minute < self.effect_end)
            remaining[decaying] = np.exp(
                (self.end - minute[decaying]) / np.float32(self.fault.fade.value(_constants(self.seed)))
            )
        return np.clip(np.float32(self.severity) * shape * jitter, 0, 1) * remaining


def apply_episode(
    knobs: Knobs,
    episode: FaultEpisode,
    rows: NDArray[np.integer],
    *,
    network: Network,
    cell: NDArray[np.integer],
    minute: NDArray[np.integer],
    moves: tuple[Move, ...] | None = None,
    weight: float = 1.0,
) -> None:
    """Shift the knobs of the given rows, in place, as the episode does at their minutes.

    The caller chooses the rows: those of the episode's cell, or of a neighbour with its own `moves` and `weight`. Only
    their minutes matter. # knobs [n] each, rows [m], cell [n], minute [n]
    """
    chosen: NDArray[np.int64] = np.asarray(rows, np.int64)
    fault = episode.fault
    x = episode.intensity(minute[chosen])
    active = np.flatnonzero(x > 0)
    fault_moves = episode.fault.moves if moves is None else moves
    shift = partial(_shift_knobs, knobs, episode, network=network, cell=cell, minute=minute, weight=weight)
    shift(moves=fault_moves, rows=chosen[active], x=x[active])
    if fault.repair_moves and (moves is None or moves is fault.moves):
        row_minute = minute[chosen]
        repaired = chosen[(row_minute >= episode.end) & (row_minute < episode.end + fault.repair_minutes)]
        shift(moves=fault.repair_moves, rows=repaired, x=np.ones(len(repaired), np.float32))


def _shift_knobs(
    knobs: Knobs,
    episode: FaultEpisode,
    *,
    moves: tuple[Move, ...],
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
        if move.cell_types:
            members = np.isin(network.statics.type[cell[rows]], move.cell_types)
        else:
            members = np.ones(len(rows), bool)
        move.shift_knob(
            knobs, rows=rows[members], x=x[members], since=since[members], constants=constants, weight=weight
        )


def draw_severity(u: float) -> float:
    """Return a severity for a uniform number: a fifth below 0.26, median 0.52, a tenth above 0.90."""
    return 0.12 + 0.88 * u**1.15


def constants_of(episode: FaultEpisode) -> Column:
    """Return the uniform numbers in 0…1 that choose the member of the fault family. # -> [CONSTANTS]"""
    return _constants(episode.seed)


@lru_cache(maxsize=65_536)
def _constants(seed: int) -> Column:
    constants: Column = HashedDraws.of(seed, "episode", ONE_ENTITY, np.arange(CONSTANTS)).uniform("constant")
    return constants


@lru_cache(maxsize=65_536)
def _envelope(seed: int, onsets: tuple[Onset, ...]) -> tuple[Onset, tuple[float, float, float]]:
    onset_draw, first, second, third = (
        HashedDraws.of(seed, "episode", ONE_ENTITY, np.arange(4)).uniform("envelope").tolist()
    )
    return onsets[int(onset_draw * len(onsets))], (first, second, third)
