"""What a fault class is: a family of movements of latent knobs. No fault ever touches a reported value.

Eight constants, drawn once per episode, choose *which* member of the family occurs: which branch, how much, whether
the power meter sees the loss. The intensity x in 0…1 says how bad it is at a minute.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from trainer.simulator.faults.knobs import BY_NAME, Knobs
from trainer.simulator.randomness import Column

Onset = Literal["step", "ramp", "intermittent"]
Near = Literal["sectors", "nearest", "ring", "far ring"]
CONSTANTS = 8


@dataclass(frozen=True)
class Range:
    """`at_0`…`at_1`, by the episode's constant of that index."""

    at_0: float
    at_1: float
    constant: int

    def of(self, constants: Column) -> float:
        return self.at_0 + (self.at_1 - self.at_0) * float(constants[self.constant])


Amount = Range | float


def amount_of(amount: Amount, constants: Column) -> float:
    return amount.of(constants) if isinstance(amount, Range) else amount


@dataclass(frozen=True)
class When:
    """Only in episodes whose constant of that index lies in [low, high)."""

    constant: int
    low: float
    high: float = 1.0

    def holds(self, constants: Column) -> bool:
        return self.low <= float(constants[self.constant]) < self.high


@dataclass(frozen=True)
class Growth:
    """How a movement builds up after the onset: `linear` over `minutes`, or `saturating` with that time constant."""

    shape: Literal["linear", "saturating"]
    minutes: Amount

    def at(self, since: Column, constants: Column) -> Column:
        grown = since / np.float32(amount_of(self.minutes, constants))
        return np.minimum(grown, 1) if self.shape == "linear" else 1 - np.exp(-grown)


@dataclass(frozen=True)
class Restart:
    """A planned restart: three minutes of draining, a time off the air, a partial minute, a wave of returning users.

    `part` says in which of the four the movement acts; returning, it fades with `fade_minutes`.
    """

    part: Literal["draining", "down", "first minute", "returning"]
    down: Range
    fade_minutes: float = 1.0

    def at(self, since: Column, constants: Column) -> Column:
        begin, end = np.float32(3), np.float32(3 + self.down.of(constants))
        if self.part == "draining":
            return (since < begin).astype(np.float32)
        if self.part == "down":
            return ((since >= begin) & (since < end)).astype(np.float32)
        if self.part == "first minute":
            return ((since >= end) & (since < end + 1)).astype(np.float32)
        return (since >= end) * np.exp(-np.maximum(since - end, 0) / np.float32(self.fade_minutes))


@dataclass(frozen=True)
class Move:
    """What intensity x does to a knob.

    plain: by `jump` + `slope` · x^`power`, at most `limit` in size; added, or for a factor 1 + that is multiplied.
    raised: multiplied by `base`^(`slope` · x); the exponent is held below 1.3.
    decades: adds 10^(`jump` + `slope` · x).
    capped: held below exp(`jump` + `slope` · x).
    """

    knob: str
    slope: Amount = 0.0
    jump: Amount = 0.0
    """At once, as soon as x > 0: even the mildest case of some faults is a change of state."""
    power: float = 1.0
    limit: float = np.inf
    form: Literal["plain", "raised", "decades", "capped"] = "plain"
    base: Amount = 1.0
    growth: Growth | Restart | None = None
    when: tuple[When, ...] = ()
    types: tuple[int, ...] = ()
    """Only in cells of these types; empty: in all."""

    def turn(
        self, knobs: Knobs, rows: NDArray[np.intp], x: Column, since: Column, constants: Column, weight: float = 1.0
    ) -> None:
        """Moves the knob on those rows, in place; by `weight` of it in a cell nearby. # rows, x, since [m]"""
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
            moved = np.clip(np.float32(jump) + np.float32(slope) * x**self.power, -self.limit, self.limit)
            moved = moved.astype(np.float32) * np.float32(weight)
            if self.growth is not None:
                moved = moved * self.growth.at(since, constants)
            if BY_NAME[self.knob].is_factor:
                column[rows] *= 1 + moved
            else:
                column[rows] += moved


@dataclass(frozen=True)
class Spillover:
    """What an episode does to the cells near its own.

    sectors: the others of the site. nearest: the nearest of other sites. ring: both. far ring: the ring's rings.
    """

    to: Near
    moves: tuple[Move, ...] = ()
    """Empty: the fault's own."""
    weight: Amount = 1.0
    """Of each move."""
    most: Amount = np.inf
    """So many cells, the nearest first."""
    absorbed: float = 0.0
    """Share of the stricken cell's users that come over: then the weight is what they are to each cell's own users."""
    called: str = ""
    """The look-alike it is there; empty: the fault itself."""
    tdd_only: bool = False


@dataclass(frozen=True)
class FaultClass:
    name: str
    kind: Literal["fault", "benign"]
    onsets: tuple[Onset, ...]
    median_minutes: float
    p90_minutes: float
    """Durations are log-normal."""
    moves: tuple[Move, ...]
    held_out: bool = False
    """Kept from training, to measure recognition of what was never trained."""
    hours: tuple[int, int] = (0, 24)
    """When it begins, where the class has hours of its own."""
    tdd_only: bool = False
    spills: tuple[Spillover, ...] = ()
    fade: Range | None = None
    """Time constant in minutes with which it dies away after its end, where it does not stop at once."""
    after: tuple[Move, ...] = ()
    """What its repair does, in the first `after_minutes` from its end on."""
    after_minutes: int = 1

    @property
    def knobs(self) -> tuple[str, ...]:
        """The knobs that the class may move, each once."""
        return tuple(dict.fromkeys(move.knob for move in self.moves))
