"""Fault class: a family of shifts of latent knobs. No fault changes a reported value directly.

Eight constants, drawn once per episode, choose the member of the family: which branch, how much, whether the power
meter shows the loss. The intensity x in 0…1 is the size of the fault at a minute.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from trainer.simulator.faults.knobs import BY_NAME, Knobs
from trainer.simulator.randomness import Column

Onset = Literal["step", "ramp", "intermittent"]
Neighbourhood = Literal["sectors", "nearest", "ring", "far ring"]
CONSTANTS = 8
"""Uniform constants per episode."""


@dataclass(frozen=True)
class Range:
    """Value in `at_0`…`at_1`, linear in the episode's constant of that index."""

    at_0: float
    at_1: float
    constant: int

    def value(self, constants: Column) -> float:
        return self.at_0 + (self.at_1 - self.at_0) * float(constants[self.constant])


Amount = Range | float


def amount_of(amount: Amount, constants: Column) -> float:
    """Return the amount for an episode's constants. # [CONSTANTS]"""
    return amount.value(constants) if isinstance(amount, Range) else amount


@dataclass(frozen=True)
class When:
    """Condition of a move: the episode's constant of that index lies in [low, high)."""

    constant: int
    low: float
    high: float = 1.0

    def holds(self, constants: Column) -> bool:
        return self.low <= float(constants[self.constant]) < self.high


@dataclass(frozen=True)
class Growth:
    """Growth of a shift after the onset: `linear` over `minutes`, or `saturating` with that time constant."""

    shape: Literal["linear", "saturating"]
    minutes: Amount

    def factor(self, since: Column, constants: Column) -> Column:
        progress = since / np.float32(amount_of(self.minutes, constants))
        return np.minimum(progress, 1) if self.shape == "linear" else 1 - np.exp(-progress)


@dataclass(frozen=True)
class Restart:
    """Phase of a planned restart in which a shift acts.

    The phases are: three minutes of draining, a time out of service, a partial minute, a wave of returning users. In
    the last one the shift fades with the time constant `fade_minutes`.
    """

    part: Literal["draining", "down", "first minute", "returning"]
    down: Range
    fade_minutes: float = 1.0

    def factor(self, since: Column, constants: Column) -> Column:
        begin, end = np.float32(3), np.float32(3 + self.down.value(constants))
        if self.part == "draining":
            return (since < begin).astype(np.float32)
        if self.part == "down":
            return ((since >= begin) & (since < end)).astype(np.float32)
        if self.part == "first minute":
            return ((since >= end) & (since < end + 1)).astype(np.float32)
        return (since >= end) * np.exp(-np.maximum(since - end, 0) / np.float32(self.fade_minutes))


@dataclass(frozen=True)
class Move:
    """Shift of one knob by the intensity x.

    plain: adds d = `jump` + `slope` · x^`power`, at most `limit` in size; a factor knob is multiplied by 1 + d.
    raised: multiplies by `base`^(`slope` · x), with an exponent of at most 1.3.
    decades: adds 10^(`jump` + `slope` · x).
    capped: limits the knob to exp(`jump` + `slope` · x).
    """

    knob: str
    slope: Amount = 0.0
    jump: Amount = 0.0
    """Shift as soon as x > 0: some faults change the state even in their mildest case."""
    power: float = 1.0
    limit: float = np.inf
    form: Literal["plain", "raised", "decades", "capped"] = "plain"
    base: Amount = 1.0
    growth: Growth | Restart | None = None
    when: tuple[When, ...] = ()
    cell_types: tuple[int, ...] = ()
    """Cell types in which the move acts; empty: all."""

    def shift_knob(
        self, knobs: Knobs, rows: NDArray[np.intp], x: Column, since: Column, constants: Column, weight: float = 1.0
    ) -> None:
        """Shift the knob on those rows, in place; a neighbour's `weight` scales the shift.

        `since` are minutes since the onset. # rows, x, since [m]
        """
        column = knobs[self.knob]
        jump, slope = amount_of(self.jump, constants), amount_of(self.slope, constants)
        if self.form == "raised":
            base = np.float32(weight * np.log(amount_of(self.base, constants)))
            column[rows] *= np.exp(base * np.minimum(np.float32(slope) * x, np.float32(1.3)))
        elif self.form == "decades":
            column[rows] += np.float32(weight) * np.exp(
                (np.float32(jump) + np.float32(slope) * x) * np.float32(np.log(10))
            )
        elif self.form == "capped":
            column[rows] = np.minimum(column[rows], np.exp(np.float32(jump) + np.float32(slope) * x))
        else:
            shift = np.clip(np.float32(jump) + np.float32(slope) * x**self.power, -self.limit, self.limit)
            shift = shift.astype(np.float32) * np.float32(weight)
            if self.growth is not None:
                shift = shift * self.growth.factor(since, constants)
            if BY_NAME[self.knob].is_factor:
                column[rows] *= 1 + shift
            else:
                column[rows] += shift


@dataclass(frozen=True)
class Spillover:
    """Effect of an episode on the neighbours of its cells.

    sectors: the other sectors of the site. nearest: the nearest sectors of other sites. ring: both. far ring: the
    neighbours of the ring.
    """

    neighbourhood: Neighbourhood
    moves: tuple[Move, ...] = ()
    """Moves in the neighbour; empty: those of the fault."""
    weight: Amount = 1.0
    """Factor on each move."""
    max_cells: Amount = np.inf
    """Largest number of cells, the nearest first."""
    absorbed_share: float = 0.0
    """Share of the struck cell's users that the neighbours absorb. Above 0, the weight is their ratio to each
    neighbour's own users."""
    look_alike: str = ""
    """Label in the neighbour; empty: the fault's name."""
    tdd_only: bool = False


@dataclass(frozen=True)
class FaultClass:
    """Fault class or benign look-alike: onsets, durations, moves and effects on neighbours."""

    name: str
    kind: Literal["fault", "benign"]
    onsets: tuple[Onset, ...]
    median_minutes: float
    p90_minutes: float
    """90th percentile of the log-normal duration."""
    moves: tuple[Move, ...]
    held_out: bool = False
    """Excluded from training, so that recognition of untrained classes can be measured."""
    hours: tuple[int, int] = (0, 24)
    """Hours of the day in which episodes begin."""
    tdd_only: bool = False
    spills: tuple[Spillover, ...] = ()
    fade: Range | None = None
    """Time constant in minutes of the decay after the end; None: the fault stops at once."""
    repair_moves: tuple[Move, ...] = ()
    """Moves of the repair, in the first `repair_minutes` from the end on."""
    repair_minutes: int = 1

    @property
    def knobs(self) -> tuple[str, ...]:
        """Knobs that the class may shift, each once."""
        return tuple(dict.fromkeys(move.knob for move in self.moves))
