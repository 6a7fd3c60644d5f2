"""What the weights of a network are of, and what a network gives: the words its files share."""

from collections.abc import Callable, Mapping
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
    shift: int = 48
    """Coordinates kept of how far a window lies from normal: 93 % of what procedural faults do, and no detection was
    lost against all 130."""


class Output(NamedTuple):
    """What every network makes of n windows."""

    raw: Any
    """The direction before it is of unit length. # f32 [n, D]"""
    moved: dict[str, Any] = {}  # noqa: RUF012  # never written to
    """New values of the moving averages, by name; none unless it learns."""


Arrays = Mapping[str, Any]

Drop = Callable[[Any], Any]
"""What is done to the hidden layer while a network learns."""


@dataclass(frozen=True)
class NetworkDefinition:
    """One kind."""

    shapes: Callable[[Spec], dict[str, tuple[int, ...]]]
    """All arrays by name: what a bundle must hold, no more and no less."""
    forward: Callable[..., Output]
    """View, weights by name, Drop where it learns -> Output"""
    widths: tuple[int, int]
    """`first` and `second`, unless told otherwise: such that the whole has about the tree's number of weights."""
    unlearned: frozenset[str] = field(default=frozenset({"centre", "whiten", "project"}))
    """Arrays that no gradient moves: measured, or moving averages."""
    folded: Callable[[Arrays], Arrays] | None = None
    """Weights that make of the unwhitened view what the others make of the whitened, where a kind has such."""
    whitens: bool = False
    """Itself, what it reads of a window; so it is given the unwhitened view."""
    dimension: Callable[[int], int] = lambda features: DIMENSION
    """Of a direction, for so many features."""
