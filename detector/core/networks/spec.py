"""What the weights of a network are of, and what a network gives: the words its files share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

DIMENSION = 64
"""Of a direction, unless a kind has reasons for another."""


@dataclass(frozen=True)
class Spec:
    """What the weights are of. It lies in the bundle beside them."""

    features: int
    kind: str = "tree"
    first: int = 64
    second: int = 64
    """Widths of the kind's two layers; its file says of what."""
    hidden: int = 192
    dimension: int = DIMENSION


class Lesson(NamedTuple):
    """What is different while a network learns."""

    dropout: float
    """Of the hidden layer."""
    seed: Any
    """keras.random.SeedGenerator"""


class Output(NamedTuple):
    """What every network makes of n windows."""

    direction: Any
    """Unit length. # f32 [n, D]"""
    size: Any
    """The whitened mean deviation. # f32 [n]"""
    hidden: Any
    """The last layer but one, for the trainer's objectives. # f32 [n, hidden]"""
    moved: dict[str, Any] = {}  # noqa: RUF012  # never written to
    """New values of the moving averages, by name; none unless it learns."""


@dataclass(frozen=True)
class Network:
    """One kind."""

    shapes: Callable[[Spec], dict[str, tuple[int, ...]]]
    """All arrays by name: what a bundle must hold, no more and no less."""
    forward: Callable[..., Output]
    """Blocks, weights by name, Lesson or None -> Output"""
    widths: tuple[int, int]
    """`first` and `second`, unless told otherwise: such that the whole has about the tree's number of weights."""
    unlearned: frozenset[str] = field(default=frozenset({"centre", "whiten"}))
    """Arrays that no gradient moves: measured, or moving averages."""
    dimension: Callable[[int], int] = lambda features: DIMENSION
    """Of a direction, for so many features."""
